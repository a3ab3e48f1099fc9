"""Sums and norms of numbers in 16 bits, and of numbers whose squares leave the range of float32."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax

import memjax as mj
from memjax import Examples, Tile, losses
from memjax.optimizers import norm_constrained, sgd
from memjax.parameter_trees import norm

COUNT, CLASSES = 20_000, 10
RNG = np.random.default_rng(1)
TASK = mj.tasks.from_arrays(RNG.normal(size=(COUNT + 100, 8)).astype(np.float32), RNG.integers(0, CLASSES, COUNT + 100))
SLOW = pytest.mark.slow
HALVES = pytest.mark.parametrize("half", [jnp.bfloat16, jnp.float16], ids=lambda half: half.__name__)
PER_EXAMPLE = ("loss", "accuracy", "log_probability", "logit_margin")


def own_loss(outputs, targets):
    return -jnp.take_along_axis(jax.nn.log_softmax(outputs), targets[:, None], 1)[:, 0]


@pytest.mark.parametrize(
    ("half", "schedule"), [(jnp.bfloat16, "streamed"), pytest.param(jnp.float16, "batched", marks=SLOW)]
)
def test_records_of_a_half_precision_network_are_the_means_of_its_outputs(half, schedule):
    model = nn.Dense(CLASSES, dtype=half)
    spec = mj.Experiment(
        task=TASK, model=model, loss=own_loss, train_size=COUNT, test_size=100, steps=1, measures=PER_EXAMPLE,
        record_every=1, snapshots=(0,),
    )  # fmt: skip
    ds = mj.sweep(spec, packing=mj.Packing(schedule=schedule, width=512))
    assert ds.status == "finished", ds.stop_reason.item()
    (taken,) = mj.snapshots(ds, using=[TASK, model, own_loss])
    outputs, y = np.asarray(taken.outputs(taken.train.x), np.float64), taken.train.y
    logs, rows = log_softmax(outputs, axis=1), np.arange(COUNT)
    others = np.where(np.arange(CLASSES) == y[:, None], -np.inf, outputs).max(1)
    expected = {
        "loss": -logs[rows, y].mean(),
        "accuracy": (outputs.argmax(1) == y).mean(),
        "log_probability": logs.mean(),
        "logit_margin": (outputs[rows, y] - others).mean(),
    }
    for name, value in expected.items():
        # The outputs themselves are those of another program, off by a unit in the last of 8 or 11 bits: measured 2e-4.
        np.testing.assert_allclose(ds[f"train_{name}"].values[0], value, rtol=1e-3, atol=1e-4, err_msg=name)
        assert ds[f"train_{name}"].dtype == np.float32


@HALVES
def test_losses_of_half_precision_outputs_are_those_of_the_same_numbers_in_float32(half):
    outputs = jnp.asarray(8 * RNG.normal(size=(50, 7)), half)
    labels, values = jnp.asarray(RNG.integers(0, 7, 50)), jnp.asarray(np.sign(RNG.normal(size=(50, 7))), jnp.float32)
    of_labels = losses.cross_entropy, losses.cross_entropy_exact, losses.one_hot_mse
    each = [(loss, labels) for loss in of_labels] + [(loss, values) for loss in (losses.mse, losses.sse, losses.hinge)]
    every = jax.jit(lambda out: [loss(out, targets) for loss, targets in each])
    for found, expected in zip(every(outputs), every(outputs.astype(jnp.float32)), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == jnp.float32


@HALVES
def test_sums_over_examples_count_beyond_what_16_bits_can(half):
    tiles = jnp.ones((200, 40, 1), half)  # 8000 ones: bfloat16 stops at 256, float16 at 2048.
    examples = Examples(tiles, tiles, None, jnp.int32(0), jnp.int32(8000), 200)
    numbers = jax.jit(_sums)(examples, Tile(tiles, tiles, jnp.ones(301, bool)), jnp.ones(301, half))
    assert [float(number) for number in numbers] == [8000, 3, 200, 200, 301]


def _sums(examples, tile, values):
    yes, one = (lambda tile: tile.x[0, 0] > 0), (lambda tile: jnp.int8(1))
    total, mean = examples.sum(lambda tile: tile.x.sum()), examples.mean(lambda tile: 3 * tile.x[:, 0])
    return total, mean, examples.sum(yes), examples.sum(one), tile.sum(values)


@pytest.mark.parametrize("schedule", ["streamed", pytest.param("batched", marks=SLOW)])
def test_the_gradient_of_half_precision_parameters_is_summed_in_float32(schedule):
    model = (lambda key, x: jnp.zeros((1, 1), jnp.bfloat16), lambda w, x: x.astype(w.dtype) @ w)
    count, width = 16_384, 32  # 512 tiles, whose gradients of 32 each stop at 8192 in bfloat16.
    task = mj.tasks.from_arrays(np.ones((count + 1, 1)), np.full((count + 1, 1), -0.5))
    spec = mj.Experiment(
        task=task, model=model, loss="mse", train_size=count, test_size=1, steps=1, record_every=1, snapshots=(1,),
        optimizer=sgd(1.0), measures=("loss", "weight_l2", "gradient_norm"),
    )  # fmt: skip
    ds = mj.sweep(spec, packing=mj.Packing(schedule=schedule, width=width))
    assert ds.weight_l2.values.tolist() == [0.0, 1.0]  # One step of 2 (0 - -0.5).
    assert ds.gradient_norm.values[0] == 1.0


_norm = jax.jit(norm)


@pytest.mark.parametrize("size", [1e-25, 1e-15, 1.0, 1e15, 1e25])
def test_a_norm_is_right_over_all_of_float32(size):
    tree = {
        "w": size * RNG.normal(size=(30, 20)),
        "b": [size * RNG.normal(size=5), np.zeros(3)],
        "none": np.zeros((0, 2)),
    }
    flat = np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(tree)])
    value = _norm(jax.tree.map(lambda leaf: leaf.astype(np.float32), tree))
    np.testing.assert_allclose(value, np.linalg.norm(flat), rtol=5e-7)  # Measured 1e-7.


def test_a_norm_of_what_is_not_finite_is_not_and_ordinary_ones_keep_their_bits():
    for bad in (np.inf, np.nan):
        assert not np.isfinite(_norm(np.array([1e-30, bad], np.float32)))
    assert float(_norm(np.zeros(2, np.float32))) == 0 and float(norm({})) == 0
    for shape in ((1000, 37), (64, 64), (9,)):
        leaf = jnp.asarray(RNG.normal(size=(2, *shape)), jnp.float32)
        plain = jax.jit(jax.vmap(lambda leaf: jnp.sqrt(jnp.sum(jnp.square(leaf)))))(leaf)
        np.testing.assert_array_equal(jax.jit(jax.vmap(norm))(leaf), plain)


def test_complex_parameters_go_down_and_have_a_real_norm():
    model = (lambda key, x: jnp.array([[3.0 + 4.0j]], jnp.complex64), lambda w, x: x * jnp.abs(w) ** 2)
    task = mj.tasks.from_arrays(np.ones((9, 1)), np.zeros((9, 1)))
    spec = mj.Experiment(
        task=task, model=model, loss=lambda o, y: o[:, 0], train_size=8, test_size=1, steps=1, record_every=1,
        optimizer=sgd(0.25), measures=("weight_l2",),
    )  # fmt: skip
    # The gradient of |w|^2 is 2 w, so a step of a quarter halves w in both parts.
    np.testing.assert_allclose(mj.sweep(spec).weight_l2, [5.0, 2.5], rtol=1e-6)


def trained(dtype):
    first = np.random.default_rng(2).normal(size=(8, CLASSES)) / 3
    model = (lambda key, x: jnp.asarray(first, dtype), lambda w, x: x.astype(dtype) @ w)
    spec = mj.Experiment(task=TASK, model=model, train_size=300, steps=30, record_every=30, loss_scale=0.01)
    return mj.sweep(dataclasses.replace(spec, optimizer=mj.optimizers.adam(1e-2), measures=("loss", "weight_l2")))


@pytest.fixture(scope="module")
def trained_in_float32():
    return trained(jnp.float32)


@pytest.mark.parametrize("half", [pytest.param(jnp.bfloat16, marks=SLOW), jnp.float16], ids=["bfloat16", "float16"])
def test_a_half_precision_network_is_trained_as_the_same_numbers_in_float32_are(half, trained_in_float32):
    found, expected = trained(half), trained_in_float32
    # Squares of these gradients are zero in float16: then Adam's steps had no bound.
    for name in ("train_loss", "weight_l2"):
        np.testing.assert_allclose(found[name], expected[name], rtol=0.01, err_msg=name)


@HALVES
def test_norms_of_half_precision_parameters_are_those_of_the_same_numbers_in_float32(half):
    leaf = jnp.asarray(60 + RNG.normal(size=(50, 70)), half)  # Squares that overflow float16 in their sum.
    exact = np.linalg.norm(np.asarray(leaf, np.float64))
    norms, moved = _norms_and_constrained(leaf)
    np.testing.assert_allclose(norms, [exact] * 4, rtol=1e-5)  # Measured 2e-6.
    np.testing.assert_allclose(np.linalg.norm(np.asarray(moved, np.float64)), 3000.0, rtol=4e-3)  # Half of 8 bits.


@jax.jit
def _norms_and_constrained(leaf):
    whole = mj.measures.weight_l2, mj.measures.last_layer_l2, mj.measures.l2_of("w")
    norms = [measure.function({"w": leaf}, None, None) for measure in whole]
    rule = norm_constrained(sgd(0.0), norm=3000.0).transformation(steps=1)
    moved = leaf + rule.update(jnp.zeros_like(leaf), rule.init(leaf), leaf)[0]
    return [*norms, mj.measures.layer_l2.function({"w": leaf}, None, None)["w"]], moved


@pytest.mark.parametrize(("size", "dtype"), [(1e25, jnp.float32), (300.0, jnp.float16)], ids=["float32", "float16"])
def test_clipping_shortens_a_gradient_whose_squares_overflow(size, dtype):
    gradient = jnp.asarray([3 * size, 4 * size], dtype)
    rule = sgd(1.0, clip_norm=10.0).transformation(steps=1)
    step, _ = rule.update(gradient, rule.init(gradient), gradient)
    np.testing.assert_allclose(np.asarray(step, float), [-6, -8], rtol=2e-3)  # Of float16: 3e-4.


@jax.jit
def _gradient_norm(params, examples):
    measure = mj.measures.gradient_norm.bind(losses.cross_entropy_exact)
    return measure(params, lambda w, x: x @ w, examples)


@pytest.mark.parametrize("margin", [20.0, 48.0, 60.0])
def test_the_gradient_norm_is_exact_where_its_squares_underflow(margin):
    x, y = np.array([[1.0], [-1.0]]), np.array([0, 1])
    examples = Examples(jnp.asarray(x)[None], jnp.asarray(y)[None], None, jnp.int32(0), jnp.int32(2), 1)
    params = jnp.array([[margin / 2, -margin / 2]])
    value = _gradient_norm(params, examples)
    np.testing.assert_allclose(value, 2**0.5 / (1 + np.exp(margin)), rtol=2e-6)  # Measured 2e-7.


def test_host_measures_are_right_where_squares_leave_their_range():
    before = RNG.normal(size=(6, 3))
    after = before + 0.1 * RNG.normal(size=(6, 3))
    for measure in ("relative", "cosine"):
        expected = mj.measures.feature_change(before, after, measure)
        for size in (2.0**-600, 2.0**600):
            assert mj.measures.feature_change(size * before, size * after, measure) == expected
    wave = 1e-12 * np.exp(2j * np.pi * np.arange(8) / 8)
    assert mj.measures.inverse_participation_ratio(wave.astype(np.complex64)) == pytest.approx(1 / 8)
