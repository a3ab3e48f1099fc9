"""Whether some examples are easier than others: how often each is right among networks, beside a binomial law."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.lift import each, lift
from memjax.checks.labelled import require_array, require_dim, require_fraction

__all__ = ["easy_examples", "excess_of_counts"]

FloatArray = npt.NDArray[np.float64]


def easy_examples(
    correct: xr.DataArray, over: str = "seed", dim: str = "example", *, level: float = 0.99
) -> xr.Dataset:
    """How often each example is right among networks, against one probability for all examples.

    Arpit et al. (2017, arXiv:1706.05394) train networks of other initial parameters and orders of batches for one epoch. If
    all examples were equally hard, the number of networks that are right about an example would be binomial. Real data have
    examples about which nearly all networks are right.

    Parameters
    ----------
    correct
        Whether each network is right about each example, 0 or 1, ``(..., over, dim)``. An example of which no network has a
        value, such as a row outside of the train set, is NaN for all networks, and is left out.
    over
        Dimension of the N networks.
    dim
        Dimension of the n examples.
    level
        Least probability that the binomial law gives to its band.

    Returns
    -------
    xarray.Dataset
        ``probability`` float64 ``(..., dim)``: share of the networks that are right about an example. All others are float64
        ``(...)``: ``mean_accuracy`` p, the mean of these shares; ``variance_ratio``, their variance over that of the binomial
        law, whose expected value is 1 for equally hard examples; ``lower`` and ``upper``, ends of the central band of
        Binomial(N, p) over N; ``outside``, the number of examples outside of the band, and ``outside_expected`` by the binomial
        law; ``always``, the number of examples about which all networks are right, and ``always_expected``, n p^N. They are
        NaN without an example, and the ratio is NaN too where p is 0 or 1, or there is one example.

    Raises
    ------
    ValueError
        If ``correct`` is not a DataArray or lacks a dimension, a value is neither 0, 1 nor NaN, an example has values of some
        networks only, or ``level`` is not in (0, 1).

    Notes
    -----
    The ratio is s^2 / (N p (1 - p) c), with the variance s^2 of the counts (divisor n - 1) and c = n N / (n N - 1). Given the
    sum of all counts, the mean of the ratio is then exactly 1 for equally hard examples. If networks have unequal accuracies,
    the mean for equally hard examples is smaller than 1.

    Examples
    --------
    >>> correct = xr.DataArray([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0]], dims=("seed", "example"))
    >>> found = easy_examples(correct)
    >>> found.probability.values.tolist(), float(found.mean_accuracy), float(found.always)
    ([1.0, 0.5, 0.0, 0.5], 0.5, 1.0)
    >>> round(float(found.variance_ratio), 3)
    2.5
    """
    require_array(correct, "correct")
    require_dim(correct, over, "over")
    require_dim(correct, dim, "dim")
    require_fraction(level, "level")
    values = correct.astype(np.float64)
    _require_flags(values, over)
    found = lift(
        lambda flags: each(excess_of_counts, flags, 2, level=level), values, [over, dim], dict.fromkeys(_NUMBERS, ())
    )
    share = (
        values.mean(over).drop_attrs(deep=False).assign_attrs(long_name="share of networks that are right", units="1")
    )
    return found.assign(probability=share).assign_attrs(over=over, dim=dim, level=level)


_NUMBERS = (
    "mean_accuracy", "variance_ratio", "lower", "upper", "outside", "outside_expected", "always", "always_expected",
)  # fmt: skip


def _require_flags(values: xr.DataArray, over: str) -> None:
    missing = values.isnull()
    strange = values.values[~missing.values & (values.values != 0) & (values.values != 1)]
    if strange.size:
        raise ValueError(
            f"correct holds {strange[0]:g}, but only 0, 1 and NaN are allowed: give whether a network is right."
        )
    if bool((missing.any(over) & ~missing.all(over)).any()):
        raise ValueError(
            f"correct has examples with values of some entries of {over!r} only, but a count needs all of them: leave out the "
            "networks that diverged, and take one data set at a time."
        )


def excess_of_counts(flags: FloatArray, level: float) -> tuple[float, ...]:
    """Numbers of flags ``[N, n]`` in the order in which `easy_examples` names them; columns of NaN are left out.

    Examples
    --------
    >>> mean, ratio, *_ = excess_of_counts(np.array([[1.0, 0.0, np.nan], [1.0, 0.0, np.nan]]), 0.99)
    >>> mean, round(ratio, 3)
    (0.5, 3.0)
    """
    from scipy.stats import binom

    kept = flags[:, ~np.isnan(flags).any(0)]
    networks, examples = kept.shape
    if not examples:
        return (np.nan,) * len(_NUMBERS)
    counts, mean = kept.sum(0), float(kept.mean())
    tail = (1 - level) / 2
    low, high = float(binom.ppf(tail, networks, mean)), float(binom.isf(tail, networks, mean))
    within = float(binom.cdf(high, networks, mean) - binom.cdf(low - 1, networks, mean))
    return (
        mean, _variance_ratio(counts, networks, mean), low / networks, high / networks,
        float(((counts < low) | (counts > high)).sum()), examples * (1 - within),
        float((counts == networks).sum()), examples * mean**networks,
    )  # fmt: skip


def _variance_ratio(counts: FloatArray, networks: int, mean: float) -> float:
    total = networks * counts.size
    if counts.size < 2 or not 0 < mean < 1:
        return float("nan")
    return float(counts.var(ddof=1) / (networks * mean * (1 - mean) * total / (total - 1)))
