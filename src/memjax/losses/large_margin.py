"""The large-margin loss: hinges in the distances from layers of a network to the border between two classes."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from memjax.checks.values import flag, keep_numbers, whole
from memjax.errors import InputError, listing
from memjax.fields import traced
from memjax.jax_settings import wide
from memjax.losses.of_outputs import is_label, require_labels
from memjax.types import Array, Params

__all__ = ["LargeMargin"]

_INPUT = "input"
_NORMS = (1, 2, math.inf)


@dataclass(frozen=True)
class LargeMargin:
    """Large-margin loss of G. Elsayed, D. Krishnan, H. Mobahi, K. Regan and S. Bengio (2018, arXiv:1803.05598).

    The distance of an example from the border between its label y and another class j is, at the layer l and to first order,
    d = (f_y - f_j) / (||d (f_y - f_j) / d x^l||_* + epsilon), which is negative for an example on the wrong side. The loss is
    min(max(0, gamma - d), alpha * gamma), the hinge with a limit for examples far on the wrong side, averaged over layers. Of
    several classes j the smallest distance counts.

    Parameters
    ----------
    gamma
        The margin beyond which an example costs nothing, above 0, in units of the layers. Traced: an axis compiles nothing.
    alpha
        The largest loss of a layer in units of gamma, at least 1. Traced. An example beyond the limit has no gradient.
    top_k
        Number of other classes, those with the largest outputs; at most C - 1 of C classes.
    layers
        Names of layers: ``input``, and those that ``hidden_activations`` of the model gives. None takes the input and all
        hidden layers.
    norm
        Norm in which distances are taken: 2, 1, or ``math.inf``. The gradient is measured in the dual norm.
    through_norms
        Whether the loss is differentiated through the norm of the gradient, which needs second derivatives. Without this, the
        norm is a number that the step does not change, as in the authors' code.
    epsilon
        Added to the norm, at least 0.

    Raises
    ------
    InputError
        If a field is none of these; when a sweep is planned, if the targets are no labels of more than ``top_k`` classes, the
        model lacks a layer, ``hidden_activations`` or ``outputs_from``, the model draws random numbers in training, or inputs
        are no floats and the margin at the input is asked for.

    Notes
    -----
    Distances follow from the outputs, as in the paper's equations. The authors' code takes softmax probabilities, which have
    the same border but other distances to first order. The paper sums over layers; the authors' code, and this loss, take the
    mean. Where a layer has a gradient of zero, no small change of the layer changes the decision: d is infinite, with the
    sign of f_y - f_j, and the example has no gradient there. The measure `memjax.measures.margins` gives the same distances
    of trained networks.

    For a linear classifier and the input alone, d = (f_y - f_j) / ||w_y - w_j|| is the distance itself. Where gamma exceeds all
    distances and alpha is large, the loss is gamma minus the mean margin.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(loss=LargeMargin(gamma=0.5), train_size=50, steps=20, model=mj.models.MLP(hidden=(8,)))
    >>> ds = mj.sweep(spec, over={"gamma": [0.1, 0.5]})
    >>> bool((ds.train_loss.isel(step=-1) < ds.train_loss.isel(step=0)).all())
    True
    """

    gamma: float = traced(1.0)
    alpha: float = traced(4.0)
    top_k: int = 1
    layers: tuple[str, ...] | None = None
    norm: float = 2
    through_norms: bool = False
    epsilon: float = traced(1e-6)

    def __post_init__(self) -> None:
        keep_numbers(self, ["gamma", "epsilon"], 0)
        keep_numbers(self, ["alpha"], 1)
        if self.gamma == 0:
            raise InputError("LargeMargin.gamma is 0, so that no example costs anything: give a number above 0.")
        object.__setattr__(self, "top_k", whole("top_k", self.top_k, 1))
        object.__setattr__(self, "through_norms", flag("through_norms", self.through_norms))
        if self.norm not in _NORMS:
            raise InputError(f"norm is {self.norm!r}: use 1, 2 or math.inf.")
        if self.layers is not None and not (
            isinstance(self.layers, tuple) and self.layers and all(isinstance(one, str) for one in self.layers)
        ):
            raise InputError(f"layers is {self.layers!r}: give a tuple of names such as ('input', 'layer_0'), or None.")

    def __call__(self, outputs: Array, targets: Array, *, model: Any, params: Params, x: Array) -> Array:
        """Losses ``[B]`` of examples ``x[B, ...]`` with outputs ``[B, C]`` and labels ``[B]``."""
        self._check(outputs, targets)
        outputs = wide(outputs)
        # Of each pair of an example and one of the other classes, the weights of the outputs in f_y - f_j.
        others = jax.lax.top_k(jnp.where(is_label(outputs, targets), -jnp.inf, outputs), self.top_k)[1]
        kinds = jnp.arange(outputs.shape[-1])
        signs = (targets[:, None, None] == kinds) * 1.0 - (others[..., None] == kinds) * 1.0
        difference = (signs * outputs[:, None]).sum(-1)
        layers = _held(self._names(model, params, x), model, params, x)
        return jnp.stack([self._at(difference, signs, *layer) for layer in layers]).mean(0)

    def _at(self, difference: Array, signs: Array, held: Array, rest: Any) -> Array:
        """The loss ``[B]`` at one layer with activations ``held[B, ...]``, from which ``rest`` gives outputs."""

        def lengths(sign: Array) -> Array:
            # A row of the outputs hangs on the same row of the layer alone: one gradient of the sum has those of all rows.
            slope = wide(jax.grad(lambda h: (sign * wide(rest(h))).sum())(held))
            return _dual(self.norm, slope.reshape(len(held), -1))

        norms = jax.vmap(lengths, in_axes=1, out_axes=1)(signs)
        norms = norms if self.through_norms else jax.lax.stop_gradient(norms)
        flat = norms == 0
        distance = difference / jnp.where(flat, 1, norms + self.epsilon)
        # Without a slope, no step of the layer reaches the border: the sign says on which side, and nothing is to be gained.
        distance = jnp.where(flat, jnp.where(difference > 0, jnp.inf, -jnp.inf), distance).min(-1)
        return jnp.clip(self.gamma - distance, 0, self.alpha * self.gamma)

    def _check(self, outputs: Array, targets: Array) -> None:
        require_labels("LargeMargin", targets)
        if self.top_k >= outputs.shape[-1]:
            raise InputError(
                f"top_k is {self.top_k}, and the task has {outputs.shape[-1]} classes: use at most {outputs.shape[-1] - 1}."
            )

    def _names(self, model: Any, params: Params, x: Array) -> tuple[str, ...]:
        """Names of the layers, once they are known to be there."""
        if self.layers != (_INPUT,) and not (hasattr(model, "hidden_activations") and hasattr(model, "outputs_from")):
            raise InputError(
                f"The model {type(model).__name__} does not say how its outputs follow from a hidden layer: add "
                "hidden_activations(params, x) and outputs_from(params, layer, h) to it, as memjax.models.MLP has, or give "
                "LargeMargin layers=('input',)."
            )
        known = [_INPUT] if self.layers == (_INPUT,) else [_INPUT, *model.hidden_activations(params, x)]
        if unknown := sorted({*(self.layers or ())} - {*known}):
            raise InputError(f"The model has no layer {', '.join(map(repr, unknown))}: use {listing(known)}.")
        names = self.layers or tuple(known)
        if _INPUT in names and not jnp.issubdtype(x.dtype, jnp.floating):
            raise InputError(
                f"LargeMargin at the input takes derivatives in the inputs, but these are {x.dtype}: use a task whose inputs "
                "are floats, or name hidden layers in layers."
            )
        return names


def _held(names: tuple[str, ...], model: Any, params: Params, x: Array) -> list[tuple[Array, Any]]:
    """For every layer its activations and the function from them to the outputs."""
    hidden = model.hidden_activations(params, x) if {*names} != {_INPUT} else {}
    after = {name: functools.partial(model.outputs_from, params, name) for name in names if name != _INPUT}
    whole_network = functools.partial(model.apply, params)
    return [(x, whole_network) if name == _INPUT else (hidden[name], after[name]) for name in names]


def _dual(norm: float, rows: Array) -> Array:
    """Norm ``[B]`` of rows ``[B, m]`` that is dual to a norm, with a derivative of 0 where all entries are 0."""
    if norm == 1:
        return jnp.abs(rows).max(-1)
    if norm == math.inf:
        return jnp.abs(rows).sum(-1)
    squares = jnp.square(rows).sum(-1)
    return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
