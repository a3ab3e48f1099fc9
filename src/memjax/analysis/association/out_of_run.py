"""How well numbers of a run predict another number, in runs that the fit has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.association.out_of_fold import predictions, scores
from memjax.analysis.base.intervals import student_interval
from memjax.analysis.base.pairing import require_shared
from memjax.checks.labelled import require_array, require_choice, require_dim

__all__ = ["out_of_run"]

FloatArray = npt.NDArray[np.float64]

_MODELS = ("features", "other runs")


def out_of_run(
    features: xr.DataArray | xr.Dataset | Sequence[xr.DataArray],
    target: xr.DataArray,
    runs: str | Sequence[str] = "seed",
    *,
    scale: Literal["linear", "log", "rank"] = "linear",
    folds: int | None = None,
    level: float = 0.95,
    rng_seed: int = 0,
) -> xr.Dataset:
    """Predict the target of every run from its features, by least squares on the other runs.

    Parameters
    ----------
    features
        Numbers to predict from. Each array broadcasts against ``target``, paired by label. Snapshots at which a feature is not
        finite, or has no entry, are left out.
    target
        Number to predict, ``(*runs, ...)``; the other dimensions, such as ``step``, are snapshots of a run. Give the logarithm
        of a loss that spans orders of magnitude.
    runs
        Dimensions of the runs; each combination of labels is left out in turn. With "train_size" instead of ("train_size",
        "seed") all seeds of a size are left out together, so that the prediction has to reach to a size it has not seen.
    scale
        Scale of the features: "linear" takes them as they are, "log" their logarithms, and "rank" their ranks among the runs
        that are fitted, from 0 to 1.
    folds
        Number of groups of runs, drawn at random, at least 2; each group is left out in turn. Default: one run at a time.
    level
        Nominal coverage of the intervals, between 0 and 1.
    rng_seed
        Seed of the draw of groups.

    Returns
    -------
    xarray.Dataset
        By ``model``, "features" or "other runs", float64: ``predicted`` ``(model, *runs, ...)``; ``r_squared``, ``spearman``
        and ``error``, the root mean square error in units of the target, ``(model, *runs)`` over the snapshots of a run, the
        first two NaN if the target of the run does not vary; ``mean_r_squared`` and ``mean_spearman`` ``(model)`` over runs,
        with their ``_interval`` ``(model, bound)``. ``error_ratio``: geometric mean over runs of the error of "features" over
        the error of "other runs", with ``error_ratio_interval`` ``(bound)``; below 1 if the features know more. ``count`` int:
        number of runs with an error.

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks a dimension, a feature shares no label with the target, a feature is not
        positive on the scale "log", there are fewer than two runs, or an option is not one of its choices.

    Notes
    -----
    Training moves most numbers along with the step, so nearly any number predicts a loss in some way. The model "other runs"
    knows nothing of the run: its prediction is the mean target of the runs fitted, at the same snapshot. ``error_ratio`` says
    what the features know beyond time. r_squared is 1 - RSS / TSS about the run's own mean. An r_squared of 0 is as good as
    knowing that mean. There is no lower limit, so one run can decide ``mean_r_squared``. Intervals are Student's t over runs;
    that of the ratio is taken of its logarithm. All predictions share runs that are fitted, which the intervals do not count
    (Y. Bengio and Y. Grandvalet, JMLR 5, 2004), so with few runs the intervals are somewhat narrow.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> size = xr.DataArray(rng.random((6, 20)), dims=("seed", "step"))
    >>> found = out_of_run(size, 3.0 * size + 1.0 + 0.1 * rng.random((6, 20)))
    >>> found["mean_r_squared"].sel(model="features").round(2).item(), bool(found["error_ratio"] < 0.05)
    (1.0, True)
    """
    names = [runs] if isinstance(runs, str) else list(runs)
    require_choice(scale, ("linear", "log", "rank"), "scale")
    arrays = _arrays(features, target)
    for name in names:
        require_dim(target, name, "runs")
    y, x = _stacked(target, arrays, names)
    if scale == "log":
        _require_positive(x, arrays)
    count = y.shape[0]
    if count < 2:
        raise ValueError(f"runs = {names} leaves {count} run: at least 2 are needed, one to predict and one to fit.")
    made = predictions(x, y, _folds(count, folds, rng_seed), scale)
    return _labelled(made, y, target, names, level).assign_attrs(
        scale=scale,
        features=[str(array.name) for array in arrays],
        folds=count if folds is None else folds,
        level=level,
    )


def _arrays(features: xr.DataArray | xr.Dataset | Sequence[xr.DataArray], target: xr.DataArray) -> list[xr.DataArray]:
    require_array(target, "target")
    if isinstance(features, xr.Dataset):
        arrays = [features[name] for name in features.data_vars]
    else:
        arrays = [features] if isinstance(features, xr.DataArray) else list(features)
    if not arrays:
        raise ValueError("features is empty: give at least one array that predicts.")
    for i, array in enumerate(arrays):
        require_array(array, f"features[{i}]")
        extra = [str(dim) for dim in array.dims if dim not in target.dims]
        if extra:
            raise ValueError(
                f"features[{i}] has dimensions {extra} that the target lacks: choose one entry first, for example with "
                f".isel({extra[0]}=0)."
            )
        require_shared(target, "target", array, f"features[{i}]")
    return arrays


def _stacked(
    target: xr.DataArray, arrays: Sequence[xr.DataArray], runs: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """Target ``[R, T]`` and features ``[R, T, k]`` of R runs with T snapshots; both are NaN where either is not finite."""
    whole = xr.broadcast(*xr.align(target, *arrays, join="left", copy=False))
    dims = [*runs, *(dim for dim in target.dims if dim not in runs)]
    count = int(np.prod([target.sizes[name] for name in runs]))
    y, *parts = (array.transpose(*dims).values.astype(np.float64).reshape(count, -1) for array in whole)
    x = np.stack(parts, axis=-1)
    fine = np.isfinite(y) & np.isfinite(x).all(axis=-1)
    return np.where(fine, y, np.nan), np.where(fine[..., None], x, np.nan)


def _require_positive(x: FloatArray, arrays: Sequence[xr.DataArray]) -> None:
    for i, array in enumerate(arrays):
        if (x[..., i] <= 0.0).any():
            raise ValueError(
                f"features[{i}] ({array.name!r}) holds {np.nanmin(x[..., i]):g}, which has no logarithm: use "
                f"scale='rank' or 'linear', or give the logarithm of the other features yourself."
            )


def _folds(count: int, folds: int | None, rng_seed: int) -> npt.NDArray[np.int64]:
    if folds is None:
        return np.arange(count)
    if not isinstance(folds, int | np.integer) or not 2 <= folds <= count:
        raise ValueError(
            f"folds = {folds!r} must be a whole number from 2 to the {count} runs, or None: one run at a time."
        )
    return np.random.default_rng(rng_seed).permutation(np.arange(count) % folds)


def _labelled(made: FloatArray, y: FloatArray, target: xr.DataArray, runs: Sequence[str], level: float) -> xr.Dataset:
    ordered = target.transpose(*runs, ...)
    lead = ordered.isel({dim: 0 for dim in ordered.dims if dim not in runs}, drop=True)
    r_squared, rank, error = scores(made, y)
    shape = (len(_MODELS), *lead.shape)
    found = xr.Dataset({"predicted": (("model", *ordered.dims), made.reshape((len(_MODELS), *ordered.shape)))})
    for name, values in (("r_squared", r_squared), ("spearman", rank)):
        found[name] = (("model", *lead.dims), values.reshape(shape))
        mean, interval, _, _ = student_interval(values, level)
        found[f"mean_{name}"], found[f"mean_{name}_interval"] = ("model", mean), (("model", "bound"), interval)
    found["error"] = (("model", *lead.dims), error.reshape(shape))
    # The logarithm of an error of zero is not finite; such a run is left out, as is a run without a prediction.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, interval, scored, _ = student_interval(np.log(error[0]) - np.log(error[1]), level)
    found = found.assign(error_ratio=np.exp(ratio), error_ratio_interval=("bound", np.exp(interval)), count=scored)
    coords = {name: coord for name, coord in ordered.coords.items() if set(coord.dims) <= set(ordered.dims)}
    return found.assign_coords(coords).assign_coords(model=list(_MODELS), bound=["lower", "upper"])
