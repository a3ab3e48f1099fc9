"""Figures of the study memory-2."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import MARKERS
from memjax.studies.kit import Figure
from memjax.studies.memory_2.numbers import LABEL_BITS, by_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "load", "parameters", "steps"]

_TOP = 2.75


def all_figures(bits: xr.DataArray, found: xr.Dataset, published: float, linear: float) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    end, course = (values.assign_attrs(bits.attrs) for values in (bits.isel(step=-1, drop=True), found["course"]))
    return {
        "load": Figure(partial(load, end, published, linear), _LOAD),
        "steps": Figure(partial(steps, course, published), _STEPS),
        "parameters": Figure(partial(parameters, found["most"], published), _PARAMETERS),
    }


_LOAD = (
    "The panels show the bits stored at the end of training per parameter, against train examples per parameter: means "
    "over seeds with 95% Student-t intervals. The grey line is all that the labels hold, and the dotted one is published."
)
_STEPS = "The panels show the bits stored per parameter against the training step, at the train size that stores most."
_PARAMETERS = (
    "The figure shows the most bits stored against the number of parameters. The dotted line is the published 2.4 bits "
    "per parameter."
)


@plots.style()
def load(end: xr.DataArray, published: float, linear: float) -> Drawn:
    """Bits per parameter by load: a panel for the linear model, and one per width."""
    blocks = by_width(end)
    figure, axes = plots.panels(1, len(blocks) + 1, width=3.3, share_y=True)
    plots.curve(end.sel(network="linear"), x="load", ax=axes[0])
    _finish(axes[0], "linear", linear)
    for ax, (width, one) in zip(axes[1:], blocks.items(), strict=True):
        plots.curves(one, x="load", by="activation", ax=ax, key=ax is axes[-1])
        _finish(ax, f"width {width}", published)
        ax.set_ylabel("")
    axes[0].set_ylim(0, _TOP)
    return figure


def _finish(ax: Axes, title: str, published: float) -> None:
    ends = np.array([0.0, _TOP / LABEL_BITS])
    ax.plot(ends, ends * LABEL_BITS, color="0.7", linewidth=1.0, zorder=0)
    plots.level(ax, published, f"published: {published:g}")
    ax.set(title=title, xscale="linear", xlim=(0, None))


@plots.style()
def steps(course: xr.DataArray, published: float) -> Drawn:
    """Bits per parameter ``(network, seed, step)`` against the step, one panel per width."""
    blocks = by_width(course)
    figure, axes = plots.panels(1, len(blocks), share_y=True)
    for ax, (width, one) in zip(axes, blocks.items(), strict=True):
        plots.trajectories(one, by="activation", ax=ax, key=ax is axes[-1])
        ax.set(title=f"width {width}", yscale="linear", ylim=(0, 2.6))
        plots.level(ax, published, f"published: {published:g}")
        ax.label_outer()
    return figure


@plots.style()
def parameters(most: xr.DataArray, published: float) -> Drawn:
    """Most bits against the number of parameters, a curve per activation."""
    figure, axes = plots.panels(width=4.4)
    total = (most * most["parameters"]).isel(network=(most["width"] > 0).values)
    activations = dict.fromkeys(total["activation"].values.tolist())
    for name, marker in zip(activations, MARKERS, strict=False):
        one = total.isel(network=(total["activation"] == name).values).swap_dims(network="parameters")
        plots.mean(one, x="parameters", ax=axes[0], label=name, marker=marker)
    ends = np.array([0.0, float(total["parameters"].max())])
    axes[0].plot(ends, published * ends, ":", color="0.4", linewidth=1.0, zorder=0)
    axes[0].set(xlabel="number of parameters", ylabel="most stored label information (bits)")
    axes[0].set(xlim=(0, None), ylim=(0, None))
    axes[0].legend(title="activation")
    return figure
