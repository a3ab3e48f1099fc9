"""Laws of times with runs that never get there: exact curves, the likelihood written out, invariances, limits, coverage."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import minimize
from scipy.stats import norm

from memjax.analysis import growth
from memjax.analysis.times.tobit import tobit

X = np.linspace(0.3, 0.8, 6)
LAWS = {
    "exponential": lambda x: 11.0 - 9.0 * x,
    "power law": lambda x: 3.0 - 5.0 * np.log(x),
    "exponential in 1/x": lambda x: 2.0 + 2.0 / x,
    "critical power law": lambda x: 5.0 - 1.5 * np.log((x - 0.28) / 0.5),
    "double exponential": lambda x: 5.0 + 120.0 * np.exp(-12.0 * x),
}


def _times(law, scatter=0.1, seeds=8, budget=np.inf, rng_seed=0, x=X):
    noise = np.random.default_rng(rng_seed).normal(size=(seeds, x.size))
    steps = np.exp(LAWS[law](x) + scatter * noise)
    return xr.DataArray(np.where(steps <= budget, steps, np.inf), dims=("seed", "fraction"), coords={"fraction": x})


def _growth(times, budget=1e9, **options):
    return growth(times, budget, "fraction", **({"resamples": 0} | options))


@pytest.mark.parametrize("law", LAWS)
def test_each_law_is_recognised(law):
    found = _growth(_times(law, scatter=0.04))
    assert str(found.law[np.argmax(found["weight"].values)].values) == law
    assert float(found["weight"].sum()) == pytest.approx(1.0)
    at = found.sel(law=law)
    np.testing.assert_allclose(np.log(at["predicted"]), LAWS[law](X), atol=0.05)
    slope = (LAWS[law](X + 1e-6) - LAWS[law](X - 1e-6)) / 2e-6
    np.testing.assert_allclose(at["slope"][1:], slope[1:], rtol=0.1, atol=0.15)


def test_without_noise_parameters_are_exact():
    found = _growth(_times("critical power law", scatter=1e-4)).sel(law="critical power law")
    # The critical position is searched on a grid about it, 0.25 / 8 of a step of 1.3: 0.2 percent of its distance.
    assert found["shape"].item() == pytest.approx(0.28, abs=0.001)
    assert found["coefficient"].item() == pytest.approx(1.5, abs=0.02)
    found = _growth(_times("exponential", scatter=1e-4)).sel(law="exponential")
    assert (found["intercept"].item(), found["coefficient"].item()) == pytest.approx((11.0, -9.0), abs=1e-3)


def test_a_critical_position_lies_above_those_that_never_get_there():
    x = np.array([0.2, 0.25, 0.3, 0.4, 0.6, 0.8])
    times = _times("critical power law", 0.05, budget=1e5, x=np.maximum(x, 0.2801))
    times = times.assign_coords(fraction=x)
    times = times.where(times["fraction"] > 0.281, np.inf)
    found = _growth(times, 1e5).sel(law="critical power law")
    assert found["shape"].item() == pytest.approx(0.28, abs=0.004) and found["weight"] > 0.95
    assert np.isinf(found["predicted"][:2]).all() and np.isnan(found["slope"][:2]).all()
    np.testing.assert_allclose(np.log(found["predicted"][2:]), LAWS["critical power law"](x[2:]), atol=0.1)


def _negative(theta, x, y, above):
    mean, deviation = theta[0] + theta[1] * x, np.exp(theta[2])
    return -np.where(above, norm.logsf(y, mean, deviation), norm.logpdf(y, mean, deviation)).sum()


def test_censored_likelihood_is_the_one_written_out():
    times = _times("exponential", 0.5, budget=1200.0)
    above = np.isinf(times.values)
    assert 5 < above.sum() < 24
    y, x = np.log(np.where(above, 1200.0, times.values)), np.broadcast_to(X, times.shape)
    best = minimize(_negative, [9.0, -6.0, -0.5], args=(x, y, above), method="Nelder-Mead",
                    options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000})  # fmt: skip
    found = _growth(times, 1200.0).sel(law="exponential")
    got = [found["intercept"].item(), found["coefficient"].item(), np.log(found["scatter"].item())]
    np.testing.assert_allclose(got, best.x, atol=1e-5)
    assert found["log_likelihood"].item() == pytest.approx(-best.fun, abs=1e-8)
    assert found["aicc"].item() == pytest.approx(2 * best.fun + 6 * 48 / (48 - 4), abs=1e-6)


def test_without_limits_it_is_least_squares():
    times = _times("exponential", 0.5)
    found = _growth(times).sel(law="exponential")
    slope, intercept = np.polyfit(np.tile(X, 8), np.log(times.values).ravel(), 1)
    assert (found["coefficient"].item(), found["intercept"].item()) == pytest.approx((slope, intercept), abs=1e-7)
    parabola = np.polyfit(np.tile(X, 8), np.log(times.values).ravel(), 2)
    assert _growth(times)["curvature"].item() == pytest.approx(2 * parabola[0], abs=1e-6)


def test_runs_that_never_get_there_keep_the_slope():
    """With a third of the runs cut off the slope stays; leaving them out flattens it by a fifth."""
    slopes = {"censored": [], "left out": []}
    for seed in range(10):
        times = _times("exponential", 0.7, 1, 800.0, seed, np.linspace(0.3, 0.8, 60)).isel(seed=0)
        for name, some in (("censored", times), ("left out", times.where(np.isfinite(times)))):
            slopes[name].append(_growth(some, 800.0)["coefficient"].sel(law="exponential").item())
    # -8.65 and -6.55, with standard errors of 0.2.
    assert np.mean(slopes["censored"]) == pytest.approx(-9.0, abs=0.7)
    assert np.mean(slopes["left out"]) > -7.9


def test_curvature_says_faster_than_exponential():
    above, level = (
        _growth(_times(law), resamples=100)["curvature_interval"] for law in ("exponential in 1/x", "exponential")
    )
    assert above.sel(bound="lower") > 5.0 and level.sel(bound="lower") < 0.0 < level.sel(bound="upper")


def test_units_shift_log_time_only():
    times = _times("power law", budget=3000.0)
    found, other = (_growth(times * unit, 3000.0 * unit, resamples=100) for unit in (1.0, 64.0))
    np.testing.assert_allclose(other["predicted"], 64.0 * found["predicted"], rtol=1e-6)
    for name in ("slope", "slope_interval", "curvature", "weight", "share"):
        np.testing.assert_allclose(other[name], found[name], rtol=1e-5, atol=1e-7)


@pytest.mark.long
def test_intervals_hold_the_slope_as_often_as_they_say():
    """Nominal 80%, 4 seeds, 60 sweeps: 52 hold the truth (standard error 3)."""
    hits = 0
    for seed in range(60):
        times = _times("exponential", 0.4, seeds=4, budget=1500.0, rng_seed=seed)
        low, high = (
            _growth(times, 1500.0, level=0.8, resamples=100)["coefficient_interval"].sel(law="exponential").values
        )
        hits += low <= -9.0 <= high
    assert 39 <= hits <= 57


def test_diverged_runs_are_left_out_and_other_dimensions_kept():
    times = xr.concat([_times("exponential"), _times("power law", rng_seed=2)], "lr").transpose(
        "fraction", "lr", "seed"
    )
    times = times.assign_coords(lr=[0.1, 0.2])
    times[2, 0, 3] = np.nan
    found = _growth(times)
    assert found["weight"].dims == ("lr", "law") and found["slope"].dims == ("lr", "law", "fraction")
    alone = _growth(times.isel(lr=0))
    xr.testing.assert_allclose(found.isel(lr=0, drop=True), alone.drop_vars("lr", errors="ignore"))
    kept = times.isel(lr=0).values.T
    x, y = np.broadcast_to(X, kept.shape), np.log(kept)
    slope = np.polyfit(x[np.isfinite(y)], y[np.isfinite(y)], 1)[0]
    assert alone["coefficient"].sel(law="exponential").item() == pytest.approx(slope, abs=1e-7)


def test_one_seed_has_no_interval_and_too_few_times_no_law():
    one = _growth(_times("exponential", seeds=1).isel(seed=0), resamples=100)
    assert (
        one["coefficient"].notnull().all()
        and one["coefficient_interval"].isnull().all()
        and one["share"].isnull().all()
    )
    few = _growth(_times("exponential", budget=60.0), 60.0)
    assert few["weight"].isnull().all() and "at least 4 at 3 needed" in str(few["reason"][0].values)
    same = _growth(_times("exponential") * 0.0 + 5.0)
    assert set(same["reason"].values.tolist()) == {"all times are the same"}


def test_tobit_of_a_constant_far_from_its_limit_is_the_mean():
    y = np.array([1.0, 2.0, 4.0, 9.0])
    above = np.array([False, False, False, True])
    coefficients, deviation, _ = tobit(np.ones((4, 1)), np.where(above, -1e3, y), above, np.ones(4))
    assert coefficients[0] == pytest.approx(7 / 3, abs=1e-8) and deviation == pytest.approx(y[:3].std(), abs=1e-8)


@pytest.mark.parametrize(
    ("times", "options", "sentence"),
    [
        (_times("exponential"), {"budget": 100.0}, "give positive times up to a finite budget"),
        (_times("exponential") * 0.0, {}, "give positive times up to a finite budget"),
        (_times("exponential"), {"budget": np.inf}, "finite budget"),
        (_times("exponential").assign_coords(fraction=X - 0.45), {}, "positive ones are needed"),
        (_times("exponential").drop_vars("fraction"), {}, "has no numeric coordinate"),
        (_times("exponential"), {"resamples": 9}, "resamples = 9 is too few"),
        (_times("exponential"), {"over": "fraction"}, "both 'fraction'"),
        (X, {}, "times is a ndarray"),
    ],
)
def test_errors(times, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        _growth(times, **options)


def test_a_position_of_0_is_left_out_by_name():
    times = xr.DataArray(np.ones((2, 3)), dims=("seed", "weight_decay"), coords={"weight_decay": [0.0, 1.0, 2.0]})
    with pytest.raises(ValueError, match=r"leave 0 out first, .* \.isel\(weight_decay=slice\(1, None\)\)"):
        growth(times, 10.0, "weight_decay", resamples=0)
    with pytest.raises(ValueError, match=r"\.isel\(weight_decay=times\['weight_decay'\]\.values > 0\)"):
        growth(times.isel(weight_decay=[1, 0, 2]), 10.0, "weight_decay", resamples=0)
