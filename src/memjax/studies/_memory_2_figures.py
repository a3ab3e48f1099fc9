"""Figures of the study memory-2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.studies._figures import new_panels, reference

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CAPTIONS", "load", "parameters", "steps"]

CAPTIONS = {
    "load": "Bits stored at the end of training per parameter, against train examples per parameter: means over seeds with "
    "95% Student-t intervals. Grey: all that the labels hold. Dotted: published.",
    "steps": "The same against the training step, at the train size that stores most.",
    "parameters": "Most bits stored, over all train sizes, against the number of parameters. Dotted: the published 2.4 bits "
    "per parameter.",
}


@plots.style()
def load(bits: xr.DataArray, linear: xr.DataArray, label_bits: float) -> Figure:
    """Bits per parameter by load: a panel for the linear model, and one per width ``(activation, width, load, seed)``."""
    widths = bits["width"].values.tolist()
    figure, axes = new_panels(len(widths) + 1, width=3.3, share_y=True)
    plots.curve(linear, x="load", ax=axes[0])
    _finish(axes[0], "linear", 1.0, label_bits)
    for ax, width in zip(axes[1:], widths, strict=True):
        plots.curves(bits.sel(width=width), x="load", by="activation", ax=ax, key=ax is axes[-1])
        _finish(ax, f"width {width}", 2.4, label_bits)
        ax.set_ylabel("")
    axes[0].set_ylim(0, 2.75)
    return figure


def _finish(ax: Axes, title: str, published: float, label_bits: float) -> None:
    ends = np.array([0.0, 2.75 / label_bits])
    ax.plot(ends, ends * label_bits, color="0.7", linewidth=1.0, zorder=0)
    reference(ax, published, f"published: {published:g}")
    ax.set(title=title, xscale="linear", xlim=(0, None))


@plots.style()
def steps(bits: xr.DataArray) -> Figure:
    """Bits per parameter against the step, one panel per width; ``(activation, width, seed, step)``."""
    widths = bits["width"].values.tolist()
    figure, axes = new_panels(len(widths), share_y=True)
    for ax, width in zip(axes, widths, strict=True):
        plots.trajectories(bits.sel(width=width), by="activation", ax=ax)
        ax.set(title=f"width {width}", yscale="linear", ylim=(0, 2.6))
        reference(ax, 2.4, "published: 2.4")
        if ax is not axes[-1]:
            ax.get_legend().remove()
    for ax in axes[1:]:
        ax.set_ylabel("")
    return figure


@plots.style()
def parameters(total: xr.DataArray) -> Figure:
    """Most bits against the number of parameters, ``(activation, width, seed)``."""
    figure, axes = new_panels(1, width=5.4)
    total = total.swap_dims(width="parameters").drop_vars("width")
    total["parameters"].attrs = {"long_name": "number of parameters"}
    total.attrs = {"long_name": "most stored label information", "units": "bits"}
    plots.curves(total, x="parameters", by="activation", ax=axes[0])
    ends = np.array([0.0, float(total["parameters"].max())])
    axes[0].plot(ends, 2.4 * ends, ":", color="0.4", linewidth=1.0, zorder=0)
    axes[0].set(xscale="linear", xlim=(0, None), ylim=(0, None))
    return figure
