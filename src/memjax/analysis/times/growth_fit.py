"""Fits of the laws of growth to the times of one set of runs, and to its seeds drawn again with replacement."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memjax.analysis.base.intervals import student_quantile
from memjax.analysis.base.resampling import central_interval
from memjax.analysis.times.growth_laws import GROWTH_LAWS, GrowthLaw
from memjax.analysis.times.tobit import tobit

__all__ = ["GrowthOptions", "growth_of_runs"]

FloatArray = npt.NDArray[np.float64]

_REFINED = np.linspace(-1.0, 1.0, 9)


class GrowthOptions(NamedTuple):
    """How intervals are made, and the budget: longer times were not seen."""

    budget: float
    level: float
    resamples: int
    rng_seed: int


class _LawFit(NamedTuple):
    """One law fitted to R sets of seeds: coefficients ``[R, 2]``, shapes, deviations and log-likelihoods ``[R]``."""

    coefficients: FloatArray
    shape: FloatArray
    deviation: FloatArray
    log_likelihood: FloatArray
    at_end: bool


def growth_of_runs(times: FloatArray, x: FloatArray, options: GrowthOptions) -> tuple[np.ndarray, ...]:
    """Results for times ``[S, n]`` at positions ``[n]``, in the order of ``growth.OUTPUTS``; infinite times were not seen."""
    laws, bounds = len(GROWTH_LAWS), 2
    reason = _too_few(times)
    if reason:
        shapes = [(laws,)] * 8 + [(laws, bounds)] * 2 + [(laws, x.size)] * 2 + [(laws, x.size, bounds), (), (bounds,)]
        return (*(np.full(shape, np.nan) for shape in shapes), np.full(laws, reason))
    keep = ~np.isnan(times)
    seed, place = np.nonzero(keep)
    above = np.isinf(times[keep])
    y = np.log(np.where(above, options.budget, times[keep]))
    weights = _drawn(len(times), options)[:, seed]
    span = np.array([x[place[~above]].min(), x.min(), x.max()])
    fits = [_fit(law, x[place], y, above, weights, span) for law in GROWTH_LAWS]
    return _results(fits, x, span, above.size, weights, _curvatures(x[place], y, above, weights), options, len(times))


def _too_few(times: FloatArray) -> str:
    known = np.isfinite(times)
    if known.sum() < 4 or known.any(axis=0).sum() < 3:
        return f"{known.sum()} times at {known.any(axis=0).sum()} positions, at least 4 at 3 needed"
    if np.ptp(np.log(times[known])) == 0.0:
        return "all times are the same"
    return ""


def _drawn(seeds: int, options: GrowthOptions) -> FloatArray:
    """How often each seed counts ``[R + 1, S]``: once each in the first set, then as drawn with replacement."""
    rng = np.random.default_rng(options.rng_seed)
    draws = options.resamples if seeds > 1 else 0
    return np.concatenate([np.ones((1, seeds)), rng.multinomial(seeds, np.full(seeds, 1.0 / seeds), draws)])


def _fit(
    law: GrowthLaw, x: FloatArray, y: FloatArray, above: np.ndarray, weights: FloatArray, span: FloatArray
) -> _LawFit:
    grid = law.shapes(span)
    found = tobit(law.columns(x, grid, span), y, above, weights[:, None])
    rows, best = np.arange(len(weights)), found[2].argmax(axis=1)
    if grid.size > 1:
        near = grid[np.clip(best[:, None] + np.array([-1, 0, 1]), 0, grid.size - 1)]
        shapes = (
            near[:, 1:2] + np.where(_REFINED < 0, near[:, 1:2] - near[:, :1], near[:, 2:] - near[:, 1:2]) * _REFINED
        )
        end = bool(best[0] in (0, grid.size - 1))
        found = tobit(law.columns(x, shapes, span), y, above, weights[:, None])
        best = found[2].argmax(axis=1)
        shape = shapes[rows, best]
    else:
        shape, end = np.full(len(weights), np.nan), False
    coefficients = np.zeros((len(weights), 2))
    coefficients[:, : found[0].shape[-1]] = found[0][rows, best]
    return _LawFit(coefficients, shape, found[1][rows, best], found[2][rows, best], end)


def _curvatures(x: FloatArray, y: FloatArray, above: np.ndarray, weights: FloatArray) -> FloatArray:
    """Second derivative of a parabola through log T, ``[R]``."""
    u = (x - x.mean()) / np.ptp(x)
    return 2.0 * tobit(np.stack([np.ones_like(u), u, u**2], axis=-1), y, above, weights)[0][:, 2] / np.ptp(x) ** 2


def _results(
    fits: list[_LawFit], x: FloatArray, span: FloatArray, runs: int, weights: FloatArray, curvature: FloatArray,
    options: GrowthOptions, seeds: int,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    free = np.array([law.free for law in GROWTH_LAWS])
    penalty = np.where(runs > free + 1, 2.0 * free * runs / np.maximum(runs - free - 1.0, 1.0), np.inf)
    counts = weights.sum(axis=1)
    likelihood = np.stack([fit.log_likelihood for fit in fits], axis=1)
    # A drawn set may hold fewer runs than the sweep; the criterion compares laws within one set.
    aicc = penalty - 2.0 * likelihood * (runs / counts)[:, None]
    relative = np.exp(-0.5 * (aicc[0] - aicc[0].min()))
    chosen = np.bincount(aicc[1:].argmin(axis=1), minlength=len(fits)) / max(len(aicc) - 1, 1)
    share = chosen if len(aicc) > 1 else np.full(len(fits), np.nan)
    predicted, slopes = zip(
        *(_curve(law, fit, x, span) for law, fit in zip(GROWTH_LAWS, fits, strict=True)), strict=True
    )
    intervals = [_interval(draws, options, seeds) for draws in (
        np.stack([fit.coefficients[:, 1] for fit in fits], axis=1), np.stack([fit.shape for fit in fits], axis=1),
        np.stack(slopes, axis=1), curvature)]  # fmt: skip
    first = {name: np.array([getattr(fit, name)[0] for fit in fits]) for name in ("coefficients", "shape", "deviation")}
    reason = np.array(["the shape is at the end of its range" if fit.at_end else "" for fit in fits])
    return (
        first["coefficients"][:, 0], first["coefficients"][:, 1], first["shape"], first["deviation"], likelihood[0],
        aicc[0], relative / relative.sum(), share, intervals[0], intervals[1], np.stack(predicted),
        np.stack([slope[0] for slope in slopes]), intervals[2], curvature[0], intervals[3], reason,
    )  # fmt: skip


def _curve(law: GrowthLaw, fit: _LawFit, x: FloatArray, span: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Median times ``[n]`` and slopes of their logarithm ``[R, n]``."""
    k, h = (1 if law.free == 2 else 2), 1e-5 * (span[2] - span[1])
    shape = np.where(np.isnan(fit.shape), 0.0, fit.shape)
    low, middle, high = (
        np.einsum("rnk,rk->rn", law.columns(at, shape, span), fit.coefficients[:, :k]) for at in (x - h, x, x + h)
    )
    beyond = (x - h <= shape[:, None]) & (law.name == "critical power law")
    with np.errstate(over="ignore"):
        predicted = np.where(beyond[0], np.inf, np.exp(middle[0]))
    return predicted, np.where(beyond, np.nan, (high - low) / (2.0 * h))


def _interval(draws: FloatArray, options: GrowthOptions, seeds: int) -> FloatArray:
    """Percentiles ``[..., 2]`` of draws ``[R + 1, ...]`` about the first entry, widened because seeds are few."""
    if len(draws) < 2:
        return np.full((*draws.shape[1:], 2), np.nan)
    ends = central_interval(np.moveaxis(draws[1:], 0, -1), options.level)
    wide = student_quantile(np.array(seeds - 1.0), options.level) / student_quantile(np.array(np.inf), options.level)
    return draws[0][..., None] + (ends - draws[0][..., None]) * wide * np.sqrt(seeds / (seeds - 1.0))
