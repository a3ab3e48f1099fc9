"""The study long-tail: numbers of learners that are known by hand, its claims, and a shrunk run."""

from __future__ import annotations

import dataclasses
import itertools
from functools import partial

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import analysis, studies
from memjax.studies.long_tail import claims, numbers, scores, tables
from memjax.studies.long_tail.study import STUDY

TASK = mj.tasks.Subpopulations(num_subpopulations=60, num_classes=5)
SIZE, TEST, SEEDS = 80, 3000, 6


@pytest.fixture(scope="module")
def rows():
    runs = xr.Dataset(coords={"seed": np.arange(SEEDS)})
    return numbers.members(runs, task=TASK, train_size=SIZE, test_size=TEST)


def _learner(rows, forgets, axis="weight_decay", seed=0):
    """A look-up by subpopulation that guesses about those seen at most so many times, as records of a sweep."""
    rng = np.random.default_rng(seed)
    right, tested = [], []
    for most in forgets:
        for one in rows["seed"].values:
            part = rows.sel(seed=one)
            seen = np.bincount(part["train"].values, minlength=60)
            known = (seen > most) | (rng.random(60) < 1 / 5)
            right.append(known[part["train"].values])
            tested.append(known[part["test"].values])
    shape = (len(forgets), rows.sizes["seed"], -1)
    return xr.Dataset(
        {
            "example_correct": ((axis, "seed", "example"), np.reshape(right, shape)),
            "test_example_correct": ((axis, "seed", "test_example"), np.reshape(tested, shape)),
        },
        {axis: np.arange(len(forgets), dtype=float), "seed": rows["seed"].values},
    )


def test_rows_have_the_subpopulations_of_their_own_data_set(rows):
    for seed in range(SEEDS):
        train, test = TASK.subpopulations(seed, SIZE, TEST)
        np.testing.assert_array_equal(rows["train"].sel(seed=seed), train)
        np.testing.assert_array_equal(rows["test"].sel(seed=seed), test)
    np.testing.assert_array_equal(numbers.times_seen(rows)[2], np.bincount(rows["train"].values[2], minlength=60))
    np.testing.assert_array_equal(rows["frequency"], TASK.frequencies())


def test_a_train_set_is_counted_by_times_seen(rows):
    found = numbers.sampled(rows, most=70)
    assert found["count"].sum("times_seen").values.tolist() == [60] * SEEDS
    np.testing.assert_allclose(found["share"].sum("times_seen"), 1.0)
    np.testing.assert_allclose(found["mass"].sum("times_seen"), 1.0)
    train, p = rows["train"].values[3].tolist(), TASK.frequencies()
    once = [one for one in range(60) if train.count(one) == 1]
    assert int(found["count"].sel(seed=3, times_seen=1)) == len(once)
    assert float(found["mass"].sel(seed=3, times_seen=1)) == pytest.approx(p[once].sum())


def test_numbers_of_a_run_are_those_of_loops_over_its_rows(rows):
    runs = _learner(rows, [0, 1, 2])
    tail = numbers.tail_of(rows)
    found = numbers.of_runs(runs, rows, tail).sel(seed=4, weight_decay=1.0)
    right = runs["example_correct"].sel(seed=4, weight_decay=1.0).values
    tested = runs["test_example_correct"].sel(seed=4, weight_decay=1.0).values
    train, test = (rows[name].sel(seed=4).values.tolist() for name in ("train", "test"))
    times = {one: train.count(one) for one in range(60)}
    fits = {one: hit for one, hit in zip(train, right, strict=True) if times[one] == 1}
    assert float(found["fitted"]) == pytest.approx(np.mean(list(fits.values())))
    assert float(found["error"]) == pytest.approx(1 - tested.mean())
    for name, kept in (("error_if_fitted", True), ("error_if_not", False)):
        hits = [hit for one, hit in zip(test, tested, strict=True) if fits.get(one) == kept]
        assert float(found[name]) == pytest.approx(1 - np.mean(hits))
    for group, (least, most) in numbers.GROUPS.items():
        hits = [
            hit
            for one, hit in zip(test, tested, strict=True)
            if least <= times[one] <= (SIZE if most is None else most)
        ]
        assert float(found["group_error"].sel(group=group)) == pytest.approx(1 - np.mean(hits))
    wrong = [
        len({one for one, hit in zip(train, right, strict=True) if times[one] == t and not hit}) for t in (1, 2, 3)
    ]
    assert found["wrong"].sel(times_seen=[1, 2, 3]).values == pytest.approx(wrong)
    price = tail["price"].sel(times_seen=[1, 2, 3]).values
    assert float(found["excess"]) == pytest.approx(np.dot(price, wrong))
    assert float(found["predicted"] - found["excess"]) == pytest.approx(0.8 * float(tail["mass"][0]))


def test_a_subpopulation_that_is_half_wrong_counts_half():
    rows = xr.Dataset(
        {
            "train": (("seed", "example"), [[0, 0, 1]]),
            "test": (("seed", "test_example"), [[0, 1, 2]]),
            "frequency": ("subpopulation", [0.5, 0.3, 0.2]),
        },
        {"seed": [0]},
        {"num_classes": 2},
    )
    runs = xr.Dataset(
        {
            "example_correct": (("seed", "k", "example"), [[[1, 0, 1], [0, 0, 0]]]),
            "test_example_correct": (("seed", "k", "test_example"), [[[0, 1, 0], [1, 0, 0]]]),
        },
        {"seed": [0], "k": [1, 3]},
    )
    found = numbers.of_runs(runs, rows, numbers.tail_of(rows)).isel(seed=0)
    assert found["wrong"].values.tolist() == [[0, 0, 0.5], [0, 1, 1]]
    assert found["group_error"].sel(group=["0", "1", "2"]).values.tolist() == [[1, 0, 1], [1, 1, 0]]
    # Without a row of a kind there is no error.
    np.testing.assert_array_equal(found["error_if_not"], [np.nan, 1.0])
    np.testing.assert_array_equal(found["error_if_fitted"], [0.0, np.nan])
    assert found["group_error"].sel(group="10 or more").isnull().all()


def test_a_learner_by_look_up_has_the_predicted_error():
    many = xr.Dataset(coords={"seed": np.arange(200)})
    rows = numbers.members(many, task=TASK, train_size=SIZE, test_size=300)
    found = numbers.of_runs(_learner(rows, [0, 1, 3]), rows, numbers.tail_of(rows))
    less = found["error"] - found["predicted"]
    # Measured: at most 2.0 standard errors.
    assert (abs(less.mean("seed")) < 4 * less.std("seed") / np.sqrt(200)).all()
    # Singletons alone do not explain the error of a learner that forgets more.
    once = analysis.long_tail_error(found["wrong"].sel(times_seen=[1]), numbers.tail_of(rows))
    short = (found["excess"] - once).mean("seed").values
    assert short[0] == 0 and short[2] > 0.1


def test_a_slope_is_that_of_a_line():
    predicted = xr.DataArray([[0.1, 0.2, 0.4], [0.3, 0.5, 0.6]], {"seed": [0, 1], "k": [1, 3, 5]}, ("seed", "k"))
    slopes = xr.DataArray([1.5, 0.7], dims="seed")
    found = numbers.slope(xr.Dataset({"predicted": predicted, "error": 0.05 + predicted * slopes}), "k")
    assert found.values == pytest.approx([1.5, 0.7])


def test_a_strong_setting_fits_less_than_half_of_the_singletons():
    fitted = xr.DataArray([[1.0, 0.6, 0.52, 0.2], [1.0, 0.5, 0.4, 0.3]], {"k": [1, 3, 5, 9]}, ("seed", "k"))
    found = xr.Dataset({"fitted": fitted, "error": 1 - fitted})
    assert int(numbers.strong(found, "k")["k"]) == 5 and int(numbers.weak(found, "k")["k"]) == 1
    # In the opposite order of the settings too, and the strongest where none fits so few.
    assert int(numbers.strong(found.isel(k=slice(None, None, -1)), "k")["k"]) == 5
    assert int(numbers.strong(found.isel(k=[1, 0]), "k")["k"]) == 3


def test_settings_are_numbers_and_records_of_several_steps_are_settings():
    runs = xr.Dataset({"x": (("hidden", "example_step"), [[1.0], [2.0]])}, {"hidden": ["8", "16"], "example_step": [9]})
    found = numbers.by_setting(runs)
    assert found["hidden"].values.tolist() == [8, 16] and found["x"].dims == ("hidden",)
    several = xr.Dataset({"x": ("example_step", [1.0, 2.0])}, {"example_step": [3, 9]})
    assert numbers.by_setting(several)["x"].dims == ("example_step",)


def test_scores_of_a_look_up_are_those_of_all_halves():
    members, size, classes = [0, 0, 0, 1, 1, 2, 3, 3], 4, 5
    for row in (0, 3, 5):
        others = [other for other in range(8) if other != row]
        lacks = [all(members[other] != members[row] for other in half) for half in itertools.combinations(others, size)]
        exact = np.mean(lacks) * (1 - 1 / classes)
        found = scores.lookup_score([members.count(members[row])], 8, classes)
        assert found == pytest.approx(exact, abs=1e-12)


def _bank(rows, networks=64, seed=0):
    """Networks that know the subpopulations of their half, and are wrong about others."""
    rng, train = np.random.default_rng(seed), rows["train"].values[0]
    first = np.array([rng.permutation(SIZE) < SIZE // 2 for _ in range(networks // 2)])
    member = np.stack([first, ~first], 1).reshape(networks, SIZE)
    right = np.array([np.isin(train, train[one]) for one in member])
    dims = ("seed", "example")
    found = xr.Dataset({"example_correct": (dims, right), "train_count": (dims, member.astype(int))})
    return found.assign_coords(seed=np.arange(networks), example=np.arange(SIZE))


def test_scores_of_a_bank_are_its_memorisation_scores(rows):
    bank = _bank(rows)
    paired = scores.paired(bank, rows)
    wanted = analysis.memorization(bank["example_correct"], bank["train_count"])["memorization"]
    np.testing.assert_allclose(scores.memorized(paired), wanted, atol=1e-12)
    times = numbers.times_seen(rows)[0][rows["train"].values[0]]
    np.testing.assert_array_equal(paired["times"], times)
    assert (paired["train_count"].sum("half") == 1).all()
    means = scores.by_times(paired, (1, 2))
    assert means["value"].values == pytest.approx([wanted.values[times == one].mean() for one in (1, 2)])
    assert means["lookup"].values == pytest.approx(scores.lookup_score([1, 2], SIZE, 5))
    # These networks never guess right about what they lack, so that a singleton has a score of 1.
    assert float(means["value"][0]) == 1.0 and scores.rank_correlation(paired) < -0.8


def test_rows_of_a_bank_are_paired_by_their_numbers(rows):
    bank = _bank(rows).isel(example=[7, 3, 50])
    times = numbers.times_seen(rows)[0][rows["train"].values[0]]
    assert scores.paired(bank, rows)["times"].values.tolist() == times[[7, 3, 50]].tolist()


def test_sums_at_the_published_size_are_shown_and_not_compared():
    found = claims.exact_claims()
    assert [round(claim.estimate.value, 4) for claim in found] == [0.1704, 0.4717, 0.0804]
    assert {claim.verdict.value for claim in found} == {"not asked"} and {claim.number for claim in found} == {
        "not read"
    }


def test_train_sets_are_held_against_the_exact_sums(rows):
    tail = numbers.tail_of(rows)
    sample = numbers.sampled(rows, most=3) * 0 + tail[["count", "share", "mass"]].sel(times_seen=slice(0, 3))
    noise = xr.DataArray(np.linspace(-1e-4, 1e-4, SEEDS), {"seed": rows["seed"]}, ("seed",))
    assert [claim.verdict.value for claim in claims.sample_claims(sample + noise, tail)] == ["as published"] * 3
    assert [claim.verdict.value for claim in claims.sample_claims(sample * 1.3 + noise, tail)] == ["differs"] * 3


def _found(slope=1.0, more=0.01, name="decay"):
    axis = tables.LEARNERS[name].axis
    predicted = xr.DataArray(np.linspace([0.2] * 4, [0.4] * 4, 3), {axis: [0.0, 3.0, 5.0]}, (axis, "seed"))
    noise = xr.DataArray([-1e-3, 0.0, 1e-3, 0.0], dims="seed")
    error = 0.3 + more + slope * (predicted - 0.3) + noise
    fitted = xr.DataArray([1.0, 0.7, 0.3], dims=axis).broadcast_like(predicted)
    return xr.Dataset({"predicted": predicted, "error": error, "fitted": fitted})


@pytest.mark.parametrize(
    ("slope", "more", "verdicts", "exact"),
    [
        (1.0, 0.01, ["as published", "as published"], "not told apart"),
        (1.0, 0.0, ["as published", "not told apart"], "as published"),
        (1.4, 0.03, ["differs", "as published"], "differs"),
        (1.0, -0.02, ["as published", "differs"], "differs"),
    ],
)
def test_a_test_error_is_held_against_the_predicted_one(slope, more, verdicts, exact):
    made = claims.price_claims({name: _found(slope, more, name) for name in tables.LEARNERS})
    found = [claim.verdict.value for claim in made]
    assert found[:6] == verdicts * 3 and found[6:] == [verdicts[0], exact]
    assert made[0].estimate.value == pytest.approx(slope, abs=1e-6) and made[1].estimate.value == pytest.approx(
        more, abs=1e-6
    )


def test_claims_on_singletons_hold_what_the_groups_say():
    one = _found()
    rare, common = [0.01, 0.3, 0.7], [0.0, 0.002, 0.004]
    groups = np.stack([rare, common], 1)[..., None] + np.linspace(-1e-3, 1e-3, 4)
    dims = ("weight_decay", "group", "seed")
    one["group_error"] = xr.DataArray(groups, {"group": ["1", "10 or more"]}, dims)
    one["error_if_fitted"] = xr.full_like(one["error"], 0.1) + one["error"] * 0.01
    one["error_if_not"] = xr.full_like(one["error"], 0.88) + one["error"] * 0.01
    made = claims.singleton_claims(one, num_classes=10)
    assert [claim.verdict.value for claim in made] == ["as published"] * 5
    assert [made[i].estimate.value for i in (2, 3, 4)] == pytest.approx([0.2, 0.004, 0.686])
    assert made[2].what == "weight decay 5 against 0: rise of the test error"
    one["error_if_fitted"], one["error_if_not"] = one["error_if_fitted"] + 0.5, one["error_if_not"] - 0.3
    assert [claim.verdict.value for claim in claims.singleton_claims(one, num_classes=10)][:2] == ["differs"] * 2


def test_claims_on_the_bank_are_those_of_the_look_up(rows):
    bank = scores.paired(_bank(rows, networks=16), rows)
    made = claims.bank_claims(bank)
    # Networks that are wrong about everything they lack exceed the look-up of five classes by a factor of 5 / 4.
    assert made[0].estimate.value == 1.0 and made[0].published == 0.8 and made[0].verdict.value == "differs"
    assert made[3].verdict.value == "as published"
    guessing = bank.assign_attrs(num_classes=10**6)
    assert claims.bank_claims(guessing)[0].verdict.value == "as published"


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_every_scale_can_be_laid_out(scale):
    for part in STUDY.sweeps(scale, 8).values():
        assert mj.explain(part.experiment, part.over)
    assert set(STUDY.seeds) == set(STUDY.scales) == {"quick", "paper"}


def _shrunk(scale, seeds):
    def small(one):
        steps = min(one.steps, 200)
        stops = None if one.examples_at is None else (20, 200)
        sizes = {"train_size": 120, "test_size": min(one.test_size, 200)}
        task = dataclasses.replace(one.task, num_subpopulations=60)
        return dataclasses.replace(one, task=task, steps=steps, record_every=steps, examples_at=stops, **sizes)

    parts = {
        name: dataclasses.replace(part, experiment=small(part.experiment))
        for name, part in STUDY.sweeps(scale, seeds).items()
    }
    return parts | {"bank": dataclasses.replace(parts["bank"], over={"seed": range(16)})}


def _measured(scale):
    own = STUDY.measured(scale)["members"]
    task = dataclasses.replace(TASK, num_classes=10)
    compute = partial(numbers.members, task=task, train_size=120, test_size=200)
    return {"members": dataclasses.replace(own, compute=compute)}


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again):
    study = dataclasses.replace(STUDY, sweeps=_shrunk, measured=_measured)
    folder, findings = studies.run(study, tmp_path / "out", seeds=3, progress=False)
    assert set(findings.figures) == {"price", "groups", "tail", "scores"}
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    rows = {tuple(row[:2]): row for row in findings.tables["learners"].rows}
    assert float(rows["nearest neighbours", "k = 1"][2].split()[0]) == 1.0
    assert findings.datasets["nearest_numbers"]["error_if_fitted"].sel(k=1).max() == 0
    assert len(findings.claims) == 23
    made_again(folder, study)
