"""Attractors of the study identity-crisis: whether train points attract, from where, and basins in two dimensions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.measure import measure
from memjax.measures import input_jacobian, iterated_maps
from memjax.results.snapshots import Snapshot, snapshots
from memjax.studies.identity_crisis.numbers import distances

__all__ = ["STEPS", "WITHIN", "basins", "linear_null", "nearest", "of_points"]

STEPS, WITHIN = 300, 0.1
"""How often a network is applied, and how near to a train point a path counts as ended there."""

_SIDE, _REACH = 41, 1.5


def of_points(runs: xr.Dataset) -> xr.Dataset:
    """Numbers of every network on points.

    Gives ``radius``, the largest |eigenvalue| at train points, median over points; ``attractors``, the share of train points
    where it is below 1; ``ended``, the share of starts whose path ends at a train point; and ``error``, the largest distance
    of an output from its train point.
    """
    found = measure(runs, [input_jacobian(), iterated_maps(steps=STEPS, within=WITHIN), _error])
    found = found.isel(snapshot=-1, drop=True)
    radius = found["jacobian_radius"]
    known = radius.notnull()
    return xr.Dataset(
        {
            "radius": radius.median("example"),
            "attractors": (radius < 1).where(known).mean("example"),
            "ended": (found["iterated_distance"].min("example") <= WITHIN).mean("start"),
            "error": found["error"],
        }
    )


def _error(snapshot: Snapshot) -> dict[str, float]:
    x, outputs = snapshot.train.x, np.asarray(snapshot.outputs(snapshot.train.x))
    return {"error": float(np.linalg.norm(outputs - x, axis=1).max())}


def linear_null(runs: xr.Dataset) -> xr.Dataset:
    """Of linear autoencoders: ``distance`` from the closed form, ``off``, the radius less 1, and ``ended``, ``(seed,)``."""
    last = runs.isel(snapshot=[-1])
    found = measure(last, [input_jacobian(), iterated_maps(steps=STEPS, within=WITHIN)]).isel(snapshot=0, drop=True)
    off = abs(found["jacobian_radius"] - 1).max("example")
    ended = (found["iterated_distance"].min("example") <= WITHIN).mean("start")
    return distances(runs).assign(off=off, ended=ended)


def basins(runs: xr.Dataset) -> xr.Dataset:
    """Where a grid of starts ends, for every depth of the first seed in two dimensions.

    Gives ``example_of_start`` ``(depth, start)``, the number of the train point or -1; ``points`` ``(example, axis)``; and the
    grid ``start_x``, ``start_y``.
    """
    line = np.linspace(-_REACH, _REACH, _SIDE, dtype=np.float32)
    grid = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    of_first = runs.isel(seed=[0], snapshot=[-1]).sel(dims=[2])
    taken = measure(of_first, [iterated_maps(grid, steps=STEPS, within=WITHIN)])
    distance = taken["iterated_distance"].isel(seed=0, snapshot=0, dims=0).transpose("hidden", "start", "example")
    points = next(snapshots(of_first)).train.x
    parts = {
        "example_of_start": (("depth", "start"), nearest(distance.values, WITHIN)),
        "points": (("example", "axis"), points),
        "start_x": ("start", grid[:, 0]),
        "start_y": ("start", grid[:, 1]),
    }
    return xr.Dataset(parts, attrs={"side": _SIDE, "reach": _REACH})


def nearest(distance: npt.NDArray[np.float64], within: float) -> npt.NDArray[np.int64]:
    """Number of the nearest example by distances ``[..., example]``, or -1 where none is within reach.

    Examples
    --------
    >>> nearest(np.array([[0.3, 0.05], [0.0, 2.0], [1.0, np.inf]]), 0.1).tolist()
    [1, 0, -1]
    """
    return np.asarray(np.where(distance.min(-1) <= within, distance.argmin(-1), -1))
