"""The perceptron with quadratic activation, whose weights for modular addition are known in closed form."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.keywords import named
from memjax.checks.values import keep_wholes, whole
from memjax.fields import traced
from memjax.jax_settings import float_dtype
from memjax.models.initializers import draw_normal
from memjax.models.lookup import rows
from memjax.models.padding import wider
from memjax.models.shared_fields import check_shared_fields
from memjax.models.tokens import pairs, struct, vocabulary
from memjax.random import generator
from memjax.types import Array, Params

__all__ = ["QuadraticMLP", "gromov_weights"]


@named
@dataclass(frozen=True)
class QuadraticMLP:
    """Two-layer perceptron with the activation h^2 on two tokens: f(x) = W_2 (W_1 x)^2 / (D N), D = 2 V.

    A. Gromov, "Grokking modular arithmetic" (2023). The input x is two-hot: the one-hot vectors of both tokens,
    concatenated. Weights begin at N(0, 1), and there are no biases. Its loss is ``one_hot_mse``.

    Parameters
    ----------
    hidden
        Hidden width N.
    init_scale
        Factor of every initial parameter. Traced.
    num_tokens
        Number of tokens V; None takes the number of outputs.
    outputs
        Number of outputs; None takes the number that the task needs.

    Examples
    --------
    >>> model = QuadraticMLP(hidden=300, outputs=23)
    >>> a, b = np.divmod(np.arange(23 * 23), 23)
    >>> logits = model.apply(gromov_weights(23, 300), np.stack([a, b], 1))
    >>> bool((logits.argmax(1) == (a + b) % 23).all())
    True
    """

    takes: ClassVar[str] = "tokens"

    hidden: int = 200
    init_scale: float = traced(1.0)
    num_tokens: int | None = None
    outputs: int | None = None

    def __post_init__(self) -> None:
        keep_wholes(self, {"hidden": 1})
        check_shared_fields(self)

    def init(self, key: Array, x: Array) -> Params:
        """Draw ``layer_0 / kernel [2, V, N]``, a table per operand, and ``layer_1 / kernel [N, C]`` for tokens ``x[B, 2]``."""
        pairs(self, x)
        shapes = self._shapes()
        params = draw_normal(key, shapes, dict.fromkeys(shapes, 1.0), self.init_scale)
        return {name: {"kernel": kernel} for name, kernel in params.items()}

    def _shapes(self) -> dict[str, Any]:
        tokens, outputs = vocabulary(self)
        return {"layer_0": struct(2, tokens, self.hidden), "layer_1": struct(self.hidden, outputs)}

    @property
    def widths(self) -> tuple[int, ...]:
        """The hidden width."""
        return (self.hidden,)

    def padded(self, widths: tuple[int, ...]) -> QuadraticMLP:
        """The model with another hidden width that divides by this one's; see `memjax.types.PaddableModel`."""
        return _Padded(**(_fields(self) | {"hidden": widths[0]}), divisor=float(self.hidden))

    def pad(self, params: Params, widths: tuple[int, ...]) -> Params:
        """Parameters among zeros in the arrays of a wider hidden layer."""
        shapes = dataclasses.replace(self, hidden=widths[0])._shapes()
        return wider(params, {name: {"kernel": shape} for name, shape in shapes.items()})

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for tokens ``x[B, 2]``; NaN for tokens outside the tables."""
        squares = self.hidden_activations(params, x)["layer_0"]
        return squares @ params["layer_1"]["kernel"] / self._divisor

    @property
    def _divisor(self) -> Any:
        return self.hidden

    def hidden_activations(self, params: Params, x: Array) -> dict[str, Array]:
        """Activations ``layer_0[B, N]`` of the hidden layer, ``(W_1 x)^2 / D``, for tokens ``x[B, 2]``."""
        kernel, tokens = params["layer_0"]["kernel"], pairs(self, x)
        sums = rows(kernel[0], tokens[:, 0]) + rows(kernel[1], tokens[:, 1])
        return {"layer_0": jnp.square(sums) / (2 * kernel.shape[1])}


@dataclass(frozen=True)
class _Padded(QuadraticMLP):
    """The model on padded parameters: its outputs are divided by the number of units that are not padding."""

    name: ClassVar[str] = "QuadraticMLP"

    divisor: float = traced(1.0)

    @property
    def _divisor(self) -> Any:
        return self.divisor


def _fields(model: QuadraticMLP) -> dict[str, Any]:
    return {field.name: getattr(model, field.name) for field in dataclasses.fields(QuadraticMLP)}


def gromov_weights(p: int, hidden: int, seed: int = 0) -> Params:
    """Weights of `QuadraticMLP` that add modulo p, without training (Gromov 2023).

    Neuron k has the frequency k and random phases: W_1 is cos(2 pi k n / p + phi_k) for the first token n and
    cos(2 pi k m / p + psi_k) for the second token m, W_2 is cos(2 pi k q / p + phi_k + psi_k) for the output q. All are
    multiplied by (4 p)^(1/3), which makes the outputs one-hot in the limit of many neurons. At finite width the phases
    cancel up to noise that decreases as hidden^(-1/2).

    Parameters
    ----------
    p
        Modulus, which is the number of tokens and of outputs.
    hidden
        Hidden width N; a width of 200 gives 100% accuracy.
    seed
        Seed of the phases.

    Returns
    -------
    Params
        Parameters of the model, in JAX's default float dtype.

    Raises
    ------
    InputError
        If ``p`` is less than 2, or an argument is not a whole number.

    Examples
    --------
    >>> gromov_weights(23, 200)["layer_0"]["kernel"].shape
    (2, 23, 200)
    """
    p, hidden, seed = whole("p", p, 2), whole("hidden", hidden, 1), whole("seed", seed, 0)
    phases = 2 * np.pi * generator(seed, "gromov phases").random((2, 1, hidden))
    angles = 2 * np.pi / p * (np.arange(p)[:, None] * np.arange(hidden) % p)
    scale = (4 * p) ** (1 / 3)
    first, last = np.cos(angles + phases), np.cos(angles + phases.sum(0)).T
    return {
        f"layer_{i}": {"kernel": jax.numpy.asarray(scale * kernel, float_dtype())}
        for i, kernel in enumerate((first, last))
    }
