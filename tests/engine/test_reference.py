"""Our packed step against an unpacked run: plain Flax and optax, and a loop in NumPy alone."""

import dataclasses
import functools
import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax.optimizers import adam, adamw, from_optax, rmsprop, sgd, warmup_cosine
from memjax.random import key_data
from memjax.random.minibatches import batch_order

STEPS = 100
# Over every case below the largest difference of a parameter after 100 float64 steps was 6e-16, and 7e-16 relative of a
# loss; three digits are left for another order of sums.
RTOL = 1e-12


def float64_warmup_cosine(count, peak, warmup):
    """Schedule in float64; optax's own computes in float32 even where 64-bit numbers are enabled."""
    count = count.astype(np.float64)
    fall = 0.5 * (1 + jnp.cos(jnp.pi * jnp.clip((count - warmup) / (STEPS - warmup), 0, 1)))
    return peak * jnp.minimum(count / warmup, 1) * fall


OPTIMIZERS = {
    "adam": (adam(3e-3), optax.adam(3e-3)),
    "adam_l2": (adam(3e-3, l2=1e-2), optax.chain(optax.add_decayed_weights(1e-2), optax.adam(3e-3))),
    "adamw": (adamw(3e-3, weight_decay=0.1), optax.adamw(3e-3, weight_decay=0.1)),
    "sgd": (sgd(0.1), optax.sgd(0.1)),
    "nesterov": (sgd(0.05, momentum=0.9, nesterov=True), optax.sgd(0.05, momentum=0.9, nesterov=True)),
    # At eps = 1e-8 a gradient near zero is divided by nearly nothing, and one last bit grows to 3e-5 in 100 steps.
    "rmsprop": (rmsprop(1e-3, eps=1e-4), optax.rmsprop(1e-3, eps=1e-4)),
    "clipped": (adam(3e-3, clip_norm=0.1), optax.chain(optax.clip_by_global_norm(0.1), optax.adam(3e-3))),
    "lion": (from_optax(optax.lion, learning_rate=1e-3), optax.lion(1e-3)),
    "schedule": (
        adam(warmup_cosine(peak=5e-3, warmup_steps=20)),
        optax.adam(lambda count: float64_warmup_cosine(count, 5e-3, 20)),
    ),
}


# The fast cases show each loss with each kind of batch, momentum, a trained L2 and a rule of optax; the slow ones
# are all the others.
FAST = {
    ("adam", "cross_entropy", 8),
    ("adam_l2", "cross_entropy", None),
    ("nesterov", "mse", None),
    ("lion", "mse", 8),
}
CASES = [
    pytest.param(*case, id="-".join([*case[:2], "minibatch" if case[2] else "full"]), marks=marks)
    for case in itertools.product(OPTIMIZERS, ["cross_entropy", "mse"], [None, 8])
    for marks in [() if case in FAST else pytest.mark.slow if case[0] in ("adam", "sgd", "adamw") else pytest.mark.long]
]


class Plain(nn.Module):
    """The same network, written as anyone would."""

    @nn.compact
    def __call__(self, x):
        x = nn.tanh(nn.Dense(12, name="layer_0")(x))
        return nn.Dense(3, name="layer_1")(x)


@jax.jit
def initial(key):
    """Parameters as our model draws them."""
    return mj.models.MLP(hidden=(12,), activation="tanh", outputs=3).init(
        jax.random.wrap_key_data(key), jnp.zeros((1, 4))
    )


@functools.partial(jax.jit, static_argnums=0)
def loss_and_gradient(name, params, x, y):
    def loss(params):
        outputs = Plain().apply({"params": params}, x)
        if name == "mse":
            return jnp.mean((outputs - y) ** 2)
        return optax.softmax_cross_entropy_with_integer_labels(outputs, y).mean()

    return jax.value_and_grad(loss)(params)


@functools.partial(jax.jit, static_argnums=0)
def update(rule, gradient, state, params):
    updates, state = rule.update(gradient, state, params)
    return optax.apply_updates(params, updates), state


def regression_task():
    rng = np.random.default_rng(7)
    return mj.tasks.from_arrays(rng.normal(size=(60, 4)), rng.normal(size=(60, 3)))


def experiment(loss, optimizer, batch_size):
    task = regression_task() if loss == "mse" else mj.tasks.RandomLabels(input_dim=4, num_classes=3)
    return mj.Experiment(
        task=task,
        model=mj.models.MLP(hidden=(12,), activation="tanh"),
        optimizer=optimizer,
        loss=loss,
        steps=STEPS,
        record_every=20,
        batch_size=batch_size,
        train_size=29,
        test_size=11,
        seed=5,
        snapshots=(STEPS,),
        measures=("loss",),
    )


def plain_run(spec, rule):
    """Train one unpacked network with Flax and optax, one step at a time."""
    (x, y), _ = spec.task.draw(5, 29, 11)
    x = spec.task.pool[x] if spec.loss == "mse" else x.astype(np.float64)
    params = initial(key_data(5, "init"))
    state, losses = rule.init(params), [loss_and_gradient(spec.loss, params, x, y)[0]]
    rows = None if spec.batch_size is None else batch_order([spec], spec.batch_size, 0, STEPS)[:, 0]
    for step in range(STEPS):
        chosen = slice(None) if rows is None else rows[step][rows[step] >= 0]
        _, gradient = loss_and_gradient(spec.loss, params, x[chosen], y[chosen])
        params, state = update(rule, gradient, state, params)
        if step % 20 == 19:
            losses.append(loss_and_gradient(spec.loss, params, x, y)[0])
    return params, np.array(losses)


@pytest.mark.parametrize(("name", "loss", "batch_size"), CASES)
def test_a_packed_run_equals_plain_flax_and_optax(name, loss, batch_size):
    ours, rule = OPTIMIZERS[name]
    with jax.enable_x64(True):
        spec = experiment(loss, ours, batch_size)
        dataset = mj.sweep(spec, over={"train_size": [13, 29, 21]}, packing=mj.Packing(width=8, runs=3))
        params, losses = plain_run(spec, rule)
        packed = mj.params(dataset, {"train_size": 29}, step=STEPS)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=RTOL, atol=RTOL), packed, params)
        np.testing.assert_allclose(dataset.train_loss.sel(train_size=29), losses, rtol=RTOL)


def numpy_adam(x, y, weights, rate, steps):
    """Softmax regression by Adam (Kingma and Ba 2015, Algorithm 1), with nothing but NumPy."""
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        logits = x @ weights
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        gradient = x.T @ (p - np.eye(weights.shape[1])[y]) / len(x)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        weights = weights - rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return weights


@pytest.mark.parametrize("schedule", ["streamed", pytest.param("batched", marks=pytest.mark.slow)])
def test_linear_softmax_regression_equals_a_numpy_adam_loop(schedule):
    with jax.enable_x64(True):
        spec = mj.Experiment(
            task=mj.tasks.RandomLabels(input_dim=6, num_classes=4),
            model=mj.models.MLP(hidden=(), bias=False),
            optimizer=adam(1e-2),
            steps=50,
            record_every=50,
            train_size=37,
            seed=2,
            snapshots=(0, 50),
            measures=("loss",),
        )
        dataset = mj.sweep(spec, over={"seed": [2, 3]}, packing=mj.Packing(schedule=schedule, width=16, runs=2))
        x, y = spec.task.draw(2, 37, 37).train
        start = mj.params(dataset, {"seed": 2}, step=0)["layer_0"]["kernel"]
        # Measured difference 4e-15 relative; the tolerance leaves three digits for another order of sums.
        expected = numpy_adam(x.astype(np.float64), y, start, 1e-2, 50)
        np.testing.assert_allclose(
            mj.params(dataset, {"seed": 2})["layer_0"]["kernel"], expected, rtol=1e-11, atol=1e-13
        )


def test_minibatches_visit_every_row_once_an_epoch_in_a_new_order():
    spec = mj.Experiment(train_size=29, batch_size=8, seed=5)
    rows = batch_order([spec], 8, 0, 8)[:, 0]
    epochs = [rows[:4].ravel(), rows[4:].ravel()]
    for epoch in epochs:
        assert sorted(epoch[epoch >= 0]) == list(range(29))
    assert not np.array_equal(*epochs)
    assert (rows[3] >= 0).sum() == 29 - 3 * 8
    np.testing.assert_array_equal(batch_order([spec], 8, 3, 6)[:, 0], rows[3:6])


def test_loss_scale_scales_the_gradient_and_not_the_record():
    spec = mj.Experiment(train_size=20, steps=5, record_every=1, optimizer=sgd(0.2), measures=("loss",))
    spec = dataclasses.replace(spec, model=mj.models.MLP(hidden=(6,)))
    loss = mj.sweep(spec, over={"loss_scale": [1.0, 0.5], "learning_rate": [0.1, 0.2]}).train_loss
    # The same update computed as (0.5 g) 0.2 and g 0.1: a few float32 roundings apart.
    scaled, slower = loss.sel(loss_scale=0.5, learning_rate=0.2), loss.sel(loss_scale=1, learning_rate=0.1)
    np.testing.assert_allclose(scaled, slower, rtol=1e-6)
