"""Families: networks that differ in their widths alone, divided into classes that are padded to the same widths.

A class has one program, whose compile a sweep over widths would else pay for every width. In exchange its runs compute as
much as the widest of them. The cost model decides how many classes pay.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from memjax.checks.values import is_user_code
from memjax.engine.plan.blocks import Run
from memjax.engine.plan.cost import COMPILE_SECONDS, Work, run_seconds, work_of
from memjax.engine.program.initial import own_size
from memjax.engine.program.padding import can_pad
from memjax.engine.program.program import Program, model_of, num_parameters, traced_of, with_content
from memjax.experiment import Experiment
from memjax.fields import without_numbers

__all__ = ["family_of", "merged", "padded"]

_WIDEST_TILE = 512
# A cut is tried between so many parts of a family at most: more widths than this share a part with their neighbours.
_MOST_PARTS = 24

Group = tuple[Program, list[Run]]


def family_of(program: Program, experiment: Experiment) -> Program | None:
    """What networks of other widths have in common with a run; None for a run that cannot be padded.

    The engine can pad what it knows: a model that says how, and an optimizer and measures of memjax. A user's optimizer or
    measure might look at the number or the mean of all parameters.
    """
    model: Any = model_of(experiment)
    known = experiment.optimizer.built_in and not any(is_user_code(m.function) for m in program.measures)
    # Without this setting, a shorter draw of random numbers is no part of a longer one.
    apart = jax.config.jax_threefry_partitionable  # type: ignore[attr-defined]
    if not (known and apart and can_pad(model, program.x)):
        return None
    return padded(program, experiment, (1,) * len(model.widths), None)


def padded(
    program: Program, experiment: Experiment, widths: tuple[int, ...], known: dict[Program, str] | None
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
    families: dict[Any, list[Group]] = {}
    for (program, pool), runs in groups.items():
        family = family_of(program, runs[0].experiment) or program
        families.setdefault((family, pool), []).append((program, runs))
    return [part for members in families.values() for part in _classes(members, lanes, streamed)]


class _Member(NamedTuple):
    """The runs of one structure: widths, number of parameters, and train and test sizes ``[R, 2]``."""

    widths: np.ndarray
    parameters: int
    sizes: np.ndarray
    group: Group


def _classes(groups: list[Group], lanes: int, streamed: bool) -> list[Group]:
    if len(groups) == 1:
        return groups
    members = sorted(map(_member, groups), key=lambda member: member.parameters)
    cost = _Cost(members, lanes, streamed)
    parts = _cheapest(members, cost)
    alone = sum(cost([member]) for member in members)
    if alone <= sum(map(cost, parts)):
        return groups
    known: dict[Program, str] = {}
    return [_merge(part, known) for part in parts]


def _member(group: Group) -> _Member:
    program, runs = group
    first: Any = model_of(runs[0].experiment)
    sizes = np.array([run.experiment.sizes() for run in runs])
    return _Member(np.array(first.widths), own_size(program, runs[0].experiment), sizes, group)


def _merge(part: Sequence[_Member], known: dict[Program, str]) -> Group:
    if len(part) == 1:
        return part[0].group
    widths = tuple(int(width) for width in _widest(part))
    runs = [run for member in part for run in member.group[1]]
    return padded(part[0].group[0], runs[0].experiment, widths, known), runs


def _widest(part: Sequence[_Member]) -> np.ndarray:
    return np.max([member.widths for member in part], axis=0)


def _cheapest(members: list[_Member], cost: _Cost) -> list[list[_Member]]:
    """The division of members, in order of their parameters, into the parts that cost least together."""
    edges = sorted({round(place) for place in np.linspace(0, len(members), min(len(members), _MOST_PARTS) + 1)})
    best: dict[int, tuple[float, list[list[_Member]]]] = {0: (0.0, [])}
    for end in edges[1:]:
        options = (
            (best[start][0] + cost(members[start:end]), [*best[start][1], members[start:end]])
            for start in edges[: edges.index(end)]
        )
        best[end] = min(options, key=lambda option: option[0])
    return best[len(members)][1]


class _Cost:
    """Estimated seconds on one lane of a part of a family that shares a program, compile included."""

    def __init__(self, members: Sequence[_Member], lanes: int, streamed: bool) -> None:
        self._lanes, self._streamed = lanes, streamed
        self._program = members[0].group[0]
        # Work grows with the parameters: it is counted at both ends, and in between it follows a line.
        ends = members[0], members[-1]
        self._ends = [(member.parameters, work_of(member.group[0])) for member in ends]

    def __call__(self, part: Sequence[_Member]) -> float:
        work = self._work(self._parameters(part))
        sizes = np.concatenate([member.sizes for member in part])
        width = min(_WIDEST_TILE, int(sizes[:, 0].max()))
        block = max(1, min(16, len(sizes) // self._lanes)) if self._streamed else len(sizes)
        return COMPILE_SECONDS + float(run_seconds(sizes, width, block, work, self._program).sum())

    def _parameters(self, part: Sequence[_Member]) -> int:
        if len(part) == 1:
            return part[0].parameters
        program, runs = part[0].group
        return num_parameters(padded(program, runs[0].experiment, tuple(map(int, _widest(part))), None))

    def _work(self, parameters: int) -> Work:
        (few, low), (many, high) = self._ends
        along = (parameters - few) / (many - few) if many > few else 0.0
        flops, moved, activations, _, state = (a + along * (b - a) for a, b in zip(low, high, strict=True))
        return Work(flops, moved, activations, parameters, int(state))
