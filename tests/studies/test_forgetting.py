"""The study forgetting: counts of scripted answers, scores, rows that are removed, its claims, and a shrunk run."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.forgetting import claims, numbers, pixels, removal, runs, tables, wrong
from memjax.studies.forgetting.study import STUDY

EPOCHS = 6
# Answers of one network to five rows: never learnt, learnt and kept, forgotten once, twice, and forgotten at the end.
SCRIPT = ["000000", "001111", "010011", "101011", "111110"]
FORGOTTEN, LEARNT = [0, 0, 1, 2, 1], [0, 1, 2, 2, 0]


def _scripted(*scripts):
    """Records of networks with such answers, which are taken for those at presentations and at records."""
    right = np.array([[[int(answer) for answer in row] for row in script] for script in scripts])
    falls = np.diff(right) < 0
    first = np.where(right.any(-1), right.argmax(-1) + 1.0, np.nan)
    parts = {
        "forgetting_events": falls.sum(-1),
        "presented_forgetting_events": falls.sum(-1),
        "drops_wrong": (np.diff(right) > 0).sum(-1),
        "presented_first_learnt": first,
        "correct": right[:, :, -1],
    }
    steps = np.repeat(np.stack(list(parts.values()))[:, :, None], 3, axis=2)
    steps[4, :, 0] = right[:, :, 0]
    found = {
        f"example_{name}": (("seed", "example_step", "example"), one) for name, one in zip(parts, steps, strict=True)
    }
    coords = {"seed": np.arange(len(scripts)), "example_step": [1, 2, 6], "example": 10 + np.arange(right.shape[1])}
    return xr.Dataset(found, coords)


def test_events_of_scripted_answers_are_those_counted_by_hand():
    found = _scripted(SCRIPT).isel(seed=0)
    assert numbers.events(found).values.tolist() == FORGOTTEN and numbers.recorded(found).values.tolist() == FORGOTTEN
    assert found["example_drops_wrong"].values[-1].tolist() == LEARNT
    assert numbers.learnt(found).values.tolist() == [False, True, True, True, True]
    assert numbers.forgotten(found, EPOCHS).values.tolist() == [EPOCHS, 0, 1, 2, 1]
    assert numbers.unforgettable(found).values.tolist() == [False, True, False, False, False]
    assert numbers.right(found).values.tolist() == [0, 1, 1, 1, 0]


def test_learnt_less_forgotten_events_are_the_change_of_the_accuracy():
    every = ["".join(answers) for answers in itertools.product("01", repeat=EPOCHS)]
    found = _scripted(every, SCRIPT + every[:59])
    assert numbers.balance(found).values.tolist() == [0, 0]
    # An event that is lost shows.
    for name in ("forgetting_events", "drops_wrong"):
        lost = found.copy(deep=True)
        lost[f"example_{name}"][1, -1, 7] += 1
        assert numbers.balance(lost).values.tolist() == [0, 1]


@pytest.mark.slow
def test_a_trained_network_keeps_the_balance_and_the_naive_counts():
    experiment = mj.Experiment(
        task=mj.tasks.Images("digits", label_noise=0.2),
        train_size=40,
        test_size=10,
        data_seed=0,
        model=mj.models.MLP(hidden=(4,)),
        optimizer=mj.optimizers.sgd(0.5, momentum=0.9),
        batch_size=10,
        steps=40,
        record_every=1,
        examples=("forgetting_events", mj.measures.by_example(wrong, over="drops"), "correct"),
        examples_at=range(1, 41),
    )
    found = mj.sweep(experiment, over={"seed": range(2)})
    right = found["example_correct"].transpose("seed", "example", "example_step").values.astype(int)
    assert numbers.recorded(found).values.tolist() == (np.diff(right) < 0).sum(-1).tolist()
    gained = found["example_drops_wrong"].isel(example_step=-1)
    assert gained.values.tolist() == (np.diff(right) > 0).sum(-1).tolist() and gained.max() > 2
    assert numbers.balance(found).values.tolist() == [0, 0]


def test_a_row_is_unforgettable_in_all_runs_or_in_some():
    found = _scripted(["0011", "0101", "1111", "0000"], ["0011", "0001", "1110", "0000"])
    every = xr.DataArray([True] * 4, {"example": found["example"]}, "example")
    groups = {"all": (found, every), "last two": (found, every & (found["example"] > 11))}
    table = tables.shares(groups)
    by_head = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert by_head[0]["rows"] == "4" and by_head[1]["rows"] == "2"
    # In the runs: rows 0 and 2, and rows 0 and 1; in both row 0 alone.
    assert by_head[0]["unforgettable"].startswith("50") and by_head[0]["unforgettable in all runs"].startswith("25")
    assert by_head[1]["unforgettable"].startswith("25") and by_head[1]["never learnt"].startswith("50")
    # One event of three learnt rows in both runs.
    assert by_head[0]["events per learnt row"].startswith("0.3 ")


def _scored(seeds=4, size=60, seed=0):
    """Records whose scores are all noisy copies of one hardness, and the rows of the hardest sixth."""
    rng = np.random.default_rng(seed)
    hard = np.linspace(0, 1, size)
    noisy = np.clip(hard + 0.02 * rng.normal(size=(seeds, size)), 0, 1)
    steps = lambda values: (("seed", "example_step", "example"), np.repeat(values[:, None], 3, axis=1))  # noqa: E731
    parts = {
        "presented_forgetting_events": np.round(10 * noisy),
        "presented_first_learnt": np.where(noisy < 0.9, 1 + noisy, np.nan),
        "presented_aum": -noisy,
        "logit_margin": 1 - noisy,
        "el2n": noisy,
        "correct": noisy < 0.9,
    }
    found = xr.Dataset({f"example_{name}": steps(values) for name, values in parts.items()})
    found = found.assign_coords(seed=np.arange(seeds), example_step=[16, 96, 960], example=np.arange(size))
    return found, xr.DataArray(hard > 5 / 6, {"example": found["example"]}, "example")


def test_scores_are_large_for_hard_rows():
    found, marked = _scored()
    scores = numbers.hardness(found, epochs=60)
    assert scores["score"].values.tolist() == list(numbers.SCORES)
    # Measured over 20 seeds: correlations are at least 0.994, and AUCs at least 0.987.
    assert numbers.correlations(scores).min() > 0.95
    found_auc = numbers.auc(scores, marked)
    assert found_auc.min() > 0.98 and numbers.auc(-scores, marked).max() < 0.02
    # Rows that are never learnt come after all others.
    never = found["example_presented_first_learnt"].isel(example_step=-1).isnull()
    for name, value in (("forgetting events", 60), ("first learnt", 961)):
        one = scores.sel(score=name)
        assert (one.where(never).fillna(value) == value).all() and one.where(~never).max() < value


def test_the_early_score_is_that_of_its_record():
    found, _ = _scored()
    found["example_el2n"] = found["example_el2n"] * xr.DataArray([1.0, 10.0, 100.0], dims="example_step")
    early = numbers.hardness(found, 60).sel(score="early EL2N", drop=True)
    np.testing.assert_array_equal(
        early, found["example_el2n"].isel(example_step=1, drop=True).transpose("seed", "example")
    )


def test_an_auc_of_the_mean_over_runs_is_better_than_that_of_one_run():
    rng = np.random.default_rng(1)
    marked = xr.DataArray(np.arange(200) < 40, dims="example")
    one = xr.DataArray(rng.normal(size=(8, 200)), {"seed": np.arange(8)}, ("seed", "example")) + marked
    single, joint = numbers.auc(one, marked).mean(), numbers.mean_auc(one, marked)
    assert single < 0.85 < 0.95 < float(joint["value"]) and float(joint["interval"].max()) <= 1
    mean = one.mean("seed")
    above = mean.values[:40][:, None] > mean.values[40:]
    assert float(joint["value"]) == pytest.approx(above.mean())


def test_agreement_is_the_mean_over_pairs_of_seeds_and_pairs_other_seeds():
    rng = np.random.default_rng(2)
    own = xr.DataArray(rng.normal(size=(3, 50)), {"seed": [4, 5, 6]}, ("seed", "example"))
    found = numbers.between_seeds(own)
    from scipy.stats import spearmanr, t

    pairs = {(i, j): spearmanr(own[i], own[j]).statistic for i in range(3) for j in range(3)}
    mean = (pairs[0, 1] + pairs[0, 2] + pairs[1, 2]) / 3
    # Without one of three seeds, a single pair is left.
    without = np.array([pairs[1, 2], pairs[0, 2], pairs[0, 1]])
    half = t.ppf(0.975, 2) * np.sqrt(2 / 3 * ((without - without.mean()) ** 2).sum())
    assert float(found["value"]) == pytest.approx(mean)
    assert found["interval"].values == pytest.approx(np.clip([mean - half, mean + half], -1, 1))
    # The same networks are not paired with themselves.
    assert numbers.between(own, own).values == pytest.approx([pairs[0, 1], pairs[1, 2], pairs[2, 0]])


def test_the_interval_of_agreement_allows_for_pairs_that_share_a_seed():
    rng = np.random.default_rng(3)
    spread = rng.uniform(0.2, 2.0, (8, 1))
    own = xr.DataArray(rng.normal(size=200) + spread * rng.normal(size=(8, 200)), dims=("seed", "example"))
    low, high = numbers.between_seeds(own)["interval"].values
    per_seed = (mj.analysis.spearman_matrix(own, "seed", "example").sum("other") - 1) / 7
    # Student's interval of the means of single seeds, as if no pair had two seeds.
    narrow = 2.364624 * float(per_seed.std("seed", ddof=1)) / np.sqrt(8)
    # Without seed i the mean of all pairs is (n U - 2 p_i) / (n - 2), so a pseudo-value is 2 (n - 1) / (n - 2) p_i + const.
    assert (high - low) / 2 == pytest.approx(2 * 7 / 6 * narrow, rel=1e-5)


def test_rows_are_removed_by_their_counts_and_ties_by_a_draw():
    counts = xr.DataArray(
        np.repeat([0.0, 1.0, 2.0, 5.0], [60, 20, 10, 10]), {"example": 100 + np.arange(100)}, "example"
    )
    kinds = len(removal.KINDS)
    draws = [removal.removed_rows(counts, draw) for draw in range(2)]
    for one in draws:
        assert one[0] == () and len(one) == 1 + kinds * len(removal.SHARES)
        assert [len(rows) for rows in one[1:]] == [round(100 * share) for share in removal.SHARES for _ in range(kinds)]
        least, most, _ = (one[1 + kind :: kinds] for kind in range(kinds))
        assert (
            most[0] == tuple(range(190, 200))
            and most[1] == tuple(range(180, 200))
            and set(most[3]) == set(range(160, 200))
        )
        assert all(max(rows) < 160 for rows in least) and least[-1] == tuple(range(100, 160))
        for rows in (one[1 + kind :: kinds] for kind in range(kinds)):
            assert all(set(few) < set(many) for few, many in itertools.pairwise(rows))
    # Another draw takes other random rows, and others of those with equal counts, but no others than it must.
    assert draws[0][1] != draws[1][1] and draws[0][3] != draws[1][3] and draws[0][2] == draws[1][2]
    assert draws[0][3] != draws[0][1]


def test_networks_without_rows_are_others_than_those_whose_events_were_counted():
    clean, _ = _scored(seeds=3)
    noisy = clean.copy(deep=True)
    # Counts in the opposite order, and no row that is never learnt.
    noisy["example_presented_forgetting_events"] = 10 - clean["example_presented_forgetting_events"]
    noisy["example_presented_first_learnt"] = clean["example_presented_first_learnt"].fillna(1.0)
    both = xr.concat([clean, noisy], "label_noise").assign_coords(label_noise=[0.0, 0.2])
    (part,) = STUDY.further("quick", {"runs": both}).values()
    (pairs,) = part.over.values()
    each = 1 + len(removal.SHARES) * len(removal.KINDS)
    assert [seed for _, seed in pairs] == np.repeat([3, 4, 5], each).tolist()
    counts = numbers.forgotten(clean, runs.SIZES["quick"].epochs).mean("seed")
    wanted = [removal.removed_rows(counts, draw) for draw in range(3)]
    assert [rows for rows, _ in pairs] == [rows for draw in wanted for rows in draw]
    assert part.experiment.data_seed == 0 and part.experiment.task.label_noise == 0


def _removed(least, most, random, seeds=4):
    """Accuracies of runs in the order of `removed_rows` for every seed, with such losses in percent for every share."""
    rng = np.random.default_rng(0)
    base = 0.9 + 0.01 * rng.normal(size=(seeds, 1))
    lost = np.tile([least, most, random], len(removal.SHARES)) / 100 + 1e-4 * rng.normal(
        size=(seeds, 3 * len(removal.SHARES))
    )
    accuracy = np.concatenate([base, base - lost], 1).reshape(-1, 1)
    seed = np.repeat(np.arange(seeds) + 7, 1 + 3 * len(removal.SHARES))
    return xr.Dataset({"test_accuracy": (("run", "step"), accuracy)}, {"seed": ("run", seed)})


@pytest.mark.parametrize(
    ("lost", "verdicts"),
    [
        ((0.1, 3.0, 1.0), ["as published", "as published", "not asked", "as published", "not asked"]),
        ((1.0, 1.0, 0.4), ["differs", "differs", "not asked", "differs", "not asked"]),
        ((0.7, 0.5, 2.0), ["differs", "as published", "not asked", "as published", "not asked"]),
    ],
)
def test_lost_accuracy_is_paired_by_seed(lost, verdicts):
    found = removal.losses(_removed(*lost))
    assert found["seed"].values.tolist() == [7, 8, 9, 10]
    # Measured: at most 0.009 points off.
    for kind, wanted in zip(removal.KINDS, lost, strict=True):
        assert abs(found.sel(kind=kind).mean("seed") - wanted).max() < 0.05
    made = removal.removal_claims(found)
    assert [claim.verdict.value for claim in made] == verdicts
    most = [claim.estimate.value for claim in made if "most forgotten" in claim.what]
    assert most == pytest.approx([lost[1] - lost[2]] * 2, abs=0.05)
    assert [row[0] for row in removal.removal_table(found).rows] == ["10%", "20%", "30%", "40%", "50%", "60%"]


@pytest.mark.parametrize(("swapped", "verdict"), [(False, "as published"), (True, "differs")])
def test_corrupted_rows_are_claimed_to_be_forgotten_more(swapped, verdict):
    found, marked = _scored()
    found["corrupted"] = (~marked if swapped else marked).broadcast_like(found["example_correct"].isel(example_step=0))
    groups = numbers.groups(found, found)
    assert [int(rows.sum()) for _, rows in groups.values()] == [60, 10, 50] if swapped else [60, 50, 10]
    made = claims.event_claims(groups)
    assert [claim.verdict.value for claim in made] == [verdict] + ["not asked"] * 3
    never = found["example_presented_first_learnt"].isel(example_step=-1).isnull()
    share = float(never.where(groups[numbers.CORRUPTED][1]).mean())
    assert made[3].estimate.value == pytest.approx(100 * share, abs=1e-6)
    assert {claim.number for claim in made[1:]} == {"not read"}


def test_counts_and_aum_are_claimed_above_chance_and_aum_is_compared_with_others():
    found, marked = _scored()
    scores = numbers.hardness(found, 60)
    made = claims.finder_claims(scores, marked)
    assert [claim.verdict.value for claim in made] == ["as published"] * 2 + ["not asked"] * 7
    assert [claim.verdict.value for claim in claims.finder_claims(-scores, marked)[:2]] == ["differs"] * 2
    worse = scores.where(scores["score"] != "first learnt", -scores)
    assert claims.finder_claims(worse, marked)[6].estimate.value > 0.9


def test_counts_at_records_are_claimed_to_balance_and_put_beside_presentations():
    script = [*SCRIPT, "010101"]
    found = _scripted(script, script).expand_dims(label_noise=[0.0, 0.2])
    presented = numbers.events(found.isel(label_noise=1))
    ways = {"at presentations": presented, "after every epoch": 2 * presented, "at every step": 3 * presented}
    made = claims.count_claims(found, found, ways)
    assert [claim.verdict.value for claim in made] == ["as published"] * 2 + ["not asked"] * 2
    assert [claim.estimate.value for claim in made] == pytest.approx([0, 0, 2, 3])
    off = found.copy(deep=True)
    off["example_drops_wrong"] = off["example_drops_wrong"] + 1
    assert [claim.verdict.value for claim in claims.count_claims(found, off, ways)][:2] == ["as published", "differs"]
    table = tables.counts(ways, presented)
    assert [row[0] for row in table.rows] == list(ways) and table.rows[0][3].startswith("1")


def test_pixel_noise_lies_on_a_fifth_of_the_rows_and_grows_with_its_spread():
    digits = mj.tasks.Images("digits")
    weak, middle, strong = pixels.noisy_tasks(digits, 200, 100)
    train = digits.draw(0, 200, 100).train
    noise = [task.pool - digits.pool[np.asarray(train.x)] for task in (weak, middle, strong)]
    there = abs(noise[0]).max((1, 2)) > 0
    assert there.tolist() == pixels.noisy_rows(200).tolist() and there.sum() == 40
    # float32 sums, measured: at most 5e-7 off.
    np.testing.assert_allclose(noise[2], 4 * noise[0], atol=2e-6)
    # 40 x 64 normal numbers have a standard error of 0.007, measured: 0.489.
    assert noise[0][there].std() == pytest.approx(0.5, rel=0.05)
    drawn = middle.draw(0, 200, 0).train
    labels = np.asarray(train.y)
    assert np.asarray(drawn.y).tolist() == labels[np.asarray(drawn.x)].tolist()


def test_noisy_rows_are_found_by_their_numbers():
    marked = pixels.noisy_rows(50)
    rng = np.random.default_rng(0)
    number = rng.permutation(50)
    events = np.where(marked[number], 3.0, 1.0) + np.linspace(0, 0.5, 3)[:, None, None, None] * marked[number]
    values = np.broadcast_to(events, (3, 4, 1, 50)) + 1e-3 * rng.normal(size=(3, 4, 1, 50))
    first = np.broadcast_to(np.where(marked[number] & (number < 25), np.nan, 1.0), values.shape)
    dims = ("task", "seed", "example_step", "example")
    parts = {"presented_forgetting_events": (dims, values), "presented_first_learnt": (dims, first)}
    found = xr.Dataset({f"example_{name}": part for name, part in parts.items()}, {"example": number})
    made = pixels.pixel_claims(found)
    # Noise of 1e-3, measured over 20 seeds: at most 4.2e-4 off.
    assert [claim.estimate.value for claim in made] == pytest.approx([2.0, 2.25, 2.5], abs=1e-3)
    assert {(claim.verdict.value, claim.number) for claim in made} == {("not asked", "not read")}
    table = pixels.pixel_table(found, 60)
    share = 100 * (marked & (np.arange(50) < 25)).sum() / 10
    assert [row[0] for row in table.rows] == ["0.5", "1", "2"] and table.rows[0][3].startswith(f"{share:.0f}")
    assert all(row[4].startswith("1") for row in table.rows)


def test_too_few_seeds_are_refused():
    with pytest.raises(mj.InputError, match=r"seeds is 2: .* needs at least 3"):
        STUDY.sweeps("quick", 2)


def test_rows_have_their_labels_and_pictures():
    task = mj.tasks.Images("digits", label_noise=0.2)
    drawn = xr.Dataset(coords={"example": np.sort(np.asarray(task.draw(0, 300, 100)[0].x))})
    found = numbers.rows_of(drawn, task=task, train_size=300, test_size=100, epochs=7)
    digits = mj.tasks.Images("digits")
    train = digits.draw(0, 300, 100)[0]
    label = dict(zip(np.asarray(train.x).tolist(), np.asarray(train.y).tolist(), strict=True))
    assert found["label"].values.tolist() == [label[row] for row in drawn["example"].values.tolist()]
    assert 0.1 < float((found["label"] != found["given_label"]).mean()) < 0.26 and found.attrs["epochs"] == 7
    np.testing.assert_array_equal(found["pixels"].values, digits.pool[drawn["example"].values])


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "mnist"])
def test_every_scale_can_be_laid_out(scale, monkeypatch):
    if scale == "mnist":
        # The same networks, on images that are there.
        there = runs.SIZES[scale]._replace(dataset="digits", train_size=1024, test_size=100)
        monkeypatch.setitem(runs.SIZES, scale, there)
    for part in STUDY.sweeps(scale, 3).values():
        assert mj.explain(part.experiment, part.over)
    assert set(STUDY.seeds) == set(STUDY.scales) == set(runs.SIZES)
    # Every scale has whole batches, so that every row is presented once in every epoch.
    assert all(size.train_size == 64 * size.epoch and size.early < size.epochs for size in runs.SIZES.values())


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, monkeypatch, made_again):
    small = runs.SIZES["quick"]._replace(train_size=192, test_size=100, epochs=5, early=2)
    monkeypatch.setitem(runs.SIZES, "quick", small)
    folder, findings = studies.run(STUDY, tmp_path / "out", seeds=3, progress=False)
    assert set(findings.figures) == {"events", "removal", "scores", "digits"}
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    made = {claim.what: claim for claim in findings.claims}
    exact = [claim for what, claim in made.items() if what.startswith("records ")]
    assert len(exact) == 2 and all(claim.estimate.value == 0 and claim.estimate.low == 0 for claim in exact)
    # Records do not change how a network is trained.
    with xr.open_dataset(folder / "dataset.nc") as one, xr.open_dataset(folder / "often.nc") as other:
        for name in ("example_presented_forgetting_events", "example_correct"):
            np.testing.assert_array_equal(one[name].isel(example_step=-1), other[name].isel(example_step=-1))
    made_again(folder, STUDY)
