"""The train size of a run: a number, a share of the task's examples, all of them, or fresh examples at every step."""

from __future__ import annotations

from typing import Any

from memjax.checks.values import scalar, whole
from memjax.errors import InputError, listing
from memjax.measures import BUILT_IN, by_example_of
from memjax.optimizers.closed import is_closed_form
from memjax.types import EvaluatedTask, FiniteTask, FreshTask, Task

__all__ = ["FRESH", "check_fresh", "data_sizes", "is_fresh", "read_train_size"]

FRESH = "fresh"
"""The train size of a run that draws new examples at every step and keeps none."""
_ALL = "all"


def read_train_size(train_size: Any, task: Task) -> int | float | str:
    """A train size that a task can serve; raises `InputError` for any other."""
    train_size = scalar(train_size)
    if not isinstance(train_size, float) and train_size not in (_ALL, FRESH):
        return whole("train_size", train_size, 1)
    if train_size == FRESH:
        return _fresh(task)
    if train_size != _ALL and not 0 < train_size < 1:
        raise InputError(
            f"train_size is {train_size!r}: give a whole number of at least 1, a share between 0 and 1, or 'all'."
        )
    if not isinstance(task, FiniteTask):
        raise InputError(
            f"train_size is {train_size!r}, but {type(task).__name__} draws as many examples as it is asked for: give a whole "
            "number, for a share or 'all' needs a task with num_examples."
        )
    return str(train_size) if train_size == _ALL else train_size


def _fresh(task: Task) -> str:
    kind = type(task)
    if not isinstance(task, FreshTask):
        raise InputError(
            f"train_size is 'fresh', but {kind.__name__} cannot draw examples during training: give a number of examples, or "
            "a task with stream and fresh, such as memjax.tasks.SparseParity."
        )
    for name in ("fresh", "stream"):
        if _place(kind, name) > _place(kind, "draw"):
            raise InputError(
                f"train_size is 'fresh', but {kind.__name__} has a draw of its own and inherits {name} from another class: "
                f"give {kind.__name__} its own {name}, so that fresh examples have the distribution of drawn ones."
            )
    return FRESH


def _place(kind: type, name: str) -> int:
    """Place of the class that defines a member in the order in which Python looks for the member."""
    return next((place for place, one in enumerate(kind.__mro__) if name in vars(one)), 0)


def is_fresh(experiment: Any) -> bool:
    """Whether a run draws new examples at every step."""
    return bool(experiment.train_size == FRESH)


def data_sizes(experiment: Any) -> tuple[int, int]:
    """Numbers of rows of the data set and of test examples of an experiment."""
    train_size, task, test_size = experiment.train_size, experiment.task, experiment.test_size
    if train_size == FRESH:
        return 0, test_size
    if not isinstance(train_size, int):
        share = 1 if train_size == _ALL else train_size
        train_size = max(1, round(share * task.num_examples))
    if hasattr(task, "sizes"):
        found: tuple[int, int] = task.sizes(train_size, test_size)
        return found
    return train_size, train_size if test_size is None else test_size


def check_fresh(experiment: Any) -> None:
    """Raise `InputError` where a run with fresh examples asks for something that only a train set has."""
    if not is_fresh(experiment):
        return
    if experiment.batch_size is None:
        raise InputError(
            "train_size is 'fresh', but batch_size is None: give the number of new examples of every step."
        )
    if experiment.test_size is None:
        raise InputError(
            "train_size is 'fresh', which test_size = None cannot follow: give the number of test examples, or 0 for none."
        )
    if experiment.subset is not None:
        raise InputError(
            f"subset is {experiment.subset!r}, but with train_size = 'fresh' there is no data set to choose from: leave subset "
            "out, or give a number as train_size."
        )
    if experiment.batch_seed is not None:
        raise InputError(
            f"batch_seed is {experiment.batch_seed}, but fresh examples have no order to choose: leave batch_seed out, for "
            "data_seed decides which examples a run sees."
        )
    if is_closed_form(experiment.optimizer):
        raise InputError(
            "train_size is 'fresh', but closed_form() fits the model to a train set: give a number as train_size, or an "
            "optimizer with steps, such as adam(1e-3)."
        )
    _check_examples(experiment)


def _check_examples(experiment: Any) -> None:
    named = experiment.task.evaluation_sizes if isinstance(experiment.task, EvaluatedTask) else ()
    there = {"test", *named}
    asked = {split for part in by_example_of(experiment.examples, BUILT_IN) for split in part.splits}
    if asked - there:
        missing, left = (listing(map(repr, sorted(names))) for names in (asked - there, there))
        raise InputError(
            f"examples are measured on {missing}, but a run with train_size = 'fresh' keeps no train example: name the splits, "
            f"as in memjax.measures.by_example('loss', on='test'), of {left}."
        )
