"""Figures of the study memorizing-circuits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.kit import Figure
from memjax.studies.memorizing_circuits import order
from memjax.studies.memorizing_circuits.pairs import KINDS
from memjax.studies.memorizing_circuits.tables import LOSS_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "coefficients", "curves", "gradients", "orders"]


def all_figures(
    found: xr.Dataset,
    primes: xr.Dataset,
    times: Mapping[str, xr.Dataset],
    slow: Mapping[str, xr.Dataset],
    linear: Mapping[str, xr.Dataset],
    conflicts: Mapping[str, xr.Dataset],
    records: np.ndarray,
) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "orders": Figure(partial(orders, times, linear), _ORDERS),
        "curves": Figure(partial(curves, slow, linear, records), _CURVES),
        "gradients": Figure(partial(gradients, conflicts), _GRADIENTS),
        "coefficients": Figure(partial(coefficients, found, primes), _COEFFICIENTS),
    }


_ORDERS = (
    "The figure shows the rank correlation, over points, of the steps at which a point is first right: of two networks on "
    "one data set by what they share, and of a network with the network linearised at its own initial state or at another "
    "one. Points that are right before the first step are left out. Markers are means over data sets with 95% intervals. "
    "The dotted line is no relation."
)
_CURVES = (
    "The panels show the share of the points that are learnt, means over data sets with 95% intervals. A point counts "
    "from the first record at which it is right (left), or from the record from which it stays right (right). Solid lines "
    "are networks, and dashed lines are networks that are linearised at their initial state. Both descend on all points, "
    "at small rates at which the first step moves the outputs equally far under both losses."
)
_GRADIENTS = (
    "The left panel shows the distribution of the cosines between the gradients of two points, all data sets together, "
    "before the first step (solid) and after one epoch (dashed). The right panel shows the norm of the mean gradient over "
    "the mean norm, of the first n points, before the first step: means over data sets with 95% intervals. The black line "
    "is that of orthogonal gradients of one norm."
)
_COEFFICIENTS = (
    "The left panel shows the local learning coefficient against the number of train points modulo 11, by what the labels "
    "are. The right panel shows it against the modulus p, for networks on four fifths of all pairs, with logarithmic "
    "axes. Markers are means over seeds with 95% intervals. The solid black line is half of the number of points, the "
    "dashed one half of the number of outputs on train points, which is the most that points can fix, and the dotted one "
    "half of the number of parameters."
)
_BARS = {
    "same start": "same start,\nother batches",
    "same order": "other start,\nsame batches",
    "neither": "both other",
}
_PREDICTED = {"own": "linearised,\nown start", "other": "linearised,\nother start"}


@plots.style()
def orders(times: Mapping[str, xr.Dataset], linear: Mapping[str, xr.Dataset]) -> Drawn:
    """Rank correlations of the first-learnt steps, by what is shared."""
    figure, (ax,) = plots.panels(width=6.0, height=3.3)
    labels = [*_BARS.values(), *_PREDICTED.values()]
    for place, (loss, name) in enumerate(LOSS_NAMES.items()):
        shared = order.agreement(times[loss])
        known = order.predicted(times[loss], linear[loss])
        parts = [*(shared[key] for key in _BARS), *(known[key] for key in _PREDICTED)]
        # Moved sideways, so that no bar hides another.
        at = np.arange(len(parts)) + 0.16 * (place - 0.5)
        both = xr.concat(parts, xr.Variable("what", at), coords="minimal", compat="override")
        style: dict[str, Any] = {"color": CATEGORY_COLORS[place], "marker": MARKERS[place], "label": name}
        plots.mean(both, "what", ax=ax, seeds="bars", linestyle="none", **style)
    plots.level(ax, 0.0)
    ax.set_xticks(range(len(labels)), labels)
    ax.set(xlabel="", ylabel="rank correlation", ylim=(None, 1.0))
    ax.legend(loc="upper right")
    return figure


@plots.style()
def curves(slow: Mapping[str, xr.Dataset], linear: Mapping[str, xr.Dataset], records: np.ndarray) -> Drawn:
    """Share of the points that are learnt, against the step."""
    figure, axes = plots.panels(1, 2, width=4.0, height=3.1, share_y=True)
    titles = {"first": "first learnt", "lasting": "learnt for good"}
    for ax, (time, title) in zip(axes, titles.items(), strict=True):
        for color, (loss, name) in zip(CATEGORY_COLORS, LOSS_NAMES.items(), strict=False):
            parts = {"": slow, ", linearised": linear}
            for (more, found), line in zip(parts.items(), ("-", "--"), strict=True):
                share = 100 * order.learnt_shares(found[loss][time], records[records > 0])
                plots.mean(share, "step", ax=ax, color=color, linestyle=line, label=name + more)
        ax.set(xscale="log", xlabel="step", ylabel="", title=title, ylim=(0, 102))
    axes[0].set_ylabel("points learnt (%)")
    axes[1].legend(loc="upper left")
    return figure


@plots.style()
def gradients(conflicts: Mapping[str, xr.Dataset]) -> Drawn:
    """Distribution of cosines, and the length of the mean gradient against the number of points."""
    figure, (left, right) = plots.panels(1, 2, width=4.0, height=3.1)
    for place, (loss, name) in enumerate(LOSS_NAMES.items()):
        one, color = conflicts[loss], CATEGORY_COLORS[place]
        for snapshot, line in ((0, "-"), (1, "--")):
            density = one["density"].isel(snapshot=snapshot).mean("seed")
            label = f"{name}, step {int(one['snapshot'][snapshot])}"
            left.stairs(density.values, _edges(density), color=color, linestyle=line, label=label)
        length = one["length"].isel(snapshot=0, drop=True).sortby("points")
        plots.mean(length, "points", ax=right, seeds="bars", color=color, marker=MARKERS[place], label=name)
    _orthogonal(right, next(iter(conflicts.values()))["points"].values)
    left.set(xlabel="cosine of two gradients", ylabel="density", xlim=(-0.5, 1.0), yscale="log")
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2)
    right.set(xscale="log", yscale="log", xlabel="points n", ylabel="norm of mean over mean norm")
    counts, ticks = sorted(next(iter(conflicts.values()))["points"].values.tolist()), (0.1, 0.2, 0.3, 0.4, 0.5)
    right.set_xticks(counts, [f"{count:g}" for count in counts])
    right.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    right.minorticks_off()
    right.legend(loc="upper right")
    return figure


def _edges(density: xr.DataArray) -> np.ndarray:
    middles = density["cosine"].values
    half = (middles[1] - middles[0]) / 2
    return np.append(middles - half, middles[-1] + half)


def _orthogonal(ax: Axes, points: np.ndarray) -> None:
    counts = np.geomspace(points.min(), points.max(), 20)
    ax.plot(counts, counts**-0.5, color="black", linewidth=1.0, zorder=0, label=r"$1/\sqrt{n}$")


@plots.style()
def coefficients(found: xr.Dataset, primes: xr.Dataset) -> Drawn:
    """Learning coefficient against the number of points, and against the modulus."""
    figure, (left, right) = plots.panels(1, 2, width=4.0, height=3.3)
    for ax, one, by in ((left, found, "points"), (right, primes, "modulus")):
        for kind in one["task"].values.tolist():
            place = KINDS.index(kind)
            style: dict[str, Any] = {"color": CATEGORY_COLORS[place], "marker": MARKERS[place], "label": kind}
            plots.mean(one["llc"].sel(task=kind), by, ax=ax, seeds="bars", **style)
        _bounds(ax, one, by)
    top = 0.62 * float(found["weights"].max())
    left.set(xlabel="train points", ylabel="learning coefficient", xlim=(0, None), ylim=(0, top))
    right.set(xscale="log", yscale="log", xlabel="modulus p", ylabel="learning coefficient")
    moduli = primes["modulus"].values.tolist()
    right.set_xticks(moduli, [str(p) for p in moduli])
    right.minorticks_off()
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncol=3)
    return figure


def _bounds(ax: Axes, one: xr.Dataset, by: str) -> None:
    """Half of the points, of the outputs on points, and of the parameters."""
    at, first = one[by].values, one.isel(task=0, seed=0)
    points, modulus, weights = (
        np.broadcast_to(first[name].values, at.shape) for name in ("points", "modulus", "weights")
    )
    style: dict[str, Any] = {"color": "black", "linewidth": 1.0, "zorder": 0}
    ax.plot(at, points / 2, label="half of the points", **style)
    ax.plot(at, points * modulus / 2, linestyle="--", label="half of their outputs", **style)
    ax.plot(at, weights / 2, linestyle=":", label="half of the parameters", **style)
