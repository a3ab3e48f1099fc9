"""Least squares on random features: errors and effective parameters by the number of features, on images and on a sphere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.tasks import Images

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
    runs: xr.Dataset, *, task: Images, train_size: int, test_size: int, ratios: Sequence[float] = RATIOS
) -> xr.Dataset:
    """Errors of least squares on random features of the images, for every seed of some runs.

    Returns
    -------
    xarray.Dataset
        By ``seed``, ``features`` (kind), ``ratio`` (number of features over train size) and ``ridge``: ``test_error`` (share of
        wrong labels), ``test_loss`` and ``train_loss`` (squared distance to the one-hot label, summed over classes),
        ``test_used`` and ``train_used`` (effective parameters over the train size). A ridge of 0 is the least-norm solution.
    """
    seeds = [int(seed) for seed in runs["seed"].values]
    grid = [[_of_kind(task, seed, kind, train_size, test_size, ratios) for kind in KINDS] for seed in seeds]
    dims = ("seed", "features", "ratio", "ridge")
    names = list(grid[0][0][0][0])
    found = {
        name: (
            dims,
            np.array([[[[cell[name] for cell in ridges] for ridges in ratio] for ratio in one] for one in grid]),
        )
        for name in names
    }
    labels = {"seed": seeds, "features": list(KINDS), "ratio": list(ratios), "ridge": list(RIDGES)}
    return xr.Dataset(found, labels, {"train_size": train_size})


def _of_kind(
    task: Images, seed: int, kind: str, train_size: int, test_size: int, ratios: Sequence[float]
) -> list[list[dict[str, float]]]:
    train, test = task.draw(seed, train_size, test_size)
    x, x_test = (np.asarray(task.pool[part.x], np.float64).reshape(len(part.y), -1) for part in (train, test))
    hot, labels = np.eye(task.num_outputs)[np.asarray(train.y)], np.asarray(test.y)
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    cells = []
    for ratio in ratios:
        phi = _drawn(kind, x.shape[1], round(ratio * train_size), rng)
        cells.append([_cell(fit, weights, hot, labels) for fit, weights in _smoothers(phi(x), phi(x_test))])
    return cells


def _drawn(kind: str, inputs: int, count: int, rng: np.random.Generator) -> Any:
    """Features with weights of their own, of squared length about 1 (Fourier) or |x|^2 (ReLU)."""
    weights = rng.normal(size=(inputs, count))
    if kind == "relu":
        return lambda x: np.maximum(x @ weights, 0) * np.sqrt(2 / count)
    deviation = _DEVIATION * _SIDE / np.sqrt(inputs)
    return lambda x: np.exp(1j * deviation * x @ weights) / np.sqrt(count)


def _smoothers(train: Array, test: Array) -> Iterator[tuple[Array, Array]]:
    """Weights of the train targets in the fit of the train rows and of the test rows, ridge by ridge."""
    left, sizes, right = np.linalg.svd(train, full_matrices=False)
    along = test @ right.conj().T
    kept = sizes > np.finfo(np.float64).eps * max(train.shape) * sizes[0]
    for ridge in RIDGES:
        inverse = np.where(kept, sizes / np.where(kept, sizes**2 + ridge, 1), 0)
        # Targets are real, so the real part of the weights gives the real part of the prediction.
        yield (left * (sizes * inverse) @ left.conj().T).real, (along * inverse @ left.conj().T).real


def _cell(fit: Array, weights: Array, hot: Array, labels: Array) -> dict[str, float]:
    predicted, wanted = weights @ hot, np.eye(hot.shape[1])[labels]
    return {
        "test_error": float((predicted.argmax(1) != labels).mean()),
        "test_loss": float(((predicted - wanted) ** 2).sum(1).mean()),
        "train_loss": float(((fit @ hot - hot) ** 2).sum(1).mean()),
        "test_used": float(analysis.effective_parameters(weights)) / len(hot),
        "train_used": float(analysis.effective_parameters(fit)) / len(hot),
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
