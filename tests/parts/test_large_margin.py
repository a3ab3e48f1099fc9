"""The large-margin loss: distances of linear networks, a backward pass by hand, limits, its two gradients, refusals."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.losses import LargeMargin

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 5)).astype(np.float32), RNG.integers(0, 4, 60)
TASK = mj.tasks.from_arrays(X, Y)
LENGTH = {2: np.linalg.norm, 1: lambda v: np.abs(v).max(), math.inf: lambda v: np.abs(v).sum()}


def network(hidden, **fields):
    model = mj.models.MLP(hidden=hidden, outputs=4, **fields)
    return model, model.init(jax.random.key(1), X[:1])


def values(loss, model, params, x=X, y=Y):
    return loss(model.apply(params, x), jnp.asarray(y), model=model, params=params, x=jnp.asarray(x))


def by_hand(params, loss, x=X, y=Y):
    """Losses of a ReLU network, example by example, with a backward pass in float64."""
    layers = [params[f"layer_{i}"] for i in range(len(params))]
    kernels, biases = ([np.asarray(one[name], float) for one in layers] for name in ("kernel", "bias"))
    found = []
    for row, label in zip(np.asarray(x, float), y, strict=True):
        held = [row]
        for depth, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            out = held[-1] @ kernel + bias
            held.append(out if depth == len(kernels) - 1 else np.maximum(out, 0))
        *held, outputs = held
        others = sorted((j for j in range(4) if j != label), key=lambda j: -outputs[j])[: loss.top_k]
        distances = np.full((len(kernels), len(others)), np.nan)
        for k, other in enumerate(others):
            slope = np.eye(4)[label] - np.eye(4)[other]
            for depth in reversed(range(len(kernels))):
                slope = kernels[depth] @ slope
                length = LENGTH[loss.norm](slope) + loss.epsilon
                distances[depth, k] = (outputs[label] - outputs[other]) / length
                slope = slope * (held[depth] > 0)
        found.append(np.clip(loss.gamma - distances.min(1), 0, loss.alpha * loss.gamma).mean())
    return np.array(found)


# Largest difference from float64 over these cases: 2.4e-7. Records: relative 7.5e-7.
CLOSE = dict(atol=2e-6)
RTOL = 1e-5


@pytest.mark.parametrize("norm", [2, 1, math.inf])
@pytest.mark.parametrize("top_k", [1, 3])
def test_losses_are_those_of_a_backward_pass_by_hand(norm, top_k):
    model, params = network((7, 6))
    loss = LargeMargin(gamma=0.4, alpha=2.0, top_k=top_k, norm=norm)
    expected = by_hand(params, loss)
    assert expected.min() < 0.1 and expected.max() > 0.7 and np.unique(expected).size > 30
    # Of several classes, the one with the largest output is not always the nearest.
    differ = (expected != by_hand(params, dataclasses.replace(loss, top_k=1))).sum()
    assert differ >= (15 if (norm, top_k) == (math.inf, 3) else 0)
    np.testing.assert_allclose(values(loss, model, params), expected, **CLOSE)


def test_a_linear_network_pays_for_its_exact_distance_and_no_more_than_the_limit():
    model, params = network(())
    kernel, bias = (np.asarray(params["layer_0"][name], float) for name in ("kernel", "bias"))
    outputs = X @ kernel + bias
    other = np.where(np.eye(4, dtype=bool)[Y], -np.inf, outputs).argmax(1)
    each = np.arange(60)
    distance = (outputs[each, Y] - outputs[each, other]) / np.linalg.norm(kernel[:, Y] - kernel[:, other], axis=0)
    found = values(LargeMargin(gamma=0.3, alpha=1.5, epsilon=0.0), model, params)
    np.testing.assert_allclose(found, np.clip(0.3 - distance, 0, 0.45), **CLOSE)


def test_with_a_wide_margin_the_loss_is_the_margin_that_is_missing():
    spec = mj.Experiment(
        task=TASK,
        model=mj.models.MLP(hidden=(7, 6)),
        train_size=40,
        test_size=20,
        steps=1,
        record_every=1,
        snapshots=(0,),
    )
    ds = mj.sweep(dataclasses.replace(spec, loss=LargeMargin(gamma=50.0, epsilon=0.0)))
    margins = mj.measure(ds, [mj.measures.margins(normalize=False)]).margin.isel(snapshot=0)
    # The loss is a difference of numbers of the size of 50: measured 2.6e-6.
    np.testing.assert_allclose(50 - ds.train_loss.sel(step=0), margins.mean(), atol=2e-5)


def test_layers_that_are_named_are_the_only_ones():
    model, params = network((7, 6))
    one = [values(LargeMargin(layers=(name,)), model, params) for name in ("input", "layer_0", "layer_1")]
    np.testing.assert_allclose(values(LargeMargin(), model, params), np.mean(one, axis=0), **CLOSE)
    np.testing.assert_allclose(
        values(LargeMargin(layers=("layer_1", "input")), model, params), (one[0] + one[2]) / 2, **CLOSE
    )


def test_only_a_gradient_through_the_norm_sees_that_scaling_a_linear_network_moves_no_border():
    model, params = network((), bias=False)
    along = {}
    for through in (False, True):
        loss = LargeMargin(gamma=50.0, epsilon=0.0, through_norms=through)
        mean = lambda w, loss=loss: values(loss, model, w).mean()  # noqa: E731
        along[through] = jax.jvp(mean, (params,), (params,))[1]
    distance = 50 - values(LargeMargin(gamma=50.0, epsilon=0.0), model, params).mean()
    # With the norm held, the distance grows as the outputs do. The rounding is that of losses of 50: 2.5e-6.
    np.testing.assert_allclose(along[False], -distance, atol=2e-5)
    np.testing.assert_allclose(along[True], 0, atol=2e-5)
    assert abs(distance) > 0.02


def test_a_dead_layer_has_a_gradient_that_is_finite_and_zero():
    model, params = network((6,))
    params["layer_0"]["bias"] = jnp.full(6, -100.0)
    for through in (False, True):
        loss = LargeMargin(through_norms=through, layers=("input",))
        slope = jax.grad(lambda w, loss=loss: values(loss, model, w).sum())(params)
        # A last layer that is zero has outputs at the border itself, and still nothing is to be gained.
        params["layer_1"] = jax.tree.map(jnp.zeros_like, params["layer_1"])
        nowhere = jax.grad(lambda w, loss=loss: values(loss, model, w).sum())(params)
        assert all(np.abs(leaf).max() == 0 for leaf in jax.tree.leaves((slope, nowhere)))


SPEC = mj.Experiment(
    task=TASK,
    model=mj.models.MLP(hidden=(6,)),
    optimizer=mj.optimizers.sgd(0.1),
    loss=LargeMargin(gamma=0.5),
    train_size=24,
    test_size=10,
    steps=3,
    record_every=1,
    snapshots=(0, 3),
    measures=("loss", "gradient_norm", "loss_sensitivity"),
)


def test_training_takes_the_gradient_by_hand_and_gamma_is_data():
    over = {"gamma": [0.2, 1.5], "seed": [0, 1]}
    assert "1 program," in str(mj.explain(SPEC, over))
    ds = mj.sweep(SPEC, over=over)
    for gamma in over["gamma"]:
        check_training(ds.sel(gamma=[gamma], seed=[1]), LargeMargin(gamma=gamma))


def check_training(ds, loss):
    """Parameters and records after three steps of gradient descent, against the same by hand."""
    first, last = mj.snapshots(ds)
    model, params, (x, y) = first.model, first.params, first.train
    mean = jax.grad(lambda w, x: values(loss, model, w, x, y).mean(), (0, 1))
    for _ in range(3):
        params = jax.tree.map(lambda w, g: w - 0.1 * g, params, mean(params, x)[0])
    for own, trained in zip(jax.tree.leaves(params), jax.tree.leaves(last.params), strict=True):
        np.testing.assert_allclose(trained, own, atol=1e-6)  # measured: 3e-8
    record, (slope, inward) = ds.isel(step=-1).squeeze(), mean(params, jnp.asarray(x))
    np.testing.assert_allclose(record.train_loss, by_hand(params, loss, x, y).mean(), rtol=RTOL)
    norm = math.sqrt(sum(float(jnp.square(leaf).sum()) for leaf in jax.tree.leaves(slope)))
    np.testing.assert_allclose(record.gradient_norm, norm, rtol=RTOL)
    np.testing.assert_allclose(record.train_loss_sensitivity, 24 * np.abs(inward).sum(1).mean(), rtol=RTOL)


def test_gradients_of_single_examples_see_the_layers_too():
    trained = mj.sweep(SPEC)
    snapshot = next(iter(mj.snapshots(trained)))
    (x, y), model, loss = snapshot.train, snapshot.model, SPEC.loss
    found = mj.measure(trained, [mj.measures.gradient_noise()]).isel(snapshot=0)
    each = jax.vmap(
        lambda x, y: jax.flatten_util.ravel_pytree(
            jax.grad(lambda w: values(loss, model, w, x[None], y[None])[0])(snapshot.params)
        )[0]
    )(jnp.asarray(x), jnp.asarray(y))
    # A variance divides by N: measured relative difference 1e-8.
    np.testing.assert_allclose(found.gradient_variance, each.var(0).sum(), rtol=1e-5)


def test_a_private_rule_clips_gradients_that_come_by_way_of_layers():
    # With the norms held, the loss hangs on parameters through the outputs alone.
    loss = dataclasses.replace(SPEC.loss, through_norms=True)
    rule = mj.optimizers.dp_sgd(1.0, clip_norm=0.05, noise_multiplier=0.0)
    first, last = mj.snapshots(
        mj.sweep(dataclasses.replace(SPEC, loss=loss, optimizer=rule, steps=1, snapshots=(0, 1), measures=("loss",)))
    )
    (x, y), model = first.train, first.model
    one = lambda x, y: jax.grad(lambda w: values(loss, model, w, x[None], y[None])[0])(first.params)  # noqa: E731
    each = jax.vmap(one)(jnp.asarray(x), jnp.asarray(y))
    lengths = np.sqrt(sum(np.square(leaf.reshape(24, -1)).sum(1) for leaf in jax.tree.leaves(each)))
    assert (lengths > 0.05).mean() > 0.5
    factor = np.minimum(1, 0.05 / lengths)
    for before, after, slope in zip(*map(jax.tree.leaves, (first.params, last.params, each)), strict=True):
        step = np.tensordot(factor, np.asarray(slope), 1) / 24
        np.testing.assert_allclose(before - after, step, atol=2e-7)  # measured: 1.5e-8


def test_networks_of_several_widths_train_as_alone():
    together = mj.sweep(SPEC, over={"hidden": [(4,), (9,)]})
    for place, hidden in enumerate([(4,), (9,)]):
        alone = mj.sweep(dataclasses.replace(SPEC, model=mj.models.MLP(hidden=hidden)))
        assert np.array_equal(together.train_loss.isel(hidden=place), alone.train_loss)


REFUSED = {
    "gamma is 0": lambda: LargeMargin(gamma=0),
    "LargeMargin.alpha": lambda: LargeMargin(alpha=0.5),
    "top_k": lambda: LargeMargin(top_k=0),
    "norm is 3": lambda: LargeMargin(norm=3),
    "layers is 'input'": lambda: LargeMargin(layers="input"),
    "which is a class": lambda: mj.Experiment(loss=LargeMargin),
    "top_k is 4, and the task has 4 classes": lambda: mj.sweep(dataclasses.replace(SPEC, loss=LargeMargin(top_k=4))),
    "has no layer 'layer_7': use input": lambda: mj.sweep(
        dataclasses.replace(SPEC, loss=LargeMargin(layers=("layer_7",)))
    ),
    "draws random numbers in training": lambda: mj.sweep(
        dataclasses.replace(SPEC, model=mj.models.MLP(hidden=(6,), dropout=0.1))
    ),
    "does not say how its outputs follow": lambda: mj.sweep(
        dataclasses.replace(SPEC, task=mj.tasks.Images("digits"), model=mj.models.ConvNet(), train_size=24)
    ),
    "integer labels": lambda: mj.sweep(
        dataclasses.replace(SPEC, task=mj.tasks.from_arrays(X, X[:, :2]), measures=("loss",))
    ),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_does_not_fit_is_refused_before_training(sentence):
    with pytest.raises(mj.InputError, match=sentence):
        REFUSED[sentence]()
