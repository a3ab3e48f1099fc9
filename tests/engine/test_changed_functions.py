"""A function that reads something which has changed is compiled anew, though the function is the same object."""

import jax.numpy as jnp
import numpy as np

import memjax as mj


def test_a_global_that_changes_between_two_sweeps_is_seen():
    held = {"scale": 1.0}

    def loss(outputs, targets):
        return held["scale"] * (1.0 + jnp.square(outputs).mean(-1))

    spec = mj.Experiment(
        loss=loss,
        optimizer=mj.optimizers.sgd(0.1),
        train_size=8,
        steps=1,
        record_every=1,
        model=mj.models.MLP(hidden=()),
        measures=("loss",),
    )
    first = mj.sweep(spec, progress=False).train_loss[0]
    held["scale"] = 2.0
    np.testing.assert_allclose(mj.sweep(spec, progress=False).train_loss[0], 2 * first, rtol=1e-6)
