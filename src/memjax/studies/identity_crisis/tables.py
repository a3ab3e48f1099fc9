"""Tables of the study identity-crisis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax.studies.kit import Table, geometric, listed

__all__ = ["named_digits", "points", "responses", "strides"]

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


def named_digits(count: int) -> str:
    """So many digits, as a reader would say it."""
    return "one digit" if count == 1 else f"{count} digits"


def strides(found: xr.Dataset) -> Table:
    """A row for every number of train digits, number of layers and stride."""
    settings = [
        {"train_size": count, "layers": layers, "stride": stride}
        for count in found["train_size"].values.tolist()
        for layers in found["layers"].values.tolist()
        for stride in found["stride"].values.tolist()
    ]
    heads = {
        "trained on": [named_digits(one["train_size"]) for one in settings],
        "network": [f"{one['layers']} layers, stride {one['stride']}" for one in settings],
    }
    columns: dict[str, Any] = {
        "train loss": geometric("loss"),
        "with the train image": "constant",
        "with the input": "identity",
        "eigenvalue": "radius",
        "paths that end at a train image": "ended",
    }
    return listed(heads, [found.sel(one) for one in settings], columns, title=_STRIDES_TITLE, note=_STRIDES)


_STRIDES_TITLE = "Downsampling: what convolutions with biases make of unseen digits"
_STRIDES = (
    "Means over seeds. Correlations of the output for unseen digits: with the train image that the output is most like, and "
    "with the input. Eigenvalue: largest |eigenvalue| of the input Jacobian at train images, median over the images. A path is "
    "of 300 applications from an unseen digit, and ends at a train image if its distance is at most 0.3 of the image's norm. "
    "Train loss: geometric mean."
)


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
