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

from memjax import losses
from memjax.content import try_content
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.experiment.kinds import once_per_kind
from memjax.experiment.record_times import RecordSteps
from memjax.experiment.rows import may_repeat
from memjax.fields import traced_values, with_numbers, without_numbers
from memjax.jax_settings import float_dtype, host_dtype, wide
from memjax.measures import BUILT_IN, ByExample, by_example_of
from memjax.measures.measure import Measure
from memjax.measures.names import as_measures
from memjax.measures.recorded.loss import step_loss
from memjax.models.adapt import with_outputs, with_room
from memjax.models.padding import Stack
from memjax.parameter_trees import layout_of
from memjax.types import Apply, Array, Best, Condition, Data, LossFn, Model

__all__ = [
    "Program",
    "ShapeOf",
    "check_hashable",
    "check_start",
    "model_of",
    "num_parameters",
    "numbers_of",
    "parameter_layout",
    "program_of",
    "traced_of",
    "with_content",
]

Hyper = Mapping[str, Any]
_DEFAULT_MEASURES = ("loss", "accuracy", "weight_l2")


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

    In `model` and `optimizer`, holes stand for the traced numbers; the methods fill them with the values of one run. With
    `widths`, `model` is padded to these widths, and each run brings the places of its own parameters. With `repeats`, a row may
    be presented several times in a step. A function may read a
    global or a list that has changed since it was compiled, so `content` is a digest of all that functions read.
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
    keep_best: Any = None
    repeats: bool = False

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

    def rule_with(self, hyper: Hyper, key: Array | None = None) -> optax.GradientTransformationExtraArgs:
        """The optax transformation with one run's numbers; only its ``init`` needs the run's key."""
        rule = with_numbers(self.optimizer, _below("optimizer.", hyper)).transformation(self.steps, key)
        return optax.with_extra_args_support(rule)

    @property
    def example_variables(self) -> dict[str, tuple[ByExample, str]]:
        """Measure and split of every variable with a value for every example, by the name of the variable."""
        return {part.variable(split): (part, split) for part in self.by_example for split in part.splits}

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
    """Numbers of one run that enter its program as data. The task's numbers stay on the host: they only shape its draws."""
    numbers = {path: value for path, value in traced_values(experiment).items() if not path.startswith("task.")}
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


def program_of(experiment: Experiment, sample: Data, known: dict[Program, str] | None = None) -> Program:
    """Program of one run, given some of its examples with the pool's inputs in place of indices.

    ``known`` caches the content of each program of a sweep, so that content is read once per program, not once per run.
    """
    model = model_of(experiment)
    program = Program(
        model=without_numbers(model),
        optimizer=without_numbers(experiment.optimizer),
        loss=losses.get(experiment.loss),
        measures=_measures(experiment, sample),
        steps=int(experiment.steps),
        record_at=experiment.record_steps,
        batch_size=experiment.batch_size,
        x=ShapeOf.of(sample.x),
        y=ShapeOf.of(sample.y),
        traced=tuple(sorted(traced_of(experiment))),
        started=experiment.start is not None,
        by_example=_by_example(experiment),
        example_steps=experiment.example_steps,
        stop_when=None if experiment.stop_when is None else without_numbers(experiment.stop_when),
        repeats=_repeats(experiment),
        keep_best=None if experiment.keep_best is None else without_numbers(experiment.keep_best),
    )
    try:
        return with_content(program, {} if known is None else known)
    except TypeError:  # A part has no hash; `check_hashable` refuses it.
        return program


def with_content(program: Program, known: dict[Program, str]) -> Program:
    """A program without content, with the content of its functions; ``known`` caches what was read."""
    if program not in known:
        parts = program.model, program.optimizer, program.loss, program.measures
        kept: tuple[Any, ...] = tuple(part.measure for part in program.by_example)
        kept += tuple(part for part in (program.stop_when, program.keep_best) if part is not None)
        known[program] = try_content((*parts, kept) if kept else parts) or ""
    return dataclasses.replace(program, content=known[program])


def _measures(experiment: Experiment, sample: Data) -> tuple[Measure, ...]:
    labels = np.issubdtype(sample.y.dtype, np.integer)
    default = [name for name in _DEFAULT_MEASURES if labels or name != "accuracy"]
    measures = as_measures(default if experiment.measures is None else experiment.measures, BUILT_IN)
    return tuple(_with_unit(measure, experiment) for measure in measures)


def _by_example(experiment: Experiment) -> tuple[ByExample, ...]:
    parts = by_example_of(experiment.examples, BUILT_IN)
    return tuple(dataclasses.replace(part, measure=_with_unit(part.measure, experiment)) for part in parts)


def _repeats(experiment: Experiment) -> bool:
    """Whether presentations of several copies of a row have to be told apart."""
    presented = any(part.presented for part in by_example_of(experiment.examples, BUILT_IN))
    return presented and may_repeat(experiment)


def _with_unit(measure: Measure, experiment: Experiment) -> Measure:
    """The measure; the loss has a unit only if it is cross-entropy: nats."""
    in_nats = losses.get(experiment.loss) in (losses.cross_entropy, losses.cross_entropy_exact)
    own = measure.function in (BUILT_IN["loss"].function, BUILT_IN["step_loss"].function)
    return dataclasses.replace(measure, units="1") if own and not in_nats else measure


def check_hashable(run: Experiment, program: Program) -> None:
    """Raise `InputError` where a part of a run has no hash: runs with the same structure are found by their hashes."""
    for name in ("model", "optimizer", "measures"):
        try:
            hash(getattr(program, name))
        except TypeError:
            raise InputError(
                f"The {name} {getattr(run, name)!r} holds something that has no hash, such as a list: use tuples and "
                "functions, so that runs with the same structure can share a program."
            ) from None


def check_start(program: Program, experiment: Experiment) -> None:
    """Raise `InputError` where a run starts from parameters of another architecture."""
    if experiment.start is not None and experiment.start.layout != parameter_layout(program):
        raise InputError(
            f"start is {experiment.start!r}, which does not fit the {num_parameters(program)} parameters of the model "
            f"{experiment.model!r}: start from a snapshot of the same architecture."
        )
