"""Rules that look at the objective and not at its gradient alone, against plain loops over optax and formulas."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax.engine.plan.plan import make_plan
from memjax.engine.program.told import taken_by
from memjax.optimizers import adam, from_optax, langevin, lbfgs, norm_constrained, sam, sgd

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype(np.float32)
Y = (X @ np.ones((4, 2)) + RNG.normal(size=(40, 2))).astype(np.float32)
SPEC = mj.Experiment(
    task=mj.tasks.from_arrays(X, Y),
    model=mj.models.MLP(hidden=(5,), activation="tanh"),
    loss="mse",
    loss_scale=0.5,
    steps=6,
    record_every=3,
    train_size=20,
    test_size=0,
    snapshots=(0, 6),
    measures=("loss",),
)
PACKING = {schedule: mj.Packing(schedule=schedule, width=8, runs=3, lanes=1) for schedule in ("streamed", "batched")}
SLOW = pytest.mark.slow
SCHEDULES = ["streamed", pytest.param("batched", marks=SLOW)]
OVER = {"seed": [0, 1]}


def plateau(learning_rate):
    fall = optax.contrib.reduce_on_plateau(factor=0.5, patience=1, atol=0.5)
    return optax.chain(optax.adam(learning_rate), fall)


def opaque(learning_rate, rho):
    away = optax.chain(optax.contrib.normalize(), optax.sgd(rho))
    return optax.contrib.sam(optax.sgd(learning_rate), away, opaque_mode=True)


def backtracking(learning_rate):
    search = optax.scale_by_backtracking_linesearch(15, store_grad=True)
    return optax.chain(optax.sgd(learning_rate), search)


def scale(params, apply, examples, *, opt_state):
    return opt_state[1].scale


def by_hand(snapshot, rule, steps=6, names=("value", "grad", "value_fn")):
    """Parameters and states of a plain loop over optax, from the first snapshot of a run."""
    x, y = snapshot.train
    value_fn = lambda params: 0.5 * ((snapshot.model.apply(params, x) - y) ** 2).mean()  # noqa: E731

    @jax.jit
    def step(params, state):
        value, grad = jax.value_and_grad(value_fn)(params)
        all_of_it = {"value": value, "grad": grad, "value_fn": value_fn, "grad_fn": lambda w, _: jax.grad(value_fn)(w)}
        updates, state = rule.update(grad, state, params, **{name: all_of_it[name] for name in names})
        return optax.apply_updates(params, updates), state

    found = [(snapshot.params, rule.init(snapshot.params))]
    for _ in range(steps):
        found.append(step(*found[-1]))
    return found


def assert_close(found, wanted, rtol):
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


def first_and_last(ds, seed=1):
    return list(mj.snapshots(ds.sel(seed=[seed])))


# Largest differences after six steps: 4e-7 of the value.
RULES = {
    "lbfgs": (lbfgs(memory_size=3), optax.lbfgs(memory_size=3), ("value", "grad", "value_fn")),
    "lbfgs of optax": (from_optax(optax.lbfgs), optax.lbfgs(), ("value", "grad", "value_fn")),
    "backtracking": (from_optax(backtracking, learning_rate=1.0), backtracking(1.0), ("value", "grad", "value_fn")),
    "sam": (sam(sgd(0.3), rho=0.2), opaque(0.3, 0.2), ("grad_fn",)),
    "sam of optax": (from_optax(opaque, learning_rate=0.3, rho=0.2), opaque(0.3, 0.2), ("grad_fn",)),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", [n if n == "lbfgs" else pytest.param(n, marks=SLOW) for n in RULES])
def test_a_rule_is_told_what_a_plain_loop_tells_it(name, schedule):
    ours, rule, names = RULES[name]
    ds = mj.sweep(dataclasses.replace(SPEC, optimizer=ours), OVER, packing=PACKING[schedule], progress=False)
    first, last = first_and_last(ds)
    assert_close(last.params, by_hand(first, rule, names=names)[-1][0], 2e-5)
    # In the same packed shape the run has the same bits alone, however long the searches of its neighbours are.
    alone = mj.sweep(
        dataclasses.replace(SPEC, optimizer=ours), {"seed": [1]}, packing=PACKING[schedule], progress=False
    )
    np.testing.assert_array_equal(alone.parameters.sel(seed=1), ds.parameters.sel(seed=1))


@pytest.mark.slow
def test_lbfgs_finds_the_least_squares_of_a_linear_model():
    spec = dataclasses.replace(SPEC, model=mj.models.MLP(hidden=()), optimizer=lbfgs(), steps=15, snapshots=(15,))
    (last,) = first_and_last(mj.sweep(spec, {"seed": [1]}, progress=False))
    inputs = np.c_[last.train.x, np.ones(20)]
    wanted = np.linalg.lstsq(inputs, last.train.y, rcond=None)[0]
    # Measured 2e-7; after 15 steps of gradient descent at its best rate 1e-2.
    np.testing.assert_allclose(last.params["layer_0"]["kernel"], wanted[:4], atol=2e-5)


@pytest.mark.slow
def test_the_rate_falls_at_a_plateau_of_the_objective():
    optimizer = from_optax(plateau, learning_rate=0.05)
    spec = dataclasses.replace(SPEC, optimizer=optimizer, measures=("loss", scale), record_every=1)
    ds = mj.sweep(spec, OVER, progress=False)
    first, last = first_and_last(ds)
    found = by_hand(first, plateau(0.05), names=("value",))
    scales = [float(state[1].scale) for _, state in found]
    assert len({*scales}) > 2
    np.testing.assert_array_equal(ds["scale"].sel(seed=1), scales)
    assert_close(last.params, found[-1][0], 2e-5)


def test_sam_steps_along_the_gradient_at_the_worst_point():
    ds = mj.sweep(dataclasses.replace(SPEC, optimizer=sam(sgd(0.3), rho=0.2), steps=3, snapshots=(0, 3)), OVER)
    first, last = first_and_last(ds)
    (x, y), w = first.train, first.params
    slope = jax.jit(jax.grad(lambda p: 0.5 * ((first.model.apply(p, x) - y) ** 2).mean()))
    for _ in range(3):
        g = slope(w)
        length = sum((leaf**2).sum() for leaf in jax.tree.leaves(g)) ** 0.5
        g = slope(jax.tree.map(lambda w, g, length=length: w + 0.2 * g / length, w, g))
        w = jax.tree.map(lambda w, g: w - 0.3 * g, w, g)
    assert_close(last.params, w, 2e-6)  # Measured 1e-7.


@pytest.mark.slow
def test_the_second_gradient_has_the_minibatch_and_the_dropout_of_the_step():
    """At a distance of zero, the gradient nearby is the gradient itself: only if rows and random numbers are the same."""
    spec = dataclasses.replace(SPEC, model=mj.models.MLP(hidden=(5,), dropout=0.4), batch_size=7)
    ds = mj.sweep(spec, {"optimizer": {"sgd": sgd(0.3), "sam": sam(sgd(0.3), rho=0.0)}, "seed": [0, 1]}, progress=False)
    ours, plain = (ds.parameters.sel(optimizer=name).values for name in ("sam", "sgd"))
    np.testing.assert_allclose(ours, plain, rtol=1e-6, atol=1e-7)  # Measured: the same bits.


@SLOW
def test_a_padded_network_takes_the_steps_of_its_own():
    spec, over = dataclasses.replace(SPEC, optimizer=lbfgs(), steps=4, record_every=2, snapshots=(4,)), OVER
    assert mj.explain(spec, over={"hidden": [(3,), (5,)], **over}).programs == 1
    padded = mj.sweep(spec, {"hidden": [(3,), (5,)], **over}, progress=False).sel(hidden="3")
    alone = mj.sweep(dataclasses.replace(spec, model=mj.models.MLP(hidden=(3,), activation="tanh")), over)
    # Measured 1e-6.
    np.testing.assert_allclose(padded.train_loss, alone.train_loss, rtol=2e-5)


def memory(params, apply, examples, *, opt_state):
    return jnp.stack([leaf.sum() for leaf in jax.tree.leaves(opt_state[0].diff_params_memory)])


@SLOW
def test_the_memory_of_lbfgs_is_a_tree_with_the_leaves_in_their_places():
    seen = mj.Measure(memory, "memory", dims=("leaf",))
    ds = mj.sweep(dataclasses.replace(SPEC, optimizer=lbfgs(memory_size=3), measures=("loss", seen)), OVER)
    first, _ = first_and_last(ds)
    state = by_hand(first, optax.lbfgs(memory_size=3))[3][1]
    wanted = [leaf.sum() for leaf in jax.tree.leaves(state[0].diff_params_memory)]
    np.testing.assert_allclose(ds.memory.sel(seed=1, step=3), wanted, rtol=2e-5, atol=2e-6)


def taken(optimizer):
    return taken_by(make_plan(dataclasses.replace(SPEC, optimizer=optimizer), {}, mj.Packing()).blocks[0].program)


def test_a_rule_that_looks_at_the_gradient_alone_changes_no_program():
    for optimizer in (adam(), from_optax(optax.adam, learning_rate=0.1), from_optax(plateau, learning_rate=0.1)):
        assert not taken(optimizer).calls
        assert taken(optimizer).reads_value == (optimizer.name == "plateau")


def needs_more(learning_rate):
    def update(gradient, state, params=None, *, hessian):
        return gradient, state

    return optax.GradientTransformationExtraArgs(lambda params: (), update)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: lbfgs(memory_size=0), r"lbfgs.memory_size is 0: give a whole number of at least 1\."),
        (lambda: sam(sgd(), rho=-1.0), r"sam.rho is -1.0: give a finite number of at least 0\."),
        (lambda: sam(lbfgs()), r"sam got lbfgs\(.*\), which looks at the objective itself: give a rule"),
        (lambda: sam(sam(sgd())), "has a hyperparameter 'rho' of its own"),
        (lambda: sam(langevin()), "give an optimizer with steps and without noise"),
        (lambda: norm_constrained(lbfgs()), "looks at the objective without the constraint"),
        (
            lambda: mj.explain(dataclasses.replace(SPEC, optimizer=from_optax(needs_more, learning_rate=0.1))),
            "The optimizer 'needs_more' cannot update the model's parameters: .*hessian",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        make()


@pytest.mark.parametrize("optimizer", [lbfgs(memory_size=4), sam(adam(0.02), rho=0.1)], ids=lambda one: one.name)
def test_specs_and_swept_numbers(optimizer):
    spec = dataclasses.replace(SPEC, optimizer=optimizer, task=mj.tasks.RandomLabels(), loss="cross_entropy")
    assert mj.Experiment.from_json(spec.to_json()) == spec
    if optimizer.name == "sam":
        assert mj.explain(spec, over={"rho": [0.0, 0.1], "learning_rate": [0.1, 0.2]}).programs == 1
