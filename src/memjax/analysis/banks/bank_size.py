"""How many networks of a bank say something of a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.banks.bank import apply_to_banks

__all__ = ["bank_size"]


def bank_size(train_count: xr.DataArray, runs: str | Sequence[str] = "seed") -> xr.Dataset:
    """Numbers of networks with and without each row, and the size of a bank of halves that would say as much.

    Parameters
    ----------
    train_count
        How often each network was trained on each row, ``(..., runs, example)``, such as ``ds.train_count``.
    runs
        Dimensions of the networks of one bank.

    Returns
    -------
    xarray.Dataset
        int64 ``seen`` and ``unseen`` ``(..., example)``, numbers of networks; float64 ``effective`` ``(..., example)``: 4 n m /
        (n + m), the number of networks of a bank in which half of the networks have the row, and whose difference of two means
        has the same variance; 0 where no score is possible.

    Raises
    ------
    ValueError
        If ``train_count`` is not a DataArray or lacks a dimension.

    Examples
    --------
    >>> trained = xr.DataArray([[1, 1, 1], [1, 0, 1], [0, 0, 1], [0, 0, 1]], dims=("seed", "example"))
    >>> found = bank_size(trained)
    >>> found.seen.values, found.effective.values
    (array([2, 1, 4]), array([4., 3., 0.]))
    """
    outputs = {"seen": ["example"], "unseen": ["example"], "effective": ["example"]}
    found = apply_to_banks(_sizes, {"train_count": train_count}, {"train_count": ["example"]}, runs, outputs)
    for name, text in (("seen", "with the row"), ("unseen", "without the row")):
        found[name] = found[name].assign_attrs(long_name=f"number of networks {text}", units="1")
    return found


def _sizes(
    count: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    seen = (count > 0).sum(0)
    unseen = len(count) - seen
    return seen, unseen, 4.0 * seen * unseen / len(count)
