"""`memjax.rows`: what is known of every row of the data sets of a sweep, drawn again from the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.experiment.draw import draw_data
from memjax.experiment.rows import chosen, row_numbers
from memjax.experiment.splits import clean_targets, corrupted
from memjax.experiment.train_size import is_fresh
from memjax.results.runs import runs_of
from memjax.types import NoisyTask

__all__ = ["rows"]

_LONG_NAMES = {
    "train_count": "how often the row stands in the train set",
    "target": "target of the row, as it is trained on",
    "clean_target": "target of the row before label noise",
    "corrupted": "whether label noise has replaced the target",
}


def rows(dataset: xr.Dataset, using: Sequence[Any] = ()) -> xr.Dataset:
    """Say of every row of the runs' data sets on which rows a run trains, its target, and whether the target is corrupted.

    The data sets are drawn again from their seeds, so this works for every sweep, also where no value of single examples was
    recorded.

    Parameters
    ----------
    dataset
        Result of a sweep, or a selection of its runs.
    using
        Your own functions and objects that the experiment names, as in `Experiment.from_json`. They are needed only for a
        dataset that was read from a file; a dataset in memory carries them.

    Returns
    -------
    xr.Dataset
        Dimensions: those axes of the sweep on which the variable depends, then ``example``, the number of the row; targets
        that are vectors have the dimension ``output`` besides. Variables: ``train_count`` (whole numbers), which depends on
        the data sets and the subsets, and ``target``, which depends on the data sets alone, as do ``clean_target`` and
        ``corrupted`` (bool) of tasks with label noise. A row that the data set of a run lacks has no target (NaN), is not
        trained on, and is not corrupted.

    Raises
    ------
    InputError
        If the dataset is not that of a sweep, or a run draws fresh examples at every step.

    Examples
    --------
    >>> import memjax as mj
    >>> task = mj.tasks.Images("digits", label_noise=0.1, noise_law="incorrect")
    >>> spec = mj.Experiment(task=task, train_size=100, test_size=10, steps=1, record_every=1)
    >>> found = mj.rows(mj.sweep(spec, over={"learning_rate": [0.01, 0.1]}))
    >>> dict(found.sizes), int(found.corrupted.sum()), bool((found.target != found.clean_target)[found.corrupted].all())
    ({'example': 100}, 6, True)
    """
    labels, _, runs = zip(*runs_of(dataset, using), strict=True)
    known: dict[Any, Experiment] = {}
    for run in runs:
        known.setdefault(_key(run), run)
    sizes = {dim: dataset.sizes[dim] for dim in labels[0]}
    codes, kept = _codes([_key(run) for run in runs], sizes)
    alike = [dim for dim in kept if dim not in _codes([_data_key(run) for run in runs], sizes)[1]]
    codes = codes[tuple(slice(None) if dim in kept else 0 for dim in sizes)]
    found = _joined(kept, codes, [_of_run(run) for run in known.values()])
    of_data = found.drop_vars("train_count").isel(dict.fromkeys(alike, 0))
    found = found.assign(dict(of_data.data_vars))
    return found.assign_coords({dim: dataset[dim].variable for dim in kept}).assign_attrs(dataset.attrs)


def _codes(keys: list[Any], sizes: dict[str, int]) -> tuple[np.ndarray, list[str]]:
    """The place of every run's key among the different keys, by axis, and the axes along which keys differ."""
    order: dict[Any, int] = {}
    codes = np.array([order.setdefault(key, len(order)) for key in keys]).reshape([*sizes.values()])
    return codes, [dim for axis, dim in enumerate(sizes) if (codes != codes.take([0], axis)).any()]


def _key(run: Experiment) -> Any:
    """What the rows of a run follow from: runs with one key have one data set, and train on the same rows of it."""
    return _data_key(run), None if run.subset is None else (run.subset, run.subset_key)


def _data_key(run: Experiment) -> Any:
    """What the data set of a run follows from."""
    try:
        hash(run.task)
    except TypeError:
        return id(run.task), run.data_key, run.data_sizes()
    return run.task, run.data_key, run.data_sizes()


def _of_run(run: Experiment) -> dict[str, np.ndarray]:
    """Row numbers of the data set of a run, and the values of every variable."""
    if is_fresh(run):
        raise InputError(
            "The dataset has a run with train_size = 'fresh', which has no data set: select the runs that have a train set."
        )
    data = draw_data(run).train
    places = chosen(run, data)
    found = {
        "example": row_numbers(run, data),
        "train_count": np.bincount(places, minlength=len(data.y)),
        "target": data.y,
    }
    if isinstance(run.task, NoisyTask):
        found |= {"clean_target": clean_targets(run, data), "corrupted": corrupted(run, data)}
    return found


def _joined(dims: list[str], codes: np.ndarray, drawn: Sequence[dict[str, np.ndarray]]) -> xr.Dataset:
    """Values of the data sets ``drawn``, each at the places of its code."""
    numbers = np.unique(np.concatenate([rows["example"] for rows in drawn]))
    attrs = {"long_name": "row of the data set", "units": "1"}
    out = xr.Dataset(coords={"example": ("example", numbers.astype(np.int64), attrs)})
    _check_targets(drawn)
    for name in dict.fromkeys(name for rows in drawn for name in rows if name != "example"):
        values = np.stack([_placed(name, rows, numbers) for rows in drawn])[codes]
        inner = ("example", "output")[: values.ndim - codes.ndim]
        out[name] = ((*dims, *inner), values, {"long_name": _LONG_NAMES[name], "units": "1"})
    return out


def _check_targets(drawn: Sequence[dict[str, np.ndarray]]) -> None:
    shapes = {rows["target"].shape[1:] for rows in drawn}
    if len(shapes) > 1 or len(*shapes) > 1:
        raise InputError(
            f"The targets of the runs' examples have the shapes {sorted(map(list, shapes))}: select runs whose targets are "
            "labels, or vectors of one length."
        )


def _placed(name: str, rows: dict[str, np.ndarray], numbers: np.ndarray) -> np.ndarray:
    """Values of a variable of one data set, at the places of its rows among those of all data sets."""
    at = np.searchsorted(numbers, rows["example"])
    if name in ("train_count", "corrupted"):
        values = rows.get(name, np.zeros(len(at), bool))
        found = np.zeros(len(numbers), values.dtype)
        # A pool's row may stand in a data set twice.
        np.add.at(found, at, values)
        return found
    values = rows.get(name, rows["target"])
    all_known = len(np.unique(at)) == len(numbers)
    dtype = values.dtype if all_known else np.result_type(values.dtype, np.float32)
    found = np.full((len(numbers), *values.shape[1:]), 0 if all_known else np.nan, dtype)
    found[at] = values
    return found
