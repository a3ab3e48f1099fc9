"""Label noise: its laws, that noise belongs to rows, and the splits of clean and corrupted examples."""

import dataclasses

import numpy as np
import pytest

import memjax as mj
from memjax.tasks.label_noise import corrupt

LABELS = np.repeat([0, 1, 2, 3], 5000)
FLIPS = ((0, 1, 0, 0), (0, 0.5, 0.5, 0), (0, 0, 1, 0), (0.25, 0.25, 0.25, 0.25))


def noisy(share, law, seed=0):
    return corrupt(LABELS, share, law, 4, seed, len(LABELS))


@pytest.mark.parametrize(
    ("law", "wanted"),
    [
        ("uniform", np.full((4, 4), 0.25)),
        ("incorrect", (1 - np.eye(4)) / 3),
        (FLIPS, np.array(FLIPS)),
    ],
)
def test_labels_change_by_their_law(law, wanted):
    found = noisy(0.4, law)
    shares = np.array([np.bincount(found[c == LABELS], minlength=4) / 5000 for c in range(4)])
    # Standard error of a share of 5000 rows is at most .0071; the largest of 16 is within 3.5 of them.
    assert abs(shares - (0.6 * np.eye(4) + 0.4 * wanted)).max() < 3.5 * 0.0071


@pytest.mark.parametrize("law", ["uniform", "incorrect", FLIPS])
def test_more_noise_changes_more_labels_and_none_differently(law):
    less, more = noisy(0.2, law), noisy(0.6, law)
    changed = less != LABELS
    assert (less[changed] == more[changed]).all() and (more != LABELS).sum() > 2 * changed.sum()
    assert (noisy(0.0, law) == LABELS).all()
    if law == "incorrect":
        assert (noisy(1.0, law) != LABELS).all()


@pytest.mark.parametrize(
    ("law", "sentence"),
    [
        ("wrong", "noise_law"),
        (3, "use uniform, incorrect, or a matrix"),
        (((0, 1), (1, 0)), "has 2 rows of .2. entries: give 3 x 3"),
        (((0, 1, 1), (1, 0, 0), (0, 0, 1)), "row 0 whose entries add up to 2"),
    ],
)
def test_a_law_that_is_none_is_refused(law, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        mj.tasks.from_arrays(np.ones((6, 1)), [0, 1, 2, 0, 1, 2], label_noise=0.1, noise_law=law)


TASKS = {
    "arrays": mj.tasks.from_arrays(
        np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 3, label_noise=0.4, noise_law="incorrect"
    ),
    "digits": mj.tasks.Images("digits", label_noise=0.4),
    "mnist1d": mj.tasks.MNIST1D(num_train=60, num_test=20, label_noise=0.4),
    "modular": mj.tasks.ModularArithmetic(p=7, label_noise=0.4),
    "parity": mj.tasks.SparseParity(num_bits=6, num_relevant=2, label_noise=0.4),
}


@pytest.mark.parametrize("name", TASKS)
def test_noise_belongs_to_the_row_and_clean_targets_are_those_without_noise(name):
    task = TASKS[name]
    clean = dataclasses.replace(task, label_noise=0.0)
    train, more = task.draw(3, 30, 9).train, task.draw(3, 40, 9).train
    assert (train.y == more.y[:30]).all()
    assert (task.clean_targets(3, 30) == clean.draw(3, 30, 9).train.y).all()
    assert 3 <= (train.y != task.clean_targets(3, 30)).sum() <= 24
    assert (task.draw(3, 30, 9).test.y == clean.draw(3, 30, 9).test.y).all()


def test_measures_on_the_clean_and_the_corrupted_part_make_up_the_whole():
    task = TASKS["arrays"]
    accuracy = mj.measures.accuracy.on("train", "train_clean", "train_corrupted", "train_restored", "held_out")
    spec = mj.Experiment(
        task=task,
        subset=mj.subsets.RandomShare(0.5),
        train_size="all",
        test_size=0,
        model=mj.models.MLP(hidden=(64,)),
        optimizer=mj.optimizers.adam(0.03),
        steps=300,
        record_at=(20,),
        measures=(accuracy, mj.measures.gradient_norm.on("train", "train_corrupted")),
        examples=("correct",),
        examples_at=(20,),
        data_seed=5,
    )
    swept = mj.sweep(spec, over={"seed": range(3)})
    ds, last = swept.sel(step=20), swept.sel(step=300)
    wrong, seen, right = ds.corrupted.values, ds.train_count.values == 1, ds.example_correct.values[:, 0]
    # The data set is one, so its noise is too.
    assert (wrong == wrong[0]).all() and 12 <= wrong[0].sum() <= 36 and (seen != seen[0]).any()

    def share(of):
        return [(right[run] & of[run]).sum() / of[run].sum() for run in range(3)]

    parts = {"train": seen, "train_clean": seen & ~wrong, "train_corrupted": seen & wrong, "held_out": ~seen}
    # Some of each part are wrong still.
    assert (ds.train_clean_accuracy > ds.train_corrupted_accuracy).any() and (ds.train_accuracy < 1).all()
    for split, of in parts.items():
        assert ds[f"{split}_accuracy"].values == pytest.approx(share(of), abs=1e-6)
    # A network that fits every noisy label gives no corrupted row its clean label.
    assert (last.train_accuracy == 1).all()
    assert last.train_restored_accuracy.values == pytest.approx(
        [1 - wrong[r][seen[r]].mean() for r in range(3)], abs=1e-6
    )


def test_a_split_that_a_run_does_not_have_is_refused():
    with pytest.raises(mj.InputError, match="taken on 'train_clean', but RandomLabels does not say"):
        mj.sweep(mj.Experiment(steps=2, record_every=1, measures=(mj.measures.loss.on("train", "train_clean"),)))
    with pytest.raises(mj.InputError, match="the split 'shifted', which the run does not have: use train, test, data"):
        mj.sweep(mj.Experiment(steps=2, record_every=1, measures=(mj.measures.loss.on("train", "shifted"),)))


@pytest.mark.slow
def test_named_sets_are_measured_as_test_sets_are():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, 4)).astype(np.float32), rng.integers(0, 3, 50)
    task = mj.tasks.from_arrays(
        x[:20],
        y[:20],
        x_test=x[20:30],
        y_test=y[20:30],
        evaluation={"same": (x[20:30], y[20:30]), "other": (x[30:], y[30:])},
    )
    spec = mj.Experiment(
        task=task,
        train_size="all",
        steps=20,
        record_every=10,
        measures=(mj.measures.loss.on("train", "test", "same", "other"), mj.measures.gradient_norm.on("test", "same")),
        examples=(mj.measures.by_example("loss", on=("other", "test")),),
    )
    ds = mj.sweep(spec)
    assert (ds.test_loss == ds.same_loss).all() and (ds.test_gradient_norm == ds.same_gradient_norm).all()
    own = ds.other_example_loss
    assert own.dims == ("example_step", "other_example") and own.other_example.values.tolist() == list(range(40, 60))
    assert float(own.mean()) == pytest.approx(float(ds.other_loss[-1]), rel=1e-6)
    assert ds.test_example.values.tolist() == list(range(20, 30))


@pytest.mark.parametrize("size", [5, 17, 40])
def test_stratified_rows_have_the_classes_in_their_shares_at_every_size(size):
    labels = np.repeat([0, 1, 2], [40, 30, 10])
    task = mj.tasks.from_arrays(np.arange(80.0)[:, None], labels, stratified=True)
    train, test = task.draw(3, size, 40)
    wanted = np.array([40, 30, 10]) / 80
    for part, count in ((train.y, size), (test.y, 40)):
        assert (abs(np.bincount(part, minlength=3) - wanted * count) <= 1).all()
    assert not set(train.x) & set(test.x)
    assert (task.draw(4, size, 40).train.x != train.x).any()


def test_a_squared_error_has_no_unit_on_any_split_and_of_no_example():
    values = mj.tasks.from_arrays(np.random.default_rng(2).normal(size=(20, 2)), np.linspace(0, 1, 20))
    measures = (mj.measures.loss.on("train", "held_out"),)
    spec = mj.Experiment(
        task=values, loss="mse", train_size="all", test_size=0, steps=2, record_every=1, measures=measures
    )
    ds = mj.sweep(dataclasses.replace(spec, subset=mj.subsets.RandomShare(0.5), examples=("loss",)))
    assert {ds[name].units for name in ("train_loss", "held_out_loss", "example_loss")} == {"1"}
