"""Every peer trains the same thing, or the comparison is void: means over seeds against memjax's, in standard errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.sweep_throughput import spawn
from benchmarks.sweep_throughput.peers import Settings
from benchmarks.sweep_throughput.works import Work, check_works

_MOST_ERRORS = 5.0
# Where all runs end alike, an accuracy of one say, means differ by rounding alone.
_ROUNDING = 1e-6
_SHOWN = ("train_loss", "l2_gap")


def check(names: Sequence[str], settings: Settings, say: Callable[[str], None] = print) -> bool:
    """Train small works with every peer; whether all agree with memjax within five standard errors everywhere."""
    agreed = True
    for work in check_works():
        ours = _finals("memjax", work, settings)
        say(f"{work.name} memjax: mean {_means(ours)}")
        for name in names:
            if name != "memjax":
                agreed &= _agrees(name, work, settings, ours, say)
    return agreed


def _agrees(name: str, work: Work, settings: Settings, ours: dict[str, Any], say: Callable[[str], None]) -> bool:
    try:
        theirs = _finals(name, work, settings)
    except spawn.Failed as problem:
        say(f"{work.name} {name}: failed: {problem}")
        return False
    worst, where = worst_difference(work, ours, theirs)
    say(f"{work.name} {name}: mean {_means(theirs)}; at most {worst:.1f} standard errors from memjax ({where})")
    return worst <= _MOST_ERRORS


def _means(finals: dict[str, Any]) -> str:
    return ", ".join(f"{quantity} {np.mean(finals[quantity]):.4f}" for quantity in _SHOWN)


def worst_difference(work: Work, ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[float, str]:
    """Largest difference of means in standard errors over all quantities, sizes and learning rates, and where it is."""
    groups = list(zip(work.sizes, work.learning_rates, strict=True))
    worst = (0.0, "")
    for quantity in ours:
        for group in dict.fromkeys(groups):
            own = [place for place, other in enumerate(groups) if other == group]
            a, b = np.array(ours[quantity])[own], np.array(theirs[quantity])[own]
            error = (a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)) ** 0.5
            found = abs(a.mean() - b.mean()) / max(error, _ROUNDING)
            worst = max(worst, (float(found), f"{quantity}, n = {group[0]}, rate {group[1]:g}"))
    return worst


def _finals(name: str, work: Work, settings: Settings) -> dict[str, Any]:
    return spawn.worker(name, work, settings, calls=1, finals=True)[1]["finals"]
