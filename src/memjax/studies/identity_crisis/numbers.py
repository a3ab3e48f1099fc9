"""Numbers of the study identity-crisis: what networks that were trained on one image do to other inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.measure import measure
from memjax.measures import input_jacobian
from memjax.results.snapshots import Snapshot, snapshots
from memjax.studies.identity_crisis.probes import correlation, probes, shown

__all__ = ["Responses", "closed_dense", "closed_kernel", "closed_radius", "distances", "grid", "patches"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Responses:
    """What every network does to every group of inputs, as a function of the dataset of a sweep.

    Gives ``identity`` and ``constant``, ``(..., group)``: the correlations of the output with the input and with the train
    image, means over the inputs of a group for which there is one; ``likeness``, the correlation of the input with the train
    image; and ``jacobian_radius`` at the train image.

    Attributes
    ----------
    other, shrink, border
        A further data set, or none, and how its images are made as large as the others.
    """

    other: str = ""
    shrink: int = 1
    border: int = 0

    def __call__(self, runs: xr.Dataset) -> xr.Dataset:
        """Numbers of all networks of a sweep."""
        found = measure(runs, [self.of_network, input_jacobian()])
        return found.isel(snapshot=-1, example=0, drop=True)[[*_NAMES, "jacobian_radius"]]

    def of_network(self, snapshot: Snapshot) -> Mapping[str, xr.DataArray]:
        """Correlations of one network."""
        groups = probes(snapshot.test.x, self.other, self.shrink, self.border)
        parts = {name: _correlations(snapshot, x) for name, x in groups.items()}
        coords = {"group": list(groups)}
        return {
            name: xr.DataArray([part[i] for part in parts.values()], coords, ("group",))
            for i, name in enumerate(_NAMES)
        }


_NAMES = ("identity", "constant", "likeness")


def _correlations(snapshot: Snapshot, x: Any) -> list[float]:
    outputs = np.asarray(snapshot.outputs(x))
    flat = x.reshape(len(x), -1)
    train = np.broadcast_to(snapshot.train.x.reshape(1, -1), flat.shape)
    return [_mean(correlation(*pair)) for pair in ((outputs, flat), (outputs, train), (flat, train))]


def _mean(values: Floats) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def grid(runs: xr.Dataset) -> xr.Dataset:
    """Pictures of the first seed: ``input`` ``(column, pixel)``, and ``output`` ``(depth, column, pixel)`` of each network."""
    found = list(snapshots(runs.isel(seed=[0], snapshot=[-1])))
    inputs = shown(found[0].train.x, found[0].test.x)
    x = np.stack(list(inputs.values()))
    outputs = np.stack([np.asarray(one.outputs(x)) for one in found])
    dims = ("depth", "column", "pixel")
    made = {"input": (dims[1:], x.reshape(len(x), -1)), "output": (dims, outputs)}
    return xr.Dataset(made, {"column": list(inputs)}, {"height": x.shape[1]})


def distances(runs: xr.Dataset) -> xr.Dataset:
    """How far one-layer networks end from their closed form, over the way from the start: ``distance``, ``(seed,)``."""
    found = list(snapshots(runs))
    values = [_distance(first, last) for first, last in zip(found[0::2], found[1::2], strict=True)]
    return xr.Dataset({"distance": ("seed", values)}, {"seed": runs["seed"].values})


def _distance(first: Snapshot, last: Snapshot) -> float:
    start, end = (one.params["layer_0"]["kernel"].astype(np.float64) for one in (first, last))
    x = last.train.x.astype(np.float64)
    closed = closed_dense(start, x) if start.ndim == 2 else closed_kernel(start, x[0])
    return float(np.linalg.norm(end - closed) / np.linalg.norm(closed - start))


def closed_dense(start: Floats, x: Floats) -> Floats:
    """Where gradient descent takes a dense kernel ``[D, D]`` on inputs ``x[N, ...]``: W0 + X^+ (X - X W0), rows as inputs."""
    data = x.reshape(len(x), -1)
    return np.asarray(start + np.linalg.pinv(data) @ (data - data @ start))


def closed_radius(start: Floats, x: Floats) -> float:
    """Largest |eigenvalue| of `closed_dense`: 1 along the data, or what the start has off their span, if that is more.

    With P = X^+ X the closed form is P + (I - P) W0, which is block triangular over the span and its complement. Its
    eigenvalues are 1 and those of (I - P) W0 (I - P).

    Examples
    --------
    >>> point = np.array([[1.0, 0.0]])
    >>> closed_radius(0.5 * np.eye(2), point), round(closed_radius(3.0 * np.eye(2), point), 6)
    (1.0, 3.0)
    """
    data = x.reshape(len(x), -1)
    beside = np.eye(len(start)) - np.linalg.pinv(data) @ data
    return max(1.0, float(abs(np.linalg.eigvals(beside @ start @ beside)).max()))


def closed_kernel(start: Floats, image: Floats) -> Floats:
    """Where gradient descent takes the kernel ``[k, k, 1, 1]`` of one convolution: theta0 + A^+ (x - A theta0)."""
    window = patches(image, start.shape[0])
    theta = start.ravel()
    moved = theta + np.linalg.pinv(window) @ (image.ravel() - window @ theta)
    return np.asarray(moved.reshape(start.shape))


def patches(image: Floats, width: int) -> Floats:
    """The neighbourhood of every pixel of an image ``[H, W]`` among zeros, ``[H W, width**2]``."""
    padded = np.pad(image, width // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (width, width))
    return np.asarray(windows.reshape(image.size, width**2))
