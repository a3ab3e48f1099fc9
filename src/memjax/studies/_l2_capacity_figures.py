"""Figures of the study l2-capacity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies._figures import new_panels
from memjax.studies._l2_capacity_tables import exponent_shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CAPTIONS", "budgets", "gaps", "hypothesis"]

CAPTIONS = {
    "hypothesis": "Train size of the largest L2 gap against the size at which 2 bits per parameter are used up (left) and "
    "against the number of examples worth the most bits that the network stored by that step (right). One mark per network "
    "and step budget, geometric means with 95% intervals over seeds. Solid: equality, which is the hypothesis. Dashed: "
    "straight line through the logarithms at the largest budget.",
    "gaps": "L2 gap against train size at several budgets of the same runs, by network; mean over seeds with 95% intervals. "
    "Dashed: the predicted size 2 P / log2 C.",
    "budgets": "How peak and stored bits move while training goes on, by network: peak over prediction, measured over "
    "predicted capacity (half the bits per parameter), and peak over measured capacity. Dotted: equality.",
}


def hypothesis(at: xr.Dataset, laws: Mapping[str, Mapping[int, Mapping[str, xr.Dataset]]]) -> Figure:
    """Peak against predicted and measured capacity, one mark per network and budget."""
    figure, axes = new_panels(2, width=4.6, height=3.9, share_y=True)
    labels = {"predicted": "predicted: 2 P / log2 C (examples)", "measured": "measured capacity (examples)"}
    for ax, name in zip(axes, labels, strict=True):
        _hypothesis_panel(ax, at, name, laws[name][int(at["step"][-1])]["configurations"])
        ax.set_xlabel(labels[name])
    axes[0].set_ylabel("train size at the peak of the gap")
    _keys(figure, at)
    return figure


def _hypothesis_panel(ax: Axes, at: xr.Dataset, name: str, law: xr.Dataset) -> None:
    from memjax import plots
    from memjax.plots.styles import MARKERS, ordered_colors

    with plots.style():
        ax.set(xscale="log", yscale="log")
        for color, step in zip(ordered_colors(at.sizes["step"]), at["step"].values.tolist(), strict=True):
            for rank, network in enumerate(at["configuration"].values):
                one = at.sel(step=step, configuration=[network])
                _marks(ax, one[f"log_{name}"], one["log_peak"], color, MARKERS[rank % len(MARKERS)])
        _equality(ax, at["log_peak"], at[f"log_{name}"])
        if np.isfinite(float(law["slope"])):
            line = analysis.evaluate(law)
            ax.plot(2.0 ** line["size"], 2.0**line, "--", color="0.3", linewidth=1.0, zorder=0)
            ax.set_title(f"exponent {exponent_shown(law)} after {int(at['step'][-1])} steps")


def _marks(ax: Axes, x: xr.DataArray, y: xr.DataArray, color: Any, mark: str) -> None:
    (at, across), (height, along) = _bars(x), _bars(y)
    ax.errorbar(at, height, xerr=across, yerr=along, fmt=mark, color=color, markersize=5, elinewidth=0.8)


def _bars(logs: xr.DataArray) -> tuple[np.ndarray, np.ndarray | None]:
    """Geometric mean over seeds and the lengths of its error bars ``[2, n]``."""
    if "seed" not in logs.dims:
        return 2.0**logs.values, None
    summary = analysis.mean_interval(logs)
    centre, (low, high) = 2.0 ** summary["mean"].values, 2.0 ** summary["mean_interval"].transpose("bound", ...).values
    return centre, np.nan_to_num(np.stack([centre - low, high - centre]))


def _equality(ax: Axes, *logs: xr.DataArray) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    means = [values.mean("seed") if "seed" in values.dims else values for values in logs]
    ends = [2.0 ** (min(float(m.min()) for m in means) - 0.4), 2.0 ** (max(float(m.max()) for m in means) + 0.4)]
    ax.plot(ends, ends, color="0.7", linewidth=1.0, zorder=0)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def _keys(figure: Figure, at: xr.Dataset) -> None:
    """Colours for budgets above the panels, marks for networks beside them."""
    from matplotlib.lines import Line2D

    from memjax import plots
    from memjax.plots.styles import MARKERS, ordered_colors

    steps, networks = at["step"].values.tolist(), at["configuration"].values.tolist()
    colors = [Line2D([], [], color=color, linewidth=4) for color in ordered_colors(len(steps))]
    marks = [
        Line2D([], [], color="0.4", marker=MARKERS[i % len(MARKERS)], linestyle="none") for i in range(len(networks))
    ]
    with plots.style():
        figure.legend(colors, [f"{step} steps" for step in steps], loc="outside upper center", ncols=len(steps))
        figure.legend(marks, networks, title="network", loc="outside right center", alignment="left")


def gaps(gap: xr.DataArray, log_predicted: xr.DataArray) -> Figure:
    """Gap ``(configuration, train_size, seed, step)`` against train size by budget, a panel per network."""
    from matplotlib.figure import Figure

    from memjax import plots

    count = gap.sizes["configuration"]
    rows, columns = -(-count // 4), min(count, 4)
    gap = gap.assign_coords(predicted=2.0**log_predicted).drop_vars(["classes", "parameters"], errors="ignore")

    def draw(panel: xr.DataArray, ax: Axes) -> None:
        plots.curves(panel, x="train_size", by="step", ax=ax, key=False)
        ax.axvline(float(panel["predicted"]), color="0.4", linestyle="--", linewidth=1.0)

    with plots.style():
        figure = Figure(figsize=(2.3 * columns, 2.1 * rows + 0.4), layout="constrained")
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        panels = plots.small_multiples(draw, gap, by="configuration", axes=axes)
        _finish_panels(figure, panels, gap["configuration"].values.tolist(), columns)
    return figure


def _finish_panels(figure: Figure, panels: np.ndarray, names: list[str], columns: int) -> None:
    from matplotlib.ticker import LogLocator

    for i, (ax, name) in enumerate(zip(panels, names, strict=True)):
        ax.set_title(name)
        ax.xaxis.set_major_locator(LogLocator())
        ax.tick_params(labelbottom=i + columns >= len(names))
    lines = [line for line in panels[0].lines if not str(line.get_label()).startswith("_")]
    figure.legend(lines, [f"{line.get_label()} steps" for line in lines], loc="outside upper center", ncols=len(lines))


def budgets(found: xr.Dataset) -> Figure:
    """Peak over prediction, measured over predicted capacity, and peak over measured, against the step."""
    from memjax import plots

    figure, axes = new_panels(3, width=3.5, height=3.2)
    found = _spaced(found).rename(configuration="network")
    peak, predicted, measured = found["log_peak"], found["log_predicted"], found["log_measured"]
    ratios = {
        "peak / prediction": peak - predicted,
        "measured / predicted capacity": measured - predicted,
        "peak / measured capacity": peak - measured,
    }
    for ax, (label, logs) in zip(axes, ratios.items(), strict=True):
        ratio = (2.0 ** logs.mean("seed")).drop_vars(["classes", "parameters"], errors="ignore")
        ratio.attrs = {"long_name": label}
        plots.curves(ratio, x="step", by="network", ax=ax, key=ax is axes[-1])
        ax.axhline(1.0, color="0.4", linestyle=":", linewidth=1.0, zorder=0)
        ax.set_ylim(bottom=0.0)
    return figure


def _spaced(found: xr.Dataset) -> xr.Dataset:
    """About a dozen records, evenly spaced in the logarithm, from a tenth of the steps on: before, little is stored."""
    last = float(found["step"][-1])
    wanted = found["step"].sel(step=np.geomspace(last / 10, last, 12), method="nearest").values
    return found.sel(step=np.unique(wanted))
