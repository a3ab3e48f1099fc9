"""Norms of the weights of a network, with and without its output margin: measures of complexity that are quick to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from memjax.checks.values import number
from memjax.measures.on_snapshots.kernels import biases_of, kernels_of
from memjax.measures.on_snapshots.margins import check_classes
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable

__all__ = ["norm_complexity", "output_margin"]

_NORMS = {
    "squared_norm": Variable("sum of squared Frobenius norms of the layers"),
    "squared_distance": Variable("sum of squared Frobenius distances of the layers from the initial ones"),
    "spectral_distance": Variable("sum of squared spectral distances of the layers from the initial ones"),
    "log_spectral": Variable("sum of ln squared spectral norm of the layers", "nats"),
    "log_frobenius": Variable("sum of ln squared Frobenius norm of the layers", "nats"),
    "frobenius_over_spectral": Variable("sum of squared Frobenius over squared spectral norm of the layers"),
    "path_norm": Variable("squared path norm"),
}
_WITH_MARGIN = {
    "output_margin": Variable("quantile of the output margin of the train examples", "logits"),
    "inverse_margin": Variable("1 / squared output margin", "logits^-2"),
    "log_spectral_over_margin": Variable("log_spectral minus ln squared output margin", "nats"),
    "log_frobenius_over_margin": Variable("log_frobenius minus ln squared output margin", "nats"),
    "path_norm_over_margin": Variable("squared path norm over squared output margin"),
}


def norm_complexity(quantile: float = 0.1) -> SnapshotMeasure:
    """Norms of the weights with and without the output margin, to be taken on snapshots by `memjax.measure`.

    The list is part of the one of Y. Jiang, B. Neyshabur, H. Mobahi, D. Krishnan and S. Bengio, "Fantastic generalization
    measures and where to find them", 2020, arXiv:1912.02178. It is for networks of dense layers. W_l are the kernels without
    the biases, W0_l the initial ones of the run, and gamma is the output margin.

    Parameters
    ----------
    quantile
        Which quantile of f_y - max_{j != y} f_j over the train examples is the output margin, from 0 to 1, interpolated
        linearly.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to single numbers: ``squared_norm``, sum of ||W_l||_F^2;
        ``squared_distance``, sum of ||W_l - W0_l||_F^2, and ``spectral_distance``, the same with the spectral norm;
        ``log_spectral`` and ``log_frobenius``, sums of ln ||W_l||^2; ``frobenius_over_spectral``, sum of ||W_l||_F^2 /
        ||W_l||_2^2; ``path_norm``, the sum of the outputs for an input of ones if every kernel and bias is squared and every
        activation function is a ReLU; ``output_margin``, gamma, which may be negative; ``inverse_margin``, 1 / gamma^2;
        ``log_spectral_over_margin`` and ``log_frobenius_over_margin``, which are less 2 ln gamma; ``path_norm_over_margin``.
        The last four are NaN where gamma is not positive, because its square would give a network that is wrong the value of
        one that is right. All are NaN where a parameter is not finite.

    Raises
    ------
    InputError
        If ``quantile`` is out of range; when taken, if the model has other parameters than dense layers, or targets are no
        labels of at least two classes.

    Notes
    -----
    Jiang et al. give the m train examples a part too, sqrt(v / m) for a value v, and (v - ln m) / 2 for a logarithm. Here
    values are as they are, so divide where train sizes differ. The number of parameters, another measure of the list, is the
    coordinate ``num_parameters`` of the dataset. If a ReLU layer is multiplied by a and the next one divided by a, the path
    norm and the sums of logarithms stay what they are, and the squared norm does not.

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(model=mj.models.MLP(hidden=(6,)), train_size=50, steps=20, snapshots=(0, 20))
    >>> found = mj.measure(mj.sweep(spec), [norm_complexity()])
    >>> float(found.squared_distance[0]), bool(found.squared_distance[1] > found.spectral_distance[1])
    (0.0, True)
    """
    return SnapshotMeasure(_NormComplexity(float(number("quantile", quantile, 0, 1))), {**_NORMS, **_WITH_MARGIN})


@dataclass(frozen=True)
class _NormComplexity:
    """The settings of the measure, as a function of one snapshot."""

    quantile: float

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        check_classes("norm_complexity", snapshot, snapshot.train.y)
        kernels = kernels_of("norm_complexity", snapshot.params)
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(snapshot.params)):
            return dict.fromkeys((*_NORMS, *_WITH_MARGIN), np.nan), {}
        initial = kernels_of("norm_complexity", snapshot.initial)
        norms = {**_norms(kernels, initial), "path_norm": _path_norm(kernels, biases_of(snapshot.params, kernels))}
        return {**norms, **_over_margin(norms, output_margin(snapshot, self.quantile))}, {}


def output_margin(snapshot: Any, quantile: float) -> float:
    """Quantile of f_y - max_{j != y} f_j over the train examples, in logits; NaN without examples or with an unknown output."""
    x, y = snapshot.train
    outputs = np.asarray(snapshot.outputs(x), np.float64) if len(x) else np.zeros((0, 2))
    if not len(x) or not np.isfinite(outputs).all():
        return np.nan
    own = np.arange(outputs.shape[1]) == y[:, None]
    return float(np.quantile(outputs[own] - np.where(own, -np.inf, outputs).max(1), quantile))


def _norms(kernels: list[np.ndarray], initial: list[np.ndarray]) -> dict[str, float]:
    """Values of kernels that need no examples, by name."""
    moved = [now - then for now, then in zip(kernels, initial, strict=True)]
    frobenius, spectral = (np.array([np.linalg.norm(one, order) ** 2 for one in kernels]) for order in ("fro", 2))
    # The logarithm of a layer of zeros is minus infinity, which is what its product of norms says; its ratio is not known.
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "squared_norm": float(frobenius.sum()),
            "squared_distance": float(sum(np.square(one).sum() for one in moved)),
            "spectral_distance": float(sum(np.linalg.norm(one, 2) ** 2 for one in moved)),
            "log_spectral": float(np.log(spectral).sum()),
            "log_frobenius": float(np.log(frobenius).sum()),
            "frobenius_over_spectral": float((frobenius / spectral).sum()),
        }


def _path_norm(kernels: list[np.ndarray], biases: list[np.ndarray]) -> float:
    """Sum of the outputs for an input of ones, with squared parameters; no ReLU is ever off there."""
    held = np.ones(kernels[0].shape[0])
    for kernel, bias in zip(kernels, biases, strict=True):
        held = held @ kernel**2 + bias**2
    return float(held.sum())


def _over_margin(norms: dict[str, float], margin: float) -> dict[str, float]:
    """The margin, and the values over its square; NaN where the margin is not positive."""
    square = margin**2 if margin > 0 else np.nan
    return {
        "output_margin": margin,
        "inverse_margin": 1 / square,
        "log_spectral_over_margin": norms["log_spectral"] - float(np.log(square)),
        "log_frobenius_over_margin": norms["log_frobenius"] - float(np.log(square)),
        "path_norm_over_margin": norms["path_norm"] / square,
    }
