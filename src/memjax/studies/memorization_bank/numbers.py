"""Numbers of the study memorization-bank: memorisation scores, their limits, and intervals by leaving out networks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.studies.kit import Estimate
from memjax.tasks import Images

__all__ = [
    "GROUPS",
    "MEMORIZED",
    "agreement",
    "final",
    "gap",
    "halves",
    "jackknifed",
    "left_out",
    "nearest_scores",
    "rows_of",
    "score",
    "scores",
]

MEMORIZED = 0.25
"""Score above which a row counts as memorised (Feldman and Zhang 2020)."""
GROUPS = 8
"""Groups of networks that are left out in turn."""

FloatArray = npt.NDArray[np.float64]


def rows_of(runs: xr.Dataset, *, task: Images, train_size: int, test_size: int) -> xr.Dataset:
    """Pictures and labels of rows and of test examples, by their numbers.

    ``pixels`` ``(example, height, width)``, ``given_label``, which networks are trained on, and the true ``label``;
    ``test_pixels`` ``(test_example, height, width)`` and ``test_label``.
    """
    train, test = task.draw(0, train_size, test_size)
    clean = task.clean_targets(0, train_size)
    rows, tests = np.asarray(train.x), np.asarray(test.x)
    found = xr.Dataset(
        {
            "pixels": (("example", "height", "width"), task.pool[rows]),
            "given_label": ("example", np.asarray(train.y)),
            "label": ("example", np.asarray(clean)),
            "test_pixels": (("test_example", "height", "width"), task.pool[tests]),
            "test_label": ("test_example", np.asarray(test.y)),
        },
        {"example": rows, "test_example": tests},
    )
    return found.sel(example=runs["example"].values, test_example=runs["test_example"].values)


def final(runs: xr.Dataset) -> xr.Dataset:
    """Values at the end of training, without a dimension of steps."""
    dims = {dim: -1 for dim in ("step", "example_step") if dim in runs.dims}
    return runs.isel(dims, drop=True)


def scores(bank: xr.Dataset) -> xr.Dataset:
    """Memorisation scores of a bank, as `memjax.analysis.memorization` gives them."""
    return analysis.memorization(bank["example_correct"], bank["train_count"])


def score(bank: xr.Dataset) -> xr.DataArray:
    """Memorisation scores ``(example,)`` alone, without their errors."""
    found = analysis.memorization(bank["example_correct"], bank["train_count"], resamples=0)
    return found["memorization"].reset_coords(drop=True)


def gap(bank: xr.Dataset) -> xr.DataArray:
    """Mean memorisation score minus train accuracy plus held-out accuracy, by group of networks."""
    found = [
        scores(one)["mean_memorization"] - (one["train_accuracy"] - one["held_out_accuracy"]).mean("seed")
        for one in _groups(bank)
    ]
    return xr.concat(found, "group")


def left_out(statistic: Callable[[xr.Dataset], xr.DataArray], bank: xr.Dataset, dim: str = "seed") -> xr.DataArray:
    """A statistic of all networks, and without each group of them: ``(left_out, ...)``, with label -1 for all."""
    parts = np.array_split(np.arange(bank.sizes[dim]), _count(bank.sizes[dim]))
    found = [statistic(bank)]
    for part in parts:
        found.append(statistic(bank.isel({dim: np.delete(np.arange(bank.sizes[dim]), part)})))
    return xr.concat(found, "left_out", coords="minimal", compat="override").assign_coords(
        left_out=np.arange(-1, len(parts))
    )


def _count(networks: int) -> int:
    # A group holds whole pairs of complementary halves, where there are enough of them.
    return min(GROUPS, max(2, networks // 2))


def _groups(bank: xr.Dataset) -> list[xr.Dataset]:
    size = bank.sizes["seed"] // _count(bank.sizes["seed"]) // 2 * 2
    return [bank.isel(seed=slice(at, at + size)) for at in range(0, bank.sizes["seed"] - size + 1, size)]


def jackknifed(values: xr.DataArray) -> Estimate:
    """Estimate of what `left_out` gives: the statistic of all networks with the interval of the delete-group jackknife.

    Examples
    --------
    >>> bank = xr.Dataset({"x": ("seed", [1.0, 2.0, 3.0, 6.0])})
    >>> found = jackknifed(left_out(lambda part: part["x"].mean(), bank))
    >>> found.value, round(found.low, 1), round(found.high, 1)
    (3.0, -16.1, 22.1)
    """
    whole, without = float(values[0]), values[1:].values.astype(np.float64)
    count = len(without)
    pseudo = xr.DataArray(count * whole - (count - 1) * without, dims="group")
    low, high = analysis.mean_interval(pseudo, "group")["mean_interval"].values - float(pseudo.mean())
    return Estimate(whole, float(whole + low), float(whole + high), count=count)


def agreement(first: xr.Dataset, second: xr.Dataset) -> xr.DataArray:
    """How alike two banks score the same rows: ``(what,)``, rank correlation and Jaccard index of the memorised rows."""
    one, other = score(first), score(second)
    both, either = (one > MEMORIZED) & (other > MEMORIZED), (one > MEMORIZED) | (other > MEMORIZED)
    jaccard = float(both.sum()) / max(float(either.sum()), 1.0)
    ranks = float(analysis.spearman(one, other, "example"))
    return xr.DataArray([ranks, jaccard], {"what": ["rank correlation", "jaccard"]}, "what")


def halves(bank: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Two banks of every other pair of complementary halves."""
    pair = np.arange(bank.sizes["seed"]) // 2 % 2
    return bank.isel(seed=pair == 0), bank.isel(seed=pair == 1)


def nearest_scores(pixels: npt.ArrayLike, labels: npt.ArrayLike, size: int) -> FloatArray:
    """Exact memorisation scores of the nearest neighbour on random subsets of ``size`` rows, ``float64[N]``.

    A network without the row is right if the nearest row of its subset has the row's label. The row of rank k among N - 1
    others is that nearest row if the subset holds it and none of the k nearer ones: a product of hypergeometric chances.

    Examples
    --------
    >>> nearest_scores([[0.0], [1.0], [3.0]], [0, 0, 1], size=1)
    array([0.5, 0.5, 1. ])
    """
    x, y = np.asarray(pixels, np.float64), np.asarray(labels)
    x = x.reshape(len(x), -1)
    count = len(x) - 1
    squares = (x**2).sum(1)
    distances = squares[:, None] + squares - 2 * x @ x.T
    np.fill_diagonal(distances, np.inf)
    # Of equal distances the earlier row is nearer, as in the learner.
    order = distances.argsort(1, kind="stable")[:, :count]
    ranks = np.arange(count)
    farther = np.cumprod(np.concatenate([[1.0], (count - size - ranks[:-1]).clip(0) / (count - ranks[:-1])]))
    chance = farther * size / (count - ranks)
    return np.asarray(1 - ((y[order] == y[:, None]) * chance.clip(0, 1)).sum(1))
