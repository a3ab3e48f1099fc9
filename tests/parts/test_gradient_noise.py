"""Variance of gradients and entropy of predictions: a linear softmax in closed form, parts, limits."""

import dataclasses

import jax
import numpy as np
import pytest

import memjax as mj
from memjax.measures import gradient_noise
from memjax.measures.on_snapshots import gradient_noise as file

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 5)).astype(np.float32), RNG.integers(0, 3, 60)


def network(hidden, seed=0, x=X, y=Y, **fields):
    """A snapshot of an untrained network with all examples in its train set."""
    model = mj.models.MLP(hidden=hidden, **fields)
    spec = mj.Experiment(task=mj.tasks.from_arrays(x, y), model=model, train_size=len(x), test_size=0)
    bare = mj.Snapshot({}, 0, spec, {}, mj.types.Data(x, y), mj.types.Data(x[:0], y[:0]))
    return dataclasses.replace(bare, params=jax.device_get(bare.model.init(jax.random.key(seed), x[:1])))


def taken(snapshot, split="train"):
    return {name: float(value) for name, value in gradient_noise(split)(snapshot).items()}


def softmax(outputs):
    odds = np.exp(outputs - outputs.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def closed_form(snapshot):
    """Variance and squared mean of the gradients x (p - e_y), with an input of 1 for the bias, in float64."""
    kernel, bias = (np.asarray(snapshot.params["layer_0"][name], float) for name in ("kernel", "bias"))
    slopes = softmax(X @ kernel + bias) - np.eye(3)[Y]
    each = np.einsum("ni,nc->nic", np.hstack([X, np.ones((60, 1))]), slopes).reshape(60, -1)
    return each.var(0).sum(), np.square(each.mean(0)).sum()


@pytest.mark.parametrize("held", [1, 200, 2**22])
def test_a_linear_softmax_has_its_closed_form_in_any_parts(held, monkeypatch):
    monkeypatch.setattr(file, "_HELD", held)
    snapshot = network(())
    # Measured: relative differences up to 3e-8.
    assert tuple(taken(snapshot).values()) == pytest.approx(closed_form(snapshot), rel=1e-6)


def test_equal_examples_have_no_noise():
    same = dataclasses.replace(network((6,)), train=mj.types.Data(X[:1].repeat(9, 0), Y[:1].repeat(9)))
    found = taken(same)
    assert found["gradient_variance"] <= 1e-12 * found["squared_gradient"]


def test_what_has_no_gradient_is_not_known():
    snapshot = network((6,))
    assert np.isnan(list(taken(snapshot, "test").values())).all(), "there are no test examples"
    diverged = dataclasses.replace(snapshot, params=jax.tree.map(lambda leaf: leaf * np.inf, snapshot.params))
    assert np.isnan(list(taken(diverged).values())).all()
    with pytest.raises(mj.InputError, match="split is 'data'"):
        gradient_noise("data")


def test_the_entropy_is_that_of_the_softmax():
    task = mj.tasks.from_arrays(X, Y)
    spec = mj.Experiment(
        task=task,
        model=mj.models.MLP(hidden=()),
        train_size=40,
        test_size=20,
        steps=10,
        measures=("prediction_entropy",),
        snapshots=(0,),
    )
    ds = mj.sweep(spec)
    odds = softmax(np.asarray(next(mj.snapshots(ds)).outputs(next(mj.snapshots(ds)).test.x), float))
    assert float(ds.test_prediction_entropy[0]) == pytest.approx(-(odds * np.log(odds)).sum(1).mean(), rel=1e-6)
    entropy = mj.measures.prediction_entropy.function
    tile = mj.examples.Tile(X[:2], Y[:2], np.ones(2, bool))
    sure, undecided = entropy(None, lambda params, x: np.float32([[200, 0, -200], [7, 7, 7]]), tile)
    assert float(sure) == 0 and float(undecided) == pytest.approx(np.log(3), rel=1e-6)
