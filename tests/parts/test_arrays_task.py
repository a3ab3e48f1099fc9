"""from_arrays: what is refused, sizes, nested and disjoint subsets, label noise, equality by content."""

import numpy as np
import pytest

from memjax import InputError
from memjax.tasks import from_arrays

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 3)), RNG.integers(0, 5, 60)
Y[:5] = range(5)
X_TEST, Y_TEST = RNG.normal(size=(25, 3)), RNG.integers(0, 5, 25)


def _with(array, index, value):
    changed = array.astype(float)
    changed[index] = value
    return changed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((_with(X, (4, 1), np.nan), Y), r"x holds nan at index \[4, 1\]: remove or replace"),
        ((_with(X, (7, 0), -np.inf), Y), r"x holds -inf at index \[7, 0\]"),
        ((X, _with(Y, 9, np.nan)), r"y holds nan at index \[9\]"),
        ((X, Y[:-1]), r"x has 60 rows and y 59: give as many targets"),
        ((X[:0], Y[:0]), r"x has 0 rows and y 0: .* at least one"),
        ((X[:, 0], Y), r"x has shape \[60\]: give one row per example"),
        ((X.astype(object), Y), r"x has dtype object: give an array of integers or floats"),
        ((X.astype(str), Y), r"x has dtype <U32: give an array"),
        ((X.astype(complex), Y), r"x has dtype complex128"),
        ((X, Y - 1), r"y holds integers of shape \[60\] from -1: labels must be one whole number from 0"),
        ((X, np.stack([Y, Y], 1)), r"y holds integers of shape \[60, 2\] from 0: labels must be one whole number"),
    ],
)
def test_bad_arrays_have_their_sentence(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        from_arrays(*arguments)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"x_test": X_TEST}, r"only one of x_test and y_test"),
        ({"y_test": Y_TEST}, r"only one of x_test and y_test"),
        ({"x_test": X_TEST[:, :2], "y_test": Y_TEST}, r"x is float64\[60, 3\] and x_test float64\[25, 2\]: give both"),
        ({"x_test": X_TEST.astype(np.float32), "y_test": Y_TEST}, r"x_test float32\[25, 3\]: give both the same dtype"),
        ({"x_test": X_TEST, "y_test": Y_TEST.astype(float)}, r"y is int32\[60\] and y_test float64\[25, 1\]"),
        ({"x_test": X_TEST, "y_test": Y_TEST[:3]}, r"x_test has 25 rows and y_test 3"),
        ({"x_test": _with(X_TEST, (0, 0), np.inf), "y_test": Y_TEST}, r"x_test holds inf at index \[0, 0\]"),
        ({"label_noise": -0.1}, r"Arrays\.label_noise is -0\.1: give a finite number from 0 to 1"),
        ({"label_noise": 1.5}, r"Arrays\.label_noise is 1\.5: give a finite number from 0 to 1"),
        ({"label_noise": float("nan")}, r"Arrays\.label_noise is nan: give a finite number from 0 to 1"),
    ],
)
def test_bad_test_rows_and_noise_have_their_sentence(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        from_arrays(X, Y, **fields)


@pytest.mark.parametrize("arguments", [(X, 3), ([[1.0], [1.0, 2.0]], [0, 1])], ids=["scalar y", "ragged x"])
def test_what_is_no_array_is_an_input_error(arguments):
    with pytest.raises(InputError):
        from_arrays(*arguments)


def test_labels_too_large_for_int32_are_refused_not_wrapped():
    with pytest.raises(InputError, match="y"):
        from_arrays(X[:3], np.array([0, 1, 2**32]))


def test_noise_is_refused_for_values():
    with pytest.raises(InputError, match=r"replaces class labels, but y holds values"):
        from_arrays(X, Y.astype(float), label_noise=0.1)


def test_float_labels_are_values_and_bools_are_labels():
    values = from_arrays(X, Y.astype(float))
    assert (values.has_labels, values.num_outputs, values.y.shape) == (False, 1, (60, 1))
    assert from_arrays(X, RNG.normal(size=(60, 4))).num_outputs == 4
    flags = from_arrays(X, Y > 2)
    assert (flags.has_labels, flags.num_outputs) == (True, 2)
    np.testing.assert_array_equal(flags.y, (Y > 2).astype(int))


def test_integer_inputs_stay_integers():
    task = from_arrays(np.arange(12).reshape(6, 2), np.arange(6))
    assert np.issubdtype(task.pool.dtype, np.integer)
    assert task.num_outputs == 6


def test_classes_of_the_test_rows_count():
    assert from_arrays(X, Y, x_test=X_TEST, y_test=np.full(25, 5)).num_outputs == 6


def test_sizes_without_test_rows():
    task = from_arrays(X, Y)
    assert task.sizes(30, None) == (30, 30)
    assert task.sizes(59, 1) == (59, 1)
    with pytest.raises(
        InputError, match=r"train_size 31 and test_size 31 \(train_size by default\) need 62 rows, but the"
    ):
        task.sizes(31, None)
    with pytest.raises(InputError, match=r"train_size 31 and test_size 30 need 61 rows, but the arrays have 60"):
        task.sizes(31, 30)


def test_sizes_with_test_rows():
    task = from_arrays(X, Y, x_test=X_TEST, y_test=Y_TEST)
    assert task.sizes(60, None) == (60, 25)
    assert task.sizes(10, 7) == (10, 7)
    with pytest.raises(InputError, match=r"train_size is 61, but the arrays have 60 rows for it"):
        task.sizes(61, None)
    with pytest.raises(InputError, match=r"test_size is 26, but the arrays have 25 rows for it"):
        task.sizes(60, 26)


@pytest.mark.parametrize("test_rows", [{}, {"x_test": X_TEST, "y_test": Y_TEST}], ids=["one pool", "own test rows"])
def test_subsets_are_nested_disjoint_and_carry_their_own_targets(test_rows):
    task = from_arrays(X, Y, **test_rows)
    large, small = task.draw(4, 40, 20), task.draw(4, 15, 8)
    np.testing.assert_array_equal(small.train.x, large.train.x[:15])
    np.testing.assert_array_equal(small.train.y, large.train.y[:15])
    assert set(small.test.x) <= set(large.test.x)
    train, test = set(large.train.x.tolist()), set(large.test.x.tolist())
    assert (len(train), len(test)) == (40, 20) and not train & test
    assert max(train) < 60 and (min(test) >= 60) == bool(test_rows)
    every = np.concatenate([Y, test_rows.get("y_test", [])])
    for split in large:
        np.testing.assert_array_equal(split.y, every[split.x])


def test_the_subset_depends_on_the_seed():
    task = from_arrays(X, Y)
    assert task.draw(0, 30, 30).train.x.tolist() != task.draw(1, 30, 30).train.x.tolist()


def test_every_row_is_equally_likely_to_be_drawn():
    task = from_arrays(X, Y)
    count = sum(np.bincount(task.draw(seed, 15, 15).train.x, minlength=60) for seed in range(400))
    # 400 draws with chance 1/4: mean 100, standard deviation 8.7; five of them; measured 2.6.
    assert np.abs(count - 100).max() < 5 * 8.7


def test_noise_flips_the_closed_form_share_of_train_labels_only():
    rows, classes, q = 20_000, 5, 0.4
    labels = np.arange(rows) % classes
    task = from_arrays(np.zeros((rows, 1)), labels, label_noise=q)
    train, test = task.draw(seed=1, train_size=15_000, test_size=5_000)
    np.testing.assert_array_equal(test.y, labels[test.x])
    flipped = train.y != labels[train.x]
    share = q * (classes - 1) / classes
    error = np.sqrt(share * (1 - share) / 15_000)
    assert abs(flipped.mean() - share) < 4 * error
    # A flipped label is uniform over the other classes: the shift is 1..4, each with a quarter of the flips.
    shift = np.bincount((train.y - labels[train.x])[flipped] % classes, minlength=classes)[1:] / flipped.sum()
    assert np.abs(shift - 0.25).max() < 4 * np.sqrt(0.25 * 0.75 / flipped.sum())
    replaced = np.bincount(train.y[flipped], minlength=classes) / flipped.sum()
    assert np.abs(replaced - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / flipped.sum())


def test_noise_is_nested_in_train_size_and_in_probability():
    labels = np.arange(400) % 5
    tasks = {q: from_arrays(np.zeros((400, 1)), labels, label_noise=q) for q in (0.0, 0.3, 1.0)}
    small, large = tasks[0.3].draw(2, 50, 1).train, tasks[0.3].draw(2, 300, 1).train
    np.testing.assert_array_equal(small.y, large.y[:50])
    clean, noisy = tasks[0.0].draw(2, 300, 1).train, tasks[1.0].draw(2, 300, 1).train
    np.testing.assert_array_equal(clean.x, large.x)
    assert ((large.y == clean.y) | (large.y == noisy.y)).all()


@pytest.mark.parametrize("test_rows", [{}, {"x_test": X_TEST, "y_test": Y_TEST}], ids=["one pool", "own test rows"])
def test_what_the_digest_stands_for_cannot_change(test_rows):
    for task in (from_arrays(X, Y, **test_rows), from_arrays(X, np.array(["a", "b"])[Y % 2])):
        for array in (task.x, task.y):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1


def test_equality_and_hash_are_by_content():
    one, same = from_arrays(X, Y), from_arrays(X.copy(), Y.copy())
    assert one == same and hash(one) == hash(same)
    others = [
        from_arrays(_with(X, (0, 0), 9.0), Y),
        from_arrays(X, (Y + 1) % 5),
        from_arrays(X, Y, label_noise=0.1),
        from_arrays(X[:40], Y[:40], x_test=X[40:], y_test=Y[40:]),
        from_arrays(X.reshape(60, 3, 1), Y),
    ]
    assert len({one, same, *others}) == 6
