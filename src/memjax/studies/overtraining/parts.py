"""The measure that keeps what a network says of every case, and the diabetes data as a task."""

from __future__ import annotations

from memjax.examples import Tile
from memjax.measures import Measure
from memjax.tasks import Arrays, from_arrays
from memjax.types import Apply, Array, Params

__all__ = ["diabetes", "residual"]


def _residual(params: Params, apply: Apply, examples: Tile) -> Array:
    return (apply(params, examples.x) - examples.y).reshape(len(examples.x), -1)[:, 0]


residual = Measure(_residual, "residual", per_example=True, splits=("train", "test"), long_name="mean residual")
"""Output less target, of the first output."""


def diabetes() -> Arrays:
    """The 442 patients of scikit-learn, ten inputs and the target each of mean 0 and variance 1."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    return from_arrays((x - x.mean(0)) / x.std(0), ((y - y.mean()) / y.std())[:, None])
