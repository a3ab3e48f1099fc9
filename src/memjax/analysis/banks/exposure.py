"""Exposure of canaries: how far a secret that was trained on stands out from secrets that were not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.pairing import paired
from memjax.checks.labelled import require_array, require_dim

__all__ = ["exposure"]


def exposure(canary: xr.DataArray, candidates: xr.DataArray, dim: str = "candidate") -> xr.DataArray:
    """Exposure of a canary among candidates that it was drawn from, in bits.

    Parameters
    ----------
    canary
        Loss of each canary, ``(...)``.
    candidates
        Losses of all other secrets that might have been planted, by the same network, ``(..., dim)``.
    dim
        Dimension of the candidates.

    Returns
    -------
    xarray.DataArray
        float64 ``(...)``: log2 of the number of secrets, the canary among them, minus log2 of the canary's rank by loss. It is
        largest, log2 of that number, where the canary has the smallest loss. Equal losses count half a rank.

    Raises
    ------
    ValueError
        If an array is not a DataArray, ``candidates`` lacks ``dim``, or labels differ.

    Notes
    -----
    Carlini et al. (2019, "The secret sharer", arXiv:1802.08232), definition 5. Without memorisation the rank of a canary among
    n secrets is uniform: the mean exposure is log2(n) - log2(n!) / n, which tends to 1 / ln 2 = 1.4427, and an exposure of at
    least t has the probability 2^-t.

    Examples
    --------
    >>> losses = xr.DataArray([3.0, 1.0, 2.0], dims="candidate")
    >>> float(exposure(xr.DataArray(0.5), losses)), float(exposure(xr.DataArray(9.0), losses))
    (2.0, 0.0)
    """
    require_array(canary, "canary")
    require_array(candidates, "candidates")
    require_dim(candidates, dim, "dim")
    canary, candidates = paired({"canary": canary, "candidates": candidates})
    found: xr.DataArray = xr.apply_ufunc(
        _exposure,
        canary.astype(np.float64),
        candidates.astype(np.float64),
        input_core_dims=[[], [dim]],
        keep_attrs="override",
    )
    return found.drop_attrs(deep=False).assign_attrs(long_name="exposure", units="bit")


def _exposure(canary: npt.NDArray[np.float64], candidates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    own, fine = canary[..., None], np.isfinite(candidates)
    below, equal = ((fine & (candidates < own)).sum(-1), (fine & (candidates == own)).sum(-1))
    rank = np.where(np.isfinite(canary), 1.0 + below + 0.5 * equal, np.nan)
    return np.asarray(np.log2(1.0 + fine.sum(-1)) - np.log2(rank))
