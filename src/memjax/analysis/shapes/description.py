"""What a curve looks like, in one sentence that holds against seed noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.base.lift import BOUNDS, without
from memjax.analysis.fits.curve_models import CurveModel
from memjax.analysis.fits.fitting import positions_for
from memjax.analysis.fits.laws import LAWS
from memjax.analysis.fits.named_models import curve_model
from memjax.analysis.shapes.judge import Judged, Rules, default_candidates, judge
from memjax.analysis.shapes.peaks import peak
from memjax.analysis.shapes.sentence import infinite_text, law_text, turn_text, why
from memjax.analysis.shapes.shape import SHAPES
from memjax.checks.labelled import (
    require_array,
    require_dim,
    require_fraction,
    require_not_empty,
    require_resamples,
    with_dim,
)

__all__ = ["Description", "describe"]

FloatArray = npt.NDArray[np.float64]

_SHOWN = 20


@dataclass(frozen=True, eq=False, repr=False)
class Description:
    """Verdicts on curves and their evidence; ``str`` gives a sentence per curve.

    Attributes
    ----------
    evidence
        Everything below, float64 unless said otherwise, dimensions ``(...)`` of the curves and what stands in brackets:

        - ``shape``, str: "rising", "falling", "inverted U", "U", "flat" or "cannot tell";
        - ``p_value`` (``candidate_shape``): p-value of each shape, Bonferroni-adjusted; NaN if there is no test;
        - ``law``, str: the chosen candidate, "no law" if no candidate fits within the noise, "cannot tell", or empty if the
          shape leaves no branch to judge;
        - ``aicc_difference`` (``candidate``): criterion minus that of the best candidate, infinite if a candidate has no fit;
        - ``support`` (``candidate``): share of disturbed curves in which the candidate is the best law; NaN for "no law";
        - ``parameter_value`` (``parameter``), ``parameter_interval`` (``parameter``, ``bound``): of the law;
        - ``range`` (``bound``): first and last position of the branch that the law was judged on;
        - ``noise``: standard deviation of one run once the level of its seed is removed;
        - ``infinite`` (the positions): share of the runs, without those that are NaN, whose value is infinite, such as the time
          of a run that never got there; NaN at a position where all runs are NaN;
        - ``reason``, str: the differences that the shape rests on, with their intervals, or why there is no verdict.
    turn
        The result of `peak` for every inverted U, and for every U the same numbers of its minimum (``prominence`` is then the
        depth below the lower end). NaN for curves of other shapes.
    sentence
        str ``(...)``: verdicts, then the evidence on a second line. A third line says at which positions runs are infinite.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> loss = xr.DataArray(
    ...     [[9.0, 6.0, 4.0, 2.0], [9.1, 6.1, 4.0, 2.1], [8.9, 6.0, 4.1, 2.0]],
    ...     dims=("seed", "train_size"),
    ...     coords={"train_size": [50, 100, 200, 400]},
    ... )
    >>> said = describe(loss, resamples=0)
    >>> said.evidence["shape"].item(), said.evidence["noise"].round(2).item()
    ('falling', 0.06)
    >>> str(said).startswith("falling")
    True
    """

    evidence: xr.Dataset
    turn: xr.Dataset
    sentence: xr.DataArray

    def __str__(self) -> str:
        """The sentence of one curve, or the first twenty sentences with their labels."""
        if not self.sentence.ndim:
            return str(self.sentence.values)
        lines = [f"{self._label(index)}: {self.sentence.values[index]}" for index in self._first()]
        left = self.sentence.size - len(lines)
        return "\n".join([*lines, *([f"... and {left} more"] if left > 0 else [])])

    __repr__ = __str__

    def _first(self) -> list[tuple[int, ...]]:
        return list(np.ndindex(self.sentence.shape))[:_SHOWN]

    def _label(self, index: tuple[int, ...]) -> str:
        places = zip(self.sentence.dims, index, strict=True)
        return ", ".join(f"{dim} = {self.sentence[dim].values[i]}" for dim, i in places)


def describe(
    curve: xr.DataArray,
    dim: str = "train_size",
    over: str = "seed",
    *,
    candidates: Sequence[str | CurveModel] | None = None,
    level: float = 0.95,
    margin: float = 4.0,
    flat_within: float = 0.1,
    resamples: int = 200,
    rng_seed: int = 0,
) -> Description:
    """Say whether a curve rises, falls, turns or is flat, and which law it follows, judged against seed noise.

    Parameters
    ----------
    curve
        Values, dimensions ``(..., over, dim)`` in any order. Non-finite values are left out; a position with fewer than
        two finite seeds is skipped. Infinite values, which are the times of runs that never got there, are counted in
        ``infinite`` and in the sentence.
    dim
        Dimension of the positions, with a numeric coordinate.
    over
        Dimension of the seeds. Without a second seed the verdict is always "cannot tell".
    candidates
        Laws to compare, by name as in `fit`. By default all built-in laws that the positions allow, without the broken power
        law. Sigmoid and plateau are taken in log x if x is positive and spans more than a decade, in x otherwise.
    level
        Confidence level, between 0 and 1.
    margin
        By how much the criterion of every rival must exceed the criterion of the best law for a verdict.
    flat_within
        Largest deviation from the overall mean, as a fraction of the mean, that still counts as flat.
    resamples
        Number of disturbed curves for ``support`` and for the intervals of parameters. The intervals use at least 100 curves.
        0 leaves both out and is a hundred times faster.
    rng_seed
        Seed of the disturbed curves.

    Returns
    -------
    Description
        Verdicts with their evidence; print it for the sentences.

    Raises
    ------
    ValueError
        If ``curve`` is not a DataArray, ``dim`` has no numeric coordinate, a candidate is not known or cannot take the
        positions, positions repeat, the array is empty, ``level`` or ``flat_within`` is not in (0, 1), or ``resamples`` are
        too few for the level.

    Notes
    -----
    *Shape*: one-sided Student-t tests on differences within a seed, Bonferroni-adjusted over shapes and candidate
    turning points. A significant turn outranks a significant difference between the ends. If the curve also moves
    significantly against the direction of its shape, as a W does, the curve has no shape in this list, and the verdict is
    "cannot tell".

    *Law*: AICc over single seeds (not over the mean curve), on the branch before the turn of a U or an inverted U, otherwise
    on the whole curve; at least four positions. The best candidate is named if it beats every rival by ``margin``. Laws that
    contain the best candidate (a power law with an offset contains the power law without) are no rivals, because data can
    never rule them out. So a verdict names the simplest law that the data support, and does not exclude richer laws. "no
    law", a free value at every position, is a candidate. ``docs/coverage.md`` says how often verdicts are right on curves
    whose truth is known.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> size = 50 * 2 ** np.arange(10)
    >>> mean = np.array([9.15, 12.87, 17.56, 23.16, 30.05, 38.12, 40.47, 32.33, 26.56, 22.49])
    >>> noise = 0.1 * np.random.default_rng(0).standard_normal((4, 10))
    >>> gap = xr.DataArray(mean + noise, dims=("seed", "train_size"), coords={"train_size": size})
    >>> said = describe(gap, dim="train_size")
    >>> print(said)
    inverted U, maximum 40.4...
    >>> said.evidence["shape"].item(), said.evidence["range"].values
    ('inverted U', array([  50., 1600.]))
    """
    require_array(curve, "curve")
    require_dim(curve, dim, "dim")
    require_not_empty(curve, over, dim)
    require_fraction(level, "level")
    require_fraction(flat_within, "flat_within")
    if resamples:
        require_resamples(max(resamples, 100), level)
    seeds = with_dim(curve, over).transpose(..., over, dim).sortby(dim).astype(np.float64)
    x = positions_for(LAWS["linear"], seeds, dim)
    rules = Rules(_candidates(candidates, x, dim), level, margin, flat_within, resamples, rng_seed)
    infinite, seeds = seeds.isin([np.inf, -np.inf]), seeds.where(np.isfinite(seeds))
    values = _curves(seeds)
    judged = judge(values, x, rules)
    turn = _turns(seeds, judged, dim, over, rules)
    reasons = [why(one, x, _only(judged, i), rules) for i, one in enumerate(values)]
    lead = without(seeds, over, dim)
    never = [infinite_text(one, ~np.isnan(values[i]), x, dim) for i, one in enumerate(_curves(infinite))]
    sentences = [f"{a}{b}" for a, b in zip(_sentences(judged, reasons, turn, rules), never, strict=True)]
    counted = infinite.sum(over) + seeds.notnull().sum(over)
    evidence = _evidence(judged, reasons, lead, rules).assign(infinite=infinite.sum(over) / counted.where(counted > 0))
    evidence.attrs = {"dim": dim, "over": over, "seeds": int(seeds.sizes[over]), "level": level, "margin": margin}
    return Description(evidence, turn, _like(lead, np.array(sentences)).rename("sentence"))


def _candidates(candidates: Sequence[str | CurveModel] | None, x: FloatArray, dim: str) -> tuple[CurveModel, ...]:
    if candidates is None:
        return default_candidates(x, list(LAWS.values()))
    if isinstance(candidates, str) or not candidates:
        raise ValueError(
            f"candidates = {candidates!r} must be a list of one or more laws, such as ['linear', 'power law']."
        )
    models = tuple(curve_model(candidate) for candidate in candidates)
    for model in models:
        if model.positive_x and not (x > 0.0).all():
            raise ValueError(
                f"The candidate {model.name!r} needs positive positions, and dim = {dim!r} has {x.min():g}; leave it out."
            )
    return models


def _curves(seeds: xr.DataArray) -> np.ndarray:
    """Values ``[M, S, n]`` of all curves."""
    return seeds.values.reshape(-1, *seeds.shape[-2:])


def _only(judged: Judged, index: int) -> Judged:
    return Judged(*(column[index : index + 1] for column in judged))


def _turns(seeds: xr.DataArray, judged: Judged, dim: str, over: str, rules: Rules) -> xr.Dataset:
    """Maximum of every inverted U, minimum of every U; NaN elsewhere."""
    shape = judged.shape.reshape(seeds.shape[:-2])
    enough = (seeds.notnull().sum(over) >= 2).broadcast_like(seeds)
    sign = xr.DataArray(np.where(shape == "U", -1.0, 1.0), dims=seeds.dims[:-2])
    kept = xr.DataArray(np.isin(shape, ("U", "inverted U")), dims=seeds.dims[:-2])
    found = peak(
        (sign * seeds).where(enough & kept),
        dim,
        over=over,
        level=rules.level,
        resamples=rules.resamples,
        rng_seed=rules.rng_seed,
    )
    found["height"] = sign * found["height"]
    ends = found["height_interval"]
    found["height_interval"] = ends.copy(
        data=np.where(sign.values[..., None] < 0, -ends.values[..., ::-1], ends.values)
    )
    return found


def _sentences(judged: Judged, reasons: Sequence[str], turn: xr.Dataset, rules: Rules) -> list[str]:
    lead = turn["height"].ndim
    turns = {str(name): values.values.reshape(-1, *values.shape[lead:]) for name, values in turn.data_vars.items()}
    lines = []
    for i, reason in enumerate(reasons):
        head, law = str(judged.shape[i]), law_text(_only(judged, i), rules)
        if head in ("U", "inverted U"):
            head += f", {turn_text({name: column[i] for name, column in turns.items()}, turn.attrs['dim'], head)}"
        lines.append(f"{head}{'; ' if law else ''}{law}\n  {reason}")
    return lines


def _like(lead: xr.DataArray, values: np.ndarray, **dims: Sequence[str]) -> xr.DataArray:
    """Values ``[M, ...]`` as a labelled array: the dimensions of the curves, then further dimensions by name with labels."""
    coords: dict[Any, Any] = {**lead.coords, **{name: list(labels) for name, labels in dims.items()}}
    return xr.DataArray(values.reshape((*lead.shape, *values.shape[1:])), dims=(*lead.dims, *dims), coords=coords)


def _evidence(judged: Judged, reasons: Sequence[str], lead: xr.DataArray, rules: Rules) -> xr.Dataset:
    laws, names = {"candidate": rules.names}, {"parameter": rules.parameters}
    return xr.Dataset(
        {
            "shape": _like(lead, judged.shape),
            "p_value": _like(lead, judged.p_values, candidate_shape=SHAPES),
            "law": _like(lead, judged.law),
            "aicc_difference": _like(lead, judged.difference, **laws),
            "support": _like(lead, judged.support, **laws),
            "parameter_value": _like(lead, judged.parameters, **names),
            "parameter_interval": _like(lead, judged.intervals, **names, bound=BOUNDS),
            "range": _like(lead, judged.span, bound=BOUNDS),
            "noise": _like(lead, judged.noise),
            "reason": _like(lead, np.array(reasons)),
        }
    )
