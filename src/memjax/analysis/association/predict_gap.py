"""Linear regression of the generalisation gap of many networks on numbers of each network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.association.out_of_fold import predictions
from memjax.analysis.base.pairing import require_shared
from memjax.checks.labelled import require_array, require_choice

__all__ = ["predict_gap"]

FloatArray = npt.NDArray[np.float64]


def predict_gap(
    features: xr.DataArray | xr.Dataset | Sequence[xr.DataArray],
    gap: xr.DataArray,
    *,
    scale: Literal["linear", "log"] = "log",
    folds: int = 10,
    rng_seed: int = 0,
) -> xr.Dataset:
    """Regress the gap of all networks on their features by least squares, and score the fit.

    Y. Jiang et al. (2019, arXiv:1810.00113) take the logarithms of `margin_signature` at four layers as features, and report an
    adjusted and a cross-validated R^2.

    Parameters
    ----------
    features
        Numbers of each network: one array, several, or the variables of a Dataset. Arrays have dimensions of ``gap``, paired by
        label, and any others, such as ``(layer, statistic)``; every combination of labels of the others is a feature.
    gap
        Generalisation gap of each network; every dimension is one of networks. The unit of the evidence is the network.
    scale
        ``log`` takes the natural logarithms of features. A network with a feature that is not positive has none and is left
        out, so leave negative margins out of a signature (`margin_signature` does), or use ``linear``.
    folds
        Number of groups of networks, drawn at random, of sizes that differ by at most one; each is predicted from all others.
    rng_seed
        Seed of the draw of groups.

    Returns
    -------
    xarray.Dataset
        ``r_squared``; ``adjusted_r_squared``, 1 - (1 - R^2) (n - 1) / (n - k - 1); ``cross_validated_r_squared``, 1 minus the
        sum of squared errors of all out-of-fold predictions over the sum of squares about the mean gap; ``count``, the n
        networks whose gap and features are finite; ``num_features``, k. ``predicted``, with the dimensions of ``gap``: the gap
        out of fold, in units of the gap. ``reason`` says why scores are NaN, and is empty otherwise.

    Raises
    ------
    ValueError
        If an array is not a DataArray, shares no dimension or no label with ``gap``, or an option is not one of its choices.

    Notes
    -----
    For features that know nothing of a Gaussian gap, R^2 has the mean k / (n - 1) and the adjusted R^2 the mean 0. The
    cross-validated R^2 is negative on average then. All folds are scored together, because the R^2 of a fold of few networks
    has no lower limit and a mean over folds would be decided by one of them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> size = xr.DataArray(rng.uniform(1, 9, (40, 2)), dims=("run", "layer"))
    >>> found = predict_gap(size, 0.3 - 0.1 * np.log(size).sum("layer"))
    >>> float(found.adjusted_r_squared.round(9)), float(found.cross_validated_r_squared.round(9)), int(found["count"])
    (1.0, 1.0, 40)
    """
    require_array(gap, "gap")
    require_choice(scale, ("linear", "log"), "scale")
    x, y = _columns(features, gap), gap.values.astype(np.float64).ravel()
    if scale == "log":
        x = np.log(np.where(x > 0, x, np.nan))
    if not isinstance(folds, int | np.integer) or isinstance(folds, bool) or folds < 2:
        raise ValueError(f"folds = {folds!r} must be a whole number of at least 2.")
    known = np.isfinite(y) & np.isfinite(x).all(1)
    scores, inside = _scores(x[known], y[known], int(folds), rng_seed)
    made = np.full(y.size, np.nan)
    made[known] = inside
    found = xr.Dataset(scores).assign(count=int(known.sum()), num_features=x.shape[1])
    found["predicted"] = gap.copy(data=made.reshape(gap.shape)).astype(np.float64)
    return found.assign_attrs(scale=scale, folds=int(folds))


def _columns(features: xr.DataArray | xr.Dataset | Sequence[xr.DataArray], gap: xr.DataArray) -> FloatArray:
    """Features ``[n, k]`` of the n entries of the gap; NaN where an array has no entry of a label."""
    if isinstance(features, xr.Dataset):
        arrays = [features[name] for name in features.data_vars]
    else:
        arrays = [features] if isinstance(features, xr.DataArray) else list(features)
    if not arrays:
        raise ValueError("features is empty: give at least one array that predicts.")
    return np.concatenate([_of_array(f"features[{i}]", array, gap) for i, array in enumerate(arrays)], axis=1)


def _of_array(name: str, array: xr.DataArray, gap: xr.DataArray) -> FloatArray:
    require_array(array, name)
    if not set(array.dims) & set(gap.dims):
        raise ValueError(
            f"{name} has dimensions {list(map(str, array.dims))}, of which the gap has none: give a number of every network."
        )
    require_shared(gap, "gap", array, name)
    others = [dim for dim in array.dims if dim not in gap.dims]
    # Labels of other dimensions name features, and the gap has none of them to pair with.
    paired = xr.align(gap, array, join="left", copy=False, exclude=others)[1]
    whole = paired.broadcast_like(gap, exclude=others).transpose(*gap.dims, *others)
    return whole.values.astype(np.float64).reshape(gap.size, -1)


def _scores(x: FloatArray, y: FloatArray, folds: int, rng_seed: int) -> tuple[dict[str, float | str], FloatArray]:
    """Scores by name, and predictions ``[n]`` out of fold, of a gap ``[n]`` from features ``[n, k]``."""
    count, features = x.shape
    left_out = -(-count // folds)
    if min(count - left_out, count - 1) <= features or count < folds:
        reason = f"{count} networks are too few for {features} features and {folds} folds"
        return _named(np.nan, np.nan, np.nan, reason), np.full(count, np.nan)
    fold = np.random.default_rng(rng_seed).permutation(np.arange(count) % folds)
    total = np.square(y - y.mean()).sum()
    if total <= 1e-20 * np.square(y).sum():
        return _named(np.nan, np.nan, np.nan, "the gap is the same for all networks"), np.full(count, np.nan)
    outside = predictions(x[:, None], y[:, None], fold, "linear")[0, :, 0]
    plain = 1 - np.square(y - _fitted(x, y)).sum() / total
    adjusted = 1 - (1 - plain) * (count - 1) / (count - features - 1)
    return _named(plain, adjusted, 1 - np.square(y - outside).sum() / total, ""), outside


def _fitted(x: FloatArray, y: FloatArray) -> FloatArray:
    """Values ``[n]`` of the least-squares fit to all networks."""
    middle, spread = x.mean(0), x.std(0)
    columns = (x - middle) / np.where(spread > 0, spread, 1)
    weights = np.linalg.lstsq(columns, y - y.mean(), rcond=None)[0]
    found: FloatArray = y.mean() + columns @ weights
    return found


def _named(plain: float, adjusted: float, crossed: float, reason: str) -> dict[str, float | str]:
    return {
        "r_squared": float(plain),
        "adjusted_r_squared": float(adjusted),
        "cross_validated_r_squared": float(crossed),
        "reason": reason,
    }
