"""Mean cosine between the gradients of examples, or of batches: whether gradients agree or conflict.

The measure is the cosine stiffness of S. Fort, P. K. Nowak, S. Jastrzebski and S. Narayanan, "Stiffness: a new perspective
on generalization in neural networks" (2019), within the train split. Gradients with a negative cosine are called
conflicting by T. Yu et al., "Gradient surgery for multi-task learning" (NeurIPS 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from memjax.checks.values import whole
from memjax.examples import Examples, Tile
from memjax.measures.measure import Measure
from memjax.measures.recorded.gradient import tile_gradient
from memjax.parameter_trees import unit
from memjax.types import Apply, Array, LossFn, Params

__all__ = ["batch_gradient_cosine", "gradient_cosine"]

# Number of single gradients in memory at the same time: 32 P numbers per run, whatever the tile width.
_AT_ONCE = 32


@dataclass(frozen=True)
class _MeanCosine:
    """The function of the measure, an object whose repr shows the batch size: a store tells two batch sizes apart by it."""

    batch_size: int

    def __call__(self, params: Params, apply: Apply, examples: Examples, *, loss: LossFn) -> Array:
        gradient = tile_gradient(apply, loss)
        flat = ravel_pytree(params)[0]
        # Numbers of 16 bits cannot count beyond some hundreds.
        zeros = jnp.zeros(flat.shape, jnp.promote_types(flat.dtype, jnp.float32))

        def direction(batch: Tile) -> tuple[Array, Array]:
            along, length = unit(ravel_pytree(gradient(params, batch))[0].astype(zeros.dtype))
            keep = batch.mask.all() & (length != 0)
            return jnp.where(keep, along, 0), keep

        def add(chunk: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
            along, keep = jax.vmap(direction)(self._batches(examples, chunk))
            return state[0] + along.sum(0), state[1] + keep.sum()

        return _mean_over_pairs(*jax.lax.fori_loop(0, self._chunks(examples), add, (zeros, zeros.sum())))

    @property
    def _group(self) -> int:
        """Batches in a chunk, G."""
        return max(1, _AT_ONCE // self.batch_size)

    def _chunks(self, examples: Examples) -> Array | int:
        """Number of chunks that fill all tiles. The runs of a block share this bound, whatever the sizes of their splits."""
        width = jax.eval_shape(examples.tile, jnp.int32(0)).mask.shape[0]
        return -(-(examples.num_tiles * width // self.batch_size) // self._group)

    def _batches(self, examples: Examples, chunk: Array) -> Tile:
        """Batches ``[G, batch_size, ...]`` of one chunk, in the order of the examples; incomplete batches are masked."""
        shape = self._group, self.batch_size
        places = chunk * self._group + jnp.arange(self._group)
        complete = (places + 1) * self.batch_size <= examples.size
        rows = jnp.where(complete[:, None], places[:, None] * self.batch_size + jnp.arange(self.batch_size)[None], 0)
        tile = examples.take(rows.reshape(-1), jnp.broadcast_to(complete[:, None], shape).reshape(-1))
        return jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), tile)


def _mean_over_pairs(total: Array, count: Array) -> Array:
    """Mean cosine of M unit vectors u from their sum ``[P]``, because |sum u|^2 = M + (sum over i != j of <u_i, u_j>)."""
    pairs = count * (count - 1)
    return jnp.where(pairs == 0, jnp.nan, (jnp.square(total).sum() - count) / jnp.where(pairs == 0, 1, pairs))


def batch_gradient_cosine(batch_size: int, name: str = "batch_gradient_cosine") -> Measure:
    """Mean cosine between the gradients of the loss on different batches of the train split.

    The batches are disjoint and follow each other in the order of the run's examples. An incomplete last batch is left out.
    The mean is over all pairs of batches whose gradients are not exactly zero; a gradient of zero has no direction.

    Parameters
    ----------
    batch_size
        Examples in a batch. The gradients of ``max(32 // batch_size, 1)`` batches, ``[P]`` each, are in memory at a time
        for each run of a block.
    name
        Name of the variable, for sweeps that record several batch sizes.

    Returns
    -------
    Measure
        One number per record, from -1 / (M - 1) to 1 for M gradients; NaN for fewer than two gradients. A record costs as much
        as 1 to 3 gradients of the train split for batches of 16 and more, and as much as 15 to 35 on a CPU for batches of one.

    Raises
    ------
    InputError
        If ``batch_size`` is no whole number of at least 1.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(train_size=64, measures=("loss", batch_gradient_cosine(16)))
    >>> spec.measures[1].long_name
    'mean cosine between gradients of batches of 16 examples'
    """
    size = whole("batch_size", batch_size, 1)
    return Measure(_MeanCosine(size), name, long_name=f"mean cosine between gradients of batches of {size} examples")


gradient_cosine = Measure(_MeanCosine(1), "gradient_cosine", long_name="mean cosine between gradients of examples")
"""Mean over pairs of different train examples of the cosine between their gradients of the loss (Fort et al., "Stiffness").

NaN for fewer than two gradients that are not exactly zero. Costs as much as `batch_gradient_cosine` of batches of one.

Examples
--------
Of the outputs w x, the first example asks for a smaller w, and the second for a larger one:

>>> import jax.numpy as jnp
>>> import memjax as mj
>>> examples = mj.Examples(jnp.array([[[1.0], [2.0]]]), jnp.array([[[0.0], [9.0]]]), None, 0, size=2, num_tiles=1)
>>> cosine = mj.measures.gradient_cosine.function(jnp.array(1.0), lambda w, x: w * x, examples, loss=mj.losses.mse)
>>> float(cosine)
-1.0
"""
