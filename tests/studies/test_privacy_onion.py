"""The study privacy-onion on a learner whose exposures are known: some rows are masked by the most exposed ones."""

import dataclasses
import itertools

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import analysis, studies
from memjax.studies.privacy_onion import claims, effects, figures, masks, numbers, study, tables
from memjax.studies.privacy_onion.study import STUDY

ROWS, NETWORKS, DATA = 100, 64, 3
EXPOSED, MASKED = slice(20, 30), slice(50, 55)
FOREIGN = ROWS - 1
AFTER, CONTROL, BEFORE = claims.AFTER, claims.CONTROL, claims.BEFORE


def halves(left, seed):
    """Random halves of the rows that are left, in pairs, ``[networks, rows]``."""
    rng, found = np.random.default_rng(seed), np.zeros((NETWORKS, ROWS), int)
    places = np.flatnonzero(left)
    for pair in range(NETWORKS // 2):
        order = rng.permutation(places)
        found[2 * pair, order[: len(order) // 2]] = 1
        found[2 * pair + 1, order[len(order) // 2 :]] = 1
    return found


def learned(count, seed, onion=True):
    """Log-odds of a learner: 6 more for an exposed row, and 8 more for a masked one, that a network knows, plus noise.

    A masked row is known from any of the exposed rows too. Among networks with a row, and among those without the row, the
    noise has the mean 0 and the standard deviation 1, so that exposures are 3 and 4, and 0 for rows that are masked.
    """
    noise = np.random.default_rng(seed).normal(size=count.shape)
    for row in range(ROWS):
        for part in (count[:, row] == 1, count[:, row] == 0):
            if part.sum() > 1:
                noise[part, row] = (noise[part, row] - noise[part, row].mean()) / noise[part, row].std(ddof=1)
    noise[:, EXPOSED] += 6 * count[:, EXPOSED]
    if onion:
        hinted = count[:, EXPOSED].any(1, keepdims=True)
        noise[:, MASKED] += 8 * ((count[:, MASKED] == 1) | hinted)
    return noise


def bank(left, seed, onion=True):
    """Networks ``(data_seed, seed, example)`` on halves of the rows ``left`` ``[data, rows]``; no data set has the last row."""
    counts = np.stack([halves(one, seed + i) for i, one in enumerate(left)])
    values = np.stack([learned(one, seed + 50 + i, onion) for i, one in enumerate(counts)])
    values[..., FOREIGN] = np.nan
    arrays = {"example_log_odds": values[:, :, None], "train_count": counts}
    dims = {
        "example_log_odds": ("data_seed", "seed", "example_step", "example"),
        "train_count": ("data_seed", "seed", "example"),
    }
    coords = {"data_seed": np.arange(DATA), "seed": seed + np.arange(NETWORKS), "example": 10 * np.arange(ROWS)}
    return xr.Dataset({name: (dims[name], array) for name, array in arrays.items()}, coords)


def whole(onion=True):
    left = np.tile(np.arange(ROWS) != FOREIGN, (DATA, 1))
    return xr.concat([bank(left, seed, onion) for seed in (1000, 2000)], "seed")


def without(runs, kind, onion=True):
    left = np.tile(np.arange(ROWS) != FOREIGN, (DATA, 1))
    for seed, rows in numbers.removals(runs).items():
        left[seed, np.array(rows[kind]) // 10] = False
    return bank(left, {"exposed": 3000, "random": 4000}[kind], onion)


def onion(there=True):
    runs = whole(there)
    return numbers.joined(runs, {kind: without(runs, kind, there) for kind in ("exposed", "random")})


@pytest.fixture(scope="module")
def found():
    return onion()


@pytest.fixture(scope="module")
def made(found):
    return effects.effects(found)


def marks(rows):
    return np.isin(np.arange(ROWS), np.arange(ROWS)[rows])


def test_exposures_are_exact_and_masked_rows_have_none_before_the_removal(found):
    exposure = found["exposure"]
    for name in ("selecting", "before"):
        one = exposure.sel(bank=name).values
        assert one[:, EXPOSED] == pytest.approx(np.full((DATA, 10), 3.0), abs=1e-9)
        assert one[:, :20] == pytest.approx(np.zeros((DATA, 20)), abs=1e-9) and np.isnan(one[:, FOREIGN]).all()
        assert one[:, MASKED] == pytest.approx(np.zeros((DATA, 5)), abs=1e-9)
    after = exposure.sel(bank="without exposed").values
    assert np.isnan(after[:, EXPOSED]).all() and after[:, MASKED] == pytest.approx(np.full((DATA, 5), 4.0), abs=1e-9)
    masked = exposure.sel(bank="without random").where(found["left"]).values[:, MASKED]
    assert masked[np.isfinite(masked)] == pytest.approx(0, abs=1e-9)


def test_the_most_exposed_tenth_and_a_random_tenth_are_removed(found):
    removed = numbers.removals(whole())
    assert all(rows["exposed"] == tuple(range(200, 300, 10)) for rows in removed.values()) and set(removed) == {0, 1, 2}
    drawn = [rows["random"] for rows in removed.values()]
    assert all(len(set(rows)) == 10 and 10 * FOREIGN not in rows for rows in drawn) and len(set(drawn)) == 3
    assert (found["exposed"].values == marks(EXPOSED)).all()
    for seed, rows in enumerate(drawn):
        assert found["example"].values[found["random"].sel(data_seed=seed)].tolist() == list(rows)
    both = found["exposed"] | found["random"]
    assert (found["left"].values == (~both.values & (np.arange(ROWS) != FOREIGN))).all()
    assert (found["known"].values == (np.arange(ROWS) != FOREIGN)).all()


def test_the_rows_to_remove_are_chosen_in_the_first_bank_alone_among_the_rows_of_the_data_set():
    runs = whole()
    second = np.arange(2 * NETWORKS) >= NETWORKS
    known = np.arange(ROWS) < 60
    turned = runs["train_count"] * (marks(EXPOSED) & second[:, None])
    other = runs.assign(example_log_odds=runs["example_log_odds"] - 12 * turned)
    assert numbers.removals(other) == numbers.removals(runs)
    assert numbers.exposures(numbers.parts(other)[1]).values[:, EXPOSED] == pytest.approx(np.full((DATA, 10), -3.0))
    for rows in numbers.removals(runs.where(known)).values():
        assert [len(one) for one in rows.values()] == [6, 6] and max(rows["random"]) < 600


def test_the_layer_beneath_becomes_exposed_and_not_in_the_control(found, made):
    masked = (found["left"].values & marks(MASKED)).sum(1)
    left = found["left"].sum("example").values
    assert masked.min() >= 3 and left.min() >= 79
    of = {name: made.sel(group=name) for name in effects.GROUPS}
    assert of["all rows"]["exposure"].values == pytest.approx(np.full(DATA, 30 / 99), abs=1e-9)
    assert of[AFTER]["exposure"].values == pytest.approx(4 * masked / left, abs=1e-9)
    assert of[AFTER]["above"].values == pytest.approx(masked / left) and of["all rows"]["above"].values.max() <= 10 / 99
    # The rows of the top tenth that are exposed to nothing but noise do not change it much: all masked rows are in it.
    assert (of[AFTER]["new"].values * np.round(left / 10) >= masked - 1e-9).all()
    assert (of[AFTER]["found"].values == pytest.approx(masked / left)) and of["all rows"]["found"].values.max() < 0.11
    for name in (BEFORE, CONTROL):
        assert of[name]["exposure"].values == pytest.approx(np.zeros(DATA), abs=1e-9)
        assert (of[name]["above"] == 0).all() and (of[name]["found"] == 0).all()
        # LiRA at the threshold of noise: 0.1% of rows are found, and 0.5% are far from that.
        assert (of[name]["tpr"].sel(fpr=0.001) < 0.005).all()
    assert (of[AFTER]["tpr"].sel(fpr=0.001) > 0.5 * masked / left).all()


def test_claims_say_that_there_is_a_layer_beneath_and_that_there_is_none():
    about = around()
    for there in (True, False):
        banks = onion(there)
        asked = claims.onion_claims(
            "clean", effects.effects(banks), effects.near(banks, about).merge(masks.helped(banks, about))
        )
        verdicts = {claim.what: claim.verdict.value for claim in asked if claim.band is not None}
        layer = [
            verdict
            for what, verdict in verdicts.items()
            if "0.1% false" in what or "mean" in what or "as exposed" in what
        ]
        # Without a layer the share above the level is 0 in every data set: an interval of no width, which lies outside.
        assert set(layer) == {"as published"} if there else "as published" not in verdicts.values()
        returned = next(claim for claim in asked if "that returns, exposed" in claim.what).estimate
        assert (returned.low > 0.1) == there and len(layer) == 4 and len(asked) == 13


def around():
    """Pixels: exposed rows lie at 100, masked ones beside them, all others far away; one label for all."""
    x = np.where(marks(EXPOSED), 100.0, np.where(marks(MASKED), 101.0, 0.1 * np.arange(ROWS)))
    labels = np.zeros((DATA, ROWS))
    labels[:, FOREIGN] = np.nan
    pixels = xr.DataArray(x[:, None, None], {"example": 10 * np.arange(ROWS)}, ("example", "height", "width"))
    target = xr.DataArray(labels, {"data_seed": np.arange(DATA)}, ("data_seed", "example"))
    return xr.Dataset({"pixels": pixels, "target": target, "clean_target": target})


def test_a_rise_is_that_above_the_control_and_the_level_is_the_least_of_the_removed_rows(found):
    changed = found.copy(deep=True)
    place = {"example": 10 * np.arange(4)}
    for name, more in (("before", 2.0), ("without exposed", 1.0), ("without random", 0.75)):
        changed["exposure"].loc[{"bank": name, **place}] += more
    risen = (effects.rise(changed) - effects.rise(found)).sel(place)
    left = found["left"].sel(place).values
    assert risen.values[left] == pytest.approx(0.25) and np.isnan(risen.values[~left]).all()
    changed["exposure"].loc[{"bank": "selecting", "example": 200}] = 0.5
    above = effects.effects(changed)["above"].sel(group=CONTROL)
    assert above.values == pytest.approx(left.sum(1) / found["left"].sum("example").values)


def test_rows_that_rise_are_found_beside_the_rows_that_were_removed(found):
    near = effects.near(found, around())
    # Of eight rows that rise most three to five lie at a distance of 1, and all others at about 95.
    assert (near["exposed"] < 0.8).all() and (near["exposed"] < near["random"] - 0.2).all()
    rows = figures.risen(found, around(), 5)
    # All exposed rows are at one distance, and the first of them is taken.
    assert {place for _, place, _, _ in rows} == set(range(50, 55)) and [row[2:] for row in rows] == [(20, 1.0)] * 5
    with_twice = figures.risen(found, around(), 12)
    assert len({place for _, place, _, _ in with_twice}) == len(with_twice) == 12
    # A row is taken from the data set where the rise is largest.
    values = effects.rise(found).values
    assert all(data == np.nanargmax(values[:, place]) for data, place, _, _ in with_twice)


def test_the_nearest_row_is_that_of_all_pairs():
    rng = np.random.default_rng(0)
    x, y, among = rng.integers(0, 5, (30, 2, 2)), rng.integers(0, 3, 30), rng.random(30) < 0.4
    distance, place = numbers.nearest(x, y, among)
    for row in range(30):
        others = [
            (np.sqrt(((x[row] - x[j]) ** 2).sum()), j) for j in np.flatnonzero(among) if j != row and y[j] == y[row]
        ]
        # Of equal distances the earlier row is nearer.
        least, first = min(others, default=(np.inf, -1))
        assert distance[row] == pytest.approx(least) and place[row] == first
    assert 0 < np.isinf(distance).sum() < 25


def test_what_a_row_teaches_of_another_is_seen_in_networks_without_the_other():
    rng = np.random.default_rng(0)
    count = (rng.random((40, 6)) < 0.5).astype(int)
    other = np.array([3, 3, -1, 0, 0, 1])
    # A row knows itself, and two rows know another by 2 and by 3.
    values = 7.0 * count + np.array([2, 0, 0, 3, 0, 0]) * count[:, other]
    assert masks.taught(values, count, other) == pytest.approx([2, 0, np.nan, 3, 0, 0], nan_ok=True, abs=1e-12)


def test_rows_that_rise_were_helped_by_the_row_that_is_removed(found):
    place = numbers.nearest(around()["pixels"], np.zeros(ROWS), marks(EXPOSED))[1]
    helpful = found.copy(deep=True)
    twin = found["train_count"].sel(bank="before").values[:, :, place]
    helpful["example_log_odds"].loc[{"bank": "before"}] += 5 * twin * marks(MASKED)
    less, more = masks.helped(found, around()), masks.helped(helpful, around())
    top = np.round(0.1 * found["left"].sum("example").values)
    assert (more["risen"] - less["risen"]).values == pytest.approx(
        5 * (found["left"].values & marks(MASKED)).sum(1) / top
    )
    assert more["others"].values == pytest.approx(less["others"].values)


def test_rates_of_groups_are_those_of_their_rows_alone(found, made):
    one = found.sel(bank="without exposed").isel(data_seed=1)
    part = one.isel(example=np.flatnonzero(one["left"].values))
    score = analysis.membership(part["example_log_odds"], part["train_count"])
    rates = analysis.roc(score, part["train_count"], fpr=effects.RATES, resamples=100)
    mine = made.sel(group=AFTER, fpr=list(effects.RATES)).isel(data_seed=1)
    assert mine["tpr"].values == pytest.approx(rates["tpr"].values, abs=1e-12)
    assert float(mine["auc"]) == pytest.approx(float(rates["auc"]), abs=1e-12)
    member = part["train_count"].values > 0
    others = np.sort(score.values[~member])[::-1]
    above = (score.values > others[int(0.001 * len(others))]) & member
    assert float(mine["found"]) == pytest.approx((above.sum(0) / member.sum(0) >= 0.5).mean())


def test_the_share_of_a_fall_that_returns_is_0_where_nothing_changes_and_1_where_all_comes_back():
    tpr = xr.DataArray(
        [[0.3, 0.5], [0.1, 0.1], [0.2, 0.5], [0.1, 0.0]], {"group": list(effects.GROUPS)}, ("group", "data_seed")
    )
    share = effects.returned(tpr)
    assert share.sel(group=AFTER).values == pytest.approx([0.5, 1.0])
    assert share.sel(group=CONTROL).values == pytest.approx([0.0, -0.25])


def test_new_rows_of_banks_on_all_rows_are_those_of_noise(found, made):
    exposure = found["exposure"]
    pairs = {
        "all rows": ("selecting", "before", "known"),
        BEFORE: ("selecting", "before", "left"),
        CONTROL: ("before", "without random", "left"),
    }
    for group, (early, late, mark) in pairs.items():
        for data in range(DATA):
            rows = found[mark].isel(data_seed=data).values
            tops = []
            for name in (early, late):
                values = np.where(rows, exposure.sel(bank=name).isel(data_seed=data).values, -np.inf)
                tops.append(set(np.argsort(-values, kind="stable")[: round(0.1 * rows.sum())]))
            wanted = len(tops[1] - tops[0]) / len(tops[1])
            assert float(made["new"].sel(group=group)[data]) == pytest.approx(wanted)


def test_claims_hold_the_differences_of_the_groups():
    rate = xr.DataArray([0.1, 0.2], {"fpr": list(effects.RATES)}, "fpr")
    base = xr.DataArray([0.5, 0.1, 0.25, 0.12], {"group": list(effects.GROUPS)}, "group")
    wobble = xr.DataArray([0.99, 1.0, 1.01], dims="data_seed")
    values = base * wobble
    given = xr.Dataset({"tpr": values * rate, **dict.fromkeys(("exposure", "above", "new", "found", "auc"), values)})
    nearby = xr.Dataset({"exposed": 0.5 * wobble, "random": 0.9 * wobble, "risen": 3 * wobble, "others": wobble})
    made = claims.onion_claims("noisy", given, nearby)
    wanted = [1.3, 1.5, 2.6, 0.13, 13.0, 13.0, 0.2, 0.4, 0.02, 37.5, 5.0, -0.4, 2.0]
    assert [claim.estimate.value for claim in made] == pytest.approx(wanted)
    assert [claim.verdict.value for claim in made] == ["as published"] * 6 + ["not asked"] * 7
    fallen = given.assign_coords(group=[*effects.GROUPS][:2] + [*effects.GROUPS][:1:-1])
    assert [claim.verdict.value for claim in claims.onion_claims("noisy", fallen, nearby)[:1]] == ["differs"]


def test_tables_have_a_row_for_every_group_and_bank(found, made):
    both = dict.fromkeys(tables.LABELS, made)
    rates = tables.rates(both)
    assert len(rates.rows) == 8 and rates.rows[2][:2] == ("true labels", AFTER)
    accuracy = xr.DataArray(np.ones((DATA, NETWORKS, 1)), dims=("data_seed", "seed", "step"))
    runs, banks = whole(), {}
    wrong = xr.DataArray(
        np.broadcast_to(marks(np.r_[20:23, 50:52]), (DATA, NETWORKS, ROWS)), dims=("data_seed", "seed", "example")
    )
    for end, one in (("", runs), *((f"_without_{kind}", without(runs, kind)) for kind in ("exposed", "random"))):
        extra = {"train_accuracy": accuracy, "test_accuracy": accuracy, "corrupted": wrong}
        banks |= {f"{name}{end}": one.isel(seed=slice(NETWORKS)).assign(extra) for name in tables.LABELS}
    rows = tables.rows(dict.fromkeys(tables.LABELS, found), banks).rows
    # Masked rows that neither removal takes are as exposed afterwards; two of them have a wrong label.
    masked = [(found["left"].values & marks(part)).sum(1) for part in (slice(52, 55), slice(50, 52))]
    shown = [f"{one.min()} to {one.max()}" if np.ptp(one) else str(one.min()) for one in masked]
    assert list(rows[1][5:7]) == shown and rows[0][5:7] == rows[2][5:7] == ("0", "0")
    assert [row[2] for row in rows[:3]] == ["99", "89", "89"] and rows[1][4] == "3" and rows[0][4] == "-"


SMALL = dataclasses.replace(
    study._bank("quick", study._TASKS["noisy"]), train_size=40, test_size=10, steps=2, record_every=2, batch_size=10
)


@pytest.fixture(scope="module")
def small():
    return mj.sweep(SMALL, {"data_seed": [0, 3], "seed": range(8)})


def test_pixels_and_targets_are_those_of_the_data_sets(small):
    about = numbers.rows_of(small, task=SMALL.task)
    assert (about["example"] == small["example"]).all()
    np.testing.assert_array_equal(about["pixels"], SMALL.task.pool[about["example"].values])
    given = SMALL.task.draw(3, 40, 10)[0]
    mine = about["target"].sel(data_seed=3, example=np.asarray(given.x))
    assert (mine.values == given.y).all() and np.isfinite(about["target"].sel(data_seed=3)).sum() == 40
    wrong, there = about["target"] != about["clean_target"], small["corrupted"].isel(seed=0)
    assert (wrong.where(np.isfinite(about["target"]), False) == there).all() and 1 <= int(there.sum()) <= 20


def test_banks_without_rows_never_see_them_and_have_networks_of_their_own(small):
    removed = numbers.removals(small)
    further = {kind: study._without(SMALL, small, kind, start) for kind, start in (("exposed", 2), ("random", 3))}
    ds = mj.sweep(further["exposed"].experiment, further["exposed"].over)
    for seed in (0, 3):
        count = ds["train_count"].sel(data_seed=seed)
        assert len(removed[seed]["exposed"]) == 4 and not count.sel(example=list(removed[seed]["exposed"])).any()
        assert count.sum("example").values.tolist() == [18] * 4
        assert set(np.unique(count.isel(seed=[0, 1]).sum("seed"))) == {0, 1}
    outer = [subset.outer.left_out for _, subset in further["random"].over["data_seed", "subset"]]
    assert outer == [removed[seed]["random"] for seed in (0, 3)]
    seeds = [set(small["seed"].values.tolist()), *(set(part.over["seed"]) for part in further.values())]
    assert all(not one & other for one, other in itertools.combinations(seeds, 2))


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_every_scale_can_be_laid_out(scale):
    for part in STUDY.sweeps(scale, 2).values():
        assert mj.explain(part.experiment, {**part.over, "seed": range(4)})
    assert set(STUDY.seeds) == set(STUDY.scales) == {"quick", "paper"}


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again, monkeypatch):
    monkeypatch.setitem(study._SIZES, "quick", (100, 50))
    monkeypatch.setitem(study._STEPS, "quick", 60)
    monkeypatch.setitem(study._NETWORKS, "quick", 16)
    monkeypatch.setattr(study, "_BATCH", 20)
    folder, findings = studies.run(STUDY, tmp_path / "out", seeds=2, progress=False)
    assert set(findings.figures) == {"roc", "changes", "digits"} and len(findings.claims) == 26
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    assert [row[2] for row in findings.tables["rows"].rows] == ["100", "90", "90"] * 2
    made_again(folder, STUDY)
