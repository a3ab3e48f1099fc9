"""Values of a measure with their labels, as plain data: a DataArray of each value of each network would take longer to make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Values"]


class Values(NamedTuple):
    """An array with the names of its dimensions and their labels.

    Attributes
    ----------
    dims
        Name of every dimension of ``array``.
    array
        Numbers of any dtype.
    labels
        Labels along a dimension, by its name; a dimension without an entry has none.
    attrs
        Attributes of the variable, such as ``long_name``.

    Examples
    --------
    >>> Values(("layer",), np.zeros(2), {"layer": ["layer_0", "layer_1"]}, {"units": "1"}).dims
    ('layer',)
    """

    dims: tuple[str, ...]
    array: np.ndarray
    labels: Mapping[str, Sequence[Any]]
    attrs: Mapping[str, Any]
