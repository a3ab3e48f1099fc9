"""Attractors of the study identity-crisis: whether train points attract, from where, and basins in two dimensions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.measure import measure
from memjax.measures import input_jacobian, iterated_maps
from memjax.results.snapshots import Snapshot, snapshots
from memjax.studies.identity_crisis.numbers import closed_radius, distances

__all__ = ["STEPS", "WITHIN", "basins", "linear_null", "nearest", "of_points"]

STEPS, WITHIN = 300, 0.1
"""How often a network is applied, and how near to a train point a path counts as ended there."""

_SIDE, _REACH = 41, 1.5


def of_points(runs: xr.Dataset) -> xr.Dataset:
    """Numbers of every network on points.

    Gives ``radius`` and ``largest``, the largest |eigenvalue| at train points, median over points and of any point;
    ``attractors``, the share of train points where it is below 1; ``began`` and ``ended``, the shares of starts that are near a
    train point and whose path ends at one; ``error`` and ``along``, the largest distance of an output from its train point, and
    the largest share of the point's norm that such a distance is.
    """
    found = measure(runs, [input_jacobian(), iterated_maps(steps=STEPS, within=WITHIN), _of_rows])
    found = found.isel(snapshot=-1, drop=True)
    radius = found["jacobian_radius"]
    known = radius.notnull()
    return xr.Dataset(
        {
            "radius": radius.median("example"),
            "largest": radius.max("example"),
            "attractors": (radius < 1).where(known).mean("example"),
            "ended": (found["iterated_distance"].min("example") <= WITHIN).mean("start"),
            **{name: found[name] for name in ("began", "error", "along")},
        }
    )


def _of_rows(snapshot: Snapshot) -> dict[str, float]:
    x = snapshot.train.x
    away = np.linalg.norm(np.asarray(snapshot.outputs(x)) - x, axis=1)
    starts = np.linalg.norm(snapshot.test.x[:, None] - x, axis=2).min(1)
    share = float((away / np.linalg.norm(x, axis=1)).max())
    return {"began": float((starts <= WITHIN).mean()), "error": float(away.max()), "along": share}


def linear_null(runs: xr.Dataset) -> xr.Dataset:
    """Numbers of linear autoencoders on points, ``(seed,)``, from a sweep with their initial and their last weights.

    Gives what `of_points` gives but no share of attractors; ``distance`` from the closed form; and ``off``, how far the largest
    |eigenvalue| is from that of the closed form.
    """
    found = of_points(runs.isel(snapshot=[-1]))
    wanted = [
        closed_radius(one.params["layer_0"]["kernel"].astype(np.float64), one.train.x.astype(np.float64))
        for one in snapshots(runs.isel(snapshot=[0]))
    ]
    off = abs(found["largest"] - xr.DataArray(wanted, dims="seed"))
    # The eigenvalue along the data is 1, and only rounding says on which side.
    return found.assign(distance=distances(runs)["distance"], off=off, attractors=found["attractors"].where(False))


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
