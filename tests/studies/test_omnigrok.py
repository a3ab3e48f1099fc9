import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

from memjax import studies
from memjax.studies.kit import Verdict, below, between
from memjax.studies.omnigrok import claims
from memjax.studies.omnigrok.numbers import crossings, delays, losses_at_norms, lowest

NORMS = [2.0, 7.0, 10.0, 20.0]
LOWEST = "norm with the lowest test loss"
LEARNS = "norm at which a run from initial scale 2 learns its test set"
LATER = "initial scale 2, weight decay 0.05: steps to learn the test set over steps to fit the train set"


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
    found = losses_at_norms(_held())
    np.testing.assert_allclose(found["weight_l2"].isel(seed=0), NORMS)
    # The kernel of the first layer has 3/4 of the norm: its square is counted once more, 1 + 9/16.
    np.testing.assert_allclose(found["published_l2"].isel(seed=0), 1.25 * np.array(NORMS))
    np.testing.assert_allclose(found["test_loss"].sel(seed=0), [1e-1, 1e-5, 1e-4, 1e-2])


def _curves(**losses):
    held = losses_at_norms(_held(**losses))
    return {claim.what: claim for claim in claims._of_curves(held, lowest(held))}


def test_l_and_u_are_told_by_ratios_to_the_lowest_test_loss():
    found = _curves()
    low = found[LOWEST]
    assert (low.estimate.value, low.rule, low.verdict) == (7.0, between(7.0, 10.0), Verdict.AS_PUBLISHED)
    assert found[f"{LOWEST}, as the published code counts norms"].estimate.value == pytest.approx(8.75)
    up, down = (
        found[what]
        for what in ("U: test loss at norm 20 over the lowest", "L: train loss at norm 2 over the loss at norm 7")
    )
    assert (up.estimate.value, down.estimate.value) == pytest.approx((1e3, 1e6))
    assert up.verdict == down.verdict == Verdict.AS_PUBLISHED
    highest = found["L: highest train loss at norms from 7 up"]
    assert highest.estimate.value == pytest.approx(1e-7) and highest.verdict == Verdict.AS_PUBLISHED


def test_a_minimum_at_the_end_and_a_train_set_that_is_not_fitted_differ():
    found = _curves(test=(1e-5, 1e-4, 1e-3, 1e-2), train=(1e-9, 1e-7, 1e-7, 1e-2))
    assert found[LOWEST].verdict == Verdict.DIFFERS
    assert found["L: highest train loss at norms from 2 up"].verdict == Verdict.DIFFERS
    assert found["L: train loss at norm 2 over the loss at norm 2"].verdict == Verdict.DIFFERS


def test_u_crosses_the_threshold_between_norms_as_a_power_law():
    crossing = crossings(losses_at_norms(_held()), 7.0)
    # From 1e-4 at 10 to 1e-2 at 20, half way in both logarithms; ten times as much from 1e-3 at 10, which is not above.
    np.testing.assert_allclose(crossing.sel(seed=[0, 2]), 10.0 * 2.0**0.5)
    np.testing.assert_allclose(crossing.sel(seed=1), 10.0, rtol=1e-6)
    # Never above it, and above it from the first norm on.
    for test in ((1e-1, 1e-5, 1e-5, 1e-5), (1e-1, 1e-2, 1e-1, 1e-1)):
        assert crossings(losses_at_norms(_held(test=test)), 7.0).isnull().all()


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
    found = delays(_free())
    large = found.sel(init_scale=2.0, weight_decay=0.05)
    np.testing.assert_allclose(large["t_train"], 200.0)
    np.testing.assert_allclose(large["t_test"], 800.0)
    np.testing.assert_allclose(large["norm"], 12.0)
    np.testing.assert_allclose(large["end_norm"], 10.0)
    np.testing.assert_allclose(large["end_test_loss"], 1e-5)
    assert set(large["outcome"].values) == {"grokked"}
    never = found.sel(init_scale=2.0, weight_decay=0.0)
    assert np.isposinf(never["t_test"]).all() and np.isposinf(never["norm"]).all()
    assert set(found.sel(init_scale=1.0)["outcome"].values.ravel()) == {"together"}


def _grokking(runs):
    held = losses_at_norms(_held().isel(seed=[0, 2]).assign_coords(seed=[0, 1]))
    return {claim.what: claim for claim in claims._of_grokking(delays(runs), crossings(held, 7.0))}


def test_claims_compare_the_norm_with_the_crossing_of_the_held_runs():
    found = _grokking(_free())
    # 12 of 14.14; both seeds agree to the last digit.
    over = found[f"{LEARNS}, over the norm at which U rises through that loss"]
    assert over.estimate.value == pytest.approx(12.0 / (10.0 * 2.0**0.5))
    assert (over.published, over.verdict) == (1.0, Verdict.DIFFERS)
    learns = found[LEARNS]
    assert (learns.estimate.value, learns.rule, learns.remark) == (pytest.approx(12.0), below(20.0), "from 20.0")
    later = found[LATER]
    # 800 lies on the last of the records 700 and 800, and 200 on that of 100 and 200.
    assert later.estimate.value == pytest.approx(4.0) and later.remark == "grokked 2"
    assert (later.estimate.low, later.estimate.high) == pytest.approx((3.5, 8.0))
    assert later.verdict == Verdict.AS_PUBLISHED
    assert found[LATER.replace("scale 2", "scale 1")].remark == "together 2"
    never = found["steps to learn the test set, initial scale 2 without weight decay"]
    assert (never.shown, never.verdict) == ("never in 2 of 2; never generalised 2", Verdict.NOT_ASKED)


def test_seeds_that_never_learn_are_counted_beside_the_norm():
    runs = _free()
    # Seed 1 never learns its test set.
    runs["test_loss"][1, 1, 1] = 0.1
    found = _grokking(runs)
    assert found[LEARNS].shown.startswith("12.0 [no interval], never in 1 of 2")
    assert found[LEARNS].verdict == found[LATER].verdict == Verdict.NO_INTERVAL
    runs["test_loss"][1, 1] = 0.1
    assert _grokking(runs)[LEARNS].verdict == Verdict.DIFFERS


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
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again):
    study = dataclasses.replace(studies.find("omnigrok"), sweeps=_shrunk)
    folder, findings = studies.run(study, tmp_path / "out", seeds=2, progress=False)
    assert all((folder / f"{name}.{ending}").exists() for name in findings.figures for ending in ("png", "pdf"))
    losses = xr.load_dataset(folder / "dataset.nc").isel(step=-1).mean("seed")
    # U: the test loss is lowest inside; L: the train loss is higher at the smallest norm, measured 13 times.
    place = int(losses["test_loss"].argmin("norm"))
    assert 0 < place < losses.sizes["norm"] - 1 and losses["test_loss"][-1] > 10 * losses["test_loss"][place]
    assert losses["train_loss"][0] > 4 * losses["train_loss"][place]
    first = json.loads((folder / "claims.json").read_text())["claims"][0]
    assert first["estimate"]["value"] == lowest(losses_at_norms(_of(folder)))["location"]
    made_again(folder, study)
    assert {"published", "norms", "grokking"} <= set(findings.all_tables)


def _of(folder):
    return xr.load_dataset(folder / "dataset.nc")
