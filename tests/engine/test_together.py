"""Fresh examples, rules that look at the objective, averages and best networks work together."""

import dataclasses

import numpy as np
import pytest

import memjax as mj
from memjax.measures import Measure, by_example
from memjax.optimizers import averaged, sam, sgd

TEACHER = mj.tasks.TeacherStudent(input_dim=3, output_dim=1, hidden=(4,), teacher_seed=7)
FRESH = mj.Experiment(
    task=TEACHER,
    model=mj.models.MLP(hidden=(5,)),
    loss="mse",
    train_size="fresh",
    batch_size=8,
    test_size=20,
    steps=12,
    record_every=3,
    measures=(mj.measures.loss.on("test"), "weight_l2"),
)
# One packed shape for runs alone and in company.
PACKING = mj.Packing(width=20, runs=4, lanes=1, memory=10**9)


def test_the_best_network_of_fresh_examples_is_the_average_at_the_best_record():
    rule = averaged(sgd(0.3), 0.7)
    spec = dataclasses.replace(FRESH, optimizer=rule)
    kept = dataclasses.replace(spec, keep_best=mj.stopping.Lowest("loss"))
    ds = mj.sweep(kept, {"seed": [0, 1, 2]}, packing=PACKING)
    every = mj.sweep(dataclasses.replace(spec, snapshots=tuple(range(0, 13, 3))), {"seed": [0, 1, 2]}, packing=PACKING)
    best = every.loss.argmin("step")
    assert (ds.best_step == best * 3).all()
    assert np.array_equal(ds.best_parameters, every.parameters.isel(snapshot=best))
    alone = mj.sweep(dataclasses.replace(kept, seed=1), packing=PACKING)
    assert np.array_equal(alone.best_parameters, ds.best_parameters.sel(seed=1))


def test_the_second_gradient_of_a_rule_is_of_the_fresh_examples_of_the_step():
    still = mj.sweep(dataclasses.replace(FRESH, optimizer=sgd(0.2)), {"seed": [0, 1]})
    spec = dataclasses.replace(FRESH, optimizer=sam(sgd(0.2), rho=0.0))
    found = mj.sweep(spec, {"rho": [0.0, 0.3], "seed": [0, 1]})
    # Without a distance the second gradient is the first, and with one it is another. Measured 6e-8.
    assert found.loss.sel(rho=0.0).values == pytest.approx(still.loss.values, rel=1e-6)
    assert abs(found.loss.sel(rho=0.3) - still.loss).max() > 1e-4
    alone = mj.sweep(dataclasses.replace(spec, seed=1, optimizer=sam(sgd(0.2), rho=0.3)))
    assert np.array_equal(alone.loss, found.loss.sel(rho=0.3, seed=1))


def test_a_best_network_needs_a_variable_that_a_fresh_run_has():
    spec = dataclasses.replace(FRESH, measures=("loss",), keep_best=mj.stopping.Lowest("train_loss"))
    with pytest.raises(
        mj.InputError, match="keep_best watches 'train_loss', which is NaN in a run with train_size = 'fresh'"
    ):
        mj.explain(spec)


def test_a_presentation_offers_a_measure_nothing_but_the_loss():
    def moved(params, apply, tile, *, loss, initial):
        return loss(apply(initial, tile.x), tile.y)

    part = by_example(Measure(moved, "moved", per_example=True), over="mean", at="presentations")
    spec = mj.Experiment(task=TEACHER, loss="mse", train_size=20, steps=2, record_every=1, examples=(part,))
    with pytest.raises(mj.InputError, match="at presentations, whose measure asks for initial: a training step offers"):
        mj.explain(spec)
