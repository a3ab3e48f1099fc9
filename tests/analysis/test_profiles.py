import numpy as np
import pytest
import xarray as xr

from memjax.analysis import fit, profile

SIZE = 50.0 * 2 ** np.arange(6)


def _noisy(sd=0.3, seeds=4):
    noise = sd * np.random.default_rng(0).standard_normal((seeds, 6))
    return xr.DataArray(6.5 * SIZE**0.27 - 9.636 + noise, dims=("seed", "train_size"), coords={"train_size": SIZE})


def test_held_at_an_exponent_the_rest_is_plain_least_squares():
    values = _noisy()
    ridge = profile(values, "offset power law", "exponent", values=[0.35, 0.2, 0.5])
    assert ridge.exponent.values.tolist() == [0.2, 0.35, 0.5]
    for exponent in ridge.exponent.values:
        columns = np.stack([np.ones(6), SIZE**exponent], axis=1)
        (offset, amplitude), rss = np.linalg.lstsq(columns, values.mean("seed").values, rcond=None)[:2]
        one = ridge.sel(exponent=exponent)
        # Largest relative difference seen: 3e-6.
        np.testing.assert_allclose([one.offset, one.amplitude], [offset, amplitude], rtol=1e-4)
        total = ((values.mean("seed") - values.mean()) ** 2).sum()
        assert one.r_squared.item() == pytest.approx(1.0 - rss[0] / total.item(), abs=1e-8)


def test_rise_is_zero_at_the_best_and_crosses_at_the_profile_interval():
    values = _noisy()
    law = fit(values, "offset power law", interval="profile")
    at = [*law.exponent_interval.values, law.exponent.item()]
    ridge = profile(values, "offset power law", "exponent", values=at)
    np.testing.assert_allclose(ridge.rise, [ridge.attrs["threshold"], 0.0, ridge.attrs["threshold"]], atol=1e-3)
    inside = profile(values, "offset power law", "exponent").inside
    low, high = law.exponent_interval.values
    expected = (inside.exponent >= low) & (inside.exponent <= high)
    np.testing.assert_array_equal(inside, expected)
    assert (
        inside.exponent[0] < 2.0 * low - law.exponent + 1e-3 and inside.exponent[-1] > 2.0 * high - law.exponent - 1e-3
    )


def test_along_the_ridge_the_offset_moves_far_while_the_fit_stays_as_good():
    ridge = profile(_noisy(), "offset power law", "exponent")
    inside = ridge.where(ridge.inside, drop=True)
    assert np.ptp(inside.offset.values) > 5.0 and inside.r_squared.min() > 0.9997
    assert (np.diff(inside.offset.values) > 0.0).all()


def test_errors_name_the_remedy():
    with pytest.raises(ValueError, match=r"parameter = 'slope' is not known; choose one of \['amplitude'"):
        profile(_noisy(), "offset power law", "slope")
    with pytest.raises(ValueError, match="cannot be fitted to the curve: the curve is constant"):
        profile(xr.zeros_like(_noisy()), "offset power law", "exponent")
    with pytest.raises(ValueError, match="no noise to judge by"):
        profile(_noisy().isel(seed=[0, 0]), "offset power law", "exponent")
    with pytest.raises(ValueError, match=r"Choose one entry of \['width'\]"):
        profile(_noisy().expand_dims("width"), "offset power law", "exponent")
