"""Membership attacks: a score for every network and row that is large where the network was trained on the row."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.banks.bank import apply_to_banks
from memjax.checks.labelled import require_choice

__all__ = ["membership"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_ATTACKS = ("threshold", "calibrated", "lira", "lira offline", "lira offline density", "rmia", "rmia offline")


def membership(
    values: xr.DataArray,
    train_count: xr.DataArray,
    runs: str | Sequence[str] = "seed",
    *,
    attack: Literal[
        "threshold", "calibrated", "lira", "lira offline", "lira offline density", "rmia", "rmia offline"
    ] = "lira",
    variance: Literal["row", "bank"] = "row",
    offset: float = 0.3,
    gamma: float = 1.0,
) -> xr.DataArray:
    """Attack every network of a bank, with all other networks of the bank as shadow models.

    Parameters
    ----------
    values
        Value of every row by every network, ``(..., runs, example)``, large where the network is sure of the right class:
        log-odds ``f_y - logsumexp`` of the other outputs, such as ``ds.example_log_odds`` at one step. Only "threshold" and
        "calibrated" take other values too.
    train_count
        How often each network was trained on each row, ``(..., runs, example)``.
    runs
        Dimensions of the networks of one bank.
    attack
        "threshold": the value itself (Yeom et al. 2018). "calibrated": the value minus the mean of the shadow models that were
        not trained on the row (Watson et al. 2022). "lira": logarithm of the ratio of two normal densities, of the shadow
        models trained on the row and of the others (Carlini et al. 2022). "lira offline": probability that a shadow model that
        was not trained on the row has a smaller value, as its quantile of the normal distribution. "lira offline density":
        minus the logarithm of the density of those shadow models. "rmia" and "rmia offline": share of the rows whose ratio of
        probabilities, of the network and of the shadow models, is ``gamma`` times smaller (Zarifzadeh et al. 2024).
    variance
        For "lira", whether the variance is that of every row, or one for all rows of the bank (better below about 64 networks).
    offset
        For "rmia offline", the constant a of the paper, from 0 to 1: the mean probability of shadow models of both kinds is
        taken to be ((1 + a) p + 1 - a) / 2, with p that of models that were not trained on the row.
    gamma
        For "rmia", the ratio, at least 1.

    Returns
    -------
    xarray.DataArray
        float64 ``(..., runs, example)``. NaN where too few shadow models know the row: one of each kind that is needed, and two
        if a variance of every row is; and where the network's own value is not finite.

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks a dimension, labels differ, or an option is not one of its choices.

    Notes
    -----
    LiRA: arXiv:2112.03570, sections V and VI; its two offline forms are not equivalent, for the density is large on both sides.
    RMIA: arXiv:2312.03262, with the rows of the data set as the population. Means and variances leave the network under attack
    out. How well a score tells rows apart is `roc`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trained = xr.DataArray(rng.random((64, 200)) < 0.5, dims=("seed", "example"))
    >>> log_odds = rng.normal(size=(64, 200)) + 2 * trained
    >>> score = membership(log_odds, trained, attack="lira", variance="bank")
    >>> bool(score.where(trained).mean() > 1), bool(score.where(~trained).mean() < -1)
    (True, True)
    """
    require_choice(attack, _ATTACKS, "attack")
    require_choice(variance, ("row", "bank"), "variance")
    if not 0 <= offset <= 1:
        raise ValueError(f"offset = {offset!r} must lie between 0 and 1.")
    if not gamma >= 1:
        raise ValueError(f"gamma = {gamma!r} must be at least 1.")
    attacks: dict[str, Callable[..., FloatArray]] = {
        "threshold": _threshold,
        "calibrated": _calibrated,
        "lira": functools.partial(_lira, variance=variance),
        "lira offline": functools.partial(_offline, variance=variance, density=False),
        "lira offline density": functools.partial(_offline, variance=variance, density=True),
        "rmia": functools.partial(_rmia, offset=None, gamma=gamma),
        "rmia offline": functools.partial(_rmia, offset=offset, gamma=gamma),
    }
    score = attacks[attack]
    arrays = {"values": values, "train_count": train_count}
    core = {name: ["example"] for name in arrays}

    def attacked(values: FloatArray, count: FloatArray) -> tuple[FloatArray]:
        exact = values.astype(np.float64)
        return (score(np.where(np.isfinite(exact), exact, np.nan), count > 0),)

    found = apply_to_banks(attacked, arrays, core, runs, {"score": ["runs", "example"]})["score"]
    return found.assign_attrs(long_name=f"membership score ({attack})", units="1", attack=attack)


def _threshold(values: FloatArray, member: BoolArray) -> FloatArray:
    return values


def _calibrated(values: FloatArray, member: BoolArray) -> FloatArray:
    return values - _others(values, ~member)[0]


def _lira(values: FloatArray, member: BoolArray, variance: str) -> FloatArray:
    return _log_density(values, member, variance) - _log_density(values, ~member, variance)


def _offline(values: FloatArray, member: BoolArray, variance: str, density: bool) -> FloatArray:
    if density:
        return -_log_density(values, ~member, variance)
    mean, spread = _normal(values, ~member, variance)
    return (values - mean) / np.sqrt(spread)


def _log_density(values: FloatArray, part: BoolArray, variance: str) -> FloatArray:
    mean, spread = _normal(values, part, variance)
    return -0.5 * ((values - mean) ** 2 / spread + np.log(2 * np.pi * spread))


def _normal(values: FloatArray, part: BoolArray, variance: str) -> tuple[FloatArray, FloatArray]:
    """Mean and variance ``[R, N]`` of the other networks of a part."""
    mean, squares, count = _others(values, part)
    if variance == "bank":
        freedom = np.maximum(count - 1, 0).sum(1, keepdims=True)
        spread = np.nansum(squares, axis=1, keepdims=True) / np.where(freedom > 0, freedom, np.nan)
        spread = np.broadcast_to(spread, values.shape)
    else:
        spread = squares / np.where(count > 1, count - 1, np.nan)
    # Networks that agree to the last bit have no variance; a density needs one.
    return mean, np.where(spread > 0, spread, np.where(np.isnan(spread), np.nan, np.finfo(np.float64).tiny))


def _others(values: FloatArray, part: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, sum of squared deviations and number ``[R, N]`` of the networks of a part, without each network itself."""
    known = part & np.isfinite(values)
    count = known.sum(0)
    centre = np.where(known, values, 0).sum(0) / np.maximum(count, 1)
    away = np.where(known, values - centre, 0.0)
    left = (count - known).astype(np.float64)
    total, squares = away.sum(0) - away, (away**2).sum(0) - away**2
    mean = total / np.where(left > 0, left, np.nan)
    return centre + mean, np.maximum(squares - left * mean**2, 0), left


def _rmia(values: FloatArray, member: BoolArray, offset: float | None, gamma: float) -> FloatArray:
    from scipy.special import expit

    chance = expit(values)
    outside = _others(chance, ~member)[0]
    inside = _others(chance, member)[0] if offset is None else offset * outside + 1 - offset
    ratio = chance / ((inside + outside) / 2)
    return np.stack([_share_below(own, own / gamma) for own in ratio])


def _share_below(ratios: FloatArray, bounds: FloatArray) -> FloatArray:
    """Share of the finite ratios that are at most each bound."""
    ordered = np.sort(ratios[np.isfinite(ratios)])
    if not len(ordered):
        return np.full(len(bounds), np.nan)
    return np.where(np.isfinite(bounds), np.searchsorted(ordered, bounds, side="right") / len(ordered), np.nan)
