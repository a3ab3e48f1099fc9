"""Data dimensionality against QR and SVD, its definition as a supremum, closed forms, and the published gradient ascent."""

import functools
import sys
import tracemalloc

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
import pytest
import scipy.linalg

from memjax import InputError
from memjax.measures import (
    HiddenSpace,
    data_dimensionality,
    feature_dimensionality,
    hidden_space,
    maximal_direction,
)
from memjax.measures.arrays import whitening
from memjax.measures.arrays.activations import default_rtol

EPS32, EPS64 = 2.0**-23, 2.0**-52
N, M = 300, 12
H = np.maximum(np.random.default_rng(0).normal(size=(N, M)) @ np.random.default_rng(1).normal(size=(M, M)) + 0.5, 0)
# Scores from 0 to 1 of activations with a condition number of 6 to 32, against LAPACK: measured 4e-16.
CLOSE = {"rtol": 0, "atol": 1e-14}


def of_qr(h):
    """Leverage of independent columns by Householder QR."""
    return np.square(np.linalg.qr(h)[0]).sum(-1)


def of_svd(h, rtol):
    """Leverage and rank of any columns, by singular values of the columns scaled to unit norm."""
    norms = np.linalg.norm(h, axis=0)
    left, values, _ = np.linalg.svd(h[:, norms > 0] / norms[norms > 0], full_matrices=False)
    keep = values > rtol * values[0]
    return np.square(left[:, keep]).sum(-1), keep.sum()


def conditioned(condition, count=400, width=20, seed=3):
    """Columns whose singular values fall evenly, in logarithm, to the largest over the condition number."""
    rng = np.random.default_rng(seed)
    left, right = np.linalg.qr(rng.normal(size=(count, width)))[0], np.linalg.qr(rng.normal(size=(width, width)))[0]
    return left * np.geomspace(1, 1 / condition, width) @ right


@pytest.fixture
def on_jax(monkeypatch):
    """Arrays of JAX are worked on by JAX, as on an accelerator."""
    monkeypatch.setattr(whitening, "namespace", lambda h: jnp if isinstance(h, jax.Array) else np)
    for module in ("leverage", "activations"):
        monkeypatch.setattr(sys.modules[f"memjax.measures.arrays.{module}"], "namespace", whitening.namespace)


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of 7 rows of 12 neurons, of one batch entry at a time."""
    monkeypatch.setattr(whitening, "_CHUNK_BYTES", 7 * M * 8)


# Errors over machine epsilon times the condition number: measured 0.024, and 0.025 of QR itself with one rounding of the input.
@pytest.mark.parametrize("condition", [1e2, 1e6, 1e8, 1e10, 1e12])
def test_it_is_the_leverage_by_qr_as_exactly_as_the_condition_allows(condition):
    h = conditioned(condition)
    scores = data_dimensionality(h)
    np.testing.assert_allclose(scores, of_qr(h), rtol=0, atol=0.2 * EPS64 * condition)
    assert scores.sum() == pytest.approx(20, abs=4 * EPS64 * condition)


def test_it_is_the_diagonal_of_the_projection_on_rank_deficient_columns():
    rng = np.random.default_rng(4)
    h = np.concatenate([H, np.zeros((N, 2)), H[:, :3], H @ rng.normal(size=(M, 4))], axis=1)
    space = hidden_space(h)
    assert (space.rank, space.live, space.rank.dtype) == (M, M + 7, np.float64)
    np.testing.assert_allclose(data_dimensionality(h), np.diag(h @ np.linalg.pinv(h, rcond=1e-10)), **CLOSE)
    np.testing.assert_allclose(data_dimensionality(h), data_dimensionality(H), **CLOSE)
    np.testing.assert_allclose(data_dimensionality(h).sum(), space.rank, rtol=1e-13)


def test_it_is_the_supremum_of_its_definition():
    scores, space = data_dimensionality(H), hidden_space(H)
    v = np.random.default_rng(5).normal(size=(2000, M))
    quotients = np.square(v @ H.T) / np.square(v @ H.T).sum(-1, keepdims=True)
    assert (quotients < scores).all()
    best = maximal_direction(H, space)
    own = np.einsum("im,im->i", best, H)
    np.testing.assert_allclose(own, scores, **CLOSE)
    np.testing.assert_allclose(np.square(best @ H.T).sum(-1), scores, **CLOSE)
    np.testing.assert_allclose(best, np.linalg.solve(H.T @ H, H.T).T, rtol=1e-10, atol=1e-15)
    # Any step aside is worse: a maximum, not only a value that fits.
    aside = best + 1e-3 * np.linalg.norm(best, axis=-1, keepdims=True) * v[:N] / np.linalg.norm(v[:N], axis=-1)[:, None]
    lower = np.einsum("im,im->i", aside, H) ** 2 / np.square(aside @ H.T).sum(-1)
    assert (lower < scores).all()


def test_closed_forms():
    hadamard = scipy.linalg.hadamard(8)[:, :3]
    np.testing.assert_allclose(data_dimensionality(hadamard), 3 / 8, **CLOSE)
    # One-hot rows: a direction is shared by its copies; a row that is alone in one has it all; zeros have none.
    labels = np.array([0, 0, 0, 1, 1, 2])
    rows = np.concatenate([np.eye(4)[labels] * np.array([5, 5, 5, -2, -2, 1e-3])[:, None], np.zeros((2, 4))])
    np.testing.assert_allclose(data_dimensionality(rows), [1 / 3, 1 / 3, 1 / 3, 0.5, 0.5, 1, 0, 0], **CLOSE)
    assert (hidden_space(rows).rank, hidden_space(rows).live) == (3, 3)
    # Different lengths share in the ratio of their squares.
    np.testing.assert_allclose(data_dimensionality([[3.0, 3.0], [4.0, 4.0]]), [0.36, 0.64], **CLOSE)


def test_with_fewer_examples_than_neurons_independent_ones_have_a_direction_each():
    h = np.random.default_rng(6).normal(size=(7, 30))
    np.testing.assert_allclose(data_dimensionality(h), 1, **CLOSE)
    doubled = np.concatenate([h, h[:2]])
    np.testing.assert_allclose(data_dimensionality(doubled), [0.5, 0.5, 1, 1, 1, 1, 1, 0.5, 0.5], **CLOSE)
    assert hidden_space(doubled).rank == 7


def test_mixing_scaling_copying_and_order_of_neurons_do_not_matter():
    rng, scores = np.random.default_rng(7), data_dimensionality(H)
    mixing = rng.normal(size=(M, M))
    np.testing.assert_allclose(data_dimensionality(H @ mixing), scores, **CLOSE)
    np.testing.assert_allclose(data_dimensionality(H * np.geomspace(1e-150, 1e150, M)), scores, **CLOSE)
    np.testing.assert_allclose(data_dimensionality(H[:, rng.permutation(M)]), scores, **CLOSE)
    np.testing.assert_allclose(data_dimensionality(np.repeat(H, 3, axis=1)), scores, **CLOSE)
    order = rng.permutation(N)
    np.testing.assert_allclose(data_dimensionality(H[order]), scores[order], **CLOSE)


@pytest.mark.parametrize("rtol", [1e-2, 1e-5, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8, 1e-10, 1e-12])
@pytest.mark.parametrize("off", [0.97, 1.03])
def test_the_cut_is_where_the_docstring_says_at_any_rtol(rtol, off):
    # Of directions on both sides, a factor of 5 apart. Error over epsilon / rtol measured 0.02, of the SVD itself with one
    # rounding of the input 0.06.
    h = conditioned(1e13)
    values = np.linalg.svd(h / np.linalg.norm(h, axis=0), compute_uv=False)
    rtol = off * values[np.searchsorted(-values, -rtol * values[0])] / values[0]
    scores, rank = of_svd(h, rtol)
    assert hidden_space(h, rtol=rtol).rank == rank
    np.testing.assert_allclose(data_dimensionality(h, rtol=rtol), scores, rtol=0, atol=0.5 * EPS64 / rtol)


def _dependent(dtype, count, width, seed):
    """Neurons that depend on others in exact arithmetic, by forward passes in a dtype, with their rank."""
    rng = np.random.default_rng(seed)
    x, kernel = rng.normal(size=(count, width)).astype(dtype), rng.normal(size=(width, width)).astype(dtype)
    order, second = rng.permutation(width), rng.normal(size=(width, width)).astype(dtype)
    relu = np.maximum(x @ kernel, 0)
    again = np.maximum(x[:, order].copy() @ kernel[order].copy(), 0)
    yield "summed in another order", np.concatenate([relu, again], axis=1), width
    yield "sums of two", np.concatenate([relu, relu + relu[:, ::-1].copy()], axis=1), width
    yield "a linear layer on top", np.concatenate([relu, relu @ second], axis=1), width
    yield "through a bottleneck", relu @ second[:, : width // 2] @ second[: width // 2], width // 2
    yield "with biases", np.concatenate([x @ kernel + dtype(3), x @ second - dtype(2)], axis=1), width + 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("count", "width"), [(100, 4), (3000, 64)])
def test_neurons_that_depend_up_to_the_rounding_of_a_forward_pass_do_not_count(dtype, count, width):
    for name, h, rank in _dependent(dtype, count, width, seed=8):
        assert h.dtype == dtype
        space = hidden_space(h)
        assert (space.rank, space.live) == (rank, h.shape[1]), name
        # And the cut is far from anything: with one ten times as large or small the rank is the same.
        rtol = default_rtol(dtype, h.shape[1])
        assert of_svd(h.astype(float), 10 * rtol)[1] == rank, name
        if dtype == np.float32:
            assert of_svd(h.astype(float), rtol / 10)[1] == rank, name


def test_the_cut_of_numpy_would_take_real_directions_away():
    rng = np.random.default_rng(9)
    h = rng.normal(size=(50_000, 3)).astype(np.float32)
    # Singular values of 1.5e-5 and, below the cut but far above rounding, of 1.5e-6.
    for size, rank in [(3e-5, 3), (3e-6, 2)]:
        near = h.copy()
        near[:, 2] = h[:, 1] + np.float32(size) * h[:, 2]
        assert np.linalg.matrix_rank(near) == 2 and hidden_space(near).rank == rank
        assert hidden_space(near, rtol=1e-6).rank == 3
        # Scores of 6e-5 in the mean: measured 2.5e-14.
        expected, _ = of_svd(near.astype(float), 32 * EPS32)
        np.testing.assert_allclose(data_dimensionality(near), expected, rtol=0, atol=3e-13)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_numbers_of_16_bits(dtype):
    h = np.concatenate([H, H[:, :1] + H[:, 1:2]], axis=1).astype(dtype)
    assert default_rtol(dtype, M) == float(jnp.finfo(dtype).eps)
    assert (hidden_space(h).rank, hidden_space(h).live) == (M, M + 1)
    expected, _ = of_svd(h.astype(float), float(jnp.finfo(dtype).eps))
    np.testing.assert_allclose(data_dimensionality(h), expected, **CLOSE)


def test_numbers_that_are_no_floats_are_exact():
    h = np.random.default_rng(10).integers(-3, 4, size=(50, 6))
    np.testing.assert_array_equal(data_dimensionality(h), data_dimensionality(h.astype(float)))
    flags = h > 0
    np.testing.assert_array_equal(data_dimensionality(flags.tolist()), data_dimensionality(flags.astype(float)))
    assert default_rtol(np.dtype("float64"), 1024) == default_rtol(h.dtype, 1024) == 512 * EPS64
    assert default_rtol(h.dtype, 6) == whitening.smallest_rtol(6) == 64 * EPS64


BATCH = H[None, None] * np.random.default_rng(11).uniform(0.5, 2, size=(3, 2, N, M))


@pytest.mark.parametrize(
    ("chunked", "arrays"),
    [
        (False, np.asarray),
        (True, np.asarray),
        pytest.param(False, jnp.asarray, marks=pytest.mark.slow),
        pytest.param(True, jnp.asarray, marks=pytest.mark.slow),
    ],
)
def test_a_batch_is_its_entries_and_chunks_are_the_whole(arrays, chunked, request):
    single = [[of_qr(BATCH[i, j]) for j in range(2)] for i in range(3)]
    ridged = [[np.diag(h @ np.linalg.solve(h.T @ h + 9 * np.eye(M), h.T)) for h in row] for row in BATCH]
    request.getfixturevalue("on_jax")
    if chunked:
        request.getfixturevalue("small_chunks")
        assert len(list(whitening.chunks(BATCH[0, 0]))) == 43
    with jax.enable_x64(True):
        batch = arrays(BATCH)
    np.testing.assert_allclose(data_dimensionality(batch), single, **CLOSE)
    np.testing.assert_allclose(data_dimensionality(batch, ridge=9.0), ridged, **CLOSE)
    space = hidden_space(batch)
    assert [type(part) for part in space] == [np.ndarray] * 3 and space.whitening.shape == (3, 2, M, M)
    np.testing.assert_array_equal(space.rank, np.full((3, 2), M))
    np.testing.assert_allclose(data_dimensionality(batch, space=space), single, **CLOSE)
    v = maximal_direction(batch[:, :, :5], space)
    np.testing.assert_allclose((v * BATCH[:, :, :5]).sum(-1), np.asarray(single)[..., :5], **CLOSE)
    own = [[_own_directions(h) for h in row] for row in BATCH]
    np.testing.assert_allclose(feature_dimensionality(batch), own, **CLOSE)


@pytest.mark.parametrize(("shape", "calls"), [((5, 40, 6), 3), ((2, 5, 40, 6), 6), ((5, 6), 1)])
def test_batch_entries_go_through_in_groups_of_whole_entries(monkeypatch, shape, calls):
    monkeypatch.setattr(whitening, "_CHUNK_BYTES", 2 * 40 * 6 * 8)
    h, seen = np.random.default_rng(12).normal(size=shape), []

    def total(part, other):
        seen.append(part.shape)
        return {"sum": part.sum((-1, -2)), "other": other}

    found = whitening.by_groups(total, h, np.arange(np.prod(shape[:-2])).reshape(shape[:-2]))
    np.testing.assert_allclose(found["sum"], h.sum((-1, -2)), rtol=1e-12)
    np.testing.assert_array_equal(found["other"].ravel(), np.arange(np.prod(shape[:-2])))
    assert len(seen) == calls and max(np.prod(part) for part in seen) <= 2 * 40 * 6


@pytest.mark.slow
def test_one_diverged_entry_is_nan_and_its_neighbours_are_as_without_it(on_jax):
    single = data_dimensionality(H)
    for arrays, bad in [(np.asarray, np.nan), (np.asarray, -np.inf), (np.asarray, 1e200), (jnp.asarray, np.nan)]:
        batch = np.stack([H, H, H])
        batch[1, 5, 2] = bad
        batch[1, 6] = 0
        with jax.enable_x64(True):
            batch = arrays(batch)
        scores, space = data_dimensionality(batch), hidden_space(batch)
        np.testing.assert_array_equal(np.isnan(scores), [[False] * N, [True] * N, [False] * N])
        np.testing.assert_allclose(scores[::2], [single, single], **CLOSE)
        np.testing.assert_array_equal(space.rank, [M, np.nan, M])
        np.testing.assert_array_equal(space.live, [M, np.nan, M])
        assert np.isnan(maximal_direction(batch[1, :9], HiddenSpace(*(part[1] for part in space)))).all()
        assert (
            np.isnan(feature_dimensionality(batch)[1]).all() and np.isfinite(feature_dimensionality(batch)[::2]).all()
        )


def test_nothing_but_zeros():
    for h in (np.zeros((4, 3)), np.zeros((1, 1), bool)):
        assert not data_dimensionality(h).any() and not feature_dimensionality(h).any()
        assert not data_dimensionality(h, ridge=1.0).any() and not maximal_direction(h, hidden_space(h)).any()
        assert (hidden_space(h).rank, hidden_space(h).live) == (0, 0)


def _eigen_ridge(h, ridge):
    left, values, _ = np.linalg.svd(h, full_matrices=False)
    return np.square(left) @ (values**2 / (values**2 + ridge)), (values**2 / (values**2 + ridge)).sum()


@pytest.mark.parametrize("ridge", [1e-8, 1e-2, 1.0, 1e3])
def test_a_ridge_shrinks_every_direction_and_sums_to_the_degrees_of_freedom(ridge):
    h = np.concatenate([H, H[:, :2], np.zeros((N, 1))], axis=1)
    expected, freedom = _eigen_ridge(h, ridge)
    scores, space = data_dimensionality(h, ridge), hidden_space(h, ridge)
    np.testing.assert_allclose(scores, expected, **CLOSE)
    assert scores.sum() == pytest.approx(freedom, rel=1e-13)
    assert (space.rank, space.live) == (M + 3, M + 2)
    v = maximal_direction(h, space)
    np.testing.assert_allclose(np.square(v @ h.T).sum(-1) + ridge * np.square(v).sum(-1), scores, **CLOSE)


def test_a_ridge_tends_to_the_leverage_and_to_the_squared_length():
    scores = data_dimensionality(H)
    # Both ends in proportion to the ridge and to its inverse: measured 3e-10 and 8e-9.
    np.testing.assert_allclose(data_dimensionality(H, 1e-6), scores, rtol=0, atol=3e-9)
    np.testing.assert_array_equal(data_dimensionality(H, 1e-300), scores)
    np.testing.assert_allclose(1e12 * data_dimensionality(H, 1e12), np.square(H).sum(-1), rtol=1e-7)
    assert (data_dimensionality(H, 1.0) < scores).all()
    assert (np.abs(data_dimensionality(7 * H, 1.0) - data_dimensionality(H, 1.0)) > 1e-4).any()


def test_held_out_examples_are_measured_among_the_train_examples():
    space = hidden_space(H[:200])
    scores = data_dimensionality(H[200:], space=space)
    inverse = np.linalg.inv(H[:200].T @ H[:200])
    np.testing.assert_allclose(scores, np.einsum("im,mk,ik->i", H[200:], inverse, H[200:]), rtol=1e-11)
    np.testing.assert_allclose(data_dimensionality(10 * H[200:], space=space), 100 * scores, rtol=1e-12)
    assert data_dimensionality(10 * H[200:], space=space).max() > 1
    # What no train example has, here a neuron that is dead among them, does not count.
    dead = hidden_space(np.concatenate([H[:200], np.zeros((200, 1))], axis=1))
    outside = np.concatenate([H[200:], np.full((100, 1), 9.0)], axis=1)
    np.testing.assert_allclose(data_dimensionality(outside, space=dead), scores, rtol=1e-12)


def _own_directions(h):
    """Dimensionality by its formula, over all pairs."""
    lengths = np.linalg.norm(h, axis=-1)
    return lengths**2 / np.square(h / lengths[:, None] @ h.T).sum(-1)


def test_along_its_own_direction_an_example_never_has_more():
    np.testing.assert_allclose(feature_dimensionality(H), _own_directions(H), **CLOSE)
    assert (feature_dimensionality(H) < data_dimensionality(H)).all()
    orthogonal = np.eye(5)[[0, 0, 1, 2]] * np.array([[2.0], [2.0], [1.0], [1e-3]])
    np.testing.assert_allclose(feature_dimensionality(orthogonal), data_dimensionality(orthogonal), **CLOSE)


def test_dimensionality_of_features_in_superposition():
    def polygon(corners):
        angles = 2 * np.pi * np.arange(corners) / corners
        return 3 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)

    # A regular polygon shares two dimensions evenly; an antipodal pair one, beside a feature of its own.
    for corners in (3, 5, 8):
        np.testing.assert_allclose(feature_dimensionality(polygon(corners)), 2 / corners, **CLOSE)
    pair = [[1.0, 0.0], [-1.0, 0.0], [0.0, 4.0], [0.0, 0.0]]
    np.testing.assert_allclose(feature_dimensionality(pair), [0.5, 0.5, 1.0, 0.0], **CLOSE)


def test_the_callers_arrays_and_settings_are_left_alone(tmp_path):
    np.save(tmp_path / "h.npy", H.astype(np.float32))
    on_disk = np.load(tmp_path / "h.npy", mmap_mode="r")
    scores = data_dimensionality(on_disk)
    np.testing.assert_array_equal(scores, data_dimensionality(jnp.asarray(H, jnp.float32)))
    np.testing.assert_allclose(scores, of_qr(H.astype(np.float32).astype(float)), **CLOSE)
    np.testing.assert_array_equal(np.load(tmp_path / "h.npy"), H.astype(np.float32))
    assert jnp.ones(1).dtype == jnp.float32
    with jax.enable_x64(True):
        data_dimensionality(H)
        assert jnp.ones(1).dtype == jnp.float64


def test_no_second_copy_is_made(monkeypatch):
    monkeypatch.setattr(whitening, "_CHUNK_BYTES", 2**17)
    h = np.random.default_rng(13).normal(size=(2, 20_000, 16)).astype(np.float32)
    tracemalloc.start()
    data_dimensionality(h), feature_dimensionality(h)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Measured 0.8 MB: the results of 0.3 MB, their parts, and chunks. A copy in float64 is 5.1 MB, of one entry 2.6 MB.
    assert peak < 1.3e6


@functools.partial(jax.jit, static_argnums=2)
def _ascend(h, v, steps):
    """The published way: from H^T H, gradient ascent on one v per example, the rate warmed up and let down as a cosine."""
    gram = h.T @ h
    loss = lambda v: -((v * h).sum(-1) ** 2 / jnp.einsum("im,mk,ik->i", v, gram, v)).sum()  # noqa: E731
    optimizer = optax.adam(optax.warmup_cosine_decay_schedule(0.0, 0.05, steps // 10, steps))

    def step(_, carry):
        v, state = carry
        change, state = optimizer.update(jax.grad(loss)(v), state)
        return optax.apply_updates(v, change), state

    v = jax.lax.fori_loop(0, steps, step, (v, optimizer.init(v)))[0]
    return (v * h).sum(-1) ** 2 / jnp.einsum("im,mk,ik->i", v, gram, v)


def test_the_published_gradient_ascent_comes_near_from_below():
    scores = data_dimensionality(H)
    with jax.enable_x64(True):
        start = jnp.asarray(H / np.linalg.norm(H, axis=-1, keepdims=True))
        below = [scores - np.asarray(_ascend(jnp.asarray(H), start, steps)) for steps in (20, 100, 3000)]
    # Never above; mean shortfall of scores of 0.04 in the mean: measured 4e-3, 1e-5 and 0.
    assert below[0].min() > 1e-5 and min(shortfall.min() for shortfall in below) > -1e-14
    assert below[0].mean() > 1e-3 > 1e-4 > below[1].mean() > 1e-6 and below[2].max() < 1e-12


SPACE = hidden_space(H)


class _Attached:
    """An array of another library that does not give its values away, as one that gradients are taken of."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach() instead.")


def test_what_another_library_raises_is_kept_as_the_cause():
    for call in (data_dimensionality, hidden_space, feature_dimensionality):
        with pytest.raises(InputError, match=r"Activations are no array, .*: RuntimeError: Can't call") as caught:
            call(_Attached())
        assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: data_dimensionality(np.ones(3)), r"shape \(3,\): give \[\.\.\., examples, neurons\]"),
        (lambda: data_dimensionality(np.ones((0, 3))), r"shape \(0, 3\): give .* none of them empty"),
        (lambda: hidden_space(np.ones((2, 0, 3))), r"shape \(2, 0, 3\)"),
        (lambda: feature_dimensionality(np.ones((3, 2), complex)), r"dtype complex128: give real numbers"),
        (lambda: data_dimensionality([["a", "b"]]), r"dtype <U1: give real numbers"),
        (lambda: data_dimensionality([[1.0], [1.0, 2.0]]), r"Activations are no array, .*inhomogeneous"),
        (lambda: data_dimensionality(H, -1.0), r"ridge is -1.0: give a finite number of at least 0"),
        (lambda: data_dimensionality(H, np.nan), r"ridge is nan"),
        (lambda: data_dimensionality(H, rtol=0.0), r"rtol is 0.0: give a finite number from 1.42109e-14 to 0.5"),
        (lambda: hidden_space(H, rtol=0.6), r"rtol is 0.6"),
        (lambda: data_dimensionality(H, 1.0, space=SPACE), r"space comes with ridge = 1.0 and rtol = None"),
        (lambda: data_dimensionality(H, rtol=1e-3, space=SPACE), r"and rtol = 0.001: give those to hidden_space"),
        (
            lambda: data_dimensionality(H[:, :5], space=SPACE),
            r"map of shape \(12, 12\), and .*\(300, 5\) need \(5, 5\)",
        ),
        (lambda: maximal_direction(BATCH, SPACE), r"need \(3, 2, 12, 12\): use the space of the same runs"),
        (lambda: maximal_direction(H, SPACE.whitening), r"space is of type ndarray: give what hidden_space returned"),
        (lambda: jax.jit(data_dimensionality)(jnp.ones((3, 2))), r"traced by JAX: call this on finished arrays"),
    ],
)
def test_a_mistake_has_its_sentence(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
