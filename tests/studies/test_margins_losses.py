"""The study margins, its losses: settings chosen on seeds apart, changed inputs in closed form, claims, figures, tables."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax.studies.margins import figures, loss_claims, losses, signatures, tables


def _trained(by, other):
    """Runs of a loss: a setting's tuning accuracy is ``by``, and all its other seeds have ``other`` instead."""
    sizes = {"seed": 5, "condition": 3}
    labels = {"learning_rate": [0.1, 0.2], "seed": np.arange(sizes["seed"])}
    values = np.where(np.arange(5) >= 2, np.asarray(by)[..., None], np.asarray(other)[..., None])
    dims = ("l2", "learning_rate", losses.CONDITION, "seed", "step")
    accuracy = (dims, np.stack([np.zeros_like(values), values], -1))
    conditions = {"label_noise": (losses.CONDITION, [0.0, 0.5, 0.0]), "train_size": (losses.CONDITION, [40, 40, 10])}
    return xr.Dataset(
        {"train_accuracy": accuracy, "test_accuracy": accuracy}, labels | {"l2": [0.0, 1.0], **conditions}
    )


def test_settings_are_chosen_on_tuning_seeds_for_every_condition():
    tuned = [[[0.1, 0.5, 0.5], [0.2, 0.4, 0.6]], [[0.3, 0.4, 0.5], [0.2, 0.9, 0.5]]]
    kept = [[[0.5, 0.6, 0.7], [0.55, 0.65, 0.75]], [[0.1, 0.2, 0.3], [0.15, 0.25, 0.35]]]
    found = losses.chosen(_trained(tuned, kept), "cross-entropy with decay")
    assert found["l2"].values.tolist() == [1.0, 1.0, 0.0] and found["learning_rate"].values.tolist() == [0.1, 0.2, 0.2]
    np.testing.assert_allclose(
        found["test_accuracy"].transpose("condition", "seed"), np.array([[0.1, 0.25, 0.75]] * 2).T
    )
    plain = losses.chosen(_trained(tuned, kept), "cross-entropy")
    assert "l2" not in plain and plain["learning_rate"].values.tolist() == [0.2, 0.1, 0.2]
    assert plain["seed"].values.tolist() == [0, 1]


def test_changed_inputs_are_those_of_the_networks_that_are_chosen_without_a_change():
    tuned = [[[0.1, 0.5, 0.5], [0.2, 0.4, 0.6]], [[0.3, 0.4, 0.5], [0.4, 0.9, 0.5]]]
    runs = {"cross_entropy": _trained(tuned, tuned)}
    runs["large_margin"] = runs["cross_entropy"].rename(l2="gamma")
    where = {name: runs["cross_entropy"][name] for name in ("l2", "learning_rate", "seed")}
    # 100 for the decay or gamma, 10 or 20 for the rate, and the seed.
    coded = 100 * where["l2"] + 100 * where["learning_rate"] + where["seed"]
    made = xr.Dataset(
        {name: coded.expand_dims({f"{name}_size": list(sizes)}) for name, sizes in losses.CHANGES.items()}
    )
    changed = {"cross_entropy_changed": made, "large_margin_changed": made.rename(l2="gamma")}
    found = losses.compared(runs | changed)
    wanted = {"cross-entropy": 20, "cross-entropy with decay": 120, "large margin": 120}
    for way, level in wanted.items():
        assert found[way]["fgsm"].isel(fgsm_size=3).values.tolist() == [level, level + 1], way
        assert found[way].sizes["condition"] == 3


def test_steps_along_signs_have_the_closed_form_of_a_linear_network():
    spec = mj.Experiment(
        task=mj.tasks.Images("digits", classes=(3, 8)), train_size=30, test_size=60, steps=40, record_every=40,
        model=mj.models.MLP(hidden=(5, 4), activation=_same), optimizer=mj.optimizers.adam(0.02), measures=("accuracy",),
        snapshots=(40,),
    )  # fmt: skip
    (one,) = mj.snapshots(mj.sweep(spec, progress=False))
    found = losses._of_network(one)
    kernels = [np.asarray(one.params[f"layer_{i}"]["kernel"], float) for i in range(3)]
    weights = kernels[0] @ kernels[1] @ kernels[2]
    x, y = one.test
    slopes = losses._slopes(one.model, one.params, x, y).reshape(len(x), -1)
    # float32: differences up to 6e-7 were seen.
    np.testing.assert_allclose(slopes, (weights[:, y] - weights[:, 1 - y]).T, atol=1e-5)
    outputs, rows = np.asarray(one.outputs(x), float), np.arange(len(y))
    gaps, lengths = outputs[rows, y] - outputs[rows, 1 - y], np.abs(weights[:, 1] - weights[:, 0]).sum()
    wanted = [(gaps > size * lengths).mean() for size in losses.CHANGES["fgsm"]]
    np.testing.assert_allclose(found["fgsm"], wanted, atol=1e-9)
    assert 0 < wanted[2] < wanted[0]
    noise = np.random.default_rng([11, one.experiment.data_key]).standard_normal(x.shape).astype(np.float32)
    moved = np.asarray(one.outputs(x + np.float32(0.3) * noise)).argmax(-1)
    assert float(found["gaussian"][3]) == pytest.approx((moved == y).mean())


def _same(h):
    return h


def _way(accuracy, margin):
    """Accuracies by condition (plain, two noisy, two small), the same for three seeds up to a spread."""
    spread = np.array([-0.001, 0.0, 0.001])
    labels = {
        "label_noise": ("condition", [0.0, 0.2, 0.4, 0.0, 0.0]),
        "train_size": ("condition", [40, 40, 40, 10, 20]),
    }
    changed = {
        name: (("seed", f"{name}_size"), 1 - accuracy[0] * np.arange(6) / 10 + spread[:, None])
        for name in losses.CHANGES
    }
    layers = {
        "layer": list(signatures.LAYERS),
        **{f"{name}_size": list(sizes) for name, sizes in losses.CHANGES.items()},
    }
    return xr.Dataset(
        {
            **{
                f"{split}_accuracy": (("condition", "seed"), np.asarray(accuracy)[:, None] + spread)
                for split in ("train", "test")
            },
            "margin": (("seed", "layer"), np.full((3, 3), margin)),
            "learning_rate": ("condition", np.full(5, 0.01)),
            **changed,
        },
        labels | layers,
    )


def _ways():
    better = _way([0.8, 0.7, 0.6, 0.3, 0.4], 3.0)
    return {
        "cross-entropy": _way([0.9, 0.5, 0.3, 0.5, 0.6], 2.0),
        "cross-entropy with decay": better,
        "large margin": better,
    }


def test_claims_on_losses_are_differences_of_means_over_conditions():
    made = {claim.what: claim for claim in loss_claims.loss_claims(_ways())}
    less = "test accuracy, {}: large margin less {}"
    wanted = {
        ("mean over levels of label noise", "cross-entropy"): (25.0, "as published"),
        ("mean over small train sets", "cross-entropy"): (-20.0, "differs"),
        ("mean over lengths of adversarial steps", "cross-entropy"): (3.0, "as published"),
        ("mean over sizes of Gaussian noise on the inputs", "cross-entropy"): (3.0, "not asked"),
        ("all train examples, true labels", "cross-entropy"): (-10.0, "not asked"),
        ("mean over levels of label noise", "cross-entropy with decay"): (0.0, "not asked"),
    }
    for words, (value, verdict) in wanted.items():
        claim = made[less.format(*words)]
        assert (claim.estimate.value, claim.verdict.value) == (pytest.approx(value), verdict), words
    ratio = made["median normalised margin of the train images at the input, large margin over cross-entropy"]
    assert ratio.estimate.value == pytest.approx(1.5) and len(made) == 12


def test_figures_and_tables_show_every_way():
    ways = _ways()
    left, right, less, _ = figures.losses(ways).axes
    assert left.lines[0].get_ydata() == pytest.approx([0.9, 0.5, 0.3])
    assert (right.lines[0].get_xdata().tolist(), right.lines[0].get_ydata()) == (
        [10, 20, 40],
        pytest.approx([0.5, 0.6, 0.9]),
    )
    assert less.lines[1].get_ydata() == pytest.approx([-0.1, 0.2, 0.3])
    assert figures.changes(ways).axes[1].lines[0].get_xdata() == pytest.approx(losses.CHANGES["fgsm"])
    assert tables.losses(ways).rows[3][:3] == ("0", "10", "50.00 [49.75, 50.25]%")
    assert tables.chosen(ways).columns[2:4] == ("cross-entropy: rate", "cross-entropy with decay: rate")
    assert tables.chosen(ways).rows[0][2::3] == ("0.01", "90.00 [89.75, 90.25]%")
    assert tables.changes(ways).rows[7][:3] == ("adversarial step", "0.02", "91.00 [90.75, 91.25]%")
