"""Task, network and loss of the publication on the edge of stability."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import chebyshev

from memjax.models import dense
from memjax.models.initializers import draw_normal
from memjax.types import Array, Data, Params, Split

__all__ = ["Chebyshev", "OneHiddenLayer", "half_squared_error"]


@dataclass(frozen=True)
class Chebyshev:
    """Points evenly spaced on [-1, 1], ends included, labelled by the Chebyshev polynomial of a degree.

    Nothing in it is random, and a test set is the same law at as many points as are asked for.

    Examples
    --------
    >>> x, y = Chebyshev(degree=3).draw(seed=0, train_size=5, test_size=1).train
    >>> x[:, 0].tolist(), y[:, 0].tolist()
    ([-1.0, -0.5, 0.0, 0.5, 1.0], [-1.0, 1.0, 0.0, -1.0, 1.0])
    """

    degree: int = 3

    @property
    def num_outputs(self) -> int:
        """One value."""
        return 1

    def draw(self, seed: int, train_size: int, test_size: int) -> Split:
        """Inputs and targets ``float32[N, 1]``; unlike those of other tasks, not nested."""
        del seed
        return Split(self._points(train_size), self._points(test_size))

    def _points(self, size: int) -> Data:
        x = np.linspace(-1, 1, size)[:, None]
        y = chebyshev.chebval(x, [0] * self.degree + [1])
        return Data(x.astype(np.float32), y.astype(np.float32))


@dataclass(frozen=True)
class OneHiddenLayer:
    """The publication's network for this task: tanh of an affine layer, and a linear output without bias.

    Xavier's normal initial values, of the first layer times ``gain``, and biases that begin at zero.

    Examples
    --------
    >>> params = OneHiddenLayer(width=100).init(jax.random.key(0), np.zeros((1, 1), np.float32))
    >>> sum(leaf.size for leaf in jax.tree.leaves(params))
    300
    """

    width: int = 100
    gain: float = 1.9
    outputs: int = 1

    def init(self, key: Array, x: Array) -> Params:
        """Draw the two kernels and the bias."""
        sizes = x.shape[-1], self.width, self.outputs
        shapes: dict[str, dict[str, tuple[int, ...]]] = {
            "layer_0": {"kernel": sizes[:2], "bias": sizes[1:2]},
            "layer_1": {"kernel": sizes[1:]},
        }
        structs = {
            layer: {name: jax.ShapeDtypeStruct(shape, x.dtype) for name, shape in arrays.items()}
            for layer, arrays in shapes.items()
        }
        first, last = (float(np.sqrt(2 / sum(pair))) for pair in (sizes[:2], sizes[1:]))
        spreads = {"layer_0": {"kernel": self.gain * first, "bias": 0.0}, "layer_1": {"kernel": last}}
        return draw_normal(key, structs, spreads, 1.0)

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, outputs]`` for inputs ``x[B, D]``."""
        hidden = jnp.tanh(dense(params["layer_0"]["kernel"], x.T) + params["layer_0"]["bias"][:, None])
        return dense(params["layer_1"]["kernel"], hidden).T


def half_squared_error(outputs: Array, targets: Array) -> Array:
    """Half the squared distance of each example, the publication's loss: 2 / learning rate refers to its Hessian.

    Examples
    --------
    >>> half_squared_error(np.array([[3.0]]), np.array([[1.0]])).tolist()
    [2.0]
    """
    return 0.5 * jnp.square(outputs - targets).sum(-1)
