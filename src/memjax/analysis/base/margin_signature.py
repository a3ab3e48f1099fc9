"""A few numbers that stand for the distribution of the margins of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.lift import lift
from memjax.checks.labelled import require_array, require_choice, require_dim

__all__ = ["margin_signature", "moments", "quartiles"]

FloatArray = npt.NDArray[np.float64]

_QUARTILES = ("lower_fence", "first_quartile", "median", "third_quartile", "upper_fence")
_MOMENTS = ("mean", "root_moment_2", "root_moment_3", "root_moment_4", "root_moment_5")
# How far a fence is from its quartile, in units of the distance between the quartiles.
_REACH = 1.5


def margin_signature(
    margins: xr.DataArray,
    dim: str = "example",
    *,
    kind: Literal["quartiles", "moments"] = "quartiles",
    positive: bool = True,
) -> xr.DataArray:
    """Five numbers of the distribution of margins along a dimension.

    Y. Jiang, D. Krishnan, H. Mobahi and S. Bengio ("Predicting the generalization gap in deep networks with margin
    distributions", 2019, arXiv:1810.00113) predict the generalisation gap from such numbers of several layers, see
    `predict_gap`.

    Parameters
    ----------
    margins
        Margins of examples, dimensions ``(..., dim)``, as `memjax.measures.margins` takes them. Values that are not finite are
        left out.
    dim
        Dimension of the examples.
    kind
        ``quartiles`` gives the quartiles, interpolated linearly, and two fences: the least margin of at least
        Q1 - 1.5 (Q3 - Q1), and the largest of at most Q3 + 1.5 (Q3 - Q1). ``moments`` gives the mean, and the k-th roots of the
        means of the k-th powers, for k from 2 to 5, each with the sign of its mean.
    positive
        Whether margins of zero and below are left out, as the paper does with examples that are classified wrong, so that every
        number has a logarithm. Then the signature is of the examples that are classified right.

    Returns
    -------
    xarray.DataArray
        float64 ``(..., statistic)`` in units of the margins, with names along ``statistic``; NaN where no margin is left.

    Raises
    ------
    ValueError
        If ``margins`` is not a DataArray, ``dim`` is not one of its dimensions, or ``kind`` is not one of its choices.

    Examples
    --------
    >>> import xarray as xr
    >>> held = xr.DataArray([-1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 30.0], dims="example")
    >>> found = margin_signature(held)
    >>> dict(zip(found.statistic.values.tolist(), found.values.tolist()))
    {'lower_fence': 1.0, 'first_quartile': 2.25, 'median': 3.5, 'third_quartile': 4.75, 'upper_fence': 5.0}
    """
    require_array(margins, "margins")
    require_dim(margins, dim, "dim")
    require_choice(kind, ("quartiles", "moments"), "kind")
    function: Callable[[FloatArray], FloatArray] = quartiles if kind == "quartiles" else moments
    kept = np.isfinite(margins) & (margins > 0) if positive else np.isfinite(margins)
    found = lift(lambda rows: (function(rows),), margins.where(kept), [dim], {"found": ("statistic",)})["found"]
    found = found.assign_coords(statistic=list(_QUARTILES if kind == "quartiles" else _MOMENTS))
    about = margins.attrs.get("long_name", margins.name or "margin")
    return found.assign_attrs(long_name=f"signature of {about}", units=margins.attrs.get("units", "1"))


def quartiles(values: FloatArray) -> FloatArray:
    """Lower fence, quartiles and upper fence ``[..., 5]`` of the values ``[..., n]`` that are not NaN.

    Examples
    --------
    >>> quartiles(np.array([[1.0, 2.0, 3.0, 9.0, np.nan], [np.nan] * 5])).tolist()
    [[1.0, 1.75, 2.5, 4.5, 3.0], [nan, nan, nan, nan, nan]]
    """
    first, median, third = _quantiles(values, (0.25, 0.5, 0.75))
    reach = _REACH * (third - first)
    low = np.where(values >= (first - reach)[..., None], values, np.inf).min(-1)
    high = np.where(values <= (third + reach)[..., None], values, -np.inf).max(-1)
    known = ~np.isnan(median)
    return np.stack([np.where(known, low, np.nan), first, median, third, np.where(known, high, np.nan)], axis=-1)


def moments(values: FloatArray) -> FloatArray:
    """Mean, and k-th roots of mean k-th powers for k from 2 to 5, ``[..., 5]``, of the values ``[..., n]`` that are not NaN.

    Examples
    --------
    >>> moments(np.array([0.0, 2.0, np.nan])).round(4).tolist()
    [1.0, 1.4142, 1.5874, 1.6818, 1.7411]
    """
    known = ~np.isnan(values)
    count = known.sum(-1)
    largest = np.where(known, np.abs(values), 0.0).max(-1)
    # In units of the largest value no power leaves the range of float64.
    unit = np.where(largest > 0, largest, 1.0)
    shares = np.where(known, values, 0.0) / unit[..., None]
    powers = np.stack([(shares**k).sum(-1) for k in range(1, 6)], axis=-1)
    means = powers / np.where(count > 0, count, np.nan)[..., None]
    found: FloatArray = np.sign(means) * np.abs(means) ** (1.0 / np.arange(1, 6)) * unit[..., None]
    return found


def _quantiles(values: FloatArray, levels: tuple[float, ...]) -> list[FloatArray]:
    """Quantiles ``[...]`` at each level, of the values ``[..., n]`` that are not NaN."""
    # NaN is sorted behind all values.
    ordered, last = np.sort(values, axis=-1), (~np.isnan(values)).sum(-1) - 1
    found = []
    for level in levels:
        place = level * np.maximum(last, 0)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(last, 0))
        low, high = (np.take_along_axis(ordered, at[..., None], -1)[..., 0] for at in (below, above))
        found.append(low + (place - below) * (high - low))
    return found
