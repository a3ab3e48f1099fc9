"""The experiment: task, model, optimizer, loss, steps and records of one run; every default is in this file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memjax import losses
from memjax.checks.keywords import named
from memjax.checks.values import number, scalar, whole
from memjax.errors import InputError
from memjax.experiment.decode import parse
from memjax.experiment.encode import to_json
from memjax.experiment.start import Start
from memjax.fields import paths, traced
from memjax.measures import BUILT_IN, Measure
from memjax.measures.names import as_measures
from memjax.models import MLP, as_model
from memjax.optimizers import Optimizer, adam
from memjax.tasks import RandomLabels
from memjax.types import FiniteTask, Task

__all__ = ["Experiment"]

# Limit of the search for divisors of ``steps``, for an error message.
_MOST = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One network trained once, fully stated; `memjax.sweep` varies its fields.

    Parameters
    ----------
    task
        The source of examples.
    model
        Anything `memjax.models.as_model` accepts.
    optimizer
        Made by a factory of `memjax.optimizers`.
    loss
        ``cross_entropy``, ``mse``, ``sse`` or a function ``(outputs[B, C], targets[B, ...]) -> [B]``. Training minimises its
        mean over the train examples.
    loss_scale
        Factor of the loss in the gradient; records hold the unscaled loss. Traced.
    steps
        Number of updates.
    record_every
        Steps between records; must divide ``steps``. Record 0 is the initial state, the last record the final one.
    batch_size
        None for full batch; else examples per step, in epochs without replacement (the last batch of an epoch may be
        smaller).
    train_size
        Number of train examples N, or, for a task with a fixed number of examples, their fraction between 0 and 1.
    test_size
        Number of test examples; None takes the task's whole test set if it has one, else as many as ``train_size``.
    seed
        Seed of data, initial parameters, batch order and optimizer noise; each has an independent random stream.
    data_seed, init_seed
        Separate seed of the data (and batch order), or of the initial parameters (and optimizer noise); None takes
        ``seed``.
    start
        Parameters to start from, such as ``snapshot.start``; None draws them.
    measures
        Names of built-in measures, `memjax.measures.Measure` objects, or functions ``(params, apply, examples)``. None
        records ``loss``, ``accuracy`` (for labels) and ``weight_l2``.
    snapshots
        Steps at which parameters are kept; multiples of ``record_every`` up to ``steps``.

    Raises
    ------
    InputError
        If a field's value is not allowed, ``record_every`` does not divide ``steps``, or a snapshot's step has no record.

    Examples
    --------
    >>> blog = Experiment(task=RandomLabels(input_dim=9, num_classes=17), steps=1000)
    >>> blog.optimizer
    adam(learning_rate=0.001, b1=0.9, b2=0.999, eps=1e-08, l2=0.0, clip_norm=None)
    """

    task: Task = field(default_factory=RandomLabels)
    model: Any = field(default_factory=MLP)
    optimizer: Optimizer = field(default_factory=adam)
    loss: str | Callable[..., Any] = "cross_entropy"
    loss_scale: float = traced(1.0)
    steps: int = 1000
    record_every: int = 10
    batch_size: int | None = None
    train_size: int | float = 1000
    test_size: int | None = None
    seed: int = 0
    data_seed: int | None = None
    init_seed: int | None = None
    start: Start | None = None
    measures: tuple[str | Measure | Callable[..., Any], ...] | None = None
    snapshots: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.task, Task) or isinstance(self.task, type):
            raise InputError(
                f"task is {self.task!r}: give an object of memjax.tasks, or your own with num_outputs and draw."
            )
        if not isinstance(self.optimizer, Optimizer):
            raise InputError(
                f"optimizer is {self.optimizer!r}: make one with memjax.optimizers, such as adam(1e-3) or from_optax(factory)."
            )
        object.__setattr__(self, "model", as_model(self.model))
        # Python numbers do not overflow, unlike NumPy's short integers.
        for name in ("steps", "record_every"):
            object.__setattr__(self, name, whole(name, getattr(self, name), 1))
        object.__setattr__(self, "train_size", _train_size(self.train_size, self.task))
        if not isinstance(self.start, Start | None):
            raise InputError(f"start is {self.start!r}: give snapshot.start, memjax.Start.of(params), or None.")
        object.__setattr__(self, "seed", whole("seed", self.seed, 0))
        for name, least in (("batch_size", 1), ("test_size", 1), ("data_seed", 0), ("init_seed", 0)):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, whole(name, getattr(self, name), least))
        object.__setattr__(self, "loss_scale", number("loss_scale", self.loss_scale))
        losses.get(self.loss)
        _check_records(self.steps, self.record_every)
        object.__setattr__(self, "snapshots", _snapshots(self.snapshots, self.steps, self.record_every))
        if self.measures is not None:
            object.__setattr__(self, "measures", _several("measures", self.measures))
            as_measures(self.measures, BUILT_IN)

    @property
    def data_key(self) -> int:
        """Seed of the data: ``data_seed``, or ``seed`` if ``data_seed`` is None."""
        return int(self.seed if self.data_seed is None else self.data_seed)

    @property
    def init_key(self) -> int:
        """Seed of the initial parameters: ``init_seed``, or ``seed`` if ``init_seed`` is None."""
        return int(self.seed if self.init_seed is None else self.init_seed)

    def sizes(self) -> tuple[int, int]:
        """Numbers of train and test examples; the task decides a ``test_size`` of None.

        Examples
        --------
        >>> Experiment(train_size=50).sizes()
        (50, 50)
        """
        train_size = self.train_size
        if isinstance(train_size, float):
            train_size = max(1, round(train_size * self.task.num_examples))  # type: ignore[attr-defined]
        if hasattr(self.task, "sizes"):
            return self.task.sizes(train_size, self.test_size)
        return train_size, train_size if self.test_size is None else self.test_size

    def to_json(self) -> str:
        """Write the experiment as JSON; see ``experiment/encode.py``."""
        return to_json(self)

    @staticmethod
    def from_json(text: str, using: tuple[Any, ...] = ()) -> Experiment:
        """Read an experiment from JSON; ``using`` holds your own functions and objects that the JSON names.

        Examples
        --------
        >>> Experiment.from_json(Experiment(steps=20).to_json()) == Experiment(steps=20)
        True
        """
        return parse(Experiment, text, using)


# An unknown keyword may be a field of the task, the model or the optimizer.
named(Experiment, paths)


def _train_size(train_size: Any, task: Task) -> int | float:
    train_size = scalar(train_size)
    if not isinstance(train_size, float):
        return whole("train_size", train_size, 1)
    if not 0 < train_size < 1:
        raise InputError(
            f"train_size is {train_size!r}: give a whole number of at least 1, or a share between 0 and 1."
        )
    if not isinstance(task, FiniteTask):
        raise InputError(
            f"train_size is {train_size!r}, but {type(task).__name__} draws as many examples as it is asked for: give a whole "
            "number, for a share needs a task with num_examples."
        )
    return train_size


def _check_records(steps: int, every: int) -> None:
    if steps % every:
        small = [d for d in range(1, min(math.isqrt(steps), _MOST) + 1) if steps % d == 0]
        near = sorted({*small, *(steps // d for d in small)}, key=lambda d: abs(math.log(d) - math.log(every)))[:12]
        raise InputError(
            f"record_every is {every}, which does not divide steps = {steps}: use one of {', '.join(map(str, sorted(near)))}."
        )


def _snapshots(values: Any, steps: int, every: int) -> tuple[int, ...]:
    """Snapshot steps as Python integers; each must be the step of a record."""
    several = _several("snapshots", values.tolist() if isinstance(values, np.ndarray) and values.ndim else values)
    several = tuple(int(step) if isinstance(step, np.integer) else step for step in several)
    for step in several:
        whole_step = isinstance(step, int) and not isinstance(step, bool)
        if not whole_step or not 0 <= step <= steps or step % every:
            raise InputError(
                f"The snapshot step {step!r} is not allowed: give multiples of record_every = {every} from 0 to {steps}."
            )
    return several


def _several(name: str, values: Any) -> tuple[Any, ...]:
    if not isinstance(values, tuple | list | range):
        raise InputError(f"{name} is {values!r}: give a tuple, with a comma even around one entry.")
    return tuple(values)
