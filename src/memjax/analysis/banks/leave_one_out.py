"""What leaving out one row does, with all seeds paired."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax.analysis.base.intervals import mean_interval
from memjax.analysis.base.pairing import paired
from memjax.checks.labelled import require_array, require_dim

__all__ = ["leave_one_out"]


def leave_one_out(without: xr.DataArray, whole: xr.DataArray, runs: str = "seed", *, level: float = 0.95) -> xr.Dataset:
    """Effect of a row on a value: mean over seeds of the network on all rows minus the network without the row.

    Parameters
    ----------
    without
        Values of the networks without a row, ``(..., left_out, runs)``, such as those of a sweep with
        ``subset=memjax.subsets.LeaveOut(0)`` over ``left_out``.
    whole
        Values of the networks on all rows, ``(..., runs)``, with the same seeds: pairs share initial parameters and batches.
    runs
        Dimension of the seeds.
    level
        Nominal coverage of the interval, between 0 and 1.

    Returns
    -------
    xarray.Dataset
        float64 ``effect`` ``(..., left_out)``, with its Student-t ``effect_interval`` ``(..., left_out, bound)`` and ``count``,
        the number of seeds.

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks ``runs``, labels differ, or ``level`` is out of its range.

    Notes
    -----
    For least squares with a ridge the residual of the row left out is e / (1 - h), with e the residual of the network on all
    rows and h the row's leverage. For a network trained by gradient descent, the effect of one row is mostly smaller than
    the effect of another seed; without pairs many more seeds are needed.

    Examples
    --------
    >>> whole = xr.DataArray([1.0, 2.0, 3.0], dims="seed")
    >>> without = xr.DataArray([[0.5, 1.5, 2.5], [1.0, 2.0, 3.0]], dims=("left_out", "seed"))
    >>> leave_one_out(without, whole).effect.values
    array([0.5, 0. ])
    """
    for name, values in (("without", without), ("whole", whole)):
        require_array(values, name)
        require_dim(values, runs, "runs")
    without, whole = paired({"without": without, "whole": whole})
    mean = mean_interval((whole.astype(np.float64) - without).transpose(..., runs), runs, level)
    found = mean.rename(mean="effect", mean_interval="effect_interval").drop_vars("reason")
    found["effect"] = found["effect"].assign_attrs(long_name="effect of the row", units="1")
    return found
