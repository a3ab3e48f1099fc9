"""Mean loss of a split."""

from __future__ import annotations

import jax.numpy as jnp

from memjax.examples import Examples, Tile
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, LossFn, Params

__all__ = ["loss", "step_loss"]


def _loss(params: Params, apply: Apply, examples: Tile, *, loss: LossFn) -> Array:
    return loss(apply(params, examples.x), examples.y)


loss = Measure(_loss, "loss", per_example=True, splits=("train", "test"), long_name="mean loss", units="nats")
"""Mean of the experiment's loss over a split (unscaled); in nats for cross-entropy."""


def _no_step_yet(params: Params, apply: Apply, examples: Examples) -> Array:
    del params, apply, examples
    return jnp.asarray(jnp.nan)


# Told by its function: the loop puts in what it knows, where a snapshot has no steps.
step_loss = Measure(_no_step_yet, "step_loss", long_name="mean loss of the steps since the last record", units="nats")
"""Mean over the steps since the last record of the loss that each step took the gradient of, before its update.

Costs nothing beside training. Of minibatches it is the minibatches' loss; NaN at step 0, before any.
"""
