"""Questions about single examples, asked of learners whose answer is known: memorisation, influence, leave-one-out."""

from math import comb

import numpy as np
import pytest

import memjax as mj


def closed(model, task, **fields):
    given = {"train_size": "all", "test_size": 0, "data_seed": 0, "steps": 1, "record_every": 1, "measures": ("loss",)}
    return mj.Experiment(task=task, model=model, optimizer=mj.optimizers.closed_form(), **{**given, **fields})


def exact_memorization(x, y, size):
    """1 minus the chance that the nearest of the other rows in a random subset of ``size`` rows has the label of the row."""
    count = len(y)
    distances = ((x[:, None] - x[None]) ** 2).sum(-1)
    np.fill_diagonal(distances, np.inf)
    order = distances.argsort(1)[:, : count - 1]
    # The row of rank k is the nearest in the subset if it is drawn, and the k closer ones are not.
    chance = np.array([comb(count - 2 - k, size - 1) / comb(count - 1, size) for k in range(count - 1)])
    return 1 - ((y[order] == y[:, None]) * chance).sum(1)


@pytest.mark.parametrize("count", [300, pytest.param(2000, marks=pytest.mark.slow)])
def test_memorization_of_the_nearest_neighbour_is_hypergeometric(count):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 2)).astype(np.float32), rng.integers(0, 3, 60)
    spec = closed(
        mj.models.NearestNeighbors(k=1),
        mj.tasks.from_arrays(x, y),
        loss="one_hot_mse",
        subset=mj.subsets.RandomShare(0.5),
        examples=("correct",),
    )
    ds = mj.sweep(spec, over={"seed": range(count)})
    right, seen = ds.example_correct.values[:, 0], ds.train_count.values > 0
    assert right[seen].all()
    outside = (right & ~seen).sum(0) / (~seen).sum(0)
    exact = exact_memorization(x, y, 30)
    # Each row is outside of about half of the runs; of 60 rows, the farthest is within 4 standard errors.
    error = np.sqrt(np.maximum(exact * (1 - exact), 0) / (~seen).sum(0))
    assert (abs(1 - outside - exact) <= 4 * error + 1e-12).all()
    assert 0.1 < exact.min() < 0.5 < exact.max() < 1
    # Mean memorisation is train accuracy minus held-out accuracy, up to the weights of the rows.
    assert (1 - outside).mean() == pytest.approx(exact.mean(), abs=4 * np.sqrt((error**2).sum()) / 60)


def output(params, apply, examples):
    return apply(params, examples.x)[:, 0]


def test_influence_on_the_mean_is_exact():
    rng = np.random.default_rng(1)
    values = rng.normal(size=40).astype(np.float32)
    own = mj.Measure(output, "output", per_example=True)
    spec = closed(
        mj.models.MeanTarget(),
        mj.tasks.from_arrays(rng.normal(size=(40, 2)).astype(np.float32), values),
        loss="mse",
        subset=mj.subsets.LeaveOut(),
        examples=(own,),
    )
    ds = mj.sweep(spec, over={"left_out": [(), *range(40)]})
    found = ds.example_output.values[:, 0]
    whole, without = found[0, 0], np.diagonal(found[1:])
    others = (values.sum(dtype=np.float64) - values) / 39
    # float32: 4e-8 measured.
    assert whole - without == pytest.approx((values - others) / 40, abs=4e-7)
    halves = mj.sweep(spec, over={"subset": {"half": mj.subsets.RandomShare(0.5)}, "seed": range(20)})
    seen = halves.train_count.values[0] > 0
    means = np.array([values[mask].mean(dtype=np.float64) for mask in seen])
    assert halves.example_output.values[0, :, 0, 0] == pytest.approx(means, abs=4e-7)


@pytest.mark.parametrize("ridge", [0.0, 3.0])
def test_the_residual_of_a_row_left_out_of_ridge_regression_follows_from_its_leverage(ridge):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(30, 5)).astype(np.float32), rng.normal(size=30).astype(np.float32)
    spec = closed(
        mj.models.LeastSquares(ridge=ridge, bias=False),
        mj.tasks.from_arrays(x, y),
        loss="mse",
        subset=mj.subsets.LeaveOut(),
        examples=(mj.Measure(output, "output", per_example=True),),
    )
    ds = mj.sweep(spec, over={"left_out": range(30)})
    wide = x.astype(np.float64)
    hat = wide @ np.linalg.solve(wide.T @ wide + ridge * np.eye(5), wide.T)
    wanted = (y - hat @ y) / (1 - np.diagonal(hat))
    left_out = y - np.diagonal(ds.example_output.values[:, 0])
    # float32: 1e-6 measured.
    assert left_out == pytest.approx(wanted, abs=1e-5)
