"""The progress bar of a sweep: shown before the first compile, and counted in examples for a good estimate of time left."""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType
from typing import Any

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.plan.plan import Plan

__all__ = ["PlanningProgress", "Progress"]

_LOG = logging.getLogger("memjax")
_PATIENCE = 3.0
_BETWEEN_LINES, _BETWEEN_LOOKS = 30.0, 0.2


class Progress:
    """Progress bar of a sweep, as a context manager.

    Parameters
    ----------
    plan
        The blocks to train.
    show
        Whether to show the bar; None shows it in a terminal and in a notebook only.
    done
        Number of runs that were finished before.
    """

    def __init__(self, plan: Plan, show: bool | None, done: int = 0) -> None:
        self._total = sum(block.examples * block.program.steps for block in plan.blocks)
        self._num_runs, self._done = done + len(plan.runs), done
        self._all_steps, self._steps = sum(run.experiment.steps for run in plan.runs), 0
        self._show = _interactive() if show is None else show
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if self._show:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=self._total, unit="example", unit_scale=True, mininterval=0.2, smoothing=0.1)
            self._bar.set_description(f"compiling, {self._done}/{self._num_runs} runs", refresh=True)
        return self

    def compiled(self) -> None:
        """Start the estimate of the time left, which must not include compile time."""
        if self._bar is not None:
            self._bar.unpause()
            self._bar.set_description(f"{self._done}/{self._num_runs} runs")

    def steps(self, block: BlockPlan, steps: int) -> None:
        """Count ``steps`` steps of a block as done."""
        if self._bar is not None:
            self._steps += steps * len(block.runs)
            self._bar.set_postfix_str(f"{self._steps}/{self._all_steps} steps", refresh=False)
            self._bar.update(block.examples * steps)

    def finished(self, block: BlockPlan) -> None:
        """Count a block's runs as done."""
        self._done += len(block.runs)
        if self._bar is not None:
            self._bar.set_description(f"{self._done}/{self._num_runs} runs")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


class PlanningProgress:
    """Progress of planning: after three seconds it shows a bar, or writes to the log.

    Parameters
    ----------
    show
        As for `Progress`.
    """

    def __init__(self, show: bool | None) -> None:
        self._show = _interactive() if show is None else show
        self._begun = time.monotonic()
        self._next = self._begun + _PATIENCE
        self._bar: Any = None

    def __enter__(self) -> PlanningProgress:
        return self

    def __call__(self, total: int, done: int, programs: int) -> None:
        """Show that ``done`` of ``total`` runs are planned, with ``programs`` programs."""
        now = time.monotonic()
        if now < self._next:
            return
        if not self._show:
            _LOG.info("Planning: %d of %d runs after %.0f s, %d programs.", done, total, now - self._begun, programs)
            self._next = now + _BETWEEN_LINES
            return
        if self._bar is None:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, desc="planning", unit="run", leave=False)
            self._bar.start_t -= now - self._begun  # The time left counts from the start of planning.
        self._bar.n = done
        self._bar.set_postfix_str(f"{programs} programs")
        self._next = now + _BETWEEN_LOOKS

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def _interactive() -> bool:
    shell = sys.modules.get("IPython")
    kernel = shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"
    return kernel or bool(getattr(sys.stderr, "isatty", lambda: False)())
