"""Long tails: how many subpopulations a sample sees how often, and what not fitting those costs (Feldman 2020)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.checks.labelled import require_array, require_dim

__all__ = ["long_tail", "long_tail_error"]

FloatArray = npt.NDArray[np.float64]

# A sum of 50,000 frequencies in float64 is off by about 1e-13.
_SLACK = 1e-9


def long_tail(frequencies: npt.ArrayLike, num_examples: int, times: npt.ArrayLike = (0, 1, 2, 3)) -> xr.Dataset:
    """Expected numbers and masses of the subpopulations that a sample sees l times, and the price of not fitting one.

    Parameters
    ----------
    frequencies
        Probabilities of the N subpopulations, ``[N]``, which sum to 1.
    num_examples
        Size n of the sample, at least 1; examples are independent.
    times
        Whole numbers l from 0 to n, ``[L]``: how often a subpopulation is seen.

    Returns
    -------
    xarray.Dataset
        float64 by ``times_seen``: ``count``, the expected number of subpopulations that are seen exactly l times; ``share``,
        the share of the sample that these are, l times the count over n; ``mass``, their expected total probability;
        ``price``, mass over count, by which the error rises with every such subpopulation that a learner gets wrong. The
        price is NaN for frequencies of 0 and 1 that are never seen l times.

    Raises
    ------
    ValueError
        If the frequencies are no probabilities, or ``num_examples`` or one of the times is not whole or out of range.

    Notes
    -----
    With B(l; n, p) = binom(n, l) p^l (1 - p)^(n - l), the count is sum_i B(l; n, p_i) and the mass is sum_i p_i B(l; n, p_i).
    The price is tau_l = E[p^(l + 1) (1 - p)^(n - l)] / E[p^l (1 - p)^(n - l)] of Feldman (2020, "Does learning require
    memorization? A short tale about a long tail", arXiv:1906.05271), with p drawn from the list of frequencies. Sums are
    of logarithms, so nothing vanishes at n = N = 50,000. The subpopulations seen once are the singletons.

    Examples
    --------
    >>> zipf = 1 / np.arange(1, 50_001)
    >>> tail = long_tail(zipf / zipf.sum(), 50_000)
    >>> tail.share.values[:2].round(4), tail.mass.values[:2].round(4)
    (array([0.    , 0.1704]), array([0.1704, 0.0804]))
    >>> round(50_000 * float(tail.price.sel(times_seen=1)), 4)
    0.4717
    """
    p, n = _probabilities(frequencies), _whole(num_examples, "num_examples")
    seen = _times(times, n)
    found = _sums(p, n, seen)
    names = {
        "count": "expected number of subpopulations",
        "share": "expected share of the sample",
        "mass": "expected probability of the subpopulations",
        "price": "error for every subpopulation that is wrong",
    }
    coords = {"times_seen": xr.Variable("times_seen", seen, {"long_name": "times seen in the sample", "units": "1"})}
    variables = {
        name: ("times_seen", values, {"long_name": long_name, "units": "1"})
        for (name, long_name), values in zip(names.items(), found, strict=True)
    }
    return xr.Dataset(variables, coords, {"num_examples": n, "num_subpopulations": len(p)})


def long_tail_error(wrong: xr.DataArray, tail: xr.Dataset, dim: str = "times_seen") -> xr.DataArray:
    """The least excess error of a learner that gets subpopulations of its sample wrong.

    Parameters
    ----------
    wrong
        Expected number of subpopulations seen l times that the learner gets wrong on the sample, ``(..., dim)``, with the times
        as labels; the paper's errn(l). A subpopulation counts by the share of its examples that are wrong.
    tail
        What `long_tail` gives, for these times at least.
    dim
        Dimension of the times.

    Returns
    -------
    xarray.DataArray
        float64 ``(...)``: the sum over l of the price of l times the number that is wrong. NaN where a number is NaN.

    Raises
    ------
    ValueError
        If ``wrong`` is not a DataArray or lacks ``dim`` or its labels, or ``tail`` lacks a time.

    Notes
    -----
    This is the sum of Feldman (2020, arXiv:1906.05271): the expected error of any learner is at least that of the
    best one plus sum_l tau_l errn(l). A sum from l = 1 on is meant, for no learner knows what the sample lacks. A learner that
    is right about a subpopulation exactly where the learner is right about the sample reaches the bound.

    Examples
    --------
    >>> tail = long_tail(np.full(1000, 0.001), 1000)
    >>> wrong = xr.DataArray([100.0, 0.0], {"times_seen": [1, 2]}, "times_seen")
    >>> round(float(long_tail_error(wrong, tail)), 9)
    0.1
    """
    require_array(wrong, "wrong")
    require_dim(wrong, dim, "dim")
    if dim not in wrong.coords:
        raise ValueError(f"wrong has no labels along {dim!r}: give the times seen, for example with .assign_coords.")
    times = wrong[dim].values.tolist()
    missing = sorted(set(times) - set(tail["times_seen"].values.tolist()))
    if missing:
        raise ValueError(f"tail lacks the times {missing[:3]} of wrong: give them to long_tail as times.")
    price = tail["price"].sel(times_seen=times).values
    found = (wrong.astype(np.float64) * xr.DataArray(price, dims=dim)).sum(dim, skipna=False)
    return found.drop_attrs(deep=False).assign_attrs(long_name="least excess error", units="1")


def _sums(p: FloatArray, n: int, seen: npt.NDArray[np.int64]) -> tuple[FloatArray, ...]:
    """Count, share, mass and price ``[L]``."""
    from scipy.special import gammaln, logsumexp, xlog1py, xlogy

    times = seen[:, None].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = xlogy(times, p) + xlog1py(n - times, -p)
        count, mass = logsumexp(logs, axis=1), logsumexp(logs + np.log(p), axis=1)
        ways = gammaln(n + 1.0) - gammaln(seen + 1.0) - gammaln(n - seen + 1.0)
        price = np.where(np.isfinite(count), np.exp(mass - count), np.nan)
    expected = np.exp(ways + count)
    return expected, seen * expected / n, np.exp(ways + mass), price


def _probabilities(frequencies: npt.ArrayLike) -> FloatArray:
    p = np.asarray(frequencies, np.float64)
    if p.ndim != 1 or not len(p):
        raise ValueError(f"frequencies has shape {p.shape}: give one probability for every subpopulation, [N].")
    if not ((p >= 0) & (p <= 1)).all() or abs(p.sum() - 1.0) > _SLACK:
        raise ValueError(f"frequencies sum to {p.sum():.6g}: give probabilities from 0 to 1, divided by their sum.")
    return p


def _whole(value: int, argument: str) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{argument} is {value!r}: give a whole number of at least 1.")
    return int(value)


def _times(times: npt.ArrayLike, n: int) -> npt.NDArray[np.int64]:
    seen = np.atleast_1d(np.asarray(times))
    if seen.ndim != 1 or seen.dtype.kind not in "iu" or not ((seen >= 0) & (seen <= n)).all():
        raise ValueError(f"times is {times!r}: give whole numbers from 0 to num_examples = {n}.")
    return seen.astype(np.int64)
