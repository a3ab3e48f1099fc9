"""Sharpness against the exact Hessian, and Lanczos on matrices whose eigenvalues are known."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import memjax as mj
from memjax import Examples, InputError, losses
from memjax.experiment.encode import encode, reference, to_json
from memjax.measures import BUILT_IN, hessian_top, sharpness
from memjax.measures.recorded.curvature import top_eigenvalue
from memjax.measures.recorded.tridiagonal import largest_of_tridiagonal

WIDTH, COUNT = 4, 10  # Ten examples in tiles of four: three tiles, two rows of padding.
RNG = np.random.default_rng(0)
X = RNG.normal(size=(COUNT, 2))
LABELS = RNG.integers(0, 3, COUNT)
TARGETS = RNG.normal(size=(COUNT, 3))
# 28 parameters, more than the iterations of `sharpness`.
PARAMS = {"hidden": {"b": RNG.normal(size=4), "w": RNG.normal(size=(2, 4))}, "out": [RNG.normal(size=(4, 4))[:, :3]]}
ALL = hessian_top(iterations=24)
CLOSE = {"rtol": 1e-6}  # Float32 against float64: measured 2.4e-7 at most in this file.
CASES = {"cross_entropy": LABELS, "mse": TARGETS}


def apply(params, x):
    return jnp.tanh(x @ params["hidden"]["w"] + params["hidden"]["b"]) @ params["out"][0]


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


def linear(params, x):
    return x @ params


@functools.partial(jax.jit, static_argnums=(0, 3, 4))
def _jitted(measure, params, examples, loss, model):
    return measure.bind(loss)(params, model, examples)


def _take(measure, examples, params=PARAMS, loss=losses.cross_entropy, model=apply):
    return _jitted(measure, jax.tree.map(jnp.asarray, params), examples, loss, model)


@functools.partial(jax.jit, static_argnums=(1, 4))
def _hessian(params, loss, x, y, model):
    flat, restore = ravel_pytree(params)
    return jax.hessian(lambda at: loss(model(restore(at), x), y).mean())(flat)


def _exact(params=PARAMS, loss=losses.cross_entropy, x=X, y=LABELS, model=apply):
    """Eigenvalues of the whole Hessian, in float64, rising."""
    with jax.enable_x64(True):
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), params)
        return np.linalg.eigvalsh(_hessian(params, loss, jnp.asarray(x, float), jnp.asarray(y), model))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cross_entropy", pytest.param("mse", marks=pytest.mark.slow)])
def test_sharpness_is_the_largest_eigenvalue_of_the_exact_hessian(name):
    loss, y = losses.get(name), CASES[name]
    eigenvalues = _exact(loss=loss, y=y)
    assert eigenvalues[0] < -1e-3  # Not convex: a Gauss-Newton matrix would have no negative ones.
    for layout in ({"before": 2, "after": 0}, {"before": 0, "after": 2}, {}):
        np.testing.assert_allclose(_take(sharpness, _examples(y=y, **layout), loss=loss), eigenvalues[-1], **CLOSE)
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            _take(ALL, _examples(y=y), loss=loss), eigenvalues[-1], rtol=1e-13
        )  # Measured 4e-16.


def test_of_a_linear_regression_it_is_that_of_the_inputs_second_moments():
    expected = 2 * np.linalg.eigvalsh(X.T @ X)[-1] / (COUNT * 3)
    value = _take(sharpness, _examples(y=TARGETS), RNG.normal(size=(2, 3)), losses.mse, linear)
    np.testing.assert_allclose(value, expected, **CLOSE)


@pytest.mark.slow
def test_parameters_of_16_bits_give_a_number_of_32():
    params, expected = jnp.ones((2, 3), jnp.bfloat16), 2 * np.linalg.eigvalsh(X.T @ X)[-1] / (COUNT * 3)
    value = _jitted(sharpness, params, _examples(y=TARGETS), losses.mse, linear)
    assert value.dtype == jnp.float32
    np.testing.assert_allclose(value, expected, rtol=2e-2)  # Three digits of a product: measured 5e-3.


def test_of_a_softmax_regression_at_zero_it_is_that_of_the_inputs_over_the_classes():
    # The Hessian is X^T X / N times (I / C - 1 / C^2), whose eigenvalues are 1 / C and 0.
    expected = np.linalg.eigvalsh(X.T @ X)[-1] / COUNT / 3
    np.testing.assert_allclose(_take(sharpness, _examples(), np.zeros((2, 3)), model=linear), expected, **CLOSE)


@pytest.mark.slow
def test_where_the_loss_curves_down_everywhere_it_is_the_least_negative():
    downward = lambda outputs, targets: -jnp.square(outputs).sum(-1)  # noqa: E731
    values = -2 * np.linalg.eigvalsh(X.T @ X) / COUNT
    value = _take(sharpness, _examples(), np.ones((2, 1)), downward, linear)
    np.testing.assert_allclose(value, values.max(), **CLOSE)
    # One eigenvalue only, so that the process ends at once and its unused places must not count.
    same = _take(sharpness, _examples(x=np.eye(4), y=np.zeros(4, int)), np.ones((4, 9)), downward, linear)
    np.testing.assert_allclose(same, -0.5, **CLOSE)


def test_the_order_of_the_examples_does_not_matter():
    order = np.random.default_rng(1).permutation(COUNT)
    value = _take(sharpness, _examples(X[order], LABELS[order]))
    np.testing.assert_allclose(value, _take(sharpness, _examples()), **CLOSE)


@pytest.mark.slow
def test_a_pool_is_read_by_index():
    pool = np.full((30, 2), np.nan)
    rows = np.random.default_rng(2).permutation(np.arange(1, 30))[:COUNT]
    pool[rows] = X
    examples = dataclasses.replace(_examples(x=rows), _pool=jnp.asarray(pool))
    np.testing.assert_allclose(_take(sharpness, examples), _take(sharpness, _examples()), **CLOSE)


def test_a_constant_or_a_linear_loss_is_flat():
    for loss in (lambda out, y: 0 * out.sum(-1), lambda out, y: out.sum(-1)):
        assert _take(sharpness, _examples(), np.ones((2, 3)), loss, linear) == 0


def shifted(params, x):
    return apply(params, x) + params["shift"]


@jax.jit
def _rough(params):
    """Too few iterations to have forgotten the start vector."""
    return hessian_top(iterations=3).bind(losses.cross_entropy)(params, shifted, _examples())


@pytest.mark.slow
def test_what_is_not_finite_gives_nan_for_that_run_only_and_company_changes_nothing():
    stacked = {name: jax.tree.map(lambda leaf: np.stack([leaf, leaf * np.nan, 2 * leaf, leaf, leaf]), part)
               for name, part in PARAMS.items()} | {"shift": np.array([0, 0, 0, 0, np.inf])}  # fmt: skip
    stacked = jax.tree.map(np.float32, stacked)
    alone = [_rough(jax.tree.map(lambda leaf, run=run: leaf[run], stacked)) for run in (0, 2)]
    np.testing.assert_allclose(
        jax.jit(jax.vmap(_rough))(stacked), [alone[0], np.nan, alone[1], alone[0], np.nan], **CLOSE
    )


ROTATION = np.linalg.qr(np.random.default_rng(3).normal(size=(40, 40)))[0]
SPECTRA = {
    "positive": np.linspace(0.1, 3, 40),
    "largest magnitude negative": np.linspace(-50, 2, 40),
    "negative": np.linspace(-50, -2, 40),
    "three values": np.repeat([-1.0, 0.5, 2.0], [20, 19, 1]),
    "three negative values": np.repeat([-3.0, -2.0, -1.0], [20, 19, 1]),
    "one value": np.full(40, -3.0),
    "one direction": np.repeat([0.0, 7.0], [39, 1]),
    "zero": np.zeros(40),
    "tiny": np.linspace(-1e-27, 2e-27, 40),
    "huge": np.linspace(-1e27, 2e27, 40),
    "wide": np.geomspace(1e-9, 1e3, 40),
}


@functools.partial(jax.jit, static_argnums=1)
def _top(matrix, iterations):
    return top_eigenvalue(lambda vector: matrix @ vector, matrix[0], iterations)


@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA)
def test_lanczos_finds_the_largest_of_any_spectrum(spectrum):
    scale = np.abs(spectrum).max()
    matrix = (ROTATION * spectrum) @ ROTATION.T
    # Measured, of the largest magnitude: 4e-7 in float32, 9e-16 in float64. More iterations than the matrix has rows.
    np.testing.assert_allclose(_top(jnp.asarray(matrix, jnp.float32), 60), spectrum.max(), rtol=0, atol=2e-6 * scale)
    with jax.enable_x64(True):
        np.testing.assert_allclose(_top(jnp.asarray(matrix), 60), spectrum.max(), rtol=0, atol=1e-14 * scale)


@pytest.mark.slow
def test_lanczos_comes_from_below_and_keeps_what_it_found():
    matrix = jnp.asarray((ROTATION * SPECTRA["positive"]) @ ROTATION.T, jnp.float32)
    found = [float(_top(matrix, count)) for count in (1, 4, 8, 60)]
    assert all(low <= high * (1 + 1e-6) for low, high in zip(found, [*found[1:], 3.0], strict=True))
    assert found[0] < 2 < found[2]


def test_lanczos_starts_from_the_same_vector_whatever_the_parameters_are():
    top = jax.jit(lambda like: top_eigenvalue(lambda vector: jnp.arange(40.0) * vector, like, 3))
    values = [top(np.full(40, like, np.float32)) for like in (0, 1, np.nan)]
    assert 20 < values[0] < 38 and values[0] == values[1] == values[2]


def test_lanczos_on_trees_on_one_number_and_on_none():
    times = lambda factor, tree: top_eigenvalue(lambda v: jax.tree.map(lambda leaf: factor * leaf, v), tree, 10**6)  # noqa: E731
    tree = {"a": jnp.ones((2, 2)), "b": [jnp.ones(())]}
    values = jax.jit(lambda: (times(2, tree), times(-1, jnp.ones(1)), times(2, {})))()
    np.testing.assert_allclose(values, [2, -1, 0], **CLOSE)


@pytest.mark.parametrize("iterations", [0, -1, 2.5, "20", True])
def test_a_bad_number_of_iterations_has_its_sentence(iterations):
    with pytest.raises(InputError, match=r"iterations is .*: give a whole number of at least 1"):
        hessian_top(iterations)


SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=3, num_classes=3),
    model=mj.models.MLP(hidden=(6,), activation="tanh"),
    steps=2,
    record_every=1,
    test_size=4,
    snapshots=(0,),
    measures=("loss", "sharpness"),
)


@pytest.mark.long
def test_a_sweep_records_that_of_the_initial_parameters():
    over = {"train_size": [5, 20], "seed": [0, 3]}
    ds = mj.sweep(SPEC, over=over, packing=mj.Packing(schedule="streamed", width=8, runs=4, lanes=1))
    assert ds.sharpness.dims == ("train_size", "seed", "step")
    assert ds.sharpness.attrs["long_name"] == "sharpness: largest Hessian eigenvalue of the train loss"
    for size, seed in itertools.product(*over.values()):
        run = {"train_size": size, "seed": seed}
        data = SPEC.task.draw(seed, size, 4).train
        exact = _exact(mj.params(ds, run, step=0), x=data.x, y=data.y, model=_plain)[-1]
        np.testing.assert_allclose(ds.sharpness.sel(run)[0], exact, **CLOSE)
    assert (ds.sharpness.diff("step") != 0).all()


def _plain(params, x):
    """The swept network as anyone would write it."""
    hidden, out = params["layer_0"], params["layer_1"]
    return jnp.tanh(x @ hidden["kernel"] + hidden["bias"]) @ out["kernel"] + out["bias"]


def test_the_built_in_is_written_by_name_and_others_by_their_number():
    assert BUILT_IN["sharpness"] is sharpness and encode(hessian_top(20)) == "sharpness"
    assert "iterations=7" in reference(hessian_top(7)) and "0x" not in reference(hessian_top(7))
    spec = dataclasses.replace(SPEC, measures=(hessian_top(7, name="rough"), "sharpness"))
    assert mj.Experiment.from_json(to_json(spec), using=(hessian_top(7, name="rough"),)) == spec


@pytest.mark.parametrize("size", [2, 20])
def test_the_largest_eigenvalue_of_a_tridiagonal_matrix_has_the_bits_that_jax_gives_it(size):
    """Random matrices, some in two parts and some all but diagonal, one with equal entries; records must keep their bits."""
    rng = np.random.default_rng(size)
    diagonal = rng.normal(size=(40, size)).astype(np.float32)
    beside = (rng.normal(size=(40, size - 1)) * rng.choice([0, 1e-4, 1], (40, 1))).astype(np.float32)
    diagonal[0], beside[0], beside[1, 0] = 1, 0, 0

    def by_jax(diagonal, beside):
        select = {"eigvals_only": True, "select": "i", "select_range": (size - 1, size - 1)}
        return jax.scipy.linalg.eigh_tridiagonal(diagonal, beside, **select)[0]

    found, given = (np.asarray(jax.jit(jax.vmap(f))(diagonal, beside)) for f in (largest_of_tridiagonal, by_jax))
    np.testing.assert_array_equal(found, given)
    whole = [np.diag(d) + np.diag(b, 1) + np.diag(b, -1) for d, b in zip(diagonal.astype(float), beside, strict=True)]
    np.testing.assert_allclose(found, np.linalg.eigvalsh(whole)[:, -1], rtol=1e-6, atol=1e-6)
