"""The study memorization-bank: scores, rates and attributions of made-up banks, its claims, and a shrunk run."""

from __future__ import annotations

import dataclasses
import itertools
from functools import partial

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import analysis, studies
from memjax.studies.memorization_bank import attacks, attributions, claims, numbers
from memjax.studies.memorization_bank.study import STUDY


def _masks(networks, rows, seed=0):
    rng = np.random.default_rng(seed)
    first = np.array([rng.permutation(rows) < rows // 2 for _ in range(networks // 2)])
    return np.stack([first, ~first], axis=1).reshape(networks, rows)


def _bank(networks=16, rows=12, seed=0):
    """Networks that are right about the rows they have, and about the second half of the rows in any case."""
    member, rng = _masks(networks, rows, seed), np.random.default_rng(seed + 1)
    right = member | (np.arange(rows) >= rows // 2)
    inside = (right * member).sum(1) / member.sum(1)
    outside = (right * ~member).sum(1) / (~member).sum(1)
    return xr.Dataset(
        {
            "example_correct": (("seed", "example"), right),
            "train_count": (("seed", "example"), member.astype(np.int64)),
            "example_log_odds": (("seed", "example"), np.round(rng.normal(size=member.shape) + 2 * member, 1)),
            "train_accuracy": ("seed", inside),
            "held_out_accuracy": ("seed", outside),
            "corrupted": (("seed", "example"), np.broadcast_to(np.arange(rows) < 2, member.shape)),
        },
        {"seed": np.arange(networks), "example": np.arange(rows) * 10},
    )


def test_scores_of_the_nearest_neighbour_are_those_of_all_subsets():
    # Distances 1, 1 and 2, 2 are equal; the earlier row is nearer.
    x, y, size = np.array([[0.0], [1.0], [2.0], [4.0], [6.0], [6.5], [9.0]]), np.array([0, 1, 0, 0, 1, 0, 1]), 3
    exact = []
    for row in range(len(x)):
        others = [other for other in range(len(x)) if other != row]
        nearest = [
            min(part, key=lambda other: abs(x[other] - x[row])[0]) for part in itertools.combinations(others, size)
        ]
        exact.append(1 - np.mean([y[one] == y[row] for one in nearest]))
    assert numbers.nearest_scores(x, y, size) == pytest.approx(np.array(exact), abs=1e-12)


def test_rates_are_those_of_the_roc_and_of_its_draws():
    # Most of 1,600 scores of either kind are ties, so that rates at few false alarms are neither 0 nor 1.
    bank = _bank(networks=16, rows=200)
    score, count = bank["example_log_odds"], bank["train_count"]
    found = attacks.drawn_rates(score, count)
    wanted = analysis.roc(score, count, fpr=attacks.RATES)
    assert found.dims == ("draw", "fpr") and found.sizes["draw"] == 201
    np.testing.assert_array_equal(found[0], wanted["tpr"])
    np.testing.assert_array_equal(found[1:], wanted["tpr_draws"])
    assert 0 < found[0, 0] < found[0, 1] < 1
    estimate = attacks.bootstrapped(found[:, 1])
    assert estimate.low < estimate.value < estimate.high and estimate.count == 200


def test_curves_hold_every_rate_up_to_1():
    bank = _bank(networks=8, rows=40)
    hit = xr.Dataset(
        {"score": bank["example_log_odds"].expand_dims(attack=["one"]), "train_count": bank["train_count"]}
    )
    curve = attacks.curves(hit).sel(attack="one")
    assert curve.sizes == {"fpr": 81} and curve["fpr"][-1] == curve[-1] == 1
    assert (curve.diff("fpr") >= 0).all()
    wanted = analysis.roc(bank["example_log_odds"], bank["train_count"], fpr=curve["fpr"][60:62].values.tolist())
    np.testing.assert_array_equal(curve[60:62], wanted["tpr"])


def test_rows_that_an_attack_finds_are_counted_by_their_labels():
    score = xr.DataArray([[9.0, 8.0, 5.0, 1.0], [4.0, 7.0, 6.0, 2.0]], dims=("seed", "example"))
    member = xr.DataArray([[1, 1, 1, 0], [0, 0, 1, 1]], dims=score.dims)
    corrupted = xr.DataArray([[1, 0, 0, 1]] * 2, dims=score.dims)
    # Others have 7, 4 and 1: without a false alarm 9 and 8 are found, with one of three also 5 and 6.
    assert [attacks.corrupted_hits(score, member, corrupted, rate) for rate in (0.1, 0.34)] == [1 / 2, 1 / 4]


def test_networks_of_a_small_bank_are_attacked_with_the_networks_of_their_bank_alone():
    bank = _bank(networks=18)
    score, count = attacks.in_small_banks(bank, 8, attack="lira", variance="bank")
    assert score.shape == count.shape == (16, 12)
    alone = bank.isel(seed=slice(8, 16))
    wanted = analysis.membership(alone["example_log_odds"], alone["train_count"], attack="lira", variance="bank")
    np.testing.assert_array_equal(score[8:], wanted)
    np.testing.assert_array_equal(count[8:], alone["train_count"])
    assert attacks.bank_sizes(40) == [8, 16, 32, 40] and attacks.bank_sizes(32) == [8, 16, 32]


def test_a_loss_is_calibrated_as_a_loss():
    bank = _bank()
    found, odds = attacks.attacked(bank), bank["example_log_odds"].values
    losses = bank["example_log_odds"].copy(data=np.log(1 / (1 + np.exp(-odds))))
    wanted = analysis.membership(losses, bank["train_count"], attack="calibrated")
    assert found["score"].sel(attack="calibrated loss").values == pytest.approx(wanted.values, abs=1e-12)
    np.testing.assert_array_equal(found["score"].sel(attack="threshold"), odds)


def test_leaving_out_groups_gives_the_interval_of_the_means_of_groups():
    values = np.random.default_rng(0).normal(size=16)
    bank = xr.Dataset({"x": ("seed", values)})
    found = numbers.jackknifed(numbers.left_out(lambda part: part["x"].mean(), bank))
    # For a mean over groups of one size the jackknife is Student's interval of the means of the groups.
    means = values.reshape(8, 2).mean(1)
    half = 2.364624 * means.std(ddof=1) / np.sqrt(8)
    assert [found.low, found.value, found.high] == pytest.approx(values.mean() + half * np.array([-1, 0, 1]), abs=1e-6)


def test_the_mean_score_is_the_gap_in_every_group_of_networks():
    bank = _bank()
    assert numbers.gap(bank).values == pytest.approx(np.zeros(8), abs=1e-12)
    assert float(numbers.scores(bank)["mean_memorization"]) == pytest.approx(0.5)
    bank["train_accuracy"] = bank["train_accuracy"] - 0.1
    assert numbers.gap(bank).values == pytest.approx(np.full(8, 0.1), abs=1e-12)


def test_two_banks_agree_on_the_rows_that_both_memorise():
    first, second = _bank(rows=12), _bank(rows=12, seed=5)
    # Without being trained on them the first bank knows row 0 too, and the second one rows 1 to 3.
    first["example_correct"] = first["example_correct"] | (np.arange(12) < 1)
    second["example_correct"] = second["example_correct"] | np.isin(np.arange(12), [1, 2, 3])
    found = numbers.agreement(first, second)
    assert found.sel(what="jaccard") == pytest.approx(len({4, 5}) / len({0, 1, 2, 3, 4, 5}))
    # Scores of 0 and 1: Spearman's correlation is that of the two marks, (2/12 - 5/12 * 3/12) / sqrt(35/144 * 27/144).
    assert found.sel(what="rank correlation") == pytest.approx(9 / np.sqrt(35 * 27))
    one, other = numbers.halves(first)
    assert one["seed"].values[:4].tolist() == [0, 1, 4, 5] and other["seed"].values[:4].tolist() == [2, 3, 6, 7]


def test_rows_have_their_pixels_and_their_labels():
    task = mj.tasks.Images("digits", label_noise=0.5, noise_law="incorrect")
    clean = dataclasses.replace(task, label_noise=0.0)
    numbered = np.sort(task.draw(0, 30, 5)[0].x)
    found = numbers.rows_of(xr.Dataset(coords={"example": numbered}), task=task, train_size=30, test_size=5)
    np.testing.assert_array_equal(found["pixels"], task.pool[numbered])
    true = clean.draw(0, 30, 5)[0]
    np.testing.assert_array_equal(found["label"], true.y[np.argsort(true.x)])
    assert 5 < int((found["given_label"] != found["label"]).sum()) < 25


def test_attributions_are_paired_by_row_and_an_additive_function_is_predicted():
    member, weight = _masks(24, 6), np.random.default_rng(3).normal(size=(6, 4))
    values = member @ weight
    dims = {"seed": np.arange(24), "example": np.arange(6), "test_example": np.arange(4)}
    seen = xr.Dataset(
        {
            "test_example_log_odds": (("seed", "test_example"), values),
            "train_count": (("seed", "example"), member.astype(int)),
        },
        dims,
    )
    gradients = xr.DataArray(
        np.stack([weight, -weight, weight])[:, ::-1, ::-1],
        {"approach": list(attributions.METHODS[2:]), "example": np.arange(6)[::-1], "test_example": np.arange(4)[::-1]},
    )
    every = attributions.all_methods(seen, gradients)
    further, noise = _masks(32, 6, seed=9), np.random.default_rng(4).normal(size=(32, 4))
    # The two networks of a subset differ, and their mean does not.
    noisy = np.stack([further @ weight + noise, further @ weight - noise], axis=1)
    unseen = xr.Dataset(
        {
            "test_example_log_odds": (("subset_seed", "seed", "test_example"), noisy),
            "train_count": (("subset_seed", "seed", "example"), np.stack([further.astype(int)] * 2, axis=1)),
        },
        {"example": np.arange(6), "test_example": np.arange(4)},
    )
    found = attributions.datamodeling_scores(every, unseen)
    # Sums of six numbers in another order may exchange two ranks of equal values.
    for name, wanted in {"datamodels": 1, "gradient dot": 1, "influence functions": -1, "TRAK": 1}.items():
        assert found.sel(approach=name).values == pytest.approx(np.full(9, wanted), abs=0.01)
    assert 0.5 < float(found.sel(approach="bank influence")[0]) <= 1
    assert 0 <= float(attributions.ceiling(unseen)["mean_ceiling"]) < 0.99


def test_attributions_by_gradients_are_means_over_networks(monkeypatch):
    rng, dims = np.random.default_rng(0), ("seed", "snapshot", "example", "test_example")
    kernels = {name: rng.normal(size=(3, 1, 5, 4)) for name in ("gradient_dot", "influence_function", "trak_kernel")}
    weight = rng.random((3, 1, 5))
    measured = xr.Dataset(
        {name: (dims, values) for name, values in kernels.items()} | {"trak_weight": (dims[:3], weight)}
    )
    monkeypatch.setattr(attributions, "measure", lambda runs, measures: measured)
    found = attributions.by_gradients(xr.Dataset(), damping=0.1)["attribution"]
    dot, influence, kernel = (values.mean((0, 1)) for values in kernels.values())
    # float32.
    assert found.values == pytest.approx(np.stack([dot, influence, kernel * weight.mean((0, 1))[:, None]]), abs=1e-6)


def _draws(low, names, rates):
    values = np.array([[rate, *(rate + 0.001 * np.linspace(-1, 1, 40))] for rate in rates])
    return xr.DataArray(values[..., None], {"attack": names, "fpr": [low]}, ("attack", "draw", "fpr"))


@pytest.mark.parametrize(("offline", "verdict"), [(0.05, "as published"), (0.005, "differs"), (0.0101, "as published")])
def test_attacks_are_asked_for_an_order(offline, verdict):
    names = ["threshold", "calibrated loss", "calibrated log-odds", "LiRA offline", "LiRA"]
    tpr = _draws(0.001, names, [0.001, 0.01, 0.03, offline, 0.06])
    sizes = xr.concat(
        [_draws(0.001, ["LiRA", "LiRA, one variance", "RMIA"], few) for few in ([0.0, 0.04, 0.03], [0.08, 0.09, 0.07])],
        xr.DataArray([8, 256], dims="bank_size", name="bank_size"),
    )
    made = {claim.what: claim for claim in claims.attack_claims(tpr, sizes)}
    at = "true positive rate at 0.1% false positives"
    less = made[f"{at}, LiRA offline less calibrated loss"]
    assert less.estimate.value == pytest.approx(100 * (offline - 0.01)) and less.verdict.value == verdict
    assert made[f"{at}, LiRA less threshold"].verdict.value == "as published"
    variance = "in banks of {} networks, LiRA with one variance less LiRA"
    assert made[f"{at} {variance.format(8)}"].estimate.value == pytest.approx(4.0)
    # With many networks one variance is published to be worse.
    worse = made[f"{at} {variance.format(256)}"]
    assert worse.verdict.value == "differs" and worse.estimate.value == pytest.approx(1.0)
    chance = made["true positive rate of the threshold at 0.1% false positives"]
    assert chance.verdict.value == "as published" and chance.estimate.high == pytest.approx(0.195)


def test_attributions_are_asked_for_an_order():
    values = np.array([[0.2] * 9, [0.6] * 9, [0.3] * 9])
    names = ["gradient dot", "influence functions", "TRAK"]
    scores = xr.DataArray(values, {"approach": names}, ("approach", "left_out"))
    made = {
        network: [claim.verdict.value for claim in claims.attribution_claims(network, scores)]
        for network in claims.NETWORKS
    }
    assert made == {"mlp": ["differs"] + ["as published"] * 2, "logistic": ["as published"] * 3}


def test_claims_on_scores_hold_what_the_bank_says():
    bank = _bank()
    corrupted = bank["corrupted"].isel(seed=0, drop=True)
    mean, identity, share, more = claims.score_claims(bank, numbers.scores(bank), corrupted)
    assert mean.estimate.value == pytest.approx(0.5) and share.estimate.value == pytest.approx(0.5)
    assert identity.verdict.value == "as published"
    # Both corrupted rows are memorised, and four of the ten others.
    assert more.estimate.value == pytest.approx(1 - 0.4) and more.verdict.value == "as published"
    bank["train_accuracy"] = bank["train_accuracy"] + 0.01
    assert claims.score_claims(bank, numbers.scores(bank), corrupted)[1].verdict.value == "differs"


def test_the_nearest_neighbour_is_held_against_its_exact_scores():
    found = numbers.scores(_bank(networks=64, rows=400))
    # Scores of 0 and 1, the latter within a standard error of 0.012.
    exact = found["memorization"] * 0.995
    right = claims.nearest_claims(found, exact)
    assert [claim.verdict.value for claim in right] == ["as published"] * 2
    wrong = claims.nearest_claims(found, exact * 0.5)
    assert [claim.verdict.value for claim in wrong] == ["differs"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_every_scale_can_be_laid_out(scale):
    for part in STUDY.sweeps(scale, 8).values():
        assert mj.explain(part.experiment, part.over)
    assert set(STUDY.seeds) == set(STUDY.scales) == {"quick", "paper"}


def _shrunk(scale, seeds):
    def small(one):
        steps = min(one.steps, 60)
        fields = {"steps": steps, "record_every": steps, "train_size": 60, "test_size": 20}
        fields["batch_size"] = None if one.batch_size is None else 15
        return dataclasses.replace(one, **fields, snapshots=(steps,) if one.snapshots else ())

    parts = STUDY.sweeps(scale, seeds).items()
    return {name: dataclasses.replace(part, experiment=small(part.experiment)) for name, part in parts}


def _measured(scale):
    found = dict(STUDY.measured(scale))
    rows = found["rows"]
    sizes = {**rows.compute.keywords, "train_size": 60, "test_size": 20}
    return found | {"rows": dataclasses.replace(rows, compute=partial(numbers.rows_of, **sizes))}


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again):
    study = dataclasses.replace(STUDY, sweeps=_shrunk, measured=_measured)
    folder, findings = studies.run(study, tmp_path / "out", seeds=20, progress=False)
    assert set(findings.figures) == {"scores", "digits", "roc", "shadows", "attributions"}
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    made = {claim.what: claim for claim in findings.claims}
    assert made["mean score less the gap of train and held-out accuracy"].verdict.value == "as published"
    within = made["nearest neighbour: share of rows within four standard errors of their exact score"]
    assert within.estimate.value > 0.9
    assert [row[0] for row in findings.tables["shadows"].rows] == ["8", "16", "20"]
    made_again(folder, study)
