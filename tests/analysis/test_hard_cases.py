"""What an adversary found: scales, missing seeds, unidentified parameters, clashing names, sentences that said too much."""

import numpy as np
import pytest
import xarray as xr

from memjax.analysis import (
    CurveModel,
    cover_probability,
    describe,
    evaluate,
    fit,
    linearly_separable,
    mean,
    peak,
    profile,
    share_interval,
    time_to_threshold,
)
from memjax.analysis.base.noise import remove_seed_effects, spread

SIZE = 50.0 * 2 ** np.arange(6)


def _curve(values, size=SIZE, dims=("seed", "train_size"), **coords):
    values = np.atleast_2d(values)
    return xr.DataArray(values, dims=dims, coords={"train_size": size, **coords})


def _noisy(seeds=4, sd=0.3, rng_seed=0):
    return 6.5 * SIZE**0.27 - 9.636 + sd * np.random.default_rng(rng_seed).standard_normal((seeds, 6))


@pytest.mark.parametrize("unit", [1e-9, 1e6, 1e12])
def test_rates_follow_the_units_of_the_positions(unit):
    rising = fit(_curve(1.0 - 0.8 * np.exp(-SIZE / 400.0), SIZE * unit), "saturating")
    falling = fit(_curve(3.0 * np.exp(-SIZE / 900.0), SIZE * unit), "exponential")
    # Largest relative error seen over twelve orders of units: 6e-12.
    np.testing.assert_allclose([rising.rate * unit * 400.0, falling.rate * unit * -900.0], 1.0, rtol=1e-9)
    np.testing.assert_allclose([rising.limit, falling.amplitude], [1.0, 3.0], rtol=1e-9)


def test_an_amplitude_too_far_from_the_data_is_out_of_range():
    fitted = fit(_curve(2.0 - np.exp(-np.arange(6.0)), np.arange(6.0) + 1e6), "saturating")
    assert "out of the range of numbers" in str(fitted.reason.values) and np.isnan(fitted.amplitude)
    describe(_curve(np.arange(6.0) + _noisy() * 0.01, np.arange(6.0) + 1e6), resamples=0)


@pytest.mark.parametrize("trials", [2, pytest.param(11, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["saturating", "offset power law"])
def test_profiles_of_curves_without_a_trend_end_in_numbers_or_in_a_reason(name, trials):
    noise = 1.0 + 0.05 * np.random.default_rng(0).standard_normal((11, 3, 6))
    curves = xr.DataArray(noise[:trials], dims=("trial", "seed", "train_size"), coords={"train_size": SIZE})
    fitted = fit(curves, name, interval="profile")
    ends = np.stack([fitted[f"{parameter}_interval"] for parameter in fitted.attrs["parameters"]])
    assert (np.isfinite(ends).all((0, 2)) | (fitted.reason != "").values).all()


def test_a_model_of_ones_own_is_not_taken_for_the_built_in_one_of_its_name():
    def linear(x, slope, offset):
        return slope * x + offset

    fitted = fit(_curve(2.0 * SIZE + 1.0), linear, start={"slope": 1.0, "offset": 0.0})
    with pytest.raises(ValueError, match="'linear' is not built in: give the function"):
        evaluate(fitted, [10.0])
    assert evaluate(fitted, [10.0], model=linear).item() == pytest.approx(21.0)
    with pytest.raises(ValueError, match=r"parameters \['slope', 'a'\], and the fit \['slope', 'offset'\]"):
        evaluate(fitted, [10.0], model=lambda x, slope, a: slope * x + a)


def test_parameters_that_do_nothing_or_only_together_are_not_identified():
    values = _curve(3.0 * SIZE**0.5 + _noisy() * 0.1)
    unused = fit(values, lambda x, a, b: a * x**0.5, start={"a": 1.0, "b": 2.0}, resamples=100)
    assert unused.b_interval.values.tolist() == [-np.inf, np.inf] and np.isfinite(unused.a_interval).all()
    assert str(unused.reason.values).startswith("b: not identified")
    summed = fit(values, lambda x, a, b: (a + b) * x**0.5, start={"a": 1.0, "b": 2.0}, resamples=100)
    assert np.isinf(summed.a_interval).all() and np.isinf(summed.b_interval).all()
    assert fit(values, lambda x, a, b: a * x**b, start={"a": 1.0, "b": 0.4}, resamples=100).reason == ""


def test_a_search_that_fails_is_a_reason_and_no_result():
    values = _curve(_noisy())
    for function in (lambda x, a, b: a * np.sqrt(x - b), lambda x, a, b: a * np.exp(b * x) * np.inf):
        fitted = fit(values, function, start={"a": 1.0, "b": 60.0})
        assert np.isnan(fitted.a) and "try another start" in str(fitted.reason.values)


def test_the_place_of_a_jump_is_somewhere_in_its_gap():
    values = _curve(np.where(SIZE > 230.0, 2.0, 1.0) + 0.01 * np.random.default_rng(0).standard_normal((4, 6)))
    for interval in ("bootstrap", "profile"):
        np.testing.assert_allclose(fit(values, "step", interval=interval).location_interval, [200.0, 400.0], rtol=1e-6)


def test_the_profile_is_that_of_a_logarithm_where_the_exponent_is_zero():
    values = _curve(_noisy())
    ridge = profile(values, "offset power law", "exponent", values=[-1e-3, 0.0, 1e-3])
    logarithm = fit(values, "logarithmic", interval=None)
    assert ridge.r_squared[1].item() == pytest.approx(logarithm.r_squared.item(), abs=1e-12)
    assert np.isnan(ridge.offset[1]) and ridge.rise[0] > ridge.rise[1] > ridge.rise[2]


def test_levels_of_seeds_are_known_in_spite_of_missing_values():
    rng = np.random.default_rng(1)
    levels = np.array([0.0, 10.0, -7.0, 3.0])[:, None]
    values = SIZE**0.5 + levels + 0.1 * rng.standard_normal((4, 6))
    holes = values.copy()
    holes[[0, 1, 2, 3, 0, 1], np.arange(6)] = np.nan
    more = np.concatenate([values, np.full((1, 6), np.nan)])
    for one in (values, holes, more):
        levelled, shared = remove_seed_effects(one[None])
        # Four seeds and six positions: a standard deviation of 0.1 is known within a third.
        assert 0.06 < np.sqrt(spread(levelled, shared).variance[0]) < 0.14 and shared == 3.0
    column = np.column_stack([np.kron(np.eye(4), np.ones((6, 1)))[:, :3], np.tile(np.eye(6), (4, 1))])
    kept = np.isfinite(holes).ravel()
    rss = np.linalg.lstsq(column[kept], holes.ravel()[kept], rcond=None)[1][0]
    # The sweeps converge: 1e-13 apart.
    np.testing.assert_allclose(spread(remove_seed_effects(holes[None])[0]).within[0], rss, rtol=1e-9)


def test_the_law_and_its_parameters_come_from_the_same_curve():
    values = np.arange(1.0, 7.0) + np.array([0.0, 10.0, -7.0, 3.0])[:, None]
    values = values + 0.01 * np.random.default_rng(2).standard_normal((4, 6))
    values[1, 3:] = np.nan
    said = describe(_curve(values, np.arange(1.0, 7.0)), resamples=0).evidence
    assert said["law"] == "linear"
    assert said["parameter_value"].sel(parameter="slope").item() == pytest.approx(1.0, abs=0.05)


def test_sentences_count_the_seeds_they_rest_on():
    values = _noisy(seeds=4, sd=0.1)
    values[2:, 0] = np.nan
    assert "(95% intervals over 2 seeds" in str(describe(_curve(values), resamples=0))
    assert "99.9% intervals over 4 seeds" in str(describe(_curve(_noisy(sd=0.01)), resamples=0, level=0.999))


def test_a_curve_that_turns_again_is_no_u():
    noise = 0.02 * np.random.default_rng(0).standard_normal((4, 6))
    for mean_curve in (
        [1.0, 6.0, 2.0, 4.0, 1.0, 0.5],
        [1.0, 5.0, 1.0, 5.0, 1.0, 3.0],
        [5.0, 1.0, 4.0, 1.0, 5.0, 5.5],
        [1.0, 4.0, 2.0, 5.0, 6.0, 7.0],
    ):
        said = describe(_curve(np.array(mean_curve) + noise), resamples=0)
        assert said.evidence["shape"] == "cannot tell" and "turns more than once" in str(said)
    assert "nan times" not in str(describe(_curve(np.array([[1.0, 5.0, 3.0, 2.0, 1.5, 1.0]] * 3)), resamples=0))


def test_coordinates_of_single_runs_do_not_stand_for_all():
    status = np.array([["diverged"] + ["finished"] * 5] + [["finished"] * 6] * 3)
    curve = _curve(_noisy(), status=(("seed", "train_size"), status))
    assert "status" not in describe(curve, resamples=0).evidence.coords
    series = xr.DataArray(_noisy(), dims=("seed", "step"), coords={"rate": (("seed", "step"), _noisy())})
    assert "rate" not in mean(series).coords


def test_names_of_results_must_be_free():
    curve = _curve(_noisy()).assign_coords(offset=3.0)
    with pytest.raises(ValueError, match=r"coordinate 'offset', the name of a result of 'logistic'; rename it"):
        fit(curve, "logistic")
    wide = xr.concat([_curve(_noisy()), _curve(_noisy())], "width").assign_coords(width=[10, 20])
    assert fit(wide, "logistic", interval=None).midpoint.dims == ("width",)
    with pytest.raises(ValueError, match="none that ends in _interval"):
        CurveModel("own", lambda x, a, a_interval: a, ("a", "a_interval"), start={"a": 1.0, "a_interval": 1.0})


def test_a_run_that_ended_before_a_slice_is_nan():
    series = xr.DataArray(
        [[1.0, 2.0, 3.0], [1.0, 2.0, np.nan]], dims=("run", "step"),
        coords={"step": [0, 10, 20], "status": ("run", ["finished"] * 2), "stop_step": ("run", [20, 10])},
    )  # fmt: skip
    np.testing.assert_array_equal(mean.between(15)(series), [3.0, np.nan])
    with pytest.raises(ValueError, match="No record lies between 25 and None"):
        mean.between(25)(series)


def test_covers_law_holds_for_billions():
    for width in (10**6, 10**8, 10**10):
        assert cover_probability(2 * width, width) == pytest.approx(0.5, abs=1e-12)
    assert cover_probability(10**10, 10**10) == 1.0


def test_infinite_records_are_neither_errors_nor_interpolated():
    series = xr.DataArray([[0.0, np.inf, 1.0], [np.inf, np.inf, 2.0], [0.0, -np.inf, 2.0]], dims=("run", "step"),
                          coords={"step": [0, 10, 20]})  # fmt: skip
    found = time_to_threshold(series, 1.0)
    np.testing.assert_array_equal(found["time"], [10.0, 0.0, 20.0])
    assert time_to_threshold(series, 3.0)["outcome"].values.tolist() == ["reached", "from the start", "never"]
    assert np.isnan(mean(series)[2]) or np.isinf(mean(series)[2])


def test_peaks_say_why_there_is_no_interval():
    values = _noisy()
    values[1:, -1] = np.nan
    top = peak(_curve(values))
    assert np.isnan(top.height_interval).any() and "only one seed" in str(top.reason.values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: describe(c, candidates=[]), r"candidates = \[\] must be a list of one or more laws"),
        (lambda c: describe(c, candidates="linear"), "candidates = 'linear' must be a list"),
        (lambda c: describe(c.isel(seed=slice(0))), r"has no entries along \['seed'\]"),
        (lambda c: fit(c.isel(seed=slice(0)), "linear"), r"has no entries along \['seed'\]"),
        (lambda c: mean(c.isel(seed=slice(0)), "train_size"), r"has no entries along \['seed'\]"),
        (lambda c: describe(c.assign_coords(train_size=[1, 1, 2, 3, 4, 5])), "repeated coordinate values"),
        (lambda c: fit(c, "linear", dim="size"), r"dim = 'size' is not a dimension of the array; choose one of"),
        (lambda c: describe(c, dim="size"), r"dim = 'size' is not a dimension of the array; choose one of"),
        (lambda c: describe(c, dim="seed", over="seed"), "must be two dimensions"),
        (lambda c: fit(c, "linear", level=0.9999), "resamples = 1000 is too few for an interval of level 0.9999"),
        (lambda c: peak(c, resamples=-1), "resamples = -1 is too few"),
        (lambda c: share_interval(c), "flags holds other numbers than 0 and 1"),
        (lambda c: linearly_separable([1.0, 2.0], [0, 1]), r"x has shape \(2,\)"),
    ],
)
def test_mistakes_get_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call(_curve(_noisy()))


def test_separation_does_not_depend_on_the_scale():
    assert linearly_separable(1e-9 * np.array([[1.0], [-2.0]]), [1, 0])
