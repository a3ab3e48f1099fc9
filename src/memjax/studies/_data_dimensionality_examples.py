"""The most and the least regular images of the study data-dimensionality."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax.measures import data_dimensionality
from memjax.results.snapshots import snapshots

__all__ = ["extremes"]

_COUNT = 24


def extremes(dataset: xr.Dataset, scores: xr.DataArray) -> xr.Dataset:
    """Images of smallest and largest D*, mean over seeds, before and after training, and leverages of the inputs.

    Parameters
    ----------
    dataset
        The sweep, whose runs all have the same points.
    scores
        D* ``(seed, snapshot, example)``.

    Returns
    -------
    xr.Dataset
        ``image (when, end, rank, ...)`` with ``label`` and ``score`` ``(when, end, rank)``; ``input_dimensionality
        (example)``: D* of the inputs themselves, with a constant as one more input.
    """
    train = next(snapshots(dataset)).train
    flat = train.x.reshape(len(train.x), -1)
    inputs = data_dimensionality(np.concatenate([flat, np.ones((len(flat), 1), flat.dtype)], axis=1))
    means = scores.isel(snapshot=[0, -1]).mean("seed").values
    orders = means.argsort(axis=1)
    rows = np.stack([orders[:, :_COUNT], orders[:, ::-1][:, :_COUNT]], axis=1)
    dims = ("when", "end", "rank")
    return xr.Dataset(
        {
            "image": ((*dims, *(f"axis_{i}" for i in range(train.x.ndim - 1))), train.x[rows]),
            "label": (dims, train.y[rows]),
            "score": (dims, np.take_along_axis(means[:, None], rows, axis=-1)),
            "input_dimensionality": ("example", inputs),
        },
        {"when": ["before training", "after training"], "end": ["least", "most"]},
    )
