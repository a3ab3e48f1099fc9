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
from memjax.studies.memorization_bank import (
    attacks,
    attributions,
    claims,
    figures,
    knobs,
    numbers,
    pictures,
    rated,
    removal,
    rows,
    sizes,
)
from memjax.studies.memorization_bank.attack_claims import attack_claims
from memjax.studies.memorization_bank.attribution_claims import attribution_claims
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
    numbered, tests = (np.sort(part.x) for part in task.draw(0, 30, 5))
    runs = xr.Dataset(coords={"example": numbered, "test_example": tests[::-1]})
    found = numbers.rows_of(runs, task=task, train_size=30, test_size=5)
    np.testing.assert_array_equal(found["pixels"], task.pool[numbered])
    np.testing.assert_array_equal(found["test_pixels"], task.pool[tests[::-1]])
    test = clean.draw(0, 30, 5)[1]
    np.testing.assert_array_equal(found["test_label"], test.y[np.argsort(-test.x)])
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
        np.stack([weight, -weight, weight, weight, weight, weight])[:, ::-1, ::-1],
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
    for name, wanted in {"datamodels": 1, "gradient dot": 1, "gradient cosine": -1, "TRAK": 1}.items():
        assert found.sel(approach=name).values == pytest.approx(np.full(9, wanted), abs=0.01)
    assert 0.5 < float(found.sel(approach="bank influence")[0]) <= 1
    assert 0 <= float(attributions.ceiling(unseen)["mean_ceiling"]) < 0.99


def test_attributions_by_gradients_are_means_over_networks(monkeypatch):
    rng, dims = np.random.default_rng(0), ("seed", "snapshot", "example", "test_example")
    names = ("gradient_dot", "influence_function", "trak_kernel")
    made = {name: rng.normal(size=(3, 2, 5, 4)) for name in names}
    weight = rng.random((3, 2, 5))
    whole = xr.Dataset({name: (dims, values) for name, values in made.items()} | {"trak_weight": (dims[:3], weight)})

    def measured(runs, measures):
        # The cosine is asked for as the dot is, normalised.
        cosine = any(getattr(one.function, "normalized", False) for one in measures)
        return runs.assign(gradient_dot=-runs["gradient_dot"]) if cosine else runs

    monkeypatch.setattr(attributions, "measure", measured)
    found = attributions.by_gradients(whole, damping=0.1, solver="cg", projected=3)["attribution"]
    dot, influence, kernel = (values.mean(0) for values in made.values())
    trak = kernel[1] * weight[:, 1].mean(0)[:, None]
    lone = made["trak_kernel"][0, 1] * weight[0, 1][:, None]
    wanted = np.stack([dot[1], -dot[1], dot.sum(0), influence[1], trak, lone])
    # float32.
    assert found.values == pytest.approx(wanted, abs=1e-6)
    assert found["approach"].values.tolist() == list(attributions.METHODS[2:])


def test_attributions_are_rated_against_means_and_against_single_networks():
    member, weight = _masks(24, 6), np.random.default_rng(3).normal(size=(6, 4))
    labels = {"example": np.arange(6), "test_example": np.arange(4)}
    seen = xr.Dataset(
        {
            "test_example_log_odds": (("seed", "test_example"), member @ weight),
            "train_count": (("seed", "example"), member.astype(int)),
        },
        labels,
    )
    by_gradient = xr.DataArray(
        np.stack([weight] * 6),
        {"approach": list(attributions.METHODS[2:]), **labels},
        ("approach", "example", "test_example"),
    )
    # The two networks of a subset are the truth and noise, so that single networks are better predicted than their means.
    further, noise = _masks(32, 6, seed=9), 3 * np.random.default_rng(4).normal(size=(32, 4))
    both = np.stack([further @ weight, noise], axis=1)
    counts = np.stack([further.astype(int)] * 2, axis=1)
    unseen = xr.Dataset(
        {
            "test_example_log_odds": (("subset_seed", "seed", "test_example"), both),
            "train_count": (("subset_seed", "seed", "example"), counts),
        },
        labels,
    )
    values = np.stack([np.zeros((4, 4)), *(-np.broadcast_to(row, (4, 4)) for row in weight[:3])])
    left = xr.Dataset(
        {"test_example_log_odds": (("left_out", "seed", "test_example"), values)},
        {"left_out": ["none", "0", "1", "2"], "test_example": np.arange(4)},
    )
    banks = {
        f"{kind}{name}": one
        for name in sizes.NETWORKS
        for kind, one in (("", seen), ("unseen_", unseen), ("left_", left))
    }
    measured = {f"attributed_{name}": xr.Dataset({"attribution": by_gradient}) for name in sizes.NETWORKS}
    found = rated.rated(banks, measured)["mlp"]
    trak = {
        name: float(scores.sel(approach="TRAK")[0]) for name, scores in found._asdict().items() if "ceiling" not in name
    }
    assert trak["single"] == pytest.approx(1, abs=0.01) and trak["datamodeling"] < 0.9
    assert trak["leave_one_out"] == pytest.approx(1) and found.leave_one_out_ceiling == pytest.approx(1)
    assert found.ceiling < 0.6 and set(found.by_kind) == {"datamodeling", "leave-one-out"}


def test_effects_of_left_out_rows_are_paired_by_row_and_by_seed():
    rng, rows = np.random.default_rng(5), np.array([30, 10, 20])
    effect, whole = rng.normal(size=(3, 4)), rng.normal(size=(6, 4))
    values = np.concatenate([whole[None], whole[None] - effect[:, None]])
    labels = {"left_out": ["none", "30", "10", "20"], "seed": np.arange(6), "test_example": np.arange(4)}
    left = xr.Dataset({"test_example_log_odds": (tuple(labels), values)}, labels)
    # Attributions of more rows, in another order.
    given = rng.normal(size=(4, 4))
    given[[1, 3, 2]] = effect
    attribution = xr.DataArray(
        np.stack([given, -given]),
        {"approach": ["a", "b"], "example": [5, 30, 20, 10], "test_example": np.arange(4)},
        ("approach", "example", "test_example"),
    )
    found = attributions.leave_one_out_scores(attribution, left)
    assert found.sel(approach="a").values == pytest.approx(np.ones(found.sizes["left_out"]), abs=1e-9)
    assert found.sel(approach="b").values == pytest.approx(-np.ones(found.sizes["left_out"]), abs=1e-9)
    assert float(attributions.leave_one_out_ceiling(left)["mean_ceiling"]) == pytest.approx(1)
    assert found["left_out"].values.tolist() == [-1, 0, 1, 2]
    assert rows.tolist() == attributions._paired(left)["left_out"].values.tolist()


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
    made = {claim.what: claim for claim in attack_claims(tpr, sizes)}
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
    names = ["gradient dot", "gradient cosine", "TracIn", "influence functions", "TRAK", "TRAK, one network"]
    values = np.array([[0.2], [0.1], [0.25], [0.6], [0.3], [0.3]]) * np.ones(9)
    scores = xr.DataArray(values, {"approach": names}, ("approach", "left_out"))
    made = {name: attribution_claims(name, "datamodeling", scores) for name in sizes.NETWORKS}
    verdicts = {name: [claim.verdict.value for claim in found] for name, found in made.items()}
    assert verdicts["mlp"] == ["differs"] + ["as published"] * 3 + ["differs"]
    assert verdicts["logistic"] == ["as published"] * 4 + ["differs"]
    assert made["logistic"][0].published == "0.80 against 0.64 (MNIST)"
    (height,) = attribution_claims("mlp", "leave-one-out", scores)
    assert height.estimate.value == pytest.approx(0.6) and height.verdict.value == "not asked"
    assert attribution_claims("logistic", "leave-one-out", scores)[0].published == "0.88 against 0.74 (MNIST)"


def test_the_most_memorised_rows_are_removed_and_as_many_random_ones():
    bank = _bank(networks=16, rows=20)
    removed = removal.removed_rows(bank)
    # Rows 0 to 9 are memorised; of equal scores the earlier row is removed first.
    assert [len(part) for part in removed] == [1] * 5 + [2] * 5 + [4] * 5 + [6] * 5
    assert removed[::5] == [(0,), (0, 10), (0, 10, 20, 30), (0, 10, 20, 30, 40, 50)]
    assert len(set(removed[11:15])) == 4 and all(set(part) <= set(range(0, 200, 10)) for part in removed)
    # Without nothing networks are right about 0.9; without memorised rows they lose 0.1, 0.2, ..., and else nothing on average.
    lost = np.concatenate([[0.0], *([0.1 * k, -0.02, 0.02, 0.01, -0.01] for k in (1, 2, 3, 4))])
    accuracy = 0.9 - lost[:, None] + np.array([0.0, 0.01])
    found = removal.losses(xr.Dataset({"test_accuracy": (("left_out", "seed"), accuracy)}, {"seed": [5, 6]}))
    for what, wanted in (
        ("memorised", [0.1, 0.2, 0.3, 0.4]),
        ("random", [0] * 4),
        ("difference", [0.1, 0.2, 0.3, 0.4]),
    ):
        np.testing.assert_allclose(found.sel(what=what), np.stack([wanted, wanted], axis=1), atol=1e-12)
    claimed = removal.removal_claims(found)
    assert [claim.estimate.value for claim in claimed] == pytest.approx([30, 40])
    assert [row[0] for row in removal.removal_table(found).rows] == ["5%", "10%", "20%", "30%"]


def test_every_setting_of_a_knob_has_its_own_scores():
    bank = _bank(networks=16, rows=20).expand_dims(example_step=[10, 20]).assign_coords(step=("step", [10, 20]))
    early = bank["example_correct"].isel(example_step=0) & (bank["train_count"].isel(example_step=0) > 0)
    right = xr.concat([early, bank["example_correct"].isel(example_step=1)], "example_step")
    bank = bank.assign(example_correct=right, corrupted=bank["corrupted"].isel(example_step=0))
    bank["train_count"] = bank["train_count"].isel(example_step=0)
    for name, shift in (("train_accuracy", 0.0), ("held_out_accuracy", 0.1)):
        one = bank[name].isel(example_step=0, drop=True)
        bank[name] = xr.concat([one, one + shift], "step").assign_coords(step=[10, 20])
    last = bank.isel(example_step=[-1], step=[-1])
    swept = {
        "widths": last.expand_dims(hidden=["8", "32"]),
        "decays": last.expand_dims(weight_decay=[0.0, 0.5]),
        "noises": last.expand_dims(label_noise=[0.0]),
    }
    swept["noises"]["corrupted"] = swept["noises"]["corrupted"] & False
    found = knobs.settings({"mlp": bank} | swept)
    wanted = [("steps", "10"), ("steps", "20"), ("width", "8"), ("width", "32"), ("weight decay", "0"), ("weight decay", "0.5"),
              ("share of corrupted labels", "0")]  # fmt: skip
    assert [(one.knob, one.value) for one in found] == wanted
    # At the first step nothing is known of rows that were not trained on.
    assert [float(one.found["mean_memorization"]) for one in found] == pytest.approx([1] + [0.5] * 6)
    assert float(found[1].held_out.mean() - found[0].held_out.mean()) == pytest.approx(0.1)
    assert [int(one.true.sum()) for one in found] == [18] * 6 + [20]
    table = knobs.knobs_table(found, numbers.scores(numbers.final(bank)))
    # Of the 18 rows with their true label 8 are memorised at the end.
    assert [row[-2] for row in table.rows] == ["1.0000", *["0.4444"] * 5, "0.5000"] and table.rows[1][-1] == "1"


def test_properties_of_rows_are_means_and_their_correlation_is_that_of_ranks():
    bank = _bank(networks=16, rows=12)
    dims = {"example": bank["example"].values[::-1]}
    leverage = xr.Dataset({"leverage": ("example", np.arange(12.0))}, dims)
    learnt = np.array([[1.0, np.nan], [3.0, 3.0]]).repeat([1, 11], axis=1)
    whole = xr.Dataset(
        {
            "example_logit_margin": (
                ("seed", "example_step", "example"),
                np.stack([np.arange(12.0), np.ones(12)])[:, None],
            ),
            "example_first_learnt": (("seed", "example_step", "example"), learnt[:, None]),
        },
        {"step": [0, 10, 50], "example_step": [50], **dims},
    )
    found = rows.properties(whole, leverage)
    assert found["margin"].values == pytest.approx((np.arange(12) + 1) / 2)
    # One network learns the first row at step 1, and never the others.
    assert found["first_learnt"].values == pytest.approx([2.0] + [(100 + 3) / 2] * 11)
    corrupted = bank["corrupted"].isel(seed=0, drop=True)
    table = rows.property_table(bank, found, corrupted)
    # Scores of 1 for the six rows of the largest leverage, and of 0: the correlation of a mark with ranks 1 to 12 is
    # sqrt(108 / 143), and without the two corrupted rows that of ranks 1 to 10 with four marks is sqrt(24 / 33).
    assert table.rows[0][1].startswith("0.869") and table.rows[0][2].startswith("0.853")


def test_the_strongest_pairs_share_no_row_and_no_example():
    effect = np.array([[0.9, 0.8, np.nan], [0.85, 0.1, 0.3], [0.2, 0.7, 0.1]])
    assert rows._one_of_each(effect, 5) == [(0, 0), (2, 1), (1, 2)]
    assert rows._one_of_each(effect, 1) == [(0, 0)]
    bank = _bank(networks=40, rows=12)
    member = bank["train_count"].values > 0
    # Row 3 decides about the first example, row 9 about the second, and nothing about the third.
    right = np.stack([member[:, 3], member[:, 9], np.ones(40, bool)], axis=1)
    bank["test_example_correct"] = (("seed", "test_example"), right)
    bank = bank.assign_coords(test_example=[7, 8, 9])
    found = rows.strongest_pairs(bank, 1)
    # Row 9 is known by all networks, so row 3 alone is memorised.
    assert (found["example"].item(), found["test_example"].item()) == (30, 7)
    assert found["influence"].item() == pytest.approx(1) and found["memorization"].item() == pytest.approx(1)
    assert found.attrs["influential"] == 1


@pytest.mark.slow
def test_figures_show_what_they_are_of():
    pictures_of = xr.Dataset(
        {
            "pixels": (("example", "height", "width"), np.zeros((3, 2, 2))),
            "label": ("example", [4, 5, 6]),
            "test_pixels": (("test_example", "height", "width"), np.zeros((2, 2, 2))),
            "test_label": ("test_example", [7, 8]),
        },
        {"example": [10, 20, 30], "test_example": [1, 2]},
    )
    strongest = xr.Dataset(
        {"influence": ("pair", [0.5, 0.25]), "standard_error": ("pair", [0.1, 0.2])},
        {"example": ("pair", [30, 10]), "test_example": ("pair", [2, 1])},
    )
    drawn = pictures.pairs(strongest, pictures_of)
    assert [ax.get_title() for ax in drawn.axes] == ["6", "4", "8", "7"]
    assert drawn.axes[3].get_xlabel() == "0.25 ± 0.20"
    scores = xr.DataArray(np.full((2, 9), 0.5), {"approach": ["TRAK", "TracIn"]}, ("approach", "left_out"))
    one = rated.Rated(scores, scores, -scores / 10, 0.9, 0.6)
    drawn = figures.attributions({"mlp": one, "logistic": one})
    assert [ax.get_title() for ax in drawn.axes][::2] == ["MLP, datamodeling", "MLP, leave-one-out"]
    assert drawn.axes[2].patches[0].get_height() == pytest.approx(-0.05)
    bank = numbers.scores(_bank())
    corrupted = xr.DataArray(np.arange(12) < 2, {"example": np.arange(12) * 10}, ("example",))
    setting = knobs.Setting("width", "8", 16, bank["seen"], bank["seen"], bank, ~corrupted)
    ax = figures.along_knobs([setting, setting._replace(knob="steps")]).axes[1]
    # Of the ten rows with their true label four are memorised, and half of all rows.
    assert ax.get_xlabel() == "steps" and ax.lines[-1].get_ydata()[0] == pytest.approx(0.4)
    assert ax.lines[0].get_ydata()[0] == pytest.approx(0.5)


@pytest.mark.slow
def test_the_nearest_neighbour_on_2000_halves_has_its_exact_scores():
    task = mj.tasks.Images("digits", label_noise=0.1, noise_law="incorrect")
    spec = mj.Experiment(
        task=task,
        train_size=120,
        test_size=0,
        subset=mj.subsets.BalancedHalves(),
        data_seed=3,
        model=mj.models.NearestNeighbors(k=1),
        optimizer=mj.optimizers.closed_form(),
        loss="one_hot_mse",
        steps=1,
        record_every=1,
        measures=("loss",),
        examples=("correct",),
    )
    bank = numbers.final(mj.sweep(spec, {"seed": range(2000)}, progress=False))
    train = task.draw(3, 120, 0)[0]
    order = np.argsort(train.x)
    exact = numbers.nearest_scores(task.pool[train.x[order]], train.y[order], 60)
    found = numbers.scores(bank)
    # A score is 1 minus the mean of 1,000 networks without the row; 4 standard errors of a share leave out 6 in 100,000.
    error = np.sqrt(exact * (1 - exact) / 1000)
    assert (abs(found["memorization"].values - exact) <= 4 * error + 1e-12).all()
    assert (exact > 0.1).sum() > 20 and (exact < 0.01).sum() > 20
    # The bound on the error of every score holds for the errors that are seen.
    seen = float(np.sqrt(((found["memorization"].values - exact) ** 2).mean()))
    assert 0 < seen < float(found["error_bound"].max())


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
@pytest.mark.parametrize("scale", ["quick", "paper", "mnist"])
def test_every_scale_can_be_laid_out(scale, monkeypatch):
    if scale == "mnist":
        # The same networks, on images that are there.
        there = sizes.SIZES[scale]._replace(dataset="digits", train_size=900, test_size=100)
        monkeypatch.setitem(sizes.SIZES, scale, there)
    parts = STUDY.sweeps(scale, 16)
    for part in parts.values():
        assert mj.explain(part.experiment, part.over)
    assert set(STUDY.seeds) == set(STUDY.scales) == {"quick", "paper", "fashion-mnist", "mnist"}


def test_a_bank_of_too_few_networks_is_refused():
    with pytest.raises(mj.InputError, match=r"seeds is 15: .* at least 16 networks"):
        STUDY.sweeps("quick", 15)
    # Two networks are two groups, each of which leaves one.
    assert numbers.left_out(lambda part: part["x"].mean(), xr.Dataset({"x": ("seed", [1.0, 3.0])})).values.tolist() == [
        2,
        3,
        1,
    ]


def _small(one):
    steps = min(one.steps, 80)
    fields = {"steps": steps, "record_every": steps, "train_size": 60, "test_size": 20}
    fields["batch_size"] = None if one.batch_size is None else 15
    fields["examples_at"] = None if one.examples_at is None else (steps // 2, steps)
    fields["record_every"] = steps if one.examples_at is None else steps // 2
    fields["snapshots"] = (steps // 2, steps) if one.snapshots else ()
    return dataclasses.replace(one, **fields)


def _all_small(parts):
    return {name: dataclasses.replace(part, experiment=_small(part.experiment)) for name, part in parts.items()}


def _shrunk(scale, seeds):
    return _all_small(STUDY.sweeps(scale, seeds))


def _shrunk_further(scale, datasets):
    return _all_small(STUDY.further(scale, datasets))


def _measured(scale):
    found = dict(STUDY.measured(scale))
    rows = found["rows"]
    sizes = {**rows.compute.keywords, "train_size": 60, "test_size": 20}
    return found | {"rows": dataclasses.replace(rows, compute=partial(numbers.rows_of, **sizes))}


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again):
    study = dataclasses.replace(STUDY, sweeps=_shrunk, further=_shrunk_further, measured=_measured)
    folder, findings = studies.run(study, tmp_path / "out", seeds=20, progress=False)
    assert set(findings.figures) == {"scores", "digits", "pairs", "rows", "knobs", "roc", "shadows", "attributions"}
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    made = {claim.what: claim for claim in findings.claims}
    assert made["mean score less the gap of train and held-out accuracy"].verdict.value == "as published"
    within = made["nearest neighbour: share of rows within four standard errors of their exact score"]
    assert within.estimate.value > 0.9
    assert [row[0] for row in findings.tables["shadows"].rows] == ["8", "16", "20"]
    made_again(folder, study)
