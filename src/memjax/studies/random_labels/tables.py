"""Tables of the study random-labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from memjax.studies.kit import Column, Columns, Table, beside_records, estimate, grid, listed, time
from memjax.studies.random_labels.numbers import FITTED, PART_FITTED
from memjax.studies.random_labels.published import ERRORS, FACTORS

__all__ = ["all_tables", "brakes_table", "laws_table", "levels_table", "parts_table", "widths_table"]

_RERUN = {"shallow": "1 x 512", "deep": "3 x 512"}


def all_tables(
    found: Mapping[str, xr.Dataset],
    records: np.ndarray,
    by_law: xr.Dataset,
    law_records: np.ndarray,
    mixed: xr.Dataset,
    held: xr.DataArray,
    ratios: xr.Dataset,
    braked: Mapping[str, xr.Dataset],
) -> dict[str, Table]:
    """All tables by the names of their files."""
    levels = {name: levels_table(one, records, name) for name, one in found.items()}
    return levels | {
        "laws": laws_table(by_law, law_records),
        "parts": parts_table(mixed, records),
        "widths": widths_table(held),
        "critical": _critical_table(ratios),
        "brakes": brakes_table(braked),
    }


def levels_table(one: xr.Dataset, records: np.ndarray, name: str) -> Table:
    """A row for every level of label noise, with what a re-run of the publication found on CIFAR-10."""
    rerun, labels = _RERUN[name], one["label_noise"].values.tolist()
    parts = [(at, one.isel(label_noise=at)) for at in range(len(labels))]
    fitted = time("fitted", records, "geometric")
    columns: Mapping[str, Any] = {
        "steps to fit": lambda part: fitted(part[1]),
        "published, over q = 0": lambda part: round(FACTORS[rerun][part[0]], 2),
        "clean test error": lambda part: part[1]["clean_error"],
        "noisy test error": lambda part: part[1]["noisy_error"],
        "published, noisy": lambda part: ERRORS[rerun][part[0]],
    }
    title = f"By level of label noise, beside {rerun} on CIFAR-10"
    return listed({"level": [f"{label:g}" for label in labels]}, parts, columns, title=title, note=_LEVELS)


_LEVELS = (
    f"Steps to a train accuracy of {FITTED}. Published: minutes over those without noise, and test errors against noisy "
    "labels, of one run each of a re-run, read from figures."
)


def laws_table(found: xr.Dataset, records: np.ndarray) -> Table:
    """A row for every law of inputs and labels."""
    columns: Columns = {
        "train accuracy": "train_accuracy",
        "steps to fit": time("fitted", records, "geometric"),
        "test accuracy": "test_accuracy",
        "mean loss sensitivity": "sensitivity",
        "Gini coefficient": "gini",
    }
    return grid(found, {"task": "law"}, columns, title="By law of inputs and labels", note=_LAWS)


_LAWS = (
    "The loss sensitivity is the sum of the absolute derivatives of an example's loss in its pixels, as a mean over the "
    "records of a run until the run fits. The Gini coefficient is that of the sensitivities of the train examples of a "
    "run."
)


def parts_table(mixed: xr.Dataset, records: np.ndarray) -> Table:
    """A row for every level at which both parts are large."""
    columns: Columns = {
        "steps, clean part": time("clean", records, "geometric"),
        "steps, corrupted part": time("corrupted", records, "geometric"),
        "step of the highest test accuracy": lambda part: estimate(beside_records(part["peak"], records), "geometric"),
        "corrupted part at the highest test accuracy": "at_peak",
        "highest less last test accuracy": "lost",
    }
    note = f"Steps to an accuracy of {PART_FITTED:g} on the part, against the labels that the network is trained on."
    return grid(mixed, {"label_noise": "level"}, columns, title="The clean and the corrupted part", note=note)


def widths_table(held: xr.DataArray) -> Table:
    """Train accuracy by width, a column for every law."""
    columns = {name: _of_law("accuracy", name) for name in held["task"].values.tolist()}
    title = "Train accuracy at the end by number of hidden units"
    return grid(held.to_dataset(name="accuracy"), {"width": "units"}, columns, title=title)


def _of_law(name: str, law: str) -> Column:
    return lambda part: part[name].sel(task=law)


def _critical_table(ratios: xr.Dataset) -> Table:
    columns = {name: _of_law("critical_sample_ratio", name) for name in ratios["task"].values.tolist()}
    rows = {"radius": "radius", "snapshot": "step"}
    return grid(ratios, rows, columns, title="Critical sample ratio of test inputs", note=_CRITICAL)


_CRITICAL = "A run that has fitted stays as it is. Radii are in standard deviations of a pixel."


def brakes_table(braked: Mapping[str, xr.Dataset]) -> Table:
    """A row for every strength of dropout and of weight decay."""
    kinds = (("dropouts", "dropout", "dropout"), ("decays", "weight decay", "l2"))
    rows = [(word, dim, part) for name, word, dim in kinds for part in _strengths(braked[name], dim)]
    heads = {
        "regulariser": [word for word, _, _ in rows],
        "strength": [f"{part[dim].item():g}" for _, dim, part in rows],
    }
    columns: Mapping[str, Any] = {
        "corrupted part, clean at 95%": lambda row: row[2]["corrupted"],
        "corrupted part at the end": lambda row: row[2]["corrupted_end"],
        "test accuracy at the end": lambda row: row[2]["test_end"],
    }
    return listed(heads, rows, columns, title="Regularisers at label noise 0.4", note=_BRAKES)


def _strengths(one: xr.Dataset, dim: str) -> list[xr.Dataset]:
    return [one.isel({dim: at}) for at in range(one.sizes[dim])]


_BRAKES = "Accuracies on the corrupted part, against the corrupted labels. Weight decay is the coefficient l2 of SGD."
