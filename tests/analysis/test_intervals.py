import numpy as np
import pytest
import xarray as xr
from scipy import stats

from memjax.analysis import mean_interval


def _values(shape, seed=0):
    return xr.DataArray(np.random.default_rng(seed).normal(3.0, 2.0, shape), dims=("train_size", "seed"))


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_matches_scipy_t_interval(level):
    values = _values((3, 5))
    result = mean_interval(values, level=level)
    lower, upper = stats.t.interval(level, 4, loc=values.mean("seed"), scale=stats.sem(values, axis=1))
    # Largest difference seen: 2e-15.
    np.testing.assert_allclose(result.mean_interval.sel(bound="lower"), lower, rtol=1e-12)
    np.testing.assert_allclose(result.mean_interval.sel(bound="upper"), upper, rtol=1e-12)
    assert result.mean_interval.dims == ("train_size", "bound")


def test_missing_seeds_are_left_out_of_their_own_row_only():
    values = _values((2, 5))
    holed = values.copy()
    holed[0, 3:] = [np.nan, np.inf]
    result, short = mean_interval(holed), mean_interval(values[:, :3])
    xr.testing.assert_equal(result.isel(train_size=0), short.isel(train_size=0))
    xr.testing.assert_equal(result.isel(train_size=1), mean_interval(values).isel(train_size=1))


def test_too_few_seeds_give_nan_and_a_reason():
    values = xr.DataArray([[4.0, np.nan], [np.nan, np.nan], [2.0, 2.0]], dims=("train_size", "seed"))
    result = mean_interval(values)
    np.testing.assert_array_equal(result["mean"], [4.0, np.nan, 2.0])
    np.testing.assert_array_equal(result.mean_interval, [[np.nan] * 2, [np.nan] * 2, [2.0, 2.0]])
    assert result["count"].values.tolist() == [1, 0, 2]
    assert result.reason.values.tolist() == ["one finite value: no interval", "no finite value", ""]


def test_order_of_seeds_does_not_matter():
    values = _values((2, 6))
    xr.testing.assert_allclose(mean_interval(values), mean_interval(values[:, ::-1]), rtol=1e-14)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_level_is_checked(level):
    with pytest.raises(ValueError, match=r"level = .* between 0 and 1"):
        mean_interval(_values((2, 3)), level=level)
