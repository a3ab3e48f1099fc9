"""Attributions by gradients: of linear models in closed form, against retraining, and against loops of single gradients."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax import losses
from memjax.measures import gradient_dot, influence_functions, trak

RNG = np.random.default_rng(4)
N, M, STRENGTH = 40, 6, 0.05
X, W = RNG.normal(size=(N + M, 3)), RNG.normal(size=3)
Y = X @ W + 0.3 * RNG.normal(size=N + M)
LINEAR = mj.tasks.from_arrays(X[:N], Y[:N, None], x_test=X[N:], y_test=Y[N:, None])
LABELS = mj.tasks.from_arrays(X[:N], (Y[:N] > 0).astype(int), x_test=X[N:], y_test=(Y[N:] > 0).astype(int))
# At the minimum of mean loss + STRENGTH |params|^2, whose Hessian has 2 STRENGTH more on its diagonal.
SPEC = mj.Experiment(
    task=LINEAR,
    model=mj.models.MLP(hidden=(), bias=False),
    loss="mse",
    optimizer=mj.optimizers.lbfgs(),
    penalty=mj.penalties.L2(STRENGTH),
    train_size="all",
    steps=20,
    record_every=20,
    snapshots=(20,),
)
DAMPING = 2 * STRENGTH


@pytest.fixture(scope="module")
def linear():
    return mj.sweep(SPEC)


@pytest.fixture(scope="module")
def logistic():
    return mj.sweep(dataclasses.replace(SPEC, task=LABELS, loss="cross_entropy"))


def placed(found, name):
    """Values by place in the arrays: rows are labelled by their numbers, and test examples by those behind the train rows."""
    values = found[name].isel(snapshot=0)
    return values.sel(example=np.arange(N), test_example=N + np.arange(M)).values


def test_of_a_ridge_regression_they_are_those_of_its_closed_form(linear):
    params = np.asarray(next(mj.snapshots(linear)).params["layer_0"]["kernel"], float)[:, 0]
    hessian = 2 * X[:N].T @ X[:N] / N + DAMPING * np.eye(3)
    best = np.linalg.solve(X[:N].T @ X[:N] / N + STRENGTH * np.eye(3), X[:N].T @ Y[:N] / N)
    assert np.allclose(params, best, atol=1e-5)
    slopes = 2 * (X @ best - Y)[:, None] * X
    exact = slopes[:N] @ np.linalg.solve(hessian, slopes[N:].T) / N
    found = mj.measure(linear, [influence_functions(DAMPING), gradient_dot()])
    # Measured 6e-8 of values up to .07, and 3e-6 of products.
    assert np.allclose(placed(found, "influence_function"), exact, atol=1e-5)
    assert np.allclose(placed(found, "gradient_dot"), slopes[:N] @ slopes[N:].T, atol=1e-4)
    sizes = np.outer(*(np.linalg.norm(part, axis=1) for part in (slopes[:N], slopes[N:])))
    cosine = mj.measure(linear, [gradient_dot(normalized=True)])
    assert np.allclose(placed(cosine, "gradient_dot"), slopes[:N] @ slopes[N:].T / sizes, atol=1e-5)
    # Three steps of conjugate gradients are exact for three parameters.
    steps = mj.measure(linear, [influence_functions(DAMPING, solver="cg", steps=3)])
    assert np.allclose(placed(steps, "influence_function"), exact, atol=1e-5)


@jax.jit
def newton(weights):
    """Parameters of a logistic regression with a weight for every row, by Newton's method; the mean keeps its divisor N."""
    x, y = jnp.asarray(X[:N]), jnp.asarray(LABELS.y[:N])

    def objective(w):
        return (weights * losses.cross_entropy(x @ w.reshape(3, 2), y)).sum() / N + STRENGTH * (w**2).sum()

    step = lambda w, _: (w - jnp.linalg.solve(jax.hessian(objective)(w), jax.grad(objective)(w)), None)  # noqa: E731
    return jax.lax.scan(step, jnp.zeros(6), None, length=12)[0].reshape(3, 2)


def left_out():
    """Parameters on all rows, and without each row."""
    with jax.enable_x64(True):
        return np.asarray(newton(np.ones(N))), np.stack([newton(np.arange(N) != row) for row in range(N)])


def log_odds(w):
    outputs = X[N:] @ w
    label = LABELS.y[N:]
    return np.where(label == 1, 1, -1) * (outputs[:, 1] - outputs[:, 0])


def test_of_a_logistic_regression_they_predict_what_leaving_out_a_row_does(logistic):
    found = placed(mj.measure(logistic, [influence_functions(DAMPING)]), "influence_function")
    whole, without = left_out()
    moved = np.stack([log_odds(whole) - log_odds(w) for w in without])
    # The first order in 1 / N: rows of high leverage move more than that. Measured .998 and .90.
    assert np.corrcoef(found.ravel(), moved.ravel())[0, 1] > 0.99
    assert 0.85 < np.polyfit(moved.ravel(), found.ravel(), 1)[0] < 1


def test_of_a_network_they_are_products_of_single_gradients():
    spec = dataclasses.replace(
        SPEC, task=LABELS, loss="cross_entropy", model=mj.models.MLP(hidden=(3,)), optimizer=mj.optimizers.adam(0.02),
        penalty=None, subset=mj.subsets.RandomShare(0.5),
    )  # fmt: skip
    ds = mj.sweep(spec, {"seed": [0, 1]})
    found = mj.measure(ds, [gradient_dot(of="train"), trak(size=10_000)])
    for seed in (0, 1):
        snapshot = next(mj.snapshots(ds.sel(seed=[seed])))
        # Rows are those that the sweep says the run trained on.
        assert set(snapshot.train_rows) == set(np.flatnonzero(ds.train_count.sel(seed=seed)))

        def flat(function, row, snapshot=snapshot):
            tree = jax.grad(lambda p: function(snapshot.model.apply(p, snapshot.train.x[row : row + 1]))[0])(
                snapshot.params
            )
            return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])

        y = snapshot.train.y
        loss = lambda outputs, r, y=y: losses.cross_entropy(outputs, y[r : r + 1])  # noqa: E731
        odds = lambda outputs, r, y=y: (2 * y[r] - 1) * (outputs[:, 1] - outputs[:, 0])  # noqa: E731
        pull, odds = (np.stack([flat(partial(f, r=r), r) for r in range(20)]) for f in (loss, odds))
        own = found.sel(seed=seed, example=snapshot.train_rows).isel(snapshot=0)
        dot = own.gradient_dot.sel(other=snapshot.train_rows)
        assert np.allclose(dot, -pull @ odds.T, atol=1e-4)
        # A loss is -log p: its gradient is minus (1 - p) times that of the log-odds.
        assert np.allclose(pull, -own.trak_weight.values[:, None] * odds, atol=1e-5)


def test_trak_without_a_projection_is_a_regression_on_the_gradients(logistic):
    found = mj.measure(logistic, [trak()])
    snapshot = next(mj.snapshots(logistic))
    # Of a linear model with two classes, the gradient of the log-odds is plus or minus the input, once for each class.
    signs = np.where(LABELS.y == 1, 1, -1)[:, None] * np.concatenate([-X, X], axis=1)
    kernel = signs[:N] @ np.linalg.pinv(signs[:N].T @ signs[:N]) @ signs[N:].T
    assert np.allclose(placed(found, "trak_kernel"), kernel, atol=1e-4)
    chance = 1 / (1 + np.exp((np.where(LABELS.y == 1, 1, -1) * (np.asarray(snapshot.outputs(X)) @ [-1, 1]))[:N]))
    assert np.allclose(found.trak_weight[0].sel(example=np.arange(N)), chance, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda ds: influence_functions(-1.0), r"damping is -1.0"),
        (lambda ds: influence_functions(solver="lissa"), "solver is 'lissa': use explicit or cg"),
        (lambda ds: gradient_dot(of="validation"), "of is 'validation': use test or train"),
        (lambda ds: gradient_dot(normalized=2), "normalized is 2: give True or False"),
        (lambda ds: trak(0), "size is 0"),
        (lambda ds: mj.measure(ds, [trak()]), "trak needs class labels"),
    ],
)
def test_what_cannot_be_is_said(linear, call, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        call(linear)
