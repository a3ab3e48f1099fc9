import numpy as np
import pytest
import xarray as xr

from memjax.analysis import first, gap, last, maximum


@pytest.fixture
def norm():
    values = np.array([[[2.0, 9.0, 5.0], [3.0, 4.0, np.nan]], [[1.0, 1.5, 2.5], [np.nan, 2.0, 3.0]]], dtype=np.float32)
    return xr.DataArray(
        values,
        dims=("train_size", "seed", "step"),
        coords={
            "train_size": ("train_size", [50, 100], {"units": "examples"}),
            "step": [0, 10, 20],
            "status": (("train_size", "seed"), [["finished", "diverged"], ["finished", "finished"]]),
        },
        name="weight_l2",
        attrs={"long_name": "L2 norm", "units": "1", "note": "dropped"},
    )


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        (first, [[2.0, 3.0], [1.0, np.nan]]),
        (last, [[5.0, np.nan], [2.5, 3.0]]),
        (gap, [[3.0, np.nan], [1.5, np.nan]]),
        (maximum, [[9.0, np.nan], [2.5, np.nan]]),
    ],
)
def test_values_and_missing_ends(norm, summary, expected):
    np.testing.assert_array_equal(summary(norm).values, expected)


def test_labels_coordinates_and_precision(norm):
    result = gap(norm)
    assert result.attrs == {"long_name": "gap of L2 norm", "units": "1"}
    assert result.name == "weight_l2_gap"
    assert result.dims == ("train_size", "seed")
    assert result.dtype == np.float64
    assert result.train_size.attrs == {"units": "examples"}
    assert result.status.values.tolist() == norm.status.values.tolist()
    assert "step" not in result.coords


def test_dimension_may_stand_anywhere(norm):
    xr.testing.assert_identical(gap(norm), gap(norm.transpose("step", "seed", "train_size")).transpose(*gap(norm).dims))


def test_unnamed_series():
    assert gap(xr.DataArray([1.0, 2.0], dims="step")).attrs == {"long_name": "gap"}


def test_errors_name_the_remedy(norm):
    with pytest.raises(ValueError, match=r"dim = 'epoch' is not a dimension.*'step'"):
        gap(norm, dim="epoch")
    with pytest.raises(ValueError, match="length 0"):
        gap(norm.isel(step=slice(0, 0)))
    with pytest.raises(ValueError, match=r"Dataset with variables \['weight_l2'\].*Pick a variable"):
        gap(norm.to_dataset())
    with pytest.raises(ValueError, match="series is a ndarray"):
        gap(norm.values)


def test_a_shorter_run_ends_at_its_own_last_step_and_a_diverged_one_is_nan():
    nan = np.nan
    series = xr.DataArray(
        [[1.0, 3.0, nan, nan], [1.0, 2.0, 5.0, 9.0], [1.0, 4.0, nan, nan]],
        dims=("run", "step"),
        coords={
            "step": [0, 10, 20, 30],
            "status": ("run", ["finished", "finished", "diverged"]),
            "stop_step": ("run", [10, 30, 13]),
        },
    )
    np.testing.assert_array_equal(last(series), [3.0, 9.0, nan])
    np.testing.assert_array_equal(gap(series), [2.0, 8.0, nan])
    np.testing.assert_array_equal(maximum(series), [3.0, 9.0, nan])
    np.testing.assert_array_equal(last(series.sel(step=slice(0, 20))), [3.0, 5.0, nan])
