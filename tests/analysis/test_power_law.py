import numpy as np
import pytest
import xarray as xr
from scipy.optimize import curve_fit

from memjax.analysis import evaluate_power_law, fit_power_law
from memjax.analysis._power_law import power_law_of_seeds
from memjax.analysis._resampling import student_means
from memjax.analysis.intervals import student_interval

SIZE = 50.0 * 2 ** np.arange(6)
PUBLISHED = 6.5 * SIZE**0.27 - 9.636


def _curve(values, size=SIZE):
    dims = ("seed", "train_size")[-np.ndim(values) :]
    return xr.DataArray(
        values, dims=dims, coords={"train_size": size}, attrs={"long_name": "gap", "units": "1"}, name="weight_l2"
    )


def _noisy(seeds=4, sd=0.5, rng_seed=0):
    return _curve(PUBLISHED + sd * np.random.default_rng(rng_seed).standard_normal((seeds, SIZE.size)))


@pytest.mark.parametrize(
    ("amplitude", "exponent", "constant"),
    [(6.5, 0.27, -9.636), (3.0, -0.7, 2.0), (-2.0, 1.8, 5.0), (40.0, -2.5, 0.0), (1e-3, 3.0, -4.0)],
)
def test_exact_curves_are_recovered(amplitude, exponent, constant):
    law = fit_power_law(_curve(amplitude * SIZE**exponent + constant), offset=True)
    # Largest errors seen over these cases: 5e-12 relative, and 6e-8 in the offset of values up to 2e5.
    np.testing.assert_allclose([law.amplitude, law.exponent], [amplitude, exponent], rtol=1e-9)
    np.testing.assert_allclose(law.offset, constant, rtol=0.0, atol=1e-6)
    assert law.r_squared == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("exponent", [-1.5, 0.0001, 0.5, 2.0])
def test_exact_curves_without_offset(exponent):
    law = fit_power_law(_curve(2.5 * SIZE**exponent))
    # Largest relative error seen: 4e-9, of the exponent 0.0001.
    np.testing.assert_allclose([law.amplitude, law.exponent, law.offset], [2.5, exponent, 0.0], rtol=1e-7)


@pytest.mark.parametrize("offset", [False, True])
def test_agrees_with_a_plain_nonlinear_fit(offset):
    values = _noisy() + (0.0 if offset else 9.636)
    law = fit_power_law(values, offset=offset)

    def model(x, a, b, c=0.0):
        return a * x**b + c

    start = [6.5, 0.27, -9.636][: 2 + offset]
    naive, _ = curve_fit(model, SIZE, values.mean("seed"), start, ftol=1e-15, xtol=1e-15, gtol=1e-15)
    # Largest relative difference seen over ten seeds: 8e-8, the precision of the naive fit.
    np.testing.assert_allclose([law.amplitude, law.exponent, law.offset][: 2 + offset], naive, rtol=2e-6)
    r = np.corrcoef(model(SIZE, *naive), values.mean("seed"))[0, 1]
    if offset:
        # With an offset R^2 is the squared correlation of fit and mean; largest difference seen: 8e-16.
        assert law.r_squared == pytest.approx(r**2, abs=1e-13)


def test_units_of_y_and_x_move_the_parameters_as_they_must():
    values = _noisy()
    law = fit_power_law(values, offset=True)
    shifted = fit_power_law(3.0 * values + 7.0, offset=True)
    stretched = fit_power_law(values.assign_coords(train_size=SIZE / 1000.0), offset=True)
    # Largest relative difference seen over ten seeds: 5e-7; a minimum is flat, so half the digits are lost.
    np.testing.assert_allclose(shifted.exponent_interval, law.exponent_interval, rtol=1e-5)
    np.testing.assert_allclose(shifted.amplitude_interval, 3.0 * law.amplitude_interval, rtol=1e-5)
    np.testing.assert_allclose(shifted.offset_interval, 3.0 * law.offset_interval + 7.0, rtol=1e-5)
    np.testing.assert_allclose(stretched.amplitude, law.amplitude * 1000.0**law.exponent, rtol=1e-5)
    np.testing.assert_allclose(stretched.offset_interval, law.offset_interval, rtol=1e-5)


def test_order_of_dimensions_and_positions_does_not_matter():
    values = _noisy()
    xr.testing.assert_allclose(
        fit_power_law(values, offset=True), fit_power_law(values.T[::-1], offset=True), rtol=1e-5
    )


def test_resampled_means_have_exactly_student_spread():
    values = np.random.default_rng(1).normal(2.0, 3.0, (4, 2))
    draws = student_means(values, 200_000, rng_seed=0)
    functional = np.array([0.3, -1.2])
    interval = np.quantile(draws @ functional, [0.025, 0.975])
    expected = student_interval(values @ functional, 0.95)[1]
    # Monte Carlo: bounds differ by at most 0.5% of the width over ten seeds.
    np.testing.assert_allclose(interval, expected, rtol=0.0, atol=0.015 * np.ptp(expected))


def test_coverage_with_four_seeds():
    rng = np.random.default_rng(5)
    hits = []
    for trial in range(200):
        values = PUBLISHED + 0.03 * PUBLISHED * rng.standard_normal((4, SIZE.size))
        law = power_law_of_seeds(values, SIZE, offset=True, resamples=200, rng_seed=trial)
        hits.append(law.exponent_interval[0] <= 0.27 <= law.exponent_interval[1])
    # 0.95 nominal with a binomial standard error of 0.015; the percentile bootstrap gets 0.79 here.
    assert 0.905 <= np.mean(hits) <= 0.995


def test_one_curve_does_not_depend_on_its_company():
    one, other = _noisy(rng_seed=1), _noisy(rng_seed=2)
    other[:] = np.nan
    both = fit_power_law(xr.concat([one, other], "width"), offset=True)
    xr.testing.assert_equal(both.isel(width=0), fit_power_law(one, offset=True))
    assert np.isnan(both.exponent[1]) and np.isnan(both.exponent_interval[1]).all()
    assert both.reason[1] == "0 positions with finite values, at least 4 needed"


def test_diverged_runs_are_left_out():
    values = _noisy()
    values[1, 2] = np.nan
    law = fit_power_law(values, offset=True)
    mean = fit_power_law(values.mean("seed"), offset=True)
    np.testing.assert_allclose(law.exponent, mean.exponent, rtol=1e-9)
    assert np.isfinite(law.exponent_interval).all() and law.reason == ""
    values[:, 3] = np.nan
    np.testing.assert_allclose(
        fit_power_law(values, offset=True).exponent,
        fit_power_law(values.isel(train_size=[0, 1, 2, 4, 5]), offset=True).exponent,
        rtol=1e-9,
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full(6, 3.0), "the curve is constant"),
        (np.where(np.arange(6) < 3, PUBLISHED, np.nan), "3 positions with finite values, at least 4 needed"),
        (np.where(np.arange(6) < 5, 0.0, 1.0), "no least-squares exponent within +-5"),
    ],
)
def test_degenerate_curves_give_nan_and_a_reason(values, reason):
    law = fit_power_law(_curve(values), offset=True)
    assert law.reason == reason
    assert all(np.isnan(law[name]).all() for name in law.data_vars if name != "reason")


def test_without_second_seed_there_is_no_interval():
    for values in (_noisy(seeds=1), _noisy(seeds=1).isel(seed=0)):
        law = fit_power_law(values, offset=True)
        assert np.isfinite(law.exponent) and np.isnan(law.exponent_interval).all()
        assert law.reason == "one seed: no interval"


def test_at_a_logarithm_amplitude_and_offset_are_not_identified():
    values = np.log(SIZE) + 0.05 * np.random.default_rng(0).standard_normal((4, SIZE.size))
    law = fit_power_law(_curve(values), offset=True)
    assert law.exponent_interval[0] < 0.0 < law.exponent_interval[1]
    np.testing.assert_array_equal(law.amplitude_interval, [-np.inf, np.inf])
    assert "not identified" in str(law.reason.values)


def test_level_and_noise_widen_the_interval():
    def width(values, level):
        return np.ptp(fit_power_law(values, offset=True, level=level).exponent_interval.values)

    assert width(_noisy(), 0.5) < width(_noisy(), 0.95)
    assert width(_noisy(sd=0.01), 0.95) < 0.05 * width(_noisy(), 0.95)


def test_attributes_say_what_was_done_and_survive_netcdf_types():
    law = fit_power_law(_noisy(), offset=True)
    assert law.attrs["range"] == [50.0, 1600.0] and law.attrs["seeds"] == 4
    assert law.attrs["model"] == "y = amplitude * x**exponent + offset"
    assert all(isinstance(value, (str, int, float, list)) for value in law.attrs.values())
    assert law.offset.attrs["units"] == "1"
    assert law.exponent.attrs == {"long_name": "exponent of the power law of gap"}
    assert law.r_squared.attrs == {}


def test_evaluate_follows_the_formula():
    law = fit_power_law(_curve(PUBLISHED), offset=True)
    np.testing.assert_allclose(evaluate_power_law(law, SIZE), PUBLISHED, rtol=1e-10)
    grid = evaluate_power_law(law)
    assert grid.dims == ("train_size",) and grid.size == 200
    np.testing.assert_allclose(grid.train_size[[0, -1]], [50.0, 1600.0])
    with pytest.raises(ValueError, match="positive positions"):
        evaluate_power_law(law, [0.0, 1.0])


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="a power law needs positive ones"):
        fit_power_law(_curve(PUBLISHED, SIZE - 50.0))
    with pytest.raises(ValueError, match="has no numeric coordinate"):
        fit_power_law(_curve(PUBLISHED).drop_vars("train_size"))
    with pytest.raises(ValueError, match="resamples = 10 is too few"):
        fit_power_law(_noisy(), resamples=10)
