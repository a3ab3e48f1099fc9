"""Data dimensionality of activations without structure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.checks.labelled import require_array

__all__ = ["leverage_null"]


def leverage_null(num_examples: int, rank: Any, quantiles: npt.ArrayLike | None = None) -> Any:
    """Quantiles of the data dimensionality D* of Gaussian activations: the null to draw beside a sorted curve.

    Parameters
    ----------
    num_examples
        Number of examples N, at least 1.
    rank
        Rank r of the activations ``[...]``, whole numbers from 0 to N; NaN (diverged runs) gives NaN.
    quantiles
        Shares from 0 to 1, ``[Q]``. Default: (i - 1/2) / N for i = 1..N, to stand beside values sorted from small to large.

    Returns
    -------
    numpy.ndarray or xarray.DataArray
        float64 ``[..., Q]``, labelled by ``quantile`` if ``rank`` is labelled: quantiles of Beta(r / 2, (N - r) / 2),
        whose mean is r / N. All ones if r = N, because every example then has a direction of its own; zeros if r = 0.

    Raises
    ------
    ValueError
        If ``num_examples`` or ``rank`` is not whole or out of range, ``rank`` is a Dataset or has a dimension ``quantile``,
        or ``quantiles`` are not numbers from 0 to 1.

    Notes
    -----
    D* is the leverage of a row (D. C. Hoaglin and R. E. Welsch, "The hat matrix in regression and ANOVA", The American
    Statistician 32, 1978). It is the squared length of the projection of a fixed unit vector onto a random subspace of r of N
    dimensions, which is uniform for Gaussian columns. So D* is a chi-square variable of r degrees of freedom over the sum of
    itself and one of N - r. The values of one matrix sum to r, so their sorted curve scatters less about these quantiles than
    independent draws would. Activations of an untrained network are not Gaussian: draw the activations at initialisation too.

    Examples
    --------
    >>> leverage_null(100, 20, [0.05, 0.5, 0.95]).round(3)
    array([0.115, 0.196, 0.299])
    >>> leverage_null(3, [0, 2, 3]).round(3)
    array([[0.   , 0.   , 0.   ],
           [0.306, 0.75 , 0.972],
           [1.   , 1.   , 1.   ]])
    """
    if not isinstance(num_examples, int | np.integer) or isinstance(num_examples, bool) or num_examples < 1:
        raise ValueError(f"num_examples is {num_examples!r}: give a whole number of at least 1.")
    num_examples = int(num_examples)
    if quantiles is None:
        quantiles = (np.arange(num_examples) + 0.5) / num_examples
    shares = np.atleast_1d(np.asarray(quantiles, np.float64))
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f"quantiles is {quantiles!r}: give numbers from 0 to 1, for example [0.05, 0.5, 0.95].")
    values = _beta(num_examples, _ranks(rank, num_examples), shares)
    if not isinstance(rank, xr.DataArray):
        return values
    coords = {**rank.coords, "quantile": shares}
    attrs = {"long_name": "data dimensionality of Gaussian activations", "units": "1"}
    return xr.DataArray(values, coords, (*rank.dims, "quantile"), attrs=attrs)


def _ranks(rank: Any, num_examples: int) -> npt.NDArray[np.float64]:
    if isinstance(rank, xr.Dataset):
        require_array(rank, "rank")
    if isinstance(rank, xr.DataArray) and "quantile" in rank.dims:
        raise ValueError(
            f"rank has dimensions {list(rank.dims)}, and 'quantile' is the name of a dimension of the result. Rename it "
            f"first, for example with .rename(quantile='share')."
        )
    ranks = np.asarray(rank, np.float64)
    known = ranks[~np.isnan(ranks)]
    if not ((known == np.rint(known)) & (known >= 0) & (known <= num_examples)).all():
        raise ValueError(f"rank is {rank!r}: give whole numbers from 0 to num_examples = {num_examples}.")
    return ranks


def _beta(num_examples: int, ranks: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> Any:
    """Quantiles ``[..., Q]``."""
    from scipy.special import betaincinv

    inside = (ranks > 0) & (ranks < num_examples)
    # At r = 0 and r = N the distribution is a point, 0 or 1.
    half = np.where(inside, ranks, 0.5 * num_examples)[..., None] / 2.0
    at_end = (ranks / num_examples)[..., None]
    return np.where(inside[..., None], betaincinv(half, num_examples / 2.0 - half, shares), at_end)
