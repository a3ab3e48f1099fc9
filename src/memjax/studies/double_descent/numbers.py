"""Numbers of the study double-descent: humps of a curve, errors of networks, and how many examples a network can fit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["FITTED", "by_width", "complexity", "errors", "fold", "from_best", "hump", "threshold"]

FITTED = 0.1
"""Train error at and below which a network has fitted its train set, as in the effective model complexity of Nakkiran et al."""

FloatArray = npt.NDArray[np.float64]


def by_width(runs: xr.Dataset) -> xr.Dataset:
    """Runs with whole numbers ``width`` in place of the names of hidden layers."""
    return runs.assign_coords(hidden=runs["hidden"].values.astype(int)).rename(hidden="width")


def errors(runs: xr.Dataset) -> xr.Dataset:
    """Errors of networks over training.

    Parameters
    ----------
    runs
        ``train_accuracy`` and ``test_accuracy`` by ``step`` and axes, such as ``width`` and ``seed``.

    Returns
    -------
    xarray.Dataset
        ``train`` and ``test`` errors by ``step``; ``last_train`` and ``last_test``, those of the end; ``best_test``, the test
        error of every seed at the record that is best for the mean of all other seeds, which a user could know.
    """
    train, test = (1 - runs[f"{split}_accuracy"].reset_coords(drop=True) for split in ("train", "test"))
    ends = {f"last_{name}": one.isel(step=-1, drop=True) for name, one in (("train", train), ("test", test))}
    return xr.Dataset({"train": train, "test": test, **ends, "best_test": _at_best(test)}).drop_attrs()


def _at_best(test: xr.DataArray) -> xr.DataArray:
    """Error of every seed at the record that is best for the other seeds; of a single seed, at its own best record."""
    if "seed" not in test.dims or test.sizes["seed"] == 1:
        return test.min("step")
    others = (test.sum("seed") - test) / (test.sizes["seed"] - 1)
    return test.isel(step=others.argmin("step"), drop=True).drop_vars("step", errors="ignore")


def hump(curve: xr.DataArray, dim: str) -> xr.Dataset:
    """How far a curve rises to a peak in its middle and falls again, one value of each seed.

    Parameters
    ----------
    curve
        Values by ``seed`` and ``dim``, and further dimensions.
    dim
        Dimension along which the curve runs, in order.

    Returns
    -------
    xarray.Dataset
        ``height``, the lesser of rise and fall, and ``place``, the label of the peak. Peak, dip before and dip behind are
        where the mean of all other seeds has them, so noise makes no hump: the height of a curve that never rises is 0 or
        less on average. NaN for fewer than three points.
    """
    place = curve[dim].values.astype(np.float64)
    found = xr.apply_ufunc(
        lambda values: _humps(values, place),
        curve,
        input_core_dims=[["seed", dim]],
        output_core_dims=[["seed"], ["seed"]],
        vectorize=True,
    )
    return xr.Dataset(dict(zip(("height", "place"), found, strict=True)))


def _humps(values: FloatArray, place: FloatArray) -> tuple[FloatArray, FloatArray]:
    count = len(values)
    height, peak = np.full(count, np.nan), np.full(count, np.nan)
    for i in range(count if len(place) > 2 else 0):
        others = np.delete(values, i, 0) if count > 1 else values
        before, at, behind = _peak(others.mean(0))
        height[i] = values[i, at] - max(values[i, before], values[i, behind])
        peak[i] = place[at]
    return height, peak


def _peak(mean: FloatArray) -> tuple[int, int, int]:
    """Dip, peak and dip of the highest hump."""
    found = []
    for at in range(1, len(mean) - 1):
        before, behind = int(mean[:at].argmin()), at + 1 + int(mean[at + 1 :].argmin())
        found.append((mean[at] - max(mean[before], mean[behind]), before, at, behind))
    return max(found)[1:]


def from_best(curve: xr.DataArray, dim: str = "step") -> xr.DataArray:
    """The part of a curve from the lowest mean over seeds on, so that a hump in this part comes after the first descent."""
    return curve.isel({dim: slice(int(curve.mean("seed").argmin(dim)), None)})


def threshold(train: xr.DataArray, dim: str = "width", level: float = FITTED) -> xr.DataArray:
    """The first label along an axis at which the train error is at most a level; infinite for none."""
    met = train <= level + 1e-6
    first = met[dim][met.argmax(dim)].drop_vars(dim).astype(np.float64)
    return first.where(met.any(dim), np.inf)


def complexity(train: xr.DataArray, dim: str = "train_size", level: float = FITTED) -> xr.DataArray:
    """The largest train size at which the train error is at most a level, 0 for none (Nakkiran et al. 2019, Definition 1)."""
    met = train <= level + 1e-6
    return (met * train[dim]).max(dim).astype(np.float64)


def fold(found: xr.Dataset) -> xr.DataArray:
    """Rank correlation over numbers of features of N = n and more: effective parameters on test inputs, and test loss."""
    from scipy.stats import spearmanr

    behind = found.sel(ratio=slice(1.0, None))
    return xr.apply_ufunc(
        lambda used, loss: spearmanr(used, loss).statistic,
        behind["test_used"],
        behind["test_loss"],
        input_core_dims=[["ratio"], ["ratio"]],
        vectorize=True,
    )
