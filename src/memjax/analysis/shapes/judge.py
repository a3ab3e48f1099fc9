"""The verdict on many curves given as arrays of seeds: shape, law of the branch, and the evidence for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memjax.analysis.base.noise import Spread, patterns, remove_seed_effects, spread
from memjax.analysis.base.resampling import student_means
from memjax.analysis.fits.curve_models import CurveModel
from memjax.analysis.fits.fit_of_seeds import Options, fit_of_seeds
from memjax.analysis.shapes.forms import NO_LAW, choose, criterion
from memjax.analysis.shapes.shape import SHAPES, is_flat, reversal_p_value, shape_p_values

__all__ = ["CANNOT_TELL", "Judged", "Rules", "judge"]

FloatArray = npt.NDArray[np.float64]

CANNOT_TELL = "cannot tell"
_LEAST = 4


@dataclass(frozen=True)
class Rules:
    """What counts as evidence; see `memjax.analysis.describe`."""

    candidates: tuple[CurveModel, ...]
    level: float = 0.95
    margin: float = 4.0
    flat_within: float = 0.1
    resamples: int = 200
    rng_seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the candidates, and "no law"."""
        return (*(model.name for model in self.candidates), NO_LAW)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters of all candidates."""
        return tuple(dict.fromkeys(name for model in self.candidates for name in model.parameters))


class Judged(NamedTuple):
    """Verdicts on M curves, with C candidates and "no law", and Q names of parameters.

    Attributes
    ----------
    shape, law
        Verdicts, ``str[M]``; the law is empty if the shape leaves no branch to judge.
    p_values
        P-value of every shape, ``[M, 4]``.
    difference, support
        Criterion minus the best criterion, and share of disturbed curves in which each candidate is best, ``[M, C + 1]``.
    rival, margin
        Index of the closest rival, and how far the rival is behind, ``[M]``.
    span
        First and last position of the branch, ``[M, 2]``.
    parameters, intervals
        Parameters of the law and their intervals, ``[M, Q]`` and ``[M, Q, 2]``.
    noise
        Standard deviation of one run once the level of its seed is removed, ``[M]``.
    """

    shape: np.ndarray
    law: np.ndarray
    p_values: FloatArray
    difference: FloatArray
    support: FloatArray
    rival: np.ndarray
    margin: FloatArray
    span: FloatArray
    parameters: FloatArray
    intervals: FloatArray
    noise: FloatArray


def judge(values: FloatArray, x: FloatArray, rules: Rules) -> Judged:
    """Judge curves against the noise between their seeds.

    Parameters
    ----------
    values
        float64 ``[M, S, n]``; NaN where a run diverged. A position with fewer than two finite seeds is left out.
    x
        Ascending positions ``[n]``.
    rules
        What counts as evidence.

    Returns
    -------
    Judged
        Verdicts and evidence; "cannot tell" for a curve without second seed or with too few positions.

    Examples
    --------
    >>> import numpy as np
    >>> from memjax.analysis.fits.named_models import curve_model
    >>> values = np.array([[[1.0, 2.0, 3.0, 4.0, 5.0], [1.1, 2.0, 3.1, 4.0, 5.1], [0.9, 2.1, 3.0, 4.1, 5.0]]])
    >>> rules = Rules((curve_model("constant"), curve_model("linear")))
    >>> found = judge(values, np.array([1.0, 2.0, 3.0, 4.0, 5.0]), rules)
    >>> found.shape.tolist(), found.law.tolist()
    (['rising'], ['linear'])
    """
    judged = _blank(len(values), rules)
    for rows, mask in patterns(np.isfinite(values).sum(axis=1) >= 2):
        if mask.sum() >= 3:
            _judge_shapes(judged, rows, values[np.ix_(rows, np.arange(values.shape[1]), mask)], x[mask], rules)
    _judge_laws(judged, values, x, rules)
    return judged._replace(shape=judged.shape.astype(str), law=judged.law.astype(str))


def _blank(count: int, rules: Rules) -> Judged:
    laws, names = len(rules.names), len(rules.parameters)
    nan = lambda *shape: np.full((count, *shape), np.nan)  # noqa: E731
    text = lambda value: np.full(count, value, object)  # noqa: E731
    return Judged(
        text(CANNOT_TELL), text(""), nan(len(SHAPES)), nan(laws), nan(laws), np.zeros(count, int),
        nan(), nan(2), nan(names), nan(names, 2), nan(),
    )  # fmt: skip


def _judge_shapes(judged: Judged, rows: np.ndarray, values: FloatArray, x: FloatArray, rules: Rules) -> None:
    p_values = shape_p_values(values)
    found = p_values < 1.0 - rules.level
    # Turns come last in SHAPES, because a turn outranks a difference between the ends. Both turns at once are no shape.
    last = len(SHAPES) - 1 - found[:, ::-1].argmax(axis=1)
    names = np.where(found.any(axis=1), np.array(SHAPES, object)[last], CANNOT_TELL)
    names[found[:, 2] & found[:, 3]] = CANNOT_TELL
    names[~found.any(axis=1) & is_flat(values, rules.flat_within, rules.level)] = "flat"
    levelled, shared = remove_seed_effects(values)
    seeds = spread(levelled, shared)
    turn = np.where(names == "U", seeds.mean.argmin(axis=1), seeds.mean.argmax(axis=1))
    names[reversal_p_value(values, names, turn) < 1.0 - rules.level] = CANNOT_TELL
    judged.shape[rows], judged.p_values[rows] = names, p_values
    judged.noise[rows] = np.sqrt(seeds.variance)
    ends = np.where(np.isin(names, ("U", "inverted U")), turn - 1, x.size - 1)
    judged.span[rows] = np.stack([np.full(len(rows), x[0]), x[ends]], axis=1)


def _judge_laws(judged: Judged, values: FloatArray, x: FloatArray, rules: Rules) -> None:
    """Judge the law of the branch of every curve that has a direction, curves of one branch at a time."""
    enough = np.isfinite(values).sum(axis=1) >= 2
    inside = (x >= judged.span[:, :1]) & (x <= judged.span[:, 1:]) & enough
    directed = np.isin(judged.shape.astype(str), SHAPES)
    for rows, mask in patterns(inside & directed[:, None]):
        if mask.sum() >= _LEAST:
            branch = values[np.ix_(rows, np.arange(values.shape[1]), mask)]
            _judge_branch(judged, rows, branch, x[mask], rules)


def _judge_branch(judged: Judged, rows: np.ndarray, values: FloatArray, x: FloatArray, rules: Rules) -> None:
    levelled, shared = remove_seed_effects(values)
    seeds = spread(levelled, shared)
    values_of = criterion(rules.candidates, seeds, x, shared)
    choice = choose(values_of, rules.names)
    judged.difference[rows] = values_of - values_of.min(axis=1, keepdims=True)
    judged.rival[rows], judged.margin[rows] = choice.rival, choice.margin
    sure = choice.margin >= rules.margin
    judged.law[rows] = np.where(sure, np.array(rules.names, object)[choice.best], CANNOT_TELL)
    if rules.resamples:
        for i, row in enumerate(rows):
            judged.support[row] = _support(
                levelled[i], x, Spread(*(part[i : i + 1] for part in seeds)), shared[i], rules
            )
    # If every seed has every position, the levels sum to zero and belong to the uncertainty of the mean.
    complete = np.asarray(np.isfinite(values).all(axis=(1, 2)))[:, None, None]
    curves = np.where(complete, values, levelled)
    for index in np.unique(choice.best[sure]):
        if index < len(rules.candidates):
            _fill_parameters(judged, rows, sure & (choice.best == index), curves, x, rules.candidates[index], rules)


def _support(values: FloatArray, x: FloatArray, seeds: Spread, shared: float, rules: Rules) -> FloatArray:
    """Share of mean curves, disturbed along the seeds, in which each law has the smallest criterion.

    "no law" has no share: a disturbed mean holds the noise twice, which would count against every law.
    """
    draws = student_means(values, rules.resamples, rules.rng_seed)
    repeated = Spread(draws, *(np.repeat(part, len(draws), axis=0) for part in seeds[1:]))
    best = criterion(rules.candidates, repeated, x, np.full(len(draws), shared))[:, :-1].argmin(axis=1)
    return np.append(np.bincount(best, minlength=len(rules.candidates)) / len(draws), np.nan)


def _fill_parameters(
    judged: Judged,
    rows: np.ndarray,
    chosen: np.ndarray,
    values: FloatArray,
    x: FloatArray,
    model: CurveModel,
    rules: Rules,
) -> None:
    draws = max(rules.resamples, 100)
    options = Options(interval="bootstrap" if rules.resamples else None, level=rules.level, resamples=draws)
    fits = fit_of_seeds(model, values[chosen], x, options)
    at = [rules.parameters.index(name) for name in model.parameters]
    judged.parameters[np.ix_(rows[chosen], at)] = fits.parameters
    judged.intervals[np.ix_(rows[chosen], at)] = fits.intervals


def default_candidates(x: FloatArray, laws: Sequence[CurveModel]) -> tuple[CurveModel, ...]:
    """Candidates that the positions allow; sigmoids and plateaus are in log x if a positive x spans more than a decade."""
    positive = x[0] > 0.0
    wide = positive and x[-1] > 10.0 * x[0]
    left_out = {"broken power law", *(("plateau", "logistic") if wide else ("log plateau", "Hill"))}
    return tuple(model for model in laws if model.name not in left_out and (positive or not model.positive_x))
