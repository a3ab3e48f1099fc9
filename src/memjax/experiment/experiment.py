"""The experiment: task, model, optimizer, loss, steps and records of one run; every default is in this file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from memjax.checks.keywords import named
from memjax.checks.values import number, whole
from memjax.content.later import later
from memjax.errors import InputError
from memjax.experiment.batches import check_batches
from memjax.experiment.decode import parse
from memjax.experiment.display import as_expression, as_html
from memjax.experiment.encode import to_json
from memjax.experiment.record_times import RecordSteps, record_steps, whole_steps
from memjax.experiment.single_fields import (
    as_tuple,
    check_best,
    check_condition,
    check_loss,
    check_penalty,
    check_records,
)
from memjax.experiment.start import Start
from memjax.experiment.train_size import check_fresh, data_sizes, read_train_size
from memjax.fields import paths, traced
from memjax.measures import BUILT_IN, ByExample, Measure, by_example_of
from memjax.measures.names import as_measures
from memjax.models import MLP, as_model
from memjax.optimizers import Optimizer, adam
from memjax.tasks import RandomLabels
from memjax.types import Best, Condition, Penalty, Subset, Task

__all__ = ["Experiment"]

_OPTIONAL = {
    "batch_size": 1, "test_size": 0, "data_seed": 0, "subset_seed": 0, "init_seed": 0, "batch_seed": 0,
}  # fmt: skip


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
    record_at
        Steps of the records, increasing, in place of ``record_every``, which then is ignored: ``spaced(1, steps)`` or any
        others. The initial and the final state are recorded besides, so that ``()`` records only these two.
    batch_size
        None for full batch; else examples per step, in epochs without replacement (the last batch of an epoch may be
        smaller), or new ones with ``train_size="fresh"``.
    batches
        ``epochs``, or ``poisson``: every step takes every train example with the probability ``batch_size`` / N, independently
        of all others, and the gradient is the sum over the batch divided by ``batch_size``. Privacy accounting assumes this.
    train_size
        Number of train examples N, or, for a task with a fixed number of examples, their fraction between 0 and 1,
        or ``"all"``. With a ``subset``, these are the rows of the data set, of which the run trains on some.
        ``"fresh"`` draws ``batch_size`` new examples inside every step and keeps none (online learning). The task is then a
        `memjax.types.FreshTask`; the train split is empty, so measures of the split are NaN.
    test_size
        Number of test examples; None takes the task's whole test set if it has one, else as many as ``train_size``. With 0
        there is no test set, and measures of it are NaN. With ``train_size="fresh"`` the number must be given.
    subset
        Which rows of the data set the run trains on, such as ``memjax.subsets.RandomShare(0.7)``; None takes all.
    seed
        Seed of data, subset, initial parameters, batch order and optimizer noise; each has an independent random stream.
    data_seed, subset_seed, init_seed
        Separate seed of the data set (its rows, labels, noise and test set), of the subset, or of the initial parameters (and
        optimizer noise); None takes ``seed``.
    batch_seed
        Separate seed of the batch order; None takes the seed of the subset if there is one, else of the data. Runs with one
        batch seed go through the data set in one order, each leaving out the rows that it does not train on.
    start
        Parameters to start from, such as ``snapshot.start``; None draws them.
    measures
        Names of built-in measures, `memjax.measures.Measure` objects, or functions ``(params, apply, examples)``. None
        records ``loss``, ``accuracy`` (for labels) and ``weight_l2``; with ``train_size="fresh"`` it records ``step_loss``,
        ``test_loss``, ``test_accuracy`` (for labels) and ``weight_l2``.
    examples
        Measures whose value is kept for every single example of the data set, whether the run trains on the example or not:
        ``correct``, ``loss``, ``logit_margin``, ``log_odds``, other per-example measures, or
        `memjax.measures.by_example` for other splits and dtypes.
    examples_at
        Steps at which ``examples`` are measured; None takes the last step.
    stop_when
        Condition that stops a run at a record, such as ``memjax.stopping.AtLeast("train_accuracy", 1.0)``. The network then
        stays as it is, and so do its later records.
    penalty
        Function of the parameters that training adds to the scaled loss, such as ``memjax.penalties.L1(1e-4)``. Recorded losses
        stay as they are; the measure ``penalty`` records its value.
    keep_best
        Which network of a run is kept besides ``snapshots``, such as that at the record with the lowest test loss,
        ``memjax.stopping.Lowest("test_loss")``. `memjax.best` gives these networks.
    snapshots
        Steps at which parameters are kept, from 0 to ``steps``; there need be no record.

    Raises
    ------
    InputError
        If a field's value is not allowed, ``record_every`` does not divide ``steps``, a record or snapshot lies beyond them,
        or ``train_size="fresh"`` stands beside something that needs a train set.

    Examples
    --------
    >>> blog = Experiment(task=RandomLabels(input_dim=9, num_classes=17), steps=1000)
    >>> blog.optimizer
    adam(learning_rate=0.001, b1=0.9, b2=0.999, eps=1e-08, l2=0.0, clip_norm=None)
    >>> Experiment(steps=1000, record_at=[1, 10, 100], snapshots=(7,)).record_steps
    (0, 1, 10, 100, 1000)
    """

    task: Task = field(default_factory=RandomLabels)
    model: Any = field(default_factory=MLP)
    optimizer: Optimizer = field(default_factory=adam)
    loss: str | Callable[..., Any] = "cross_entropy"
    loss_scale: float = traced(1.0)
    steps: int = 1000
    record_every: int = 10
    record_at: tuple[int, ...] | None = later(None)
    batch_size: int | None = None
    batches: str = later("epochs")
    train_size: int | float | str = 1000
    test_size: int | None = None
    subset: Subset | None = later(None)
    seed: int = 0
    data_seed: int | None = None
    subset_seed: int | None = later(None)
    init_seed: int | None = None
    batch_seed: int | None = later(None)
    start: Start | None = None
    measures: tuple[str | Measure | Callable[..., Any], ...] | None = None
    examples: tuple[str | Measure | ByExample, ...] = later(())
    examples_at: tuple[int, ...] | None = later(None)
    stop_when: Condition | None = later(None)
    penalty: Penalty | None = later(None)
    keep_best: Best | None = later(None)
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
        object.__setattr__(self, "train_size", read_train_size(self.train_size, self.task))
        if not isinstance(self.start, Start | None):
            raise InputError(f"start is {self.start!r}: give snapshot.start, memjax.Start.of(params), or None.")
        object.__setattr__(self, "seed", whole("seed", self.seed, 0))
        if self.subset is not None and (not isinstance(self.subset, Subset) or isinstance(self.subset, type)):
            raise InputError(
                f"subset is {self.subset!r}: give an object of memjax.subsets, your own with size and choose, or None."
            )
        if self.subset is not None and type(self.subset).__hash__ is None:
            raise InputError(f"subset is {self.subset!r}, which has no hash: make its class a frozen dataclass.")
        for name, least in _OPTIONAL.items():
            if getattr(self, name) is not None:
                object.__setattr__(self, name, whole(name, getattr(self, name), least))
        object.__setattr__(self, "loss_scale", number("loss_scale", self.loss_scale))
        check_loss(self.loss)
        if self.record_at is None:
            check_records(self.steps, self.record_every)
        else:
            listed = whole_steps("record_at", self.record_at, self.steps, increasing=True)
            object.__setattr__(self, "record_at", listed)
        object.__setattr__(self, "snapshots", whole_steps("snapshots", self.snapshots, self.steps))
        object.__setattr__(self, "examples", as_tuple("examples", self.examples))
        by_example_of(self.examples, BUILT_IN)
        if self.examples_at is not None:
            listed = whole_steps("examples_at", self.examples_at, self.steps, increasing=True)
            object.__setattr__(self, "examples_at", listed)
            if not listed:
                raise InputError("examples_at has no step: give one or more, or None for the last step.")
        check_condition(self.stop_when)
        check_best(self.keep_best)
        if self.penalty is not None:
            check_penalty(self.penalty)
        if self.measures is not None:
            object.__setattr__(self, "measures", as_tuple("measures", self.measures))
            as_measures(self.measures, BUILT_IN)
        check_batches(self)
        check_fresh(self)

    @property
    def data_key(self) -> int:
        """Seed of the data: ``data_seed``, or ``seed`` if ``data_seed`` is None."""
        return int(self.seed if self.data_seed is None else self.data_seed)

    @property
    def init_key(self) -> int:
        """Seed of the initial parameters: ``init_seed``, or ``seed`` if ``init_seed`` is None."""
        return int(self.seed if self.init_seed is None else self.init_seed)

    @property
    def subset_key(self) -> int:
        """Seed of the subset: ``subset_seed``, or ``seed`` if ``subset_seed`` is None."""
        return int(self.seed if self.subset_seed is None else self.subset_seed)

    @property
    def batch_key(self) -> int:
        """Seed of the batch order: ``batch_seed``, or that of the subset, or without a subset that of the data."""
        if self.batch_seed is not None:
            return int(self.batch_seed)
        return self.data_key if self.subset is None else self.subset_key

    @property
    def example_steps(self) -> tuple[int, ...]:
        """Steps at which ``examples`` are measured."""
        if not self.examples:
            return ()
        return (self.steps,) if self.examples_at is None else self.examples_at

    @property
    def record_steps(self) -> RecordSteps:
        """Steps of all records, from 0 to ``steps``."""
        return record_steps(self.steps, self.record_every, self.record_at)

    def sizes(self) -> tuple[int, int]:
        """Numbers of train and test examples of the run.

        Examples
        --------
        >>> from memjax.subsets import RandomShare
        >>> Experiment(train_size=50).sizes(), Experiment(train_size=50, subset=RandomShare(0.7)).sizes()
        ((50, 50), (35, 50))
        """
        train_size, test_size = self.data_sizes()
        return train_size if self.subset is None else self.subset.size(train_size, self.subset_key), test_size

    def data_sizes(self) -> tuple[int, int]:
        """Numbers of rows of the data set and of test examples; the task decides a ``test_size`` of None.

        Examples
        --------
        >>> Experiment(train_size=50).data_sizes()
        (50, 50)
        """
        return data_sizes(self)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # A dataclass writes all its fields, unless its own body says otherwise.
        cls.__repr__ = cls.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        return as_expression(self)

    def _repr_html_(self) -> str:
        return as_html(self)

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
