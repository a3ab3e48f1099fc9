"""One number per cell of a map: of the runs that got there, with the share of those that never did."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import xarray as xr

from memjax.analysis import mean_interval
from memjax.plots.times import is_time

__all__ = ["Cells", "cells_of"]


class Cells(NamedTuple):
    """Cells ``(y, x)`` of a map.

    Attributes
    ----------
    middle
        Mean or median of the finite runs; NaN without any.
    never
        Share of the runs with a value that are infinite; NaN without any value.
    known, runs
        Number of runs with a value, finite or infinite, and number of all runs.
    text
        Words for ``middle``, to stand behind the name of the quantity; empty for the mean of all runs.
    times
        Whether infinity is the time of a run that never got there.
    """

    middle: xr.DataArray
    never: xr.DataArray
    known: xr.DataArray
    runs: int
    text: str
    times: bool


def cells_of(values: xr.DataArray, over: str, average: Literal["mean", "median"] | None) -> Cells:
    """Average the finite runs over ``over``; by default by the median if a run is infinite, otherwise by the mean.

    NaN and minus infinity are no values.

    Examples
    --------
    >>> times = xr.DataArray([500.0, np.inf, np.inf, 700.0, 900.0, np.nan], dims="seed", name="time")
    >>> found = cells_of(times, "seed", None)
    >>> float(found.middle), float(found.never), int(found.known), found.text
    (700.0, 0.4, 5, 'median of the seeds that got there')
    """
    runs = values.sizes.get(over, 1)
    values = values if over in values.dims else values.expand_dims(over)
    some = values.where(values > -np.inf)
    endless = some == np.inf
    finite, known = some.where(~endless), some.notnull().sum(over)
    share = endless.sum(over) / known.where(known > 0)
    by = average or ("median" if bool(endless.any()) else "mean")
    middle = mean_interval(finite, over)["mean"] if by == "mean" else finite.median(over)
    times, some_endless = is_time(values), bool(endless.any())
    of = (f"the {over}s that got there" if times else f"the finite {over}s") if some_endless else ""
    text = f"{by} of {of}" if of else f"{by} over {over}s"
    return Cells(middle, share, known, runs, "" if runs == 1 or (by == "mean" and not of) else text, times)
