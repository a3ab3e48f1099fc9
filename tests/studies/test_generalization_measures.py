"""The study generalization-measures: scores of hand-made runs, the rule of survival, its claims, and a shrunk run."""

from __future__ import annotations

import dataclasses
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.generalization_measures import claims, errors, networks, numbers, part, survival, tables
from memjax.studies.generalization_measures.runs import SIZES
from memjax.studies.generalization_measures.study import STUDY

AXES = {"hidden": ["8", "16", "8-8", "16-16"], "learning_rate": [0.1, 0.2], "dropout": [0.0, 0.5], "seed": [0, 1, 2, 3]}
HYPER = ["width", "depth", "learning_rate", "dropout"]


def _normal(axes, seed):
    return xr.DataArray(np.random.default_rng(seed).normal(size=[len(one) for one in axes.values()]), axes, tuple(axes))


def _networks(rate=0.0):
    """What is measured on networks whose gap rises with width, falls with dropout, and has noise; all measures are noise."""
    found = xr.Dataset({name: _normal(AXES, 10 + i) for i, (name, _) in enumerate(numbers.MEASURES.values())})
    for i, name in enumerate(("pac_bayes_bound", "pac_bayes_sharpness")):
        found[name] = _normal({**AXES, "noise": ["flat", "magnitude"]}, 50 + i)
    wide = xr.DataArray([0.0, 1.0, 0.0, 1.0], dims="hidden")
    gap = 0.2 + 0.05 * wide - 0.1 * found["dropout"] + rate * found["learning_rate"] + 0.01 * _normal(AXES, 1)
    again = gap + 0.01 * _normal(AXES, 2)
    more = {
        "accuracy": xr.ones_like(gap),
        "tested": 1 - gap,
        "tested_again": 1 - again,
        "reached": gap > 0,
        "test_rows": 500,
    }
    return found.drop_vars("llc").assign(more)


def _coefficients():
    one = _normal(AXES, 3)
    return xr.Dataset({"llc": one, "llc_verdict": (one > 1).astype(float)})


@pytest.fixture(scope="module")
def runs():
    return numbers.runs_of(_networks(), _coefficients())


@pytest.fixture(scope="module")
def parts():
    return dict.fromkeys(("digits", "signals"), part.part_of(_networks(), _coefficients()))


def test_a_network_is_tested_on_two_halves_of_the_test_rows():
    outputs = np.eye(3)[[0, 1, 2, 0, 1]]
    test = SimpleNamespace(x=np.zeros((5, 1)), y=np.array([0, 0, 2, 0, 2]))
    found = networks.tested(SimpleNamespace(outputs=lambda x: outputs, test=test))
    assert found == {"tested": pytest.approx(2 / 3), "tested_again": 0.5, "test_rows": 3}


def test_shapes_become_widths_and_depths():
    found = numbers.by_shape(xr.Dataset({"x": ("hidden", [1, 2, 3, 4])}, {"hidden": AXES["hidden"]}))["x"]
    assert found.dims == ("width", "depth") and found.sel(width=16, depth=1) == 2 and found.sel(width=8, depth=2) == 3


def test_runs_hold_measures_gaps_and_baselines_by_their_labels(runs):
    made = numbers.by_shape(_networks())
    gap = made["accuracy"] - made["tested"]
    xr.testing.assert_allclose(runs["gap"], gap)
    assert list(runs["measure"].values) == [*numbers.MEASURES, *numbers.BASELINES]
    for name, noise in (("1 / σ²", "flat"), ("1 / σ², by size", "magnitude")):
        wanted = made["pac_bayes_sharpness"].sel(noise=noise, drop=True)
        own = runs["value"].sel(measure=name, drop=True)
        xr.testing.assert_equal(own, wanted.transpose(*own.dims).rename("value"))
    other = runs["value"].sel(measure=numbers.OTHER_SEED, drop=True)
    for seed, before in ((0, 3), (1, 0), (3, 2)):
        np.testing.assert_allclose(other.sel(seed=seed), gap.sel(seed=before))
    wanted = made["accuracy"] - made["tested_again"]
    np.testing.assert_allclose(runs["value"].sel(measure=numbers.OTHER_ROWS), wanted.transpose(*gap.dims))


def test_runs_that_do_not_reach_the_cross_entropy_are_left_out():
    made = _networks()
    made["reached"].loc[{"hidden": "16-16", "learning_rate": 0.2, "dropout": 0.0, "seed": 2}] = False
    found = numbers.runs_of(made, _coefficients())
    there = {"width": 16, "depth": 2, "learning_rate": 0.2, "dropout": 0.0}
    lost = found.sel(there).sel(seed=2)
    assert lost["gap"].isnull() and lost["value"][:-1].isnull().all()
    # The gap of another seed lacks this run where that seed is the other one.
    assert found["value"].sel(there).sel(seed=3, measure=numbers.OTHER_SEED).isnull()
    assert int(found["gap"].isnull().sum()) == 1 and int(found["reached"].sum()) == 63


def test_scores_are_those_of_loops_over_pairs(runs):
    value, gap = runs["value"], runs["gap"]
    found = numbers.scores(value, gap)
    x, y = (one.sel(seed=1).stack(run=HYPER).values for one in (value.sel(measure="sharpness"), gap))
    signs = [np.sign(x[i] - x[j]) * np.sign(y[i] - y[j]) for i, j in itertools.combinations(range(16), 2)]
    assert float(found["tau"].sel(measure="sharpness", seed=1)) == pytest.approx(np.mean(signs))
    own = value.sel(measure="sharpness", seed=1)
    rise = (own.isel(depth=1) - own.isel(depth=0)) * (gap.isel(depth=1) - gap.isel(depth=0)).sel(seed=1)
    psi = found["psi"].sel(measure="sharpness", seed=1)
    assert float(psi.sel(hyperparameter="depth")) == pytest.approx(float(np.sign(rise).mean()))
    assert float(found["mean_psi"].sel(measure="sharpness", seed=1)) == pytest.approx(float(psi.mean()))


def test_a_power_of_the_gap_has_all_scores_and_its_inverse_has_the_information():
    gap = numbers.runs_of(_networks(), _coefficients())["gap"]
    width = gap["width"] + 0 * gap
    several = xr.concat([gap**3, -gap, width], xr.Variable("measure", ["cube", "minus", "width"]))
    found = numbers.scores(several, gap)
    assert (found["tau"][:2] == xr.DataArray([1.0, -1.0], dims="measure")).all()
    assert (found["psi"].sel(measure="cube") == 1).all() and (found["mean_psi"].sel(measure="minus") == -1).all()
    np.testing.assert_allclose(found["information"][:2], 1.0)
    # Where the width is known, a measure that is the width says nothing.
    np.testing.assert_allclose(found["information"][2], 0.0, atol=1e-12)


def test_random_measures_have_the_known_spread(runs):
    null = survival.null(runs["gap"])
    exact = np.sqrt(2 * (2 * 16 + 5) / (9 * 16 * 15))
    # Over 200 draws the standard deviation has a relative error of 5%; measured: 0.7% to 6%.
    np.testing.assert_allclose(null["tau"].std("draw", ddof=1), exact, rtol=0.15)
    # Eight pairs, each of a random sign; measured: at most 9%.
    np.testing.assert_allclose(null["psi"].std("draw", ddof=1), np.sqrt(1 / 8), rtol=0.2)
    xr.testing.assert_equal(numbers.random(runs["gap"], 2), numbers.random(runs["gap"], 3)[:2])


def test_sign_errors_are_those_of_loops_over_environments(runs):
    value, gap = runs["value"].sel(measure=["sharpness", "entropy"]), runs["gap"]
    found = errors.sign_errors(value, gap, None)
    own, each = value.sel(measure="entropy"), []
    for dim in HYPER:
        rest = [name for name in HYPER if name != dim]
        x, y = (one.stack(setting=rest).transpose(dim, "seed", "setting").values for one in (own, gap))
        pairs = np.sign(x[0][:, None] - x[1][None]) * np.sign(y[0][:, None] - y[1][None])
        each += ((1 - pairs) / 2).mean((0, 1)).tolist()
    each.sort()
    assert len(each) == int(found["count"][1]) == 32
    assert float(found["mean"][1]) == pytest.approx(np.mean(each)) and float(found["worst"][1]) == pytest.approx(
        each[-1]
    )
    assert float(found["median"][1]) == pytest.approx(each[15]) and float(found["nine_tenths"][1]) == pytest.approx(
        each[28]
    )


def test_intervals_of_sign_errors_are_of_seeds(runs):
    alike = runs.isel(seed=[0, 0, 0]).assign_coords(seed=[0, 1, 2])
    found = errors.sign_errors(alike["value"].sel(measure=["sharpness"]), alike["gap"], None)
    for name in ("mean", "worst"):
        assert float(abs(found[f"{name}_interval"] - found[name]).max()) < 1e-12
    apart = errors.sign_errors(runs["value"].sel(measure=["sharpness"]), runs["gap"], None)
    low, high = apart["mean_interval"].values[0]
    assert low < float(apart["mean"][0]) < high


def test_pairs_whose_gaps_may_differ_by_chance_have_no_weight(runs):
    own = runs["value"].sel(measure=["sharpness"])
    assert int(errors.sign_errors(own, runs["gap"], 10)["count"][0]) == 0
    assert int(errors.sign_errors(own, runs["gap"], 10**6)["count"][0]) == 32


def _scores(information=0.2, mean_psi=0.3, psi=(0.5, 0.1)):
    spread = xr.DataArray([[-0.01, 0.0, 0.01, 0.0]], dims=("measure", "seed"))
    each = spread + xr.DataArray(list(psi), dims="hyperparameter")
    return xr.Dataset({"information": information + spread, "mean_psi": mean_psi + spread, "psi": each})


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, [True, True, True]),
        ({"information": 0.05}, [False, True, True]),
        ({"information": 0.055}, [False, True, True]),
        ({"mean_psi": 0.005}, [True, False, True]),
        ({"mean_psi": -0.3}, [True, False, True]),
        ({"psi": (0.5, -0.1)}, [True, True, False]),
        ({"psi": (0.5, -0.005)}, [True, True, True]),
    ],
)
def test_a_measure_survives_that_passes_every_part_of_the_rule(changed, wanted):
    chance = xr.DataArray([0.05] * 4, dims="seed")
    found = survival.checks(_scores(**changed), chance)
    assert [bool(found[name][0]) for name in ("informed", "ordered", "never_reversed")] == wanted
    fine = survival.checks(_scores(), chance)
    assert bool(survival.survives([fine, found])[0]) == bool(survival.survives([found, fine])[0]) == all(wanted)


def test_the_share_that_survives_by_chance_is_that_of_the_same_rule():
    good, bad = _scores(), _scores(mean_psi=-0.3)
    null = xr.concat([good, bad, bad, good], "measure").rename(measure="draw")
    null["information"] = null["information"] + xr.DataArray([0.1, 0.1, -0.1, -0.1], dims="draw")
    assert survival.by_chance([null, null]).values.tolist() == [1, 0, 0, 0]


def _told(made):
    return {claim.what.partition(": ")[2]: claim for claim in made}


def test_claims_on_norms_and_on_sharpness_follow_the_coefficients():
    spread = xr.DataArray([-0.02, 0.0, 0.02], dims="seed")
    tau = xr.DataArray(np.zeros(len(numbers.MEASURES)), {"measure": [*numbers.MEASURES]}, ("measure",)) + spread
    tau.loc["spectral norms"], tau.loc["spectral norms / margin"] = -0.4 + spread, 0.3 + spread
    tau.loc["1 / σ², by size"] = 0.5 + spread
    # Eight of 23 are more than a quarter, so that the upper quartile of the others is theirs.
    plain = [name for name in numbers.MEASURES if name not in ("1 / σ², by size", "gradient variance", *claims._NORMS)]
    tau.loc[plain[:8]] = 0.2 + spread
    norms = claims.norm_claims("digits", xr.Dataset({"tau": tau}))
    assert [(claim.verdict.value, round(claim.estimate.value, 6)) for claim in norms] == [
        ("as published", -0.4),
        ("differs", 0.3),
    ]
    found = _told(claims.sharpness_claims("digits", xr.Dataset({"tau": tau})))
    less = "Kendall's tau of {}, less the upper quartile of the other measures"
    sharp, noisy = found[less.format("1 / σ², by size")], found[less.format("gradient variance")]
    assert sharp.estimate.value == pytest.approx(0.3) and sharp.verdict.value == "as published"
    assert noisy.estimate.value == pytest.approx(-0.2) and noisy.verdict.value == "differs"
    assert found["Kendall's tau of 1 / σ², by size"].verdict.value == "as published"


def test_the_least_worst_error_is_that_of_the_best_measure():
    worst = 0.2
    names = [*numbers.MEASURES, numbers.OTHER_ROWS]
    values = np.r_[[1.0, worst], np.ones(len(names) - 3), 0.0]
    found = xr.Dataset({"worst": ("measure", values)}, {"measure": names}, {"seeds": 4})
    ends = np.stack([values - 0.1, values + 0.1], 1)
    claim, again = claims.error_claims("digits", found.assign(worst_interval=(("measure", "bound"), ends)))
    assert again.estimate.value == 0 and again.verdict.value == "not asked"
    assert (claim.verdict.value, claim.estimate.value, claim.remark) == ("not asked", worst, "L2 norm")


def test_claims_count_the_survivors_and_those_by_chance(parts):
    checks = xr.zeros_like(parts["digits"].checks)
    checks.loc[{"measure": ["entropy", numbers.OTHER_ROWS]}] = True
    other = checks.copy(deep=True)
    other.loc[{"measure": "L2 norm"}] = True
    null = xr.concat([_scores(0.3), _scores(0.3, -0.3), _scores(0.1), _scores(0.1)], "measure").rename(measure="draw")
    made = [dataclasses.replace(parts["digits"], checks=own, null=null) for own in (checks, other)]
    found, chance = claims.survival_claims(dict(zip(parts, made, strict=True)))
    assert found.estimate.value == 1 and found.remark == "entropy"
    assert (chance.estimate.value, chance.estimate.count) == (24 / 4, 4)
    known = _told(claims.null_claims("digits", parts["digits"].null, parts["digits"].runs["gap"]))
    assert known["standard deviation of Kendall's tau of random numbers"].verdict_shown == "as derived"
    ceiling = claims.baseline_claims("digits", parts["digits"].scores)
    assert len(ceiling) == 4 and ceiling[0].estimate.value > ceiling[2].estimate.value


def test_effects_are_differences_of_paired_runs(parts):
    assert tables.change(parts["digits"].runs["gap"], "width").values == pytest.approx([0.05] * 4, abs=0.02)
    rows = {tuple(row[:3]): row[3] for row in tables.effects(parts).rows}
    assert ("digits", "width", "8 to 16") in rows and ("MNIST-1D", "learning rate", "0.1 to 0.2") in rows
    value = float(rows["digits", "dropout", "0 to 0.5"].split()[0])
    assert value == pytest.approx(100 * float(tables.change(parts["digits"].runs["gap"], "dropout").mean()), abs=0.01)


@pytest.mark.slow
def test_measures_are_ranked_by_their_granulated_coefficient(parts):
    order = part.ranked(parts)
    means = sum(own.scores["mean_psi"].mean("seed") for own in parts.values())
    values = [float(means.sel(measure=name)) for name in order]
    assert values == sorted(values, reverse=True) and set(order) == set(numbers.MEASURES)
    made = tables.all_tables(parts)["survivors"].rows
    assert [row[0] for row in made] == [*order, *numbers.BASELINES, part.RANDOM] and made[-1][1].endswith("%")


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "long"])
def test_every_scale_can_be_laid_out(scale):
    for one in STUDY.sweeps(scale, 3).values():
        assert mj.explain(one.experiment, one.over)
    assert set(STUDY.seeds) == set(STUDY.scales) == set(SIZES)


def _shrunk(scale, seeds):
    found = {}
    for name, one in STUDY.sweeps(scale, seeds).items():
        few = {"steps": 1000, "snapshots": (1000,), "record_at": mj.spaced(1, 1000, 20)}
        small = dataclasses.replace(one.experiment, train_size=40, test_size=100, **few)
        over = {**one.over, "hidden": [(16,), (32,), (16, 16), (32, 32)], "learning_rate": (0.05,), "l2": (0.0,)}
        found[name] = dataclasses.replace(one, experiment=small, over=over)
    return found


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again):
    study = dataclasses.replace(STUDY, sweeps=_shrunk)
    folder, findings = studies.run(study, tmp_path / "out", seeds=3, progress=False)
    assert set(findings.figures) == {"scores", "scatter", "sign_errors", "granulated"}
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    found = xr.open_dataset(folder / "digits_networks.nc")
    assert float(found["reached"].mean()) > 0.5 and float(found["loss"].where(found["reached"]).max()) <= 0.01
    assert len(findings.claims) == 30
    made_again(folder, study)
