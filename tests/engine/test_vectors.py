"""The loop holds parameters as vectors or as trees: nothing that leaves it shows which."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.engine.plan.plan import make_plan
from memjax.engine.program.vectors import as_held, as_tree, start_shapes, state_as_held, state_as_tree

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=5, num_classes=7), model=mj.models.MLP(hidden=(6,)), train_size=20, steps=12,
    record_every=4, snapshots=(12,), measures=("loss", "layer_l2", "gradient_norm"),
)  # fmt: skip
OURS = mj.optimizers
OPTIMIZERS = {
    "adam": OURS.adam(OURS.cosine(0.05), l2=0.1, clip_norm=0.3),
    "adamw": OURS.adamw(0.02, weight_decay=0.3),
    "sgd": OURS.sgd(0.3, momentum=0.9, nesterov=True),
    "rmsprop": OURS.rmsprop(0.01, momentum=0.5),
    "on a sphere": OURS.norm_constrained(OURS.adam(0.02), norm=2.0),
    "langevin": OURS.langevin(OURS.linear(0.2), temperature=1e-3),
    "sgld": OURS.sgld(1e-2, nbeta=30.0, localization=2.0),
}


def as_users(optimizer):
    """The same rule as a user's own, of which memjax does not know that it treats all parameters alike."""
    rule = functools.wraps(optimizer.factory)(lambda **numbers: optimizer.factory(**numbers))
    rule.__module__ = __name__
    return mj.optimizers.Optimizer(rule, optimizer.hyperparameters)


def program_of(**fields):
    return make_plan(mj.Experiment(**{**vars(SPEC), **fields}), {}, mj.Packing()).blocks[0].program


def two_runs(shapes):
    return jax.tree.map(lambda leaf: np.arange(2 * leaf.size, dtype=leaf.dtype).reshape(2, *leaf.shape), shapes)


@pytest.mark.parametrize(
    "name",
    [
        n if n == "adam" else pytest.param(n, marks=pytest.mark.slow if n == "langevin" else pytest.mark.long)
        for n in OPTIMIZERS
    ],
)
def test_vectors_and_trees_are_trained_alike(name):
    ours, users = (
        mj.sweep(SPEC, {"optimizer": [rule], "seed": [0, 1]}) for rule in (OPTIMIZERS[name], as_users(OPTIMIZERS[name]))
    )
    assert set(ours.data_vars) == set(users.data_vars) and ours.parameters.sizes == users.parameters.sizes
    for variable in ("train_loss", "layer_l2", "gradient_norm", "parameters"):
        # Measured 2e-6.
        np.testing.assert_allclose(
            ours[variable].values, users[variable].values, rtol=2e-5, atol=2e-6, err_msg=variable
        )
    assert np.ptp(ours.train_loss.values, axis=-1).min() > 1e-3


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_comes_back_as_it_went_in(name):
    program = program_of(optimizer=OPTIMIZERS[name])
    state = two_runs(start_shapes(program)[1:])
    params, opt_state = state_as_held(program, state)
    assert params.shape == (2, 6 * 5 + 6 + 7 * 6 + 7)
    # Neither moments nor what the noise pulls back to has an array for every layer.
    assert all(leaf.size <= params.size for leaf in jax.tree.leaves(opt_state)) and len(jax.tree.leaves(opt_state)) <= 4
    back = state_as_tree(program, (params, opt_state))
    assert jax.tree.structure(back) == jax.tree.structure(state)
    jax.tree.map(np.testing.assert_array_equal, back, state)
    assert [leaf.dtype for leaf in jax.tree.leaves(back)] == [leaf.dtype for leaf in jax.tree.leaves(state)]


def mixed(kinds):
    """A linear model with a bias whose kernel and bias have two dtypes."""
    kernel, bias = kinds
    init = lambda key, x: {"bias": jnp.ones(7, bias), "kernel": jnp.ones((5, 7), kernel)}  # noqa: E731
    return init, lambda params, x: jnp.real(x @ params["kernel"] + params["bias"])


@pytest.mark.parametrize(
    ("fields", "vectors"),
    {
        "an optimizer of memjax": (dict(optimizer=OURS.sgd(0.1)), True),
        "half precision": (dict(model=mixed(("bfloat16", "bfloat16"))), True),
        "an optimizer of the user": (dict(optimizer=as_users(OURS.sgd(0.1))), False),
        "two dtypes": (dict(model=mixed(("bfloat16", "float32"))), False),
        "complex numbers": (dict(model=mixed(("complex64", "complex64"))), False),
    }.values(),
    ids=lambda value: None,
)
def test_a_vector_holds_numbers_of_one_dtype_that_are_treated_alike(fields, vectors):
    program = program_of(**fields)
    tree = two_runs(start_shapes(program)[1])
    held = as_held(program, tree)
    assert (len(jax.tree.leaves(held)) == 1) == vectors
    jax.tree.map(np.testing.assert_array_equal, as_tree(program, held), tree)


def test_no_measure_sees_the_parameters_of_a_run_after_it_diverged():
    """w goes 1, -9, which has no logarithm: the second step of five between two records gives NaN."""
    seen = []

    def w(params, apply, examples):
        jax.debug.callback(lambda value: seen.append(float(value)), params["w"])
        return params["w"]

    run = mj.sweep(mj.Experiment(
        task=mj.tasks.from_arrays(np.zeros((8, 1), np.float32), np.zeros((8, 1), np.float32)),
        model=(lambda key, x: {"w": jnp.ones(())}, lambda params, x: jnp.broadcast_to(params["w"], (x.shape[0], 1))),
        loss=lambda outputs, targets: jnp.log(outputs[:, 0]), optimizer=OURS.sgd(10.0), measures=("loss", w), steps=15,
        record_every=5, train_size=1, test_size=1,
    ))  # fmt: skip
    assert (run.status.item(), run.stop_step.item()) == ("diverged", 1)
    assert np.isfinite(run.w.values).tolist() == [True, False, False, False]
    assert len(seen) >= 4 and set(seen) == {1.0}
