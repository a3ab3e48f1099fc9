"""Figures of the study ungrokking."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import xarray as xr

from memjax import plots
from memjax.plots.styles import MARKERS, ordered_colors
from memjax.studies.kit import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "critical", "ungrokking"]


def all_figures(continued: xr.Dataset, scratch: xr.Dataset, found: xr.Dataset) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    return {
        "ungrokking": Figure(partial(ungrokking, continued["test_accuracy"], scratch["test_accuracy"]), _UNGROKKING),
        "critical": Figure(partial(critical, found["half"]), _CRITICAL),
    }


_UNGROKKING = (
    "The first panels, one for each learning rate, show the test accuracy of networks that had generalised from the "
    "largest train set, after going on with N of its examples, by weight decay, and of networks from scratch (black, "
    "lowest rate); means with 95% intervals. The last panel shows the mean course after the change at the lowest rate and "
    "a weight decay of 1, by N."
)
_CRITICAL = (
    "The panels show the train size at which half of the test pairs are right, by weight decay, for each learning rate: "
    "against the steps since the change, and against steps x learning rate x weight decay. Points are geometric means "
    "with 95% intervals."
)


@plots.style()
def ungrokking(continued: xr.DataArray, scratch: xr.DataArray) -> Drawn:
    """Test accuracy at the end against the train size, and its course at a weight decay of 1."""
    rates = continued["learning_rate"].values.tolist()
    figure, (*panels, right) = plots.panels(1, len(rates) + 1, width=4.2, height=3.4, share_y=True)
    # By their names the intervals know that accuracies end at 1.
    accuracy, fresh = (part.assign_attrs(long_name="test accuracy", units="") for part in (continued, scratch))
    decays = accuracy["weight_decay"].values.tolist()
    for ax, rate in zip(panels, rates, strict=True):
        for color, marker, decay in zip(ordered_colors(len(decays)), MARKERS, decays, strict=False):
            end = accuracy.sel(learning_rate=rate, weight_decay=decay).isel(step=-1)
            plots.mean(end, ax=ax, seeds="bars", color=color, marker=marker, label=f"weight decay {decay:g}")
        if rate == min(rates):
            label = "from scratch, 1"
            plots.mean(fresh.isel(step=-1), ax=ax, seeds="bars", color="0.0", marker="x", linestyle=":", label=label)
        plots.plain_ticks(ax)
        ax.set(title=f"after the last step, rate {rate:g}", xlabel="train size N", ylim=(-0.04, 1.04))
        ax.legend(loc="upper left")
    panels[0].set_ylabel("test accuracy")
    course = accuracy.sel(learning_rate=min(rates), weight_decay=1.0).mean("seed", keep_attrs=True)
    plots.curves(course, x="step", by="train_size", ax=right)
    right.set(xlabel="steps since the change", ylabel="", xscale="linear", title=f"rate {min(rates):g}, weight decay 1")
    return figure


@plots.style()
def critical(half: xr.DataArray) -> Drawn:
    """Critical size against steps, and against steps in units of the speed of weight decay."""
    rates = half["learning_rate"].values.tolist()
    figure, axes = plots.panels(1, 2 * len(rates), width=3.2, height=3.2, share_y=True)
    for left, right, rate in zip(axes[::2], axes[1::2], rates, strict=True):
        _courses(left, half.sel(learning_rate=rate))
        _courses(right, half.sel(learning_rate=rate), rate)
        left.set(xlabel="steps since the change", title=f"rate {rate:g}")
        right.set(xlabel="steps × rate × weight decay", title=f"rate {rate:g}")
    axes[0].set_ylabel("critical train size")
    axes[-1].legend(title="weight decay")
    return figure


def _courses(ax: Axes, half: xr.DataArray, rate: float | None = None) -> None:
    """Against the step, or with a learning rate against step x rate x weight decay."""
    # A mean over other seeds at every step would move because of the seeds.
    whole = half.where(half.notnull().all("seed"))
    decays = half["weight_decay"].values.tolist()
    for color, decay in zip(ordered_colors(len(decays)), decays, strict=True):
        speed = 1.0 if rate is None else rate * decay
        one = whole.sel(weight_decay=decay).assign_coords(step=speed * half["step"].values)
        plots.mean(one, "step", ax=ax, of="geometric", color=color, label=f"{decay:g}")
