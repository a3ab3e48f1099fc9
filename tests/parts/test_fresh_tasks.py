"""Fresh examples of the built-in tasks: exact relations between inputs and targets, and the distribution of drawn examples."""

import functools

import jax
import numpy as np
import pytest
from scipy.stats import ks_2samp, kurtosis

import memjax as mj
from memjax.tasks import RandomLabels, SparseFeatures, SparseParity, Subpopulations, TeacherStudent

COUNT = 8_000
# Five standard errors: one comparison of normal deviates in 1.7 million would fail.
SIGMAS = 5

TASKS = {
    "parity": SparseParity(num_bits=41, num_relevant=3, support=(40, 2, 33)),
    "noisy parity": SparseParity(num_bits=5, num_relevant=2, label_noise=0.2),
    "features": SparseFeatures(num_features=7, sparsity=0.6),
    "raw features": SparseFeatures(num_features=7, sparsity=0.6, normalize=False),
    "teacher": TeacherStudent(3, 2, hidden=(6, 5), teacher_scale=2.0),
    "noisy teacher": TeacherStudent(3, 2, hidden=(), teacher_seed=4, noise=0.5),
    "power labels": RandomLabels(3, num_classes=4, labels="power", alpha=1.5),
    "one class": RandomLabels(3, num_classes=3, inputs="uniform", labels="exponential", alpha=60.0),
    "sphere": RandomLabels(3, num_classes=2, inputs="sphere"),
    "rademacher": RandomLabels(3, num_classes=2, inputs="rademacher"),
    "subpopulations": Subpopulations(5, exponent=1.5, num_classes=3, input_dim=3, spread=0.5),
    "uniform01": RandomLabels(3, num_classes=2, inputs="uniform01"),
}


@functools.cache
def fresh(name, seed=0, count=COUNT):
    task = TASKS[name]
    keys = jax.random.split(jax.random.key(7, impl="threefry2x32"), COUNT)[:count]
    return tuple(map(np.asarray, jax.jit(task.fresh)(task.stream(seed), keys)))


@functools.cache
def drawn(name):
    return TASKS[name].draw(0, COUNT, 1).train


FAST = ("noisy parity", "features", "noisy teacher", "power labels")
EACH = [pytest.param(name, marks=[] if name in FAST else [pytest.mark.slow]) for name in TASKS]


def columns(x, y):
    return np.column_stack([x.reshape(len(x), -1), y.reshape(len(y), -1)]).astype(float)


@pytest.mark.parametrize("name", EACH)
def test_inputs_and_targets_have_the_joint_distribution_of_drawn_examples(name):
    (x, y), (other_x, other_y) = fresh(name), drawn(name)
    assert [x.dtype, y.dtype, x.shape, y.shape] == [other_x.dtype, other_y.dtype, other_x.shape, other_y.shape]
    rows = columns(x, y), columns(other_x, other_y)
    width = rows[0].shape[1]
    # Means, and means of the products of all pairs of columns, of inputs and targets alike.
    pairs = [np.column_stack([r, *(r * np.roll(r, shift, axis=1) for shift in range(width // 2 + 1))]) for r in rows]
    error = np.sqrt(sum(part.var(0) for part in pairs) / COUNT)
    assert (np.abs(pairs[0].mean(0) - pairs[1].mean(0)) <= SIGMAS * error + 1e-12).all()
    # Whole distributions along random directions, in which every dependence shows.
    for direction in np.random.default_rng(1).normal(size=(4, width)):
        assert ks_2samp(*(r @ direction for r in rows)).pvalue > 1e-5


@pytest.mark.parametrize("name", EACH)
def test_a_row_follows_from_its_own_key(name):
    for few, many in zip(fresh(name, count=9), fresh(name), strict=True):
        # Sums of products may be rounded in another order.
        np.testing.assert_allclose(few, many[:9], rtol=1e-6, atol=1e-6)


def test_the_target_of_a_parity_is_the_product_of_its_signs():
    x, y = fresh("parity")
    assert set(np.unique(x)) == {-1, 1}
    np.testing.assert_array_equal(y[:, 0], x[:, [40, 2, 33]].prod(1))
    x, y = fresh("noisy parity")
    flipped = (y[:, 0] != x[:, :2].prod(1)).mean()
    assert abs(flipped - 0.2) < SIGMAS * np.sqrt(0.2 * 0.8 / COUNT)
    # All patterns of five signs are equally frequent.
    counts = np.bincount(((x > 0) * 2 ** np.arange(5)).sum(1), minlength=32)
    assert (np.abs(counts / COUNT - 1 / 32) < SIGMAS * np.sqrt(1 / 32 / COUNT)).all()


def test_sparse_features_are_their_own_targets_of_unit_norm():
    x, y = fresh("features")
    np.testing.assert_array_equal(x, y)
    norms = np.linalg.norm(x.astype(float), axis=1)
    empty = norms == 0
    np.testing.assert_allclose(norms[~empty], 1, atol=3e-7)
    assert abs(empty.mean() - 0.6**7) < SIGMAS * np.sqrt(0.6**7 / COUNT)
    raw = fresh("raw features")[0]
    there = raw[raw != 0]
    assert abs((raw == 0).mean() - 0.6) < SIGMAS * np.sqrt(0.24 / raw.size)
    assert abs(there.mean() - 0.5) < SIGMAS / np.sqrt(12 * there.size) and there.min() > 0 and there.max() < 1


def test_targets_are_the_outputs_of_the_teacher():
    x, y = fresh("teacher")
    h = x.astype(float)
    *hidden, (kernel, bias) = TASKS["teacher"].teacher(0)
    for inner, offset in hidden:
        h = np.tanh(h @ inner + offset)
    # Largest difference: 4e-7, the rounding of float32.
    np.testing.assert_allclose(y, h @ kernel + bias, atol=5e-6)
    x, y = fresh("noisy teacher")
    ((kernel, bias),) = TASKS["noisy teacher"].teacher(seed=99)
    noise = y - (x @ kernel + bias)
    assert abs(noise.std() - 0.5) < SIGMAS * 0.5 / np.sqrt(2 * noise.size) and abs(kurtosis(noise.ravel())) < 0.1


def test_labels_have_the_probabilities_of_the_task():
    task = TASKS["power labels"]
    shares = np.bincount(fresh("power labels")[1], minlength=4) / COUNT
    exact = task.label_probabilities()
    assert (np.abs(shares - exact) < SIGMAS * np.sqrt(exact * (1 - exact) / COUNT)).all()
    assert (fresh("one class")[1] == 0).all() and (fresh("one class")[0] < 0).any()
    np.testing.assert_allclose(np.linalg.norm(fresh("sphere")[0], axis=1), 1, atol=3e-7)


def test_a_task_with_traced_fields_keeps_its_spec():
    spec = mj.Experiment(task=TASKS["noisy parity"], train_size="fresh", batch_size=4, test_size=0, loss="mse")
    assert mj.Experiment.from_json(spec.to_json()) == spec and '"train_size": "fresh"' in spec.to_json()
