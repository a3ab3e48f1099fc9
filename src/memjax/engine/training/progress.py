"""The progress of a sweep: how many of its runs are done, and how long the rest takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import TracebackType

from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.plan.plan import Plan
from memjax.engine.training.display import Display, Nowhere, display_of
from memjax.engine.training.pace import Pace, time_text

__all__ = ["PlanningProgress", "Progress"]

_LOG = logging.getLogger("memjax")
_PATIENCE, _BETWEEN_LOGS = 3.0, 30.0


class Progress:
    """Progress of a sweep, as a context manager.

    The work of a block is its estimated time, so that a wide network counts more than a narrow one. Runs that were finished
    before count as runs of average work, which says nothing about the speed.

    Parameters
    ----------
    plan
        The blocks to train.
    show
        Whether to show progress: a bar in a terminal and in a notebook, and otherwise a line a minute on stderr. None shows the
        bar only.
    done
        Number of runs that were finished before.
    clock
        Gives the time in seconds.
    elsewhere
        Whether an executor trains the blocks, of which only the end is seen here: a log then gets a line when a block is
        finished, at most every ten seconds. The time left is too long at first, for it includes that the workers compile.
    """

    def __init__(
        self,
        plan: Plan,
        show: bool | None,
        done: int = 0,
        clock: Callable[[], float] = time.monotonic,
        elsewhere: bool = False,
    ) -> None:
        work = sum(block.seconds for block in plan.blocks)
        before = done * work / max(len(plan.runs), 1)
        self._pace = Pace(work + before, clock)
        self._pace.had(before)
        self._runs, self._done = done + len(plan.runs), done
        self._wanted, self._clock, self._elsewhere = show, clock, elsewhere
        self._display: Display = Nowhere()
        self._compiling = True
        self._steps: dict[int, int] = {}

    def __enter__(self) -> Progress:
        self._began = self._clock()
        self._display = display_of(self._wanted, clock=self._clock, often=self._elsewhere)
        self._show()
        return self

    def compiled(self) -> None:
        """Start the estimate of the time left, which must not include compile time."""
        self._compiling = False
        self._pace.start()

    def resumed(self, block: BlockPlan, steps: int) -> None:
        """Count ``steps`` steps of a block as done before."""
        self._pace.had(self._work(block, steps))
        self._show()

    def steps(self, block: BlockPlan, steps: int) -> None:
        """Count ``steps`` steps of a block as done; a negative number takes back what is done again."""
        self._pace.did(self._work(block, steps))
        self._show()

    def finished(self, block: BlockPlan) -> None:
        """Count a block's runs as done; steps that it was spared, because a condition stopped its runs, are no work left."""
        self._pace.had(self._work(block, block.program.steps - self._steps.get(id(block), 0)))
        # A part of a block that did not fit lives only while it is trained, and the next one may have its id.
        del self._steps[id(block)]
        self._done += len(block.runs)
        self._show()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        took = time_text(self._clock() - self._began)
        what = f"{self._done} of {self._runs} runs done"
        self._display.end(self._pace.share, f"{what} in {took}" if error is None else f"stopped after {took}, {what}")

    def _work(self, block: BlockPlan, steps: int) -> float:
        self._steps[id(block)] = self._steps.get(id(block), 0) + steps
        return block.seconds * steps / block.program.steps

    def _show(self) -> None:
        left = self._pace.left()
        more = "compiling" if self._compiling else "" if left is None else f"about {time_text(left)} left"
        what = f"{self._done} of {self._runs} runs done"
        self._display.show(self._pace.share, f"{what}, {more}" if more else what)


class PlanningProgress:
    """Progress of planning: what takes longer than three seconds is shown, or else written to the log.

    Parameters
    ----------
    show
        As for `Progress`.
    clock
        Gives the time in seconds.
    """

    def __init__(self, show: bool | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._wanted, self._clock = show, clock
        self._begun = clock()
        self._next_log = self._begun + _PATIENCE
        self._display: Display | None = None
        self._last = (0.0, "")

    def __enter__(self) -> PlanningProgress:
        return self

    def __call__(self, total: int, done: int, programs: int) -> None:
        """Show that ``done`` of ``total`` runs are planned, with ``programs`` programs."""
        spent = self._clock() - self._begun
        if spent < _PATIENCE:
            return
        if self._display is None:
            self._display = display_of(self._wanted, leave=False, clock=self._clock)
        text = f"planning, {done} of {total} runs after {time_text(spent)}, {programs} programs"
        self._last = done / max(total, 1), text
        self._display.show(*self._last)
        if isinstance(self._display, Nowhere) and self._clock() >= self._next_log:
            _LOG.info("%s.", text.capitalize())
            self._next_log = self._clock() + _BETWEEN_LOGS

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._display is not None:
            self._display.end(*self._last)
