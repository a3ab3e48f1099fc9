"""What `memjax.explain` returns: the cost of a sweep first, and how its runs are packed behind it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from memjax.engine.plan.budget import Memory
from memjax.engine.program.tiles import Shape
from memjax.models.padding import Stack
from memjax.pages.fragment import field_table, folded

__all__ = ["BlockSummary", "Explanation"]

_PACKED = "How the runs are packed"


@dataclass(frozen=True)
class BlockSummary:
    """Blocks of a plan that share their compiled programs.

    Attributes
    ----------
    structure
        Model and optimizer, without their swept numbers.
    parameters
        Number of parameters of the smallest and of the largest network.
    widths
        Widths, or width and number of hidden layers, to which networks are padded; None without padding.
    schedule, shape
        The order in which a block computes its tiles, and its packed shape.
    blocks, runs
        Number of blocks, and of runs.
    examples, padded
        Examples in one step of all these blocks, without and with padding.
    filled
        Fraction of the parameters in the programs that are the runs' own, in the mean over examples; the rest is padding.
    flops
        Operations of all steps and records, without padding.
    bytes
        Memory of one block during training.
    """

    structure: str
    parameters: tuple[int, int]
    widths: tuple[int, ...] | Stack | None
    schedule: str
    shape: Shape
    blocks: int
    runs: int
    examples: int
    padded: int
    filled: float
    flops: float
    bytes: int

    @property
    def waste(self) -> float:
        """Fraction of what is computed that is padding, of examples or of networks."""
        return 1 - self.filled * self.examples / self.padded


@dataclass(frozen=True)
class Explanation:
    """The plan of a sweep; prints as a page.

    Attributes
    ----------
    groups
        Blocks, grouped by the programs that they share.
    runs, lanes, programs
        Numbers of runs, lanes and training programs; a group has one program per device.
    backend
        ``cpu``, ``gpu`` or ``tpu``.
    precision
        Precision of matrix products, as JAX names it: ``highest`` is that of the dtype.
    memory, budget
        Bytes that the sweep needs, by part, and bytes that it may take.
    compile_seconds, seconds
        Estimated time to compile, and to train on all lanes, at the speed measured now.

    Examples
    --------
    >>> import memjax as mj
    >>> plan = mj.explain(mj.Experiment(steps=100), over={"train_size": [50, 100], "seed": range(4)})
    >>> plan.runs, plan.programs, plan.groups[0].parameters
    (8, 1, (12817, 12817))
    >>> plan.memory.added < plan.budget
    True
    """

    groups: tuple[BlockSummary, ...]
    runs: int
    lanes: int
    programs: int
    backend: str
    precision: str
    memory: Memory
    budget: int
    compile_seconds: float
    seconds: float

    @property
    def flops(self) -> float:
        """Operations of the whole sweep, without padding."""
        return sum(group.flops for group in self.groups)

    def __str__(self) -> str:
        return "\n".join(
            [self._runs(), *(f"{name:8}{text}" for name, text in self._costs()), "", _PACKED, *self._details()]
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [(name, escape(text), False) for name, text in self._costs()]
        details = f'<pre style="white-space: pre-wrap">{escape(chr(10).join(self._details()))}</pre>'
        return f"<strong>{escape(self._runs())}</strong>{field_table(rows)}{folded(_PACKED, details)}"

    def _runs(self) -> str:
        least = min(group.parameters[0] for group in self.groups)
        most = max(group.parameters[1] for group in self.groups)
        sizes = f"{most:,}" if least == most else f"{least:,} to {most:,}"
        return f"{self.runs:,} {_several('run', self.runs)} of networks with {sizes} parameters"

    def _costs(self) -> list[tuple[str, str]]:
        """What a sweep costs, in words that need no knowledge of how it runs."""
        programs = f"{self.programs} {_several('program', self.programs)}"
        whole = _span(self.compile_seconds + self.seconds)
        time = f"about {whole}: {_span(self.compile_seconds)} to compile {programs}, {_span(self.seconds)} to train"
        memory = (
            f"about {_size(self.memory.added)} more than the {_size(self.memory.process)} that this process takes now; "
            f"the sweep may take {_size(self.budget)}"
        )
        cores = "one core" if self.lanes == 1 else f"{self.lanes} cores"
        where = cores if self.backend == "cpu" else f"{self.backend}, {self.lanes} at a time"
        return [
            ("time", time),
            ("memory", memory),
            ("trains", f"on {where}; matrix products at {self.precision} precision"),
        ]

    def _details(self) -> list[str]:
        """What the engine does, in the words of the page on the engine."""
        held = {name: _size(value) for name, value in self.memory._asdict().items()}
        return [
            f"{self.lanes} {_several('lane', self.lanes)}, {self.flops:.3g} operations",
            f"memory of blocks {held['blocks']}, pools {held['pools']}, results {held['results']}, compiler {held['compiler']}",
            *(line for group in self.groups for line in _group_lines(group)),
        ]


def _group_lines(group: BlockSummary) -> list[str]:
    shape = group.shape
    return [
        f"{group.structure}: {group.runs} runs of {_parameters(group)}",
        f"        {group.blocks} {_several('block', group.blocks)} of {shape.runs} {_several('run', shape.runs)}, "
        f"{group.schedule}, tiles of {shape.width}, room for {shape.train_tiles} train and {shape.test_tiles} test tiles",
        f"        {group.examples:,} examples a step, {group.waste:.1%} of what is computed is padding; "
        f"{group.flops:.3g} operations; {_size(group.bytes)} a block",
    ]


def _parameters(group: BlockSummary) -> str:
    least, most = group.parameters
    if group.widths is None:
        return f"{most:,} parameters"
    room = f"the widths {group.widths}"
    if isinstance(group.widths, Stack):
        room = f"{group.widths.layers} hidden layers of {group.widths.width}"
    return f"{least:,} to {most:,} parameters, padded to {room}"


def _several(word: str, count: int) -> str:
    return word if count == 1 else word + "s"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.2g} min" if seconds < 5400 else f"{seconds / 3600:.2g} h"
