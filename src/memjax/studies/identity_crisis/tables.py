"""Tables of the study identity-crisis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax.studies.kit import Table, geometric, listed

__all__ = ["points", "responses"]

_TITLES = {
    "constant": "Correlation of the output with the train image",
    "identity": "Correlation of the output with the input",
}
_NETWORKS = {"dense": "dense", "conv": "convolutions", "wide": "dense, other widths"}


def responses(found: Mapping[str, xr.Dataset], losses: Mapping[str, xr.DataArray], of: str) -> Table:
    """A row for every network, a column for every group of inputs; ``of`` is ``constant`` or ``identity``."""
    names, settings, parts = [], [], []
    for name, one in found.items():
        axis = "width" if "width" in one.dims else "layers"
        for value in one[axis].values.tolist():
            names.append(_NETWORKS[name])
            settings.append(f"6 layers of {value}" if axis == "width" else f"{value} layer{'s' * (value > 1)}")
            parts.append(one.sel({axis: value}).assign(loss=losses[name].sel({axis: value})))
    groups = [str(group) for group in found["dense"]["group"].values]
    columns: dict[str, Any] = {group: lambda one, group=group: _known(one[of].sel(group=group)) for group in groups}
    if of == "constant":
        columns = {"train loss": geometric("loss"), **columns}
    else:
        columns["eigenvalue"] = "jacobian_radius"
    return listed({"network": names, "setting": settings}, parts, columns, title=_TITLES[of], note=_NOTES[of])


def _known(values: xr.DataArray) -> Any:
    return values if values.notnull().any() else "-"


_NOTES = {
    "constant": (
        "Means over seeds. 1: the network gives the train image, whatever it is shown. Inputs that are themselves like the "
        "train image have a correlation above 0 with it under the identity too. Train loss: geometric mean."
    ),
    "identity": (
        "Means over seeds. 1: the network gives back what it is shown. A dash: the input is the same everywhere and has no "
        "correlation with anything. Eigenvalue: largest |eigenvalue| of the input Jacobian at the train image."
    ),
}


def points(depth: xr.Dataset, width: xr.Dataset, count: xr.Dataset) -> Table:
    """A row for every network on points."""
    heads: list[tuple[str, str, str]] = []
    parts = []
    for dims in depth["dims"].values.tolist():
        for layers in depth["layers"].values.tolist():
            heads.append((str(dims), "5", f"{layers} layers of 64"))
            parts.append(depth.sel(dims=dims, layers=layers))
    for value in width["width"].values.tolist():
        heads.append(("16", "5", f"5 layers of {value}"))
        parts.append(width.sel(width=value))
    for value in count["train_size"].values.tolist():
        heads.append(("16", str(value), "5 layers of 64"))
        parts.append(count.sel(train_size=value))
    columns: dict[str, Any] = {
        "error": "error",
        "largest eigenvalue": "radius",
        "attractors": "attractors",
        "starts that end at a train point": "ended",
    }
    names = ("dimensions", "points", "network")
    return listed(
        dict(zip(names, zip(*heads, strict=True), strict=True)),
        parts,
        columns,
        title="Attraction to train points",
        note=_POINTS,
    )


_POINTS = (
    "Means over seeds. Error: largest distance of an output from its train point. Largest eigenvalue: of "
    "the input Jacobian at train points, in modulus, median over the points. Attractors: share of train points where it is "
    "below 1. Starts are uniform in the cube, and a path is of 300 applications and ends within 0.1 of a train point."
)
