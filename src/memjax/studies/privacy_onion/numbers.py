"""Numbers of the study privacy-onion: how exposed every row is, which rows are removed, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.results.rows import rows
from memjax.studies.memorization_bank.numbers import final
from memjax.tasks import Images

__all__ = ["BANKS", "SHARE", "exposures", "joined", "most", "nearest", "parts", "removals", "rows_of", "turnover"]

SHARE = 0.1
"""Share of the rows that is removed."""
BANKS = ("selecting", "before", "without exposed", "without random")
"""Two banks on all rows, of which the first one chooses the exposed rows, and two banks on the rows that are left."""


def rows_of(runs: xr.Dataset, *, task: Images) -> xr.Dataset:
    """Pixels ``(example, height, width)``, and ``target`` and ``clean_target`` ``(data_seed, example)`` of all rows."""
    found = rows(runs.isel(seed=[0]))[["target", "clean_target"]].transpose("data_seed", "example")
    pixels = xr.DataArray(task.pool[found["example"].values], dims=("example", "height", "width"))
    return found.assign(pixels=pixels).drop_attrs()


def exposures(bank: xr.Dataset) -> xr.DataArray:
    """How far apart networks with a row and without it lie: ``(..., example)``.

    This is the difference of the mean log-odds of the row between the networks trained on it and the others, over the sum of
    the two standard deviations. A row that no network was trained on has none (NaN).

    Examples
    --------
    >>> bank = xr.Dataset({
    ...     "example_log_odds": (("seed", "example"), [[5.0], [7.0], [1.0], [1.0 + 2**0.5]]),
    ...     "train_count": (("seed", "example"), [[1], [1], [0], [0]]),
    ... })
    >>> exposures(bank).values.round(3)
    array([1.778])
    """
    values, member = bank["example_log_odds"].astype(np.float64), bank["train_count"] > 0
    inside, outside = values.where(member), values.where(~member)
    return (inside.mean("seed") - outside.mean("seed")) / (inside.std("seed", ddof=1) + outside.std("seed", ddof=1))


def most(values: xr.DataArray, count: int | xr.DataArray) -> xr.DataArray:
    """Whether an entry is among the ``count`` largest along ``example``; of equal ones the first is, and NaN never.

    Examples
    --------
    >>> most(xr.DataArray([2.0, np.nan, 5.0, 2.0], dims="example"), 2).values
    array([ True, False,  True, False])
    """
    ordered = values.transpose(..., "example")
    order = np.argsort(-ordered.values, axis=-1, kind="stable")
    rank = ordered.copy(data=np.argsort(order, axis=-1, kind="stable"))
    return (rank < count) & ordered.notnull()


def parts(runs: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """The two banks of a sweep on all rows: the first and the second half of the networks, numbered alike."""
    bank = final(runs)
    half = bank.sizes["seed"] // 2
    first, second = (bank.isel(seed=slice(at, at + half)) for at in (0, half))
    return first.assign_coords(seed=np.arange(half)), second.assign_coords(seed=np.arange(half))


def removals(runs: xr.Dataset) -> Mapping[int, Mapping[str, tuple[int, ...]]]:
    """Numbers of the rows to remove by data seed: the most ``exposed`` tenth in the first bank, and a ``random`` tenth."""
    exposure = exposures(parts(runs)[0])
    known = exposure.notnull()
    found: dict[int, Any] = {}
    for seed in exposure["data_seed"].values.tolist():
        there = exposure["example"].values[known.sel(data_seed=seed).values]
        count = round(SHARE * len(there))
        exposed = exposure["example"].values[most(exposure.sel(data_seed=seed), count).values]
        random = np.sort(np.random.default_rng(seed).choice(there, count, replace=False))
        found[seed] = {"exposed": tuple(exposed.tolist()), "random": tuple(random.tolist())}
    return found


def joined(runs: xr.Dataset, without: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """All four `BANKS` of one data set, with ``exposure``, and marks of its rows.

    Parameters
    ----------
    runs
        Networks on halves of all rows, ``example_log_odds`` and ``train_count`` ``(data_seed, seed, example)``.
    without
        Networks on halves of the rows that are left without the ``exposed`` and the ``random`` rows.

    Returns
    -------
    xarray.Dataset
        The same two, with the dimension ``bank`` in front; ``exposure`` ``(bank, data_seed, example)``; the marks ``known``
        (rows of the data set), ``exposed`` and ``random`` (removed rows) and ``left`` (all others) ``(data_seed, example)``.
    """
    names = ["example_log_odds", "train_count"]
    further = [final(without[kind]) for kind in ("exposed", "random")]
    banks = [bank[names].assign_coords(seed=np.arange(bank.sizes["seed"])) for bank in (*parts(runs), *further)]
    plain = [bank.reset_coords(drop=True) for bank in banks]
    found = xr.concat(plain, "bank", combine_attrs="drop", join="exact").assign_coords(bank=list(BANKS))
    known = found["example_log_odds"].isel(bank=0, seed=0, drop=True).notnull()
    gone = known & (found["train_count"].sum("seed") == 0)
    marks = {kind: gone.sel(bank=f"without {kind}", drop=True) for kind in ("exposed", "random")}
    left = known & ~marks["exposed"] & ~marks["random"]
    return found.assign({"exposure": exposures(found), "known": known, "left": left, **marks})


def turnover(before: xr.DataArray, after: xr.DataArray) -> xr.DataArray:
    """Share of the most exposed tenth ``after`` that was not in the most exposed tenth ``before``: ``(...,)``.

    Examples
    --------
    >>> before, after = (xr.DataArray(np.eye(20)[row], dims="example") for row in (3, 7))
    >>> float(turnover(before, after)), float(turnover(before, before))
    (0.5, 0.0)
    """
    count = (SHARE * before.notnull().sum("example")).round()
    new = most(after, count) & ~most(before, count)
    return new.sum("example") / count


def nearest(pixels: npt.ArrayLike, labels: npt.ArrayLike, among: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Distance ``float64[N]`` of rows to the nearest other row of their label ``among`` marked ones, and its place ``int[N]``.

    The distance is infinite, and the place -1, where no other marked row has the label.

    Examples
    --------
    >>> distance, place = nearest([[0.0], [1.0], [3.0], [9.0]], [0, 0, 0, 1], [True, False, True, True])
    >>> distance.tolist(), place.tolist()
    ([3.0, 1.0, 3.0, inf], [2, 0, 0, -1])
    """
    x, y = np.asarray(pixels, np.float64), np.asarray(labels)
    x = x.reshape(len(x), -1)
    distance = np.full((len(x), len(x)), np.inf)
    for row in np.flatnonzero(among):
        distance[:, row] = np.where(y == y[row], np.linalg.norm(x - x[row], axis=1), np.inf)
    np.fill_diagonal(distance, np.inf)
    least = distance.min(1)
    return least, np.where(np.isfinite(least), distance.argmin(1), -1)
