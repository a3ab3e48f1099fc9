"""The static structure of a run: everything that decides which program is compiled, and nothing else."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
import optax

from memjax.checks.asked import OF_PENALTIES, asked_by
from memjax.experiment import Experiment
from memjax.experiment.kinds import once_per_kind
from memjax.experiment.record_times import RecordSteps
from memjax.experiment.stream import StreamShape
from memjax.experiment.train_size import is_fresh
from memjax.fields import is_node, traced_values, with_numbers
from memjax.jax_settings import float_dtype, host_dtype, wide
from memjax.losses.seeing import seeing, sees_network
from memjax.measures import ByExample
from memjax.measures.measure import Measure
from memjax.measures.recorded.loss import step_loss
from memjax.models.adapt import with_outputs, with_room
from memjax.models.padding import Stack
from memjax.parameter_trees import layout_of
from memjax.types import Apply, Array, Best, Condition, FreshTask, LossFn, Model, Penalty

__all__ = [
    "Program",
    "ShapeOf",
    "model_of",
    "num_parameters",
    "numbers_of",
    "parameter_layout",
    "traced_of",
]

Hyper = Mapping[str, Any]


class ShapeOf(tuple[tuple[int, ...], str]):
    """Shape of one example and dtype name, hashable."""

    __slots__ = ()

    @classmethod
    def of(cls, array: np.ndarray) -> ShapeOf:
        """Shape and JAX's dtype of the rows of a host array."""
        return cls((tuple(array.shape[1:]), host_dtype(array.dtype).name))

    def struct(self, *leading: int) -> Any:
        """Shape struct with leading axes."""
        return jax.ShapeDtypeStruct((*leading, *self[0]), np.dtype(self[1]))


@dataclasses.dataclass(frozen=True)
class Program:
    """The static structure that the runs of a group share; equal structures share their compiled programs.

    In `model`, `optimizer`, `loss` and other parts, holes stand for the traced numbers; the methods fill them with the values
    of one run. With `widths`, `model` is padded to these widths, and each run brings the places of its own parameters. With
    `repeats`, a row may be presented several times in a step. A function may read a global or a list that has changed since it
    was compiled, so `content` is a digest of all that functions read. Of a run with fresh examples, `task` is the task with
    holes for its traced numbers, and `stream` the shapes of what its examples share. Of Poisson batches, `batch_size` is the
    room, and `expected` the number by which a sum over a batch is divided.
    """

    model: Model
    optimizer: Any
    loss: LossFn
    measures: tuple[Measure, ...]
    steps: int
    record_at: RecordSteps
    batch_size: int | None
    x: ShapeOf
    y: ShapeOf
    traced: tuple[str, ...]
    started: bool
    widths: tuple[int, ...] | Stack | None = None
    content: str = ""
    by_example: tuple[ByExample, ...] = ()
    example_steps: tuple[int, ...] = ()
    stop_when: Any = None
    penalty: Any = None
    keep_best: Any = None
    repeats: bool = False
    task: Any = None
    stream: StreamShape | None = None
    expected: int | None = None

    @property
    def draws_fresh(self) -> bool:
        """Whether every step draws new examples."""
        return self.stream is not None

    @property
    def has_order(self) -> bool:
        """Whether steps go through a train set in minibatches, in an order of their own."""
        return self.batch_size is not None and not self.draws_fresh

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits beside train and test on which something is measured."""
        named = {split for measure in self.measures for split in measure.splits}
        named |= {part.measured_on(split) for part in self.by_example for split in part.splits}
        return tuple(sorted(named - {"train", "test"}))

    @property
    def num_records(self) -> int:
        """Number of records after the initial one, K - 1."""
        return len(self.record_at) - 1

    def model_with(self, hyper: Hyper) -> Model:
        """The model with one run's numbers."""
        return with_numbers(self.model, _below("model.", hyper))

    def apply_with(self, hyper: Hyper) -> Apply:
        """The model's apply function with one run's numbers; its outputs are cast to float32 or wider."""
        model = self.model_with(hyper)
        return lambda params, x: wide(model.apply(params, x))

    def task_with(self, hyper: Hyper) -> FreshTask:
        """The task with one run's numbers, to draw fresh examples."""
        found: FreshTask = with_numbers(self.task, _below("task.", hyper))
        return found

    def rule_with(self, hyper: Hyper, key: Array | None = None) -> optax.GradientTransformationExtraArgs:
        """The optax transformation with one run's numbers; only its ``init`` needs the run's key."""
        return optax.with_extra_args_support(self.optimizer_with(hyper).transformation(self.steps, key))

    def optimizer_with(self, hyper: Hyper) -> Any:
        """The optimizer with one run's numbers."""
        return with_numbers(self.optimizer, _below("optimizer.", hyper))

    def loss_with(self, hyper: Hyper) -> LossFn:
        """The loss with one run's numbers, for networks of the run's model."""
        if not self.loss_sees and not is_node(self.loss):
            return self.loss
        return seeing(with_numbers(self.loss, _below("loss.", hyper)), self.model_with(hyper))

    @property
    def loss_sees(self) -> bool:
        """Whether the loss sees more of a network than its outputs."""
        return sees_network(self.loss)

    @property
    def example_variables(self) -> dict[str, tuple[ByExample, str]]:
        """Measure and split of every variable with a value for every example, by the name of the variable."""
        return {part.variable(split): (part, split) for part in self.by_example for split in part.splits}

    @property
    def asks(self) -> frozenset[str]:
        """Names of what the measures, or the penalty, ask for beside their arguments, see `memjax.measures.Measure`."""
        parts = (*self.measures, *(part.measure for part in self.by_example))
        return frozenset().union(*(measure.asks for measure in parts), self.penalty_asks & {"initial"})

    @property
    def penalty_asks(self) -> frozenset[str]:
        """Names of what the penalty asks for beside the parameters."""
        return frozenset() if self.penalty is None else asked_by(self.penalty, OF_PENALTIES)

    @property
    def evaluates(self) -> bool:
        """Whether other parameters are measured than those from which training goes on."""
        return self.optimizer.evaluate is not None

    @property
    def shows_state(self) -> bool:
        """Whether what is measured takes the state of the optimizer."""
        return "opt_state" in self.asks or self.evaluates

    @property
    def averages_steps(self) -> bool:
        """Whether the mean loss of the steps is recorded."""
        return any(measure.function is step_loss.function for measure in self.measures)

    @property
    def watches(self) -> bool:
        """Whether later records need something of earlier ones."""
        watching = self.stop_when is not None or self.keep_best is not None
        return watching or any(part.over is not None for part in self.by_example)

    @property
    def presented(self) -> tuple[ByExample, ...]:
        """What is folded over the presentations of single examples."""
        return tuple(part for part in self.by_example if part.presented)

    def condition_with(self, hyper: Hyper) -> Condition:
        """The condition that stops a run, with the run's numbers."""
        found: Condition = with_numbers(self.stop_when, _below("stop_when.", hyper))
        return found

    def penalty_with(self, hyper: Hyper) -> Penalty:
        """The penalty with one run's numbers."""
        found: Penalty = with_numbers(self.penalty, _below("penalty.", hyper))
        return found

    def best_with(self, hyper: Hyper) -> Best:
        """The choice of the best network of a run, with the run's numbers."""
        found: Best = with_numbers(self.keep_best, _below("keep_best.", hyper))
        return found

    def draw(self, key_data: Array, hyper: Hyper) -> Any:
        """The parameters that the model of one run draws."""
        key = jax.random.wrap_key_data(key_data, impl="threefry2x32")
        return self.model_with(hyper).init(key, jax.numpy.zeros((1, *self.x[0]), self.x[1]))

    def first_state(self, params: Any, key: Array, hyper: Hyper) -> Any:
        """State of the optimizer of one run before its first step, from its initial parameters and its raw noise key."""
        # In float32 or wider: squares of gradients, which Adam keeps, leave the range of 16 bits.
        return self.rule_with(hyper, key).init(jax.tree.map(wide, params))


def num_parameters(program: Program) -> int:
    """Number of parameters P of a run."""
    return sum(math.prod(shape) for _, shape in parameter_layout(program))


@functools.lru_cache(maxsize=8192)
def parameter_layout(program: Program) -> tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]:
    """Path and shape of every parameter array of a run."""
    hyper = {path: jax.ShapeDtypeStruct((), float_dtype()) for path in program.traced}
    return layout_of(jax.eval_shape(program.draw, jax.ShapeDtypeStruct((2,), "uint32"), hyper))


def _below(prefix: str, hyper: Hyper) -> dict[str, Any]:
    return {path.removeprefix(prefix): value for path, value in hyper.items() if path.startswith(prefix)}


def traced_of(experiment: Experiment, widths: tuple[int, ...] | Stack | None = None) -> dict[str, float]:
    """Numbers of one run that enter its program as data.

    The task's numbers stay on the host, where they shape its draws, unless every step draws.
    """
    inside = is_fresh(experiment)
    numbers = {
        path: value for path, value in traced_values(experiment).items() if inside or not path.startswith("task.")
    }
    if widths is None:
        return numbers
    of_model = traced_values(model_of(experiment, widths), "model.")
    return {path: value for path, value in numbers.items() if not path.startswith("model.")} | of_model


def numbers_of(
    runs: Sequence[Experiment], traced: Sequence[str], widths: tuple[int, ...] | Stack | None = None
) -> dict[str, np.ndarray]:
    """Traced numbers of runs, ``[R]`` each by path."""
    rows = list(map(once_per_kind(lambda run: traced_of(run, widths)), runs))
    return {path: np.array([row[path] for row in rows], float_dtype()) for path in traced}


def model_of(experiment: Experiment, widths: tuple[int, ...] | Stack | None = None) -> Any:
    """The model of a run with the outputs that the task needs and room for its train set; padded if ``widths`` are given."""
    model: Any = with_room(with_outputs(experiment.model, experiment.task.num_outputs), experiment.sizes()[0])
    return model if widths is None else model.padded(widths)
