"""Losses that see more of a network than its outputs: its parameters, its inputs, its layers.

A loss says by keyword-only arguments what it sees: ``def loss(outputs, targets, *, model, params, x)``. Whoever has a loss and
a network calls `seeing` for the pair, and `of_examples` for the losses of examples. A loss of the outputs alone stays the
function that it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from memjax.checks.asked import OF_LOSSES, asked_by
from memjax.errors import InputError
from memjax.types import Apply, Array, LossFn, Params

__all__ = ["Seeing", "of_examples", "seeing", "sees_network"]


def sees_network(loss: Any) -> bool:
    """Whether a loss asks for anything beside outputs and targets.

    Examples
    --------
    >>> from memjax.losses import LargeMargin, mse
    >>> sees_network(mse), sees_network(LargeMargin())
    (False, True)
    """
    return bool(asked_by(loss, OF_LOSSES))


@dataclass(frozen=True, eq=False)
class Seeing:
    """A loss that sees a network, with the model of the network.

    Calling it with outputs and targets alone raises `InputError`, because the loss does not follow from them.
    """

    loss: Callable[..., Array]
    model: Any

    def __call__(self, outputs: Array, targets: Array) -> Array:
        """Raise `InputError`."""
        raise InputError(
            f"The loss {type(self.loss).__name__} sees more of a network than its outputs: compute the losses of examples by "
            "memjax.losses.of_examples(loss, apply, params, x, y), in place of loss(apply(params, x), y)."
        )

    def of(self, outputs: Array, targets: Array, params: Params, x: Array) -> Array:
        """Losses ``[B]`` of examples ``x[B, ...]`` with the outputs that the network has for them."""
        given = {"model": self.model, "params": params, "x": x}
        asked = asked_by(self.loss, OF_LOSSES)
        return self.loss(outputs, targets, **{name: value for name, value in given.items() if name in asked})


def seeing(loss: Any, model: Any) -> LossFn:
    """The loss for networks of a model: itself, or with the model if it sees the network."""
    return Seeing(loss, model) if sees_network(loss) else loss


def of_examples(loss: LossFn, apply: Apply, params: Params, x: Array, y: Array, outputs: Array | None = None) -> Array:
    """Losses of examples, also where the loss sees more of the network than its outputs.

    A measure that asks for ``loss`` gets a loss that may see layers. So it writes ``of_examples(loss, apply, params, x, y)`` in
    place of ``loss(apply(params, x), y)``.

    Parameters
    ----------
    loss
        The loss that a measure is given.
    apply
        Function ``(params, x)`` to outputs ``[B, C]``.
    params
        Parameters of the network.
    x, y
        Inputs ``[B, ...]`` and targets ``[B, ...]``.
    outputs
        Outputs ``[B, C]`` where they are known; None computes them.

    Returns
    -------
    Array
        ``[B]``.

    Examples
    --------
    >>> import numpy as np
    >>> from memjax.losses import sse
    >>> of_examples(sse, lambda w, x: w * x, 2.0, np.array([[1.0], [2.0]]), np.array([[2.0], [3.0]])).tolist()
    [0.0, 1.0]
    """
    found = apply(params, x) if outputs is None else outputs
    return loss.of(found, y, params, x) if isinstance(loss, Seeing) else loss(found, y)
