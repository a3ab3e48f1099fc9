"""Margins of every example at the input and at hidden layers: how far the layer is from where another class wins."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memjax.checks.values import flag, one_of
from memjax.errors import InputError, listing
from memjax.fields import traced_values, with_numbers, without_numbers
from memjax.jax_settings import product_precision, wide
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable
from memjax.measures.recorded.margin import label_and_others
from memjax.types import Array

__all__ = ["check_classes", "margins"]

# One program for all numbers of examples.
_ROWS = 256
_INPUT = "input"
_NORMALIZED = "margin, in units of the spread of the layer over the train examples"
_PLAIN = "margin, in units of the layer"


def margins(split: str = "train", layers: tuple[str, ...] | None = None, normalize: bool = True) -> SnapshotMeasure:
    """Margin of every example at the input and at hidden layers, to be taken on snapshots by `memjax.measure`.

    The margin at the layer l is (f_y - f_j) / ||d (f_y - f_j) / d x^l||_2, the distance from the activations x^l to the border
    between the classes y and j, to first order (Y. Jiang, D. Krishnan, H. Mobahi and S. Bengio, "Predicting the generalization
    gap in deep networks with margin distributions", 2019, arXiv:1810.00113). Here y is the label of the example, and j is the
    other class with the largest output, the first of several. The margin is negative for an example that is classified wrong.

    Parameters
    ----------
    split
        ``train`` or ``test``: of which examples.
    layers
        Names of layers: ``input``, and those that ``hidden_activations`` of the model gives. Hidden activations are taken after
        the activation function. None takes the input and all hidden layers.
    normalize
        Whether margins at a layer are divided by the square root of the total variation of the layer, which is the sum over its
        units of the variance over the train examples, for both splits.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to ``margin``, ``float64[layer, example]``, in the order of the run's examples. The value is
        NaN where an output is not finite, where the gradient is zero, because then no small change of the layer changes the
        decision, and, if normalised, where the layer is the same on all train examples.

    Raises
    ------
    InputError
        If the split is neither, or ``layers`` is no tuple of names; when taken, if targets are no labels of at least two
        classes, the model has no such layer or no ``outputs_from``, or inputs are no floats and a margin at the input is asked.

    Notes
    -----
    For a linear network the margin at the input is exact: (f_y - f_j) / ||w_y - w_j||_2. If a ReLU layer is multiplied by a
    and the next one divided by a, margins at the input and normalised margins stay what they are.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(model=mj.models.MLP(hidden=(6, 4)), train_size=50, steps=20, snapshots=(0, 20))
    >>> found = mj.measure(mj.sweep(spec), [margins()])
    >>> dict(found.margin.sizes), found.layer.values.tolist()
    ({'snapshot': 2, 'layer': 3, 'example': 50}, ['input', 'layer_0', 'layer_1'])
    """
    one_of("split", split, ("train", "test"))
    if layers is not None and not (
        isinstance(layers, tuple) and layers and all(isinstance(one, str) for one in layers)
    ):
        raise InputError(f"layers is {layers!r}: give a tuple of names such as ('input', 'layer_0'), or None for all.")
    normalize = flag("normalize", normalize)
    about = Variable(_NORMALIZED if normalize else _PLAIN, dims=("layer", "example"))
    return SnapshotMeasure(_Margins(split, layers, normalize), {"margin": about})


@dataclass(frozen=True)
class _Margins:
    """The settings of the measure, as a function of one snapshot."""

    split: str
    layers: tuple[str, ...] | None
    normalize: bool

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        x, y = getattr(snapshot, self.split)
        check_classes("margins", snapshot, y)
        layers = self._layers(snapshot, x)
        parts = [_of_rows(snapshot, layers, x[at : at + _ROWS], y[at : at + _ROWS]) for at in range(0, len(x), _ROWS)]
        each = np.concatenate([np.zeros((len(layers), 0)), *parts], axis=1)
        if self.normalize:
            each = each / _spreads(snapshot, layers)[:, None]
        return {"margin": each}, {"layer": list(layers)}

    def _layers(self, snapshot: Any, x: np.ndarray) -> tuple[str, ...]:
        """Names of the layers, once they are known to be there."""
        if self.layers == (_INPUT,):
            hidden: Sequence[str] = ()
        else:
            _check_model(snapshot.model)
            hidden = list(snapshot.hidden(np.zeros((1, *x.shape[1:]), x.dtype)))
        layers = self.layers or (_INPUT, *hidden)
        if unknown := sorted(set(layers) - {_INPUT, *hidden}):
            names = ", ".join(map(repr, unknown))
            raise InputError(f"The model has no layer {names}: use {listing([_INPUT, *hidden])}.")
        if _INPUT in layers and not np.issubdtype(x.dtype, np.floating):
            raise InputError(
                f"margins at the input are of derivatives in the inputs, but these are {x.dtype}: use a task whose inputs are "
                "floats, or name hidden layers in layers."
            )
        return tuple(layers)


def check_classes(name: str, snapshot: Any, y: np.ndarray) -> None:
    """Raise `InputError` unless targets ``y[N]`` are labels and the network has an output for each of several classes."""
    classes = snapshot.experiment.task.num_outputs
    if not np.issubdtype(y.dtype, np.integer) or y.ndim != 1 or classes < 2:
        raise InputError(
            f"{name} compares the output of the label with those of other classes, but the targets are {y.dtype}, and the task "
            f"has {classes} outputs: use a task of labels of at least two classes."
        )


def _check_model(model: Any) -> None:
    if not hasattr(model, "hidden_activations") or not hasattr(model, "outputs_from"):
        raise InputError(
            f"The model {model!r} does not say how its outputs follow from a hidden layer: add hidden_activations(params, x) "
            "and outputs_from(params, layer, h) to it, as memjax.models.MLP has, or give layers=('input',)."
        )


def _spreads(snapshot: Any, layers: Sequence[str]) -> np.ndarray:
    """Square root of the total variation of each layer over the train examples; NaN where it is zero or there are none."""
    x = snapshot.train.x
    if not len(x):
        return np.full(len(layers), np.nan)
    hidden = snapshot.hidden(x) if set(layers) - {_INPUT} else {}
    held = [np.asarray(x if layer == _INPUT else hidden[layer], np.float64).reshape(len(x), -1) for layer in layers]
    # One infinite activation makes the variation of its layer NaN, and the warning would say no more.
    with np.errstate(invalid="ignore", over="ignore"):
        spreads = np.sqrt([one.var(0).sum() for one in held])
    return np.where(spreads > 0, spreads, np.nan)


def _of_rows(snapshot: Any, layers: tuple[str, ...], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Margins ``[layer, len(x)]`` of at most 256 examples; the first one fills the places behind the last."""
    fill = np.minimum(np.arange(_ROWS), len(x) - 1)
    model, params = snapshot.model, jax.tree.map(jnp.asarray, snapshot.params)
    data = jnp.asarray(x[fill]), jnp.asarray(y[fill])
    with jax.default_matmul_precision(product_precision()):
        found = _margins(without_numbers(model), layers, traced_values(model), params, *data)
    return np.asarray(found, np.float64)[:, : len(x)]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _margins(model: Any, layers: tuple[str, ...], numbers: Any, params: Any, x: Array, y: Array) -> Array:
    """Margins ``[layer, B]`` of examples ``x[B, ...]``, ``y[B]``."""
    own = with_numbers(model, numbers)
    outputs = wide(own.apply(params, x))
    label, others = label_and_others(outputs, y)
    difference = jnp.where(jnp.isfinite(outputs).all(-1), label - others.max(-1), jnp.nan)
    # The rows of f_y - f_j, as weights of the outputs.
    signs = jax.nn.one_hot(y, outputs.shape[-1]) - jax.nn.one_hot(others.argmax(-1), outputs.shape[-1])
    hidden = own.hidden_activations(params, x) if set(layers) != {_INPUT} else {}

    def at(layer: str) -> Array:
        rest = functools.partial(own.apply, params)
        if layer != _INPUT:
            rest = functools.partial(own.outputs_from, params, layer)
        # A row of the outputs hangs on the same row of the layer alone, so one gradient of the sum has those of all rows.
        slope = jax.grad(lambda h: (signs * wide(rest(h))).sum())(x if layer == _INPUT else hidden[layer])
        length = _lengths(wide(slope).reshape(len(x), -1))
        return jnp.where(length > 0, difference / length, jnp.nan)

    return jnp.stack([at(layer) for layer in layers])


def _lengths(rows: Array) -> Array:
    """Euclidean norms ``[B]`` of rows ``[B, m]``, also where squares leave the range of float32."""
    largest = jnp.abs(rows).max(-1)
    scaled = rows / jnp.where(largest > 0, largest, 1)[:, None]
    return largest * jnp.sqrt(jnp.square(scaled).sum(-1))
