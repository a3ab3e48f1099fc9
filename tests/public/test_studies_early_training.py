import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.studies import _early_training_logits as early
from memjax.studies import _early_training_tables as tables

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
    return found.assign(classes=5.0, other=-found["correct"] / 4)


def test_departures_are_steps_and_may_never_come():
    found = early.departure_steps(_net([-0.8, -0.8, -0.76, -0.72]))
    # 10% of 0.8 is gone at step 100, and at step 10 for the seed that loses twice as much.
    np.testing.assert_allclose(found["departed"], [100.0, 10.0])
    # 0.1 lies 8/9 of the way from 0.5 at step 1 to 0.05 at step 10.
    np.testing.assert_allclose(found["marginal_learned"], 9.0)
    never = early.departure_steps(_net([-0.8, -0.8, -0.79, -0.79], marginal=(1.0, 0.9, 0.8, 0.7)))
    assert np.isposinf(never["departed"]).all() and np.isposinf(never["marginal_learned"]).all()


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


def test_a_gradient_that_is_off_is_not_as_claimed():
    one = _net([-0.8, -0.8, -0.8, -0.8]).assign_coords(task="random labels, K = 5", classes=5)
    assert [row[3][:10] for row in tables._gradient_rows(one)] == ["as claimed"] * 2
    off = one.assign(correct=one["correct"] * 1.02, other=one["other"] * xr.DataArray([1.0, 1.02], dims="seed"))
    assert [row[3].split(" (")[0] for row in tables._gradient_rows(off)] == ["differs", "not in every run"]


def _stepped(ratios):
    """A net of SGD whose first step changes others by these ratios of the correct logit."""
    count = len(ratios)
    rows = {"correct_change": ("seed", np.linspace(0.9, 1.1, count)), "ratio": ("seed", np.array(ratios))}
    return xr.Dataset(rows).assign_coords(task="random labels, K = 5", classes=5, optimizer="sgd")


def test_one_seed_and_a_wide_interval_are_no_agreement():
    def verdicts(ratios):
        return [row[3] for row in tables._step_rows(_stepped(ratios))]

    # Alone, examples would change others by -1/4.
    assert verdicts([-0.26, -0.25, -0.24]) == ["as claimed", "as claimed"]
    assert verdicts([-0.76, -0.25, 0.26])[1] == "not told apart"
    assert verdicts([-0.36, -0.35, -0.34])[1] == "differs"
    assert verdicts([-0.25]) == ["no interval", "no interval"]


@pytest.mark.parametrize(
    ("slopes", "verdict"),
    [([1.0, 1.001, 0.999], "as claimed"), ([0.9, 1.0, 1.1], "not told apart"), ([1.1, 1.1, 1.1], "differs"),
     ([1.0], "no interval")],
)  # fmt: skip
def test_the_exponent_of_the_deviation_must_be_known_within_its_bounds(slopes, verdict):
    spread = np.geomspace(0.01, 0.3, 5)
    found = xr.Dataset(
        {
            "spread": (
                ("net", "init_scale", "seed", "snapshot"),
                np.tile(spread[:, None, None], (1, 1, len(slopes), 1)),
            ),
            "deviation": (
                ("net", "init_scale", "seed", "snapshot"),
                (spread[:, None] ** np.array(slopes))[None, ..., None],
            ),
        }
    ).assign_coords(optimizer=("net", ["sgd"]))
    assert tables._spread_row(found)[3] == f"{verdict} (within 2%)"


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


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path):
    study = dataclasses.replace(studies.find("early-training"), sweeps=_shrunk)
    folder, findings = studies.run(study, tmp_path / "out", seeds=3, progress=False)
    assert set(findings.figures) == set(findings.captions)
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    claims = findings.tables["published"].rows
    assert all(row[3].startswith("as claimed") for row in claims if row[0].startswith("before the first step"))
    found = findings.datasets["logits"]
    small = found.isel(init_scale=0, snapshot=0)
    np.testing.assert_allclose(small["correct"], -(1 - 1 / small["classes"]) * xr.ones_like(small["seed"]), rtol=1e-3)
    # Power-law labels are learned first of all, by the first step already.
    assert (found["marginal_correlation"].sel(net="power-law labels, K = 17, sgd", init_scale=0.1) > 0.99).all()
