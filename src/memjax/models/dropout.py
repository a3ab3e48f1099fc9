"""Dropout of units by a key per example, such that no company of a unit or of an example changes what is dropped."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from memjax.types import Array

__all__ = ["kept"]

# Two units share a word of JAX's generator, which takes longer than a small layer itself.
_BITS = 16
_LEVELS = 2**_BITS


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
        Probability from 0 to below 1, which is rounded to a multiple of ``2**-16``.
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
    # In float32 whatever the setting of 64 bits, so that the setting changes no mask. Not all units can be dropped.
    dropped = jnp.minimum(jnp.round(jnp.asarray(rate, jnp.float32) * _LEVELS), _LEVELS - 1)
    stays = (1 - dropped / _LEVELS).astype(h.dtype)
    return jnp.where(_levels(keys, layer, len(h)) >= dropped.astype(jnp.uint32), h / stays, 0)


def _levels(keys: Array, layer: int, units: int) -> Array:
    """Whole numbers below 2**16, ``uint32[units, B]``, each equally likely."""

    def words(key: Array) -> Array:
        return jax.random.bits(jax.random.fold_in(key, layer), (-(-units // 2),), "uint32")

    both = jax.vmap(words, out_axes=1)(keys)
    halves = jnp.stack([both & (_LEVELS - 1), both >> _BITS], axis=1)
    return halves.reshape(-1, both.shape[1])[:units]
