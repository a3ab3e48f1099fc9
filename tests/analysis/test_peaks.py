import numpy as np
import pytest
import xarray as xr
from scipy import signal, stats

from memjax.analysis import peak

SIZE = 50 * 2 ** np.arange(10)
GAP = np.array([9.15, 12.87, 17.56, 23.16, 30.05, 38.12, 40.47, 32.33, 26.56, 22.49])


def _curve(values, size=SIZE):
    dims = ("seed", "train_size")[-np.ndim(values) :]
    return xr.DataArray(values, dims=dims, coords={"train_size": size[: np.shape(values)[-1]]}, attrs={"units": "1"})


def _noisy(sd=0.5, seeds=4):
    return _curve(GAP + sd * np.random.default_rng(0).standard_normal((seeds, GAP.size)))


def test_definitions_on_the_published_shape():
    top = peak(_curve(GAP))
    assert (float(top.location), float(top.height), bool(top.interior)) == (3200.0, 40.47, True)
    assert float(top.rise_above_ends) == pytest.approx(40.47 - (9.15 + 22.49) / 2.0)
    # For one maximum our prominence is the topographic one.
    assert float(top.prominence) == pytest.approx(signal.peak_prominences(GAP, [6])[0][0])


def test_intervals_are_student_t_of_each_seeds_own_differences():
    values = _noisy()
    top = peak(values)
    differences = values[:, 6] - values[:, 9]
    expected = stats.t.interval(0.95, 3, loc=differences.mean(), scale=stats.sem(differences))
    np.testing.assert_allclose(top.prominence_interval, expected, rtol=1e-12)
    expected = stats.t.interval(0.95, 3, loc=values[:, 6].mean(), scale=stats.sem(values[:, 6]))
    np.testing.assert_allclose(top.height_interval, expected, rtol=1e-12)
    differences = values[:, 6] - (values[:, 0] + values[:, 9]) / 2.0
    expected = stats.t.interval(0.95, 3, loc=differences.mean(), scale=stats.sem(differences))
    np.testing.assert_allclose(top.rise_above_ends_interval, expected, rtol=1e-12)


def test_agreement_counts_seeds():
    values = np.array([[1.0, 5.0, 2.0], [1.0, 6.0, 7.0], [1.0, 6.0, 2.0], [1.0, np.nan, 2.0]])
    assert float(peak(_curve(values)).agreement) == pytest.approx(2.0 / 3.0)


def test_order_of_positions_does_not_matter():
    xr.testing.assert_identical(peak(_noisy()), peak(_noisy()[:, [6, 2, 9, 0, 1, 3, 8, 4, 5, 7]]))


@pytest.mark.parametrize(("values", "location"), [(np.arange(4.0), 400.0), (-np.arange(4.0), 50.0)])
def test_maximum_at_an_end_has_no_prominence(values, location):
    top = peak(_curve(values))
    assert float(top.location) == location
    assert not top.interior and float(top.prominence) == 0.0


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full(10, np.nan), "0 positions with finite values, at least 3 needed"),
        (np.where(SIZE < 200, GAP, np.nan), "2 positions with finite values, at least 3 needed"),
        (np.full(10, 2.0), "the curve is constant"),
    ],
)
def test_degenerate_curves_give_nan_and_a_reason_and_leave_neighbours(values, reason):
    both = peak(xr.concat([_curve(values), _curve(GAP)], "width"))
    assert both.reason[0] == reason
    assert np.isnan(both.location[0]) and not both.interior[0]
    xr.testing.assert_equal(both.isel(width=1), peak(_curve(GAP)))


def test_a_diverged_end_is_skipped():
    values = _noisy()
    values[:, -1] = np.nan
    top = peak(values)
    assert float(top.prominence) == pytest.approx(float(values.mean("seed")[6] - values.mean("seed")[8]))


def test_one_seed_has_no_interval():
    top = peak(_noisy(seeds=1))
    assert np.isnan(top.height_interval).all() and np.isnan(top.agreement)
    assert top.reason == "one seed: no interval"


def test_units_are_kept():
    assert peak(_noisy()).height.attrs["units"] == "1"


def test_noise_is_that_of_one_run_beyond_the_level_of_its_seed():
    values = _noisy() + xr.DataArray([0.0, 50.0, -20.0, 3.0], dims="seed")
    top = peak(values)
    levelled = values - values.mean("train_size") - values.mean("seed") + values.mean()
    assert top.noise.item() == pytest.approx(np.sqrt((levelled**2).sum() / (3 * 9)).item())
    assert top.prominence_in_noise.item() == pytest.approx(float(top.prominence / top.noise))
    assert top.rise_in_noise.item() == pytest.approx(float(top.rise_above_ends / top.noise))
    assert np.isnan(peak(_curve(GAP)).noise) and np.isnan(peak(_curve(GAP)).prominence_in_noise)


def test_location_interval_holds_the_positions_that_the_noise_allows():
    assert peak(_noisy(sd=0.1)).location_interval.values.tolist() == [3200.0, 3200.0]
    # The two largest means are 2.35 apart: a standard error of 1.5 lets them change places, one of 0.05 does not.
    assert peak(_noisy(sd=3.0)).location_interval.values.tolist() == [1600.0, 3200.0]
    assert np.isnan(peak(_noisy(), resamples=0).location_interval).all()
    assert np.isnan(peak(_curve(GAP)).location_interval).all()
