"""What the study random-labels computes: times to fit, test errors, accuracy by part, sensitivities, critical samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.measure import measure
from memjax.measures import critical_sample_ratio
from memjax.results.snapshots import snapshots
from memjax.studies.kit import Within, at_own_time, ratio, within_records
from memjax.studies.random_labels.runs import FITTED

__all__ = [
    "PART_FITTED",
    "braked",
    "critical",
    "levels",
    "noisy_labels",
    "noisy_test",
    "parts",
    "sensitivity",
    "slowdown",
    "time_of",
    "widths",
]

PART_FITTED = 0.8
"""Accuracy at which the clean-labelled or the corrupted part of the train examples counts as learnt."""
_CLEAN = 0.95
_DRAWS = 100


def noisy_test(runs: xr.Dataset) -> xr.Dataset:
    """Test accuracy of the last networks against true labels and against labels with the noise of the train labels.

    Parameters
    ----------
    runs
        Networks by ``label_noise`` and ``seed``, with one snapshot.

    Returns
    -------
    xarray.Dataset
        ``clean`` and ``noisy`` ``(label_noise, seed)``. The noisy accuracy is the mean over 100 fresh draws of test labels,
        each replaced with the probability of the level by one of all classes.
    """
    found = xr.Dataset(
        {
            name: (("label_noise", "seed"), np.full((runs.sizes["label_noise"], runs.sizes["seed"]), np.nan))
            for name in _BOTH
        },
        {dim: runs[dim].values for dim in ("label_noise", "seed")},
    )
    for one in snapshots(runs):
        where = {dim: one.run[dim] for dim in ("label_noise", "seed")}
        given = np.asarray(one.outputs(one.test.x)).argmax(-1)
        level, classes = float(where["label_noise"]), one.experiment.task.num_outputs
        found["clean"].loc[where] = (given == one.test.y).mean()
        # A draw belongs to the seed of the run, not to its level.
        drawn = noisy_labels(one.test.y, level, classes, int(where["seed"]))
        found["noisy"].loc[where] = (given == drawn).mean()
        found.attrs["test_size"] = len(one.test.y)
    return found


_BOTH = ("clean", "noisy")


def noisy_labels(labels: np.ndarray, level: float, classes: int, seed: int) -> np.ndarray:
    """Labels ``[draws, N]``, each replaced with the probability ``level`` by one of all classes.

    Examples
    --------
    >>> noisy = noisy_labels(np.zeros(1000, int), 0.5, 10, seed=0)
    >>> noisy.shape, abs(float((noisy == 0).mean()) - 0.55) < 0.01
    ((100, 1000), True)
    """
    rng = np.random.default_rng([7, seed])
    shape = (_DRAWS, len(labels))
    chance, other = rng.random(shape), rng.integers(0, classes, shape)
    return np.where(chance < level, other, labels)


def critical(runs: xr.Dataset, *, laws: Sequence[str], radii: Sequence[float], steps: int) -> xr.Dataset:
    """``critical_sample_ratio`` ``(radius, task, seed, snapshot)`` of the test inputs of some laws."""
    some, name = runs.sel(task=list(laws)), "critical_sample_ratio"
    made = [
        measure(some, [critical_sample_ratio(radius, steps=steps)])[name].reset_coords(drop=True) for radius in radii
    ]
    return xr.concat(made, xr.DataArray(list(radii), dims="radius", name="radius")).to_dataset(name=name)


def levels(runs: xr.Dataset, tested: xr.Dataset) -> xr.Dataset:
    """Steps to fit, and errors at the end, by level of label noise.

    Parameters
    ----------
    runs
        ``train_accuracy`` by ``label_noise``, ``seed`` and ``step``.
    tested
        What `noisy_test` gives.

    Returns
    -------
    xarray.Dataset
        ``fitted`` (infinite for never), ``train_accuracy``, ``clean_error`` and ``noisy_error`` at the end, and ``identity``:
        the noisy accuracy less (1 - q) times the clean one plus q over the number of classes.
    """
    train = runs["train_accuracy"].reset_coords(drop=True)
    share = tested["label_noise"]
    expected = (1 - share) * tested["clean"] + share / 10
    return xr.Dataset(
        {
            "fitted": time_of(train, FITTED),
            "train_accuracy": train.isel(step=-1, drop=True),
            "clean_error": 1 - tested["clean"],
            "noisy_error": 1 - tested["noisy"],
            "identity": tested["noisy"] - expected,
        }
    ).drop_attrs()


def time_of(accuracy: xr.DataArray, level: float) -> xr.DataArray:
    """Step at which an accuracy first reaches a level, infinite for never."""
    return analysis.time_to_threshold(accuracy, level)["time"]


def slowdown(fitted: xr.DataArray, records: np.ndarray, dim: str, late: object, early: object) -> Within:
    """Steps to fit at one label of a dimension over those at another."""
    both = [within_records(fitted.sel({dim: label}, drop=True), records) for label in (late, early)]
    return ratio(*both)


def parts(runs: xr.Dataset) -> xr.Dataset:
    """When the two parts of the train examples are learnt, and where test accuracy is highest.

    Parameters
    ----------
    runs
        ``train_clean_accuracy``, ``train_corrupted_accuracy`` and ``test_accuracy`` by ``seed``, ``step`` and any
        other dimension.

    Returns
    -------
    xarray.Dataset
        ``clean`` and ``corrupted``: steps to an accuracy of `PART_FITTED`, infinite for never. ``at_peak``: accuracy on the
        corrupted part at the record with the highest test accuracy. ``peak``: the step of this record, the first of several.
        ``lost``: that highest test accuracy less the last one. The highest of many records lies above the true accuracy there
        by chance, so ``lost`` is a little too large.
    """
    both = {name: runs[f"train_{name}_accuracy"].reset_coords(drop=True) for name in ("clean", "corrupted")}
    test = runs["test_accuracy"].reset_coords(drop=True)
    peak = test.argmax("step")
    return (
        xr.Dataset(
            {name: time_of(one, PART_FITTED) for name, one in both.items()}
            | {
                "at_peak": both["corrupted"].isel(step=peak),
                "peak": test["step"].isel(step=peak).astype(np.float64),
                "lost": test.isel(step=peak) - test.isel(step=-1),
            }
        )
        .drop_vars("step", errors="ignore")
        .drop_attrs()
    )


def widths(runs: xr.Dataset) -> xr.DataArray:
    """Train accuracy ``(task, width, seed)`` at the end."""
    last = runs["train_accuracy"].reset_coords(drop=True).isel(step=-1, drop=True)
    return last.rename(hidden="width").assign_coords(width=[int(text) for text in runs["hidden"].values.tolist()])


def sensitivity(runs: xr.Dataset) -> xr.Dataset:
    """Mean over train examples, and Gini coefficient, of the loss sensitivity, itself a mean over the records of a run."""
    each = runs["example_mean_loss_sensitivity"].isel(example_step=-1, drop=True).reset_coords(drop=True)
    return xr.Dataset({"sensitivity": each.mean("example"), "gini": analysis.gini(each, "example")}).drop_attrs()


def braked(runs: xr.Dataset) -> xr.Dataset:
    """Accuracy on the corrupted part when the clean part is first at 95%, and accuracies at the end."""
    clean, corrupted, test = (runs[f"{name}_accuracy"].reset_coords(drop=True) for name in _BRAKED)
    end = {
        f"{name}_end": values.isel(step=-1, drop=True) for name, values in (("corrupted", corrupted), ("test", test))
    }
    return xr.Dataset({"corrupted": at_own_time(corrupted, time_of(clean, _CLEAN)), **end}).drop_attrs()


_BRAKED = ("train_clean", "train_corrupted", "test")
