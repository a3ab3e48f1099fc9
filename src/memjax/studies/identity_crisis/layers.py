"""Depths of the study identity-crisis as numbers, from the labels of the layers of its networks."""

from __future__ import annotations

import numpy as np
import xarray as xr

__all__ = ["by_layers", "num_layers"]


def num_layers(label: str) -> int:
    """Number of affine layers of a network by the label of its hidden layers.

    Examples
    --------
    >>> num_layers("none"), num_layers("64"), num_layers("8-8-8")
    (1, 2, 4)
    """
    return 1 if label == "none" else 2 + label.count("-")


def by_layers(found: xr.Dataset, axis: str = "layers") -> xr.Dataset:
    """Numbers by depth, as the dimension ``layers``, or by the first width, as the dimension ``width``.

    Examples
    --------
    >>> found = xr.Dataset({"x": ("hidden", [1.0, 2.0])}, {"hidden": ["none", "64-64"]})
    >>> by_layers(found)["layers"].values.tolist()
    [1, 3]
    """
    name = "channels" if "channels" in found.dims else "hidden"
    labels = [str(label) for label in found[name].values]
    if axis == "layers" and len({num_layers(label) for label in labels}) == len(labels):
        return found.assign_coords({name: [num_layers(label) for label in labels]}).rename({name: "layers"})
    widths = np.array([int(label.split("-")[0]) for label in labels])
    return found.assign_coords({name: widths}).rename({name: "width"})
