"""What a curve looks like, in one sentence that holds against seed noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from memjax.analysis._validate import positions, require_array, require_fraction, require_only_dims, with_dim
from memjax.analysis._verdict import judge
from memjax.analysis.formatting import format_interval
from memjax.analysis.intervals import mean_and_error
from memjax.analysis.peaks import peak
from memjax.analysis.power_law import fit_power_law

__all__ = ["Description", "describe"]


@dataclass(frozen=True, eq=False, repr=False)
class Description:
    """The verdict on one curve and what it rests on; ``str`` of it is the sentence.

    Attributes
    ----------
    verdict : str
        "rising", "falling", "inverted U", "U", "flat" or "cannot tell".
    evidence : str
        The differences the verdict rests on, with their intervals, or why there is no verdict.
    p_values : dict of str to float
        Bonferroni-adjusted p-value of each shape; NaN where it cannot be had.
    turn : xarray.Dataset or None
        For an inverted U the result of `peak`; for a U the same for the minimum (``prominence`` is then the depth
        below the lower end). None otherwise.
    power_law : xarray.Dataset or None
        Power law with offset on the branch of an inverted U, rising or falling curve before its largest (falling:
        smallest) mean value; that position is excluded unless it is the last. None otherwise.
    dim : str
        Dimension along which the curve is described.
    level : float
        Confidence level of every statement.
    seeds : int
        Number of seeds.
    """

    verdict: str
    evidence: str
    p_values: dict[str, float]
    turn: xr.Dataset | None
    power_law: xr.Dataset | None
    dim: str
    level: float
    seeds: int

    def __str__(self) -> str:
        """Return the verdict, the turning point and the power law, then the evidence on a second line."""
        head = self.verdict
        if self.turn is not None:
            head += f", {_turn_text(self.turn, self.verdict)}"
        if self.power_law is not None:
            head += f"; {_power_law_text(self.power_law)}"
        return f"{head}\n  {self.evidence}"

    __repr__ = __str__


def describe(
    curve: xr.DataArray,
    dim: str = "train_size",
    over: str = "seed",
    *,
    level: float = 0.95,
    flat_within: float = 0.1,
) -> Description:
    """Say whether a curve rises, falls, turns or is flat, judged against seed noise.

    Parameters
    ----------
    curve : xarray.DataArray
        Values, dimensions ``(over, dim)`` in any order, or ``(dim,)``. A position with fewer than two finite seeds is
        left out.
    dim : str
        Dimension of the positions, with a numeric coordinate.
    over : str
        Dimension of the seeds. Without it, or with one seed, the verdict is "cannot tell".
    level : float
        Confidence level: on a curve without any trend the chance of a verdict other than "flat" or "cannot tell" is at
        most ``1 - level``.
    flat_within : float
        A curve is "flat" when every position is shown to lie within this fraction of its overall mean.

    Returns
    -------
    Description
        Its ``str`` is the sentence; its attributes hold the numbers.

    Raises
    ------
    ValueError
        If ``curve`` is not a DataArray or has further dimensions, ``dim`` has no numeric coordinate, or ``level`` or
        ``flat_within`` is not in (0, 1).

    Notes
    -----
    The tests are one-sided Student-t tests on differences within a seed, Bonferroni-adjusted over shapes and
    candidate turning points. A significant turn outranks a significant difference between the ends. Two turns are
    not a shape in this list: the verdict is then "cannot tell".

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> size = 50 * 2 ** np.arange(10)
    >>> mean = np.array([9.15, 12.87, 17.56, 23.16, 30.05, 38.12, 40.47, 32.33, 26.56, 22.49])
    >>> noise = 0.1 * np.random.default_rng(0).standard_normal((4, 10))
    >>> gap = xr.DataArray(mean + noise, dims=("seed", "train_size"), coords={"train_size": size})
    >>> print(describe(gap, dim="train_size"))
    inverted U, maximum 40.4...
    """
    require_array(curve, "curve")
    require_only_dims(curve, (over, dim))
    positions(curve, dim)
    require_fraction(level, "level")
    require_fraction(flat_within, "flat_within")
    seeds = with_dim(curve, over).transpose(over, dim).sortby(dim)
    enough = np.isfinite(seeds.values).sum(axis=0) >= min(2, seeds.sizes[over])
    usable, x = seeds.isel({dim: enough}).astype(np.float64), positions(seeds, dim)[enough]
    shape, evidence, p_values = judge(usable.values, x, level, flat_within)
    turn = _turn(usable, dim, over, level, shape)
    law = _branch_power_law(usable, dim, over, level, shape)
    return Description(shape, evidence, p_values, turn, law, dim, level, int(seeds.sizes[over]))


def _turn(curve: xr.DataArray, dim: str, over: str, level: float, verdict: str) -> xr.Dataset | None:
    if verdict == "inverted U":
        return peak(curve, dim, over=over, level=level)
    if verdict != "U":
        return None
    valley = peak((-curve).assign_attrs(curve.attrs), dim, over=over, level=level)
    lower, upper = -valley.height_interval.sel(bound="upper"), -valley.height_interval.sel(bound="lower")
    return valley.assign(height=-valley.height, height_interval=valley.height_interval.copy(data=[lower, upper]))


def _branch_power_law(curve: xr.DataArray, dim: str, over: str, level: float, shape: str) -> xr.Dataset | None:
    if shape not in ("inverted U", "rising", "falling") or not (curve[dim].values > 0).all():
        return None
    mean = mean_and_error(curve.transpose(dim, over).values)[0]
    turn = int(mean.argmin() if shape == "falling" else mean.argmax())
    end = turn if turn < mean.size - 1 else mean.size
    # A maximum at the first position, possible in noise, leaves no branch.
    return fit_power_law(curve.isel({dim: slice(0, end)}), dim, offset=True, over=over, level=level) if end else None


def _turn_text(turn: xr.Dataset, verdict: str) -> str:
    name = "maximum" if verdict == "inverted U" else "minimum"
    height = format_interval(float(turn.height), turn.height_interval.values)
    where = f"{turn.attrs['dim']} = {float(turn.location):g}"
    agreement = float(turn.agreement)
    return f"{name} {height} at {where}" + (f" (in {agreement:.0%} of seeds)" if np.isfinite(agreement) else "")


def _power_law_text(law: xr.Dataset) -> str:
    low, high = law.attrs["range"]
    if not np.isfinite(law.exponent):
        return f"no power law with offset on {low:g}..{high:g} ({law.reason.item()})"
    exponent = format_interval(float(law.exponent), law.exponent_interval.values)
    r_squared = float(law.r_squared)
    return f"power law with offset, exponent {exponent} on {low:g}..{high:g} (R^2 = {r_squared:.4f})"
