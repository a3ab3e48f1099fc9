"""Optional members of a task: which of the built-in tasks has which, by the protocols in `memjax.types`."""

import numpy as np
import pytest

from memjax import tasks
from memjax.types import FileTask, FiniteTask, PoolTask, SizedTask, Task, TokenTask

OPTIONAL = (PoolTask, SizedTask, FiniteTask, TokenTask, FileTask)
EXPECTED = {
    "Arrays": (tasks.from_arrays(np.zeros((4, 2)), [0, 1, 0, 1]), (PoolTask, SizedTask, FiniteTask)),
    "Images": (tasks.Images("digits"), (PoolTask, SizedTask, FiniteTask, FileTask)),
    "MNIST1D": (tasks.MNIST1D(), (PoolTask, SizedTask, FiniteTask)),
    "ModularArithmetic": (tasks.ModularArithmetic(p=5), (PoolTask, SizedTask, FiniteTask, TokenTask)),
    "RandomLabels": (tasks.RandomLabels(), ()),
    "SparseFeatures": (tasks.SparseFeatures(), ()),
    "SparseParity": (tasks.SparseParity(), ()),
    "Subpopulations": (tasks.Subpopulations(), ()),
    "TeacherStudent": (tasks.TeacherStudent(), ()),
}


def test_every_task_is_in_the_table():
    assert set(EXPECTED) == {name for name in tasks.__all__ if isinstance(getattr(tasks, name), type)}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_task_has_the_optional_members_of_its_protocols(name):
    task, expected = EXPECTED[name]
    assert isinstance(task, Task)
    assert tuple(protocol for protocol in OPTIONAL if isinstance(task, protocol)) == expected
