"""Margins at every layer: linear networks in closed form, a loop by hand, rescaled layers, what is not known, refusals."""

import dataclasses

import jax
import numpy as np
import pytest

import memjax as mj
from memjax.measures import margins

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(420, 9)).astype(np.float32), RNG.integers(0, 4, 420)
TASK = mj.tasks.from_arrays(X, Y)


def network(hidden, seed=0, task=TASK, x=X, y=Y, **fields):
    """A snapshot of an untrained network with 300 train and 120 test examples, of which the first are in no whole tile."""
    spec = mj.Experiment(task=task, model=mj.models.MLP(hidden=hidden, **fields), train_size=300, test_size=120)
    data = mj.types.Data(x[:300], y[:300]), mj.types.Data(x[300:], y[300:])
    bare = mj.Snapshot({}, 0, spec, {}, *data)
    params = jax.device_get(bare.model.init(jax.random.key(seed), x[:1]))
    return dataclasses.replace(bare, params=params)


def naive(snapshot, split, normalize):
    """Margins ``[layer, example]`` of a ReLU network by an example-by-example backward pass in float64."""
    layers = [snapshot.params[f"layer_{i}"] for i in range(len(snapshot.params))]
    kernels = [np.asarray(one["kernel"], float) for one in layers]
    biases = [np.asarray(one["bias"], float) for one in layers]

    def forward(row):
        held = [row.astype(float).ravel()]
        for depth, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            out = held[-1] @ kernel + bias
            held.append(out if depth == len(kernels) - 1 else np.maximum(out, 0))
        return held

    found = []
    for row, label in zip(*getattr(snapshot, split), strict=True):
        *held, outputs = forward(row)
        other = max((j for j in range(len(outputs)) if j != label), key=lambda j: outputs[j])
        slope, column = np.eye(len(outputs))[label] - np.eye(len(outputs))[other], []
        for depth in reversed(range(len(kernels))):
            slope = kernels[depth] @ slope
            column.append((outputs[label] - outputs[other]) / (np.linalg.norm(slope) or np.nan))
            slope = slope * (held[depth] > 0)
        found.append(column[::-1])
    held = [forward(row)[:-1] for row in snapshot.train.x]
    spread = [np.sqrt(np.var(rows, axis=0).sum()) for rows in zip(*held, strict=True)]
    return np.array(found).T / (np.array(spread)[:, None] if normalize else 1)


def test_a_linear_network_has_its_exact_distance():
    snapshot = network(())
    kernel, bias = (np.asarray(snapshot.params["layer_0"][name], float) for name in ("kernel", "bias"))
    outputs = X[:300] @ kernel + bias
    rest = np.where(np.eye(4, dtype=bool)[Y[:300]], -np.inf, outputs).argmax(1)
    each = np.arange(300)
    length = np.linalg.norm(kernel[:, Y[:300]] - kernel[:, rest], axis=0)
    found = margins(normalize=False)(snapshot)["margin"]
    assert found.dims == ("layer", "example") and found.layer.values.tolist() == ["input"]
    # Measured: differences up to 5e-7 between margins of up to 3.5.
    np.testing.assert_allclose(found[0], (outputs[each, Y[:300]] - outputs[each, rest]) / length, atol=5e-6)


@pytest.mark.parametrize(("split", "normalize"), [("train", True), ("test", True), ("train", False)])
def test_every_layer_of_a_deep_network_is_that_of_a_loop(split, normalize):
    snapshot = network((7, 5), seed=3)
    found = margins(split, normalize=normalize)(snapshot)["margin"]
    assert found.layer.values.tolist() == ["input", "layer_0", "layer_1"]
    # Measured: differences up to 6e-6 between margins of up to 138, which are NaN where every unit of a layer is off.
    np.testing.assert_allclose(found, naive(snapshot, split, normalize), atol=5e-5)


def test_rescaled_layers_change_nothing_but_plain_margins_of_the_layer():
    snapshot = network((7, 5), seed=3)
    factor, params = 8.0, {name: dict(layer) for name, layer in snapshot.params.items()}
    params["layer_0"] = {name: leaf * np.float32(factor) for name, leaf in params["layer_0"].items()}
    params["layer_1"]["kernel"] = params["layer_1"]["kernel"] / np.float32(factor)
    rescaled = dataclasses.replace(snapshot, params=params)
    # Measured: no difference, for a power of two rounds nothing.
    np.testing.assert_allclose(margins()(rescaled)["margin"], margins()(snapshot)["margin"], rtol=1e-6)
    plain, other = (margins(normalize=False)(one)["margin"] for one in (snapshot, rescaled))
    np.testing.assert_allclose(other, plain * np.array([1, factor, 1])[:, None], rtol=1e-6)


def test_named_layers_come_in_their_order_and_images_are_flat():
    images = X.reshape(420, 3, 3)
    snapshot = network((7, 5), task=mj.tasks.from_arrays(images, Y), x=images)
    found = margins(layers=("layer_1", "input"))(snapshot)["margin"]
    whole = margins()(network((7, 5)))["margin"]
    np.testing.assert_array_equal(found, whole.sel(layer=["layer_1", "input"]))


def test_what_has_no_margin_is_not_known():
    snapshot = network((7, 5))
    dead = {**snapshot.params, "layer_1": {**snapshot.params["layer_1"], "bias": np.full(5, -99, np.float32)}}
    found = margins()(dataclasses.replace(snapshot, params=dead))["margin"]
    assert np.isnan(found.sel(layer=["input", "layer_0"])).all(), "nothing of these layers reaches the outputs"
    assert np.isnan(found.sel(layer="layer_1")).all(), "the layer does not vary"
    plain = margins(normalize=False)(dataclasses.replace(snapshot, params=dead))["margin"]
    assert np.isfinite(plain.sel(layer="layer_1")).all() and np.isnan(plain.sel(layer="layer_0")).all()
    broken = {
        **snapshot.params,
        "layer_2": {**snapshot.params["layer_2"], "bias": np.array([np.inf, 0, 0, 0], np.float32)},
    }
    assert np.isnan(margins()(dataclasses.replace(snapshot, params=broken))["margin"]).all()
    empty = dataclasses.replace(snapshot, test=mj.types.Data(X[:0], Y[:0]))
    assert margins("test")(empty)["margin"].shape == (3, 0)


def test_tiny_and_huge_gradients_have_a_length():
    snapshot = network(())
    for factor in (1e-30, 1e30):
        kernel = {"layer_0": {name: leaf * np.float32(factor) for name, leaf in snapshot.params["layer_0"].items()}}
        scaled = margins()(dataclasses.replace(snapshot, params=kernel))["margin"]
        # Measured: differences up to 2.4e-7.
        np.testing.assert_allclose(scaled, margins()(snapshot)["margin"], atol=3e-6)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(mj.InputError, match="split is 'data': use train or test"):
        margins("data")
    for layers in ("input", (), (1,)):
        with pytest.raises(mj.InputError, match="give a tuple of names"):
            margins(layers=layers)
    snapshot = network((7,))
    with pytest.raises(mj.InputError, match="no layer 'layer_1': use input or layer_0"):
        margins(layers=("layer_1",))(snapshot)
    whole = dataclasses.replace(snapshot, train=mj.types.Data(X.astype(np.int32), Y))
    with pytest.raises(mj.InputError, match="these are int32"):
        margins()(whole)
    assert np.isfinite(margins(layers=("layer_0",))(whole)["margin"]).any()
    values = dataclasses.replace(snapshot, train=mj.types.Data(X, X[:, :4]))
    with pytest.raises(mj.InputError, match="the targets are float32"):
        margins()(values)
    other = dataclasses.replace(snapshot.experiment, model=mj.models.ConvNet(channels=(2,)))
    with pytest.raises(mj.InputError, match="add hidden_activations"):
        margins()(dataclasses.replace(snapshot, experiment=other))


@pytest.mark.slow
def test_a_model_without_the_method_has_margins_at_its_input():
    images = X.reshape(420, 3, 3)
    spec = mj.Experiment(
        task=mj.tasks.from_arrays(images, Y),
        model=mj.models.ConvNet(channels=(2,)),
        train_size=50,
        steps=10,
        snapshots=(10,),
    )
    found = mj.measure(mj.sweep(spec), [margins(layers=("input",))]).margin
    assert found.sizes == {"snapshot": 1, "layer": 1, "example": 50} and np.isfinite(found).any()
