"""What labels mean: classes without examples, quantities, one-hot rows, signs, columns, names and categories."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import memjax as mj
from memjax import InputError
from memjax.experiment.draw import check_targets
from memjax.experiment.encode import encode, reference
from memjax.tasks import Images, from_arrays
from memjax.types import Data

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = np.arange(60) % 3
PRICES = (X[:, 0] * 1000 + 200_000).astype(int)
WORDS = np.array(["dog", "cat", "emu"])[Y]
# In sorted order the cat is first.
NUMBERS = np.array([1, 0, 2])[Y]


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (
            Y + 1,
            r"y holds labels up to 3, but none that is 0: renumber them with np\.unique\(y, return_inverse=True\)\[1\]",
        ),
        (
            np.array([0, 1, 4])[Y],
            r"labels up to 4, but none that is 2 or 3: .* or give num_classes=5 if missing classes",
        ),
        (np.arange(60) % 14 + 9, r"none that is 0, 1, 2, 3 or 4 and so on: renumber"),
        (
            PRICES,
            r"y holds 60 different whole numbers up to \d+, so that most of \d+ classes .* give y\.astype\(float\); if",
        ),
        (Y * 0, r"y has one class only, 0: labels must run from 0 to at least 1; .* give num_classes="),
        (Y * 0 + 4, r"y has one class only, 4"),
        (Y == 9, r"y has one class only, 0"),
        (Y < 9, r"y has one class only, 1"),
        (
            2 * (Y % 2) - 1,
            r"integers of shape \[60\] from -1: .* classes -1 and 1 take \(y > 0\)\.astype\(int\), .* 'hinge' y",
        ),
        (
            Y - 1,
            r"from -1: labels .* if they are classes, renumber them .* and convert values to float with y\.astype\(float\)",
        ),
        (
            np.eye(3, dtype=int)[Y],
            r"integers of shape \[60, 3\] from 0: .* of one-hot rows take y\.argmax\(axis=1\), or conv",
        ),
        (np.eye(3, dtype=bool)[Y], r"integers of shape \[60, 3\] from 0: .* of one-hot rows take y\.argmax\(axis=1\)"),
        (
            np.arange(120).reshape(60, 2),
            r"integers of shape \[60, 2\] from 0: .*; convert values to float with y\.astype",
        ),
    ],
)
def test_labels_that_are_no_classes_have_their_sentence(y, sentence):
    with pytest.raises(InputError, match=sentence):
        from_arrays(X, y)


def test_the_number_of_classes_can_be_stated():
    absent = np.array([0, 1, 4])[Y]
    task = from_arrays(X, absent, num_classes=6, label_noise=1.0)
    assert (task.num_outputs, task.num_classes) == (6, 6)
    drawn = np.concatenate([task.draw(seed, 50, 1).train.y for seed in range(20)])
    # 1000 labels of 6 classes: mean 167, standard deviation 11.8; at most 1.9 of them measured.
    assert np.abs(np.bincount(drawn, minlength=6) - 1000 / 6).max() < 4 * 11.8
    assert from_arrays(X, Y * 0, num_classes=2).num_outputs == 2
    assert from_arrays(X, PRICES, num_classes=300_000).num_outputs == 300_000


@pytest.mark.parametrize(
    ("y", "stated", "sentence"),
    [
        (Y, 2, r"num_classes is 2, but y has the label 2: give 3 or more"),
        (Y, 1, r"Arrays\.num_classes is 1: give a whole number of at least 2"),
        (Y, 3.0, r"Arrays\.num_classes is 3\.0: give a whole number"),
        (X, 3, r"num_classes is 3, but y holds float64 values: leave it out"),
        (WORDS, 4, r"num_classes is 4, but y has the classes \['cat', 'dog', 'emu'\]: leave it out"),
    ],
)
def test_a_number_of_classes_that_does_not_fit_is_refused(y, stated, sentence):
    with pytest.raises(InputError, match=sentence):
        from_arrays(X, y, num_classes=stated)


def test_noise_stays_among_the_classes_that_there_are():
    _, renumbered = np.unique(np.arange(60) % 7 + 1, return_inverse=True)
    task = from_arrays(X, renumbered, label_noise=1.0)
    drawn = np.concatenate([task.draw(seed, 50, 1).train.y for seed in range(10)])
    assert (task.num_outputs, set(drawn.tolist())) == (7, set(range(7)))


def test_a_split_may_lack_a_class_that_the_other_has():
    whole, lacking = Y, np.where(Y == 1, 0, Y)
    for y, y_test in ((whole, lacking), (lacking, whole)):
        assert from_arrays(X, y, x_test=X, y_test=y_test).num_outputs == 3
    with pytest.raises(InputError, match="none that is 1"):
        from_arrays(X, lacking, x_test=X, y_test=lacking)
    with pytest.raises(InputError, match="one class only, 0"):
        from_arrays(X, Y * 0, x_test=X, y_test=Y)


def test_the_stated_number_is_a_part_of_the_content():
    counted, stated, more = from_arrays(X, Y), from_arrays(X, Y, num_classes=3), from_arrays(X, Y, num_classes=5)
    assert counted == stated and hash(counted) == hash(stated) and reference(counted) == reference(stated)
    assert counted != more and encode(counted) != encode(more)
    named, plain = from_arrays(X, WORDS), from_arrays(X, NUMBERS)
    assert named != plain and encode(named) != encode(plain)
    assert dataclasses.replace(named, label_noise=0.5).class_names == ("cat", "dog", "emu")


@pytest.mark.slow
def test_the_stated_number_can_be_swept():
    counted, model, descent = from_arrays(X, Y), mj.models.MLP(hidden=()), mj.optimizers.sgd(0.1)
    fields = dict(train_size=10, steps=1, record_every=1, measures=("loss",))
    spec = mj.Experiment(task=counted, model=model, optimizer=descent, **fields)
    assert mj.sweep(spec, over={"num_classes": [3, 5]}).num_parameters.values.tolist() == [9 + 3, 15 + 5]


CATEGORIES = pd.CategoricalDtype(["emu", "dog", "ox", "cat"])


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (WORDS, ("cat", "dog", "emu")),
        (WORDS.tolist(), ("cat", "dog", "emu")),
        (WORDS[:, None], ("cat", "dog", "emu")),
        (WORDS.astype(object), ("cat", "dog", "emu")),
        (WORDS.astype("S"), ("cat", "dog", "emu")),
        (WORDS.astype(">U5"), ("cat", "dog", "emu")),
        (WORDS.astype(np.dtypes.StringDType()), ("cat", "dog", "emu")),
        (pd.Series(WORDS), ("cat", "dog", "emu")),
        (pd.Series(WORDS, dtype="string"), ("cat", "dog", "emu")),
        (pd.DataFrame({"animal": WORDS}), ("cat", "dog", "emu")),
        (pd.Series(WORDS, dtype="category"), ("cat", "dog", "emu")),
        (pd.Series(WORDS, dtype=CATEGORIES), ("emu", "dog", "ox", "cat")),
        (pd.Categorical(WORDS, CATEGORIES.categories), ("emu", "dog", "ox", "cat")),
        (pd.CategoricalIndex(WORDS, dtype=CATEGORIES), ("emu", "dog", "ox", "cat")),
        (pd.Series(Y + 3, dtype="category"), ("3", "4", "5")),
        (np.array(["1", "7", "9"])[Y], ("1", "7", "9")),
        (pd.Categorical(np.array(["1.0", "2.5", "3.0"])[Y]), ("1.0", "2.5", "3.0")),
    ],
)
def test_names_are_classes_in_the_order_of_categories_or_sorted(y, names):
    task = from_arrays(X, y)
    assert (task.class_names, task.num_outputs) == (names, len(names))
    own = np.asarray(pd.DataFrame(y).iloc[:, 0]) if not isinstance(y, np.ndarray) else y.reshape(60)
    own = [word.decode() if isinstance(word, bytes) else str(word) for word in own]
    assert [names[label] for label in task.y] == own
    assert task.y.dtype == np.int32


def test_names_of_both_splits_are_numbered_together():
    train, test = np.array(["b", "d"] * 30), np.array(["d", "a"] * 30)
    task = from_arrays(X, train, x_test=X, y_test=test)
    assert task.class_names == ("a", "b", "d") and task.y.tolist() == [1, 2] * 30 + [2, 0] * 30
    # Categories state the classes for both, in whatever order the other has them.
    first, second = pd.Categorical(train, ["d", "a", "b"]), pd.Categorical(test, ["a", "b", "d"])
    for y_test in (second, test):
        assert from_arrays(X, first, x_test=X, y_test=y_test).y.tolist() == [2, 0] * 30 + [0, 1] * 30
    with pytest.raises(InputError, match=r"y and y_test have other categories, for 'a' is not among \['b', 'd'\]"):
        from_arrays(X, pd.Categorical(train), x_test=X, y_test=test)
    with pytest.raises(InputError, match=r"Some of y, y_test and evaluation hold names of classes"):
        from_arrays(X, train, x_test=X, y_test=Y)


def _changed(row, value):
    words = WORDS.astype(object)
    words[row] = value
    return words


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (_changed(7, None), r"y holds None in row 7, which stands for a missing label: remove the row"),
        (_changed(7, np.nan), r"y holds nan in row 7, which stands for a missing label"),
        (_changed(7, pd.NA), r"y holds <NA> in row 7, which stands for a missing label"),
        (_changed(7, np.nan).tolist(), r"y holds nan in row 7"),
        (
            _changed(7, "nan").astype(str),
            r"y holds nan in row 7, which stands for a missing label: .* name the class otherw",
        ),
        (pd.Series(_changed(7, None)), r"y (holds None|holds nan|has no value) in row 7"),
        (pd.Series(_changed(7, None), dtype="string"), r"y has no value in row 7: remove or replace"),
        (pd.Series(_changed(7, None), dtype="category"), r"y has no category in row 7"),
        (_changed(7, 3), r"y holds names, but 3 in row 7: give the name of every class as text"),
        (_changed(7, b"\xff"), r"y holds b'\\xff' in row 7, which is no text in UTF-8"),
        (np.stack([WORDS, WORDS], 1), r"y holds names of shape \[60, 2\]: give the name of one class per example"),
        (np.full(60, "ox"), r"y has one class only, 'ox'"),
        (
            pd.Categorical([1, "1"] * 30, categories=[1, "1"]),
            r"y has categories that read the same, \['1', '1'\]: rename",
        ),
        (
            X[:, 0].astype(str),
            r"y holds numbers as text, such as '-?\d+\.\d+': if they are quantities, give y\.astype\(float\)",
        ),
        (["1.0", "2.0"] * 30, r"y holds numbers as text, such as '1\.0': .* of classes, give categories of pandas"),
        (WORDS[:9], r"x has 60 rows and y 9"),
        (np.array([0, 1, None], object)[Y], r"y holds None at index \[2\]: remove or replace values that are missing"),
        (Y.astype(object), r"y has dtype object: give an array of integers or floats, such as that of \.astype\(int\)"),
    ],
)
def test_names_that_are_missing_or_no_names_have_their_sentence(y, sentence):
    with pytest.raises(InputError, match=sentence):
        from_arrays(X, y)


def test_a_column_of_labels_is_labels():
    assert from_arrays(X, Y[:, None]) == from_arrays(X, Y) == from_arrays(X, pd.DataFrame({"y": Y}))


def _sentence(loss, y, num_outputs=3):
    spec = dataclasses.replace(mj.Experiment(loss=loss), task=mj.tasks.RandomLabels(num_classes=num_outputs))
    with pytest.raises(InputError) as caught:
        check_targets(spec, Data(X, y))
    return str(caught.value)


LABEL_LOSSES = ["cross_entropy", "cross_entropy_exact", "one_hot_mse", mj.losses.cross_entropy]


@pytest.mark.parametrize("loss", LABEL_LOSSES)
@pytest.mark.parametrize(
    ("y", "advice"),
    [
        (Y[:, None] + 1.0, "or integer labels, such as y.astype(int) if these whole numbers are classes."),
        (np.eye(3)[Y], "or integer labels, of one-hot rows y.argmax(axis=1)."),
        (2.0 * (Y[:, None] > 0) - 1, "or integer labels, of classes -1 and 1 (y > 0).astype(int)."),
        (Y > 0, "the targets are bool values: use loss = 'mse' or 'sse', or integer labels, y.astype(int)."),
        (X, "the targets are float64 values: use loss = 'mse' or 'sse', or integer labels."),
        (Y[:, None], "the targets are integers of shape [60, 1]: give one label per example, y[:, 0]."),
        (
            np.eye(3, dtype=int)[Y],
            "integers of shape [60, 3]: give one label per example, or y.argmax(axis=1) of one-hot",
        ),
    ],
)
def test_targets_of_a_loss_of_labels_have_the_advice_that_fits(loss, y, advice):
    assert advice in _sentence(loss, y)


@pytest.mark.parametrize("loss", ["mse", "sse", mj.losses.mse])
def test_whole_numbers_under_squared_error_are_quantities_or_classes(loss):
    sentence = _sentence(loss, PRICES)
    assert "y.astype(float)" in sentence and "'one_hot_mse'" in sentence and "one-hot" not in sentence


def save(tmp_path, y, x=None):
    np.savez(tmp_path / "a.npz", x=np.zeros((len(y), 2), np.uint8) if x is None else x, y=y)
    return tmp_path / "a.npz"


def test_images_of_labels_with_holes_are_refused_unless_they_are_meant(tmp_path):
    path = save(tmp_path, np.arange(60) % 7 + 1)
    with pytest.raises(
        InputError,
        match=r"7 different labels up to 7, so that 1 of 8 classes .* classes=\(1, 2, 3, 4, 5, 6, 7\), which numb",
    ):
        _ = Images(path).pool
    chosen, stated = Images(path, classes=tuple(range(1, 8)), label_noise=1.0), Images(path, num_classes=9)
    assert (chosen.num_outputs, stated.num_outputs) == (7, 9)
    assert set(chosen.draw(0, 59, 1).train.y.tolist()) == set(range(7))
    np.testing.assert_array_equal(np.sort(stated.draw(0, 59, 1).train.y)[[0, -1]], [1, 7])
    # A class that a filter leaves out is no hole.
    assert Images(path, classes=(2, 6)).num_outputs == 2
    with pytest.raises(
        InputError, match=r"60 different labels up to \d+, .* number them anew, or give num_classes=\d+"
    ):
        _ = Images(save(tmp_path, PRICES)).pool


@pytest.mark.parametrize(
    ("y", "fields", "sentence"),
    [
        (Y, {"num_classes": 2}, r"Images\.num_classes is 2, but \S+ has the label 2: give 3 or more"),
        (
            Y,
            {"num_classes": 3, "classes": (0, 1)},
            r"num_classes is 3, but classes says how many there are: leave it out",
        ),
        (
            Y + 0.0,
            {},
            r"labels of float64 that are no whole numbers from 0: .* with y\.astype\(int\) if they are so already",
        ),
        (WORDS, {}, r"labels of <U3 that are no whole numbers from 0: .* np\.unique\(y, return_inverse=True\)\[1\]"),
        (np.eye(3, dtype=int)[Y], {}, r"labels of shape \[60, 3\]: .* such as y\.argmax\(axis=1\) of one-hot rows"),
    ],
)
def test_labels_of_images_have_their_sentence(tmp_path, y, fields, sentence):
    with pytest.raises(InputError, match=sentence):
        _ = Images(save(tmp_path, y), **fields).pool
    with pytest.raises(InputError, match="digits has classes of its own: leave it out"):
        Images("digits", num_classes=11)
