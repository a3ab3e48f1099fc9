"""What became of the runs of a sweep, in sentences and a table."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import xarray as xr

from memjax.errors import listing
from memjax.pages.blocks import Text
from memjax.pages.table import Table
from memjax.plots.axes import label_of, text_of

__all__ = ["runs_blocks"]

_MOST_ROWS = 40


def runs_blocks(dataset: xr.Dataset, axes: list[str]) -> tuple[Text | Table, ...]:
    """A sentence on all runs, reasons why some ended early, and a table of these runs by the axes ``axes``."""
    if "status" not in dataset.coords:
        return (Text(("The dataset no longer has single runs: it was averaged, or its coordinates were dropped.",)),)
    status = dataset["status"].values.ravel().tolist()
    counts = Counter(status)
    early = {"diverged", "stopped"} & set(counts)
    said = [_sentence(counts), *_reasons(dataset)]
    if counts.keys() - {"finished", "diverged", "stopped"}:
        said.append("A run that is not finished has no records yet, or some of them.")
    return (Text(tuple(said)), *((_table(dataset, axes),) if early and axes else ()))


def _sentence(counts: Counter[str]) -> str:
    total = sum(counts.values())
    if len(counts) == 1 and next(iter(counts)) in ("finished", "stopped", "diverged"):
        return f"The run {next(iter(counts))}." if total == 1 else f"All {total} runs {next(iter(counts))}."
    parts = [f"{count} {'is' if count == 1 else 'are'} {label}" if label in ("running", "waiting", "absent")
             else f"{count} {label}" for label, count in sorted(counts.items(), key=lambda item: -item[1])]  # fmt: skip
    return f"Of {total} {'run' if total == 1 else 'runs'}, {listing(parts, last='and')}."


def _reasons(dataset: xr.Dataset) -> list[str]:
    """Why runs diverged or were stopped, with the steps at which they ended."""
    said = []
    for reason in sorted({reason for reason in dataset["stop_reason"].values.ravel().tolist() if reason}):
        steps = dataset["stop_step"].values[dataset["stop_reason"].values == reason]
        when = f"step {steps.min():,}" if steps.min() == steps.max() else f"steps {steps.min():,} to {steps.max():,}"
        which = "One run ended" if steps.size == 1 else f"{steps.size} runs ended"
        said.append(f"{which} at {when}, because {reason}.")
    return said


def _table(dataset: xr.Dataset, axes: list[str]) -> Table:
    """Counts of what became of runs, for the combinations of axes in which not all runs finished."""
    labels = [label for label in ("finished", "stopped", "diverged") if (dataset["status"] == label).any()]
    rows = []
    for where in itertools.product(*(range(dataset.sizes[axis]) for axis in axes)):
        part = dataset["status"].isel(dict(zip(axes, where, strict=True))).values
        if not np.all(part == "finished"):
            head = [text_of(dataset[axis].values[i]) for axis, i in zip(axes, where, strict=True)]
            rows.append((*head, *(str(int(np.sum(part == label))) for label in labels)))
    note = f"There are {len(rows) - _MOST_ROWS} more rows." if len(rows) > _MOST_ROWS else ""
    heads = (*(label_of(dataset[axis]) for axis in axes), *labels)
    return Table("Where runs ended early", heads, tuple(rows[:_MOST_ROWS]), note)
