"""Pictures of rows that are never forgotten, and of those that are forgotten most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import plots
from memjax.studies.forgetting.numbers import SCORES
from memjax.studies.kit import label_text, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["digits"]

_SHOWN = 10


@plots.style()
def digits(found: Mapping[str, xr.DataArray], marked: xr.DataArray, rows: xr.Dataset) -> Drawn:
    """Lines of pictures: unforgettable rows, and the most forgotten ones with true and with random labels."""
    true, random = (one.sel(score=SCORES[0]).mean("seed") for one in found.values())
    clean = rows.assign(given_label=rows["label"])
    lines = {
        "never forgotten": (true, clean, 1),
        "most, true labels": (true, clean, -1),
        "most, random labels": (random, rows, -1),
        "most, not corrupted": (random.where(~marked, -1.0), rows, -1),
    }
    figure, axes = plots.panels(len(lines), _SHOWN, width=0.8, height=1.15)
    for line, (title, (counts, pictures, sign)) in zip(axes, lines.items(), strict=True):
        _line(line, counts, pictures, sign)
        line[0].set_ylabel(title, fontsize=7.0)
    return figure


def _line(axes: np.ndarray, counts: xr.DataArray, rows: xr.Dataset, sign: int) -> None:
    """The first rows by their counts, of rows with one count in a random order."""
    shuffled = np.random.default_rng(0).permutation(counts.size)
    order = shuffled[np.argsort(sign * counts.values[shuffled], kind="stable")]
    for ax, place in zip(axes, order, strict=False):
        _picture(ax, rows.isel(example=place), float(counts[place]))


def _picture(ax: Axes, row: xr.Dataset, count: float) -> None:
    picture(ax, row["pixels"].values, label_text(int(row["given_label"]), int(row["label"])), f"{count:.1f}")
