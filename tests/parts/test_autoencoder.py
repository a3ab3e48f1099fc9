"""Sparse features and the tied autoencoder: laws, the naive forward pass, sums by hand, and the sentences."""

import re

import jax
import numpy as np
import pytest

import memjax as mj
from memjax.models import Autoencoder
from memjax.tasks import SparseFeatures


def test_features_are_there_with_their_probability_and_uniform():
    """5 standard errors of the closed forms; the largest measured is 1.3."""
    task = SparseFeatures(num_features=50, sparsity=0.8, normalize=False)
    x = task.draw(seed=1, train_size=4000, test_size=1).train.x.astype(float)
    there, values = x > 0, x[x > 0]
    assert abs(there.mean() - 0.2) < 5 * np.sqrt(0.2 * 0.8 / x.size)
    assert abs(values.mean() - 0.5) < 5 * np.sqrt(1 / 12 / values.size)
    assert abs((values**2).mean() - 1 / 3) < 5 * np.sqrt(4 / 45 / values.size)
    # Features come by themselves: counts per example are binomial, and no feature comes more often.
    assert abs(there.sum(1).var() - 50 * 0.16) < 5 * 8 * np.sqrt(2 / 4000)
    assert np.abs(there.mean(0) - 0.2).max() < 5 * np.sqrt(0.16 / 4000)


def test_normalised_examples_are_the_raw_ones_on_the_unit_sphere():
    raw, unit = (SparseFeatures(6, 0.7, normalize).draw(2, 300, 10).train for normalize in (False, True))
    norms = np.linalg.norm(raw.x.astype(float), axis=1)
    empty = norms == 0
    assert 10 < empty.sum() < 80  # Of 300, 0.7 ** 6 = 0.118 each.
    np.testing.assert_allclose(unit.x[~empty], raw.x[~empty] / norms[~empty, None], rtol=2e-7)
    assert not unit.x[empty].any()
    np.testing.assert_array_equal(unit.x, unit.y)


@pytest.mark.parametrize("normalize", [True, False])
def test_draws_are_nested_and_splits_apart(normalize):
    task = SparseFeatures(20, 0.5, normalize)
    large, small = task.draw(5, 70, 40), task.draw(5, 30, 11)
    np.testing.assert_array_equal(small.train.x, large.train.x[:30])
    np.testing.assert_array_equal(small.test.x, large.test.x[:11])
    assert not np.isin(large.train.x[large.train.x > 0], large.test.x).any() or normalize
    assert (task.draw(6, 30, 11).train.x != small.train.x).any()


def test_without_sparsity_every_feature_is_there():
    assert SparseFeatures(30, 0.0).draw(0, 50, 1).train.x.all()


def test_the_autoencoder_is_the_naive_forward_pass():
    model, x = Autoencoder(hidden=3, outputs=8), np.random.default_rng(0).random((5, 8), np.float32)
    params = {"tied": {name: np.random.default_rng(1).normal(size=s).astype(np.float32) for name, s in SHAPES.items()}}
    w, b = params["tied"]["kernel"].astype(float), params["tied"]["bias"].astype(float)
    # Float32 against float64: measured 3e-7 of outputs of 8.
    np.testing.assert_allclose(model.hidden_activations(params, x)["hidden"], x @ w, rtol=0, atol=1e-6)
    np.testing.assert_allclose(model.apply(params, x), np.maximum(x @ w @ w.T + b, 0), rtol=0, atol=3e-6)
    linear = Autoencoder(hidden=3, activation="identity", bias=False, outputs=8)
    tied = {"tied": {"kernel": params["tied"]["kernel"]}}
    np.testing.assert_allclose(linear.apply(tied, x), x @ w @ w.T, rtol=0, atol=3e-6)


SHAPES = {"kernel": (8, 3), "bias": (8,)}


def test_the_gradient_flows_through_both_uses_of_the_kernel():
    model, x = Autoencoder(hidden=2, outputs=6), np.random.default_rng(3).random((4, 6), np.float32)
    with jax.enable_x64(True):
        params = jax.tree.map(lambda leaf: np.asarray(leaf, float), model.init(jax.random.key(0), x.astype(float)))

        @jax.jit
        def loss(kernel):
            tied = {"tied": {"kernel": kernel, "bias": params["tied"]["bias"]}}
            return mj.losses.sse(model.apply(tied, x.astype(float)), x.astype(float)).sum()

        kernel, step = params["tied"]["kernel"], 1e-6
        slopes = np.zeros_like(kernel)
        for at in np.ndindex(kernel.shape):
            moved = np.array([kernel, kernel])
            moved[(0, *at)] += step
            moved[(1, *at)] -= step
            slopes[at] = (loss(moved[0]) - loss(moved[1])) / (2 * step)
        # Central differences at 1e-6 are good to about 1e-9.
        np.testing.assert_allclose(jax.jit(jax.grad(loss))(kernel), slopes, rtol=0, atol=1e-7)


@pytest.mark.slow
def test_one_example_is_reconstructed_by_a_sweep():
    """T = 1: the loss of a single point falls to zero, and the recorded loss is the squared distance."""
    spec = mj.Experiment(
        task=SparseFeatures(10, 0.7),
        model=Autoencoder(2),
        loss="sse",
        optimizer=mj.optimizers.adamw(1e-2, weight_decay=0.0),
        steps=600,
        record_every=300,
        train_size=1,
        test_size=3,
        snapshots=(600,),
        measures=("loss",),
    )
    ds = mj.sweep(spec, over={"seed": range(3)}, progress=False)
    assert (ds.train_loss.isel(step=-1) < 1e-3).all() and (ds.train_loss.isel(step=0) > 0.1).all()
    for snapshot in mj.snapshots(ds):
        w, b = (np.asarray(snapshot.params["tied"][name], float) for name in ("kernel", "bias"))
        x = snapshot.test.x.astype(float)
        naive = np.square(np.maximum(x @ w @ w.T + b, 0) - x).sum(1).mean()
        np.testing.assert_allclose(ds.test_loss.sel(snapshot.run).isel(step=-1), naive, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: SparseFeatures(sparsity=1.0), "SparseFeatures.sparsity is 1, so no feature would ever be there"),
        (lambda: SparseFeatures(sparsity=-0.1), "SparseFeatures.sparsity is -0.1"),
        (lambda: SparseFeatures(num_features=0), "SparseFeatures.num_features is 0"),
        (lambda: SparseFeatures(normalize="yes"), "SparseFeatures.normalize is 'yes': give True or False"),
        (lambda: Autoencoder(hidden=0), "Autoencoder.hidden is 0"),
        (lambda: Autoencoder(hidden=(2,)), r"Autoencoder.hidden is \(2,\)"),
        (lambda: Autoencoder(outputs=0), "Autoencoder.outputs is 0"),
        (lambda: Autoencoder(activation="rel"), "The activation 'rel' is not known"),
        (lambda: Autoencoder(initializer="glorot"), "The initializer is 'glorot'"),
        (
            lambda: mj.sweep(mj.Experiment(model=Autoencoder())),
            "gives back its inputs, but has 17 outputs for 9 inputs: use a task whose targets are its inputs",
        ),
        (
            lambda: mj.sweep(mj.Experiment(task=SparseFeatures(), loss="cross_entropy")),
            re.escape("loss is 'cross_entropy', but the targets are float32 values: use loss = 'mse' or 'sse'"),
        ),
        (lambda: mj.sweep(mj.Experiment(loss="sse")), "loss is 'sse', but the targets are class labels"),
    ],
)
def test_every_mistake_has_its_sentence(make, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        make()


def test_specs_of_both_come_back():
    spec = mj.Experiment(task=SparseFeatures(7, 0.5, False), model=Autoencoder(3, init_scale=0.5), loss="sse")
    assert mj.Experiment.from_json(spec.to_json()) == spec
