"""Data dimensionality of the hidden layers of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memjax.checks.values import number, one_of
from memjax.errors import InputError, listing
from memjax.measures.arrays.leverage import data_dimensionality, feature_dimensionality, hidden_space
from memjax.measures.arrays.whitening import namespace, smallest_rtol
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable

__all__ = ["dimensionality"]

_EACH = ("layer", "example")
_VARIABLES = {
    "data_dimensionality": Variable("data dimensionality D*", dims=_EACH),
    "own_dimensionality": Variable("data dimensionality D, along the example's own activations", dims=_EACH),
    "rank": Variable("rank of the hidden activations", dims=("layer",)),
    "live_neurons": Variable("neurons that are not zero on every example", dims=("layer",)),
    "num_neurons": Variable("number of neurons", dims=("layer",)),
}


@dataclass(frozen=True)
class _Dimensionality:
    """The settings of the measure, as a function of one snapshot."""

    layers: tuple[str, ...] | None
    ridge: float
    rtol: float | None
    split: str

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        values, labels = self.on_batch([snapshot])
        return {name: value[0] for name, value in values.items()}, labels

    def on_batch(self, snapshots: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Values of several snapshots with as many examples and the same layers; each value has the axis ``[S]`` in front."""
        if not len(getattr(snapshots[0], self.split).x):
            raise InputError(
                f"dimensionality is measured on the {self.split} examples, of which a run has none: give split = "
                f"'{'test' if self.split == 'train' else 'train'}', or sweep with examples there."
            )
        hidden = [_chosen(self.layers, one.hidden(getattr(one, self.split).x)) for one in snapshots]
        layers = list(hidden[0])
        columns = [self._of_layer([one[layer] for one in hidden]) for layer in layers]
        values = (np.stack(column, axis=1) for column in zip(*columns, strict=True))
        return dict(zip(_VARIABLES, values, strict=True)), {"layer": layers}

    def _of_layer(self, activations: Sequence[Any]) -> list[np.ndarray]:
        """Values ``[S, ...]`` of one layer, from its activations ``[N, m]`` in every snapshot."""
        # No threads here: the work is that of BLAS and LAPACK, which use all cores themselves, and get in each other's way.
        xp = namespace(activations[0])
        h = xp.stack([xp.asarray(one) for one in activations])
        space = hidden_space(h, self.ridge, self.rtol)
        neurons = np.full(len(h), h.shape[-1])
        return [data_dimensionality(h, space=space), feature_dimensionality(h), space.rank, space.live, neurons]


def _chosen(layers: tuple[str, ...] | None, hidden: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = sorted(set(layers or ()) - set(hidden))
    if unknown or not hidden:
        raise InputError(
            f"The model has no hidden layer {', '.join(map(repr, unknown)) or 'at all'}: use {listing(hidden) or 'another'}."
        )
    return hidden if layers is None else {layer: hidden[layer] for layer in layers}


def dimensionality(
    layers: tuple[str, ...] | None = None, ridge: float = 0.0, rtol: float | None = None, split: str = "train"
) -> SnapshotMeasure:
    """Data dimensionality of every example in every hidden layer, to be taken on snapshots by `memjax.measure`.

    Parameters
    ----------
    layers
        Names of layers, as ``hidden_activations`` of the model gives them; None takes all.
    ridge, rtol
        As in `hidden_space`.
    split
        ``train`` or ``test``: which examples are measured, among themselves.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to ``data_dimensionality`` (D*) and ``own_dimensionality`` (D), ``(layer, example)``, in the
        order of the run's examples; ``rank``, ``live_neurons`` and ``num_neurons``, ``(layer,)``. NaN for a diverged run.

    Raises
    ------
    InputError
        If a number is not allowed. When the measure is taken: if the model has no such layer or gives no hidden activations.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(model=mj.models.MLP(hidden=(6, 4)), train_size=50, steps=20, snapshots=(0, 20))
    >>> found = mj.measure(mj.sweep(spec, over={"seed": [0, 1]}), [dimensionality()])
    >>> dict(found.data_dimensionality.sizes)
    {'seed': 2, 'snapshot': 2, 'layer': 2, 'example': 50}
    >>> bool(abs(found.data_dimensionality.sum("example") - found["rank"]).max() < 1e-9)
    True
    """
    ridge = number("ridge", ridge, 0)
    if rtol is not None:
        # The limit for one neuron is the smallest; the widths of layers are not known before a snapshot is taken.
        rtol = number("rtol", rtol, smallest_rtol(1), 0.5)
    one_of("split", split, ("train", "test"))
    if layers is not None and not (isinstance(layers, tuple) and layers):
        raise InputError(f"layers is {layers!r}: give a tuple of names, or None for all layers.")
    function = _Dimensionality(layers, float(ridge), rtol, split)
    return SnapshotMeasure(function, _VARIABLES, function.on_batch)
