"""Mean cosines between gradients against a naive loop over examples and all pairs."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax import Examples, InputError, losses
from memjax.experiment.encode import encode, reference, to_json
from memjax.measures import BUILT_IN, batch_gradient_cosine, gradient_cosine

WIDTH, COUNT = 4, 70  # Seventy examples in tiles of four: eighteen tiles, two rows of padding, and three chunks of 32.
RNG = np.random.default_rng(0)
X = RNG.normal(size=(COUNT, 2))
LABELS = RNG.integers(0, 3, COUNT)
TARGETS = RNG.normal(size=(COUNT, 3))
PARAMS = {"hidden": {"b": RNG.normal(size=5), "w": RNG.normal(size=(2, 5))}, "out": [RNG.normal(size=(5, 3))]}
CLOSE = {
    "rtol": 0,
    "atol": 1e-6,
}  # Of numbers from -1 to 1, float32 against float64: measured 1.4e-7 at most in this file.
LAYOUTS = [{"before": 2, "after": 0}, {"before": 0, "after": 2}, {}]


def apply(params, x):
    return jnp.tanh(x @ params["hidden"]["w"] + params["hidden"]["b"]) @ params["out"][0]


def linear(params, x):
    """Model whose gradient of `output` at an example is the example itself."""
    return x @ params


def output(outputs, targets):
    return outputs[:, 0]


def _tiles(rows, before, after):
    """Rows as tiles, with padding and the tiles of other runs on either side full of poison."""
    floats = np.issubdtype(rows.dtype, np.floating)
    padded = np.full((-(-len(rows) // WIDTH) * WIDTH, *rows.shape[1:]), np.nan if floats else 0)
    padded[: len(rows)] = rows
    tiles = padded.reshape(-1, WIDTH, *rows.shape[1:])
    other = np.full((1, *tiles.shape[1:]), np.nan if floats else 0)
    return jnp.asarray(np.concatenate([other] * before + [tiles] + [other] * after), float if floats else int)


def _examples(x=X, y=LABELS, before=1, after=1):
    args = jnp.int32(before), jnp.int32(len(x)), jnp.int32(-(-len(x) // WIDTH) + after)
    return Examples(_tiles(x, before, after), _tiles(y, before, after), None, *args)


@functools.partial(jax.jit, static_argnums=(0, 3, 4))
def _jitted(measure, params, examples, loss, model):
    return measure.bind(loss)(params, model, examples)


def _take(measure, examples, params=PARAMS, loss=losses.cross_entropy, model=apply):
    return _jitted(measure, jax.tree.map(jnp.asarray, params), examples, loss, model)


def _of(rows, measure=gradient_cosine, params=None):
    """The measure where the gradients of examples are the given rows."""
    rows = np.asarray(rows, float)
    params = np.zeros((rows.shape[1], 1)) if params is None else params
    return _take(measure, _examples(rows, np.zeros(len(rows), int)), params, output, linear)


@functools.partial(jax.jit, static_argnums=(1, 4))
def _gradient(params, loss, x, y, model):
    return jax.grad(lambda params: loss(model(params, x), y).mean())(params)


def _pairs(params=PARAMS, loss=losses.cross_entropy, x=X, y=LABELS, model=apply, batch=1):
    """Cosines of all pairs of whole batches, one after another, in float64."""
    vectors = []
    with jax.enable_x64(True):
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), params)
        for start in range(0, len(x) - batch + 1, batch):
            rows = slice(start, start + batch)
            tree = _gradient(params, loss, jnp.asarray(x[rows], float), jnp.asarray(y[rows]), model)
            vectors.append(np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]))
    lengths = [np.linalg.norm(vector) for vector in vectors]
    couples = itertools.combinations(range(len(vectors)), 2)
    return [vectors[i] @ vectors[j] / (lengths[i] * lengths[j]) for i, j in couples]


@pytest.mark.parametrize(
    ("loss", "y"),
    [(losses.cross_entropy, LABELS), pytest.param(losses.mse, TARGETS, marks=pytest.mark.slow)],
    ids=["cross_entropy", "mse"],
)
def test_it_is_the_mean_over_all_pairs_of_examples(loss, y):
    cosines = _pairs(loss=loss, y=y)
    assert min(cosines) < -0.5 and max(cosines) > 0.5
    for layout in LAYOUTS:
        value = _take(gradient_cosine, _examples(y=y, **layout), loss=loss)
        np.testing.assert_allclose(value, np.mean(cosines), **CLOSE)
    with jax.enable_x64(True):
        value = _take(gradient_cosine, _examples(y=y), loss=loss)
    np.testing.assert_allclose(value, np.mean(cosines), rtol=0, atol=1e-14)  # Measured 1e-17.


# Batches that divide a tile and the examples, that straddle tiles and leave one over, that are more than a chunk.
@pytest.mark.parametrize("size", [pytest.param(2, marks=pytest.mark.slow), 3, pytest.param(33, marks=pytest.mark.slow)])
def test_of_batches_it_is_the_mean_over_all_pairs_of_whole_ones_in_order(size):
    naive = np.mean(_pairs(batch=size))
    for layout in LAYOUTS:
        value = _take(batch_gradient_cosine(size), _examples(**layout))
        np.testing.assert_allclose(value, naive, **CLOSE)


def test_batches_of_one_are_examples():
    assert _take(batch_gradient_cosine(1), _examples()) == _take(gradient_cosine, _examples())


def test_identical_orthogonal_and_opposite_gradients():
    same, three = np.ones((9, 3)), np.eye(3)
    np.testing.assert_allclose(_of(same * np.arange(1, 10)[:, None]), 1, **CLOSE)
    np.testing.assert_allclose(_of(three * [[2.0], [3.0], [4.0]]), 0, **CLOSE)
    np.testing.assert_allclose(_of([[2.0, 1.0], [-4.0, -2.0]]), -1, **CLOSE)
    # As far apart as M vectors can be: the corners of a simplex, at -1 / (M - 1).
    np.testing.assert_allclose(_of(np.eye(7) - 1 / 7), -1 / 6, **CLOSE)


def test_gradients_that_are_zero_have_no_direction_and_are_left_out():
    rows = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    np.testing.assert_allclose(_of(rows), np.sqrt(0.5), **CLOSE)
    batches = np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 2.0], [0.0, 2.0]])
    np.testing.assert_allclose(_of(batches, batch_gradient_cosine(2)), np.sqrt(0.5), **CLOSE)


@pytest.mark.slow
def test_parameters_of_16_bits_are_counted_beyond_256():
    rows = np.ones((301, 2))
    value = _jitted(
        gradient_cosine, jnp.zeros((2, 1), jnp.bfloat16), _examples(rows, np.zeros(301, int)), output, linear
    )
    np.testing.assert_allclose(value, 1, **CLOSE)


def test_fewer_than_two_gradients_have_no_mean():
    for rows in ([[1.0, 2.0]], [[1.0, 2.0], [0.0, 0.0]], [[0.0, 0.0]]):
        assert np.isnan(_of(rows))
    assert np.isnan(_of(np.ones((7, 2)), batch_gradient_cosine(4)))
    assert np.isnan(_of(np.ones((7, 2)), batch_gradient_cosine(100)))
    np.testing.assert_allclose(_of(np.ones((8, 2)), batch_gradient_cosine(4)), 1, **CLOSE)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_scale_of_gradients_does_not_matter(scale):
    rows = np.random.default_rng(1).normal(size=(8, 3))
    one_by_one = rows * np.where(np.arange(8) % 2, 1, scale)[:, None]
    np.testing.assert_allclose(_of(one_by_one), _of(rows), **CLOSE)


def test_the_order_matters_to_batches_only():
    order = np.random.default_rng(2).permutation(COUNT)
    shuffled = _examples(X[order], LABELS[order])
    np.testing.assert_allclose(_take(gradient_cosine, shuffled), _take(gradient_cosine, _examples()), **CLOSE)
    both = [_take(batch_gradient_cosine(3), examples) for examples in (shuffled, _examples())]
    assert abs(both[0] - both[1]) > 1e-3


def test_a_pool_is_read_by_index():
    pool = np.full((90, 2), np.nan)
    rows = np.random.default_rng(2).permutation(np.arange(1, 90))[:COUNT]
    pool[rows] = X
    examples = dataclasses.replace(_examples(x=rows), _pool=jnp.asarray(pool))
    np.testing.assert_allclose(_take(gradient_cosine, examples), np.mean(_pairs()), **CLOSE)


def test_what_is_not_finite_gives_nan_for_that_run_only():
    examples = _examples(np.random.default_rng(3).normal(size=(6, 2)), np.zeros(6, int))
    model = lambda params, x: jnp.square(x @ params)  # noqa: E731
    stacked = jnp.stack([jnp.ones((2, 1)), jnp.full((2, 1), jnp.nan), jnp.full((2, 1), jnp.inf), -jnp.ones((2, 1))])
    values = jax.jit(jax.vmap(lambda params: _take(gradient_cosine, examples, params, output, model)))(stacked)
    alone = _take(gradient_cosine, examples, np.ones((2, 1)), output, model)
    np.testing.assert_allclose(values, [alone, np.nan, np.nan, alone], **CLOSE)


@pytest.mark.parametrize("size", [0, -1, 2.5, "20", True])
def test_a_bad_batch_size_has_its_sentence(size):
    with pytest.raises(InputError, match=r"batch_size is .*: give a whole number of at least 1"):
        batch_gradient_cosine(size)


SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=3, num_classes=3),
    model=mj.models.MLP(hidden=(6,), activation="tanh"),
    steps=1,
    record_every=1,
    test_size=4,
    snapshots=(0,),
    measures=("loss", "gradient_cosine", batch_gradient_cosine(3)),
)


@pytest.mark.long
def test_a_sweep_records_that_of_the_initial_parameters(tmp_path):
    over = {"train_size": [5, 20], "seed": [0, 3]}
    packing = mj.Packing(schedule="batched", width=8, runs=4, lanes=1)
    ds = mj.sweep(SPEC, over=over, packing=packing, store=tmp_path)
    for size, seed in itertools.product(*over.values()):
        run = {"train_size": size, "seed": seed}
        data = SPEC.task.draw(seed, size, 4).train
        naive = functools.partial(_pairs, mj.params(ds, run, step=0), x=data.x, y=data.y, model=_plain)
        np.testing.assert_allclose(ds.gradient_cosine.sel(run)[0], np.mean(naive()), **CLOSE)
        value = ds.batch_gradient_cosine.sel(run)[0]
        np.testing.assert_allclose(value, np.mean(naive(batch=3)) if size > 5 else np.nan, **CLOSE)
    assert ds.gradient_cosine.attrs["long_name"] == "mean cosine between gradients of examples"
    assert ds.batch_gradient_cosine.attrs["long_name"] == "mean cosine between gradients of batches of 3 examples"
    # The store knows the batch size: the same call reads it, another is refused.
    of_size = lambda size: dataclasses.replace(SPEC, measures=(*SPEC.measures[:2], batch_gradient_cosine(size)))  # noqa: E731
    again = mj.sweep(of_size(3), over=over, packing=packing, store=tmp_path)
    np.testing.assert_array_equal(again.batch_gradient_cosine, ds.batch_gradient_cosine)
    with pytest.raises(InputError, match="measures"):
        mj.sweep(of_size(4), over=over, packing=packing, store=tmp_path)


def _plain(params, x):
    """The swept network as anyone would write it."""
    hidden, out = params["layer_0"], params["layer_1"]
    return jnp.tanh(x @ hidden["kernel"] + hidden["bias"]) @ out["kernel"] + out["bias"]


def test_the_built_in_is_written_by_name_and_others_by_their_number():
    assert BUILT_IN["gradient_cosine"] is gradient_cosine and encode(gradient_cosine) == "gradient_cosine"
    named = batch_gradient_cosine(7, name="coarse")
    assert "batch_size=7" in reference(named) and "0x" not in reference(named)
    spec = dataclasses.replace(SPEC, measures=("gradient_cosine", named))
    assert mj.Experiment.from_json(to_json(spec), using=(batch_gradient_cosine(7, name="coarse"),)) == spec
