"""Bars of every peer's time over memjax's, one panel per work, on one logarithmic axis."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.sweep_throughput.peers import PEERS
from benchmarks.sweep_throughput.report import Report
from benchmarks.sweep_throughput.summary import BASE, Line, compared, lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Told apart by lightness and shape, so that print and any eye can.
_SLOWER, _FASTER, _COLD, _ONE = "#9fb8c8", "#0b3c5d", "#c8501e", "#333333"


def draw(report: Report, path: Path) -> None:
    """Draw a report to a file; nothing where memjax has nothing to be compared with."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    panels = [(name, _in_order(lines(report, name))) for name in compared(report)]
    panels = [(name, found) for name, found in panels if len(found) > 1]
    if not panels:
        return
    columns = 2 if len(panels) in (2, 4) else min(3, len(panels))
    rows, most = math.ceil(len(panels) / columns), max(len(found) for _, found in panels)
    size = 1.2 + 2.9 * columns, 1.0 + rows * (0.45 + 0.24 * most)
    figure, grid = plt.subplots(rows, columns, figsize=size, sharex=True, squeeze=False, layout="constrained")
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for place, (axes, (name, found)) in enumerate(zip(grid.flat, panels, strict=False)):
        _panel(axes, _title(report, name), found)
        axes.tick_params(labelsize=8, labelbottom=place + columns >= len(panels))
    _scale(grid.flat[0], [line for _, found in panels for line in found])
    _key(figure)
    figure.savefig(path, dpi=180)
    plt.close(figure)


def _in_order(found: list[Line]) -> list[Line]:
    """Lines with a ratio, in one order for all panels, so that a peer is found at the same place."""
    order = list(PEERS)
    return sorted((line for line in found if line.steady_ratio is not None), key=lambda line: order.index(line.peer))


def _title(report: Report, name: str) -> str:
    facts = report.works[name]
    runs = "1 run" if facts.runs == 1 else f"{facts.runs} runs"
    sizes = f"n = {facts.sizes[0]}" if len(facts.sizes) == 1 else f"n = {min(facts.sizes)} to {max(facts.sizes)}"
    return f"{name}: {runs}, {sizes}" + ("" if facts.batch_size is None else f", batches of {facts.batch_size}")


def _panel(axes: Axes, title: str, found: list[Line]) -> None:
    """Bars from one to the steady ratio with its range, a mark at the cold ratio, the number beside them."""
    base = next(line for line in found if line.peer == BASE).steady.median
    for place, line in enumerate(found):
        ratio, cold = line.steady_ratio or 1.0, line.cold_ratio or 1.0
        axes.barh(place, ratio - 1.0, left=1.0, height=0.66, color=_SLOWER if ratio >= 1.0 else _FASTER)
        axes.plot([line.steady.least / base, line.steady.most / base], [place, place], color=_ONE, lw=1.0)
        axes.plot(cold, place, "D", ms=4.0, mfc="white", mec=_COLD, mew=1.2)
        beyond = max(1.0, ratio, cold, line.steady.most / base)
        axes.annotate(
            _short(line, ratio), (beyond, place), (6, 0), textcoords="offset points", va="center", fontsize=7.5
        )
    axes.axvline(1.0, color=_ONE, lw=0.8, zorder=0)
    axes.set_yticks(range(len(found)), [line.peer for line in found])
    axes.set_title(title, fontsize=8.5, loc="left")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)


def _short(line: Line, ratio: float) -> str:
    return (
        f"{'~' if line.estimated else ''}{ratio:.0f}"
        if ratio >= 10.0
        else f"{'~' if line.estimated else ''}{ratio:.2g}"
    )


def _scale(axes: Axes, found: list[Line]) -> None:
    """Logarithmic axis of all panels, wide enough for the numbers beside the bars."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ratios = [value for line in found for value in (line.steady_ratio, line.cold_ratio) if value]
    axes.set_xscale("log")
    least, most = 0.8 * min(ratios), 1.2 * max(ratios)
    axes.set_xlim(least, most * (most / least) ** 0.15)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if most / least < 50.0 else (1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _key(figure: Any) -> None:
    """What bars and marks are."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    figure.suptitle("Time over memjax's on the same work", fontsize=9.5)
    keys = [
        Patch(color=_SLOWER, label="steady state, slower than memjax"),
        Patch(color=_FASTER, label="faster"),
        Line2D([], [], color=_ONE, lw=1.0, label="range over repeats"),
        Line2D([], [], ls="", marker="D", ms=4.0, mfc="white", mec=_COLD, mew=1.2, label="from a cold start"),
        Line2D([], [], ls="", label="~ scaled up from a part"),
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=3, fontsize=7.5, frameon=False)
