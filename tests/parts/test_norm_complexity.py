"""Norms of weights: diagonal layers in closed form, paths one by one, rescaled layers, margins that are not positive."""

import dataclasses

import jax
import numpy as np
import pytest

import memjax as mj
from memjax.measures import norm_complexity

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 5)).astype(np.float32), RNG.integers(0, 3, 60)
OVER = ("inverse_margin", "log_spectral_over_margin", "log_frobenius_over_margin", "path_norm_over_margin")


def network(hidden, seed=0, x=X, y=Y, **fields):
    """A snapshot of an untrained network with all examples in its train set."""
    model = mj.models.MLP(hidden=hidden, **fields)
    spec = mj.Experiment(task=mj.tasks.from_arrays(x, y), model=model, train_size=len(x), test_size=0)
    bare = mj.Snapshot({}, 0, spec, {}, mj.types.Data(x, y), mj.types.Data(x[:0], y[:0]))
    return dataclasses.replace(bare, params=jax.device_get(bare.model.init(jax.random.key(seed), x[:1])))


def taken(snapshot, **settings):
    return {name: float(value) for name, value in norm_complexity(**settings)(snapshot).items()}


def with_layers(snapshot, **layers):
    changed = {name: {part: np.float32(array) for part, array in layer.items()} for name, layer in layers.items()}
    return dataclasses.replace(snapshot, params={**snapshot.params, **changed})


def test_a_diagonal_linear_network_has_its_closed_form():
    x, y = 2 * np.eye(3, dtype=np.float32), np.arange(3)
    snapshot = with_layers(network((), x=x, y=y, bias=False), layer_0={"kernel": np.diag([4.0, 2.0, 1.0])})
    start = np.asarray(snapshot.initial["layer_0"]["kernel"], float)
    moved = np.diag([4.0, 2.0, 1.0]) - start
    exact = {
        "squared_norm": 21,
        "squared_distance": np.square(moved).sum(),
        "spectral_distance": np.linalg.eigvalsh(moved.T @ moved).max(),
        "log_spectral": np.log(16),
        "log_frobenius": np.log(21),
        "frobenius_over_spectral": 21 / 16,
        "path_norm": 16**2 / 16 + 4 + 1,
        # The margins are 8, 4 and 2, and the lowest decile is a fifth of the way from the first to the second.
        "output_margin": 2.4,
        "inverse_margin": 1 / 2.4**2,
        "log_spectral_over_margin": np.log(16 / 2.4**2),
        "log_frobenius_over_margin": np.log(21 / 2.4**2),
        "path_norm_over_margin": 273 / 13 / 2.4**2,
    }
    assert taken(snapshot) == pytest.approx(exact, rel=1e-6)


def test_the_path_norm_sums_the_squares_of_all_paths():
    snapshot = network((7,), bias=False)
    first, second = (np.asarray(snapshot.params[f"layer_{i}"]["kernel"], float) for i in range(2))
    paths = [(first[i, j] * second[j, k]) ** 2 for i in range(5) for j in range(7) for k in range(3)]
    assert taken(snapshot)["path_norm"] == pytest.approx(sum(paths), rel=1e-12)


def test_it_is_the_output_of_the_network_with_squared_parameters():
    snapshot = network((7, 4))
    squared = dataclasses.replace(snapshot, params=jax.tree.map(np.square, snapshot.params))
    exact = float(np.asarray(squared.outputs(np.ones((1, 5), np.float32))).sum())
    # Measured: a relative difference of 1e-8.
    assert taken(snapshot)["path_norm"] == pytest.approx(exact, rel=1e-6)


def test_rescaled_layers_change_the_squared_norm_alone():
    snapshot = network((7, 4))
    params, half = snapshot.params, {"layer_0": {}, "layer_1": {}}
    half["layer_0"] = {name: 8 * leaf for name, leaf in params["layer_0"].items()}
    half["layer_1"] = {**params["layer_1"], "kernel": params["layer_1"]["kernel"] / 8}
    before, after = taken(snapshot), taken(with_layers(snapshot, **half))
    same = ("path_norm", "log_spectral", "log_frobenius", "frobenius_over_spectral", "output_margin")
    assert [after[name] for name in same] == pytest.approx([before[name] for name in same], rel=1e-9)
    assert after["squared_norm"] > 2 * before["squared_norm"]


def test_a_margin_that_is_not_positive_has_no_square():
    snapshot = network((7,))
    found = taken(snapshot)
    assert found["output_margin"] < 0 and np.isnan([found[name] for name in OVER]).all()
    outputs = np.asarray(snapshot.outputs(X), float)
    own = np.eye(3, dtype=bool)[Y]
    margins = outputs[own] - np.where(own, -np.inf, outputs).max(1)
    assert found["output_margin"] == pytest.approx(np.quantile(margins, 0.1), rel=1e-6)
    right = dataclasses.replace(snapshot, train=mj.types.Data(X, outputs.argmax(1)))
    assert np.isfinite([taken(right)[name] for name in OVER]).all()


def test_a_larger_margin_makes_all_four_smaller():
    snapshot = network((7,))
    right = dataclasses.replace(snapshot, train=mj.types.Data(X, np.asarray(snapshot.outputs(X)).argmax(1)))
    low, high = taken(right, quantile=0.1), taken(right, quantile=0.5)
    assert high["output_margin"] > low["output_margin"] > 0 and all(high[name] < low[name] for name in OVER)


def test_what_has_no_norm_is_not_known():
    snapshot = network((7,))
    diverged = dataclasses.replace(snapshot, params=jax.tree.map(lambda leaf: leaf * np.nan, snapshot.params))
    assert np.isnan(list(taken(diverged).values())).all()
    zero = taken(with_layers(snapshot, layer_1={"kernel": np.zeros((7, 3)), "bias": np.zeros(3)}))
    assert zero["log_spectral"] == -np.inf and np.isnan(zero["frobenius_over_spectral"]) and zero["path_norm"] == 0
    assert zero["output_margin"] == 0 and np.isnan([zero[name] for name in OVER]).all()


def test_the_initial_parameters_are_those_of_the_first_snapshot_or_the_start():
    task = mj.tasks.from_arrays(X, Y)
    spec = mj.Experiment(
        task=task, model=mj.models.MLP(hidden=(7,)), train_size=40, test_size=20, steps=10, snapshots=(0, 10)
    )
    first, last = mj.snapshots(mj.sweep(spec))
    for now, then in zip(jax.tree.leaves(last.initial), jax.tree.leaves(first.params), strict=True):
        np.testing.assert_array_equal(now, then)
    assert taken(first)["squared_distance"] == 0 < taken(last)["squared_distance"]
    further = dataclasses.replace(last, experiment=dataclasses.replace(spec, start=last.start))
    assert taken(further)["squared_distance"] == 0


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(mj.InputError, match="quantile is 2"):
        norm_complexity(2)
    snapshot = network((7,))
    with pytest.raises(mj.InputError, match="the targets are float32"):
        norm_complexity()(dataclasses.replace(snapshot, train=mj.types.Data(X, X[:, :3])))
    with pytest.raises(mj.InputError, match="this model has others"):
        norm_complexity()(dataclasses.replace(snapshot, params={"tied": {"kernel": X}}))
