"""Closed-form learners through `mj.sweep`, against NumPy in float64, brute force and formulas."""

import jax
import numpy as np
import pytest

import memjax as mj
from memjax.models import ClassMean, LeastSquares, LookUp, MeanTarget, NearestNeighbors, RandomFourier, RandomReLU
from memjax.optimizers import adam, closed_form

RNG = np.random.default_rng(0)
LINEAR = mj.tasks.TeacherStudent(input_dim=12, output_dim=2, hidden=(), noise=1.0)
LABELS = mj.tasks.RandomLabels(input_dim=4, num_classes=3)
PACKINGS = {
    "streamed": mj.Packing(schedule="streamed", width=8, runs=4, lanes=2),
    "batched": mj.Packing(schedule="batched", width=8, runs=4, lanes=2),
}
SLOW = pytest.mark.slow
SCHEDULES = ["streamed", pytest.param("batched", marks=SLOW)]
# Twice the largest error of a coefficient over 20 seeds, two schedules, with and without a bias, in units of float32's
# eps times the condition number, relative to the largest coefficient: 5.4 where the condition number is small, 0.7 where it
# is 4000 (n = p + 1 with a bias).
UNITS = 11


def fitted(model, task=LINEAR, **fields):
    sized = dict(loss="mse", steps=1, record_every=1, train_size=12, test_size=9, snapshots=(1,))
    return mj.Experiment(task=task, model=model, optimizer=closed_form(), **{**sized, **fields})


def sweep(spec, over, schedule="streamed"):
    return mj.sweep(spec, over=over, progress=False, packing=PACKINGS[schedule])


def exact(x, y, ridge, bias):
    """Coefficients in float64, with the bias left out of the penalty, and the condition number."""
    x, y = x.astype(float), y.astype(float)
    center = x.mean(0) * bias
    left, sizes, right = np.linalg.svd(x - center, full_matrices=False)
    left, sizes, right = (
        left[:, sizes > 1e-9 * sizes[0]],
        sizes[sizes > 1e-9 * sizes[0]],
        right[sizes > 1e-9 * sizes[0]],
    )
    kernel = right.T @ ((sizes / (sizes**2 + ridge))[:, None] * (left.T @ (y - y.mean(0) * bias)))
    return kernel, y.mean(0) - center @ kernel, sizes[0] / sizes[-1]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("bias", [True, pytest.param(False, marks=SLOW)])
def test_coefficients_are_those_of_float64_below_at_and_above_the_threshold(bias, schedule):
    over = {"train_size": [6, 12, 13, 40], "ridge": [0.0, 0.01, 2.0], "seed": range(3)}
    for run in mj.snapshots(sweep(fitted(LeastSquares(bias=bias)), over, schedule)):
        kernel, offset, condition = exact(*run.train, run.run["ridge"], bias)
        atol = UNITS * np.finfo(np.float32).eps * condition * np.abs(kernel).max()
        np.testing.assert_allclose(run.params["linear"]["kernel"], kernel, rtol=0, atol=atol)
        if bias:
            # The inputs are normal, so an error of the kernel reaches the bias multiplied by a few.
            np.testing.assert_allclose(run.params["linear"]["bias"], offset, rtol=0, atol=4 * atol)


@pytest.mark.slow
def test_ridgeless_fits_without_ridge_are_the_limit_of_small_ones_and_interpolate():
    spec = fitted(LeastSquares(RandomReLU(40)), train_size=20, snapshots=(), measures=("loss", "layer_l2"))
    found = sweep(spec, {"ridge": [0.0, 1e-4, 1.0], "seed": [0, 1]})
    # Largest train loss at ridge 0: 1e-12, of targets of the size 1; relative distance of the norms at 1e-4: 1e-3.
    assert found.train_loss.sel(step=1, ridge=0).max() < 1e-10 < found.train_loss.sel(step=1, ridge=1).min()
    norms = found.layer_l2.sel(step=1, parameter="linear/kernel")
    np.testing.assert_allclose(norms.sel(ridge=1e-4), norms.sel(ridge=0), rtol=5e-3)
    assert (norms.sel(ridge=1.0) < 0.9 * norms.sel(ridge=0)).all()
    assert (
        found.layer_l2.sel(parameter="features/kernel", step=0) == found.layer_l2.sel(parameter="features/kernel")
    ).all()


def test_residuals_of_left_out_rows_are_those_of_the_hat_matrix():
    x, y, ridge = RNG.normal(size=(15, 4)), RNG.normal(size=(15, 1)), 0.7
    without = lambda i: (np.delete(x, i, 0), np.delete(y, i, 0))  # noqa: E731
    left_out = {str(i): mj.tasks.from_arrays(*without(i), x_test=x[[i]], y_test=y[[i]]) for i in range(15)}
    spec = fitted(LeastSquares(ridge=ridge, bias=False), left_out["0"], train_size=14, test_size=1)
    found = sweep(spec, {"task": left_out})
    hat = x @ np.linalg.solve(x.T @ x + ridge * np.eye(4), x.T)
    residuals = (y - hat @ y)[:, 0] / (1 - np.diag(hat))
    # Largest relative difference: 4e-6, where the residual is smallest.
    np.testing.assert_allclose(found.test_loss.sel(step=1), residuals**2, rtol=3e-5)


def nearest(x, rows, k):
    distances = ((x[:, None].astype(float) - rows[None]) ** 2).sum(-1)
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("k", [pytest.param(1, marks=SLOW), 3])
def test_neighbours_are_those_of_brute_force(k, schedule):
    spec = fitted(NearestNeighbors(k, room=30), LABELS, loss="one_hot_mse")
    found = sweep(spec, {"train_size": [7, 30], "seed": [0, 1, 2]}, schedule)
    for run in mj.snapshots(found):
        shares = np.eye(3)[run.train.y][nearest(run.test.x, run.train.x, k)].mean(1)
        np.testing.assert_allclose(run.outputs(run.test.x), shares, atol=1e-6)
        own = found.sel(run.run).sel(step=1)
        assert np.isclose(own.test_accuracy, (shares.argmax(1) == run.test.y).mean())
        assert (own.train_accuracy == 1) or k > 1


@pytest.mark.slow
def test_equal_rows_tie_and_the_earlier_one_is_nearer():
    # Close to each other and far from zero, where squared norms leave nothing of their distances.
    rows = (1000 + 0.01 * RNG.normal(size=(10, 50))).astype(np.float32)
    x, y = np.concatenate([rows, rows]), np.arange(20) % 5 + 5 * (np.arange(20) >= 10)
    spec = fitted(NearestNeighbors(1), mj.tasks.from_arrays(x, y), loss="one_hot_mse", train_size=17, test_size=3)
    for run in mj.snapshots(sweep(spec, {"seed": range(4)})):
        first = (run.train.x[:, None] == run.train.x[None]).all(-1).argmax(1)
        assert (np.asarray(run.outputs(run.train.x)).argmax(1) == run.train.y[first]).all()
        assert (first < np.arange(17)).any()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_look_up_knows_the_rows_that_it_saw_and_the_mean_of_all_others(schedule):
    x = RNG.normal(size=(6, 3))[np.arange(18) % 6]
    fresh = np.concatenate([x[:6], x[:6] + 1e-3])
    task = mj.tasks.from_arrays(x, np.arange(18) % 4, x_test=fresh, y_test=np.zeros(12, int))
    spec = fitted(LookUp(), task, loss="one_hot_mse", test_size=12)
    for run in mj.snapshots(sweep(spec, {"train_size": [5, 18], "seed": [0, 1]}, schedule)):
        targets = np.eye(4)[run.train.y]
        same = (run.test.x[:, None] == run.train.x[None]).all(-1)
        wanted = [targets[row].mean(0) if row.any() else targets.mean(0) for row in same]
        np.testing.assert_allclose(run.outputs(run.test.x), wanted, atol=1e-6)
        assert same.any() and not same.any(1).all()


@pytest.mark.slow
def test_class_means_and_the_mean_target_are_means():
    over = {"train_size": [2, 25], "seed": [0, 1]}
    for run in mj.snapshots(sweep(fitted(ClassMean(), LABELS, loss="cross_entropy"), over)):
        scores = np.full((9, 3), -np.inf)
        for label in set(run.train.y.tolist()):
            scores[:, label] = -((run.test.x - run.train.x[run.train.y == label].mean(0)) ** 2).sum(1) / 2
        lowest = np.where(np.isfinite(scores), scores, np.inf).min(1, keepdims=True)
        np.testing.assert_allclose(
            run.outputs(run.test.x), np.where(np.isfinite(scores), scores, lowest - 1), atol=1e-5
        )
    for run in mj.snapshots(sweep(fitted(MeanTarget()), over)):
        np.testing.assert_allclose(run.outputs(run.test.x), np.tile(run.train.y.mean(0), (9, 1)), atol=1e-6)


@pytest.mark.parametrize("features", [RandomFourier(6, scale=0.5), pytest.param(RandomReLU(6), marks=SLOW)])
def test_random_features_do_not_move_under_gradient_descent(features):
    spec = mj.Experiment(
        task=LINEAR,
        model=LeastSquares(features),
        optimizer=adam(0.1),
        loss="mse",
        steps=20,
        train_size=30,
        snapshots=(0, 20),
    )
    first, last = mj.snapshots(mj.sweep(spec, progress=False))
    jax.tree.map(np.testing.assert_array_equal, first.params["features"], last.params["features"])
    assert np.abs(last.params["linear"]["kernel"]).min() > 0


MIXED = {
    "least squares": (fitted(LeastSquares(RandomFourier(9))), ("ridge", [0.0, 0.1])),
    "neighbours": (fitted(NearestNeighbors(2, room=20)), ("train_size", [9, 20])),
    "class means": (fitted(ClassMean(), LABELS, loss="cross_entropy"), ("train_size", [9, 20])),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name == "least squares" else SLOW) for name in MIXED])
def test_a_fit_does_not_depend_on_its_company_or_its_schedule(name):
    spec, (field, values) = MIXED[name]
    alone = mj.sweep(spec, over={field: values[:1], "seed": [3]}, progress=False)
    company = [sweep(spec, {field: values[::-1], "seed": [5, 3, 0]}, schedule) for schedule in PACKINGS]
    for found in company:
        # Largest difference: 6e-7 of the largest loss, the last bits of float32.
        own = found.sel({field: values[0], "seed": 3})
        for measure in ("train_loss", "test_loss", "weight_l2"):
            expected = alone[measure].values.ravel()
            np.testing.assert_allclose(own[measure], expected, rtol=1e-5, atol=1e-6, err_msg=measure)


@SLOW
def test_the_step_loss_is_that_before_the_fit():
    found = sweep(fitted(LeastSquares(), measures=("loss", "step_loss")), {"seed": [0, 1]})
    np.testing.assert_allclose(found.step_loss.sel(step=1), found.train_loss.sel(step=0), rtol=1e-6)


@pytest.mark.slow
def test_a_store_of_fits_grows_and_is_opened_again(tmp_path):
    spec = fitted(NearestNeighbors())
    first = mj.sweep(spec, over={"seed": [0, 1]}, store=tmp_path / "store", progress=False)
    both = mj.sweep(spec, over={"seed": [0, 1, 2]}, store=tmp_path / "store", progress=False)
    opened = mj.open(tmp_path / "store")
    np.testing.assert_array_equal(opened.parameters, both.parameters)
    np.testing.assert_array_equal(both.test_loss.sel(seed=[0, 1]), first.test_loss)
    assert (opened.status == "finished").all() and opened.test_loss.sel(step=1).notnull().all()


@SLOW
def test_a_fit_that_overflows_ends_its_run_and_no_other():
    x = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 5.0]])
    tasks = {"small": mj.tasks.from_arrays(x, x[:, :1]), "huge": mj.tasks.from_arrays(x, 3e38 * x[:, :1] / 3)}
    found = sweep(fitted(MeanTarget(), tasks["small"], train_size=2, test_size=1, snapshots=()), {"task": tasks})
    assert found.status.sel(task="small") == "finished" and found.status.sel(task="huge") != "finished"


@SLOW
def test_ridgeless_regression_has_the_risk_of_hastie_et_al_on_both_sides_of_the_threshold():
    """T. Hastie et al., "Surprises in high-dimensional ridgeless least squares interpolation" (2022), theorem 1."""
    width, sigma, seeds = 60, 0.5, 200
    beta = np.random.default_rng(1).normal(size=(width, 1))
    beta /= np.linalg.norm(beta)
    x = np.random.default_rng(2).normal(size=(6000, width))
    fresh = np.random.default_rng(3).normal(size=(2000, width))
    noisy = x @ beta + sigma * np.random.default_rng(4).normal(size=(6000, 1))
    task = mj.tasks.from_arrays(x, noisy, x_test=fresh, y_test=fresh @ beta)
    spec = fitted(LeastSquares(bias=False), task, test_size=2000, snapshots=(), measures=("loss",))
    sizes = [20, 30, 45, 90, 120, 240]
    risks = mj.sweep(spec, over={"train_size": sizes, "seed": range(seeds)}, progress=False).test_loss.sel(step=1)
    own = np.array(sizes)
    # With normal inputs of a finite width p, the theorem's variance gamma / (1 - gamma) below the threshold is p / (n - p - 1),
    # and 1 / (gamma - 1) above is n / (p - n - 1).
    below, above = sigma**2 * width / (own - width - 1), (1 - own / width) + sigma**2 * own / (width - own - 1)
    errors = risks.std("seed").values / np.sqrt(seeds)
    # Mean risks 0.79, 0.74, 1.05, 0.54, 0.26, 0.082 with standard errors 0.008, 0.011, 0.029, 0.012, 0.005, 0.0013; the largest
    # distance from the formula is 1.6 standard errors.
    wanted = np.where(own > width, below, above)
    assert (np.abs(risks.mean("seed").values - wanted) < 4 * errors).all()
    assert (errors < 0.03 * wanted).all()
