import warnings

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from memjax.analysis import describe, fit
from memjax.analysis.shapes.shape import is_flat

SIZE = 50 * 2 ** np.arange(10)
GAP = np.array([9.15, 12.87, 17.56, 23.16, 30.05, 38.12, 40.47, 32.33, 26.56, 22.49])


def said_of(values, **options):
    """Verdict without draws, which only the tests of support and intervals need."""
    return describe(values, **{"resamples": 0, **options})


def shape(values, **options):
    return said_of(values, **options).evidence["shape"].item()


def _curve(mean, sd=0.5, seeds=4, rng_seed=0):
    noise = sd * np.random.default_rng(rng_seed).standard_normal((seeds, len(mean)))
    return xr.DataArray(mean + noise, dims=("seed", "train_size"), coords={"train_size": SIZE[: len(mean)]})


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [
        (GAP, "inverted U"),
        (50.0 - GAP, "U"),
        (GAP[:6], "rising"),
        (50.0 - GAP[:6], "falling"),
        (np.full(10, 40.0), "flat"),
        (40.0 + 20.0 * np.sin(np.arange(10)), "cannot tell"),
    ],
)
def test_verdicts(mean, verdict):
    assert shape(_curve(mean)) == verdict


def test_the_sentence_of_the_published_shape():
    said = describe(_curve(GAP, sd=0.1), dim="train_size")
    first, second = str(said).splitlines()
    assert first.startswith("inverted U, maximum 40.")
    assert "at train_size = 3200 (in 100% of seeds), 17.9" in first and "times the seed noise" in first
    assert "; offset power law on 50..1600, amplitude 6." in first and ", exponent 0.2" in first
    assert "(AICc, next: " in first and "% of disturbed curves)" in first
    assert "from 50 to 3200 and -1" in second and "from 3200 to 25600" in second
    assert repr(said) == str(said)


def test_the_law_is_that_of_the_branch_without_the_turn():
    values = _curve(GAP, sd=0.1)
    evidence = describe(values).evidence
    expected = fit(values.sel(train_size=slice(50, 1600)), "offset power law", resamples=200)
    for name in ("amplitude", "exponent", "offset"):
        assert evidence["parameter_value"].sel(parameter=name).item() == expected[name].item()
        ends = evidence["parameter_interval"].sel(parameter=name)
        np.testing.assert_array_equal(ends, expected[f"{name}_interval"])
    assert np.isnan(evidence["parameter_value"].sel(parameter="rate"))
    assert evidence["range"].values.tolist() == [50.0, 1600.0]
    assert said_of(_curve(GAP[:6])).evidence["range"].values.tolist() == [50.0, 1600.0]
    assert said_of(_curve(50.0 - GAP)).evidence["range"].values.tolist() == [50.0, 1600.0]


def test_minimum_is_reported_the_right_way_up():
    values = _curve(50.0 - GAP)
    said = describe(values)
    lower, upper = said.turn["height_interval"].values
    assert lower < float(said.turn["height"]) < upper
    assert float(said.turn["height"]) == pytest.approx(float(values.mean("seed").min()))
    assert "U, minimum 9." in str(said) and "below the lower end" in str(said)


@pytest.mark.parametrize("trials", [50, pytest.param(200, marks=pytest.mark.slow)])
def test_noise_without_trend_is_rarely_given_a_shape(trials):
    found = [shape(_curve(np.full(10, 10.0), sd=1.0, rng_seed=trial)) for trial in range(trials)]
    # At most 5% by construction; 3.3% seen in 600 trials, standard error 0.7%.
    assert np.mean([one != "cannot tell" for one in found]) <= 0.08


def test_p_values_match_paired_t_tests():
    values = _curve(GAP, sd=8.0)

    def p(greater, smaller):
        return stats.ttest_rel(values[:, greater], values[:, smaller], alternative="greater").pvalue

    expected = {
        "rising": 4.0 * p(9, 0),
        "falling": 4.0 * p(0, 9),
        "inverted U": 32.0 * min(max(p(k, 0), p(k, 9)) for k in range(1, 9)),
        "U": 32.0 * min(max(p(0, k), p(9, k)) for k in range(1, 9)),
    }
    found = said_of(values).evidence["p_value"]
    for name, adjusted in expected.items():
        # Largest relative difference seen over ten seeds: 7e-16.
        assert found.sel(candidate_shape=name).item() == pytest.approx(min(1.0, adjusted), rel=1e-10)


def test_seed_offsets_cancel():
    values = _curve(GAP, sd=0.1)
    shifted = values + xr.DataArray([0.0, 100.0, -130.0, 30.0], dims="seed")
    one, two = said_of(values).evidence, said_of(shifted).evidence
    assert two["shape"] == "inverted U"
    for name in ("p_value", "aicc_difference", "noise", "parameter_value"):
        # The levels of seeds, which sum to 0 here, cancel but for rounding: 4e-9 at most.
        np.testing.assert_allclose(one[name], two[name], rtol=1e-6)


def test_turn_lost_in_noise_is_said_to_be_so():
    # The last point lies below the one before by as much as two seeds differ.
    said = said_of(_curve(np.append(GAP[:7], 39.9), sd=0.5, rng_seed=3)).evidence
    assert said["shape"] == "rising"
    assert "at face value the curve is inverted U, but not beyond seed noise" in said["reason"].item()
    assert said["range"].values.tolist() == [50.0, 6400.0]


@pytest.mark.parametrize("values", [_curve(GAP, seeds=1), _curve(GAP).isel(seed=0), _curve(GAP).mean("seed")])
def test_without_seeds_it_cannot_tell_and_says_why(values):
    said = describe(values)
    assert said.evidence["shape"] == "cannot tell" and said.evidence["law"] == ""
    assert "no seed noise to judge by; taken at face value the curve is inverted U" in str(said)


def test_diverged_runs():
    values = _curve(GAP)
    values[2, 5] = np.nan
    values[:, 9] = np.nan
    said = said_of(values).evidence
    assert said["shape"] == "inverted U" and "to 12800" in said["reason"].item()
    values[:] = np.nan
    assert said_of(values).evidence["reason"] == "0 positions with enough finite values, at least 3 needed"


def test_identical_seeds_leave_no_doubt():
    assert shape(_curve(GAP, sd=0.0)) == "inverted U"
    assert shape(_curve(np.zeros(10), sd=0.0)) == "flat"


def test_axis_through_zero_is_compared_with_laws_that_it_allows():
    said = said_of(_curve(GAP).assign_coords(train_size=np.arange(10) - 2)).evidence
    assert said["shape"] == "inverted U"
    assert "power law" not in said["candidate"].values and "logistic" in said["candidate"].values
    with pytest.raises(ValueError, match="'power law' needs positive positions"):
        describe(_curve(GAP).assign_coords(train_size=np.arange(10) - 2), candidates=["linear", "power law"])


def test_many_curves_are_judged_as_each_alone():
    curves = xr.concat([_curve(GAP), _curve(50.0 - GAP), _curve(np.full(10, 40.0)), _curve(GAP, rng_seed=1)], "width")
    curves[1, 2, 5] = curves[3, :, 9] = np.nan
    both = describe(curves, resamples=100)
    for i in range(4):
        alone = describe(curves[i], resamples=100)
        xr.testing.assert_allclose(both.evidence.isel(width=i), alone.evidence, rtol=1e-6)
        assert both.sentence[i].item() == alone.sentence.item()
    assert str(both).startswith("width = 0: inverted U") and "width = 2: flat" in str(both)


LAWS = {
    "linear": lambda x: 10.0 + 0.001 * x,
    "logarithmic": lambda x: 2.0 + 5.0 * np.log(x),
    "power law": lambda x: 2.0 * x**0.45,
    "offset power law": lambda x: 5.0 + 300.0 * x**-0.6,
    "exponential": lambda x: 40.0 * np.exp(-x / 8000.0),
    "saturating": lambda x: 40.0 - 32.0 * np.exp(-x / 1500.0),
    "step": lambda x: 10.0 + 30.0 * (x > 1000.0),
    "log plateau": lambda x: 2.0 + 8.0 * np.log(np.minimum(x, 3000.0)),
    "Hill": lambda x: 5.0 + 30.0 / (1.0 + (900.0 / x) ** 2),
}


@pytest.mark.parametrize("law", LAWS)
def test_curves_of_a_law_are_told_from_the_others(law):
    mean = LAWS[law](SIZE)
    curves = xr.concat([_curve(mean, sd=0.01 * np.ptp(mean), rng_seed=trial) for trial in range(20)], "trial")
    found = said_of(curves).evidence
    # Of 100 trials each: right in 76 (linear) to 100, wrong in at most 3, else "cannot tell".
    assert (found["law"] == law).mean() >= 0.6
    assert ((found["law"] != law) & (found["law"] != "cannot tell")).mean() <= 0.15


def test_a_curve_of_no_law_is_called_that():
    wavy = 40.0 + 10.0 * np.log(SIZE) + 3.0 * np.sin(np.arange(10.0) * 1.5)
    assert said_of(_curve(wavy, sd=0.3)).evidence["law"] == "no law"


def test_too_much_noise_for_a_law_is_said_to_be_so():
    said = said_of(_curve(40.0 - 32.0 * np.exp(-SIZE / 1500.0), sd=4.0, rng_seed=2))
    assert said.evidence["shape"] == "rising" and said.evidence["law"] == "cannot tell"
    assert "cannot tell" in str(said) and "AICc: " in str(said)


def test_criterion_is_that_of_a_plain_calculation():
    values = _curve(LAWS["logarithmic"](SIZE), sd=2.0)
    found = said_of(values, candidates=["linear", "logarithmic"]).evidence["aicc_difference"]
    levels = values.mean("train_size") - values.mean()

    def aicc(columns):
        design = np.concatenate([np.tile(columns, (4, 1)), np.repeat(np.eye(4)[:, :3], 10, axis=0)], axis=1)
        rss, k, n = np.linalg.lstsq(design, values.values.ravel(), rcond=None)[1][0], design.shape[1] + 1, 40
        return n * np.log(rss / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1)

    plain = {"linear": np.stack([np.ones(10), SIZE], 1), "logarithmic": np.stack([np.ones(10), np.log(SIZE)], 1),
             "no law": np.eye(10)}  # fmt: skip
    expected = np.array([aicc(columns) for columns in plain.values()])
    # Levels of seeds are regressors here and taken out before there: the same least squares; 2e-12 apart.
    np.testing.assert_allclose(found, expected - expected.min(), atol=1e-8)
    assert levels.size == 4


def test_support_is_the_share_of_disturbed_curves():
    clear, unclear = _curve(LAWS["step"](SIZE), sd=0.3), _curve(LAWS["linear"](SIZE), sd=3.0)
    sure = describe(clear).evidence["support"]
    assert sure.sel(candidate="step") > 0.95 and sure.sum() == pytest.approx(1.0)
    assert describe(unclear).evidence["support"].max() < 0.9
    assert np.isnan(said_of(clear).evidence["support"]).all()


def test_flat_needs_all_intervals_inside_at_once():
    values = _curve(np.full(10, 100.0), sd=1.0).values
    deviation = values - values.mean(axis=1, keepdims=True)
    reach = {
        level: np.abs(stats.t.interval(level, 3, deviation.mean(0), stats.sem(deviation))).max()
        for level in (0.95, 0.995)
    }
    flat = {level: is_flat(values, within=1.001 * reach[level] / values.mean(), level=0.95) for level in reach}
    # Ten intervals at 99.5% each hold at once with 95%.
    assert flat[0.995] and not flat[0.95]
    assert not is_flat(values, within=0.999 * reach[0.995] / values.mean(), level=0.95)


def test_runs_that_never_got_there_are_told_without_a_warning():
    times = xr.DataArray(
        np.array([[np.inf, 3368.0, 2392.0, 444.0, 199.0, np.inf], [np.inf, 3285.0, 1335.0, 459.0, 249.0, np.inf],
                  [np.inf, 2685.0, 1635.0, 1384.0, 735.0, np.inf], [np.nan, np.inf, 896.0, 478.0, 173.0, np.nan]]),
        dims=("seed", "weight_decay"), coords={"weight_decay": [0.0, 0.1, 0.3, 1.0, 2.0, 4.0]},
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = describe(times, "weight_decay")
    assert str(said).splitlines()[-1] == (
        "  left out as infinite (never got there): all runs at weight_decay = 0 and 4; 1 of 4 runs at weight_decay = 0.1"
    )
    np.testing.assert_array_equal(said.evidence["infinite"], [1.0, 0.25, 0.0, 0.0, 0.0, 1.0])
    known = describe(times.where(np.isfinite(times)), "weight_decay")
    assert said.evidence.drop_vars("infinite").equals(known.evidence.drop_vars("infinite"))
    assert (
        str(known) == str(said).rpartition("\n")[0] and (known.evidence["infinite"].dropna("weight_decay") == 0.0).all()
    )


def test_of_many_curves_each_counts_its_own_infinite_runs():
    curve = _curve(GAP)
    other = curve.copy(data=np.where(np.arange(10) < 8, np.inf, curve.values))
    said = said_of(xr.concat([curve, other], "kind"))
    assert "infinite" not in said.sentence[0].item()
    assert said.sentence[1].item().endswith("all runs at train_size = 50, 100, 200, 400, 800, 1600 and 2 more")
    np.testing.assert_array_equal(said.evidence["infinite"].sum("train_size"), [0.0, 8.0])
