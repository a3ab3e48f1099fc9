"""The program of an experiment: its static structure, read off its fields and a few of its examples."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from memjax import losses
from memjax.content import try_content
from memjax.engine.program.program import (
    Program,
    ShapeOf,
    model_of,
    num_parameters,
    parameter_layout,
    traced_of,
)
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.experiment.rows import may_repeat
from memjax.experiment.stream import StreamShape, stream_of
from memjax.experiment.train_size import is_fresh
from memjax.fields import is_node, without_numbers
from memjax.measures import BUILT_IN, ByExample, by_example_of
from memjax.measures.measure import Measure
from memjax.measures.names import as_measures
from memjax.random.poisson import room_for
from memjax.types import Data, LossFn

__all__ = ["check_hashable", "check_start", "program_of", "with_content"]

_DEFAULT_MEASURES = ("loss", "accuracy", "weight_l2")
# Without a train set, by the names that the variables of the test set have beside one.
_ON_TEST = {name: dataclasses.replace(BUILT_IN[name].on("test"), name=f"test_{name}") for name in ("loss", "accuracy")}
_FRESH_MEASURES = (BUILT_IN["step_loss"], *_ON_TEST.values(), BUILT_IN["weight_l2"])


def program_of(experiment: Experiment, sample: Data, known: dict[Program, str] | None = None) -> Program:
    """Program of one run, given some of its examples with the pool's inputs in place of indices.

    ``known`` caches the content of each program of a sweep, so that content is read once per program, not once per run.
    """
    model, poisson = model_of(experiment), experiment.batches == "poisson"
    program = Program(
        model=without_numbers(model),
        optimizer=without_numbers(experiment.optimizer),
        loss=_loss(experiment),
        measures=_measures(experiment, sample),
        steps=int(experiment.steps),
        record_at=experiment.record_steps,
        batch_size=room_for(experiment.batch_size) if poisson and experiment.batch_size else experiment.batch_size,
        x=ShapeOf.of(sample.x),
        y=ShapeOf.of(sample.y),
        traced=tuple(sorted(traced_of(experiment))),
        started=experiment.start is not None,
        by_example=_by_example(experiment),
        example_steps=experiment.example_steps,
        stop_when=None if experiment.stop_when is None else without_numbers(experiment.stop_when),
        penalty=None if experiment.penalty is None else without_numbers(experiment.penalty),
        keep_best=None if experiment.keep_best is None else without_numbers(experiment.keep_best),
        repeats=_repeats(experiment),
        task=without_numbers(experiment.task) if is_fresh(experiment) else None,
        stream=StreamShape.of(stream_of(experiment)) if is_fresh(experiment) else None,
        expected=experiment.batch_size if poisson else None,
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
        own = program.stop_when, program.keep_best, program.penalty, program.task
        kept += tuple(part for part in own if part is not None)
        known[program] = try_content((*parts, kept) if kept else parts) or ""
    return dataclasses.replace(program, content=known[program])


def _loss(experiment: Experiment) -> LossFn:
    found = losses.get(experiment.loss)
    return without_numbers(found) if is_node(found) else found


def _measures(experiment: Experiment, sample: Data) -> tuple[Measure, ...]:
    labels = np.issubdtype(sample.y.dtype, np.integer)
    own = _FRESH_MEASURES if is_fresh(experiment) else [BUILT_IN[name] for name in _DEFAULT_MEASURES]
    default = [measure for measure in own if labels or not measure.needs_labels]
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
    for name in ("model", "optimizer", "loss", "measures", "penalty", "keep_best", "task"):
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
