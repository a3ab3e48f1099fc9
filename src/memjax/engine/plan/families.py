"""Families: networks that differ in widths or depth alone, divided into classes that are padded to the same room.

A class has one program, whose compile a sweep over structures would else pay for every one. In exchange its runs compute
as much as the largest of them. The cost model decides how many classes pay.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from memjax.checks.values import is_user_code
from memjax.engine.plan.blocks import Run
from memjax.engine.plan.cost import Work, compile_seconds, run_seconds, work_of
from memjax.engine.program.initial import own_size
from memjax.engine.program.padding import can_pad, can_stack
from memjax.engine.program.program import Program, model_of, num_parameters, traced_of
from memjax.engine.program.program_of import with_content
from memjax.experiment import Experiment
from memjax.fields import without_numbers
from memjax.measures.recorded.last_layer import tells_layers
from memjax.models.padding import Stack
from memjax.penalties import PathNorm

__all__ = ["family_of", "kin_of", "merged", "padded", "stack_of"]

_WIDEST_TILE = 512
# A cut is tried between so many parts of a family at most: more widths than this share a part with their neighbours.
_MOST_PARTS = 24

Group = tuple[Program, list[Run]]


def family_of(program: Program, experiment: Experiment) -> Program | None:
    """What networks of other widths have in common with a run; None for a run that cannot be padded."""
    model: Any = model_of(experiment)
    if not (_known(program, experiment) and can_pad(model, program.x)):
        return None
    return padded(program, experiment, (1,) * len(model.widths), None)


def stack_of(program: Program, experiment: Experiment) -> Program | None:
    """What networks of other depths and widths have in common with a run; None for a run that cannot be padded to a depth."""
    apart = any(tells_layers(measure) for measure in program.measures) or isinstance(program.penalty, PathNorm)
    if apart or not (_known(program, experiment) and can_stack(model_of(experiment), program.x)):
        return None
    return padded(program, experiment, Stack(1, 1), None)


def kin_of(program: Program, experiment: Experiment) -> Program:
    """The largest family of a run; the run's own program if it has none."""
    return stack_of(program, experiment) or family_of(program, experiment) or program


def _known(program: Program, experiment: Experiment) -> bool:
    """Whether the engine knows what the parts of a run do with padding; it does not for a user's.

    A user's optimizer, penalty or measure might look at the number or the mean of all parameters.
    """
    # Without this setting, a shorter draw of random numbers is no part of a longer one.
    apart = jax.config.jax_threefry_partitionable  # type: ignore[attr-defined]
    users = any(is_user_code(measure.function) for measure in program.measures)
    seeing = any(is_user_code(part.measure.function) and part.measure.asks - {"loss"} for part in program.by_example)
    penalty = program.penalty is not None and is_user_code(program.penalty)
    # The length of an example's gradient would count its entries in padding.
    sound = experiment.optimizer.built_in and not experiment.optimizer.clips_examples
    # A loss that sees layers might look at their widths.
    return bool(apart and sound and not users and not seeing and not penalty and not program.loss_sees)


def padded(
    program: Program, experiment: Experiment, widths: tuple[int, ...] | Stack, known: dict[Program, str] | None
) -> Program:
    """The program of a run when it is padded to ``widths``; ``known`` caches the content of programs, None leaves it out."""
    made = dataclasses.replace(
        program,
        model=without_numbers(model_of(experiment, widths)),
        traced=tuple(sorted(traced_of(experiment, widths))),
        widths=widths,
        content="",
    )
    return made if known is None else with_content(made, known)


def merged(groups: dict[tuple[Program, int], list[Run]], lanes: int, *, streamed: bool) -> list[Group]:
    """Groups with those of a family merged into classes, where that saves more compile time than it costs."""
    left = {key: (key[0], runs) for key, runs in groups.items()}
    made: list[Group] = []
    for family in _families(left, stack_of):
        if len(family) == 1 or len({_room(left[key], stacked=True)[1] for key in family}) == 1:
            continue
        stack = {key: left[key] for key in family}
        apart = [_classes([left[key] for key in part], lanes, streamed) for part in _families(stack, family_of)]
        together = _classes(list(stack.values()), lanes, streamed, stacked=True)
        if together.seconds < sum(classes.seconds for classes in apart):
            made += together.groups
            left = {key: group for key, group in left.items() if key not in stack}
    for family in _families(left, family_of):
        members = [left[key] for key in family]
        made += members if len(members) == 1 else _classes(members, lanes, streamed).groups
    return made


def _families(
    groups: dict[tuple[Program, int], Group], family: Callable[[Program, Experiment], Program | None]
) -> list[list[tuple[Program, int]]]:
    """Keys of groups by family and pool. A group without a family is one of its own."""
    found: dict[Any, list[tuple[Program, int]]] = {}
    for key, (program, runs) in groups.items():
        found.setdefault((family(program, runs[0].experiment) or program, key[1]), []).append(key)
    return list(found.values())


class _Member(NamedTuple):
    """The runs of one structure: widths or stack, number of parameters, and train and test sizes ``[R, 2]``."""

    room: np.ndarray
    parameters: int
    sizes: np.ndarray
    group: Group


class _Classes(NamedTuple):
    """Groups of merged runs, and the estimated seconds that they take on one lane, compile included."""

    seconds: float
    groups: list[Group]


def _classes(groups: list[Group], lanes: int, streamed: bool, *, stacked: bool = False) -> _Classes:
    members = sorted((_member(group, stacked) for group in groups), key=lambda member: member.parameters)
    cost = _Cost(members, lanes, streamed, stacked)
    alone = sum(cost([member]) for member in members)
    seconds, parts = _cheapest(members, cost)
    if alone <= seconds:
        return _Classes(alone, groups)
    known: dict[Program, str] = {}
    return _Classes(seconds, [_merge(part, known, stacked) for part in parts])


def _room(group: Group, stacked: bool) -> tuple[int, ...]:
    model: Any = model_of(group[1][0].experiment)
    room: tuple[int, ...] = model.stack if stacked else getattr(model, "widths", ())
    return room


def _member(group: Group, stacked: bool) -> _Member:
    program, runs = group
    sizes = np.array([run.experiment.sizes() for run in runs])
    return _Member(np.array(_room(group, stacked)), own_size(program, runs[0].experiment), sizes, group)


def _merge(part: Sequence[_Member], known: dict[Program, str], stacked: bool) -> Group:
    if len(part) == 1:
        return part[0].group
    runs = [run for member in part for run in member.group[1]]
    return padded(part[0].group[0], runs[0].experiment, _widest(part, stacked), known), runs


def _widest(part: Sequence[_Member], stacked: bool) -> tuple[int, ...] | Stack:
    room = tuple(int(size) for size in np.max([member.room for member in part], axis=0))
    return Stack(*room) if stacked else room


def _cheapest(members: list[_Member], cost: _Cost) -> tuple[float, list[list[_Member]]]:
    """The division of members, in order of their parameters, into the parts that cost least together, and its seconds."""
    edges = sorted({round(place) for place in np.linspace(0, len(members), min(len(members), _MOST_PARTS) + 1)})
    best: dict[int, tuple[float, list[list[_Member]]]] = {0: (0.0, [])}
    for end in edges[1:]:
        options = (
            (best[start][0] + cost(members[start:end]), [*best[start][1], members[start:end]])
            for start in edges[: edges.index(end)]
        )
        best[end] = min(options, key=lambda option: option[0])
    return best[len(members)]


class _Cost:
    """Estimated seconds on one lane of a part of a family that shares a program, compile included."""

    def __init__(self, members: Sequence[_Member], lanes: int, streamed: bool, stacked: bool) -> None:
        self._lanes, self._streamed, self._stacked = lanes, streamed, stacked
        self._program = members[0].group[0]
        # Work grows with the parameters: it is counted at both ends, and in between it follows a line.
        ends = members[0], members[-1]
        self._ends = [(member.parameters, work_of(member.group[0])) for member in ends]

    def __call__(self, part: Sequence[_Member]) -> float:
        program = self._shared(part)
        work = self._work(num_parameters(program))
        sizes = np.concatenate([member.sizes for member in part])
        width = min(_WIDEST_TILE, int(sizes[:, 0].max() or sizes.max()) or 1)
        block = max(1, min(16, len(sizes) // self._lanes)) if self._streamed else len(sizes)
        return compile_seconds(program) + float(run_seconds(sizes, width, block, work, self._program).sum())

    def _shared(self, part: Sequence[_Member]) -> Program:
        program, runs = part[0].group
        return program if len(part) == 1 else padded(program, runs[0].experiment, _widest(part, self._stacked), None)

    def _work(self, parameters: int) -> Work:
        (few, low), (many, high) = self._ends
        along = (parameters - few) / (many - few) if many > few else 0.0
        flops, moved, activations, _, state = (a + along * (b - a) for a, b in zip(low, high, strict=True))
        return Work(flops, moved, activations, parameters, int(state))
