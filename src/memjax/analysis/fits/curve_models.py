"""What a model of a curve is: a formula y(x; parameters), and how to fit the formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["CurveModel", "Separable"]

FloatArray = npt.NDArray[np.float64]


class Separable(NamedTuple):
    """How to fit a model that is linear once its shape is given (Golub and Pereyra 1973, doi:10.1137/0710036).

    In the shapes, G counts points of the grid, q numbers of the shape, n positions, k columns, p parameters.

    Attributes
    ----------
    grid
        From positions ``[n]`` to shapes ``[G, q]``, in order if q = 1. The search starts from the best of these shapes.
    columns
        From positions ``[n]`` and shapes ``[..., q]`` to regressors ``[..., n, k]``, scaled to stay of order one.
    parameters
        From positions, shapes ``[..., q]`` and coefficients ``[..., k]`` to the model's parameters ``[..., p]``.
    exhaustive
        Whether the grid holds all possible shapes.
    parts
        From positions ``[n]`` to ascending values of the shape's first number, from one end of the grid to the other. These
        values divide the grid into parts, and one search is made in every part: at the borders the sum of squares has kinks,
        or minima on both sides. Only for q > 1, and with points of the grid in every part; None for one search.
    """

    grid: Callable[[FloatArray], FloatArray]
    columns: Callable[[FloatArray, FloatArray], FloatArray]
    parameters: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
    exhaustive: bool = False
    parts: Callable[[FloatArray], FloatArray] | None = None


@dataclass(frozen=True)
class CurveModel:
    """A family of curves y(x; parameters).

    Attributes
    ----------
    name
        Name of the model in results.
    function
        ``function(x, *parameters)`` gives y; NumPy arrays broadcast against each other.
    parameters
        Names of the parameters, in the order of the function's arguments.
    formula
        For attributes and legends.
    start
        Values of the parameters, by name, at which the search starts; only without ``separable``.
    positive_x
        Whether x must be positive.
    singular
        A parameter and its value at which the other parameters cancel without limit, so that none of these is identified.
    separable
        How to fit the model by variable projection, which needs no start.

    Examples
    --------
    >>> import numpy as np
    >>> lorentz = CurveModel("peak", lambda x, h, m, w: h / (1 + ((x - m) / w) ** 2), ("h", "m", "w"),
    ...                      start={"h": 1.0, "m": 5.0, "w": 1.0})
    >>> lorentz.function(np.array([5.0, 6.0]), 2.0, 5.0, 1.0)
    array([2., 1.])
    """

    name: str
    function: Callable[..., FloatArray]
    parameters: tuple[str, ...]
    formula: str = ""
    start: Mapping[str, float] = field(default_factory=dict)
    positive_x: bool = False
    singular: tuple[str, float] | None = None
    separable: Separable | None = None

    def __post_init__(self) -> None:
        taken = {"reason", "r_squared", "noise", "residual", "bound"} & set(self.parameters)
        taken |= {name for name in self.parameters if name.endswith("_interval")}
        if not self.parameters or len(set(self.parameters)) < len(self.parameters) or taken:
            raise ValueError(
                f"The model {self.name!r} has parameters {self.parameters}: give one or more different names, none of "
                f"reason, r_squared, noise, residual and bound, and none that ends in _interval."
            )
        if self.separable is None and set(self.start) != set(self.parameters):
            raise ValueError(
                f"The model {self.name!r} has parameters {list(self.parameters)} and starts for {list(self.start)}: "
                f"give one start for each, for example start={{{self.parameters[0]!r}: 1.0}}."
            )
