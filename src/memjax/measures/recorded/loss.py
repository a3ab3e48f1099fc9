"""Mean loss of a split."""

from __future__ import annotations

import jax.numpy as jnp

from memjax.examples import Examples, Tile
from memjax.losses import of_examples
from memjax.measures.measure import Measure
from memjax.types import Apply, Array, LossFn, Params

__all__ = ["loss", "step_loss"]


def _loss(params: Params, apply: Apply, examples: Tile, *, loss: LossFn) -> Array:
    return of_examples(loss, apply, params, examples.x, examples.y)


loss = Measure(_loss, "loss", per_example=True, splits=("train", "test"), long_name="mean loss", units="nats")
"""Mean of the experiment's loss over a split (unscaled); in nats for cross-entropy.

Examples
--------
A network whose outputs are its inputs, on two examples of class 0:

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> outputs, labels = jnp.array([[2.0, 1.0], [0.0, 3.0]]), jnp.array([0, 0])
>>> two = mj.Tile(outputs, labels, jnp.ones(2, bool))
>>> values = mj.measures.loss.function(None, lambda params, x: x, two, loss=mj.losses.cross_entropy)
>>> [round(float(value), 4) for value in values]
[0.3133, 3.0486]
"""


def _no_step_yet(params: Params, apply: Apply, examples: Examples) -> Array:
    del params, apply, examples
    return jnp.asarray(jnp.nan)


# The loop recognises this measure by its function and fills in the mean loss of the steps. A snapshot has no steps, so there
# the value stays NaN.
step_loss = Measure(_no_step_yet, "step_loss", long_name="mean loss of the steps since the last record", units="nats")
"""Mean, over the steps since the last record, of the loss whose gradient the step took, before the update of the step.

This measure costs nothing beside training. With minibatches it is the loss of the minibatches. At step 0 no step was taken,
and the value is NaN.

Examples
--------
With all examples in every step, the loss of a step is the loss at the record before the step:

>>> import memjax as mj
>>> spec = mj.Experiment(steps=4, record_every=1, train_size=8, measures=("loss", "step_loss"))
>>> ds = mj.sweep(spec, over={"seed": [0]})
>>> bool(abs(ds.step_loss[:, 1:].values - ds.train_loss[:, :-1].values).max() < 1e-5)
True
"""
