"""Fourier analysis of a network that adds modulo p: progress measures of Nanda et al., taken on snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import xarray as xr

from memjax.checks.values import number
from memjax.errors import InputError, cause
from memjax.measures.arrays.cores import on_cores
from memjax.measures.arrays.fourier import fourier_power, gini, inverse_participation_ratio
from memjax.measures.on_snapshots.modes import by_result, fewest, losses_without, mean_cross_entropy, modes
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable
from memjax.parameter_trees import path_names

__all__ = ["modular_fourier"]

_SIGNS = {"add": 1, "subtract": -1}

_EACH = ("frequency",)
_VARIABLES = {
    "embedding_power": Variable("share of the embedding's power", dims=_EACH),
    "embedding_gini": Variable("Gini coefficient of the embedding's Fourier norms"),
    "ipr": Variable("mean inverse participation ratio of the embedding"),
    "logit_power": Variable("share of the logits' power", dims=_EACH),
    "logit_gini": Variable("Gini coefficient of the logits' Fourier norms"),
    "key_frequency": Variable("whether a frequency is a key frequency", dims=_EACH),
    "restricted_loss": Variable("loss of the key frequencies alone, all pairs", "nats"),
    "restricted_train_loss": Variable("loss of the key frequencies alone, train", "nats"),
    "restricted_test_loss": Variable("loss of the key frequencies alone, test", "nats"),
    "excluded_loss": Variable("train loss without the key frequencies", "nats"),
    "frequency_loss": Variable("loss of one frequency alone, all pairs", "nats", _EACH),
    "frequency_excluded_loss": Variable("train loss without one frequency", "nats", _EACH),
}


@dataclass(frozen=True, eq=False)
class _ModularFourier:
    """The settings of the measure, as a function of one snapshot."""

    weights: Callable[[Any], Any] | None
    share: float
    keys: tuple[int, ...] | xr.DataArray | None

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        values, labels = self.on_batch([snapshot])
        return {name: value[0] for name, value in values.items()}, labels

    def on_batch(self, snapshots: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Values of several snapshots of one task; each value has the axis ``[S]`` in front."""
        p, sign = _modulus(snapshots[0].experiment.task)
        found = list(on_cores(lambda network: self._values(*network, sign), self._networks(snapshots, p)))
        return {name: np.stack([one[name] for one in found]) for name in _VARIABLES}, {
            "frequency": np.arange(p // 2 + 1)
        }

    def _networks(self, snapshots: Sequence[Any], p: int) -> Iterator[tuple[Any, np.ndarray, np.ndarray]]:
        """Every snapshot with its embedding ``[p, n]``, and its outputs for all pairs: what JAX or the user computes."""
        pairs = np.indices((p, p), np.int32).reshape(2, -1).T
        for snapshot in snapshots:
            yield snapshot, _embedding(self.weights, snapshot.params, p), np.asarray(snapshot.outputs(pairs))

    def _values(self, snapshot: Any, embedding: np.ndarray, outputs: np.ndarray, sign: int) -> dict[str, Any]:
        """Values of one snapshot."""
        logits = _logits(outputs, len(embedding))
        means = by_result(logits, sign)
        # Over all p^2 pairs and all classes.
        powers = len(logits) * fourier_power(means)
        keys = self._keys(snapshot, powers)
        found = _of_weights(embedding) | _of_logits(logits, powers) | {"key_frequency": keys}
        return found | _losses(snapshot, logits, means, sign, keys)

    def _keys(self, snapshot: Any, powers: np.ndarray) -> np.ndarray:
        """Mask of the key frequencies."""
        if self.keys is None:
            return fewest(powers, self.share)
        keys = _of_run(self.keys, snapshot.run) if isinstance(self.keys, xr.DataArray) else self.keys
        wrong = [k for k in keys if not isinstance(k, int) or not 0 < k < len(powers)]
        if wrong:
            raise InputError(f"keys holds {wrong[0]!r}: the frequencies of the task are 1 to {len(powers) - 1}.")
        return np.isin(np.arange(len(powers)), keys)


def _of_run(keys: xr.DataArray, run: dict[str, Any]) -> tuple[int, ...]:
    """Key frequencies of one run, out of the mask of a whole sweep."""
    try:
        mask = keys.sel({dim: label for dim, label in run.items() if dim in keys.dims})
    except KeyError as missing:
        raise InputError(f"keys has no run {run} (missing is {missing}): take it from the same sweep.") from None
    if mask.dims != ("frequency",):
        raise InputError(
            f"keys has the dimensions {list(map(str, keys.dims))}: give key_frequency at one snapshot, with the axes of the "
            "sweep."
        )
    return tuple(np.flatnonzero(mask.values == 1).tolist())


def _modulus(task: Any) -> tuple[int, int]:
    """Modulus, and the sign of the second operand."""
    operation = getattr(task, "operation", None)
    if not isinstance(operation, str) or operation not in _SIGNS or not hasattr(task, "p"):
        raise InputError(
            f"The task is {task!r}: modular_fourier is of memjax.tasks.ModularArithmetic with operation = 'add' or "
            "'subtract', whose result is a function of one residue, a + b or a - b."
        )
    return int(task.p), _SIGNS[operation]


def _embedding(weights: Callable[[Any], Any] | None, params: Any, p: int) -> np.ndarray:
    """Weights ``float64[p, n]`` as functions of a token."""
    if weights is None:
        return _own_embedding(params, p)
    try:
        array = np.asarray(weights(params), np.float64)
    except Exception as problem:
        raise InputError(f"weights cannot be called with the parameters: {cause(problem)}") from problem
    if array.ndim < 1 or len(array) != p:
        raise InputError(f"weights gave shape {list(array.shape)}: it must give an array [p, ...] with p = {p}.")
    return array.reshape(p, -1)


def _own_embedding(params: Any, p: int) -> np.ndarray:
    """The array named ``embedding``, or else a first layer with a table per operand; rows of further tokens are left out."""
    leaves = [(path_names(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(params)]
    leaves = [(names, leaf) for names, leaf in leaves if names and leaf.ndim > 1 and leaf.shape[-2] >= p]
    found = [leaf for names, leaf in leaves if names[0] == "embedding"]
    found = found or [leaf for names, leaf in leaves if names[0] == "layer_0" and leaf.ndim > 2]
    if not found:
        raise InputError(
            f"The parameters hold no array [..., {p}, m] under 'embedding', nor one per operand under 'layer_0': give "
            "modular_fourier a function, weights=lambda params: ..., that takes an array [p, ...] out of them."
        )
    tables = [np.moveaxis(np.asarray(leaf, np.float64), -2, 0)[:p] for leaf in found]
    return np.concatenate([table.reshape(p, -1) for table in tables], axis=1)


def _of_weights(weights: np.ndarray) -> dict[str, Any]:
    power = fourier_power(weights)
    ratios = inverse_participation_ratio(np.fft.fft(weights, axis=0), axis=0)
    # A neuron without weights has no spectrum.
    alive = np.isfinite(ratios)
    return {
        "embedding_power": _share(power, power.sum()),
        "embedding_gini": gini(np.sqrt(power[1:])),
        "ipr": ratios[alive].mean() if alive.any() else np.nan,
    }


def _logits(outputs: np.ndarray, p: int) -> np.ndarray:
    """Logits ``float64[p, p, C]`` of all pairs, less their mean over the classes, which has no effect on a softmax."""
    logits = outputs.astype(np.float64)
    return (logits - logits.mean(-1, keepdims=True)).reshape(p, p, -1)


def _share(part: np.ndarray, total: float) -> np.ndarray:
    return part / total if total > 0 else np.full_like(part, np.nan)


def _of_logits(logits: np.ndarray, powers: np.ndarray) -> dict[str, Any]:
    total = np.square(logits).sum()
    return {"logit_power": _share(powers, total), "logit_gini": gini(np.sqrt(powers[1:]))}


def _losses(snapshot: Any, logits: np.ndarray, means: np.ndarray, sign: int, keys: np.ndarray) -> dict[str, Any]:
    p = len(logits)
    a, b = snapshot.train.x.T.astype(int)
    trained, train, y = logits[a, b], (a + sign * b) % p, snapshot.train.y
    held, held_y = snapshot.test.x.T.astype(int), snapshot.test.y
    test = (held[0] + sign * held[1]) % p
    parts, every = modes(means), np.arange(p)
    kept, alone = parts[0] + parts[keys].sum(0), parts[0] + parts
    alone[0] = parts[0]
    return {
        "restricted_loss": mean_cross_entropy(kept, every),
        "restricted_train_loss": mean_cross_entropy(kept[train], y),
        "restricted_test_loss": mean_cross_entropy(kept[test], held_y),
        "excluded_loss": mean_cross_entropy(trained - parts[keys].sum(0)[train], y),
        "frequency_loss": mean_cross_entropy(alone, every),
        "frequency_excluded_loss": losses_without(trained, parts, train, y),
    }


def modular_fourier(
    weights: Callable[[Any], Any] | None = None,
    share: float = 0.95,
    keys: tuple[int, ...] | xr.DataArray | None = None,
) -> Callable[[Any], dict[str, xr.DataArray]]:
    """Fourier measures of a network that adds or subtracts modulo p, to be taken on snapshots by `memjax.measure`.

    After Nanda et al. (2023), "Progress measures for grokking via mechanistic interpretability", section 5. The logits for all
    p^2 pairs, centred over the classes, are projected on the functions cos and sin(2 pi k (a + b) / p) of the pair, for each
    frequency k = 1..p // 2. If the task subtracts, a - b takes the place of a + b. k = 0 is the mean of each class's logit
    over all pairs.

    Parameters
    ----------
    weights
        From the parameters to an array ``[p, ...]`` of functions of a token. None takes ``embedding``, or else the tables
        ``layer_0`` of a `memjax.models.QuadraticMLP`.
    share
        The key frequencies are the fewest that together hold this share of the power of all k > 0. This rule is ours: published
        rules differ. If nothing is learned, nearly all frequencies are key frequencies.
    keys
        Key frequencies to use in place of that rule, so that all snapshots have the same ones; Nanda et al. use the key
        frequencies of the trained network. A tuple, or ``key_frequency`` of an earlier result at one snapshot, with the axes of
        the sweep.

    Returns
    -------
    Callable
        From a `memjax.Snapshot` to these values, single or by ``frequency`` (0..p // 2):

        ``logit_power``, ``embedding_power``: share of the power, by frequency. One minus the sum of ``logit_power`` is the
        share of the logits' power that does not depend on the result. ``logit_gini``, ``embedding_gini``: Gini coefficients of
        the square roots of the powers for k > 0.
        ``ipr``: inverse participation ratio of the discrete Fourier transform over tokens, averaged over the embedding's
        columns (Gromov 2023). ``key_frequency``: a mask.

        ``restricted_loss``, ``restricted_train_loss``, ``restricted_test_loss``: cross-entropy of k = 0 and the key frequencies
        alone, on all pairs with their true results or on a split with its targets. ``excluded_loss``: cross-entropy on the
        train split without the key frequencies. ``frequency_loss``: cross-entropy of k = 0 and one frequency alone, on all
        pairs. ``frequency_excluded_loss``: cross-entropy on the train split without one frequency.

    Raises
    ------
    InputError
        If an argument is not allowed. When the measure is taken: if the task does not add or subtract, or the parameters have
        no such weights.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(
    ...     task=mj.tasks.ModularArithmetic(p=7), model=mj.models.EmbeddingMLP(), train_size=30, steps=10, snapshots=(0, 10)
    ... )
    >>> found = mj.measure(mj.sweep(spec), [modular_fourier()])
    >>> found.frequency_loss.dims, bool((found.logit_power.sum("frequency") < 1).all())
    (('snapshot', 'frequency'), True)
    """
    number("share", share, 0, 1)
    if weights is not None and not callable(weights):
        raise InputError(f"weights is {weights!r}: give a function from the parameters to an array [p, ...], or None.")
    if keys is not None and not isinstance(keys, tuple | xr.DataArray):
        raise InputError(f"keys is {keys!r}: give a tuple of frequencies, a DataArray of them, or None.")
    function = _ModularFourier(weights, float(share), keys)
    return SnapshotMeasure(function, _VARIABLES, function.on_batch)
