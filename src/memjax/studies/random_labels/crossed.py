"""Levels of label noise crossed with laws of the pixels, widths and depths: steps to fit and train accuracy."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from memjax.studies.kit import Column, Table, listed
from memjax.studies.random_labels.numbers import time_of

__all__ = ["crossed", "crossed_table"]


def crossed(runs: xr.Dataset, level: float) -> xr.Dataset:
    """Steps to a train accuracy and the last train accuracy of one depth.

    Parameters
    ----------
    runs
        ``train_accuracy`` ``(task, label_noise, hidden, seed, step)``.
    level
        Train accuracy at which a run has fitted.

    Returns
    -------
    xarray.Dataset
        ``fitted``, infinite for never, and ``train_accuracy``, float64 ``(task, label_noise, hidden, seed)``.
    """
    train = runs["train_accuracy"].reset_coords(drop=True)
    return xr.Dataset({"fitted": time_of(train, level), "train_accuracy": train.isel(step=-1, drop=True)}).drop_attrs()


def crossed_table(runs: Mapping[str, xr.Dataset], level: float) -> Table:
    """A row for every law, depth and width; two columns for every level of label noise.

    Parameters
    ----------
    runs
        What `crossed` takes, by the words for its depth.
    level
        Train accuracy at which a run has fitted.
    """
    found = {name: crossed(one, level) for name, one in runs.items()}
    first = next(iter(found.values()))
    rows = list(itertools.product(first["task"].values.tolist(), found, range(first.sizes["hidden"])))
    parts = [found[name].sel(task=law).isel(hidden=place) for law, name, place in rows]
    heads = {
        "pixels": [_PIXELS.get(law, law) for law, _, _ in rows],
        "hidden layers": [name for _, name, _ in rows],
        # All layers have one width, and three of them read "32-32-32".
        "units": [str(part["hidden"].item()).partition("-")[0] for part in parts],
    }
    columns: dict[str, Any] = {}
    for q in first["label_noise"].values.tolist():
        columns |= {
            f"steps to fit, q = {q:g}": _cell("fitted", q),
            f"train accuracy, q = {q:g}": _cell("train_accuracy", q),
        }
    return listed(heads, parts, columns, title="Levels, laws, widths and depths crossed", note=_NOTE)


def _cell(name: str, q: float) -> Column:
    return lambda part: _range(part[name].sel(label_noise=q).values)


def _range(values: np.ndarray) -> str:
    """Median of some seeds and their range, as text; infinity is "never".

    Examples
    --------
    >>> _range(np.array([30.0, 41.4, np.inf])), _range(np.array([0.9917, 1.0, 1.0])), _range(np.array([1.0, 1.0]))
    ('41 (30 to never)', '1 (0.992 to 1)', '1')
    """
    low, middle, high = (_text(float(one)) for one in np.sort(values)[[0, (len(values) - 1) // 2, -1]])
    return middle if low == high else f"{middle} ({low} to {high})"


def _text(value: float) -> str:
    return "never" if np.isinf(value) else f"{value:.0f}" if value >= 1 else f"{value:.3f}"


_PIXELS = {"true labels": "true pixels"}
_NOTE = (
    "Numbers are the middle one of the seeds, and in brackets the smallest and the largest; one number stands for equal "
    "ones. Steps that never came are the largest. Train accuracies are those at the last step."
)
