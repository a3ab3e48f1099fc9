import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.kit import Verdict
from memjax.studies.ungrokking import claims, figures
from memjax.studies.ungrokking.numbers import at_equal_decay, critical_sizes, size_for, unfitted, unfolded

DECAYS, SEEDS, SIZES, STEPS = [0.5, 1.0, 2.0], [0, 1, 2], [round(64 * 2 ** (i / 2)) for i in range(9)], [0, 800, 1000]
STUDY = studies.find("ungrokking")


def _accuracy(centre, steps=STEPS):
    """A logistic curve of width 0.4 in log2 size around ``centre`` of (decay, seed); all right at the change."""
    shape = np.broadcast_to(np.asarray(centre, float), (len(DECAYS), len(SEEDS)))
    at = 1.0 / (1.0 + np.exp((shape[..., None] - np.log2(SIZES)) / 0.4))
    at[..., -1] = 1.0
    return np.stack([np.ones_like(at) if step == 0 else at for step in steps], -1)


def _continued(centre):
    dims = ("weight_decay", "seed", "train_size", "step")
    accuracy = _accuracy(centre)
    coords = dict(zip(dims, (DECAYS, SEEDS, SIZES, STEPS), strict=True))
    table = {"test_accuracy": (dims, accuracy), "train_accuracy": (dims, np.ones_like(accuracy))}
    return xr.Dataset(table, coords)


def _rated(runs, *rates):
    return runs.expand_dims(learning_rate=list(rates or (0.005,)))


def _claims(continued, found, scratch, grokked=None):
    grokked = _grokked() if grokked is None else grokked
    return claims.claims(grokked, _rated(continued), scratch, _rated(found))


def _claim(found, *words):
    (one,) = (claim for claim in found if all(word in claim.what for word in words))
    return one


def _scratch(centre):
    return _continued(centre).sel(weight_decay=1.0, drop=True).isel(train_size=slice(-1))


def _grokked(accuracy=1.0):
    values = np.full((len(DECAYS), len(SEEDS), 2), 1.0)
    values[..., -1] = accuracy
    experiment = STUDY.sweeps("quick", 3)["grokked"].experiment
    return xr.Dataset(
        {"test_accuracy": (("weight_decay", "seed", "step"), values)},
        {"weight_decay": DECAYS, "seed": SEEDS, "step": [0, 1000]},
        {"experiment": experiment.to_json()},
    )


SPREAD = np.array([-0.1, 0.0, 0.1])
FLAT = np.full((3, 1), 7.5) + SPREAD
# Half a power of two more for every doubling of the decay.
RISING = np.array([[7.0], [7.5], [8.0]]) + SPREAD


@pytest.fixture(scope="module")
def flat():
    continued = _continued(FLAT)
    return continued, critical_sizes(continued)


def test_the_critical_size_of_a_logistic_curve_is_its_centre(flat):
    found = flat[1]
    # Between sizes half an octave apart a logistic of width 0.4 is nearly, not quite, linear: within 0.005 octaves here.
    np.testing.assert_allclose(np.log2(found["half"].isel(step=-1)), np.broadcast_to(FLAT, (3, 3)), atol=0.01)
    # Averaging three centres 0.1 apart flattens the curve by 1%.
    np.testing.assert_allclose(np.log2(found["fitted"]), 7.5, atol=0.01)
    # 90% over 10% of a logistic: 2 ln 9 widths of 0.4 octaves.
    np.testing.assert_allclose(np.log2(found["sharpness"]), 0.8 * np.log(9.0), atol=0.09)
    assert (found["low"] < found["half"].isel(step=-1)).all() and (found["high"] > found["half"].isel(step=-1)).all()
    assert (found["late"] == 1.0).all()
    # At the change every size is right, so half of them being so is not inside the sizes.
    assert found["half"].isel(step=0).isnull().all()


def test_sizes_between_which_the_accuracy_falls_again_do_not_count():
    accuracy = xr.DataArray([0.0, 0.75, 0.25, 0.75], dims="train_size", coords={"train_size": [64, 128, 256, 512]})
    assert float(size_for(accuracy)) == pytest.approx(2**8.5)
    assert np.isnan(size_for(accuracy.isel(train_size=slice(3, None))))


ALL = ("per doubling of weight decay, rate",)


def test_a_critical_size_that_moves_with_weight_decay_is_told_from_one_that_does_not(flat):
    continued, found = flat
    one = _claim(_claims(continued, found, _scratch(FLAT)), *ALL)
    assert one.verdict == Verdict.AS_PUBLISHED and one.published == 1.0
    assert one.estimate.value == pytest.approx(1.0, abs=0.01)
    for centre, factor in ((RISING, 2**0.5), (RISING[::-1], 2**-0.5)):
        moved = found.assign(half=size_for(_continued(centre)["test_accuracy"]))
        one = _claim(_claims(continued, moved, _scratch(FLAT)), *ALL)
        assert one.verdict == Verdict.DIFFERS and one.estimate.value == pytest.approx(factor, rel=0.05)


def test_claims_follow_the_runs(flat):
    continued, found = flat
    made = _claims(continued, found, _scratch(FLAT + 1.0))
    assert _claim(made, "share of the networks").estimate.value == 1.0
    assert _claim(made, "going on with 64 of").estimate.value < 0.1
    assert _claim(made, "going on with all 1024").estimate.value == 1.0
    for words in (("share of the networks",), ("going on with 64",), ("going on with all",)):
        assert _claim(made, *words).verdict == Verdict.AS_PUBLISHED, words
    transition = _claim(made, "size for 90%")
    assert transition.estimate.value == pytest.approx(2**1.76, rel=0.1) and transition.verdict == Verdict.DIFFERS
    # An octave more from scratch.
    over = _claim(made, "from scratch, over")
    assert over.estimate.value == pytest.approx(2.0, rel=0.03) and over.verdict == Verdict.DIFFERS
    # Between the sizes 128 and 256, single runs lie where their mean does.
    part, still = _claim(made, "share of runs", "going on"), _claim(made, "last fifth", "going on")
    assert part.remark == "27 of 27 runs, sizes 128, 181, 256" and part.verdict == Verdict.AS_PUBLISHED
    assert (still.estimate.value, still.verdict) == (0.0, Verdict.AS_PUBLISHED)


def test_runs_that_still_change_are_not_settled(flat):
    continued, found = flat
    still = continued.copy(deep=True)
    still["test_accuracy"][..., -1] += 0.1
    one = _claim(_claims(still, found, _scratch(FLAT)), "last fifth", "going on")
    assert one.estimate.value == pytest.approx(0.1) and one.verdict == Verdict.DIFFERS


def test_semi_grokking_of_the_mean_alone_does_not_count(flat):
    continued, found = flat
    either = continued.copy(deep=True)
    either["test_accuracy"][:, 0], either["test_accuracy"][:, 1:] = 0.0, 1.0
    one = _claim(_claims(either, found, _scratch(FLAT)), "share of runs", "going on")
    assert one.remark.startswith("0 of 81 runs") and one.verdict == Verdict.DIFFERS


def test_weight_decays_at_which_a_network_falls_off_its_train_set_are_left_out(flat):
    continued = flat[0].copy(deep=True)
    # One record of 3 seeds, 9 sizes and the one step after the first two, at the least decay.
    continued["train_accuracy"][0, 0, 0, -1] = 0.9
    found = flat[1].assign(unfitted=unfitted(continued["train_accuracy"]))
    np.testing.assert_allclose(found["unfitted"], [1 / 27, 0.0, 0.0])
    # At the least decay the size is far off the others.
    moved = found.assign(half=size_for(_continued(np.array([[9.0], [7.5], [8.0]]) + SPREAD)["test_accuracy"]))
    one = _claim(_claims(continued, moved, _scratch(FLAT)), "stays fitted")
    assert one.remark == "weight decays 1, 2" and one.estimate.value == pytest.approx(2**0.5, rel=0.05)
    none = moved.assign(unfitted=moved["unfitted"] + 0.1)
    one = _claim(_claims(continued, none, _scratch(FLAT)), "stays fitted")
    assert (one.shown, one.verdict) == ("weight decays none", Verdict.NOT_KNOWN)


def test_equal_steps_times_decay_are_those_of_the_least_decay():
    steps = np.arange(0, 1001, 100)
    half = xr.DataArray(2.0 ** np.outer([0.5, 1.0, 2.0], steps / 100)[:, None], dims=("weight_decay", "seed", "step"))
    # What grows as steps times decay is then equal.
    np.testing.assert_allclose(at_equal_decay(half.assign_coords(weight_decay=DECAYS, step=steps)), 2.0**5)


def test_a_network_that_forgets_nothing_is_no_ungrokking(flat):
    continued = flat[0].copy(deep=True)
    continued["test_accuracy"][:] = 1.0
    found = flat[1].assign(half=size_for(continued["test_accuracy"]))
    scratch = continued.sel(weight_decay=1.0, drop=True)
    made = _claims(continued, found, scratch, _grokked(0.9))
    assert _claim(made, "going on with 64").verdict == Verdict.DIFFERS
    # No size lies inside those that were run, and none is partly right.
    for words in (ALL, ("share of runs", "going on"), ("last fifth", "from scratch"), ("from scratch, over",)):
        assert _claim(made, *words).verdict == Verdict.NOT_KNOWN, words
    assert _claim(made, "share of runs", "from scratch").remark == "0 of 0 runs, sizes none"
    had = _claim(made, "share of the networks")
    assert (had.remark, had.verdict) == ("0 of 9 networks", Verdict.DIFFERS)


def test_runs_that_went_on_are_unfolded_by_decay_and_seed_without_those_that_had_not_grokked():
    continued = _continued(RISING)
    starts = [(decay, seed) for decay in DECAYS for seed in SEEDS]
    folded = continued.stack(start=["weight_decay", "seed"])
    folded = folded.drop_vars(["start", "weight_decay", "seed"]).assign_coords(
        learning_rate=("start", [0.005] * len(starts)),
        start=[f"decay {decay}, seed {seed}" for decay, seed in starts],
        weight_decay=("start", [decay for decay, _ in starts]),
        seed=("start", [seed for _, seed in starts]),
    )
    folded.attrs["experiment"] = STUDY.sweeps("quick", 3)["grokked"].experiment.to_json()
    grokked = _rated(_grokked())
    grokked["test_accuracy"][0, 2, 1, -1] = 0.5
    # Any order of the starts.
    found = unfolded(folded.isel(start=slice(None, None, -1)), grokked)
    expected = continued["test_accuracy"].copy()
    expected[2, 1] = np.nan
    xr.testing.assert_allclose(
        found["test_accuracy"].reset_coords(drop=True), expected.expand_dims(learning_rate=[0.005])
    )


@pytest.mark.slow
def test_both_rates_stand_beside_each_other(flat):
    continued = xr.concat([_continued(RISING + 0.5), flat[0]], "learning_rate").assign_coords(
        learning_rate=[0.01, 0.005]
    )
    found = critical_sizes(continued)
    np.testing.assert_array_equal(found["half"].isel(learning_rate=1, drop=True), flat[1]["half"])
    made = claims.claims(_grokked(), continued, _scratch(FLAT), found)
    assert _claim(made, "per doubling of weight decay, rate 0.01").verdict == Verdict.DIFFERS
    assert _claim(made, "per doubling of weight decay, rate 0.005").verdict == Verdict.AS_PUBLISHED
    # From scratch there is the lower rate alone, and so is what it is compared with, in whatever order they come.
    turned = [part.isel(learning_rate=[1, 0]) for part in (continued, found)]
    for going_on, sizes in ((continued, found), turned):
        one = _claim(claims.claims(_grokked(), going_on, _scratch(FLAT), sizes), "from scratch, over")
        assert one.estimate.value == pytest.approx(1.0, abs=0.01) and one.verdict == Verdict.AS_PUBLISHED
    made = claims.tables(continued, _scratch(FLAT), found)
    assert [row[:2] for row in made["critical"].rows[2:4]] == [("0.01", "2"), ("0.005", "0.5")]
    assert len(STUDY.sweeps("quick", 2)["grokked"].over["learning_rate"]) == 2


@pytest.mark.parametrize(("scale", "rate"), [("quick", 0.005), ("paper", 0.001)])
def test_networks_from_scratch_have_the_rate_the_decay_and_the_steps_of_those_they_are_compared_with(scale, rate):
    sweeps = STUDY.sweeps(scale, 2)
    grokked, scratch = sweeps["grokked"], sweeps["scratch"]
    used = scratch.experiment.optimizer.hyperparameters
    # The claim takes the networks that go on at the lowest rate and a weight decay of 1.
    assert (used["learning_rate"], used["weight_decay"]) == (rate, 1.0)
    assert rate == min(grokked.over["learning_rate"]) and 1.0 in grokked.over["weight_decay"]
    assert not {"learning_rate", "weight_decay"} & set(scratch.over)
    first, further = (2000, 3000) if scale == "quick" else (10_000, 20_000)
    assert (grokked.experiment.steps, scratch.experiment.steps) == (first, first + further)


@pytest.mark.slow
def test_networks_that_had_not_grokked_are_not_known(flat):
    continued = flat[0].where((flat[0]["seed"] != 0) | (flat[0]["weight_decay"] != 2.0))
    made = _claims(continued, critical_sizes(continued), _scratch(FLAT))
    for words in (("going on with 64",), ("going on with all",), ("size for 90%",), ALL):
        one = _claim(made, *words).estimate
        assert (one.count, one.unknown) == (2, 1), words
    assert _claim(made, "share of runs", "going on").remark.startswith("24 of 24 runs")
    none = continued.where(continued["weight_decay"] != 1.0)
    assert _claim(_claims(none, flat[1], _scratch(FLAT)), "going on with all").verdict == Verdict.NOT_KNOWN


def test_figures_show_every_weight_decay(flat):
    continued, found = flat
    left, right = figures.ungrokking(*(runs["test_accuracy"] for runs in (_rated(continued), _scratch(FLAT)))).axes[:2]
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["weight decay 0.5", "weight decay 1", "weight decay 2", "from scratch, 1"]
    assert len(right.lines) == len(SIZES)
    line = figures.critical(_rated(found)["half"]).axes[1].lines[2]
    np.testing.assert_allclose(line.get_xdata(), [0.0, 8.0, 10.0])
    np.testing.assert_allclose(line.get_ydata()[-1], 2 ** float(np.log2(found["half"]).isel(step=-1)[2].mean()))


@pytest.mark.long
def test_further_runs_start_from_their_own_network_and_keep_its_decay_and_data():
    sweeps = STUDY.sweeps("paper", 2)
    assert sweeps["grokked"].experiment.task.p == 113
    experiment = dataclasses.replace(STUDY.sweeps("quick", 2)["grokked"].experiment, **SMALL)
    grokked = mj.sweep(
        experiment, {"learning_rate": [0.01, 0.005], "weight_decay": [0.5, 1.0], "seed": [0]}, progress=False
    )
    further = STUDY.further("quick", {"grokked": grokked})["continued"]
    ((names, rows),) = ((names, rows) for names, rows in further.over.items() if isinstance(names, tuple))
    assert names == ("start", "learning_rate", "weight_decay", "seed")
    assert [row[1:] for row in rows] == [(0.01, 0.5, 0), (0.01, 1.0, 0), (0.005, 0.5, 0), (0.005, 1.0, 0)]
    kept = grokked["parameters"].sel(learning_rate=0.005, weight_decay=1.0, seed=0).values.ravel()
    np.testing.assert_array_equal(rows[3][0].parameters, kept)
    assert further.experiment.test_size == 961 - 769 and further.over["train_size"][-1] == 769


SMALL = {"steps": 20, "record_every": 10, "snapshots": (20,)}


@pytest.mark.long
def test_a_small_run_goes_on_from_what_it_trained(tmp_path, made_again):
    def shrunk(scale, seeds):
        parts = STUDY.sweeps(scale, seeds)
        few = {"learning_rate": (0.005,), "weight_decay": (1.0, 2.0), "seed": tuple(range(seeds))}
        own = dataclasses.replace(parts["grokked"].experiment, steps=600, record_every=200, snapshots=(600,))
        scratch = dataclasses.replace(parts["scratch"].experiment, steps=400, record_every=100)
        return {
            "grokked": studies.Sweep(own, few),
            "scratch": studies.Sweep(scratch, {"train_size": (60, 400), "seed": few["seed"]}),
        }

    def further(scale, datasets):
        own = STUDY.further(scale, datasets)["continued"]
        short = dataclasses.replace(own.experiment, steps=400, record_every=100)
        return {"continued": studies.Sweep(short, {**own.over, "train_size": (60, 400, 769)})}

    study = dataclasses.replace(STUDY, sweeps=shrunk, further=further)
    folder, findings = studies.run(study, tmp_path / "out", seeds=2, progress=False)
    continued = mj.open(folder / "continued.nc")
    # Records of step 0 are those of the network that goes on, on pairs that neither train set has.
    grokked = mj.open(folder)
    end = grokked["test_accuracy"].isel(step=-1).values.ravel()
    np.testing.assert_allclose(continued["test_accuracy"].isel(step=0, train_size=0), end, atol=1e-6)
    ends = continued["test_accuracy"].isel(step=-1).mean("start")
    assert float(ends.sel(train_size=60)) < 0.2 and float(ends.sel(train_size=769)) > 0.95
    assert json.loads(continued.attrs["axes"])["weight_decay"] == [1.0, 1.0, 2.0, 2.0]
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    made_again(folder, study)
    assert {"published", "critical", "sizes", "scratch"} <= set(findings.all_tables)
