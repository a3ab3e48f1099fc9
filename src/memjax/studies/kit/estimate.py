"""What runs say of one number: an estimate over seeds with its interval, and how many runs have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.kit.within import Within

__all__ = ["Estimate", "Kind", "estimate", "fitted"]

Kind = Literal["mean", "geometric", "share"]
"""Arithmetic mean, geometric mean, or share of the runs for which something holds."""


@dataclass(frozen=True)
class Estimate:
    """A number over runs, its interval, and what is not in it.

    Attributes
    ----------
    value, low, high
        Estimate and ends of its 95% interval; NaN for ends of fewer than two runs, and for no value at all.
    count
        Runs with a finite value: those that the estimate is made of.
    never, unknown
        Runs with an infinite value (what was waited for never came), and runs with none (NaN: diverged, or not asked).
    below
        Those of ``never`` with a value of minus infinity.
    smallest, largest
        Range of the finite values of single runs; NaN where single runs are not known.
    of
        What the value is, as ``Kind`` says.

    Examples
    --------
    >>> grokked_at = Estimate(5200.0, 4100.0, 6300.0, count=7, never=1)
    >>> grokked_at.runs, grokked_at.as_dict()["high"]
    (8, 6300.0)
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")
    count: int = 1
    never: int = 0
    unknown: int = 0
    below: int = 0
    smallest: float = float("nan")
    largest: float = float("nan")
    of: Kind = "mean"

    @property
    def runs(self) -> int:
        """All runs, with a value or without."""
        return self.count + self.never + self.unknown

    def as_dict(self) -> Mapping[str, Any]:
        """The same as plain data."""
        return asdict(self)


def estimate(values: xr.DataArray | Within, of: Kind = "mean") -> Estimate:
    """Estimate over runs, from one value of each.

    Parameters
    ----------
    values
        Values ``(seed,)``, or of one other dimension: finite, infinite for never, NaN for not known. A share takes 0 and 1.
        Of values that are known between bounds alone, such as `within_records` gives them, the interval reaches from the lower
        end of that of the least to the upper end of that of the most.
    of
        ``mean`` and ``geometric`` have Student-t intervals (of the logarithms, for the latter), ``share`` the exact binomial
        one of Clopper and Pearson.

    Examples
    --------
    >>> found = estimate(xr.DataArray([1.0, 2.0, 3.0, np.inf], dims="seed"))
    >>> found.value, round(found.low, 2), round(found.high, 2), found.count, found.never
    (2.0, -0.48, 4.48, 3, 1)
    >>> estimate(xr.DataArray([10.0, 1000.0], dims="seed"), "geometric").value
    100.00000000000004
    >>> share = estimate(xr.DataArray([1, 1, 1, 0], dims="seed"), "share")
    >>> share.value, round(share.low, 3), round(share.high, 3)
    (0.75, 0.194, 0.994)
    """
    if not isinstance(values, Within):
        values = Within(values, values, values)
    flat = Within(*(xr.DataArray(part.values.astype(np.float64).ravel(), dims="run") for part in values))
    own = flat.found.values
    there = np.isfinite(own)
    value, low, high = _share(flat.found) if of == "share" else _mean(flat, there, of == "geometric")
    kept = own[there]
    return Estimate(
        value=value,
        low=low,
        high=high,
        count=int(there.sum()),
        never=int(np.isinf(own).sum()),
        unknown=int(np.isnan(own).sum()),
        below=int(np.isneginf(own).sum()),
        smallest=float(kept.min()) if kept.size else float("nan"),
        largest=float(kept.max()) if kept.size else float("nan"),
        of=of,
    )


def fitted(found: xr.Dataset, name: str, runs: int, interval: str | None = None) -> Estimate:
    """Estimate that was computed from all runs at once, such as a parameter of a fit or a number with its jackknife interval.

    Parameters
    ----------
    found
        The number, and an interval ``(bound,)``, such as `memjax.analysis.fit` and `memjax.analysis.jackknife` give them.
    name
        Variable of the number.
    runs
        How many runs the number is computed from.
    interval
        Variable of the interval; ``<name>_interval`` by default.

    Examples
    --------
    >>> law = xr.Dataset({"exponent": 0.27, "exponent_interval": ("bound", [0.26, 0.28])})
    >>> one = fitted(law, "exponent", runs=4)
    >>> one.value, one.low, one.high, one.count
    (0.27, 0.26, 0.28, 4)
    """
    value, (low, high) = float(found[name]), found[interval or f"{name}_interval"].values.tolist()
    known = bool(np.isfinite(value))
    return Estimate(value, low, high, count=runs if known else 0, unknown=0 if known else runs)


def _mean(values: Within, there: np.ndarray, geometric: bool) -> tuple[float, float, float]:
    if not there.any():
        return (float("nan"),) * 3
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = [part.where(there) for part in values]
        parts = [part.copy(data=np.log(part.values)) for part in kept] if geometric else kept
    ends = np.array([_ends(part) for part in parts])
    value = float(parts[0].mean())
    # Without an interval of the times themselves the records around them alone make none.
    low, high = (np.nan, np.nan) if np.isnan(ends[0]).any() else (np.nanmin(ends[:, 0]), np.nanmax(ends[:, 1]))
    return (
        (float(np.exp(value)), float(np.exp(low)), float(np.exp(high)))
        if geometric
        else (value, float(low), float(high))
    )


def _ends(values: xr.DataArray) -> tuple[float, float]:
    """Ends of the interval of a mean; a bound that is infinite in one run (the logarithm of 0) leaves its end open."""
    low, high = analysis.mean_interval(values, "run")["mean_interval"].values
    own = values.values
    return -np.inf if np.isneginf(own).any() else float(low), np.inf if np.isposinf(own).any() else float(high)


def _share(flags: xr.DataArray) -> tuple[float, float, float]:
    found = analysis.share_interval(flags, "run")
    low, high = found["share_interval"].values
    return float(found["share"]), float(low), float(high)
