"""RandomLabels: laws against closed forms, nested and independent streams, and every error sentence."""

import itertools

import numpy as np
import pytest

from memjax import InputError
from memjax.tasks import RandomLabels

INPUTS = ("normal", "uniform", "uniform01", "rademacher", "sphere")
LABELS = ("uniform", "power", "exponential")
SIGMAS = 5  # Of the closed-form standard error; seeds are fixed, and the largest one measured below is 3.2.


def _sample(size=40_000, **fields):
    return RandomLabels(input_dim=4, num_classes=5, **fields).draw(seed=3, train_size=size, test_size=size)


@pytest.mark.parametrize(("inputs", "labels"), list(itertools.product(INPUTS, LABELS)))
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_smaller_draw_is_the_beginning_of_a_larger_one(inputs, labels, split):
    task = RandomLabels(input_dim=3, num_classes=4, inputs=inputs, labels=labels)
    large = getattr(task.draw(seed=11, train_size=257, test_size=301), split)
    small = getattr(task.draw(seed=11, train_size=50, test_size=33), split)
    n = len(small.y)
    assert n in (50, 33)
    np.testing.assert_array_equal(small.x, large.x[:n])
    np.testing.assert_array_equal(small.y, large.y[:n])


def test_one_split_does_not_depend_on_the_size_of_the_other():
    task = RandomLabels()
    one, two = task.draw(0, 40, 10), task.draw(0, 40, 1000)
    np.testing.assert_array_equal(one.train.x, two.train.x)
    np.testing.assert_array_equal(one.train.y, two.train.y)


def test_train_and_test_share_no_example():
    train, test = RandomLabels(input_dim=3).draw(seed=0, train_size=500, test_size=500)
    assert not set(map(bytes, train.x)) & set(map(bytes, test.x))
    # Chance agreement of 500 labels of 17 classes is 1/17 with standard error 0.0105; equal streams would give 1.
    assert abs((train.y == test.y).mean() - 1 / 17) < SIGMAS * 0.0105


def test_seeds_give_different_examples():
    task = RandomLabels(input_dim=3)
    first, second = task.draw(0, 100, 1).train, task.draw(1, 100, 1).train
    assert not set(map(bytes, first.x)) & set(map(bytes, second.x))
    assert (first.y != second.y).mean() > 0.8


def test_labels_are_a_stream_of_their_own():
    few = RandomLabels(num_classes=2).draw(5, 64, 32)
    many = RandomLabels(num_classes=60, labels="power").draw(5, 64, 32)
    np.testing.assert_array_equal(few.train.x, many.train.x)
    np.testing.assert_array_equal(few.test.x, many.test.x)
    narrow, wide = RandomLabels(input_dim=1).draw(5, 64, 32), RandomLabels(input_dim=7).draw(5, 64, 32)
    np.testing.assert_array_equal(narrow.train.y, wide.train.y)


@pytest.mark.parametrize("inputs", ["uniform01", "normal"])
def test_labels_are_uncorrelated_with_inputs(inputs):
    # Two float32 inputs or one label take one 64-bit word, so that a shared stream would show in this very row.
    train = RandomLabels(input_dim=2, num_classes=50, inputs=inputs).draw(3, 40_000, 1).train
    correlation = np.corrcoef(np.column_stack([train.x, train.y]).T)[-1, :-1]
    assert np.abs(correlation).max() < SIGMAS / np.sqrt(40_000)


@pytest.mark.parametrize(
    ("inputs", "mean", "variance", "fourth"),
    [
        ("normal", 0, 1, 3),
        ("uniform", 0, 1 / 3, 1 / 5),
        ("uniform01", 1 / 2, 1 / 12, 1 / 80),
        ("rademacher", 0, 1, 1),
        ("sphere", 0, 1 / 4, 3 / 24),  # On the sphere in R^D: E x_i^2 = 1/D, E x_i^4 = 3/(D (D + 2)).
    ],
)
def test_inputs_have_the_moments_of_their_law(inputs, mean, variance, fourth):
    x = _sample(inputs=inputs).train.x.astype(np.float64)
    n = len(x)  # Coordinates are averaged column by column, so that no independence between them is assumed.
    assert np.abs(x.mean(0) - mean).max() < SIGMAS * np.sqrt(variance / n)
    centred = x - mean
    spread = np.sqrt(max(fourth - variance**2, 0) / n)
    assert np.abs((centred**2).mean(0) - variance).max() <= SIGMAS * spread + 1e-7
    # The eighth moment of the widest law, N(0, 1), is 105, so a fourth moment has standard error at most 9.8 / sqrt(n).
    assert np.abs((centred**4).mean(0) - fourth).max() < SIGMAS * 9.8 / np.sqrt(n)
    covariance = np.cov(x.T) - np.diag(np.diag(np.cov(x.T)))
    assert np.abs(covariance).max() < SIGMAS * variance / np.sqrt(n)


def test_inputs_keep_to_their_ranges():
    uniform, uniform01 = (_sample(inputs=law).train.x for law in ("uniform", "uniform01"))
    # The extreme of 160,000 uniform draws is within 1e-4 of the end except with probability exp(-16).
    assert -1 <= uniform.min() < -1 + 2e-4 and 1 - 2e-4 < uniform.max() <= 1
    assert 0 <= uniform01.min() < 1e-4 and 1 - 1e-4 < uniform01.max() <= 1
    assert set(np.unique(_sample(inputs="rademacher").train.x)) == {-1.0, 1.0}


def test_sphere_has_unit_norm():
    norms = np.linalg.norm(_sample(inputs="sphere").train.x.astype(np.float64), axis=1)
    assert np.abs(norms - 1).max() < 3e-7  # Measured 1.3e-7, about one float32 rounding.


@pytest.mark.parametrize(
    ("labels", "alpha", "weights"),
    [
        ("uniform", 3.0, [1, 1, 1, 1, 1]),
        ("power", 1.5, [1, 2**-1.5, 3**-1.5, 4**-1.5, 5**-1.5]),
        ("power", -1.0, [1, 2, 3, 4, 5]),
        ("exponential", 0.7, np.exp([-0.7, -1.4, -2.1, -2.8, -3.5])),
        ("power", 0.0, [1, 1, 1, 1, 1]),
        ("exponential", 0.0, [1, 1, 1, 1, 1]),
    ],
)
def test_labels_have_the_probabilities_of_their_law(labels, alpha, weights):
    expected = np.array(weights, float) / np.sum(weights)
    task = RandomLabels(num_classes=5, labels=labels, alpha=alpha)
    np.testing.assert_allclose(task.label_probabilities(), expected, rtol=1e-14)
    for split in task.draw(seed=3, train_size=40_000, test_size=40_000):
        share = np.bincount(split.y, minlength=5) / 40_000
        assert len(share) == 5
        assert (np.abs(share - expected) < SIGMAS * np.sqrt(expected * (1 - expected) / 40_000)).all()


@pytest.mark.parametrize(
    ("labels", "alpha", "certain"), [("exponential", 800.0, 0), ("exponential", -800.0, 4), ("power", -900.0, 4)]
)
def test_steep_label_laws_have_a_limit_not_nan(labels, alpha, certain):
    task = RandomLabels(num_classes=5, labels=labels, alpha=alpha)
    np.testing.assert_allclose(task.label_probabilities(), np.eye(5)[certain], atol=1e-12)
    assert set(task.draw(0, 50, 1).train.y) == {certain}


def test_dtypes_are_those_the_docstring_names():
    for law in INPUTS:
        train = RandomLabels(inputs=law).draw(0, 3, 3).train
        assert (train.x.dtype, train.y.dtype) == (np.float32, np.int32)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"input_dim": -1}, r"RandomLabels\.input_dim is -1: give a whole number of at least 1\."),
        ({"input_dim": 2.0}, r"RandomLabels\.input_dim is 2\.0: give a whole number"),
        ({"input_dim": True}, r"RandomLabels\.input_dim is True: give a whole number"),
        ({"num_classes": 1}, r"RandomLabels\.num_classes is 1: give a whole number of at least 2\."),
        ({"inputs": "gauss"}, r"RandomLabels\.inputs is 'gauss': use normal, uniform, uniform01, rademacher or sphere"),
        ({"labels": "zipf"}, r"RandomLabels\.labels is 'zipf': use uniform, power or exponential\."),
        ({"alpha": float("nan")}, r"RandomLabels\.alpha is nan: give a finite number\."),
        ({"alpha": float("inf")}, r"RandomLabels\.alpha is inf: give a finite number\."),
        ({"label_noise": 0.1}, r"RandomLabels\.label_noise is 0\.1, but label noise does not apply here"),
        ({"label_noise": float("nan")}, r"RandomLabels\.label_noise is nan, but label noise does not apply"),
    ],
)
def test_every_bad_field_has_its_sentence(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        RandomLabels(**fields)


@pytest.mark.parametrize("fields", [{"alpha": "1"}, {"alpha": (1.0, 2.0)}, {"alpha": None}, {"inputs": ["normal"]}])
def test_a_field_of_the_wrong_type_is_an_input_error(fields):
    with pytest.raises(InputError, match=r"RandomLabels\.(alpha|inputs) is"):
        RandomLabels(**fields)


def test_a_subclass_may_have_shares_of_its_own():
    class Certain(RandomLabels):
        def label_probabilities(self):
            return np.eye(self.num_classes)[0]

    assert np.bincount(Certain(input_dim=3, num_classes=4).draw(0, 100, 100).train.y, minlength=4).tolist() == [
        100,
        0,
        0,
        0,
    ]
