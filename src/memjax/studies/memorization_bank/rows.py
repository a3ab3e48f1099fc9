"""Memorisation scores beside other properties of a row: leverage, margin, and the step at which the row is learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.measure import measure
from memjax.measures import dimensionality
from memjax.studies.kit import Table, listed
from memjax.studies.memorization_bank.numbers import MEMORIZED, final, jackknifed, left_out, score

__all__ = ["PROPERTIES", "leverage_of", "properties", "property_table", "strongest_pairs"]

PROPERTIES = {
    "leverage": "leverage D* among hidden activations",
    "margin": "logit margin at the end",
    "first_learnt": "step at which the row is first right",
}
"""Properties of rows by name, as axes say them."""
_INFLUENTIAL = 0.15


def leverage_of(whole: xr.Dataset) -> xr.Dataset:
    """``leverage`` ``(example,)``: D* of every row among the hidden activations of networks on all rows, the mean over them."""
    found = measure(whole.isel(snapshot=[-1]), [dimensionality()])["data_dimensionality"]
    mean = found.isel(snapshot=0, layer=-1, drop=True).mean("seed")
    return mean.reset_coords(drop=True).to_dataset(name="leverage")


def properties(whole: xr.Dataset, leverage: xr.Dataset) -> xr.Dataset:
    """Properties ``(example,)`` of every row, means over networks on all rows; a row never learnt counts as learnt last."""
    last = float(whole["step"].max())
    whole = final(whole)
    found = {
        "leverage": leverage["leverage"],
        "margin": whole["example_logit_margin"].mean("seed"),
        "first_learnt": whole["example_first_learnt"].fillna(2 * last).mean("seed"),
    }
    return xr.Dataset({name: one.reset_coords(drop=True) for name, one in found.items()})


def property_table(bank: xr.Dataset, of_rows: xr.Dataset, corrupted: xr.DataArray) -> Table:
    """Rank correlation of memorisation scores with every property, over all rows and over those with their true label."""
    columns: Mapping[str, Any] = {
        "all rows": lambda name: jackknifed(_correlation(bank, of_rows[name])),
        "rows with their true label": lambda name: jackknifed(_correlation(bank, of_rows[name].where(~corrupted))),
    }
    names = list(PROPERTIES)
    heads = {"property": [PROPERTIES[name] for name in names]}
    return listed(
        heads, names, columns, title="Rank correlation of memorisation scores with properties of rows", note=_NOTE
    )


def _correlation(bank: xr.Dataset, values: xr.DataArray) -> xr.DataArray:
    kept = values.dropna("example")

    def correlation(part: xr.Dataset) -> xr.DataArray:
        return analysis.spearman(score(part).sel(example=kept["example"]), kept, "example")

    return left_out(correlation, bank)


_NOTE = (
    "Properties are means over ten networks on all rows, scores are those of the bank. Intervals are those of the jackknife "
    "over groups of the bank's networks."
)


def strongest_pairs(clean: xr.Dataset, count: int) -> xr.Dataset:
    """Pairs of a row and a test example with the strongest influence on being right, each row and each example once.

    Parameters
    ----------
    clean
        A bank with ``example_correct`` and ``test_example_correct``.
    count
        Number of pairs.

    Returns
    -------
    xarray.Dataset
        By ``pair``: ``example`` and ``test_example``, the labels of both; ``influence`` and ``standard_error``;
        ``memorization`` of the row. The attribute ``influential`` is the number of pairs of all rows with a score above 0.25
        whose influence is above 0.15 by more than two standard errors (Feldman and Zhang 2020 count those above 0.15).
    """
    found = analysis.influence(clean["test_example_correct"], clean["train_count"])
    own = score(clean)
    effect = found["influence"].where(own > MEMORIZED).transpose("example", "test_example")
    error = found["standard_error"].transpose("example", "test_example")
    places = _one_of_each(effect.values, count)
    rows, tests = (xr.DataArray(list(part), dims="pair") for part in zip(*places, strict=True))
    at = {"example": rows, "test_example": tests}
    chosen = {"influence": effect.isel(at), "standard_error": error.isel(at), "memorization": own.isel(example=rows)}
    surely = int(((effect - 2 * error) > _INFLUENTIAL).sum())
    return xr.Dataset({name: one.drop_attrs() for name, one in chosen.items()}).assign_attrs(influential=surely)


def _one_of_each(effect: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Places of the largest finite values, no two of which share a row or a column."""
    left = np.where(np.isfinite(effect), effect, -np.inf)
    found: list[tuple[int, int]] = []
    while len(found) < count and np.isfinite(left).any():
        row, column = np.unravel_index(left.argmax(), left.shape)
        found.append((int(row), int(column)))
        left[row], left[:, column] = -np.inf, -np.inf
    return found
