"""Mean loss of a split."""

from __future__ import annotations

from memjax.examples import Tile
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, LossFn, Params

__all__ = ["loss"]


def _loss(params: Params, apply: Apply, examples: Tile, *, loss: LossFn) -> Array:
    return loss(apply(params, examples.x), examples.y)


loss = Measure(_loss, "loss", per_example=True, splits=("train", "test"), long_name="mean loss", units="nats")
"""Mean of the experiment's loss over a split (unscaled); in nats for cross-entropy."""
