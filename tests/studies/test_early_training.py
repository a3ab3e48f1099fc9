"""The study early-training: gradients, departures and exponents with known answers, and one small run from end to end."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies.early_training import claims
from memjax.studies.early_training import numbers as early
from memjax.studies.kit import Verdict, above, near

CLASSES, COUNT = 5, 400
DRAWS = np.random.default_rng(0)
LABELS = np.minimum(DRAWS.integers(0, 7, COUNT), CLASSES - 1).astype(np.int32)
SHARES = np.bincount(LABELS, minlength=CLASSES) / COUNT
NOISE = DRAWS.standard_normal((COUNT, CLASSES)).astype(np.float32)


def _logits(outputs):
    snapshot = SimpleNamespace(train=mj.types.Data(np.zeros((COUNT, 1)), LABELS), outputs=lambda x: outputs)
    return early.logits(snapshot)


def test_uniform_outputs_have_the_claimed_gradient():
    found = _logits(np.full((COUNT, CLASSES), 7.0, np.float32))
    assert found["correct"] == pytest.approx(-0.8, abs=1e-6) and found["other"] == pytest.approx(0.2, abs=1e-6)
    assert found["spread"] == 0.0 and found["deviation"] == pytest.approx(0.0, abs=1e-6)
    assert found["loss"] == pytest.approx(1.0, rel=1e-6)
    # From uniform predictions to the shares of the classes.
    assert found["marginal"] == pytest.approx((SHARES * np.log(CLASSES * SHARES)).sum(), rel=1e-5)


def test_gradients_are_the_softmax_less_the_label():
    outputs = 2.0 * NOISE
    softmax = np.exp(outputs.astype(float))
    softmax /= softmax.sum(1, keepdims=True)
    own = np.arange(CLASSES) == LABELS[:, None]
    found = _logits(outputs)
    assert found["correct"] == pytest.approx((softmax - 1)[own].mean(), rel=1e-5)
    assert found["other"] == pytest.approx(softmax[~own].mean(), rel=1e-5)
    # 1e-6 of float32 in a softmax of order one.
    assert found["deviation"] == pytest.approx(CLASSES * np.sqrt(np.mean((softmax - 1 / CLASSES) ** 2)), rel=1e-5)
    assert found["correct_logit"] == pytest.approx(outputs[own].mean(), abs=1e-6)
    np.testing.assert_allclose(found["class_logit"][1], outputs.mean(0), atol=1e-6)
    np.testing.assert_allclose(found["class_excess"][1], SHARES - 0.2, atol=1e-12)


def test_the_deviation_of_small_outputs_is_their_spread():
    found = _logits(1e-2 * NOISE + 3.0)
    # The next order is the spread itself.
    assert found["deviation"] == pytest.approx(found["spread"], rel=1e-2) and 0.005 < found["spread"] < 0.015


def test_predicting_the_shares_of_the_classes_leaves_no_divergence():
    found = _logits(np.tile(np.log(SHARES), (COUNT, 1)).astype(np.float32))
    assert found["marginal"] == pytest.approx(0.0, abs=1e-6)
    assert found["correct"] == pytest.approx((SHARES**2).sum() - 1, rel=1e-5)


def _net(correct, marginal=(1.0, 0.5, 0.05, 0.0)):
    """Two seeds of one net of five classes, the second with twice the gradient that is lost."""
    coords = {"seed": [0, 1], "snapshot": [0, 1, 10, 100]}
    rows = np.stack([np.asarray(correct), 2 * np.asarray(correct) - correct[0]])
    found = xr.Dataset({"correct": (("seed", "snapshot"), rows)}, coords)
    found["marginal"] = (("seed", "snapshot"), np.tile(marginal, (2, 1)))
    loss = (("seed", "snapshot"), np.tile([1.0, 0.9, 0.8, 0.6], (2, 1)))
    return found.assign(classes=5.0, other=-found["correct"] / 4, loss=loss)


def test_departures_are_steps_and_may_never_come():
    found = early.departures(_net([-0.8, -0.8, -0.76, -0.72]))
    # 10% of 0.8 is gone at step 100, and at step 10 for the seed that loses twice as much.
    np.testing.assert_allclose(found["departed"], [100.0, 10.0])
    np.testing.assert_allclose(found["loss"], [0.6, 0.8])
    # 0.1 lies 8/9 of the way from 0.5 at step 1 to 0.05 at step 10.
    np.testing.assert_allclose(found["marginal_learned"], 9.0)
    never = early.departures(_net([-0.8, -0.8, -0.79, -0.79], marginal=(1.0, 0.9, 0.8, 0.7)))
    assert np.isposinf(never["departed"]).all() and np.isposinf(never["marginal_learned"]).all()
    assert never["loss"].isnull().all()


def test_the_first_change_of_a_step_along_the_class_shares():
    excess = np.array([0.2, -0.1, -0.1])
    coords = {"seed": [0], "snapshot": [0, 1, 2], "class": [0, 1, 2]}
    logit = np.stack([np.ones(3), 1 + 0.5 * excess, np.full(3, 9.0)])
    found = xr.Dataset(
        {
            "class_logit": (("seed", "snapshot", "class"), logit[None]),
            "class_excess": (("seed", "snapshot", "class"), np.tile(excess, (1, 3, 1))),
            "correct_logit": (("seed", "snapshot"), [[1.0, 1.5, 9.0]]),
            "other_logit": (("seed", "snapshot"), [[1.0, 0.75, 9.0]]),
        },
        coords,
    )
    first = early.first_changes(found)
    assert first["correct_change"].item() == 0.5 and first["ratio"].item() == -0.5
    assert first["marginal_correlation"].item() == pytest.approx(1.0)


def _found(correct):
    """Networks of SGD and Adam on one task of five classes, two initial scales, three seeds, with a claim of the gradient."""
    dims, seeds = ("net", "init_scale", "seed", "snapshot"), np.array([0.999, 1.0, 1.001])
    rows = np.broadcast_to(correct * seeds[:, None], (2, 2, 3, 3))
    found = xr.Dataset({"correct": (dims, rows), "other": (dims, -rows / 4)})
    found["spread"] = (dims, np.broadcast_to(np.array([0.01, 0.3])[:, None, None], rows.shape))
    found["deviation"] = found["spread"] ** 1.5
    found = found.assign(marginal=(dims, np.broadcast_to([1.0, 0.1, 0.0], rows.shape)), loss=abs(found["correct"]))
    for name, values in (("correct_change", [0.9, 1.0, 1.1]), ("ratio", [-0.26, -0.25, -0.24])):
        found[name] = (dims[:3], np.broadcast_to(values, rows.shape[:3]))
    found["marginal_correlation"] = found["ratio"] + 1.0
    coords = {
        "task": ("net", ["random labels, K = 5"] * 2),
        "classes": ("net", [5, 5]),
        "optimizer": ("net", ["sgd", "adam"]),
    }
    names = {"net": ["random labels, K = 5, sgd", "random labels, K = 5, adam"], "init_scale": [0.1, 1.0]}
    return found.assign_coords({**coords, **names, "seed": range(3), "snapshot": [0, 1, 10]})


@pytest.mark.parametrize(("correct", "verdict"), [(-0.8, Verdict.AS_PUBLISHED), (-0.82, Verdict.DIFFERS)])
def test_gradients_are_asked_for_within_a_hundredth(correct, verdict):
    asked, other, *_ = claims.claims(_found(correct))
    assert asked.rule == near(-0.8, 0.01) and other.rule == near(0.2, 0.01)
    np.testing.assert_allclose(asked.ours, [0.999 * correct, correct, 1.001 * correct])
    assert asked.verdict is other.verdict is verdict


def test_the_first_step_is_asked_of_sgd_alone():
    _, _, change, ratio, power = claims.claims(_found(-0.8))
    assert change.rule == above(0.0) and change.verdict is Verdict.AS_PUBLISHED
    # Alone, examples would change others by -1/4.
    assert ratio.published == -0.25 and ratio.estimate.value == pytest.approx(-0.25) and ratio.rule is None
    np.testing.assert_allclose(power.ours, 1.5)
    assert power.band == near(1.0) and power.verdict is Verdict.DIFFERS


def test_the_exponent_is_that_of_small_spreads_run_by_run():
    spread, powers = np.geomspace(0.01, 0.3, 5), np.array([0.9, 1.0, 1.1])
    dims = ("net", "init_scale", "seed")
    rows = {"spread": np.broadcast_to(spread[:, None], (1, 5, 3)), "deviation": (spread[:, None] ** powers)[None]}
    start = xr.Dataset({name: (dims, values) for name, values in rows.items()})
    np.testing.assert_allclose(early.exponents(start), powers)
    # What lies above one half is left out, and one spread alone has no slope.
    large = xr.Dataset({"spread": (dims, np.full((1, 5, 3), 0.6)), "deviation": (dims, np.full((1, 5, 3), 9.0))})
    np.testing.assert_allclose(early.exponents(xr.concat([start, large], "net")), powers)
    assert early.exponents(start.isel(init_scale=[0])).isnull().all()


def test_tables_have_a_row_for_every_network_and_scale():
    made = claims.tables(_found(-0.8))
    assert [len(table.rows) for table in made.values()] == [2, 4, 4]
    assert made["gradients"].rows[0][:4] == ("random labels, K = 5", "0.1", "-0.8", "0.2")
    assert made["departure"].rows[0][2:4] == ("1.00 [0.00, 1.00]", "never in 3 of 3")


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_sweeps_name_their_classes_and_optimizers(scale):
    parts = studies.find("early-training").sweeps(scale, 2)
    for name, part in parts.items():
        kind, classes, optimizer = name.split("_")
        assert part.experiment.task.num_outputs == int(classes)
        assert (kind == "modular") == isinstance(part.experiment.task, mj.tasks.ModularArithmetic)
        assert part.experiment.optimizer.name == optimizer and part.experiment.loss == "cross_entropy"
        # The first step is step 1 at every scale.
        assert part.experiment.snapshots[1] == part.experiment.record_every == 1
        assert np.diff(np.log(part.experiment.snapshots[11:])).max() < 0.6
        assert part.experiment.snapshots[0] == 0 and part.experiment.snapshots[-1] == part.experiment.steps


def _shrunk(scale, seeds):
    parts = studies.find("early-training").sweeps(scale, seeds)
    kept = {}
    for name in ("random_4_sgd", "power_17_sgd", "modular_13_sgd", "modular_13_adam"):
        spec = dataclasses.replace(parts[name].experiment, steps=30, snapshots=(0, 1, 5, 30))
        kept[name] = studies.Sweep(spec, {"init_scale": (0.1, 1.0), "seed": range(seeds)})
    return kept


def _measured(scale):
    return {
        name: part
        for name, part in studies.find("early-training").measured(scale).items()
        if part.of in _shrunk(scale, 1)
    }


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again):
    study = dataclasses.replace(studies.find("early-training"), sweeps=_shrunk, measured=_measured)
    folder, findings = studies.run(study, tmp_path / "out", seeds=3, progress=False)
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    gradients = [claim for claim in findings.claims if claim.what.startswith("mean gradient")]
    assert len(gradients) == 6 and all(claim.verdict is Verdict.AS_PUBLISHED for claim in gradients)
    found = mj.open(folder / "logits.nc")
    small = found.isel(init_scale=0, snapshot=0)
    np.testing.assert_allclose(small["correct"], -(1 - 1 / small["classes"]) * xr.ones_like(small["seed"]), rtol=1e-3)
    # Power-law labels are learned first of all, by the first step already.
    assert (found["marginal_correlation"].sel(net="power-law labels, K = 17, sgd", init_scale=0.1) > 0.99).all()
    made_again(folder, study)
