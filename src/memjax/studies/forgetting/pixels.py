"""Rows with pixel noise: the same networks on data in which a fifth of the pictures is noisy and all labels are true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.studies.forgetting import numbers
from memjax.studies.forgetting.numbers import among
from memjax.studies.kit import Claim, Table, listed
from memjax.tasks import Arrays, Images, from_arrays

__all__ = ["SPREADS", "noisy_rows", "noisy_tasks", "pixel_claims", "pixel_table"]

SPREADS = (0.5, 1.0, 2.0)
"""Standard deviations of the noise; pixels lie between 0 and 1."""
_SHARE = 0.2


def noisy_rows(num_rows: int) -> npt.NDArray[np.bool_]:
    """Which rows have noise, ``[num_rows]``: a fifth of them, the same at every spread.

    Examples
    --------
    >>> int(noisy_rows(10).sum())
    2
    """
    found = np.zeros(num_rows, bool)
    found[np.random.default_rng(0).permutation(num_rows)[: round(_SHARE * num_rows)]] = True
    return found


def noisy_tasks(task: Images, train_size: int, test_size: int) -> list[Arrays]:
    """A task for every spread: the train rows of a task, with one draw of noise times the spread on some of the pictures."""
    train, _ = task.draw(0, train_size, test_size)
    pictures = task.pool[np.asarray(train.x)]
    noise = np.random.default_rng(1).normal(size=pictures.shape)
    noise[~noisy_rows(train_size)] = 0
    return [from_arrays((pictures + spread * noise).astype(np.float32), np.asarray(train.y)) for spread in SPREADS]


def _parts(runs: xr.Dataset) -> list[tuple[xr.Dataset, xr.DataArray]]:
    """Runs at every spread, and the noisy rows ``(example,)``."""
    marked = xr.DataArray(noisy_rows(runs.sizes["example"]), dims="example")
    # Own arrays number their rows in the order in which they are given.
    marked = marked.isel(example=runs["example"].values).assign_coords(example=runs["example"].values)
    return [(runs.isel(task=place, drop=True), marked) for place in range(len(SPREADS))]


def pixel_claims(runs: xr.Dataset) -> list[Claim]:
    """How much more noisy rows are forgotten; what is published could not be read."""
    what = "pixel noise of spread {:g} on a fifth of the rows: events per row, noisy rows less others"
    return [
        Claim(what.format(spread), None, among(numbers.events(one), marked) - among(numbers.events(one), ~marked))
        for spread, (one, marked) in zip(SPREADS, _parts(runs), strict=True)
    ]


def pixel_table(runs: xr.Dataset, epochs: int) -> Table:
    """Events of noisy rows and of others, and how well the counts find the noisy rows."""
    columns: Mapping[str, Any] = {
        "events per noisy row": lambda one: among(numbers.events(one[0]), one[1]),
        "events per other row": lambda one: among(numbers.events(one[0]), ~one[1]),
        "noisy rows never learnt": lambda one: 100 * among(~numbers.learnt(one[0]), one[1]),
        "AUC of events for noisy rows": lambda one: numbers.auc(numbers.forgotten(one[0], epochs), one[1]),
    }
    heads = {"spread": [f"{spread:g}" for spread in SPREADS]}
    title, units = "Rows with pixel noise", {"noisy rows never learnt": "%"}
    return listed(heads, _parts(runs), columns, title=title, note=_NOTE, units=units)


_NOTE = (
    "All labels are true. The spread is the standard deviation of normal noise on pixels between 0 and 1, on a fifth of "
    "the rows."
)
