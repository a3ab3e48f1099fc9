"""The measure whose falls are learning events: whether an example is classified wrong."""

from __future__ import annotations

from memjax.examples import Tile
from memjax.measures import Measure, accuracy
from memjax.types import Apply, Array, Params

__all__ = ["wrong"]


def _wrong(params: Params, apply: Apply, examples: Tile) -> Array:
    return 1 - accuracy.function(params, apply, examples)


wrong = Measure(
    _wrong, "wrong", per_example=True, needs_labels=True, splits=("train", "test"), long_name="share classified wrong"
)
"""1 less the accuracy. Its falls, which ``over="drops"`` counts, are learning events: a wrong answer, then a right one."""
