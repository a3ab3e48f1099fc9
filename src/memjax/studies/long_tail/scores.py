"""Memorisation scores of the study long-tail, beside those of a learner that looks up subpopulations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.studies.long_tail.numbers import times_seen

__all__ = ["by_times", "lookup_score", "memorized", "paired", "rank_correlation"]

_RUNS = ("pair", "half")


def paired(bank: xr.Dataset, rows: xr.Dataset) -> xr.Dataset:
    """Bank by pairs of complementary halves, ``(pair, half, example)``, with the ``times`` that a row's subpopulation is there.

    Parameters
    ----------
    bank
        ``example_correct`` and ``train_count`` ``(seed, example)`` of networks on halves of the first data set.
    rows
        What `memjax.studies.long_tail.numbers.members` gives.
    """
    parts = {}
    for name in ("example_correct", "train_count"):
        values = bank[name].transpose("seed", "example").values
        parts[name] = ((*_RUNS, "example"), values.reshape(-1, 2, values.shape[1]))
    times = times_seen(rows)[0][rows["train"].values[0]]
    coords = {"example": bank["example"].values}
    found = xr.Dataset({**parts, "times": ("example", times[bank["example"].values])}, coords)
    return found.assign_attrs(num_classes=rows.attrs["num_classes"])


def memorized(bank: xr.Dataset) -> xr.DataArray:
    """Memorisation score of every row, ``(example,)``: share of right networks with the row less that of those without."""
    right, seen = bank["example_correct"].astype(float), bank["train_count"] > 0
    return right.where(seen).mean(_RUNS) - right.where(~seen).mean(_RUNS)


def by_times(bank: xr.Dataset, times: Sequence[int]) -> xr.Dataset:
    """Mean score of the rows seen so many times, ``(times,)``: ``value``, its jackknife ``interval`` over pairs, ``lookup``."""
    size = bank.sizes["example"]
    found = []
    for one in times:
        of_rows = bank.isel(example=bank["times"].values == one)
        found.append(analysis.jackknife(lambda part: float(memorized(part).mean()), of_rows, "pair"))
    joined = xr.concat(found, "times").assign_coords(times=list(times))
    return joined.assign(lookup=("times", lookup_score(list(times), size, bank.attrs["num_classes"])))


def rank_correlation(bank: xr.Dataset) -> float:
    """Spearman's correlation of the score of a row with the times that its subpopulation is in the data set."""
    return float(analysis.spearman(memorized(bank), bank["times"].astype(float), "example"))


def lookup_score(times: npt.ArrayLike, num_examples: int, num_classes: int) -> npt.NDArray[np.float64]:
    """Memorisation score of a row for a learner that knows exactly the subpopulations of its half of the rows.

    Such a learner without the row is right if its half has another of the l rows of the subpopulation, and otherwise by
    chance. The chance that a half of n rows, which lacks this row, lacks the l - 1 others too is hypergeometric.

    Examples
    --------
    >>> lookup_score([1, 2], 4, 10).round(2)
    array([0.9, 0.3])
    """
    from scipy.stats import hypergeom

    others = np.asarray(times) - 1
    lacks = hypergeom(num_examples - 1, others, num_examples // 2).pmf(0)
    return np.asarray(lacks * (1 - 1 / num_classes))
