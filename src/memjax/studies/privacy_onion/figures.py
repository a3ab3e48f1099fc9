"""Figures of the study privacy-onion."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS
from memjax.studies.kit import Figure, label_text, picture
from memjax.studies.privacy_onion.effects import GROUPS, rise
from memjax.studies.privacy_onion.numbers import nearest
from memjax.studies.privacy_onion.tables import LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "changes", "digits", "risen", "roc"]

_SHOWN = 10
_STYLES = (("0.4", "--"), (CATEGORY_COLORS[0], "-"), (CATEGORY_COLORS[1], "-"), (CATEGORY_COLORS[2], "-."))


def all_figures(
    found: Mapping[str, xr.Dataset], made: Mapping[str, xr.Dataset], about: Mapping[str, xr.Dataset]
) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    exposure = {name: part[["exposure", "left"]] for name, part in found.items()}
    tpr = {name: part["tpr"].mean("data_seed") for name, part in made.items()}
    return {
        "roc": Figure(partial(roc, tpr), _ROC),
        "changes": Figure(partial(changes, exposure), _CHANGES),
        "digits": Figure(partial(digits, found, about), _DIGITS),
    }


_ROC = (
    "The curves show the true against the false positive rate of the attack LiRA, means over data sets, for networks on "
    "all rows and for networks that were trained again without a tenth of the rows. The three curves of remaining rows "
    "are of the same rows. They would agree if exposure were a property of a row alone. The dotted line is chance."
)
_CHANGES = (
    "The panels show the exposure of every remaining row before and after, when the most exposed tenth is removed and "
    "when a random tenth is removed, for rows of all data sets. Exposure is the difference of mean log-odds with and "
    "without the row, over the sum of the standard deviations. On the dotted line nothing changes."
)
_DIGITS = (
    "The upper digits are the remaining rows whose exposure without the exposed tenth exceeds most that without a random "
    "tenth, and below each stands the nearest removed row of the same label. Above each digit stands the label in "
    "training, with the true label in brackets where that is another. Below a remaining row stands the exposure when "
    "random rows were removed and when exposed rows were. Below a removed row stands the distance in pixels, each from 0 "
    "to 1."
)


@plots.style()
def roc(tpr: Mapping[str, xr.DataArray]) -> Drawn:
    """True against false positive rates of all groups, a panel for each kind of labels."""
    figure, axes = plots.panels(1, len(tpr), width=3.9, height=3.7, share_y=True)
    for ax, (name, one) in zip(axes, tpr.items(), strict=True):
        for group, (color, line) in zip(GROUPS, _STYLES, strict=True):
            curve = one.sel(group=group)
            ax.plot(curve["fpr"], curve.where(curve > 0), line, color=color, label=group)
        ends = np.array([1e-4, 1.0])
        ax.plot(ends, ends, ":", color="0.4", linewidth=1.0)
        ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="false positive rate", title=LABELS[name])
    axes[0].set_ylabel("true positive rate")
    # The outer labels of two axes with the same ends would touch.
    figure.get_layout_engine().set(wspace=0.08)  # type: ignore[union-attr,call-arg]
    axes[-1].legend(loc="lower right")
    return figure


@plots.style()
def changes(exposure: Mapping[str, xr.Dataset]) -> Drawn:
    """Exposure before against after either removal, a row of panels for each kind of labels."""
    figure, axes = plots.panels(len(exposure), 2, width=3.6, height=3.2, share_x="row", share_y="row")
    for line, (name, one) in zip(axes, exposure.items(), strict=True):
        for ax, kind in zip(line, ("exposed", "random"), strict=True):
            _scatter(ax, one, f"without {kind}")
            ax.set(title=f"{LABELS[name]}: {kind} tenth removed", xlabel="exposure before")
        line[0].set_ylabel("exposure after")
    return figure


def _scatter(ax: Axes, one: xr.Dataset, bank: str) -> None:
    before, after = (one["exposure"].sel(bank=name).where(one["left"]).values.ravel() for name in ("before", bank))
    known = np.isfinite(before) & np.isfinite(after)
    ax.plot(before[known], after[known], ".", color=CATEGORY_COLORS[0], markersize=3.0, alpha=0.4, markeredgewidth=0)
    ends = [before[known].min(), before[known].max()]
    ax.plot(ends, ends, ":", color="0.2", linewidth=1.0)


def risen(found: xr.Dataset, about: xr.Dataset, shown: int = _SHOWN) -> list[tuple[int, int, int, float]]:
    """Data set, place of the row, place of its nearest removed row and their distance, for the largest rises of any rows.

    A row that rises in several data sets is taken from the one where the rise is largest.
    """
    values = rise(found).transpose("data_seed", "example").values
    chosen: dict[int, int] = {}
    for flat in np.argsort(-np.nan_to_num(values, nan=-np.inf), axis=None, kind="stable"):
        data, place = np.unravel_index(flat, values.shape)
        if np.isfinite(values[data, place]) and len(chosen) < shown:
            chosen.setdefault(int(place), int(data))
    return [(data, place, *_removed(found, about, data, place)) for place, data in chosen.items()]


def _removed(found: xr.Dataset, about: xr.Dataset, data: int, place: int) -> tuple[int, float]:
    distance, other = nearest(
        about["pixels"].values,
        about["target"].isel(data_seed=data).values,
        found["exposed"].isel(data_seed=data).values,
    )
    return int(other[place]), float(distance[place])


@plots.style()
def digits(found: Mapping[str, xr.Dataset], about: Mapping[str, xr.Dataset]) -> Drawn:
    """Pictures of the rows that rise most, above the removed rows nearest to them."""
    figure, axes = plots.panels(2 * len(found), _SHOWN, width=0.85, height=1.2)
    for name, above, below in zip(found, axes[::2], axes[1::2], strict=True):
        rows = about[name].sel(example=found[name]["example"])
        for (data, place, other, distance), top, bottom in zip(risen(found[name], rows), above, below, strict=False):
            part = found[name]["exposure"].isel(data_seed=data, example=place)
            low, high = (float(part.sel(bank=f"without {kind}")) for kind in ("random", "exposed"))
            _picture(top, rows.isel(data_seed=data, example=place), f"{low:.1f} to {high:.1f}")
            if other >= 0:
                _picture(bottom, rows.isel(data_seed=data, example=other), f"{distance:.1f}")
        above[0].set_ylabel(f"{LABELS[name]}:\nremaining", fontsize=7.0)
        below[0].set_ylabel("nearest removed", fontsize=7.0)
    for ax in axes.ravel():
        ax.set(xticks=[], yticks=[])
    return figure


def _picture(ax: Axes, row: xr.Dataset, text: str) -> None:
    picture(ax, row["pixels"].values, label_text(int(row["target"]), int(row["clean_target"])), text)
