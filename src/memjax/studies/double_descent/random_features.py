"""Least squares on random features: errors and effective parameters by the number of features, on images and on a sphere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.tasks import MNIST1D, Images

__all__ = ["KINDS", "RATIOS", "RIDGES", "SPHERE_RATIOS", "of_images", "on_sphere"]

KINDS = ("fourier", "relu")
RATIOS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Numbers of features over the train size."""
RIDGES = (0.0, 1e-3, 1e-2, 1e-1, 1.0)
SPHERE_RATIOS = (1 / 6, 1 / 3, 2 / 3, 5 / 6, 7 / 6, 4 / 3, 2.0, 4.0, 10.0)
# Belkin et al. draw v with deviation .2 for pictures of 28 x 28 pixels. Smaller pictures have fewer pixels of the same range,
# and a deviation that grows with 28 / side keeps the kernel of a picture whose pixels are averaged over blocks.
_DEVIATION, _SIDE = 0.2, 28

Array = npt.NDArray[Any]


def of_images(
    runs: xr.Dataset, *, task: Images | MNIST1D, train_size: int, test_size: int, ratios: Sequence[float] = RATIOS
) -> xr.Dataset:
    """Errors of least squares on random features of the images, for every seed of some runs.

    Returns
    -------
    xarray.Dataset
        By ``seed``, ``features`` (kind), ``ratio`` (number of features over train size) and ``ridge``: ``test_error`` (share of
        wrong labels), ``test_loss`` and ``train_loss`` (squared distance to the one-hot label, summed over classes). A ridge of
        0 is the least-norm solution, of which there are ``test_used`` and ``train_used`` (effective parameters over the train
        size).
    """
    seeds = [int(seed) for seed in runs["seed"].values]
    grid = [[_of_kind(task, seed, kind, train_size, test_size, ratios) for kind in KINDS] for seed in seeds]
    labels = {"seed": seeds, "features": list(KINDS), "ratio": list(ratios), "ridge": list(RIDGES)}
    dims = list(labels)
    found = {
        name: (dims[: np.ndim(first) + 2], np.array([[kind[name] for kind in one] for one in grid]))
        for name, first in grid[0][0].items()
    }
    return xr.Dataset(found, labels, {"train_size": train_size})


def _of_kind(
    task: Images | MNIST1D, seed: int, kind: str, train_size: int, test_size: int, ratios: Sequence[float]
) -> dict[str, Array]:
    """Errors ``[ratio, ridge]`` and effective parameters ``[ratio]`` of one seed and kind of features."""
    train, test = task.draw(seed, train_size, test_size)
    x, x_test = (np.asarray(task.pool[part.x], np.float64).reshape(len(part.y), -1) for part in (train, test))
    hot, labels = np.eye(task.num_outputs)[np.asarray(train.y)], np.asarray(test.y)
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    cells = []
    for ratio in ratios:
        phi = _drawn(kind, x.shape[1], round(ratio * train_size), rng)
        cells.append(_cell(_factors(phi(x), phi(x_test)), hot, labels))
    return {name: np.array([cell[name] for cell in cells]) for name in cells[0]}


def _drawn(kind: str, inputs: int, count: int, rng: np.random.Generator) -> Any:
    """Features with weights of their own, of squared length about 1 (Fourier) or |x|^2 (ReLU)."""
    weights = rng.normal(size=(inputs, count))
    if kind == "relu":
        return lambda x: np.maximum(x @ weights, 0) * np.sqrt(2 / count)
    weights *= _DEVIATION * _SIDE / np.sqrt(inputs)
    return lambda x: _unit_circle(x @ weights) / np.sqrt(count)


def _unit_circle(angles: Array) -> Array:
    """exp(i angle); the exponential of complex numbers takes several times as long as cosine and sine."""
    found = np.empty(angles.shape, np.complex128)
    found.real, found.imag = np.cos(angles), np.sin(angles)
    return found


class _Factors(NamedTuple):
    """Singular vectors of the train features and singular values; ``along`` are test features along the right ones."""

    left: Array
    sizes: Array
    along: Array
    kept: Array


def _factors(train: Array, test: Array) -> _Factors:
    # With a basis of the rows first, the singular vectors are those of a square of the train size.
    basis, rows = np.linalg.qr(train.conj().T)
    left, sizes, right = np.linalg.svd(rows.conj().T, full_matrices=False)
    kept = sizes > np.finfo(np.float64).eps * max(train.shape) * sizes[0]
    return _Factors(left, sizes, test @ basis @ right.conj().T, kept)


def _smoothers(found: _Factors, ridge: float, targets: Array | None = None) -> tuple[Array, Array]:
    """Fit of the train rows and of the test rows: weights of the train targets, or what these make of some targets."""
    inverse = np.where(found.kept, found.sizes / np.where(found.kept, found.sizes**2 + ridge, 1), 0)
    from_targets = found.left.conj().T if targets is None else found.left.conj().T @ targets
    # Targets are real, so the real part of the weights gives the real part of the prediction.
    return (found.left * (found.sizes * inverse) @ from_targets).real, (found.along * inverse @ from_targets).real


def _cell(found: _Factors, hot: Array, labels: Array) -> dict[str, Any]:
    """Errors ``[ridge]``, and effective parameters without a ridge."""
    wanted = np.eye(hot.shape[1])[labels]
    fits = [_smoothers(found, ridge, hot) for ridge in RIDGES]
    train_used, test_used = (float(analysis.effective_parameters(one)) / len(hot) for one in _smoothers(found, 0.0))
    return {
        "test_error": [float((test.argmax(1) != labels).mean()) for _, test in fits],
        "test_loss": [float(((test - wanted) ** 2).sum(1).mean()) for _, test in fits],
        "train_loss": [float(((train - hot) ** 2).sum(1).mean()) for train, _ in fits],
        "test_used": test_used,
        "train_used": train_used,
    }


def on_sphere(
    runs: xr.Dataset, *, dimension: int = 100, train_size: int = 300, test_size: int = 1000, draws: int = 3
) -> xr.Dataset:
    """Excess test error of least squares on random ReLU features of a linear target on a sphere, mean over draws.

    Signal 1 and noise variance 1/4. ``risk (seed, ratio)``, by number of features over train size.
    """
    seeds = [int(seed) for seed in runs["seed"].values]
    risk = [[_risks(np.random.default_rng([seed, i]), ratio, dimension, train_size, test_size, draws)
             for i, ratio in enumerate(SPHERE_RATIOS)] for seed in seeds]  # fmt: skip
    attrs = {"dimension": dimension, "train_size": train_size}
    return xr.Dataset({"risk": (("seed", "ratio"), risk)}, {"seed": seeds, "ratio": list(SPHERE_RATIOS)}, attrs)


def _risks(rng: np.random.Generator, ratio: float, d: int, n: int, tests: int, draws: int) -> float:
    return float(np.mean([_risk(rng, round(ratio * n), d, n, tests) for _ in range(draws)]))


def _risk(rng: np.random.Generator, count: int, d: int, n: int, tests: int) -> float:
    weights, true = _on_sphere(rng, count, d) / np.sqrt(d), _on_sphere(rng, 1, d)[0] / np.sqrt(d)
    x, x_test = _on_sphere(rng, n, d), _on_sphere(rng, tests, d)
    targets = x @ true + 0.5 * rng.normal(size=n)
    fitted = np.linalg.lstsq(np.maximum(x @ weights.T, 0), targets)[0]
    return float(np.mean((np.maximum(x_test @ weights.T, 0) @ fitted - x_test @ true) ** 2))


def _on_sphere(rng: np.random.Generator, rows: int, d: int) -> Array:
    """Uniform on the sphere of radius sqrt(d)."""
    x = rng.normal(size=(rows, d))
    return np.asarray(x * np.sqrt(d) / np.linalg.norm(x, axis=1, keepdims=True))
