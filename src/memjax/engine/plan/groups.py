"""Groups: every run of a sweep is checked, and runs that can share a block are put into one group."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Iterable

import numpy as np

from memjax.engine.plan.blocks import Run
from memjax.engine.plan.cost import work_of
from memjax.engine.plan.families import kin_of
from memjax.engine.plan.samples import Samples, sample_of
from memjax.engine.program.contracts import try_contracts
from memjax.engine.program.fresh_contract import check_fresh_examples
from memjax.engine.program.outcome import check_names
from memjax.engine.program.output_shapes import check_functions, check_program
from memjax.engine.program.program import Program
from memjax.engine.program.program_of import check_hashable, check_start, program_of
from memjax.engine.program.watched_variable import check_watched
from memjax.experiment import Experiment
from memjax.experiment.axes import Axis, cells
from memjax.experiment.draw import check_subset
from memjax.experiment.kinds import once_per_kind
from memjax.experiment.rules import check_run
from memjax.experiment.splits import check_splits

__all__ = ["Groups", "PlanningCallback", "gather", "read_groups", "runs_of"]

Groups = dict[tuple[Program, int], list[Run]]
"""Runs by what the runs of a block have in common: the program, and the identity of the pool."""

PlanningCallback = Callable[[int, int, int], None]
"""Called with three numbers: all runs, the runs planned so far, and their groups."""


def read_groups(
    experiment: Experiment,
    axes: tuple[Axis, ...],
    indices: Collection[tuple[int, ...]] | None = None,
    watch: PlanningCallback | None = None,
) -> Groups:
    """Check the runs of a sweep, and group the runs that can share a block.

    Parameters
    ----------
    experiment, axes
        The base experiment and the axes of the sweep.
    indices
        Indices of the cells to take; None takes all cells.
    watch
        Called with the progress after each run.

    Raises
    ------
    InputError
        If any run is invalid.
    """
    count = math.prod(len(axis.rows) for axis in axes) if indices is None else len(indices)
    groups = gather(cells(experiment, axes, indices), watch and functools.partial(watch, count))
    check_names([label for axis in axes for label in axis.labels], dict.fromkeys(program for program, _ in groups))
    return groups


def gather(
    runs: Iterable[tuple[tuple[int, ...], Experiment]], tell: Callable[[int, int], None] | None = None
) -> Groups:
    """Check runs, each with its index, and group the runs that can share a block; raises `InputError` as `read_groups`.

    ``tell`` is called after each run with the number of runs and of groups so far.
    """
    groups: Groups = {}
    samples: Samples = {}
    known: dict[Program, str] = {}
    tried: set[tuple[Program, int]] = set()

    def checked(experiment: Experiment) -> tuple[list[Run], np.ndarray | None]:
        """The group of runs that differ in their seeds alone, and their pool."""
        check_run(experiment)
        sample = sample_of(experiment, samples, new=True)
        check_subset(experiment)
        program = program_of(experiment, sample.rows, known)
        check_hashable(experiment, program)
        check_splits(experiment, program.splits)
        key = program, id(sample.pool)
        if key not in groups:
            # Networks that differ in widths or depth alone pass or fail together.
            family = kin_of(program, experiment), id(sample.pool)
            if family not in tried:
                tried.add(family)
                _try(program, experiment, samples)
        check_start(program, experiment)
        return groups.setdefault(key, []), sample.pool

    group_of = once_per_kind(checked)
    for done, (index, experiment) in enumerate(runs, 1):
        group, pool = group_of(experiment)
        group.append(Run(index, experiment, pool))
        if tell:
            tell(done, len(groups))
    return groups


def _try(program: Program, experiment: Experiment, samples: Samples) -> None:
    """Check the functions of a program, by shapes and on examples."""
    check_fresh_examples(program, experiment)
    check_functions(experiment, program.x.struct(2), program.y.struct(2))
    check_program(program)
    check_watched(program)
    try_contracts(program, experiment, sample_of(experiment, samples).rows)
    # The partition needs the work later. Counting takes as long as the checks, so count here, under progress.
    work_of(program)


def runs_of(runs: Iterable[tuple[tuple[int, ...], Experiment]], samples: Samples) -> list[tuple[Program, Run]]:
    """Programs and runs of experiments that were checked before; ``samples`` holds one sample for all equal tasks."""
    known: dict[Program, str] = {}

    @once_per_kind
    def read(experiment: Experiment) -> tuple[Program, np.ndarray | None]:
        sample = sample_of(experiment, samples)
        return program_of(experiment, sample.rows, known), sample.pool

    found = ((index, experiment, *read(experiment)) for index, experiment in runs)
    return [(program, Run(index, experiment, pool)) for index, experiment, program, pool in found]
