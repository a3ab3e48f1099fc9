"""Figures of the study l2-capacity."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import analysis, plots
from memjax.plots.styles import MARKERS, ordered_colors
from memjax.studies.kit import Figure, estimate, fitted, geometric_mean, text
from memjax.studies.l2_capacity import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "budgets", "gaps", "hypothesis"]

_LABELS = {"predicted": "predicted: 2 P / log2 C (examples)", "measured": "measured capacity (examples)"}


def all_figures(runs: xr.Dataset, found: xr.Dataset, at: xr.Dataset) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    gap = runs["gap"].sel(step=at["step"]).assign_coords(predicted=found["predicted"])
    return {
        "hypothesis": Figure(partial(hypothesis, at), _HYPOTHESIS),
        "gaps": Figure(partial(gaps, gap.drop_vars(["classes", "parameters"], errors="ignore")), _GAPS),
        "budgets": Figure(partial(budgets, found), _BUDGETS),
    }


_HYPOTHESIS = (
    "The panels show the train size of the largest L2 gap against the size at which 2 bits per parameter are used up "
    "(left) and against the number of examples worth the most bits that the network stored by that step (right), as "
    "geometric means with 95% intervals over seeds. On the solid line the two are equal, which is the hypothesis. The "
    "dashed line is a straight line through the logarithms at the largest budget."
)
_GAPS = (
    "The panels show the L2 gap by network and budget, means over seeds with 95% intervals. The dashed line is the "
    "predicted size 2 P / log2 C."
)
_BUDGETS = (
    "The panels show how peak and stored bits move while training goes on, by network; the measured over the predicted "
    "capacity is half the bits per parameter. On the dotted line the two are equal."
)


@plots.style()
def hypothesis(at: xr.Dataset) -> Drawn:
    """Peak against predicted and measured capacity: a colour for every budget, a mark for every network."""
    from matplotlib.lines import Line2D

    figure, axes = plots.panels(1, 2, width=4.6, height=3.9, share_y=True)
    steps, networks = at["step"].values.tolist(), at["configuration"].values.tolist()
    colors, marks = ordered_colors(len(steps)), [MARKERS[i % len(MARKERS)] for i in range(len(networks))]
    for ax, name in zip(axes, _LABELS, strict=True):
        for color, step in zip(colors, steps, strict=True):
            for mark, network in zip(marks, networks, strict=True):
                one = at.sel(step=step, configuration=network)
                (x, width), (y, height) = _bar(one[name]), _bar(one["peak"])
                ax.errorbar(x, y, xerr=width, yerr=height, fmt=mark, color=color, markersize=5, elinewidth=0.8)
        _lines(ax, at, name)
        ax.set_xlabel(_LABELS[name])
    axes[0].set_ylabel("train size at the peak of the gap")
    lines = [Line2D([], [], color=color, linewidth=4) for color in colors]
    figure.legend(lines, [f"{step} steps" for step in steps], loc="outside upper center", ncols=len(steps))
    lines = [Line2D([], [], color="0.4", marker=mark, linestyle="none") for mark in marks]
    figure.legend(lines, networks, title="network", loc="outside right center", alignment="left")
    return figure


def _bar(values: xr.DataArray) -> tuple[float, np.ndarray]:
    """Geometric mean over seeds and the lengths of its bars ``[2, 1]``, 0 for a number without seeds."""
    one = estimate(values, "geometric")
    return one.value, np.nan_to_num([[one.value - one.low], [one.high - one.value]])


def _lines(ax: Axes, at: xr.Dataset, name: str) -> None:
    """Equality, and the line through the networks at the largest budget with its exponent."""
    values = np.concatenate([at[part].values[np.isfinite(at[part].values)] for part in ("peak", name)])
    ends = [0.75 * values.min(), 1.3 * values.max()]
    ax.plot(ends, ends, color="0.7", linewidth=1.0, zorder=0)
    law, last = numbers.line(at.isel(step=-1), name, "networks"), int(at["step"][-1])
    if np.isfinite(float(law["slope"])):
        fit = analysis.evaluate(law)
        ax.plot(2.0 ** fit["size"], 2.0**fit, "--", color="0.3", linewidth=1.0, zorder=0)
        ax.set_title(f"exponent {text(fitted(law, 'slope', at.sizes['seed']))} after {last} steps")
    plots.plain_ticks(ax, "x")
    plots.plain_ticks(ax, "y")


@plots.style()
def gaps(gap: xr.DataArray) -> Drawn:
    """Gap ``(configuration, train_size, seed, step)`` against train size by budget, a panel per network."""
    names = gap["configuration"].values.tolist()
    columns = min(len(names), 4)
    figure, axes = plots.panels(-(-len(names) // 4), columns, width=2.3, height=2.2, share_x=True, share_y=True)

    def draw(panel: xr.DataArray, ax: Axes) -> None:
        plots.curves(panel, x="train_size", by="step", ax=ax, key=False)
        ax.axvline(float(panel["predicted"]), color="0.4", linestyle="--", linewidth=1.0)

    panels = plots.small_multiples(draw, gap, by="configuration", axes=axes)
    for i, (ax, name) in enumerate(zip(panels, names, strict=True)):
        ax.set_title(name)
        ax.tick_params(labelbottom=i + columns >= len(names))
    lines = [line for line in panels[0].lines if not str(line.get_label()).startswith("_")]
    figure.legend(lines, [f"{line.get_label()} steps" for line in lines], loc="outside upper center", ncols=len(lines))
    return figure


@plots.style()
def budgets(found: xr.Dataset) -> Drawn:
    """Peak over prediction, measured over predicted capacity, and peak over measured, against the step."""
    figure, axes = plots.panels(1, 3, width=3.5, height=3.2)
    # About a dozen records, evenly spaced in the logarithm, from a tenth of the steps on: before, little is stored.
    last = float(found["step"][-1])
    wanted = found["step"].sel(step=np.geomspace(last / 10, last, 12), method="nearest").values
    found = found.sel(step=np.unique(wanted)).reset_coords(drop=True).rename(configuration="network")
    ratios = {
        "peak / prediction": ("peak", "predicted"),
        "measured / predicted capacity": ("measured", "predicted"),
        "peak / measured capacity": ("peak", "measured"),
    }
    for ax, (label, (name, other)) in zip(axes, ratios.items(), strict=True):
        mean = geometric_mean(found[name] / found[other], "seed")
        plots.curves(mean, x="step", by="network", ax=ax, key=ax is axes[-1], name=label)
        plots.level(ax, 1.0)
        ax.set_ylim(bottom=0.0)
    return figure
