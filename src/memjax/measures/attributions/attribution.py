"""Attributions as measures of a snapshot: the influence of every train row on every example of a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from memjax.checks.values import number, one_of, whole
from memjax.errors import InputError
from memjax.measures.attributions import gradients
from memjax.measures.on_snapshots.snapshot_measure import SnapshotMeasure, Variable

__all__ = ["gradient_dot", "influence_functions", "trak"]

# Two matrices of so many numbers squared, in float64, take 600 MB.
_MOST = 6_000


def _names(of: str) -> tuple[str, str]:
    return ("example", "test_example" if of == "test" else "other")


def _labels(snapshot: Any, of: str) -> dict[str, Any]:
    """Row numbers of the rows that the network was trained on, and of the examples of the split."""
    if not len(snapshot.train_rows):
        raise InputError(
            "An attribution is asked of a run with train_size = 'fresh', which keeps no row to attribute anything to: give a "
            "number as train_size."
        )
    rows = snapshot.test_rows if of == "test" else snapshot.train_rows
    return dict(zip(_names(of), (snapshot.train_rows, rows), strict=True))


def _measure(function: Any, name: str, long_name: str) -> SnapshotMeasure:
    return SnapshotMeasure(function, {name: Variable(long_name, dims=_names(function.of))})


@dataclass(frozen=True)
class _GradientDot:
    normalized: bool
    of: str

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        labels = _labels(snapshot, self.of)
        pull = -gradients.loss_gradients(snapshot, snapshot.train)
        value = gradients.value_gradients(snapshot, getattr(snapshot, self.of))
        if self.normalized:
            pull, value = _unit(pull), _unit(value)
        return {"gradient_dot": pull @ value.T}, labels


def _unit(rows: np.ndarray) -> np.ndarray:
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(size > 0, size, 1)


def gradient_dot(*, normalized: bool = False, of: str = "test") -> SnapshotMeasure:
    """Products of gradients: how much a step on a train row would raise the value of an example, to first order.

    Parameters
    ----------
    normalized
        Whether gradients are scaled to unit norm, which makes the product a cosine.
    of
        Split of the examples, ``test`` or ``train``.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to float32 ``gradient_dot`` ``(example, test_example)``, or ``(example, other)`` of the train
        split: minus the gradient of the loss of the row, times the gradient of the log-odds of the example (of minus its loss
        if the targets are values). Rows are labelled by their numbers.

    Raises
    ------
    InputError
        If an argument is not one of its choices.

    Notes
    -----
    Summed over snapshots with their learning rates this is TracIn (Pruthi et al. 2020, arXiv:2002.08484, "TracInCP").

    Examples
    --------
    >>> import memjax as mj
    >>> spec = mj.Experiment(train_size=20, test_size=5, steps=2, record_every=1, snapshots=(1, 2))
    >>> found = mj.measure(mj.sweep(spec), [gradient_dot()])
    >>> dict(found.gradient_dot.sizes), dict(found.gradient_dot.sum("snapshot").sizes)
    ({'snapshot': 2, 'example': 20, 'test_example': 5}, {'example': 20, 'test_example': 5})
    """
    if not isinstance(normalized, bool | np.bool_):
        raise InputError(f"normalized is {normalized!r}: give True or False.")
    one_of("of", of, ("test", "train"))
    return _measure(_GradientDot(bool(normalized), of), "gradient_dot", "product of gradients")


@dataclass(frozen=True)
class _InfluenceFunctions:
    damping: float
    solver: str
    steps: int
    of: str

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        labels = _labels(snapshot, self.of)
        pull = -gradients.loss_gradients(snapshot, snapshot.train)
        value = gradients.value_gradients(snapshot, getattr(snapshot, self.of))
        found = pull @ self._solved(snapshot, value).T / np.float32(len(pull))
        return {"influence_function": found}, labels

    def _solved(self, snapshot: Any, right: np.ndarray) -> np.ndarray:
        if self.solver == "cg":
            return gradients.hessian_products(snapshot, snapshot.train, self.damping, right, self.steps)
        size = right.shape[1]
        if size > _MOST:
            raise InputError(
                f"The network has {size} parameters, and its Hessian {size} times as many numbers: use solver = 'cg', or a "
                f"network of at most {_MOST} parameters."
            )
        exact = gradients.hessian(snapshot, snapshot.train).astype(np.float64)
        exact = (exact + exact.T) / 2 + self.damping * np.eye(size)
        return np.linalg.solve(exact, right.T.astype(np.float64)).T.astype(np.float32)


def influence_functions(
    damping: float = 1e-3, *, solver: str = "explicit", steps: int = 100, of: str = "test"
) -> SnapshotMeasure:
    """Influence functions: how much the value of an example would rise if a train row counted once more.

    Parameters
    ----------
    damping
        Number that is added to the diagonal of the Hessian of the mean train loss. With a penalty ``c/2 |params|^2`` in the
        objective, as ``l2=c`` of an optimizer makes, give at least c. The Hessian of a network that is no minimum has
        negative eigenvalues; then the damping must exceed their size, or the solution has no meaning.
    solver
        ``explicit`` makes the Hessian and solves in float64, for networks of some thousand parameters; ``cg`` takes ``steps``
        steps of conjugate gradients for every example.
    steps
        Steps of ``cg``.
    of
        Split of the examples, ``test`` or ``train``.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to float32 ``influence_function`` ``(example, test_example)``, or ``(example, other)`` of the
        train split: -g (H + damping)^-1 l / N, with l the gradient of the loss of the row, g that of the log-odds of the
        example (of minus its loss if the targets are values), and N the number of rows. Leaving the row out changes the value
        by minus this number, to first order in 1 / N.

    Raises
    ------
    InputError
        If an argument is not allowed; when the measure is taken, if the network is too large for ``explicit``.

    Notes
    -----
    Koh and Liang (2017, arXiv:1703.04730), equation 2.

    Examples
    --------
    >>> import memjax as mj
    >>> sizes = {"train_size": 20, "test_size": 5, "steps": 2, "record_every": 1, "snapshots": (2,)}
    >>> spec = mj.Experiment(model=mj.models.MLP(hidden=(4,)), **sizes)
    >>> found = mj.measure(mj.sweep(spec), [influence_functions(damping=0.1)])
    >>> dict(found.influence_function.sizes)
    {'snapshot': 1, 'example': 20, 'test_example': 5}
    """
    one_of("solver", solver, ("explicit", "cg"))
    one_of("of", of, ("test", "train"))
    function = _InfluenceFunctions(float(number("damping", damping, 0)), solver, whole("steps", steps, 1), of)
    return _measure(function, "influence_function", "influence function")


@dataclass(frozen=True)
class _Trak:
    size: int
    seed: int
    of: str

    def __call__(self, snapshot: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        labels = _labels(snapshot, self.of)
        if not np.issubdtype(snapshot.train.y.dtype, np.integer):
            raise InputError("trak needs class labels, but the targets are values: use influence_functions.")
        own = gradients.value_gradients(snapshot, snapshot.train)
        value = gradients.value_gradients(snapshot, getattr(snapshot, self.of))
        if self.size < own.shape[1]:
            scale = np.random.default_rng(self.seed).standard_normal((own.shape[1], self.size), np.float32)
            scale /= np.sqrt(np.float32(self.size))
            own, value = own @ scale, value @ scale
        exact = own.astype(np.float64)
        # Directions that no row's gradient has carry no information; the pseudo-inverse leaves them out.
        kernel = exact @ np.linalg.pinv(exact.T @ exact, hermitian=True) @ value.T.astype(np.float64)
        values = {"trak_kernel": kernel, "trak_weight": gradients.wrong_probability(snapshot, snapshot.train)}
        return values, labels


def trak(size: int = 512, *, seed: int = 0, of: str = "test") -> SnapshotMeasure:
    """TRAK: attribution by regression on randomly projected gradients, to be averaged over networks.

    Parameters
    ----------
    size
        Number of dimensions after the projection; a network with fewer parameters is not projected.
    seed
        Seed of the projection, which all networks share.
    of
        Split of the examples, ``test`` or ``train``.

    Returns
    -------
    SnapshotMeasure
        From a `memjax.Snapshot` to float64 ``trak_kernel`` ``(example, test_example)``, or ``(example, other)`` of the train
        split, and float32 ``trak_weight`` ``(example)``, the probability of all classes but the label. The attribution of
        several networks is ``found.trak_kernel.mean("seed") * found.trak_weight.mean("seed")``.

    Raises
    ------
    InputError
        If an argument is not allowed; when the measure is taken, if the targets are no labels.

    Notes
    -----
    Park et al. (2023, arXiv:2303.14186), equation 17: with the projected gradients G of the rows' log-odds, the kernel is
    G (G^T G)^-1 g, and the weights are Q. Their networks are trained on random halves; any will do.

    Examples
    --------
    >>> import memjax as mj
    >>> sizes = {"train_size": 20, "test_size": 5, "steps": 2, "record_every": 1, "snapshots": (2,)}
    >>> spec = mj.Experiment(model=mj.models.MLP(hidden=(4,)), **sizes)
    >>> found = mj.measure(mj.sweep(spec, over={"seed": [0, 1], "data_seed": [0]}), [trak(size=8)])
    >>> dict((found.trak_kernel.mean("seed") * found.trak_weight.mean("seed")).sizes)
    {'data_seed': 1, 'snapshot': 1, 'example': 20, 'test_example': 5}
    """
    one_of("of", of, ("test", "train"))
    function = _Trak(whole("size", size, 1), whole("seed", seed, 0), of)
    example, other = _names(of)
    about = {
        "trak_kernel": Variable("TRAK kernel", dims=(example, other)),
        "trak_weight": Variable("probability of all classes but the label", dims=(example,)),
    }
    return SnapshotMeasure(function, about)
