"""Measures and the sums under them against naive NumPy, on ragged examples whose padding is NaN."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax

from memjax import Examples, InputError, Measure, Tile, losses, measures
from memjax.measures import settle

WIDTH, COUNT, CLASSES = 4, 10, 3  # Ten examples in tiles of four: three tiles, two rows of padding.
RNG = np.random.default_rng(0)
X = RNG.normal(size=(COUNT, 2)).astype(np.float32)
Y = RNG.integers(0, CLASSES, COUNT).astype(np.int32)
PARAMS = {
    "hidden": {"w": RNG.normal(size=(2, 5)).astype(np.float32)},
    "out": RNG.normal(size=(5, 3)).astype(np.float32),
}


def apply(params, x):
    return jnp.tanh(x @ params["hidden"]["w"]) @ params["out"]


def _tiles(rows, before=0, after=0, fill=np.nan):
    """Rows as tiles, with padding and the tiles of other runs on either side full of poison."""
    fill = fill if np.issubdtype(rows.dtype, np.floating) else 0
    padded = np.full((-(-len(rows) // WIDTH) * WIDTH, *rows.shape[1:]), fill, rows.dtype)
    padded[: len(rows)] = rows
    tiles = padded.reshape(-1, WIDTH, *rows.shape[1:])
    other = np.full((1, *tiles.shape[1:]), fill, rows.dtype)
    return np.concatenate([other] * before + [tiles] + [other] * after)


def _examples(x=X, y=Y, before=0, after=0):
    tiles = -(-len(x) // WIDTH)
    args = np.int32(before), np.int32(len(x)), np.int32(tiles + after)
    return Examples(_tiles(x, before, after), _tiles(y, before, after), None, *args)


LAYOUTS = {
    "alone": {},
    "after others": {"before": 2},
    "before others": {"after": 2},
    "between": {"before": 1, "after": 1},
}
layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


@functools.partial(jax.jit, static_argnums=(0, 3, 4))
def _jitted(measure, examples, params, loss, model):
    """What the engine does with a measure."""
    function = measure.bind(loss)
    if not measure.per_example:
        return function(params, model, examples)
    total = examples.sum(lambda tile: tile.sum(function(params, model, tile)))
    return total / examples.size if measure.reduce == "mean" else total


def _take(measure, examples, params=PARAMS, loss=losses.cross_entropy, model=apply):
    return jax.device_get(_jitted(measure, examples, params, loss, model))


@functools.partial(jax.jit, static_argnums=0)
def _gradient(loss, params, y):
    return jax.grad(lambda params: loss(apply(params, X), y).mean())(params)


OUT = np.tanh(X.astype(float) @ PARAMS["hidden"]["w"]) @ PARAMS["out"]
NATS = -log_softmax(OUT, axis=1)[np.arange(COUNT), Y]
CLOSE = {"rtol": 2e-6}  # Float32 against float64: measured 1e-7 at most.


@layouts
def test_loss_is_the_mean_negative_log_likelihood(layout):
    np.testing.assert_allclose(_take(measures.loss, _examples(**layout)), NATS.mean(), **CLOSE)


def test_loss_is_of_the_experiments_own_loss():
    targets = RNG.normal(size=(COUNT, 3)).astype(np.float32)
    value = _take(measures.loss, _examples(y=targets), loss=losses.mse)
    np.testing.assert_allclose(value, ((OUT - targets) ** 2).mean(), **CLOSE)


@layouts
def test_accuracy_is_the_share_whose_largest_output_is_the_label(layout):
    expected = np.mean([max(range(3), key=lambda c, row=row: row[c]) == y for row, y in zip(OUT, Y, strict=True)])
    assert 0 < expected < 1
    np.testing.assert_allclose(_take(measures.accuracy, _examples(**layout)), expected, **CLOSE)


def test_accuracy_of_ties_goes_to_the_lower_class_and_of_nan_is_nan():
    flat = _take(measures.accuracy, _examples(), model=lambda params, x: jnp.zeros((len(x), 3)))
    np.testing.assert_allclose(flat, np.mean(Y == 0), **CLOSE)
    assert np.isnan(_take(measures.accuracy, _examples(), model=lambda params, x: jnp.full((len(x), 3), jnp.nan)))


def test_the_margin_of_a_row_with_nan_is_nan_also_among_many():
    """XLA's maximum over a large array skips NaN on a CPU."""
    outputs = np.zeros((512, 17), np.float32)
    outputs[3, 16] = np.nan
    tile = Tile(jnp.asarray(outputs), jnp.zeros(512, int), jnp.ones(512, bool))
    margin = jax.jit(lambda tile: measures.logit_margin.function(None, lambda params, x: x, tile))(tile)
    assert np.flatnonzero(np.isnan(margin)).tolist() == [3]


@layouts
def test_logit_margin_is_the_label_minus_the_best_other(layout):
    naive = [row[y] - max(v for c, v in enumerate(row) if c != y) for row, y in zip(OUT, Y, strict=True)]
    value = _take(measures.logit_margin, _examples(**layout))
    np.testing.assert_allclose(value, np.mean(naive), **CLOSE)


@layouts
def test_memorized_bits_are_the_saving_over_uniform_guessing(layout):
    expected = COUNT * (np.log(3) - NATS.mean()) / np.log(2)
    np.testing.assert_allclose(_take(measures.memorized_bits, _examples(**layout)), expected, **CLOSE)


def test_memorized_bits_of_a_uniform_and_of_a_perfect_predictor():
    labels = _examples(x=np.eye(3, dtype=np.float32)[Y])
    uniform = _take(measures.memorized_bits, labels, model=lambda params, x: 7 + jnp.zeros((len(x), 3)))
    assert abs(float(uniform)) < 2e-5  # Ten times half an ulp of 7 + ln 3, in bits: measured 6.9e-6.
    perfect = _take(measures.memorized_bits, labels, model=lambda params, x: 100 * x)
    np.testing.assert_allclose(perfect, COUNT * np.log2(3), rtol=1e-6)


def test_norms_are_those_of_the_flat_vector_and_of_each_array():
    flat = np.concatenate([np.ravel(leaf).astype(float) for leaf in jax.tree.leaves(PARAMS)])
    np.testing.assert_allclose(_take(measures.weight_l2, _examples()), np.linalg.norm(flat), **CLOSE)
    layers = _take(measures.layer_l2, _examples())
    assert list(layers) == ["hidden/w", "out"]
    np.testing.assert_allclose(layers["hidden/w"], np.linalg.norm(PARAMS["hidden"]["w"]), **CLOSE)
    np.testing.assert_allclose(layers["out"], np.linalg.norm(PARAMS["out"]), **CLOSE)
    whole = np.sqrt(sum(float(norm) ** 2 for norm in layers.values()))
    np.testing.assert_allclose(_take(measures.weight_l2, _examples()), whole, **CLOSE)


def test_layers_in_lists_are_named_by_their_place():
    layers = _take(measures.layer_l2, _examples(), params=[np.ones(4, np.float32), (np.ones(9, np.float32),)])
    assert {name: float(norm) for name, norm in layers.items()} == {"0": 2.0, "1/0": 3.0}


@pytest.mark.parametrize(("name", "layout"), [("mse", {}), *(("cross_entropy", layout) for layout in LAYOUTS.values())])
def test_gradient_norm_is_that_of_the_mean_loss_over_the_split(name, layout):
    y = Y if name == "cross_entropy" else RNG.normal(size=(COUNT, 3)).astype(np.float32)
    loss = losses.get(name)
    gradient = jax.device_get(_gradient(loss, PARAMS, y))
    expected = np.sqrt(sum(np.sum(np.square(leaf, dtype=float)) for leaf in jax.tree.leaves(gradient)))
    value = _take(measures.gradient_norm, _examples(y=y, **layout), loss=loss)
    np.testing.assert_allclose(value, expected, rtol=5e-6)


def test_gradient_norm_vanishes_at_the_minimum_of_a_linear_regression():
    design = np.random.default_rng(1).normal(size=(COUNT, 2)).astype(np.float32)
    target = (design @ [[2.0], [-1.0]] + 0.1 * np.arange(COUNT)[:, None]).astype(np.float32)
    best = np.linalg.lstsq(design.astype(float), target.astype(float), rcond=None)[0].astype(np.float32)
    examples = _examples(x=design, y=target)
    product = lambda p, x: x @ p  # noqa: E731
    at = lambda w: float(_take(measures.gradient_norm, examples, w, losses.mse, product))  # noqa: E731
    assert at(best) < 1e-6 * at(best + 1)


def test_a_pool_is_read_by_index_and_its_other_rows_do_not_matter():
    pool = np.full((30, 2), np.nan, np.float32)
    rows = np.random.default_rng(2).permutation(np.arange(1, 30))[:COUNT].astype(np.int32)
    pool[rows] = X
    examples = dataclasses.replace(_examples(x=rows), _pool=pool)
    for measure in (measures.loss, measures.gradient_norm, measures.accuracy, measures.memorized_bits):
        np.testing.assert_allclose(_take(measure, examples), _take(measure, _examples()), rtol=1e-6)


def test_a_single_tile_may_be_full_or_hold_one_example():
    for count in (1, WIDTH, WIDTH + 1, COUNT):
        value = _take(measures.loss, _examples(x=X[:count], y=Y[:count]))
        np.testing.assert_allclose(value, NATS[:count].mean(), **CLOSE)


def test_a_tile_sums_its_real_examples_whatever_the_padding_holds():
    tile = Tile(jnp.zeros((4, 2)), jnp.zeros(4), jnp.array([True, False, True, False]))
    assert float(tile.sum(jnp.array([1.0, jnp.nan, 4.0, jnp.inf]))) == 5.0
    assert np.isnan(tile.sum(jnp.array([jnp.nan, 0.0, 4.0, 0.0])))


def test_take_picks_rows_across_tiles_and_hides_what_is_masked():
    tile = jax.jit(Examples.take)(_examples(), np.array([9, 0, 5, 11]), np.array([True, True, True, False]))
    np.testing.assert_array_equal(tile.x, [X[9], X[0], X[5], X[0]])
    np.testing.assert_array_equal(tile.y[:3], Y[[9, 0, 5]])


def test_a_tile_reads_its_own_rows_and_the_first_of_them_for_padding():
    examples = _examples(before=1, after=1)
    at = jax.jit(Examples.tile)
    for index in range(3):
        tile = at(examples, np.int32(index))
        real = X[index * WIDTH : (index + 1) * WIDTH]
        np.testing.assert_array_equal(tile.x[: len(real)], real)
        np.testing.assert_array_equal(tile.x[len(real) :], np.broadcast_to(X[0], (WIDTH - len(real), 2)))
        assert tile.mask.tolist() == [True] * len(real) + [False] * (WIDTH - len(real))
    assert not at(examples, np.int32(3)).mask.any()


def test_mean_is_the_mean_over_the_examples_under_a_traced_count():
    whole = _examples(after=1)
    mean = jax.jit(lambda whole, count: dataclasses.replace(whole, size=count).mean(lambda tile: tile.x[:, 0] ** 2))
    for count in (3, 4, 7, COUNT):
        np.testing.assert_allclose(mean(whole, np.int32(count)), (X[:count, 0].astype(float) ** 2).mean(), **CLOSE)


def test_the_gradient_through_a_measure_of_padded_examples_is_finite():
    examples = _examples(before=1, after=1)
    of_loss = lambda p: _jitted(measures.loss, examples, p, losses.cross_entropy, apply)  # noqa: E731
    gradient, naive = jax.jit(jax.jacfwd(of_loss))(PARAMS), _gradient(losses.cross_entropy, PARAMS, Y)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), gradient, naive)


def spread(params, apply, examples):
    return 0.0


def with_loss(params, apply, examples, *, loss):
    return loss


def test_the_measures_that_are_exported_are_built_in():
    exported = {name for name in measures.__all__ if isinstance(getattr(measures, name), Measure)}
    assert set(measures.BUILT_IN) == exported
    assert list(measures.BUILT_IN)[:4] == ["loss", "step_loss", "accuracy", "sign_accuracy"]


def test_names_and_functions_become_measures():
    found = settle(["accuracy", spread, Measure(spread, "other", per_example=True, reduce="sum")])
    assert [m.name for m in found] == ["accuracy", "spread", "other"]
    assert found[0] is measures.accuracy and found[1].function is spread
    assert [measures.loss.variable("test"), measures.weight_l2.variable("train")] == ["test_loss", "weight_l2"]


def test_the_loss_is_supplied_only_where_it_is_asked_for():
    assert Measure(with_loss, "m").bind(losses.mse)(None, None, None) is losses.mse
    assert Measure(spread, "m").bind(losses.mse) is spread


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: settle(["los"]), r"The measure 'los' is not known: use loss, step_loss, accuracy"),
        (lambda: settle(["loss", "loss"]), r"Two measures are named 'loss'"),
        (lambda: settle([spread, Measure(spread, "spread")]), r"Two measures are named 'spread'"),
        (lambda: settle([3]), r"The measure 3 is neither a name nor a function"),
        (lambda: settle([lambda params, apply, examples: 0]), r"has no usable name: wrap it"),
        (lambda: Measure(spread, "m", reduce="max"), r"The measure 'm' has reduce = 'max': use mean or sum"),
        (lambda: Measure(spread, "m", splits=("a val",)), r"The measure 'm' has splits = \('a val',\)"),
        (lambda: Measure(spread, "m", splits=()), r"The measure 'm' has splits = \(\)"),
    ],
)
def test_bad_measures_have_their_sentence(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()


def test_log_odds_and_the_norm_of_the_error_are_those_of_the_probabilities():
    outputs = np.array([[2.0, -1.0, 0.5], [30.0, 0.0, -5.0]])
    labels = np.array([1, 0])
    tile = Tile(jnp.asarray(outputs, jnp.float32), jnp.asarray(labels), jnp.ones(2, bool))
    chance = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    own = chance[range(2), labels]
    # The second would be infinite from 1 - p in float32: the sum over the others keeps it.
    others = np.log((np.exp(outputs) * (np.arange(3) != labels[:, None])).sum(1))
    assert measures.log_odds.function(None, lambda _, x: x, tile) == pytest.approx(outputs[range(2), labels] - others)
    assert np.log(own[0] / (1 - own[0])) == pytest.approx(outputs[0, 1] - others[0])
    errors = np.sqrt(((chance - np.eye(3)[labels]) ** 2).sum(1))
    assert measures.el2n.function(None, lambda _, x: x, tile) == pytest.approx(errors, rel=1e-5, abs=1e-7)
