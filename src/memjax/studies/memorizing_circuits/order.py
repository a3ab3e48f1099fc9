"""When points are learnt, how far this order is the same in other trainings, and how long the learning lasts."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.kit import geometric_mean
from memjax.types import Array

__all__ = [
    "TAILS",
    "TIMES",
    "agreement",
    "by_start",
    "learning_times",
    "learnt_shares",
    "predicted",
    "reached",
    "spreads",
    "times_of",
]

TIMES = ("first", "lasting")
"""Times of a point: the first record at which the point is right, and the record from which the point stays right."""
TAILS = (0.1, 0.9)
"""Shares of the points between whose times a spread lies."""
_NEVER = np.finfo(np.float64).max


def learning_times(right: np.ndarray | Array, steps: np.ndarray) -> dict[str, np.ndarray]:
    """Times of every point, from its answers at all records.

    Parameters
    ----------
    right
        Whether a point is right, ``bool[records, ..., points]``.
    steps
        Steps of the records, ``int[records]``.

    Returns
    -------
    dict
        ``first`` and ``lasting``, ``float64[..., points]``; infinite for a point that is never right, or wrong at the end.

    Examples
    --------
    >>> right = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 0]], bool)
    >>> {name: found.tolist() for name, found in learning_times(right, np.array([0, 5, 10])).items()}
    {'first': [5.0, 0.0, inf], 'lasting': [5.0, 10.0, inf]}
    """
    answers = np.asarray(right, bool)
    later = np.append(np.asarray(steps, np.float64), np.inf)
    first = np.where(answers.any(0), answers.argmax(0), len(answers))
    # Records behind the last wrong answer, counted from the end.
    kept = np.where(answers.all(0), len(answers), (~answers[::-1]).argmax(0))
    return {"first": later[first], "lasting": later[len(answers) - kept]}


def by_start(values: xr.DataArray) -> xr.DataArray:
    """Values of the runs of a sweep, ``(seed, start, order, ...)``; a start and an order are counted in their data set."""
    coords = [values[name].values for name in ("seed", "init_seed", "batch_seed")]
    places = [np.unique(one, return_inverse=True)[1] for one in coords]
    seeds = places[0].max() + 1
    starts, orders = ((place.max() + 1) // seeds for place in places[1:])
    # An axis whose labels are all different has the name of one of its seeds.
    flat = values.transpose(*values["seed"].dims, ...)
    shaped = np.empty((seeds, starts, orders, *flat.shape[1:]), flat.dtype)
    shaped[places[0], places[1] % starts, places[2] % orders] = flat.values
    kept = {name: flat[name].values for name in flat.dims[1:] if name in flat.coords}
    return xr.DataArray(shaped, {"seed": np.unique(coords[0]), **kept}, ("seed", "start", "order", *flat.dims[1:]))


def times_of(runs: xr.Dataset) -> xr.Dataset:
    """`learning_times` of all runs of a sweep, ``(seed, start, order, example)``."""
    right = by_start(runs["example_correct"]).transpose("example_step", ...)
    found = learning_times(right.values, right["example_step"].values)
    return xr.Dataset({name: (right.dims[1:], one) for name, one in found.items()}, {"seed": right["seed"]})


def learnt_shares(times: xr.DataArray, records: np.ndarray) -> xr.DataArray:
    """Share of the points that are learnt at every record, ``(seed, step)``: means over the runs of a data set."""
    at = xr.DataArray(records, {"step": records}, "step")
    others = [dim for dim in times.dims if dim != "seed"]
    return (times <= at).mean(others)


def agreement(times: xr.Dataset, time: str = "first") -> xr.Dataset:
    """Rank correlations over points between two runs on one data set, by what the runs share, ``(seed,)``.

    Points that one of the two runs has right before the first step are left out: runs with one initial state share them
    whatever training does.

    Parameters
    ----------
    times
        `times_of` a sweep, ``(seed, start, order, example)``. Points that are never learnt come after all others.
    time
        One of `TIMES`.

    Returns
    -------
    xr.Dataset
        ``same start``: the initial state alone is shared; ``same order``: the order of the batches alone; ``neither``. Means
        over all pairs of runs.

    Examples
    --------
    Runs whose order of points follows from the initial state alone:

    >>> orders = xr.DataArray([[[1.0, 2, 3], [1, 2, 3]], [[3, 2, 1], [3, 2, 1]]], dims=("start", "order", "example"))
    >>> times = xr.Dataset({"first": orders.expand_dims("seed")})
    >>> {name: one.item() for name, one in agreement(times).items()}
    {'same start': 1.0, 'same order': -1.0, 'neither': -1.0}
    """
    ranked = _ranked(times, time).transpose("seed", "start", "order", "example")
    starts, orders = ranked.sizes["start"], ranked.sizes["order"]
    flat = ranked.values.reshape(ranked.sizes["seed"], starts * orders, -1)
    matrix = analysis.spearman_matrix(xr.DataArray(flat, dims=("seed", "run", "example")), "run", "example").values
    start, order = np.divmod(np.arange(starts * orders), orders)
    same = start[:, None] == start, order[:, None] == order
    pairs = {"same start": same[0] & ~same[1], "same order": ~same[0] & same[1], "neither": ~same[0] & ~same[1]}
    coords = {"seed": ranked["seed"]} if "seed" in ranked.coords else {}
    return xr.Dataset({name: ("seed", matrix[:, which].mean(-1)) for name, which in pairs.items()}, coords)


def predicted(times: xr.Dataset, linear: xr.Dataset, time: str = "first") -> xr.Dataset:
    """Rank correlations of the times of networks with those of linearised networks, ``(seed,)``.

    Points that one of the two has right before the first step are left out, as in `agreement`.

    Parameters
    ----------
    times
        `times_of` networks, ``(seed, start, order, example)``.
    linear
        `times_of` linearised networks, ``(seed, start, example)``.
    time
        One of `TIMES`.

    Returns
    -------
    xr.Dataset
        ``own``: linearised at the network's own initial state; ``other``: at that of the next start on the same data.
    """
    own, expected = _ranked(times, time), _ranked(linear, time)
    others = expected.roll(start=1, roll_coords=False)
    found = {"own": expected, "other": others}
    return xr.Dataset(
        {name: analysis.spearman(own, one, "example").mean(("start", "order")) for name, one in found.items()}
    )


def reached(times: xr.Dataset, time: str, share: float) -> xr.DataArray:
    """Time at which a share of the points is learnt, for every run.

    Points that are right before the first step are left out: these are right by chance. Infinite where a run learns fewer
    points than that.

    Examples
    --------
    >>> times = xr.Dataset({"first": ("example", [0.0, *range(1, 11)])})
    >>> reached(times, "first", 0.1).item()
    1.0
    """
    found = (
        _ranked(times, time).quantile(share, "example", method="inverted_cdf").drop_vars("quantile", errors="ignore")
    )
    return found.where(found < _NEVER, np.inf)


def spreads(times: xr.Dataset, time: str) -> xr.DataArray:
    """Time at which 90% of the points are learnt over that of 10%, geometric means over the runs of a data set, ``(seed,)``.

    Examples
    --------
    >>> times = xr.Dataset({"first": (("seed", "example"), [[0.0, *range(1, 11)]])})
    >>> spreads(times, "first").values.round(9).tolist()
    [9.0]
    """
    low, high = (reached(times, time, share) for share in TAILS)
    return geometric_mean(high / low, [str(dim) for dim in high.dims if dim != "seed"], skipna=False)


def _ranked(times: xr.Dataset, time: str) -> xr.DataArray:
    """Times whose infinite values are ranked behind all others; NaN for points that are right before the first step."""
    values = times[time]
    return values.where(np.isfinite(values), _NEVER).where(times["first"] > 0)
