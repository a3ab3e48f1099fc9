"""Fits know no units: all thirteen laws say the same of a curve whatever x and y are measured in, and find noiseless truths."""

import numpy as np
import pytest
import xarray as xr

import memjax.analysis.fits.least_squares as search
from memjax.analysis import describe, evaluate, fit, mean_interval
from memjax.analysis.fits.laws import LAWS

SIZE = 50.0 * 2 ** np.arange(10)
# Parameters, and what becomes of them when x is a and y is b times as large.
TRUTHS = {
    "constant": ((3.0,), lambda p, a, b: [b * p[0]]),
    "linear": ((1.0, 2e-3), lambda p, a, b: [b * p[0], b * p[1] / a]),
    "logarithmic": ((1.0, 2.0), lambda p, a, b: [b * (p[0] - p[1] * np.log(a)), b * p[1]]),
    "power law": ((2.5, -0.4), lambda p, a, b: [b * p[0] * a ** -p[1], p[1]]),
    "offset power law": ((6.5, 0.27, -9.6), lambda p, a, b: [b * p[0] * a ** -p[1], p[1], b * p[2]]),
    "broken power law": ((10.0, 700.0, 0.7, -0.3), lambda p, a, b: [b * p[0], a * p[1], p[2], p[3]]),
    "exponential": ((3.0, -2e-4), lambda p, a, b: [b * p[0], p[1] / a]),
    "saturating": ((10.0, -8.0, 1e-3), lambda p, a, b: [b * p[0], b * p[1], p[2] / a]),
    "logistic": ((1.0, 5.0, 6000.0, 1500.0), lambda p, a, b: [b * p[0], b * p[1], a * p[2], a * p[3]]),
    "Hill": ((1.0, 5.0, 900.0, 2.0), lambda p, a, b: [b * p[0], b * p[1], a * p[2], p[3]]),
    "step": ((1.0, 3.0, 1000.0), lambda p, a, b: [b * p[0], b * p[1], a * p[2]]),
    "plateau": ((1.0, 2e-3, 5000.0), lambda p, a, b: [b * p[0], b * p[1] / a, a * p[2]]),
    "log plateau": ((1.0, 2.0, 3000.0), lambda p, a, b: [b * (p[0] - p[1] * np.log(a)), b * p[1], a * p[2]]),
}
Y_UNITS = xr.DataArray([1.0, 1e-6, 0.7, 1e6], dims="unit", coords={"unit": range(4)})


def _noisy(name, sd=0.03):
    mean = LAWS[name].function(SIZE, *TRUTHS[name][0])
    noise = sd * (np.ptp(mean) or 1.0) * np.random.default_rng(0).standard_normal((4, SIZE.size))
    return xr.DataArray(mean + noise, dims=("seed", "train_size"), coords={"train_size": SIZE})


@pytest.mark.parametrize("name", TRUTHS)
def test_a_fit_follows_the_units_of_x_and_y(name):
    curve, rule = _noisy(name), TRUTHS[name][1]
    first = fit(curve, name, interval=None)
    best = [first[parameter].item() for parameter in LAWS[name].parameters]
    # The last one puts the middle of the grid at x = 1, where the logarithm of x is a rounding error.
    for unit in (1e-3, 0.37, 1e6, np.exp(-np.log(SIZE).mean())):
        at = SIZE * unit
        fitted = fit((curve * Y_UNITS).assign_coords(train_size=at), name, interval=None)
        assert (fitted.reason == "").all()
        for i, scale in enumerate(Y_UNITS.values):
            one = fitted.isel(unit=i)
            found = [one[parameter].item() for parameter in LAWS[name].parameters]
            # Largest relative difference seen: 1e-7, of an offset; a minimum is flat, so half the digits are lost.
            np.testing.assert_allclose(found, rule(best, unit, scale), rtol=1e-5)
            np.testing.assert_allclose(evaluate(one, at), scale * evaluate(first, SIZE).values, rtol=1e-5)
            np.testing.assert_allclose(one["r_squared"], first["r_squared"], atol=1e-9)


def test_the_choice_of_a_law_knows_no_units():
    curve, laws = _noisy("Hill", 0.01), list(LAWS)
    first = describe(curve, resamples=0, candidates=laws).evidence
    for unit in (1e-3, 1e6):
        said = describe((curve * Y_UNITS).assign_coords(train_size=SIZE * unit), resamples=0, candidates=laws).evidence
        assert (said["law"] == first["law"]).all()
        expected = first["aicc_difference"].expand_dims(unit=Y_UNITS.unit).transpose(*said["aicc_difference"].dims)
        # Largest difference seen: 2e-10.
        np.testing.assert_allclose(said["aicc_difference"], expected, atol=1e-6)


@pytest.mark.parametrize("start", [50, 64, 100, 1000, 50_000])
@pytest.mark.parametrize("count", [6, 10, 13])
def test_a_broken_power_law_is_found_wherever_its_knee_is(start, count):
    x = start * 2.0 ** np.arange(count)
    middle = np.exp(np.log(x).mean())
    knee = np.array([0.8, 1.0, 1.3]) * middle
    y = 7 * (x / knee[:, None]) ** np.where(x < knee[:, None], 0.8, -0.3)
    law = fit(xr.DataArray(y, dims=("curve", "x"), coords={"x": x}), "broken power law", "x", interval=None)
    # Largest relative error seen: 2e-14.
    found = np.stack([law.height, law.knee / knee, law.low_exponent, law.high_exponent])
    np.testing.assert_allclose(found, np.broadcast_to([[7.0], [1.0], [0.8], [-0.3]], (4, 3)), rtol=1e-9)
    assert (law.reason == "").all()


@pytest.mark.parametrize(
    ("name", "x", "parameters"),
    [
        # The squares have a minimum in every gap between positions, or a kink at a position where a search gets stuck.
        ("broken power law", 13.564 * np.arange(1.0, 10.0), (1.0, 93.2, -0.529, -0.993)),
        ("broken power law", 0.00276436 * np.arange(1.0, 10.0), (1.0, 0.016175, -0.7872, -0.186)),
        ("logistic", 1824.883 * 2.0 ** np.arange(12), (-0.6014, 1.0, 958869.4, 113571.4)),
        ("logistic", 354744.27 * 2.0 ** np.arange(9), (0.424, 1.0, 15351702.0, 2411879.0)),
        # Without the mean of the curve the grid's best exponent was lost in rounding.
        ("offset power law", 8494.5 * np.geomspace(1.0, 55.0, 7), (1.0, -1.88, -0.0293)),
    ],
)
def test_noiseless_truths_that_were_missed_without_a_word(name, x, parameters):
    y = xr.DataArray(LAWS[name].function(x, *parameters), dims="x", coords={"x": x})
    law = fit(y, name, "x", interval=None)
    # Largest relative error seen: 4e-7, of the offset power law, whose changes are a millionth of its values.
    np.testing.assert_allclose([law[one].item() for one in LAWS[name].parameters], parameters, rtol=1e-4)


def test_a_search_that_did_not_converge_says_so(monkeypatch):
    monkeypatch.setattr(search, "_FIRST_STEPS", 1)
    monkeypatch.setattr(search, "_MOST_STEPS", 1)
    fitted = fit(_noisy("Hill"), "Hill", interval=None)
    assert fitted.reason == "the search for the best Hill did not converge" and np.isnan(fitted.midpoint)


@pytest.mark.parametrize(
    ("name", "shape", "power"), [("logistic", "scale", 1), ("offset power law", "exponent", 0), ("Hill", "midpoint", 1)]
)
def test_a_profile_interval_follows_the_units(name, shape, power):
    curve = _noisy(name)
    first = fit(curve, name, interval="profile")[f"{shape}_interval"].values
    for unit, scale in ((1e6, 1.0), (1.0, 1e-9)):
        fitted = fit((scale * curve).assign_coords(train_size=SIZE * unit), name, interval="profile")
        # Largest relative difference seen: 2e-8; one unit in a billion of y made the ends infinite.
        np.testing.assert_allclose(fitted[f"{shape}_interval"], first * unit**power, rtol=1e-5)


def test_a_function_of_ones_own_follows_the_units_of_its_start():
    def decay(x, a, k, c):
        return a * np.exp(-k * x) + c

    curve = _noisy("exponential", 0.01)
    found = []
    for unit in (1.0, 1e6):
        start = {"a": 1.0, "k": 1e-3 / unit, "c": 0.0}
        fitted = fit(curve.assign_coords(train_size=SIZE * unit), decay, start=start, interval=None)
        found.append([fitted.a.item(), fitted.k.item() * unit, fitted.c.item()])
    # Measured 2e-8 apart; with steps of 1e-8 per unit of x the second ended at a third of the amplitude.
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5, atol=1e-6)


def test_a_parameter_that_happens_to_be_zero_is_identified():
    curve = _noisy("linear", 0.01)
    curve = curve - fit(curve, "linear", interval=None).offset
    expected = fit(curve + 1.0, "linear", interval="profile").offset_interval.values - 1.0
    at_zero = fit(curve, "linear", interval="profile")
    assert abs(at_zero.offset) < 1e-12
    # Measured 1e-8 of the width apart.
    np.testing.assert_allclose(at_zero.offset_interval, expected, atol=1e-5 * np.ptp(expected))
    own = fit(curve, lambda x, a, b: a + b * x, start={"a": 0.0, "b": 1.0}, resamples=100)
    assert own.reason == "" and np.isfinite(own.a_interval).all()


def test_values_whose_squares_are_no_numbers_are_a_reason_and_no_result():
    for scale in (1e-300, 1e-160, 1e160):
        with np.errstate(all="ignore"):
            fitted = fit(_noisy("step") * scale, "step", interval=None)
        # The smallest gave a step in another gap.
        assert "too small or too large" in str(fitted.reason.values) and np.isnan(fitted.location)
    values = xr.DataArray([1.0, 2.0, 4.0], dims="seed")
    small = mean_interval(2.0**-700 * values).mean_interval
    xr.testing.assert_equal(small, (2.0**-700 * mean_interval(values).mean_interval).drop_attrs())
