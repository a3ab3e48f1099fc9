import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.optimize import curve_fit

from memjax.analysis import evaluate, fit
from memjax.analysis.base.intervals import student_interval
from memjax.analysis.base.resampling import student_means
from memjax.analysis.fits.named_models import curve_model

SIZE = 50.0 * 2 ** np.arange(6)
PUBLISHED = 6.5 * SIZE**0.27 - 9.636


def _curve(values, size=SIZE):
    dims = ("seed", "train_size")[-np.ndim(values) :]
    return xr.DataArray(
        values, dims=dims, coords={"train_size": size}, attrs={"long_name": "gap", "units": "1"}, name="weight_l2"
    )


def power(curve, offset=False, **options):
    return fit(curve, "offset power law" if offset else "power law", **options)


def _noisy(seeds=4, sd=0.5, rng_seed=0):
    return _curve(PUBLISHED + sd * np.random.default_rng(rng_seed).standard_normal((seeds, SIZE.size)))


@pytest.mark.parametrize(
    ("amplitude", "exponent", "constant"),
    [(6.5, 0.27, -9.636), (3.0, -0.7, 2.0), (-2.0, 1.8, 5.0), (40.0, -2.5, 0.0), (1e-3, 3.0, -4.0)],
)
def test_exact_curves_are_recovered(amplitude, exponent, constant):
    law = power(_curve(amplitude * SIZE**exponent + constant), offset=True)
    # Largest errors seen over these cases: 5e-12 relative, and 6e-8 in the offset of values up to 2e5.
    np.testing.assert_allclose([law.amplitude, law.exponent], [amplitude, exponent], rtol=1e-9)
    np.testing.assert_allclose(law.offset, constant, rtol=0.0, atol=1e-6)
    assert law.r_squared == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("exponent", [-1.5, 0.0001, 0.5, 2.0])
def test_exact_curves_without_offset(exponent):
    law = power(_curve(2.5 * SIZE**exponent))
    # Largest relative error seen: 4e-9, of the exponent 0.0001.
    np.testing.assert_allclose([law.amplitude, law.exponent], [2.5, exponent], rtol=1e-7)


@pytest.mark.parametrize("offset", [False, True])
def test_agrees_with_a_plain_nonlinear_fit(offset):
    values = _noisy() + (0.0 if offset else 9.636)
    law = power(values, offset=offset)

    def model(x, a, b, c=0.0):
        return a * x**b + c

    start = [6.5, 0.27, -9.636][: 2 + offset]
    naive, _ = curve_fit(model, SIZE, values.mean("seed"), start, ftol=1e-15, xtol=1e-15, gtol=1e-15)
    # Largest relative difference seen over ten seeds: 8e-8, the precision of the naive fit.
    found = [law[name] for name in ("amplitude", "exponent", "offset")[: 2 + offset]]
    np.testing.assert_allclose(found, naive, rtol=2e-6)
    r = np.corrcoef(model(SIZE, *naive), values.mean("seed"))[0, 1]
    if offset:
        # With an offset R^2 is the squared correlation of fit and mean; largest difference seen: 8e-16.
        assert law.r_squared == pytest.approx(r**2, abs=1e-13)


def test_units_of_y_and_x_move_the_parameters_as_they_must():
    values = _noisy()
    law = power(values, offset=True)
    shifted = power(3.0 * values + 7.0, offset=True)
    stretched = power(values.assign_coords(train_size=SIZE / 1000.0), offset=True)
    # Largest relative difference seen over ten seeds: 5e-7; a minimum is flat, so half the digits are lost.
    np.testing.assert_allclose(shifted.exponent_interval, law.exponent_interval, rtol=1e-5)
    np.testing.assert_allclose(shifted.amplitude_interval, 3.0 * law.amplitude_interval, rtol=1e-5)
    np.testing.assert_allclose(shifted.offset_interval, 3.0 * law.offset_interval + 7.0, rtol=1e-5)
    np.testing.assert_allclose(stretched.amplitude, law.amplitude * 1000.0**law.exponent, rtol=1e-5)
    np.testing.assert_allclose(stretched.offset_interval, law.offset_interval, rtol=1e-5)


def test_order_of_dimensions_and_positions_does_not_matter():
    values = _noisy()
    xr.testing.assert_allclose(power(values, offset=True), power(values.T[::-1], offset=True), rtol=1e-5)


def test_resampled_means_have_exactly_student_spread():
    values = np.random.default_rng(1).normal(2.0, 3.0, (4, 2))
    draws = student_means(values, 200_000, rng_seed=0)
    functional = np.array([0.3, -1.2])
    interval = np.quantile(draws @ functional, [0.025, 0.975])
    expected = student_interval(values @ functional, 0.95)[1]
    # Monte Carlo: bounds differ by at most 0.5% of the width over ten seeds.
    np.testing.assert_allclose(interval, expected, rtol=0.0, atol=0.015 * np.ptp(expected))


@pytest.mark.long
def test_coverage_with_four_seeds():
    rng = np.random.default_rng(5)
    values = PUBLISHED + 0.03 * PUBLISHED * rng.standard_normal((200, 4, SIZE.size))
    curves = xr.DataArray(values, dims=("trial", "seed", "train_size"), coords={"train_size": SIZE})
    ends = power(curves, offset=True, resamples=200).exponent_interval.values
    # 0.95 nominal with a binomial standard error of 0.015; the percentile bootstrap gets 0.79 here.
    assert 0.905 <= ((ends[:, 0] <= 0.27) & (ends[:, 1] >= 0.27)).mean() <= 0.995


def test_one_curve_does_not_depend_on_its_company():
    one, other = _noisy(rng_seed=1), _noisy(rng_seed=2)
    other[:] = np.nan
    both = power(xr.concat([one, other], "width"), offset=True)
    xr.testing.assert_equal(both.isel(width=0), power(one, offset=True))
    assert np.isnan(both.exponent[1]) and np.isnan(both.exponent_interval[1]).all()
    assert both.reason[1] == "0 positions with finite values, at least 4 needed"


def test_diverged_runs_are_left_out():
    values = _noisy()
    values[1, 2] = np.nan
    law = power(values, offset=True)

    def model(x, a, b, c):
        return a * x**b + c

    # A mean of three seeds has three quarters of the weight: largest relative difference from a plain fit 5e-8.
    sigma = 1.0 / np.sqrt([4.0, 4.0, 3.0, 4.0, 4.0, 4.0])
    naive, _ = curve_fit(model, SIZE, values.mean("seed"), [6.5, 0.27, -9.6], sigma, ftol=1e-15, xtol=1e-15, gtol=1e-15)
    np.testing.assert_allclose([law.amplitude, law.exponent, law.offset], naive, rtol=2e-6)
    assert np.isfinite(law.exponent_interval).all() and law.reason == ""
    values[:, 3] = np.nan
    np.testing.assert_allclose(
        power(values, offset=True).exponent,
        power(values.isel(train_size=[0, 1, 2, 4, 5]), offset=True).exponent,
        rtol=1e-9,
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full(6, 3.0), "the curve is constant"),
        (np.where(np.arange(6) < 3, PUBLISHED, np.nan), "3 positions with finite values, at least 4 needed"),
        (np.where(np.arange(6) < 5, 0.0, 1.0), "no best offset power law inside the range that is searched"),
    ],
)
def test_degenerate_curves_give_nan_and_a_reason(values, reason):
    law = power(_curve(values), offset=True)
    assert law.reason == reason
    assert all(np.isnan(law[name]).all() for name in law.data_vars if name not in ("reason", "noise"))


def test_without_second_seed_there_is_no_interval():
    for values in (_noisy(seeds=1), _noisy(seeds=1).isel(seed=0)):
        law = power(values, offset=True)
        assert np.isfinite(law.exponent) and np.isnan(law.exponent_interval).all()
        assert law.reason == "one seed: no interval"


def test_at_a_logarithm_amplitude_and_offset_are_not_identified():
    values = np.log(SIZE) + 0.05 * np.random.default_rng(0).standard_normal((4, SIZE.size))
    law = power(_curve(values), offset=True)
    assert law.exponent_interval[0] < 0.0 < law.exponent_interval[1]
    np.testing.assert_array_equal(law.amplitude_interval, [-np.inf, np.inf])
    assert "not identified" in str(law.reason.values)


def test_level_and_noise_widen_the_interval():
    def width(values, level):
        return np.ptp(power(values, offset=True, level=level).exponent_interval.values)

    assert width(_noisy(), 0.5) < width(_noisy(), 0.95)
    assert width(_noisy(sd=0.01), 0.95) < 0.05 * width(_noisy(), 0.95)


def test_attributes_say_what_was_done_and_survive_netcdf_types():
    law = power(_noisy(), offset=True)
    assert law.attrs["range"] == [50.0, 1600.0] and law.attrs["seeds"] == 4
    assert (law.attrs["model"], law.attrs["formula"]) == ("offset power law", "amplitude * x**exponent + offset")
    assert all(isinstance(value, (str, int, float, list)) for value in law.attrs.values())
    assert law.offset.attrs["units"] == "1"
    assert law.exponent.attrs == {"long_name": "exponent of the offset power law of gap"}
    assert law.r_squared.attrs == {}


def test_evaluate_follows_the_formula():
    law = power(_curve(PUBLISHED), offset=True)
    np.testing.assert_allclose(evaluate(law, SIZE), PUBLISHED, rtol=1e-10)
    grid = evaluate(law)
    assert grid.attrs == {"long_name": "offset power law", "units": "1"}
    assert grid.dims == ("train_size",) and grid.size == 200
    np.testing.assert_allclose(grid.train_size[[0, -1]], [50.0, 1600.0])
    with pytest.raises(ValueError, match="positive positions"):
        evaluate(law, [0.0, 1.0])


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="the model 'power law' needs positive ones"):
        power(_curve(PUBLISHED, SIZE - 50.0))
    with pytest.raises(ValueError, match="has no numeric coordinate"):
        power(_curve(PUBLISHED).drop_vars("train_size"))
    with pytest.raises(ValueError, match="resamples = 10 is too few"):
        power(_noisy(), resamples=10)


WIDE = 50.0 * 2 ** np.arange(10)
TRUTHS = {
    "constant": (3.0,),
    "linear": (1.0, 2e-3),
    "logarithmic": (1.0, 2.0),
    "broken power law": (10.0, 700.0, 0.7, -0.3),
    "exponential": (3.0, -2e-4),
    "saturating": (10.0, -8.0, 1e-3),
    "logistic": (1.0, 5.0, 6000.0, 1500.0),
    "Hill": (1.0, 5.0, 900.0, 2.0),
    "plateau": (1.0, 2e-3, 5000.0),
    "log plateau": (1.0, 2.0, 3000.0),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_exact_curves_of_every_model_are_recovered(name):
    model = curve_model(name)
    fitted = fit(_curve(model.function(WIDE, *TRUTHS[name]), WIDE), name)
    # Largest relative error seen: 3e-7, of a knee.
    np.testing.assert_allclose([fitted[p].item() for p in model.parameters], TRUTHS[name], rtol=1e-5)
    np.testing.assert_allclose(evaluate(fitted, WIDE), model.function(WIDE, *TRUTHS[name]), rtol=1e-5)


def test_a_jump_is_put_between_its_two_positions():
    fitted = fit(_curve(np.where(WIDE > 1000.0, 4.0, 1.0), WIDE), "step")
    assert 800.0 < fitted.location < 1600.0 and fitted.amplitude == pytest.approx(3.0)


@pytest.mark.parametrize("name", ["saturating", "Hill", "broken power law", "log plateau"])
def test_noisy_curves_have_the_least_squares_of_a_plain_fit(name):
    model = curve_model(name)
    noise = 0.1 * np.random.default_rng(3).standard_normal((4, WIDE.size))
    values = _curve(model.function(WIDE, *TRUTHS[name]) + noise, WIDE)
    fitted = fit(values, name, interval=None)
    plain, _ = curve_fit(model.function, WIDE, values.mean("seed"), TRUTHS[name], xtol=1e-14, ftol=1e-14, maxfev=10_000)
    ours = ((evaluate(fitted, WIDE) - values.mean("seed")) ** 2).sum()
    theirs = ((model.function(WIDE, *plain) - values.mean("seed")) ** 2).sum()
    # Ours may only be better: by up to 0.4% here, where a plain fit stays in the wrong gap beside a knee.
    assert ours <= theirs * (1.0 + 1e-8)


def test_a_function_of_ones_own_is_fitted_from_its_start():
    values = _noisy(sd=0.1)
    built_in = fit(values, "offset power law", resamples=200)
    own = fit(values, lambda x, a, b, c: a * x**b + c, start={"a": 1.0, "b": 0.5, "c": 0.0}, resamples=200)
    for mine, theirs in zip("abc", ("amplitude", "exponent", "offset"), strict=True):
        # Largest relative difference seen over ten seeds: 3e-5, of an interval's end.
        np.testing.assert_allclose(own[mine], built_in[theirs], rtol=1e-4)
        np.testing.assert_allclose(own[f"{mine}_interval"], built_in[f"{theirs}_interval"], rtol=1e-3)
    np.testing.assert_allclose(
        evaluate(own, SIZE, model=lambda x, a, b, c: a * x**b + c), evaluate(built_in, SIZE), rtol=1e-4
    )
    with pytest.raises(ValueError, match="give one start for each"):
        fit(values, lambda x, a, b: a + b * x, start={"a": 1.0})
    with pytest.raises(ValueError, match="'powerlaw' is not known: use one of"):
        fit(values, "powerlaw")
    with pytest.raises(ValueError, match="model 'function' is not built in: give the function"):
        evaluate(own, SIZE)


def test_weights_by_seed_spread_follow_the_quiet_positions():
    rng = np.random.default_rng(0)
    sd = np.array([0.01, 0.01, 0.01, 0.01, 3.0, 3.0])
    values = xr.concat([_curve(2.0 * SIZE**0.5 + sd * rng.standard_normal((6, 6))) for _ in range(50)], "trial")
    error = {w: (power(values, weights=w, interval=None).exponent - 0.5).std() for w in ("count", "seed spread")}
    # Measured 0.0093 against 0.0008.
    assert error["seed spread"] < 0.3 * error["count"]


def test_noise_and_residual_are_standard_deviations():
    values = _noisy(sd=0.5, seeds=6)
    fitted = power(values, offset=True, interval=None)
    assert fitted.noise.item() == pytest.approx(np.sqrt(values.var("seed", ddof=1).mean()))
    gap = evaluate(fitted, SIZE) - values.mean("seed")
    assert fitted.residual.item() == pytest.approx(np.sqrt((gap**2).mean()))


def test_profile_interval_of_a_linear_model_is_the_t_interval():
    values = _curve(1.0 + 2.0 * SIZE / 100.0 + np.random.default_rng(0).standard_normal((4, 6)))
    ends = fit(values, "linear", interval="profile").slope_interval.values
    x = np.tile(SIZE, 4)
    pooled = values.var("seed", ddof=1).mean().item()
    slope = stats.linregress(x, values.values.ravel()).slope
    half = stats.t.ppf(0.975, 18) * np.sqrt(pooled / ((x - x.mean()) ** 2).sum())
    # The crossing is found to 1e-8 of a step.
    np.testing.assert_allclose(ends, [slope - half, slope + half], rtol=1e-6)


def test_profile_interval_of_an_exponent_is_where_the_residual_crosses():
    values = _noisy()
    law = power(values, offset=True, interval="profile")
    mean, pooled = values.mean("seed").values, values.var("seed", ddof=1).mean().item()

    def rise(exponent):
        columns = np.stack([np.ones(6), SIZE**exponent], axis=1)
        return np.linalg.lstsq(columns, mean, rcond=None)[1][0] * 4.0 / pooled

    highest = rise(law.exponent.item()) + stats.f.ppf(0.95, 1, 18)
    # Measured 4e-8 off.
    np.testing.assert_allclose([rise(end) for end in law.exponent_interval.values], highest, rtol=1e-5)


def test_profile_interval_of_the_offset_is_the_projection_of_the_region():
    values = _noisy()
    law = power(values, offset=True, interval="profile")
    mean, pooled = values.mean("seed").values, values.var("seed", ddof=1).mean().item()
    ends = []
    for exponent in np.linspace(0.1, 0.5, 4001):
        columns = np.stack([np.ones(6), SIZE**exponent], axis=1)
        best, rss = np.linalg.lstsq(columns, mean, rcond=None)[:2]
        spare = pooled / 4.0 * stats.f.ppf(0.95, 1, 18) + law.residual.item() ** 2 * 6 - rss[0]
        if spare > 0:
            half = np.sqrt(spare * np.linalg.inv(columns.T @ columns)[0, 0])
            ends += [best[0] - half, best[0] + half]
    # The grid of exponents is the coarser of the two: 2e-6 apart.
    np.testing.assert_allclose(law.offset_interval, [min(ends), max(ends)], rtol=1e-4)


def test_one_seed_has_a_profile_interval_from_its_residuals():
    law = power(_noisy(seeds=1), offset=True, interval="profile")
    assert law.reason == "" and law.exponent_interval[0] < law.exponent < law.exponent_interval[1]


def test_a_runaway_sigmoid_and_a_knee_at_the_end_are_no_fits():
    for name in ("Hill", "log plateau"):
        fitted = fit(_curve(6.5 * WIDE**0.27 - 9.636 if name == "Hill" else np.log(WIDE), WIDE), name)
        assert fitted.reason == f"no best {name} inside the range that is searched"
        assert np.isnan(fitted.amplitude if name == "Hill" else fitted.knee)


def test_disturbed_curves_without_a_best_fit_count_at_both_ends():
    noise = 2.0 * np.random.default_rng(0).standard_normal((4, 10))
    fitted = fit(_curve(2.0 + 8.0 * np.log(np.minimum(WIDE, 9000.0)) + noise, WIDE), "log plateau")
    assert 6400.0 < fitted.knee < 12_800.0
    assert fitted.knee_interval.values.tolist() == [-np.inf, np.inf] and "has no end" in str(fitted.reason.values)


def test_one_seed_has_the_t_interval_of_a_regression():
    values = _curve(1.0 + 2.0 * SIZE / 100.0 + np.random.default_rng(0).standard_normal(6))
    line = stats.linregress(SIZE, values)
    half = stats.t.ppf(0.975, 4) * line.stderr
    ends = fit(values, "linear", interval="profile").slope_interval
    np.testing.assert_allclose(ends, [line.slope - half, line.slope + half], rtol=1e-6)


def test_default_positions_are_ratios_over_decades_and_differences_within_one():
    wide, narrow = (
        evaluate(fit(_curve(np.sqrt(WIDE), WIDE), "power law")),
        evaluate(fit(_curve(np.sqrt(SIZE[:3]), SIZE[:3]), "power law")),
    )
    np.testing.assert_allclose(np.diff(np.log(wide.train_size)), np.log(512.0) / 199.0)
    np.testing.assert_allclose(np.diff(narrow.train_size), 150.0 / 199.0)


def test_repeated_positions_are_refused():
    with pytest.raises(ValueError, match=r"has repeated coordinate values \[50.0, 50.0, .*average over them first"):
        power(_curve(PUBLISHED, np.maximum(SIZE, 100.0) - 50.0 * (SIZE < 150.0)))
