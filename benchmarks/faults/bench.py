"""What every fault needs: a place to work in, the sweep as a process, the numbers of an undisturbed one to compare with."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import memjax as mj
from benchmarks.faults.sweeper import sweep
from memjax.store.folder import Store

ROOT = Path(__file__).parents[2]


class Outcome(NamedTuple):
    """What a fault did.

    Attributes
    ----------
    fault
        What was done.
    times
        How often.
    said
        What memjax said of it.
    identical
        Whether every array of the Dataset is, bit for bit, that of an undisturbed sweep. Out of memory is the exception:
        blocks get another shape, so there it says that all runs finished within 1e-5 of what they would have been.
    trail
        Seconds since the start, and the share of all steps that was kept by then.
    moments
        Seconds at which it was done.
    """

    fault: str
    times: int
    said: str
    identical: bool
    trail: Sequence[tuple[float, float]] = ()
    moments: Sequence[float] = ()


class Bench:
    """A folder for stores, and the undisturbed sweep.

    Parameters
    ----------
    folder
        Empty.
    steps
        Of the sweep: about a second for 2,000 on two cores.
    """

    def __init__(self, folder: Path, steps: int = 2000) -> None:
        self.folder, self.steps = folder, steps
        mj.enable_compile_cache(folder / "cache")
        self.reference = sweep(None, steps).drop_attrs()

    def start(self, store: Path, *words: str) -> subprocess.Popen[str]:
        """Start the sweep as a process."""
        line = [sys.executable, "-m", "benchmarks.faults.sweeper", str(store), "--steps", str(self.steps)]
        line += ["--cache", str(self.folder / "cache"), *words]
        return subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True)

    def finish(self, store: Path, *words: str) -> tuple[int, str]:
        """Run the sweep to its end; gives exit code and the last line that it said."""
        process = self.start(store, *words)
        _, said = process.communicate(timeout=600)
        return process.returncode, last_line(said)

    def identical(self, store: Path) -> bool:
        """Whether a store holds the numbers of the undisturbed sweep."""
        return bool(mj.open(store).drop_attrs().identical(self.reference))


def last_line(said: str) -> str:
    """Last line of what a process said."""
    return said.strip().splitlines()[-1] if said.strip() else ""


def wait_for_part(store: Path, kind: str = "", seconds: float = 300) -> None:
    """Wait until a store has a part of a kind, such as ``step``."""
    deadline = time.monotonic() + seconds
    while not list(store.glob(f"parts/block-*.{kind}*.npz")):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{store} had no part after {seconds} s.")
        time.sleep(0.005)


def kept(store: Path) -> float:
    """Share of all steps of a store that is kept."""
    found = Store(store)
    contents, parts = found.contents(), found.parts()
    if contents is None:
        return 0.0
    done = total = 0
    for name, block in contents.blocks.items():
        total += block.schema.steps * len(block.cells)
        if name in parts:
            step: Any = parts[name].step
            done += (block.schema.steps if step is None else step) * len(block.cells)
    return done / total
