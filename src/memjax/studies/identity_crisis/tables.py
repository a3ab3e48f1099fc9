"""Tables of the study identity-crisis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax.studies.kit import Estimate, Table, estimate, geometric, listed

__all__ = ["named_digits", "points", "responses", "strides"]

_TITLES = {
    "constant": "Correlation of the output with the train image",
    "identity": "Correlation of the output with the input",
}
_NETWORKS = {"dense": "dense", "conv": "convolutions", "wide": "dense, other widths"}


def responses(found: Mapping[str, xr.Dataset], losses: Mapping[str, xr.DataArray], of: str) -> Table:
    """A row for every network, a column for every group of inputs; ``of`` is ``constant`` or ``identity``."""
    itself = found["dense"].isel(layers=0)
    names, settings = [_ITSELF[of]], ["-"]
    parts = [itself.assign({of: itself["likeness"], "loss": float("nan"), "jacobian_radius": float("nan")})]
    for name, one in found.items():
        axis = "width" if "width" in one.dims else "layers"
        for value in one[axis].values.tolist():
            names.append(_NETWORKS[name])
            settings.append(f"6 layers of {value}" if axis == "width" else f"{value} layer{'s' * (value > 1)}")
            parts.append(one.sel({axis: value}).assign(loss=losses[name].sel({axis: value})))
    groups = [str(group) for group in found["dense"]["group"].values]
    columns: dict[str, Any] = {
        group: lambda one, group=group: _known(estimate(one[of].sel(group=group))) for group in groups
    }
    if of == "constant":
        columns = {"train loss": lambda one: _known(estimate(one["loss"], "geometric")), **columns}
    else:
        columns["eigenvalue"] = lambda one: _known(estimate(one["jacobian_radius"]))
    return listed({"network": names, "setting": settings}, parts, columns, title=_TITLES[of], note=_NOTES[of])


_ITSELF = {"constant": "the identity itself", "identity": "the constant itself"}


def _known(found: Estimate) -> Estimate | str:
    return "-" if found.unknown == found.runs else found


_NOTES = {
    "constant": (
        "Means over seeds. 1: the network gives the train image, whatever it is shown. First row: correlation of the inputs "
        "themselves with the train image, which the identity would have. Train loss: geometric mean."
    ),
    "identity": (
        "Means over seeds. 1: the network gives back what it is shown. First row: correlation of the train image with the "
        "inputs, which a constant would have. A dash: the input is the same everywhere and has no correlation with anything. "
        "Eigenvalue: largest |eigenvalue| of the input Jacobian at the train image."
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
    "Numbers are means over seeds. Correlations are of the output for unseen digits: with the train image that the output "
    "is most like, and with the input. The eigenvalue is the largest |eigenvalue| of the input Jacobian at train images, "
    "as the median over the images. A path is of 100 applications from an unseen digit, and ends at a train image if its "
    "distance is at most 0.3 of the image's norm. The train loss is a geometric mean. Intervals of means of shares may "
    "reach beyond 0 and 1."
)


def points(depth: xr.Dataset, count: xr.Dataset, linear: Mapping[int, xr.Dataset]) -> Table:
    """A row for every network on points; linear autoencoders, the null, by their number of dimensions."""
    rows: list[tuple[tuple[str, str, str], xr.Dataset]] = []
    for dims in depth["dims"].values.tolist():
        for layers in depth["layers"].values.tolist():
            rows.append(((str(dims), "5", f"{layers} layers of 64"), depth.sel(dims=dims, layers=layers)))
    for value in count["train_size"].values.tolist():
        rows.append((("16", str(value), "5 layers of 64"), count.sel(train_size=value)))
    rows += [((str(dims), "5", "linear"), one) for dims, one in linear.items()]
    heads, parts = zip(*rows, strict=True)
    named = dict(zip(("dimensions", "points", "network"), zip(*heads, strict=True), strict=True))
    return listed(named, parts, _COLUMNS, title="Attraction to train points", note=_POINTS)


_COLUMNS: dict[str, Any] = {
    "error": "error",
    "eigenvalue, median": "radius",
    "largest": "largest",
    "attractors": lambda one: _known(estimate(one["attractors"])),
    "starts at a train point": "began",
    "ends at a train point": "ended",
}
_POINTS = (
    "Numbers are means over seeds. The error is the largest distance of an output from its train point. The eigenvalue is "
    "the largest |eigenvalue| of the input Jacobian at train points: the median over the points and the largest. "
    "Attractors are the share of train points where it is below 1; linear networks have a dash, for it is 1 there but for "
    "rounding. Starts are uniform in the cube, and a path is of 300 applications. The last columns are the share of "
    "starts within 0.1 of a train point, and of paths that end within 0.1. Intervals of means of shares may reach beyond "
    "0 and 1."
)
