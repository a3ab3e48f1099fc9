"""Downsampling in the study identity-crisis: convolutions with a stride against convolutions without one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.measure import measure
from memjax.measures import input_jacobian, iterate
from memjax.results.snapshots import Snapshot
from memjax.studies.identity_crisis.probes import correlation

__all__ = ["APPLICATIONS", "SHARE", "ended", "nearest_correlation", "of_strides"]

APPLICATIONS = 100
"""Length of the path from an unseen digit; shorter than that of points, since an application of convolutions takes longer."""

SHARE = 0.3
"""How near to a train image a path counts as ended there, as a share of the image's norm."""


def of_strides(runs: xr.Dataset) -> xr.Dataset:
    """Numbers of every network of the sweep over strides, from its unseen digits.

    Gives ``identity`` and ``constant``, the correlations of the output with the input and with that train image which the
    output is most like, means over digits; ``likeness``, the correlation of the digit itself with the train image it is most
    like; ``ended``, the share of digits whose path ends at a train image; and ``radius``, the largest |eigenvalue| of the
    input Jacobian at train images, median over the images.
    """
    found = measure(runs, [of_network, input_jacobian()]).isel(snapshot=-1, drop=True)
    return found[[*_NAMES]].assign(radius=found["jacobian_radius"].median("example"))


_NAMES = ("identity", "constant", "likeness", "ended")


def of_network(snapshot: Snapshot) -> dict[str, float]:
    """Numbers of one network."""
    x, train = (rows.reshape(len(rows), -1) for rows in (snapshot.test.x, snapshot.train.x))
    outputs = np.asarray(snapshot.outputs(snapshot.test.x))
    ends = iterate(snapshot, snapshot.test.x, APPLICATIONS).reshape(x.shape)
    like = (correlation(outputs, x), nearest_correlation(outputs, train), nearest_correlation(x, train))
    means = [float(np.nanmean(one)) if np.isfinite(one).any() else float("nan") for one in like]
    return dict(zip(_NAMES, [*means, ended(ends, train)], strict=True))


def nearest_correlation(rows: Any, train: Any) -> npt.NDArray[np.float64]:
    """Correlation of rows ``[M, P]`` with that of the train images ``[N, P]`` which each is most like, ``float64[M]``.

    Examples
    --------
    >>> nearest_correlation([[0, 1, 2], [3, 1, 0]], [[0, 2, 4], [6, 2, 0]]).round(6).tolist()
    [1.0, 1.0]
    """
    every = [correlation(rows, np.broadcast_to(one, np.shape(rows))) for one in np.asarray(train)]
    return np.asarray(np.max(every, axis=0))


def ended(ends: Any, train: Any) -> float:
    """Share of paths that end at a train image, from their ends ``[M, P]`` and the train images ``[N, P]``.

    Examples
    --------
    >>> ended([[1.0, 0.1], [2.0, 0.0], [np.nan, 0.0], [0.0, 0.0]], [[1.0, 0.0]])
    0.25
    """
    images = np.asarray(train, np.float64)
    away = np.linalg.norm(np.asarray(ends, np.float64)[:, None] - images, axis=2)
    return float((away <= SHARE * np.linalg.norm(images, axis=1)).any(1).mean())
