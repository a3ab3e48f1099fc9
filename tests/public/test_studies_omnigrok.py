import dataclasses

import numpy as np
import pytest
import xarray as xr

from memjax import studies
from memjax.studies import _geometric as geometric
from memjax.studies import _omnigrok_tables as tables

NORMS = [2.0, 7.0, 10.0, 20.0]
LOWEST, EARLIER = (
    "norm with the lowest test loss: between the ends of U",
    "the same, beside an earlier run of ours: 5 to 9",
)


def _held(test=(1e-1, 1e-5, 1e-4, 1e-2), train=(1e-1, 1e-7, 1e-7, 1e-7)):
    """Three seeds at two records, of which only the last has these losses; the second seed has ten times the test loss."""
    coords = {"norm": NORMS, "seed": [0, 1, 2], "step": [0, 10], "parameter": ["layer_0/bias", "layer_0/kernel"]}
    loss = np.stack([np.full(4, 9.0), np.array(test)], -1)[:, None] * np.array([1.0, 10.0, 1.0])[None, :, None]
    fit = np.broadcast_to(np.stack([np.full(4, 9.0), np.array(train)], -1)[:, None], (4, 3, 2))
    norm = np.broadcast_to(np.stack([np.full(4, 8.6), np.array(NORMS)], -1)[:, None], (4, 3, 2))
    dims = ("norm", "seed", "step")
    layers = np.stack([0.1 * norm, 0.75 * norm], -1)
    table = {"train_loss": (dims, fit), "test_loss": (dims, loss), "weight_l2": (dims, norm)}
    return xr.Dataset(table | {"layer_l2": ((*dims, "parameter"), layers)}, coords=coords)


def test_both_norms_are_of_the_last_record():
    found = tables.curves(_held())
    np.testing.assert_allclose(found["weight_l2"].isel(seed=0), NORMS)
    # The kernel of the first layer has 3/4 of the norm: its square is counted once more, 1 + 9/16.
    np.testing.assert_allclose(found["published_l2"].isel(seed=0), 1.25 * np.array(NORMS))
    np.testing.assert_allclose(found["log_test"].sel(seed=0), [-1, -5, -4, -2])


def test_the_lowest_test_loss_is_found_and_told():
    found = tables.curves(_held())
    low = tables.lowest(found)
    assert float(low["location"]) == 7.0 and bool(low["interior"])
    rows = {row[0]: row[1:] for row in tables._of_curves(found, low)}
    assert rows[LOWEST][1:] == ("7.00 [7.00, 7.00]", "the whole interval is inside")
    assert rows[EARLIER] == ("not given", "7.00 [7.00, 7.00]", "the whole interval is inside")
    assert rows["the same, as the published code counts it"][1] == "8.75 [8.75, 8.75]"
    assert rows["U: test loss at norm 20 over the lowest"][1:] == ("1000 [1000, 1000]", "rises")
    assert rows["L: the highest train loss at norms from 7 up"][2] == "fitted"


def test_verdicts_change_with_the_curves():
    found = tables.curves(_held(test=(1e-5, 1e-4, 1e-3, 1e-2), train=(1e-9, 1e-7, 1e-7, 1e-2)))
    low = tables.lowest(found)
    rows = {row[0]: row[-1] for row in tables._of_curves(found, low)}
    assert rows[LOWEST] == "outside" and rows[EARLIER] == "outside"
    assert rows["L: train loss at norm 2 over that at the lowest test loss"] == "does not rise in every seed"
    assert rows["L: the highest train loss at norms from 2 up"] == "not fitted at every norm"


def test_u_crosses_the_threshold_between_norms_as_a_power_law():
    found = tables.curves(_held())
    crossing = tables.crossings(found, 7.0)
    # From 1e-4 at 10 to 1e-2 at 20, half way in both logarithms; ten times as much from 1e-3 at 10, which is not above.
    np.testing.assert_allclose(crossing.sel(seed=[0, 2]), 10.0 * 2.0**0.5)
    np.testing.assert_allclose(crossing.sel(seed=1), 10.0, rtol=1e-6)
    below = tables.curves(_held(test=(1e-1, 1e-5, 1e-5, 1e-5)))
    assert tables.crossings(below, 7.0).isnull().all()


def _free():
    """Norms that fall from 20 by 1 per record; the train set is learned at step 200, the test set at 800 or never."""
    steps = 100.0 * np.arange(11)
    coords = {"init_scale": [1.0, 2.0], "weight_decay": [0.0, 0.05], "seed": [0, 1], "step": steps}
    shape, dims = (2, 2, 2, 11), tuple(coords)
    train = np.broadcast_to(10.0 ** -(1.0 + np.arange(11.0)), shape).copy()
    test = np.full(shape, 0.1)
    # Small: together. Large with decay: 0.1 until step 700, 1e-5 from 900 on.
    test[0] = train[0]
    test[1, 1, :, 8:] = [1e-3, 1e-5, 1e-5]
    norm = np.broadcast_to(20.0 - np.arange(11.0), shape)
    table = {"train_loss": (dims, train), "test_loss": (dims, test), "weight_l2": (dims, norm)}
    return xr.Dataset(table, coords=coords)


def test_delays_and_the_norm_at_which_the_test_set_is_learned():
    found = tables.delays(_free())
    large = found.sel(init_scale=2.0, weight_decay=0.05)
    np.testing.assert_allclose(large["t_train"], 200.0)
    np.testing.assert_allclose(large["t_test"], 800.0)
    np.testing.assert_allclose(large["norm"], 12.0)
    assert set(large["outcome"].values) == {"grokked"}
    never = found.sel(init_scale=2.0, weight_decay=0.0)
    assert np.isposinf(never["t_test"]).all() and never["norm"].isnull().all()
    assert set(found.sel(init_scale=1.0)["outcome"].values.ravel()) == {"together"}


def test_claims_compare_the_norm_with_the_crossing_of_the_held_runs():
    found, free = tables.curves(_held().isel(seed=[0, 2]).assign_coords(seed=[0, 1])), tables.delays(_free())
    rows = {row[0]: row[2:] for row in tables.claims(found, tables.lowest(found), free).rows}
    # 12 of 14.14; both seeds agree to the last digit.
    assert rows["the same over the norm at which U crosses that loss"] == (
        "0.849 [0.849, 0.849]",
        "more than a tenth off, told apart from 1, 2 of 2 seeds",
    )
    assert rows["norm at which the large one learns its test set"] == ("12.0 [12.0, 12.0]", "from 20")
    assert rows["initial scale 2, weight decay 0.05: t_test / t_train"] == ("4.00 [4.00, 4.00]", "grokked 2")
    assert rows["initial scale 2 without weight decay: t_test"] == ("never in 2 of 2", "never generalised 2")


def test_a_ratio_is_told_apart_from_one_by_its_interval():
    def same(*ratios):
        return tables._same(xr.DataArray(np.log10(ratios), dims="seed"))

    assert same(0.97, 1.02, 1.01) == "within a tenth, not told apart from 1"
    # The mean is 1 to a percent, the interval from a fifth to five.
    assert same(0.5, 2.0, 1.0) == "not known to a tenth, not told apart from 1"
    assert same(1.05, 1.06, 1.055) == "within a tenth, told apart from 1"
    assert same(1.5, 0.9, 1.4) == "not known to a tenth, not told apart from 1"
    assert same(1.5, 1.6, 1.55) == "more than a tenth off, told apart from 1"
    assert same(1.0) == "not known"


def test_a_wide_interval_agrees_with_nothing():
    def placed(*interval):
        return tables._placed(np.array(interval), 5.0, 9.0)

    assert placed(5.0, 7.0) == "the whole interval is inside"
    assert placed(2.0, 50.0) == placed(7.0, 12.0) == "not told apart: the interval reaches beyond"
    assert placed(10.0, 12.0) == placed(2.0, 2.0) == "outside"
    assert placed(np.nan, np.nan) == "no interval"


def test_the_range_of_an_earlier_run_is_not_called_published():
    found = tables.curves(_held())
    rows = tables._of_curves(found, tables.lowest(found))
    assert not any("5" in row[1] or "published" in row[-1] for row in rows if "lowest test loss" in row[0])
    assert "not published" in tables._NOTE


def test_seeds_that_never_learn_are_counted_beside_the_norm():
    runs = _free()
    # Seed 1 never learns its test set.
    runs["test_loss"][1, 1, 1] = 0.1
    free = tables.delays(runs)
    crossing = tables.crossings(tables.curves(_held().isel(seed=[0, 2]).assign_coords(seed=[0, 1])), 7.0)
    rows = {row[0]: row[2:] for row in tables._of_grokking(free, crossing)}
    assert rows["norm at which the large one learns its test set"][0] == "12.0 [no interval], never in 1 of 2"
    shown, verdict = rows["the same over the norm at which U crosses that loss"]
    assert shown == "0.849 [no interval], never in 1 of 2" and verdict == "not known, 1 of 2 seeds"
    runs["test_loss"][1, 1] = 0.1
    rows = {row[0]: row[2:] for row in tables._of_grokking(tables.delays(runs), crossing)}
    assert rows["norm at which the large one learns its test set"][0] == "never in 2 of 2"


def test_geometric_means_of_times_count_what_never_came():
    times = xr.DataArray([10.0, 1000.0, np.inf, np.nan], dims="seed")
    shown = geometric.geometric_times_shown(times)
    assert shown.startswith("1e+02 [") and shown.endswith("], never in 1 of 4, not known in 1 of 4")


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_settings_are_the_published_ones(scale):
    parts = studies.find("omnigrok").sweeps(scale, 9)
    for part in parts.values():
        assert part.experiment.steps % part.experiment.record_every == 0
        experiment = part.experiment
        assert (experiment.task.hidden, experiment.model.hidden) == ((100, 100), (100, 100))
        assert (experiment.model.activation, experiment.loss, experiment.batch_size) == ("tanh", "mse", None)
        assert experiment.sizes() == (100, 100) and experiment.optimizer.hyperparameters["learning_rate"] == 3e-4
    assert {1.0, 2.0} == set(parts["free"].over["init_scale"]) and {0.0, 0.05} <= set(
        parts["free"].over["weight_decay"]
    )
    assert parts["free"].experiment.optimizer.hyperparameters["weight_decay"] == 0.0
    assert min(parts["norms"].over["norm"]) < 5 and max(parts["norms"].over["norm"]) > 9


def _shrunk(scale, seeds):
    """Small networks and fewer, larger steps."""
    parts, small = studies.find("omnigrok").sweeps(scale, seeds), {}
    for name, part in parts.items():
        own = part.experiment
        optimizer = dataclasses.replace(
            own.optimizer, hyperparameters={**own.optimizer.hyperparameters, "learning_rate": 3e-3}
        )
        steps, every = (1000, 50) if name == "norms" else (3000, 10)
        task, model = (dataclasses.replace(part, hidden=(30,)) for part in (own.task, own.model))
        changed = {"task": task, "model": model, "optimizer": optimizer, "steps": steps, "record_every": every}
        small[name] = studies.Sweep(dataclasses.replace(own, **changed), part.over)
    return small


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path):
    study = dataclasses.replace(studies.find("omnigrok"), sweeps=_shrunk)
    folder, findings = studies.run(study, tmp_path / "out", seeds=2, progress=False)
    assert set(findings.figures) == set(findings.captions)
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    rows = findings.tables["norms"].rows
    losses = np.array([[float(cell.split()[0]) for cell in row[2:]] for row in rows])
    # U: the test loss is lowest inside; L: the train loss is higher at the smallest norm, measured 13 times.
    lowest = losses[:, 1].argmin()
    assert 0 < lowest < len(rows) - 1 and losses[-1, 1] > 10 * losses[lowest, 1]
    assert losses[0, 0] > 4 * losses[lowest, 0]
