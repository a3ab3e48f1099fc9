"""Linear regression on the inputs or on random features of them: with a ridge, or the least-norm solution without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import keep_numbers
from memjax.errors import InputError
from memjax.examples import Examples, Tile
from memjax.fields import traced
from memjax.models.layers import flat_inputs, flat_struct
from memjax.models.random_features import RandomFourier, RandomReLU
from memjax.models.shared_fields import check_shared_fields
from memjax.models.target_rows import outputs_of, target_rows
from memjax.types import Array, Params

__all__ = ["LeastSquares"]


@dataclass(frozen=True)
class LeastSquares:
    """A linear model of features of the input, fitted in closed form by `memjax.optimizers.closed_form`.

    The fit minimises ``sum_i |y_i - W^T phi(x_i) - b|^2 + ridge * |W|^2`` over kernel W and bias b: a sum over the examples and
    not a mean, and the bias is not penalised. Targets y are values, or one-hot vectors of labels. With ``ridge=0``, W is the
    solution of the smallest norm (ridgeless regression), so that more features than examples interpolate them.

    The normal equations would square the condition number. Instead, a QR factor of the features and the targets is carried
    through the tiles, and its singular values give the solution. Singular values of at most ``eps * max(N, p)`` times the
    largest count as zero at any ridge, as in `numpy.linalg.lstsq`; eps is 1.2e-7 in float32. The last step takes about
    20 p^3 operations, so p should be at most some thousands.

    The same model can be trained by gradient descent. The weights of random features get no gradient, so they stay as they are
    drawn; decay of all parameters, such as ``l2`` of an optimizer, would shrink them too.

    Parameters
    ----------
    features
        None for the inputs themselves, flattened; else `RandomFourier` or `RandomReLU`, whose weights are drawn from the seed
        of the initial parameters and kept among the parameters.
    ridge
        Penalty of at least 0. Traced.
    bias
        Whether there is a bias.
    outputs
        Number of outputs C; None takes the number that the task needs.

    Raises
    ------
    InputError
        If a field's value is not allowed.

    Examples
    --------
    >>> x, y = jnp.array([[0.0], [1.0], [2.0]], jnp.float32), jnp.array([[1.0], [3.0], [5.0]], jnp.float32)
    >>> model = LeastSquares(outputs=1)
    >>> train = Examples(x[None], y[None], None, 0, jnp.int32(3), 1)
    >>> line = model.fit(model.init(jax.random.key(0), x), train)["linear"]
    >>> f"{line['kernel'][0, 0]:.3f} x + {line['bias'][0]:.3f}"
    '2.000 x + 1.000'
    """

    takes: ClassVar[str] = "quantities"
    minimises: ClassVar[tuple[str, ...]] = ("mse", "sse", "one_hot_mse")

    features: RandomFourier | RandomReLU | None = None
    ridge: float = traced(0.0)
    bias: bool = True
    outputs: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.features, RandomFourier | RandomReLU | None):
            raise InputError(
                f"LeastSquares.features is {self.features!r}: give memjax.models.RandomFourier(width), RandomReLU(width), or "
                "None for the inputs themselves."
            )
        keep_numbers(self, ["ridge"], 0)
        check_shared_fields(self)

    def init(self, key: Array, x: Array) -> Params:
        """Draw the features' weights for inputs ``x[B, ...]``, beside ``linear / kernel [p, C], bias [C]`` of zeros."""
        inputs, outputs = flat_struct(x), outputs_of(self)
        width = inputs.shape[1] if self.features is None else self.features.width
        linear = {"kernel": np.zeros((width, outputs), inputs.dtype)}
        if self.bias:
            linear["bias"] = np.zeros(outputs, inputs.dtype)
        drawn = {} if self.features is None else {"features": self.features.init(key, x)}
        return {**drawn, "linear": linear}

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``."""
        outputs = self._features(params, x) @ params["linear"]["kernel"]
        return outputs + params["linear"]["bias"] if self.bias else outputs

    def hidden_activations(self, params: Params, x: Array) -> dict[str, Array]:
        """The random features ``features[B, p]`` of inputs ``x[B, ...]``; nothing without random features."""
        return {} if self.features is None else {"features": self._features(params, x)}

    def _features(self, params: Params, x: Array) -> Array:
        if self.features is None:
            return flat_inputs(x)
        return self.features.apply(jax.lax.stop_gradient(params["features"]), x)

    def fit(self, params: Params, examples: Examples) -> Params:
        """The parameters with the fitted kernel and bias; see `memjax.types.FittedModel`."""
        kernel = params["linear"]["kernel"]
        width, outputs = kernel.shape
        first, last = int(self.bias), int(self.bias) + width
        size = last + outputs

        def add(factor: Array, tile: Tile) -> Array:
            rows = jnp.where(tile.mask[:, None], self._rows(params, tile), 0).astype(factor.dtype)
            return jnp.linalg.qr(jnp.concatenate([factor, rows]), mode="r")

        factor = examples.fold(add, jnp.zeros((size, size), kernel.dtype))
        # The bias is the first column: below the first row, the factor is that of centred features and targets.
        least = jnp.finfo(kernel.dtype).eps * jnp.maximum(examples.size, width)
        fitted = _ridge(factor[first:last, first:last], factor[first:last, last:], self.ridge, least)
        linear: dict[str, Any] = {"kernel": fitted}
        if self.bias:
            linear["bias"] = (factor[0, last:] - factor[0, first:last] @ fitted) / factor[0, 0]
        return {**params, "linear": linear}

    def _rows(self, params: Params, tile: Tile) -> Array:
        """Ones for the bias, features and targets of a tile, side by side."""
        features = self._features(params, tile.x)
        ones = [jnp.ones((len(features), 1), features.dtype)] if self.bias else []
        return jnp.concatenate([*ones, features, target_rows(tile.y, outputs_of(self), features.dtype)], axis=1)


def _ridge(triangle: Array, values: Array, ridge: Array | float, least: Array) -> Array:
    """The w of the smallest norm that minimises ``|triangle w - values|^2 + ridge |w|^2``.

    Singular values of at most ``least`` times the largest count as zero.
    """
    left, sizes, right = jnp.linalg.svd(triangle, full_matrices=False)
    kept = sizes > least * sizes[0]
    safe = jnp.where(kept, sizes, 1)
    # Not s / (s^2 + ridge), because squares of small numbers underflow.
    inverse = jnp.where(kept, 1 / (safe + jnp.asarray(ridge, sizes.dtype) / safe), 0)
    return right.T @ (inverse[:, None] * (left.T @ values))
