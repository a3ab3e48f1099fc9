"""Sensitivity of the loss of every class to the inputs of every class: numbers, claims and the table."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from memjax.measure import measure
from memjax.measures import class_sensitivity
from memjax.studies.kit import Claim, Column, Table, grid

__all__ = ["by_class", "class_claims", "classes_table", "on_diagonal"]


def by_class(runs: xr.Dataset, *, laws: Sequence[str]) -> xr.Dataset:
    """``class_sensitivity`` ``(task, seed, snapshot, loss_class, example_class)`` of the train examples of some laws."""
    found = measure(runs.sel(task=list(laws)), [class_sensitivity()])
    return found[["class_sensitivity"]].reset_coords(drop=True)


def on_diagonal(matrix: xr.DataArray) -> xr.DataArray:
    """Share of the sum of all cells that stands where the two classes are one; 1 over their number where cells are equal.

    Examples
    --------
    >>> matrix = xr.DataArray([[3.0, 1.0], [0.0, 4.0]], dims=("loss_class", "example_class"))
    >>> float(on_diagonal(matrix))
    0.875
    """
    same = xr.DataArray(_eye(matrix.sizes["loss_class"]), dims=("loss_class", "example_class"))
    cells = ["loss_class", "example_class"]
    # Positions pair the classes, whatever their labels are.
    plain = matrix.drop_vars(cells, errors="ignore")
    return plain.where(same).sum(cells) / plain.sum(cells, skipna=False)


def _eye(size: int) -> list[list[bool]]:
    return [[row == column for column in range(size)] for row in range(size)]


def class_claims(matrix: xr.DataArray) -> list[Claim]:
    """Arpit et al.: with random labels the sensitivity by class is nearly diagonal, and with true labels less so.

    Nothing is asked: the derivative of the loss with an example's own label has the factor 1 - p of the probability p of this
    label. So the diagonal is near 0 in every network that has fitted, whatever it has learnt.
    """
    share = on_diagonal(matrix).isel(snapshot=-1, drop=True)
    true, random = (share.sel(task=name, drop=True) for name in ("true labels", "random labels"))
    what = "share of the sensitivity by class on the diagonal at the end"
    return [
        Claim(f"{what}, random labels", "near diagonal", random),
        Claim(f"{what}: random labels less true ones", "above 0", random - true),
    ]


def classes_table(matrix: xr.DataArray) -> Table:
    """A row for every snapshot: the share on the diagonal, a column for every law."""
    share = on_diagonal(matrix).to_dataset(name="share")
    columns = {name: _of_law(name) for name in share["task"].values.tolist()}
    title = "Share of the sensitivity by class that stands on the diagonal"
    return grid(share, {"snapshot": "step"}, columns, title=title, note=_NOTE)


def _of_law(name: str) -> Column:
    return lambda part: part["share"].sel(task=name)


_NOTE = (
    "A cell is the mean over the train examples of one class of the sensitivity of the loss that they would have with the "
    "label of another class. Equal cells of ten classes have a share of 0.1. A run that has fitted stays as it is."
)
