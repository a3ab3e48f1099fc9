"""What only this study has: linearised networks, a rule that is learnt from few pairs, and the loss of Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from memjax.losses import one_hot_mse
from memjax.models import MLP
from memjax.types import Array, Params

__all__ = ["NOISE", "LinearisedMLP", "first_residue", "gaussian"]

NOISE = 0.01
"""Standard deviation of the noise on every output in `gaussian`."""


@dataclass(frozen=True)
class LinearisedMLP:
    """The network that is linear in its parameters and touches an MLP at the initial state of this MLP.

    The outputs are ``f(x) + df/dw(x) (w - w0)``. A step of descent on the mean loss moves them by the tangent kernel at ``w0``
    times the gradient of the loss in the outputs (Jacot et al. 2018, arXiv:1806.07572, section 4).

    Parameters
    ----------
    hidden
        Widths of the hidden layers of the MLP.
    outputs
        Width of the output; None takes what the task calls for.

    Examples
    --------
    >>> model, x = LinearisedMLP(hidden=(6,), outputs=3), np.ones((1, 4), np.float32)
    >>> params, own = model.init(jax.random.key(0), x), MLP(hidden=(6,), outputs=3).init(jax.random.key(0), x)
    >>> bool((model.apply(params, x) == MLP(hidden=(6,), outputs=3).apply(own, x)).all())
    True
    """

    hidden: tuple[int, ...] = (128,)
    outputs: int | None = None

    def init(self, key: Array, x: Array) -> Params:
        """``start``, the parameters that an MLP draws, and ``moved``, how far they have moved, zeros of the same structure."""
        start = self._network.init(key, x)
        return {"moved": jax.tree.map(jnp.zeros_like, start), "start": start}

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``; the gradient in ``start`` is zero."""
        start = jax.lax.stop_gradient(params["start"])
        first, change = jax.jvp(lambda at: self._network.apply(at, x), (start,), (params["moved"],))
        outputs: Array = first + change
        return outputs

    @property
    def _network(self) -> MLP:
        return MLP(hidden=self.hidden, outputs=self.outputs)


def first_residue(a: np.ndarray, b: np.ndarray, p: int) -> np.ndarray:
    """Class of a pair of residues: the first of the two, ``int64[N]``.

    Examples
    --------
    >>> first_residue(np.array([3, 4]), np.array([0, 1]), 5).tolist()
    [3, 4]
    """
    return a


def gaussian(outputs: Array, targets: Array) -> Array:
    """Negative log-likelihood of a one-hot label with Gaussian noise on every output, less its constant, ``[B]``, in nats.

    Parameters
    ----------
    outputs
        Values ``[B, C]``.
    targets
        Integer labels ``[B]`` in ``0..C-1``.

    Returns
    -------
    Array
        Squared distance to the one-hot vector over ``2 NOISE^2``.

    Examples
    --------
    >>> import numpy as np
    >>> gaussian(np.array([[0.99, 0.0], [1.0, 0.0]]), np.array([0, 0])).round(3).tolist()
    [0.5, 0.0]
    """
    return one_hot_mse(outputs, targets) * (jnp.shape(outputs)[-1] / (2 * NOISE**2))
