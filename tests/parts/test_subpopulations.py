"""Subpopulations: the law of frequencies, labels and clusters, nested draws, limits, and what is not allowed."""

import numpy as np
import pytest

import memjax as mj
from memjax import InputError
from memjax.tasks import Subpopulations

SIGMAS = 5


def test_an_example_has_the_centre_and_the_label_of_its_subpopulation():
    task = Subpopulations(num_subpopulations=40, num_classes=3, input_dim=6, spread=0.0)
    members = task.subpopulations(4, 300, 200)
    for split, member in zip(task.draw(4, 300, 200), members, strict=True):
        assert (split.x.dtype, split.y.dtype, member.dtype) == (np.float32, np.int32, np.int32)
        np.testing.assert_array_equal(split.x, task.centers(4)[member])
        np.testing.assert_array_equal(split.y, task.classes(4)[member])
    assert len(members[0]) == 300 and len(members[1]) == 200 and not np.array_equal(members[0][:200], members[1])


@pytest.mark.parametrize("exponent", [0.0, 0.7, 1.0, 2.0])
def test_frequencies_are_a_power_of_the_rank(exponent):
    task = Subpopulations(num_subpopulations=30, exponent=exponent)
    p = task.frequencies()
    assert p.sum() == pytest.approx(1) and p / p[0] == pytest.approx(np.arange(1, 31) ** -exponent)
    size = 20_000
    counts = np.bincount(np.concatenate(task.subpopulations(0, size, size)), minlength=30)
    # Measured: at most 3.2 standard errors.
    assert (np.abs(counts / (2 * size) - p) < SIGMAS * np.sqrt(p * (1 - p) / (2 * size)) + 1e-12).all()


def test_a_steep_law_leaves_one_subpopulation():
    assert set(Subpopulations(exponent=2000.0).subpopulations(0, 100, 1)[0]) == {0}
    assert Subpopulations(num_subpopulations=1).frequencies().tolist() == [1.0]


def test_inputs_are_normal_around_normal_centres():
    task = Subpopulations(num_subpopulations=500, input_dim=20, spread=0.3)
    x = task.draw(1, 4000, 1).train.x
    offsets = x - task.centers(1)[task.subpopulations(1, 4000, 1)[0]]
    # A variance of V values has the relative standard error sqrt(2 / V): 0.5% and 1.4%; measured 0.7% and 0.4%.
    assert offsets.var() == pytest.approx(0.3**2, rel=0.02) and task.centers(1).var() == pytest.approx(1, rel=0.06)
    assert abs(offsets.mean()) < SIGMAS * 0.3 / np.sqrt(offsets.size)
    # Measured: 4e-7. The same offsets with another spread: the noise of an example hangs on its place alone.
    wide = Subpopulations(num_subpopulations=500, input_dim=20, spread=0.6).draw(1, 4000, 1).train.x
    np.testing.assert_allclose(wide - x, offsets, atol=2e-6)


def test_labels_are_uniform_and_independent_of_frequencies():
    labels = Subpopulations(num_subpopulations=20_000, num_classes=4).classes(0)
    assert (np.abs(np.bincount(labels) / 20_000 - 1 / 4) < SIGMAS * np.sqrt(3 / 16 / 20_000)).all()
    assert abs(np.corrcoef(labels, np.arange(20_000))[0, 1]) < SIGMAS / np.sqrt(20_000)


@pytest.mark.parametrize("sizes", [(50, 300), (200, 33)])
def test_a_smaller_draw_is_the_beginning_of_a_larger_one(sizes):
    task = Subpopulations(num_subpopulations=60, input_dim=4)
    for small, large in zip(task.draw(7, *sizes), task.draw(7, 200, 300), strict=True):
        np.testing.assert_array_equal(small.x, large.x[: len(small.x)])
        np.testing.assert_array_equal(small.y, large.y[: len(small.y)])
    for small, large in zip(task.subpopulations(7, *sizes), task.subpopulations(7, 200, 300), strict=True):
        np.testing.assert_array_equal(small, large[: len(small)])


def test_seeds_have_centres_labels_and_members_of_their_own():
    task = Subpopulations()
    for part in (task.centers, task.classes, lambda seed: task.subpopulations(seed, 100, 1)[0]):
        assert not np.array_equal(part(0), part(1))


def test_the_numbers_of_the_task_compile_nothing():
    spec = mj.Experiment(task=Subpopulations(num_subpopulations=8, input_dim=3), train_size=20, steps=2, record_every=1)
    over = {"exponent": [0.0, 1.0], "spread": [0.0, 0.5], "num_subpopulations": [8, 9]}
    assert mj.explain(spec, over).programs == mj.explain(spec).programs


def test_the_nearest_example_tells_the_subpopulation():
    task = Subpopulations()
    (x, y), test = task.draw(0, 1000, 300)
    members, others = task.subpopulations(0, 1000, 300)
    nearest = ((x[None] - test.x[:, None]) ** 2).sum(-1).argmin(1)
    known = np.isin(others, members)
    assert (members[nearest] == others)[known].all() and 0.1 < 1 - known.mean() < 0.3
    # A subpopulation that the sample lacks has a random label.
    wrong = (y[nearest] != test.y)[~known].mean()
    assert abs(wrong - 0.9) < SIGMAS * np.sqrt(0.09 / (~known).sum())


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"num_subpopulations": 0}, "num_subpopulations is 0: give a whole number of at least 1"),
        ({"num_classes": 1}, "num_classes is 1: give a whole number of at least 2"),
        ({"input_dim": 2.5}, "input_dim is 2.5: give a whole number"),
        ({"exponent": -1.0}, "exponent is -1.0: give a finite number of at least 0"),
        ({"spread": np.inf}, "spread is inf: give a finite number of at least 0"),
    ],
)
def test_what_is_not_allowed_is_refused(fields, sentence):
    with pytest.raises(InputError, match=rf"Subpopulations\.{sentence}"):
        Subpopulations(**fields)
