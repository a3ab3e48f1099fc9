"""How a time grows along a position, when some runs never got there: laws compared, slopes with intervals."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax.analysis.base.lift import each, lift
from memjax.analysis.times.growth_fit import GrowthOptions, growth_of_runs
from memjax.analysis.times.growth_laws import GROWTH_LAWS
from memjax.checks.labelled import (
    positions,
    require_array,
    require_fraction,
    require_not_empty,
    require_resamples,
    with_dim,
)

__all__ = ["growth"]


def growth(
    times: xr.DataArray,
    budget: float,
    dim: str = "train_size",
    *,
    over: str = "seed",
    level: float = 0.95,
    resamples: int = 200,
    rng_seed: int = 0,
) -> xr.Dataset:
    """Compare laws of how a time depends on a position, such as the time to grok on the share of data.

    Parameters
    ----------
    times
        Positive times ``(..., over, dim)``. Infinity is the time of a run that had not got there by ``budget``; such a run
        counts. NaN (a diverged run) is left out.
    budget
        Length of a run, in units of the times. An infinite time is known to lie above the budget.
    dim
        Dimension of the positions x, with positive numbers as coordinate.
    over
        Dimension of the seeds. Without this dimension there are no intervals.
    level
        Nominal coverage of the intervals, between 0 and 1.
    resamples
        Number of sets of seeds drawn for the intervals; 0 for no intervals.
    rng_seed
        Seed of the draws.

    Returns
    -------
    xarray.Dataset
        By ``law``, float64: ``intercept`` a, ``coefficient`` b, ``shape`` c (NaN for a law without shape) of ``formula``, with
        ``coefficient_interval`` and ``shape_interval`` ``(law, bound)``; ``scatter``, the standard deviation of log T about
        the law; ``log_likelihood``, ``aicc``, ``weight`` (Akaike's, sums to 1), ``share`` of the sets drawn in which the law is
        best; ``predicted`` ``(law, dim)``, the median time; ``slope`` ``(law, dim)``, d log T / dx, and ``slope_interval``;
        ``reason`` str, empty when fine. ``curvature`` and ``curvature_interval``: d^2 log T / dx^2 of a parabola, which is
        above 0 if T grows faster than exponentially as x falls.

    Raises
    ------
    ValueError
        If ``times`` is not a DataArray, a time is not positive or lies above the budget, ``dim`` has no positive numeric
        coordinate with two or more different values, or an option is out of range.

    Notes
    -----
    Laws of log T are "constant", "exponential" (a + b x), "power law" (a + b log x), "exponential in 1/x", "critical
    power law" (infinite at and below c) and "double exponential"; the last three bend faster than exponentially. Each law is
    fitted by maximum likelihood to single runs, with log T normal about the law. A run that had not got there by the budget
    contributes the probability of a time above the budget (J. Tobin, Econometrica 26, 1958). Leaving such runs out, or taking
    the budget for their time, flattens the law where it is steepest. AICc is -2 ln L + 2 k n / (n - k - 1) with n runs and k
    free numbers.

    Intervals are percentiles of fits to seeds drawn with replacement, all positions of a seed together, with distances
    from the estimate widened by sqrt(S / (S - 1)) t / z for S seeds (T. C. Hesterberg, The American Statistician 69,
    2015, section 4.1). Compare ``weight`` with ``share`` before you name a law: a range of x as wide as an octave seldom tells
    two laws apart.

    Examples
    --------
    >>> x = np.linspace(0.3, 0.8, 6)
    >>> rng = np.random.default_rng(0)
    >>> steps = np.exp(11.0 - 9.0 * x + 0.1 * rng.normal(size=(4, 6)))
    >>> times = xr.DataArray(np.where(steps < 4000.0, steps, np.inf), dims=("seed", "fraction"), coords={"fraction": x})
    >>> found = growth(times, 4000.0, "fraction").sel(law="exponential")
    >>> int(np.isinf(times).sum()), found["coefficient"].round(1).item()
    (3, -9.0)
    """
    require_array(times, "times")
    require_not_empty(times, over, dim)
    require_fraction(level, "level")
    if resamples != 0:
        require_resamples(resamples, level)
    x = _positions(times, dim)
    _require_times(times, budget)
    options = GrowthOptions(float(budget), level, resamples, rng_seed)
    outputs = {name: tuple(dim if new == "dim" else new for new in dims) for name, dims in OUTPUTS.items()}
    found = lift(
        lambda values: each(growth_of_runs, values, 2, x=x, options=options),
        with_dim(times, over),
        [over, dim],
        outputs,
    )
    formulas = [law.formula for law in GROWTH_LAWS]
    found = found.assign_coords(law=[law.name for law in GROWTH_LAWS], formula=("law", formulas)).assign_coords(
        {dim: times[dim]}
    )
    return found.assign_attrs(dim=dim, budget=float(budget), level=level, resamples=resamples, rng_seed=rng_seed)


OUTPUTS = {
    **dict.fromkeys(
        ("intercept", "coefficient", "shape", "scatter", "log_likelihood", "aicc", "weight", "share"), ("law",)
    ),
    **dict.fromkeys(("coefficient_interval", "shape_interval"), ("law", "bound")),
    **dict.fromkeys(("predicted", "slope"), ("law", "dim")),
    "slope_interval": ("law", "dim", "bound"),
    "curvature": (),
    "curvature_interval": ("bound",),
    "reason": ("law",),
}
"""Results and their dimensions, in the order in which a fit returns them."""


def _positions(times: xr.DataArray, dim: str) -> np.ndarray:
    x = positions(times, dim)
    if (x == 0.0).any() and (x >= 0.0).all():
        keep = f"slice({int((x == 0.0).sum())}, None)" if (np.diff(x) >= 0.0).all() else f"times[{dim!r}].values > 0"
        raise ValueError(
            f"dim = {dim!r} has the coordinate value 0, and the laws need positive values: leave 0 out first, for example with "
            f".isel({dim}={keep})."
        )
    if not (x > 0.0).all() or np.unique(x).size < 2:
        raise ValueError(
            f"dim = {dim!r} has coordinate values {x.tolist()}: positive ones are needed, two or more of them different."
        )
    return x


def _require_times(times: xr.DataArray, budget: float) -> None:
    known = times.where(np.isfinite(times))
    if not np.isfinite(budget) or (times <= 0.0).any() or (known > budget).any():
        raise ValueError(
            f"The times go from {float(times.min()):g} to {float(known.max()):g}, and budget = {budget!r}: give "
            f"positive times up to a finite budget, and infinity for runs that take longer."
        )
