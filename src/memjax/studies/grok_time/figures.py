"""Figures of the study grok-time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import analysis, plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS, ordered_colors
from memjax.studies.grok_time.numbers import PUBLISHED, percent
from memjax.studies.grok_time.tables import LABELS
from memjax.studies.kit import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "growth", "knobs", "times"]


def all_figures(
    found: xr.Dataset, shares: xr.Dataset, laws: xr.Dataset, varied: Mapping[str, xr.Dataset]
) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "times": Figure(partial(times, found, shares), _TIMES),
        "growth": Figure(partial(growth, found["t_test"], laws), _GROWTH),
        "knobs": Figure(partial(knobs, varied), _KNOBS),
    }


_TIMES = (
    "The left panel shows the steps to a train and to a test accuracy of 0.99 against the train fraction. Points are "
    "single runs, lines are geometric means, triangles are fractions with a run that never gets there, and crosses are "
    "published (p = 113, with another network, rate and criterion). The right panel shows the share of runs that grok "
    "within a number of steps, with exact 95% intervals."
)
_GROWTH = (
    "The left panel shows the same times to grok with the laws fitted to them; the numbers in brackets are Akaike "
    "weights. The right panel shows how many more steps 1% less data takes by the law with the largest weight, with its "
    "95% interval. Grey is published by Power et al. for division mod 97, and crosses are between the published times."
)
_KNOBS = (
    "The panels show the steps to a train (open) and to a test (filled) accuracy of 0.99 by one knob at a time and by "
    "train fraction. Points are single runs, lines are geometric means, and at a triangle a run never gets there."
)


@plots.style()
def times(delays: xr.Dataset, shares: xr.Dataset) -> Drawn:
    """Times to fit and to grok, and shares that grok, against the train fraction."""
    figure, (left, right) = plots.panels(1, 2, width=4.6, height=3.4)
    for split, color, mark in (("train", CATEGORY_COLORS[1], "s"), ("test", CATEGORY_COLORS[0], "o")):
        time = delays[f"t_{split}"]
        plots.mean(time, ax=left, of="geometric", seeds="points", color=color, marker=mark, label=split)
    left.plot(list(PUBLISHED), list(PUBLISHED.values()), "x", color="0.5", zorder=0, label="test, published")
    left.set(xlabel="train fraction", ylabel="steps to accuracy 0.99", yscale="log")
    left.legend(loc="upper right", bbox_to_anchor=(1.0, 0.95))
    groks = shares["groks"].transpose("steps", ...)
    for i, (shade, one) in enumerate(zip(ordered_colors(len(groks)), groks, strict=True)):
        found = analysis.share_interval(one)
        bars = abs(found["share_interval"].transpose("bound", ...) - found["share"]).values
        # Beside each other, for their bars would lie on each other.
        at, name = one["train_size"].values + 0.006 * (i - 1), f"{one['steps']:g} steps"
        right.errorbar(at, found["share"].values, bars, color=shade, marker=MARKERS[i], elinewidth=0.6, label=name)
    right.set(xlabel="train fraction", ylabel="share of runs that grok", ylim=(-0.04, 1.04))
    right.legend(title="within", loc="lower right")
    return figure


@plots.style()
def growth(t_test: xr.DataArray, laws: xr.Dataset) -> Drawn:
    """Fitted laws over the runs, and the slope of the best one."""
    figure, (left, right) = plots.panels(1, 2, width=4.6, height=3.6)
    plots.mean(t_test, ax=left, seeds="points", color="0.4", linestyle="none")
    shown = laws.where(laws["predicted"] <= 1.5 * laws.attrs["budget"])["predicted"]
    order = [name for name in laws["law"].values.tolist() if name != "constant"]
    for name, color in zip(order, CATEGORY_COLORS, strict=False):
        text = f"{name} ({float(laws['weight'].sel(law=name)):.2f})"
        left.plot(t_test["train_size"], shown.sel(law=name), color=color, linewidth=1.2, label=text)
    left.set(xlabel="train fraction", ylabel="steps to test accuracy 0.99")
    plots.plain_ticks(left, "y")
    left.legend(title="law (weight)", loc="upper right", bbox_to_anchor=(1.0, 0.95))
    _slopes(right, laws.isel(law=int(laws["weight"].values.argmax())))
    return figure


def _slopes(ax: Axes, law: xr.Dataset) -> None:
    known = law.where(law["predicted"] <= law.attrs["budget"], drop=True)
    at, ends = known["train_size"].values, percent(known["slope_interval"]).transpose("bound", ...)
    ax.plot(at, percent(known["slope"]), color=CATEGORY_COLORS[0], marker="o", label=law["law"].item())
    ax.fill_between(at, *ends.values, color=CATEGORY_COLORS[0], alpha=0.2, linewidth=0.0)
    ax.axhspan(40.0, 50.0, color="0.85", zorder=0)
    plots.level(ax, 50.0, "published near the threshold, p = 97", linewidth=0.0)
    shares, steps = np.array(list(PUBLISHED)), np.log(list(PUBLISHED.values()))
    slopes = xr.DataArray(np.diff(steps) / np.diff(shares))
    ax.plot((shares[1:] + shares[:-1]) / 2.0, percent(slopes), "x", color="0.5", label="published, p = 113")
    ax.set(xlabel="train fraction", ylabel="more steps per 1% less data (%)")
    plots.plain_ticks(ax, "y")
    ax.legend(loc="lower left")


@plots.style()
def knobs(varied: Mapping[str, xr.Dataset]) -> Drawn:
    """Times against every knob, one panel each, its values side by side."""
    figure, grid = plots.panels(2, 3, width=3.2, height=2.7, share_y=True)
    axes = grid.ravel()
    for ax, (name, found) in zip(axes, varied.items(), strict=False):
        for i in range(found.sizes["train_size"]):
            _knob(ax, found.isel(train_size=i), 0.12 * (i - 0.5), CATEGORY_COLORS[i], MARKERS[i])
        ax.set(xlabel=LABELS[name], yscale="log")
        labels = [value if isinstance(value, str) else f"{value:g}" for value in found["knob"].values.tolist()]
        ax.set_xticks(range(len(labels)), labels)
    for ax in axes[len(varied) :]:
        ax.set_axis_off()
    axes[-1].legend(*axes[0].get_legend_handles_labels(), loc="center")
    for ax in axes[::3]:
        ax.set_ylabel("steps to accuracy 0.99")
    return figure


def _knob(ax: Axes, found: xr.Dataset, beside: float, color: str, mark: str) -> None:
    """Both times at one train fraction, a little beside those at the other."""
    side = found.assign_coords(knob=np.arange(found.sizes["knob"]) + beside)
    joined = "-" if found["knob"].dtype.kind in "iuf" else "none"
    for split, face in (("train", "none"), ("test", color)):
        line: dict[str, Any] = {"color": color, "marker": mark, "markerfacecolor": face, "linestyle": joined}
        label = f"{split}, fraction {found['train_size'].item():g}"
        plots.mean(side[f"t_{split}"], "knob", ax=ax, of="geometric", seeds="points", label=label, **line)
