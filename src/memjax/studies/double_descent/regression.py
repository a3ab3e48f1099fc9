"""Linear regression on the diabetes data by train size, and without each of the three factors of its error (Schaeffer 2023)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis

__all__ = ["ABLATIONS", "CUT", "WITHOUT", "of_diabetes"]

ABLATIONS = ("none", "singular values", "test inputs", "residuals")
"""What is taken away: nothing, small singular values, test inputs along them, and residuals of the best model."""
WITHOUT = {
    "singular values": "small singular values",
    "test inputs": "test inputs along small singular directions",
    "residuals": "residuals of the best model",
}
CUT = 1.0
"""Singular values of at most this count as small; the largest cut-off of Schaeffer et al., on inputs of variance 1."""
SIZES = tuple(range(1, 40))

FloatArray = npt.NDArray[np.float64]


class _Rows(NamedTuple):
    x: FloatArray
    y: FloatArray
    best: FloatArray


def of_diabetes(runs: xr.Dataset, *, repeats: int = 50, sizes: tuple[int, ...] = SIZES) -> xr.Dataset:
    """Median over random train sets of the squared test error and of the three factors, for every seed of some runs.

    Returns
    -------
    xarray.Dataset
        By ``seed`` and ``train_size``: ``loss`` (also by ``ablation``), the mean squared error on all other rows, of targets of
        variance 1; ``smallest`` singular value; ``along`` and ``residual``, root mean square of the test inputs and absolute
        residual of the best model along its direction.
    """
    rows, seeds = _rows(), [int(seed) for seed in runs["seed"].values]
    cells = [[_at(rows, seed, size, repeats) for size in sizes] for seed in seeds]
    dims: dict[str, tuple[str, ...]] = dict.fromkeys(("smallest", "along", "residual"), ("seed", "train_size"))
    dims["loss"] = ("seed", "train_size", "ablation")
    found = {name: (own, np.array([[cell[name] for cell in line] for line in cells])) for name, own in dims.items()}
    labels = {"seed": seeds, "train_size": list(sizes), "ablation": list(ABLATIONS)}
    return xr.Dataset(found, labels, {"inputs": rows.x.shape[1]})


def _rows() -> _Rows:
    """All rows, with inputs and targets of mean 0 and variance 1, and the best linear model."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    return _Rows(x, y, np.linalg.lstsq(x, y)[0])


def _at(rows: _Rows, seed: int, size: int, repeats: int) -> dict[str, Any]:
    rng = np.random.default_rng([seed, size])
    draws = [_draw(rows, rng.permutation(len(rows.x)), size) for _ in range(repeats)]
    return {name: np.median([draw[name] for draw in draws], axis=0) for name in draws[0]}


def _draw(rows: _Rows, order: npt.NDArray[np.int64], size: int) -> dict[str, Any]:
    """One train set: test losses ``[ablation]`` and the factors of the smallest singular value."""
    here, there = order[:size], order[size:]
    x, y, test = rows.x[here], rows.y[here], rows.x[there]
    noise = rows.y[there] - test @ rows.best
    whole, short, ideal = (
        analysis.least_squares_terms(x, targets, test, rows.best, cut)
        for targets, cut in ((y, 0.0), (y, CUT), (x @ rows.best, 0.0))
    )
    right = np.linalg.svd(x, full_matrices=False)
    small = right[2][right[1] <= CUT]
    kept = analysis.least_squares_terms(x, y, test - test @ small.T @ small, rows.best)
    errors = [one["error"].values - noise for one in (whole, short, kept, ideal)]
    return {
        "loss": np.array([(error**2).mean() for error in errors]),
        "smallest": float(whole["singular_value"][-1]),
        "along": float(np.sqrt((whole["along"].values[:, -1] ** 2).mean())),
        "residual": abs(float(whole["residual"][-1])),
    }
