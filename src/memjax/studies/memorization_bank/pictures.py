"""Pictures of rows in the study memorization-bank: the most and the least memorised ones, and pairs of high influence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.studies.kit import label_text, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["digits", "pairs"]

_SHOWN = 10


@plots.style()
def digits(score: xr.DataArray, corrupted: xr.DataArray, rows: xr.Dataset) -> Drawn:
    """Pictures of the most and the least memorised rows."""
    order = np.argsort(-score.values, kind="stable")
    true = order[~corrupted.values[order]]
    lines = (
        ("most memorised", order[:_SHOWN]),
        ("most, true labels", true[:_SHOWN]),
        ("least memorised", order[::-1][:_SHOWN]),
    )
    figure, axes = plots.panels(len(lines), _SHOWN, width=0.8, height=1.15)
    for line, (title, places) in zip(axes, lines, strict=True):
        for ax, place in zip(line, places, strict=False):
            _row(ax, rows.isel(example=place), f"{float(score[place]):.2f}")
        line[0].set_ylabel(title, fontsize=7.0)
    return figure


def _row(ax: Axes, row: xr.Dataset, below: str = "") -> None:
    picture(ax, row["pixels"].values, label_text(int(row["given_label"]), int(row["label"])), below)


@plots.style()
def pairs(strongest: xr.Dataset, rows: xr.Dataset) -> Drawn:
    """Pairs of a row and a test example, one above the other, with the true label of each."""
    count = strongest.sizes["pair"]
    figure, axes = plots.panels(2, count, width=0.95, height=1.2)
    for place in range(count):
        pair = strongest.isel(pair=place)
        row, test = rows.sel(example=pair["example"].item()), rows.sel(test_example=pair["test_example"].item())
        picture(axes[0, place], row["pixels"].values, f"{int(row['label'])}", "")
        below = f"{float(pair['influence']):.2f} ± {float(pair['standard_error']):.2f}"
        picture(axes[1, place], test["test_pixels"].values, f"{int(test['test_label'])}", below)
    axes[0, 0].set_ylabel("row", fontsize=7.0)
    axes[1, 0].set_ylabel("test example", fontsize=7.0)
    return figure
