"""Sensitivity of the loss of every class to the inputs of every class: a linear network in closed form, a loop, refusals."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax import losses
from memjax.measures import class_sensitivity

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(700, 12)).astype(np.float32), RNG.integers(0, 5, 700)
SPEC = mj.Experiment(
    task=mj.tasks.from_arrays(X, Y),
    model=mj.models.MLP(hidden=()),
    optimizer=mj.optimizers.sgd(0.5),
    train_size=300,
    test_size=100,
    steps=40,
    record_every=20,
    snapshots=(40,),
    measures=("loss_sensitivity",),
)


@pytest.fixture(scope="module")
def linear():
    return mj.sweep(SPEC)


def softmax(outputs):
    odds = np.exp(outputs - outputs.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def means_by_class(each, y):
    """Means of values ``[N, C]`` over the rows of each class, by a loop."""
    return np.stack([each[y == label].mean(0) for label in range(5)], axis=1)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_linear_softmax_has_its_closed_form(linear, split):
    snapshot = next(mj.snapshots(linear))
    kernel, bias = (np.asarray(snapshot.params["layer_0"][name], float) for name in ("kernel", "bias"))
    x, y = getattr(snapshot, split)
    odds = softmax(x @ kernel + bias)
    exact = np.stack([np.abs((odds - np.eye(5)[label]) @ kernel.T).sum(1) for label in range(5)], axis=1)
    found = class_sensitivity(split)(snapshot)["class_sensitivity"]
    assert found.dims == ("loss_class", "example_class") and found["loss_class"].values.tolist() == list(range(5))
    # Measured: relative differences up to 4e-8.
    np.testing.assert_allclose(found, means_by_class(exact, y), rtol=2e-6)


def test_the_diagonal_holds_the_loss_sensitivity_of_the_examples_of_a_class(linear):
    found = mj.measure(linear, [class_sensitivity()]).class_sensitivity.isel(snapshot=0).values
    counts = np.bincount(next(mj.snapshots(linear)).train.y)
    # Measured: a relative difference of 1.1e-7.
    assert (np.diag(found) * counts).sum() / 300 == pytest.approx(float(linear.train_loss_sensitivity[-1]), rel=2e-6)


@pytest.mark.slow
def test_images_of_a_deep_network_and_another_loss_are_those_of_a_loop():
    task = mj.tasks.from_arrays(X[:40].reshape(40, 3, 4), Y[:40])
    spec = dataclasses.replace(
        SPEC, task=task, model=mj.models.MLP(hidden=(7,)), loss="one_hot_mse", train_size=40, test_size=0
    )
    snapshot = next(mj.snapshots(mj.sweep(spec)))
    loss = losses.get("one_hot_mse")
    slope = jax.jit(jax.grad(lambda row, label: loss(snapshot.outputs(row[None]), label[None])[0]))
    each = [[np.abs(slope(row, jnp.int32(label))).sum() for label in range(5)] for row in snapshot.train.x]
    found = class_sensitivity()(snapshot)["class_sensitivity"]
    # Measured: relative differences up to 1.2e-7.
    np.testing.assert_allclose(found, means_by_class(np.array(each), snapshot.train.y), rtol=2e-6)


def test_a_class_without_examples_is_not_known(linear):
    snapshot = next(mj.snapshots(linear))
    some = snapshot.train.y != 3
    fewer = dataclasses.replace(snapshot, train=type(snapshot.train)(snapshot.train.x[some], snapshot.train.y[some]))
    found, whole = (class_sensitivity()(one)["class_sensitivity"].values for one in (fewer, snapshot))
    assert np.isnan(found[:, 3]).all()
    # The other columns are of the same examples, in other tiles. Measured: no difference.
    np.testing.assert_allclose(np.delete(found, 3, 1), np.delete(whole, 3, 1), rtol=2e-6)
    empty = dataclasses.replace(snapshot, train=type(snapshot.train)(snapshot.train.x[:0], snapshot.train.y[:0]))
    assert np.isnan(class_sensitivity()(empty)["class_sensitivity"]).all()


def test_what_has_no_sensitivity_by_class_is_refused(linear):
    with pytest.raises(mj.InputError, match="split is 'data': use train or test"):
        class_sensitivity("data")
    snapshot = next(mj.snapshots(linear))
    x, y = snapshot.train
    tokens = dataclasses.replace(snapshot, train=type(snapshot.train)(x.astype(np.int32), y))
    with pytest.raises(mj.InputError, match="the inputs are int32, the targets are int"):
        class_sensitivity()(tokens)
    values = dataclasses.replace(snapshot, train=type(snapshot.train)(x, x[:, :5]))
    with pytest.raises(mj.InputError, match="the targets are float32, and the task has 5 outputs"):
        class_sensitivity()(values)
