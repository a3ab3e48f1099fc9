"""`memjax.best`: the best network of every run, in the form in which networks are measured."""

from __future__ import annotations

import xarray as xr

from memjax.engine.program.outcome import BEST_PARAMETERS, BEST_STEP
from memjax.errors import InputError

__all__ = ["best", "holds_best"]

_OF_SNAPSHOTS = ("snapshot", "parameters")


def best(dataset: xr.Dataset) -> xr.Dataset:
    """The best network of every run of a sweep, as ``keep_best`` chose it.

    Parameters
    ----------
    dataset
        Result of a sweep whose experiment had ``keep_best``, or a selection of its runs.

    Returns
    -------
    xr.Dataset
        One network of every run: `memjax.measure`, `memjax.snapshots` and `memjax.params` take the Dataset in place of one
        with snapshots. ``parameters`` (float, the axes and ``parameter_index``) are flat, and NaN for a run without a best
        network. The coordinate ``best_step`` (int64, the axes) has the step of each network, -1 where there is none, and
        ``best_test_loss``, or another variable, its value.

    Raises
    ------
    InputError
        If the dataset holds no best networks.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(train_size=20, steps=200, keep_best=mj.stopping.Lowest("test_loss"))
    >>> ds = mj.sweep(spec, over={"seed": [0, 1, 2]})
    >>> found = mj.measure(mj.best(ds), ["accuracy", "gradient_norm"])
    >>> found.test_accuracy.dims, bool((found.best_step == ds.test_loss.idxmin("step")).all())
    (('seed',), True)
    >>> [snapshot.step for snapshot in mj.snapshots(mj.best(ds))] == found.best_step.values.tolist()
    True
    """
    if not isinstance(dataset, xr.Dataset):
        raise InputError(
            f"best got an object of type {type(dataset).__name__}: give the Dataset that memjax.sweep or memjax.open returned."
        )
    if holds_best(dataset):
        return dataset
    if not {BEST_STEP, BEST_PARAMETERS} <= set(map(str, dataset.data_vars)):
        raise InputError(
            "The dataset holds no best networks: name a recorded variable in Experiment(keep_best=...), such as "
            "memjax.stopping.Lowest('test_loss')."
        )
    names = [str(name) for name in dataset.data_vars if str(name).startswith("best_")]
    axes = set(dataset[BEST_PARAMETERS].dims) - {"parameter_index"}
    kept = dataset[[name for name in names if set(dataset[name].dims) <= {*axes, "parameter_index"}]]
    kept = kept.drop_vars([*_OF_SNAPSHOTS, "step"], errors="ignore")
    return kept.rename({BEST_PARAMETERS: "parameters"}).set_coords(BEST_STEP)


def holds_best(dataset: xr.Dataset) -> bool:
    """Whether a Dataset is one that `best` gave, with one network of each run at a step of its own."""
    return "snapshot" not in dataset.coords and BEST_STEP in dataset.coords and "parameters" in dataset
