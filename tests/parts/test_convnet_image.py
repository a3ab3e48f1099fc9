"""Images from smaller maps: the enlarged map against NumPy, the network against Flax, and its training by hand."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import memjax as mj
from memjax.models import ConvNet
from memjax.models.convolution import enlarge

RNG = np.random.default_rng(0)
# Largest difference of outputs and gradients in float32, relative to the largest entry of an array, over all cases: 1.7e-6.
TOL = 1e-5


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def assert_close(found, expected):
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=TOL, atol=TOL * np.abs(other).max())


# Maps that divide the result, that are too long, too short by one and by more, of one position, and as large already.
SIZES = [(3, 2, 6), (3, 2, 5), (2, 2, 5), (2, 4, 11), (1, 16, 3), (1, 10**6, 4), (5, 1, 5)]


@pytest.mark.parametrize(("count", "factor", "size"), SIZES)
def test_a_position_takes_the_value_at_its_number_over_the_factor(count, factor, size):
    maps, weights = normal(2, count, 4, 3), normal(2, size, 12, 3)
    rows, columns = (np.minimum(np.arange(n) // f, c - 1) for n, f, c in ((size, factor, count), (12, 3, 4)))
    found = enlarge(maps, (factor, 3), (size, 12))
    np.testing.assert_array_equal(found, maps[:, rows][:, :, columns])
    slope = jax.grad(lambda maps: (enlarge(maps, (factor, 3), (size, 12)) * weights).sum())(maps)
    wanted = np.zeros_like(maps)
    np.add.at(wanted, (slice(None), rows[:, None], columns), weights)
    assert_close(slope, wanted)


class Plain(nn.Module):
    """The network in Flax, channels last."""

    channels: tuple[int, ...]
    stride: tuple[int, int]
    pooling: str

    @nn.compact
    def __call__(self, x):
        h, around = x, ((1, 1), (1, 1))
        for i, count in enumerate(self.channels):
            h = nn.relu(nn.Conv(count, (3, 3), self.stride, padding=around, name=f"layer_{i}")(h))
            if self.pooling != "none":
                h = {"max": nn.max_pool, "mean": nn.avg_pool}[self.pooling](h, (2, 2), (2, 2))
        for axis in (1, 2):
            factor = (self.stride[axis - 1] * (1 if self.pooling == "none" else 2)) ** len(self.channels)
            places = np.minimum(np.arange(x.shape[axis]) // factor, h.shape[axis] - 1)
            h = jnp.take(h, places, axis=axis)
        return nn.Conv(x.shape[-1], (3, 3), padding=around, name=f"layer_{len(self.channels)}")(h).reshape(len(x), -1)


CASES = [dict(stride=2), dict(stride=(3, 1)), dict(pooling="max"), dict(pooling="mean", stride=(1, 2))]


def by_flax(model):
    stride = model.stride if isinstance(model.stride, tuple) else (model.stride,) * 2
    plain = Plain(model.channels, stride, model.pooling)
    return lambda params, x: plain.apply({"params": params}, x)


@pytest.mark.parametrize("fields", CASES, ids=str)
def test_outputs_and_gradients_are_those_of_flax(fields):
    model, x = ConvNet((4, 3), head="image", **fields), normal(3, 20, 14, 2)
    params = model.init(jax.random.key(1), x)
    both = [
        jax.jit(lambda params, apply=apply: (apply(params, x), jax.grad(lambda p: (apply(p, x) ** 2).sum())(params)))
        for apply in (model.apply, by_flax(model))
    ]
    assert_close(*(one(params) for one in both))


@pytest.mark.parametrize("fields", CASES, ids=str)
def test_a_network_that_passes_values_on_gives_back_a_constant_image_and_makes_others_blocks(fields):
    """Kernels of width 1 that are 1: what stays of an image is one value per block."""
    model = ConvNet((1, 1), kernel=1, head="image", bias=False, **fields)
    ones = {f"layer_{i}": {"kernel": np.ones((1, 1, 1, 1), np.float32)} for i in range(3)}
    constant = np.full((2, 9, 11), 0.7, np.float32)
    # Means of equal numbers may be off by rounding; measured: 0.
    np.testing.assert_allclose(model.apply(ones, constant), 0.7, rtol=1e-6)
    if fields == dict(stride=2):
        image = np.abs(normal(2, 9, 11))
        blocks = image[:, np.arange(9) // 4 * 4][:, :, np.arange(11) // 4 * 4]
        np.testing.assert_array_equal(np.asarray(model.apply(ones, image)).reshape(image.shape), blocks)


def test_the_number_of_parameters_is_that_of_the_network_without_downsampling():
    x = np.zeros((1, 9, 11, 2), np.float32)
    sizes = {
        sum(leaf.size for leaf in jax.tree.leaves(ConvNet((4, 3), head="image", **fields).init(jax.random.key(0), x)))
        for fields in [{}, *CASES]
    }
    assert len(sizes) == 1


SIGNALS = normal(40, 9)
SPEC = mj.Experiment(
    task=mj.tasks.from_arrays(SIGNALS, SIGNALS),
    model=ConvNet((3, 2), dims=1, stride=2, head="image", activation="tanh"),
    loss="mse",
    optimizer=mj.optimizers.sgd(0.2),
    train_size=5,
    test_size=6,
    steps=8,
    record_every=4,
    measures=("loss",),
    snapshots=(0, 8),
)


def by_hand(params, x, steps, rate):
    """Gradient descent on the mean squared error of an autoencoder of signals, by NumPy's indices and XLA's convolution."""

    def convolved(leaves, h, stride):
        out = jax.lax.conv_general_dilated(
            h, leaves["kernel"], (stride,), [(1, 1)], dimension_numbers=("NWC", "WIO", "NWC")
        )
        return out + leaves["bias"]

    def loss(params):
        h = x[..., None]
        for i in range(2):
            h = jnp.tanh(convolved(params[f"layer_{i}"], h, 2))
        image = convolved(params["layer_2"], h[:, np.arange(9) // 4], 1)
        return ((image[..., 0] - x) ** 2).mean()

    slope = jax.jit(jax.grad(loss))
    for _ in range(steps):
        params = jax.tree.map(lambda leaf, by: leaf - rate * by, params, slope(params))
    return params


def test_runs_beside_longer_train_sets_are_trained_as_by_hand():
    """Rows that the engine adds to the smaller train set leave no trace in the gradients."""
    ds = mj.sweep(SPEC, over={"train_size": [3, 5]}, progress=False)
    found = list(mj.snapshots(ds))
    for first, last in zip(found[::2], found[1::2], strict=True):
        wanted = by_hand(first.params, first.train.x, 8, 0.2)
        assert_close(last.params, wanted)
        assert max(abs(last.params[name]["kernel"] - first.params[name]["kernel"]).max() for name in wanted) > 0.01


@pytest.mark.slow
def test_a_run_has_its_bits_in_any_company():
    packing = mj.Packing(schedule="streamed", width=16, runs=4)
    first, other = (mj.sweep(SPEC, over={"seed": s}, packing=packing) for s in ([3, 4, 5, 6], [14, 15, 3, 16]))
    alone = mj.sweep(SPEC, over={"seed": [3]}).sel(seed=3)
    for name in ("train_loss", "test_loss"):
        np.testing.assert_array_equal(first[name].sel(seed=3), other[name].sel(seed=3))
        # Measured over 10 seeds: 0.
        np.testing.assert_allclose(alone[name], first[name].sel(seed=3), rtol=3e-6)
    assert not math.isclose(first.train_loss.sel(seed=3)[-1], first.train_loss.sel(seed=4)[-1], rel_tol=1e-3)
