"""Final values of a report: each quantity at the end of its runs against the swept axes, as figures and as a table."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.pages.table import Table
from memjax.plots.axes import label_of, text_of
from memjax.plots.lines import is_numeric
from memjax.plots.means import FEW
from memjax.plots.ranges import range_of
from memjax.report.curves import Drawing, long_name, named, seeds_text
from memjax.report.ends import at_end, end_text
from memjax.report.layout import Layout
from memjax.studies.kit.estimate import Estimate, estimate
from memjax.studies.kit.number_format import column_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_finals", "finals_table", "no_table_text"]

_MOST_ROWS = 60
_LEAST_OF_A_MAP = 4
_NO_INTERVAL = " [no interval]"


def draw_finals(layout: Layout) -> Iterator[Drawing]:
    """Figures of the final values against the first axis with numbers, and against the second axis."""
    if not layout.lines or not is_numeric(layout.drawn[layout.lines]) or layout.drawn.sizes[layout.lines] < 2:
        return
    ends, when = at_end(layout.drawn, layout.time), end_text(layout.drawn, layout.time)
    for name, splits in layout.quantities.items():
        if all(layout.lines in ends[one].dims for one in splits.values()):
            where = " and ".join(long_name(ends[axis]) for axis in (layout.lines, layout.panels) if axis)
            own = "" if _is_of_runs(layout, splits) else when
            caption = f"{_taken(named(layout, splits), own)} against {where}{seeds_text(layout)}."
            yield Drawing(f"final_{name}", _figure(layout, ends, splits), caption)


def _is_of_runs(layout: Layout, splits: Mapping[str, str]) -> bool:
    """Whether a quantity is one of whole runs, such as the step of the best network, among others that have records."""
    timeless = bool(layout.time) and not any(layout.time in layout.drawn[one].dims for one in splits.values())
    return timeless or any(one.startswith("best_") for one in splits.values())


def _taken(words: str, when: str) -> str:
    return f"{words} {when}" if when else words


def _figure(layout: Layout, ends: xr.Dataset, splits: Mapping[str, str]) -> Figure:
    figure, axes = plots.panels(1, len(splits), width=4.2, height=3.1)
    for ax, name in zip(axes, splits.values(), strict=True):
        if not layout.panels or layout.panels not in ends[name].dims:
            plots.curve(ends[name], layout.lines, layout.over, ax)
        elif _is_map(ends, layout):
            plots.phase_diagram(ends[name], layout.lines, layout.panels, layout.over, ax)
        else:
            plots.curves(ends[name], layout.lines, layout.panels, layout.over, ax)
    return figure


def _is_map(ends: xr.Dataset, layout: Layout) -> bool:
    """Whether both axes have numbers enough for a map."""
    return (
        is_numeric(ends[layout.panels]) and min(ends.sizes[layout.lines], ends.sizes[layout.panels]) >= _LEAST_OF_A_MAP
    )


def finals_table(layout: Layout) -> Table | None:
    """All quantities at the end of the runs, with a row for each combination of the axes; None for too many rows."""
    if not layout.dataset.data_vars or _rows(layout) > _MOST_ROWS:
        return None
    ends, axes = at_end(layout.dataset, layout.time), layout.axes
    places = list(itertools.product(*(range(ends.sizes[axis]) for axis in axes)))
    parts = [ends.isel(dict(zip(axes, where, strict=True))) for where in places]
    heads = [[text_of(part[axis].values[()]) for axis in axes] for part in parts]
    # Columns are made by variable, because derived variables keep the label of what they were derived from.
    columns = [_column([_estimate(part[name]) for part in parts]) for name in ends.data_vars]
    rows = tuple((*head, *cells) for head, cells in zip(heads, zip(*columns, strict=True), strict=True))
    labels = (*(label_of(ends[axis]) for axis in axes), *(label_of(array) for array in ends.data_vars.values()))
    title = _taken("Quantities", end_text(layout.dataset, layout.time) or "of the runs")
    return Table(title, labels, rows, _note(layout, rows))


def no_table_text(layout: Layout) -> str:
    """A sentence that says why a page has no table of final values; empty where the page has one."""
    rows = _rows(layout)
    if not layout.dataset.data_vars or rows <= _MOST_ROWS:
        return ""
    return (
        f"The table of final values is not shown, because it would have {rows:,} rows, and a page shows {_MOST_ROWS} at most: "
        "memjax.table(dataset) has all numbers."
    )


def _rows(layout: Layout) -> int:
    return int(np.prod([layout.dataset.sizes[axis] for axis in layout.axes], dtype=np.int64))


def _note(layout: Layout, rows: tuple[tuple[str, ...], ...]) -> str:
    """What the numbers in brackets are, as far as cells have them."""
    if layout.dataset.sizes.get(layout.over, 1) < 2:
        return ""
    cells = " ".join(cell for row in rows for cell in row[len(layout.axes) :])
    said = ["95% intervals in square brackets"] if "[" in cells else []
    if "(" in cells:
        said.append(
            f"the lowest and the highest value in round brackets where fewer than {FEW} {layout.over}s have one"
        )
    return f"Means over {layout.over}s{', with ' if said else ''}{', and '.join(said)}."


def _column(estimates: list[Estimate]) -> list[str]:
    """Cells of one column; a mean of few runs stands with the range of the runs, because its interval says little."""
    few = [1 < one.count < FEW for one in estimates]
    shown = [
        replace(one, low=one.smallest, high=one.largest) if rare else one
        for one, rare in zip(estimates, few, strict=True)
    ]
    texts = [cell.replace(_NO_INTERVAL, "") for cell in column_text(shown)]
    return [
        re.sub(r"\[(\S+), (\S+)\]", r"(\1 to \2)", cell) if rare else cell
        for cell, rare in zip(texts, few, strict=True)
    ]


def _estimate(values: xr.DataArray) -> Estimate:
    """Mean whose interval keeps to the range of the quantity."""
    (low, high), found = range_of(values), estimate(values)
    return replace(found, low=max(found.low, low), high=min(found.high, high))
