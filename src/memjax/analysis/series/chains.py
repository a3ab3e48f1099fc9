"""Whether Markov chains agree, and how many independent draws they are worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.checks.labelled import require_array, require_dim

__all__ = ["effective_sample_size", "r_hat"]

FloatArray = npt.NDArray[np.float64]


def r_hat(traces: Any, chain: str = "chain", draw: str = "draw") -> Any:
    """Rank-normalised split R-hat of chains that should sample one distribution.

    Parameters
    ----------
    traces
        Draws, ``[..., chain, draw]`` if plain, dimensions in any order if labelled.
    chain, draw
        Dimensions of the chains and of the draws, for labelled traces.

    Returns
    -------
    numpy.ndarray or xarray.DataArray
        float64 ``[...]``: near 1 if the chains agree. Chains above 1.01 are usually called not converged. Infinity if each half
        is constant but the halves differ; NaN if nothing varies or a draw is not finite.

    Raises
    ------
    ValueError
        If a dimension is missing, or there are fewer than 4 draws.

    Notes
    -----
    Every chain is cut into halves, so that a single chain which drifts is found too. Draws are replaced by normal scores of
    their ranks. R-hat is the root of pooled over within variance. It is taken of the draws, which finds different locations,
    and of their distance from the median, which finds different scales; the larger one is returned. See A. Vehtari, A. Gelman,
    D. Simpson, B. Carpenter and P.-C. Buerkner, "Rank-normalization, folding, and localization", Bayesian Analysis 16, 2021,
    equations 1 to 5 and 14.

    Examples
    --------
    >>> import numpy as np
    >>> draws = np.random.default_rng(0).normal(size=(4, 500))
    >>> r_hat(draws).round(2), r_hat(draws + [[0.0], [0.0], [0.0], [2.0]]).round(2)
    (np.float64(1.0), np.float64(1.31))
    """
    return _applied(_r_hat, traces, chain, draw, "R-hat")


def effective_sample_size(traces: Any, chain: str = "chain", draw: str = "draw") -> Any:
    """Number of independent draws that would estimate the mean as precisely as the draws of all chains do.

    Parameters
    ----------
    traces
        Draws, ``[..., chain, draw]`` if plain, dimensions in any order if labelled.
    chain, draw
        Dimensions of the chains and of the draws, for labelled traces.

    Returns
    -------
    numpy.ndarray or xarray.DataArray
        float64 ``[...]``, above 0 and, for C chains of N draws, at most C N log10(C N). NaN if nothing varies or a draw is not
        finite. The standard error of the mean is the standard deviation over the root of this number.

    Raises
    ------
    ValueError
        If a dimension is missing, or there are fewer than 4 draws.

    Notes
    -----
    The number is C N / tau with tau = -1 + 2 sum_t P_t. P_t is the sum of the autocorrelations at lags 2 t and 2 t + 1; P_t are
    summed while positive, and made monotone (C. J. Geyer, "Practical Markov chain Monte Carlo", Statistical Science 7, 1992,
    section 3.3). The autocorrelations are those of all half chains together, so chains at different places count for little
    (Vehtari et al. 2021, equation 10). The draws themselves are used, not their ranks, because the number is about their mean.
    The number is 5% too high if neighbouring draws have a correlation of -0.5.

    Examples
    --------
    >>> import numpy as np
    >>> draws = np.random.default_rng(0).normal(size=(4, 500))
    >>> bool(1600 < effective_sample_size(draws) < 2400)
    True
    >>> float(effective_sample_size(np.repeat(draws, 10, axis=1)) / effective_sample_size(draws)) < 1.2
    True
    """
    return _applied(_effective, traces, chain, draw, "effective sample size")


def _applied(function: Callable[[FloatArray], FloatArray], traces: Any, chain: str, draw: str, label: str) -> Any:
    if isinstance(traces, xr.Dataset):
        require_array(traces, "traces")
    if isinstance(traces, xr.DataArray):
        require_dim(traces, chain, "chain")
        require_dim(traces, draw, "draw")
        _require_draws(traces.sizes[draw])
        found: xr.DataArray = xr.apply_ufunc(
            function, traces.astype(np.float64), input_core_dims=[[chain, draw]], keep_attrs="override"
        )
        return found.drop_attrs(deep=False).rename(None).assign_attrs(long_name=label, units="1")
    values = np.asarray(traces, dtype=np.float64)
    if values.ndim < 2 or values.shape[-2] == 0:
        raise ValueError(f"traces has shape {values.shape}: give an array [..., chain, draw] with at least one chain.")
    _require_draws(values.shape[-1])
    return function(values)


def _require_draws(count: int) -> None:
    if count < 4:
        raise ValueError(f"The chains have {count} draws: at least 4 are needed, two in each half.")


def _r_hat(values: FloatArray) -> FloatArray:
    halves = _halves(values)
    centre = np.median(halves, axis=(-2, -1), keepdims=True)
    # An infinite draw has no distance from the median; such a draw makes the answer NaN below.
    with np.errstate(invalid="ignore"):
        folded = np.abs(halves - centre)
    # If distances from the median do not vary, as for draws of two values, their R-hat is NaN, and fmax ignores the NaN.
    found = np.fmax(_ratio(_normal_scores(halves)), _ratio(_normal_scores(folded)))
    return np.where(np.isfinite(values).all(axis=(-2, -1)), found, np.nan)[()]


def _halves(values: FloatArray) -> FloatArray:
    """``[..., C, N]`` to ``[..., 2 C, N // 2]``; the middle draw of an odd number is left out."""
    half = values.shape[-1] // 2
    return np.concatenate([values[..., :half], values[..., -half:]], axis=-2)


def _normal_scores(values: FloatArray) -> FloatArray:
    from scipy.special import ndtri
    from scipy.stats import rankdata

    flat = values.reshape(*values.shape[:-2], -1)
    scores = ndtri((rankdata(flat, axis=-1) - 0.375) / (flat.shape[-1] + 0.25))
    return scores.reshape(values.shape)


def _ratio(values: FloatArray) -> FloatArray:
    """R-hat of halves ``[..., C, N]`` as they are; NaN where nothing varies."""
    within, pooled = _variances(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(pooled / within)


def _variances(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    count = values.shape[-1]
    # The first draw is subtracted, so that the variance of a constant half is exactly zero.
    within = (values - values[..., :1]).var(axis=-1, ddof=1).mean(axis=-1)
    return within, within * (count - 1) / count + values.mean(axis=-1).var(axis=-1, ddof=1)


def _effective(values: FloatArray) -> FloatArray:
    fine = np.isfinite(values).all(axis=(-2, -1)) & (
        np.ptp(np.where(np.isfinite(values), values, 0.0), axis=(-2, -1)) > 0.0
    )
    halves = _halves(np.where(fine[..., None, None], values, 0.0))
    within, pooled = _variances(halves)
    covariance = _autocovariances(halves).mean(axis=-2)
    count, total = halves.shape[-1], halves.shape[-2] * halves.shape[-1]
    scale = np.where(fine, pooled, 1.0)[..., None]
    correlation = 1.0 - (within[..., None] - covariance * count / (count - 1)) / scale
    pairs = correlation[..., : count // 2 * 2].reshape(*correlation.shape[:-1], -1, 2).sum(axis=-1)
    positive = np.logical_and.accumulate(pairs > 0.0, axis=-1)
    tau = -1.0 + 2.0 * np.where(positive, np.minimum.accumulate(pairs, axis=-1), 0.0).sum(axis=-1)
    return np.where(fine, total / np.maximum(tau, 1.0 / np.log10(total)), np.nan)[()]


def _autocovariances(values: FloatArray) -> FloatArray:
    count = values.shape[-1]
    spectrum = np.fft.rfft(values - values.mean(axis=-1, keepdims=True), n=2 * count, axis=-1)
    return np.fft.irfft(np.abs(spectrum) ** 2, n=2 * count, axis=-1)[..., :count] / count
