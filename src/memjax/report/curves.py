"""Curves of a report: every recorded quantity against the step, as the mean over seeds with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.axes import label_of, scale_axis, text_of
from memjax.plots.ranges import range_of
from memjax.report.layout import Layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Drawing", "at_panel", "draw_curves", "long_name", "named", "seeds_text"]

_WIDEST = 3
_FAR_APART = 5


class Drawing(NamedTuple):
    """A figure, the name of its file, and its caption."""

    name: str
    figure: Figure
    caption: str


def draw_curves(layout: Layout) -> Iterator[Drawing]:
    """One figure for each quantity, or one for all of them where no axis is swept; none without records."""
    recorded = {
        name: own
        for name, splits in layout.quantities.items()
        if (own := {split: one for split, one in splits.items() if layout.time in layout.drawn[one].dims})
    }
    if not layout.time or not recorded:
        return
    if not layout.lines:
        yield Drawing(
            "curves", _all_in_one(layout, recorded), f"Every recorded quantity against the step{seeds_text(layout)}."
        )
        return
    for name, splits in recorded.items():
        caption = f"{named(layout, splits)} against the step{seeds_text(layout)}."
        yield Drawing(f"curves_{name}", _by_value(layout, splits), caption)


def named(layout: Layout, splits: Mapping[str, str]) -> str:
    """Words for a quantity, to begin a sentence with: "Train loss and test loss"."""
    words = " and ".join(long_name(layout.drawn[name]) for name in splits.values())
    return words[:1].upper() + words[1:]


def long_name(array: xr.DataArray) -> str:
    """Words for a variable or an axis, without units."""
    return label_of(array.assign_attrs(units=""))


def seeds_text(layout: Layout) -> str:
    """How many seeds a figure shows, to end a sentence with; empty for one."""
    seeds = layout.drawn.sizes.get(layout.over, 1)
    return f", of {seeds} {layout.over}s" if seeds > 1 else ""


def _all_in_one(layout: Layout, recorded: Mapping[str, Mapping[str, str]]) -> Figure:
    """A panel for each quantity; train and test set are two lines in it."""
    columns = min(_WIDEST, len(recorded))
    figure, axes = plots.panels(-(-len(recorded) // columns), columns, width=3.3, height=2.6)
    places = np.atleast_1d(axes).ravel()
    for ax, splits in zip(places, recorded.values(), strict=False):
        for split, name in splits.items():
            plots.mean(layout.drawn[name], layout.time, layout.over, ax, label=split or None)
        _finish(ax, layout, list(splits.values()))
        if len(splits) > 1:
            with plots.style():
                ax.legend()
        first = layout.drawn[next(iter(splits.values()))]
        ax.set_ylabel(_label_of_both(first) if len(splits) > 1 else label_of(first))
    for ax in places[len(recorded) :]:
        ax.set_visible(False)
    return figure


def _label_of_both(first: xr.DataArray) -> str:
    """Label of a panel with both splits, from that of the first one."""
    own_name = f" ({first.name})".replace("_", " ")
    return label_of(first).removeprefix("train ").removeprefix("test ").replace(own_name, "")


def _by_value(layout: Layout, splits: Mapping[str, str]) -> Figure:
    """A row of panels for each split, a panel for each value of the second axis, and a line for each of the first one."""
    panels = layout.drawn.sizes.get(layout.panels, 1)
    # Without a second axis the splits stand side by side.
    rows, columns = (len(splits), panels) if layout.panels else (1, len(splits))
    figure, axes = plots.panels(rows, columns, width=3.6, height=2.8, share_y="row" if layout.panels else True)
    grid = np.atleast_1d(axes).reshape(len(splits), panels)
    for row, name in zip(grid, splits.values(), strict=True):
        for place, ax in enumerate(row):
            part, title = at_panel(layout, name, place)
            plots.trajectories(
                part, layout.lines, layout.over, ax, x=layout.time, key=ax is np.atleast_1d(axes).flat[-1]
            )
            ax.set_title(title)
            _finish(ax, layout, [name])
    if layout.panels:
        _label_the_edges(grid)
    return figure


def _label_the_edges(grid: np.ndarray) -> None:
    """Leave titles at the upper edge of a grid of panels, and labels at its left and its lower edge."""
    for ax in grid[1:].ravel():
        ax.set_title("")
    for ax in grid[:-1].ravel():
        ax.set_xlabel("")
    for ax in grid[:, 1:].ravel():
        ax.set_ylabel("")


def at_panel(layout: Layout, name: str, place: int) -> tuple[xr.DataArray, str]:
    """Numbers of a variable at one value of the second axis, and the title of its panel."""
    part = layout.drawn[name]
    if not layout.panels or layout.panels not in part.dims:
        return part, ""
    axis = layout.drawn[layout.panels]
    return part.isel({layout.panels: place}), f"{label_of(axis)} = {text_of(axis.values[place])}"


def _finish(ax: Axes, layout: Layout, names: list[str]) -> None:
    """Labels and scales that fit the numbers."""
    steps = layout.drawn[layout.time].values
    ax.set_xlabel(label_of(layout.drawn[layout.time]))
    if np.isfinite(range_of(layout.drawn[names[0]])[1]):
        # A share is read from 0 to 1, however small the least value is.
        ax.set_yscale("linear")
    else:
        scale_axis(ax, np.concatenate([np.array([np.nan]), *(np.ravel(line.get_ydata()) for line in ax.lines)]), "y")
    if steps[-1] > _FAR_APART * np.median(steps) > 0:
        # Records that lie ever farther apart would crowd at the left end.
        plots.plain_ticks(ax)
