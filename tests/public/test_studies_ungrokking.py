import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies import _ungrokking_critical as critical
from memjax.studies import _ungrokking_figures as figures
from memjax.studies import _ungrokking_tables as tables

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
    rest = {name: (dims, np.ones_like(accuracy)) for name in ("train_accuracy", "test_loss", "weight_l2")}
    runs = xr.Dataset({"test_accuracy": (dims, accuracy), **rest}, coords)
    return runs.assign(decay_time=0.01 * runs["weight_decay"] * runs["step"])


def _rated(runs, *rates):
    return runs.expand_dims(learning_rate=list(rates or (0.005,)))


def _claims(grokked, continued, scratch, found):
    return tables.claims(grokked, _rated(continued), scratch, _rated(found))


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
    return continued, critical.critical(continued)


def test_the_critical_size_of_a_logistic_curve_is_its_centre(flat):
    found = flat[1]
    # Between sizes half an octave apart a logistic of width 0.4 is nearly, not quite, linear: within 0.005 octaves here.
    np.testing.assert_allclose(found["half"].isel(step=-1), np.broadcast_to(FLAT, (3, 3)), atol=0.01)
    # Averaging three centres 0.1 apart flattens the curve by 1%.
    np.testing.assert_allclose(found["fitted"], 7.5, atol=0.01)
    np.testing.assert_allclose(found["width"], 0.4, atol=0.02)
    assert (found["low"] < found["half"].isel(step=-1)).all() and (found["high"] > found["half"].isel(step=-1)).all()
    assert (found["late"] == 0.0).all()
    # At the change every size is right, so half of them being so is not inside the sizes.
    assert found["half"].isel(step=0).isnull().all()


def test_sizes_between_which_the_accuracy_falls_again_do_not_count():
    accuracy = xr.DataArray([0.0, 0.75, 0.25, 0.75], dims="train_size", coords={"train_size": [64, 128, 256, 512]})
    assert float(critical.half_size(accuracy)) == 8.5
    assert np.isnan(critical.half_size(accuracy.isel(train_size=slice(3, None))))


def _claim(table, word):
    (row,) = (row for row in table.rows if word in row[0])
    return row


def test_no_dependence_on_weight_decay_is_told_from_one(flat):
    continued, found = flat
    row = _claim(_claims(_grokked(), continued, _scratch(FLAT), found), "all weight decays")
    assert row[3] == "not told apart from no dependence" and float(row[2].split()[0]) == pytest.approx(1.0, abs=0.01)
    rising = _continued(RISING)
    moved = found.assign(half=critical.half_size(rising["test_accuracy"]))
    np.testing.assert_allclose(critical.doubling(moved["half"].isel(step=-1)), 0.5, atol=0.05)
    rows = _claims(_grokked(), rising, _scratch(FLAT), moved)
    row = _claim(rows, "all weight decays")
    assert row[3] == "refuted: it grows with it" and float(row[2].split()[0]) == pytest.approx(2**0.5, rel=0.05)
    falling = found.assign(half=critical.half_size(_continued(RISING[::-1])["test_accuracy"]))
    assert "falls" in _claim(_claims(_grokked(), rising, _scratch(FLAT), falling), "all weight decays")[3]


def test_claims_follow_the_runs(flat):
    continued, found = flat
    table = _claims(_grokked(), continued, _scratch(FLAT + 1.0), found)
    assert _claim(table, "ungrokking")[3] == "as published"
    assert _claim(table, "control")[3] == "as expected"
    # 90% over 10% of a logistic: 2 ln 9 widths of 0.4 octaves, 1.76 octaves.
    assert _claim(table, "a transition")[3] == "wider than a factor of 2"
    assert float(_claim(table, "a transition")[2].split()[0]) == pytest.approx(2**1.76, rel=0.1)
    # An octave more from scratch.
    assert float(_claim(table, "from scratch over")[2].split()[0]) == pytest.approx(2.0, rel=0.03)
    assert _claim(table, "from scratch over")[3].startswith("larger")
    assert _claim(table, "partly generalised, going")[3] == "as published"
    # Between the sizes 128 and 256, single runs lie where their mean does.
    assert "N = 128, 181, 256: 27 of 27 runs" in _claim(table, "partly generalised, going")[2]
    still = continued.copy(deep=True)
    still["test_accuracy"][..., -1] += 0.1
    assert _claim(_claims(_grokked(), still, still.mean("weight_decay"), found), "with fewer")[3] == "still changing"


def test_semi_grokking_of_the_mean_alone_does_not_count(flat):
    continued, found = flat
    either = continued.copy(deep=True)
    either["test_accuracy"][:, 0], either["test_accuracy"][:, 1:] = 0.0, 1.0
    row = _claim(_claims(_grokked(), either, _scratch(FLAT), found), "partly generalised, going")
    assert ": 0 of 81 runs" in row[2] and row[3] == "not of single runs"


def test_weight_decays_at_which_a_network_falls_off_its_train_set_are_told(flat):
    continued = flat[0].copy(deep=True)
    # One record of 3 seeds, 9 sizes and the one step after the first two, at the least decay.
    continued["train_accuracy"][0, 0, 0, -1] = 0.9
    found = flat[1].assign(unfitted=critical.unfitted(continued["train_accuracy"]))
    np.testing.assert_allclose(found["unfitted"], [1 / 27, 0.0, 0.0])
    moved = found.assign(half=critical.half_size(_continued(RISING)["test_accuracy"]))
    row = _claim(_claims(_grokked(), continued, _scratch(FLAT), moved), "stays fitted")
    assert row[0].endswith("fitted: 1, 2, rate 0.005") and float(row[2].split()[0]) == pytest.approx(2**0.5, rel=0.05)
    assert [row[-1] for row in tables.critical(_rated(found), _scratch(FLAT)).rows] == ["3.7%", "0%", "0%", ""]


def test_equal_steps_times_decay_are_those_of_the_least_decay():
    steps = np.arange(0, 1001, 100)
    half = xr.DataArray(np.outer([0.5, 1.0, 2.0], steps)[:, None], dims=("weight_decay", "seed", "step"))
    found = xr.Dataset({"half": half}).assign_coords(weight_decay=DECAYS, step=steps)
    # What grows as steps times decay is then equal.
    np.testing.assert_allclose(critical.at_equal_decay(found), 500.0)


def test_a_network_that_forgets_nothing_is_no_ungrokking(flat):
    continued = flat[0].copy(deep=True)
    continued["test_accuracy"][:] = 1.0
    found = flat[1].assign(half=critical.half_size(continued["test_accuracy"]))
    table = _claims(_grokked(0.9), continued, _scratch(FLAT), found)
    assert _claim(table, "ungrokking")[3] == "not so"
    assert _claim(table, "all weight decays")[2:] == ("not inside the sizes for 3 of 3 seeds", "no estimate")
    assert _claim(table, "generalises")[2:] == ("0 of 9 networks at a test accuracy of 0.99", "not all")


def test_runs_that_went_on_are_unfolded_by_decay_and_seed_without_those_that_had_not_grokked():
    continued = _continued(RISING)
    starts = [(decay, seed) for decay in DECAYS for seed in SEEDS]
    folded = continued.drop_vars("decay_time").stack(start=["weight_decay", "seed"])
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
    unfolded = critical.unfolded(folded.isel(start=slice(None, None, -1)), grokked)
    expected = continued["test_accuracy"].copy()
    expected[2, 1] = np.nan
    xr.testing.assert_allclose(
        unfolded["test_accuracy"].reset_coords(drop=True), expected.expand_dims(learning_rate=[0.005])
    )
    # Rate 0.005, decay 2, 1000 steps.
    assert float(unfolded["decay_time"].sel(learning_rate=0.005, weight_decay=2.0, step=1000)) == pytest.approx(10.0)


@pytest.mark.slow
def test_both_rates_stand_beside_each_other(flat):
    continued = xr.concat([_continued(RISING + 0.5), flat[0]], "learning_rate").assign_coords(
        learning_rate=[0.01, 0.005]
    )
    found = critical.critical(continued)
    np.testing.assert_array_equal(found["half"].isel(learning_rate=1, drop=True), flat[1]["half"])
    table = tables.claims(_grokked(), continued, _scratch(FLAT), found)
    assert _claim(table, "all weight decays, rate 0.01")[3] == "refuted: it grows with it"
    assert _claim(table, "all weight decays, rate 0.005")[3] == "not told apart from no dependence"
    # From scratch there is the lower rate alone, and so is what it is compared with.
    assert float(_claim(table, "from scratch over")[2].split()[0]) == pytest.approx(1.0, abs=0.01)
    assert [row[:2] for row in tables.critical(found, _scratch(FLAT)).rows[2:4]] == [("0.01", "2"), ("0.005", "0.5")]
    assert tables.critical(found, _scratch(FLAT)).rows[-1][0] == "0.005"
    # In whatever order they come.
    turned = [part.isel(learning_rate=[1, 0]) for part in (continued, found)]
    row = _claim(tables.claims(_grokked(), turned[0], _scratch(FLAT + 1.0), turned[1]), "from scratch over")
    assert float(row[2].split()[0]) == pytest.approx(2.0, rel=0.03) and row[3].startswith("larger")
    assert STUDY.sweeps("quick", 2)["scratch"].experiment.optimizer.hyperparameters["learning_rate"] == 0.005
    assert len(STUDY.sweeps("quick", 2)["grokked"].over["learning_rate"]) == 2


def test_one_seed_leaves_no_verdict(flat):
    continued, found = (part.isel(seed=[0]) for part in flat)
    table = _claims(_grokked(), continued, _scratch(FLAT).isel(seed=[0]), found)
    for word in ("ungrokking", "a transition", "all weight decays", "with fewer", "from scratch over"):
        assert _claim(table, word)[3] == "no interval", word


def test_networks_that_had_not_grokked_are_counted(flat):
    continued = flat[0].where((flat[0]["seed"] != 0) | (flat[0]["weight_decay"] != 2.0))
    table = _claims(_grokked(), continued, _scratch(FLAT), critical.critical(continued))
    assert _claim(table, "ungrokking")[2].endswith("2 of 3 seeds") and _claim(table, "control")[2].endswith(
        "2 of 3 seeds"
    )
    row = _claim(table, "a transition")
    assert row[2:] == ("not inside the sizes for 1 of 3 seeds", "no estimate")
    assert _claim(table, "all weight decays")[2:] == ("not inside the sizes for 1 of 3 seeds", "no estimate")
    assert "24 of 24 runs" in _claim(table, "with fewer")[2]
    none = continued.where(continued["weight_decay"] != 1.0)
    table = _claims(_grokked(), none, _scratch(FLAT), flat[1])
    assert _claim(table, "control")[2:] == ("no network had grokked in any of 3 seeds", "no estimate")


def test_where_no_size_is_in_between_it_is_not_seen_and_named_once(flat):
    continued = flat[0].copy(deep=True)
    continued["test_accuracy"][:] = 1.0
    row = _claim(_claims(_grokked(), continued, continued.sel(weight_decay=1.0), flat[1]), "semi-grokking")
    assert row[0] == "semi-grokking: partly generalised, from scratch" and row[3] == "not seen"


def test_figures_show_every_weight_decay(flat):
    continued, found = flat
    left, right = figures.ungrokking(_rated(continued), _scratch(FLAT)).axes[:2]
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["weight decay 0.5", "weight decay 1", "weight decay 2", "from scratch, 1"]
    assert len(right.lines) == len(SIZES)
    line = figures.critical(_rated(found)).axes[1].lines[2]
    np.testing.assert_allclose(line.get_xdata(), [0.0, 16.0, 20.0])
    np.testing.assert_allclose(line.get_ydata()[-1], 2 ** float(found["half"].isel(step=-1)[2].mean()))


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
def test_a_small_run_goes_on_from_what_it_trained(tmp_path):
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
    rows = {row[0]: row for row in findings.tables["sizes"].rows}
    assert float(rows["60"][1].split()[0]) < 0.2 and float(rows["769"][1].split()[0]) > 0.95
    assert set(findings.figures) == set(findings.captions)
    assert json.loads(continued.attrs["axes"])["weight_decay"] == [1.0, 1.0, 2.0, 2.0]
    assert "continued" in (folder / "report.md").read_text()
