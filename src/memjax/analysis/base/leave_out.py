"""An interval for any number that is computed from all runs, by leaving out one run at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from memjax.analysis.base.intervals import student_interval
from memjax.checks.labelled import require_fraction

__all__ = ["jackknife"]


def jackknife(
    statistic: Callable[[Any], float], runs: xr.Dataset | xr.DataArray, dim: str = "seed", level: float = 0.95
) -> xr.Dataset:
    """A number computed from all runs, with its interval, by leaving out one run at a time.

    Parameters
    ----------
    statistic
        From a part of ``runs`` to one number, such as the `rank_correlation` of two variables.
    runs
        The values of all runs, with the dimension ``dim``.
    dim
        Dimension of the runs that are independent of each other.
    level
        Nominal coverage, between 0 and 1.

    Returns
    -------
    xarray.Dataset
        ``value``, float64, of all runs; ``interval`` float64 ``(bound,)``, NaN with fewer than three runs; ``reason``
        str, empty when fine.

    Raises
    ------
    ValueError
        If ``dim`` is no dimension of ``runs``, or ``level`` is not in (0, 1).

    Notes
    -----
    J. W. Tukey, Annals of Mathematical Statistics 29, 1958, page 614: the pseudo-values n f - (n - 1) f without run i are
    taken for independent values, and Student's interval of these values is put around f. For a mean, the result is Student's
    interval itself. The interval does not keep to the range of a correlation; ``interval.clip(-1, 1)`` does.

    Examples
    --------
    >>> loss = xr.DataArray([1.0, 2.0, 3.0], dims="seed")
    >>> jackknife(lambda part: float(part.mean()), loss)["interval"].values.round(3)
    array([-0.484,  4.484])
    """
    require_fraction(level, "level")
    if dim not in runs.dims:
        raise ValueError(
            f"dim = {dim!r} is not a dimension of the runs; choose one of {[str(name) for name in runs.dims]}."
        )
    whole, count = float(statistic(runs)), runs.sizes[dim]
    interval, reason = np.full(2, np.nan), f"{count} runs, at least 3 needed"
    if count >= 3:
        without = np.array([statistic(runs.drop_isel({dim: i})) for i in range(count)], dtype=np.float64)
        fine = bool(np.isfinite(without).all() and np.isfinite(whole))
        pseudo = count * whole - (count - 1) * without
        mean, ends, _, _ = student_interval(pseudo, level)
        interval = whole + (ends - mean) if fine else interval
        reason = "" if fine else "not a number for all runs, or without one of them"
    found = xr.Dataset({"value": whole, "interval": ("bound", interval), "reason": reason})
    return found.assign_coords(bound=["lower", "upper"]).assign_attrs(method=f"jackknife over {dim}", level=level)
