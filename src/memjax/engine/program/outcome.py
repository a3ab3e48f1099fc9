"""The results of a block: host arrays without any of the user's objects, so that any process can write and read them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from memjax.engine.program.example_rows import CORRUPTED, TRAIN_COUNT
from memjax.engine.program.program import Program, num_parameters
from memjax.errors import InputError
from memjax.experiment.record_times import RecordSteps
from memjax.measures.by_example import example_dim
from memjax.parameter_trees import Layout

__all__ = [
    "BEST_PARAMETERS",
    "BEST_STEP",
    "RESERVED",
    "BestNetworks",
    "BlockResult",
    "RecordSchema",
    "Status",
    "Variable",
    "check_names",
    "record_schema",
    "variables_of",
]


RESERVED = (
    "step",
    "status",
    "stop_step",
    "stop_reason",
    "num_parameters",
    "snapshot",
    "parameters",
    "parameter_index",
    "parameter_layout",
)
"""Names that every result uses or may use."""

BEST_STEP, BEST_PARAMETERS = "best_step", "best_parameters"
"""Names of the steps and the parameters of the best networks."""

_OF_EXAMPLES = ("example", "example_step", TRAIN_COUNT, CORRUPTED)

_REASONS = {
    -1: "stop_when was met",
    2: "the loss was NaN",
    3: "the loss was infinite",
    4: "a parameter was not finite",
}


class Status(IntEnum):
    """The state of a run. From `LOSS_NAN` up the run diverged, and the code says what stopped being finite first.

    A run that `stop_when` has ended is `STOPPED`: its network is kept as it was.
    """

    STOPPED = -1
    RUNNING = 0
    FINISHED = 1
    LOSS_NAN = 2
    LOSS_INFINITE = 3
    PARAMETERS = 4

    @property
    def label(self) -> str:
        """Value of the ``status`` coordinate."""
        return self.name.lower() if self < Status.LOSS_NAN else "diverged"

    @property
    def reason(self) -> str:
        """Value of the ``stop_reason`` coordinate: why the run diverged or stopped, or an empty string."""
        return _REASONS.get(self, "")


class BestNetworks(NamedTuple):
    """The best network of every run of a block so far, as ``keep_best`` says.

    Attributes
    ----------
    step
        ``int32[R]``, steps done by the network; -1 for a run that has none.
    value
        The variable ``[R]`` at the record of the network; NaN for a run that has none.
    parameters
        Flat parameters ``[R, P]``, as of a snapshot.
    """

    step: np.ndarray
    value: np.ndarray
    parameters: np.ndarray


class BlockResult(NamedTuple):
    """Records of a block up to a step; R is the number of its runs without padding.

    Attributes
    ----------
    step
        Steps done.
    records
        Arrays ``[R, K, ...]`` by variable; for a measure that returns a dict, a dict of such arrays.
    status, stop_step
        ``int32[R]``, codes of `Status` and steps done by each run.
    snapshots
        Flat parameters ``[R, P]`` by step; of a run with fewer than P parameters, NaN after its own.
    layouts
        Path and shape of every parameter array of each run: R layouts, or one that all runs share; none without parameters.
    state
        Leaves ``[R', ...]`` of the training state, padding included, from which training resumes; None if finished.
    examples
        Values ``[R, K', W]`` of single examples by variable, at the steps so far of those that the schema names.
    rows
        Row numbers ``[R, W]`` of the examples by dimension, with what became of each row of the data set: see
        `memjax.engine.program.example_rows`.
    final_state
        The leaves of ``state`` after the last step, from which a longer run can go on; None unless that was asked for.
    best
        The best networks; None unless that was asked for.
    """

    step: int
    records: dict[str, Any]
    status: np.ndarray
    stop_step: np.ndarray
    snapshots: dict[int, np.ndarray]
    layouts: tuple[Layout, ...]
    state: tuple[np.ndarray, ...] | None
    examples: dict[str, np.ndarray]
    rows: dict[str, np.ndarray]
    final_state: tuple[np.ndarray, ...] | None = None
    best: BestNetworks | None = None

    @property
    def finished(self) -> bool:
        """Whether the block is trained to its end."""
        return self.state is None

    def layout(self, run: int) -> Layout:
        """Layout of the parameters of a run."""
        return self.layouts[run if len(self.layouts) > 1 else 0]


class Variable(NamedTuple):
    """A recorded variable: its attributes, and its dimensions other than the axes and ``step``."""

    dims: tuple[str, ...]
    long_name: str
    units: str


class RecordSchema(NamedTuple):
    """The recorded steps of a block, its variables, and the number of parameters of a run.

    ``examples`` has the variables with a value for every example, whose one dimension is that of the examples;
    ``example_steps`` are the steps at which they are measured. ``best`` is the variable of the best networks, or empty where
    none are kept.
    """

    steps: int
    at: RecordSteps
    num_parameters: int
    variables: dict[str, Variable]
    examples: dict[str, Variable]
    example_steps: tuple[int, ...]
    best: str = ""

    @property
    def best_names(self) -> tuple[str, ...]:
        """Names in the Dataset of what is said of the best networks: step, parameters, and value of the variable."""
        return (BEST_STEP, BEST_PARAMETERS, f"best_{self.best}") if self.best else ()


def record_schema(program: Program) -> RecordSchema:
    """The schema of the records of every block of a program."""
    variables = {}
    for measure in program.measures:
        for split in measure.splits:
            prefix = f"{split.replace('_', ' ')} " if len(measure.splits) > 1 else ""
            long_name = f"{prefix}{measure.long_name or measure.name}"
            variables[measure.variable(split)] = Variable(tuple(measure.dims), long_name, measure.units)
    size, examples = num_parameters(program), _by_example(program)
    best = "" if program.keep_best is None else program.keep_best.variable
    return RecordSchema(program.steps, program.record_at, size, variables, examples, program.example_steps, best)


def _by_example(program: Program) -> dict[str, Variable]:
    parts = program.example_variables.items()
    return {name: Variable((example_dim(split),), part.long_name, part.units) for name, (part, split) in parts}


def variables_of(tables: Iterable[dict[str, Variable]]) -> dict[str, Variable]:
    """Variables of several programs, in order. A variable whose units differ between two losses gets no units."""
    found: dict[str, Variable] = {}
    for table in tables:
        for name, variable in table.items():
            known = found.setdefault(name, variable)
            if known.units != variable.units:
                found[name] = known._replace(units="1")
    return found


def check_names(axes: Iterable[str], programs: Iterable[Program]) -> None:
    """Raise `InputError` where two parts of the Dataset would have the same name; else this would show only after training."""
    programs, reserved = list(programs), {*RESERVED, *_OF_EXAMPLES}
    for program in programs:
        reserved |= {name for about, one in _by_example(program).items() for name in (about, *one.dims)}
        reserved |= set(record_schema(program).best_names)
    taken = dict.fromkeys(reserved, "the result itself") | dict.fromkeys(axes, "an axis")
    for axis in axes:
        if axis in reserved:
            raise InputError(f"The axis {axis!r} has a name that every result uses: rename the field.")
    dims: dict[str, str] = {}
    # Measures are compared by function: the same measure may have other units in a program with another loss.
    variables: dict[str, Any] = {}
    for measure in dict.fromkeys(measure for program in programs for measure in program.measures):
        for split in measure.splits:
            name = measure.variable(split)
            if name in taken or variables.setdefault(name, measure.function) != measure.function:
                other = taken.get(name, "another measure")
                raise InputError(f"The measure {measure.name!r} would write {name!r}, the name of {other}: rename it.")
        for dim in measure.dims:
            if dim in taken or dims.setdefault(dim, measure.name) != measure.name:
                other = taken.get(dim, f"the measure {dims.get(dim)!r}")
                raise InputError(
                    f"The measure {measure.name!r} has the dimension {dim!r}, a name of {other}: rename it."
                )
    for name in variables.keys() & dims.keys():
        raise InputError(f"{name!r} is the name of a measure and of a dimension: rename one of them.")
