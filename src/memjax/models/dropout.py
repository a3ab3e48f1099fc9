"""Dropout of units by a key per example, such that no company of a unit or of an example changes what is dropped."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from memjax.types import Array

__all__ = ["kept"]


def kept(keys: Array, layer: int, rate: Array | float, h: Array) -> Array:
    """Activations after inverted dropout: a unit is zero with the probability ``rate``, else divided by ``1 - rate``.

    What happens to a unit follows from the key of the example, the layer and the number of the unit: with JAX's partitionable
    random numbers, which are its default, a wider layer drops the same of its first units.

    Parameters
    ----------
    keys
        Typed keys ``[B]``.
    layer
        Number of the layer.
    rate
        Probability from 0 to below 1.
    h
        Activations ``[units, B]``.

    Returns
    -------
    Array
        ``[units, B]``, of the dtype of ``h``.

    Examples
    --------
    >>> keys = jax.random.split(jax.random.key(0), 1000)
    >>> h = kept(keys, 0, 0.25, jnp.ones((30, 1000)))
    >>> sorted(set(h.ravel().tolist())) == [0.0, float(jnp.float32(1) / jnp.float32(0.75))], abs(float(h.mean()) - 1) < 0.02
    (True, True)
    """
    # In float32 whatever the setting of 64 bits, so that the setting changes no mask.
    stays = 1 - jnp.asarray(rate, jnp.float32)

    def mask(key: Array) -> Array:
        return jax.random.bernoulli(jax.random.fold_in(key, layer), stays, h.shape[:1])

    return jnp.where(jax.vmap(mask, out_axes=1)(keys), h / stays.astype(h.dtype), 0)
