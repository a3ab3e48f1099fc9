"""Which law a curve follows, among candidates, by the corrected information criterion of Akaike.

The criterion is taken over single seeds, not over the mean curve, so that the noise counts:

    AICc = N ln(RSS/N) + 2 K + 2 K (K + 1)/(N - K - 1),    RSS = within + sum_i count_i (mean_i - law(x_i))^2,

where N counts all values, ``within`` is the sum of squares of the seeds around their mean once each seed's level is removed,
and K counts the law's parameters, the levels and the variance (Hurvich and Tsai 1989, doi:10.1093/biomet/76.2.297). The place
of a jump counts as three parameters (Ninomiya 2015, doi:10.1007/s10463-014-0481-x). "no law" has a free value at every
position, and wins if no candidate fits within the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memjax.analysis.base.noise import Spread
from memjax.analysis.fits.curve_models import CurveModel
from memjax.analysis.fits.least_squares import fit_curves

__all__ = ["NO_LAW", "Choice", "choose", "criterion"]

FloatArray = npt.NDArray[np.float64]

NO_LAW = "no law"
_JUMP_COST = 2

# If a law contains another one, exactly or as a limit, its residual is never larger. So data cannot rule out the richer law in
# favour of the simpler one.
_CONTAINED_IN = {
    "linear": ("offset power law", "saturating", "plateau", "logistic"),
    "logarithmic": ("offset power law", "log plateau", "Hill"),
    "power law": ("offset power law", "broken power law", "Hill"),
    "offset power law": ("Hill",),
    "exponential": ("saturating", "logistic"),
    "saturating": ("logistic",),
    "step": ("logistic", "Hill"),
}


class Choice(NamedTuple):
    """Indices of the best candidate and of its closest rival, and how far the rival is behind, ``[M]`` each."""

    best: np.ndarray
    rival: np.ndarray
    margin: FloatArray


def criterion(models: Sequence[CurveModel], seeds: Spread, x: FloatArray, shared: FloatArray | int = 0) -> FloatArray:
    """AICc ``[M, C + 1]`` of curves under every candidate and, last, under a free value at every position.

    Parameters
    ----------
    models
        The C candidates.
    seeds
        Means ``[M, n]``, counts and noise of the curves, all finite.
    x
        Ascending positions ``[n]``.
    shared
        Number of levels of seeds ``[M]`` that were removed.

    Returns
    -------
    numpy.ndarray
        The criterion; infinite for a candidate that has no best fit, or too many parameters for the values.
    """
    columns = [_criterion(seeds, shared, *_residual(model, seeds, x)) for model in models]
    free = np.where(seeds.degrees > 0, 0.0, np.nan)
    return np.stack([*columns, _criterion(seeds, shared, free, x.size)], axis=1)


def choose(values: FloatArray, names: Sequence[str]) -> Choice:
    """Choose the candidate with the smallest criterion ``[M, C]``, and say how far the closest rival is behind.

    Laws that contain the chosen law are no rivals. If no criterion is finite, the first candidate is chosen with a NaN margin.

    Examples
    --------
    >>> import numpy as np
    >>> choose(np.array([[3.0, 4.0, 9.0]]), ["power law", "offset power law", "linear"])
    Choice(best=array([0]), rival=array([2]), margin=array([6.]))
    """
    best = values.argmin(axis=1)
    contains = np.array([[b in (a, NO_LAW) or b in _CONTAINED_IN.get(a, ()) for b in names] for a in names])
    others = np.where(contains[best], np.inf, values)
    rival = others.argmin(axis=1)
    least = np.take_along_axis(values, best[:, None], axis=1)[:, 0]
    nearest = np.take_along_axis(others, rival[:, None], axis=1)[:, 0]
    margin = nearest - np.where(np.isfinite(least), least, np.nan)
    return Choice(best, rival, margin)


def _residual(model: CurveModel, seeds: Spread, x: FloatArray) -> tuple[FloatArray, int]:
    parameters = len(model.parameters)
    jump = _JUMP_COST if model.separable is not None and model.separable.exhaustive else 0
    if x.size <= parameters:
        return np.full(len(seeds.mean), np.nan), parameters
    same = (seeds.counts == seeds.counts[0]).all()
    fitted = fit_curves(model, x, seeds.mean, seeds.counts[0] if same else seeds.counts)
    return np.where(fitted.at_limit, np.nan, fitted.rss), parameters + jump


def _criterion(seeds: Spread, shared: FloatArray | int, rss: FloatArray, parameters: int) -> FloatArray:
    values = seeds.counts.sum(axis=1)
    free = parameters + 1.0 + shared
    # Residuals of exact curves are rounding. The floor makes candidates that fit exactly differ by their parameters only.
    rounding = values * (64.0 * np.finfo(np.float64).eps * np.abs(seeds.mean).max(axis=1)) ** 2
    spare = values - free - 1.0
    total = np.maximum(seeds.within + rss, np.where(rounding > 0.0, rounding, 1.0))
    found = values * np.log(total / values) + 2.0 * free + 2.0 * free * (free + 1.0) / np.where(spare > 0, spare, 1.0)
    return np.where((spare > 0) & np.isfinite(rss), found, np.inf)
