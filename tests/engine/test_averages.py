"""Optimizers whose recorded network is an average: everything that leaves the loop is of the average, and training is not."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax.engine.plan import packing
from memjax.optimizers import adam, averaged, from_optax, langevin, lbfgs, norm_constrained, sam, schedule_free, sgd
from memjax.store import writer

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=4, num_classes=3),
    model=mj.models.MLP(hidden=(6,)),
    optimizer=adam(0.05),
    steps=6,
    record_every=2,
    train_size=10,
    snapshots=(0, 1, 2, 3, 4, 5, 6),
    measures=("loss", "weight_l2", "distance_from_init"),
    examples=("loss", mj.measures.by_example("loss", over="mean", on="test")),
)
OVER = {"seed": [0, 1]}
PACKING = {schedule: mj.Packing(schedule=schedule, width=4, runs=3, lanes=1) for schedule in ("streamed", "batched")}
SLOW = pytest.mark.slow
SCHEDULES = ["streamed", pytest.param("batched", marks=SLOW)]


def flat(dataset, seed=1):
    return dataset.parameters.sel(seed=seed).values.astype(float)


def moving(iterates, decay, debias):
    """Exponential moving average after every step, in float64."""
    average, weight, found = (np.zeros_like(iterates[0]), 0.0, []) if debias else (iterates[0], 1.0, [])
    for iterate in iterates[1:]:
        average, weight = decay * average + (1 - decay) * iterate, decay * weight + 1 - decay
        found.append(average / weight)
    return np.array([iterates[0], *found])


@pytest.fixture(scope="module")
def plain():
    """Iterates of Adam, which averages do not change."""
    return mj.sweep(SPEC, OVER, packing=PACKING["streamed"], progress=False)


def check_measured(ds):
    """Every record, value of an example and snapshot is of one and the same network."""
    for snapshot in list(mj.snapshots(ds.sel(seed=[1])))[::2]:
        outputs = snapshot.model.apply(snapshot.params, snapshot.train.x)
        losses = optax.softmax_cross_entropy_with_integer_labels(outputs, snapshot.train.y)
        record = ds.sel(seed=1, step=snapshot.step)
        np.testing.assert_allclose(record.train_loss, losses.mean(), rtol=2e-6)
        norm = sum((leaf**2).sum() for leaf in jax.tree.leaves(snapshot.params)) ** 0.5
        np.testing.assert_allclose(record.weight_l2, norm, rtol=2e-6)
    np.testing.assert_allclose(ds.example_loss.sel(seed=1), losses[None], rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(
        ds.test_example_mean_loss.mean("test_example")[1, 0], ds.test_loss[1, 1:].mean(), rtol=2e-5
    )


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("debias", [False, pytest.param(True, marks=SLOW)])
def test_the_recorded_network_is_the_moving_average_of_the_iterates(plain, schedule, debias):
    spec = dataclasses.replace(SPEC, optimizer=averaged(adam(0.05), 0.6, debias=debias))
    over = {"average_decay": [0.0, 0.6], **OVER}
    assert mj.explain(spec, over=over).programs == 1
    ds = mj.sweep(spec, over, packing=PACKING[schedule], progress=False)
    # Measured 9e-8.
    np.testing.assert_allclose(flat(ds.sel(average_decay=0.0)), flat(plain), rtol=1e-5, atol=2e-6)
    mean = ds.sel(average_decay=0.6)
    np.testing.assert_allclose(flat(mean), moving(flat(plain), 0.6, debias), rtol=1e-5, atol=2e-6)
    check_measured(mean)
    np.testing.assert_allclose(
        mean.distance_from_init.sel(seed=1), np.linalg.norm(flat(mean) - flat(mean)[0], axis=1)[::2], atol=2e-6
    )


FREE = {
    "ours": schedule_free(sgd(0.3), interpolation=0.8),
    "optax's": from_optax(
        lambda learning_rate, b1: optax.contrib.schedule_free(optax.sgd(learning_rate), learning_rate, b1),
        evaluate=optax.contrib.schedule_free_eval_params,
        learning_rate=0.3,
        b1=0.8,
    ),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@SLOW
@pytest.mark.parametrize("name", FREE)
def test_schedule_free_training_is_that_of_a_plain_loop(name, schedule):
    spec = dataclasses.replace(SPEC, optimizer=FREE[name], snapshots=(0, 2, 4, 6))
    ds = mj.sweep(spec, OVER, packing=PACKING[schedule], progress=False)
    first, *_, last = mj.snapshots(ds.sel(seed=[1]))
    rule, (x, y) = optax.contrib.schedule_free(optax.sgd(0.3), 0.3, 0.8), first.train
    loss = lambda p: optax.softmax_cross_entropy_with_integer_labels(first.model.apply(p, x), y).mean()  # noqa: E731
    slope, params, state = jax.jit(jax.grad(loss)), first.params, rule.init(first.params)
    for _ in range(6):
        updates, state = rule.update(slope(params), state, params)
        params = optax.apply_updates(params, updates)
    wanted = optax.contrib.schedule_free_eval_params(state, params)
    for one, other in zip(jax.tree.leaves(last.params), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)  # Measured 2e-7.
    assert np.abs(last.params["layer_0"]["kernel"] - params["layer_0"]["kernel"]).max() > 1e-3
    alone = mj.sweep(spec, {"seed": [1]}, packing=PACKING[schedule], progress=False)
    np.testing.assert_array_equal(flat(alone), flat(ds))


class Stop(Exception):
    """Ends a sweep in the middle."""


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_from_the_iterate_and_not_from_the_average(tmp_path, monkeypatch):
    spec = dataclasses.replace(SPEC, optimizer=averaged(adam(0.05), 0.6), snapshots=(4,), examples=())
    monkeypatch.setattr(packing, "segment_records", lambda program, shape, snapshots: 1)
    whole, keep, kept = mj.sweep(spec, progress=False), writer.StoreKeeper.keep, []

    def dying(self, block, result):
        if kept:
            raise Stop
        kept.append(keep(self, block, result))

    monkeypatch.setattr(writer, "_SECONDS", 0.0)
    monkeypatch.setattr(writer, "_SHARE", float("inf"))
    with monkeypatch.context() as context, pytest.raises(Stop):
        context.setattr(writer.StoreKeeper, "keep", dying)
        mj.sweep(spec, store=tmp_path / "store", progress=False)
    resumed = mj.sweep(spec, store=tmp_path / "store", progress=False)
    for name in whole.data_vars:
        np.testing.assert_array_equal(resumed[name], whole[name], err_msg=name)


@SLOW
def test_a_condition_watches_the_average_and_a_stopped_run_keeps_it():
    spec = dataclasses.replace(SPEC, optimizer=averaged(adam(0.05), 0.6), record_every=1)
    until = dataclasses.replace(spec, stop_when=mj.stopping.AtMost("train_loss", 1.0), steps=20, snapshots=(20,))
    ds = mj.sweep(until, OVER, progress=False)
    for run in (0, 1):
        own, step = ds.isel(seed=run), int(ds.stop_step[run])
        assert own.train_loss[step] <= 1.0 < own.train_loss[step - 1] and step < 20
        np.testing.assert_array_equal(own.train_loss[step:], own.train_loss[step])
    norms = np.linalg.norm(ds.parameters.values[:, 0].astype(float), axis=1)
    np.testing.assert_allclose(norms, ds.weight_l2[:, -1], rtol=2e-6)


@SLOW
def test_a_padded_network_has_the_average_of_its_own():
    spec, over = dataclasses.replace(SPEC, optimizer=averaged(adam(0.05), 0.6), examples=()), {"hidden": [(6,), (9,)]}
    assert mj.explain(spec, over={**over, **OVER}).programs == 1
    padded = mj.sweep(spec, {**over, **OVER}, progress=False).sel(hidden="6")
    np.testing.assert_allclose(padded.train_loss, mj.sweep(spec, OVER, progress=False).train_loss, rtol=2e-6)


def wrong(state, params):
    return {"layer_0": params["layer_0"]}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: averaged(adam(), 1.0),
            r"averaged.average_decay is 1.0: give a finite number of at least 0 and less than 1",
        ),
        (lambda: averaged(langevin()), "averaged got langevin"),
        (lambda: averaged(averaged(adam())), "whose recorded network is an average already"),
        (lambda: sam(averaged(sgd())), "whose recorded network is an average already"),
        (
            lambda: norm_constrained(averaged(sgd())),
            r"constrain the optimizer inside, as in averaged\(norm_constrained",
        ),
        (lambda: schedule_free(lbfgs()), r"schedule_free got lbfgs\(.*\), which has no learning_rate"),
        (lambda: schedule_free(sgd(), interpolation=0.0), "interpolation is 0.0: give a number of more than 0"),
        (lambda: from_optax(optax.sgd, learning_rate=0.1, evaluate=3), "sgd.evaluate is 3: give a function"),
        (
            lambda: mj.explain(
                dataclasses.replace(SPEC, optimizer=from_optax(optax.sgd, learning_rate=0.1, evaluate=wrong))
            ),
            "sgd.evaluate gives arrays of the shapes",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        make()


def test_specs_keep_averages():
    for optimizer in (
        averaged(adam(0.1), 0.5, debias=True),
        schedule_free(sgd(0.1)),
        averaged(norm_constrained(sgd())),
    ):
        spec = mj.Experiment(optimizer=optimizer)
        assert optimizer.built_in and mj.Experiment.from_json(spec.to_json()) == spec
    spec = mj.Experiment(optimizer=from_optax(optax.sgd, learning_rate=0.1, evaluate=wrong))
    assert mj.Experiment.from_json(spec.to_json(), using=(optax.sgd, wrong)) == spec
    assert "evaluate" not in mj.Experiment(optimizer=from_optax(optax.sgd, learning_rate=0.1)).to_json()


def rate(params, apply, examples, *, learning_rate):
    return learning_rate


@SLOW
def test_snapshots_of_averages_are_measured_as_they_are():
    spec = dataclasses.replace(
        SPEC, optimizer=averaged(adam(mj.schedules.linear(0.05)), 0.6), measures=("weight_l2", rate)
    )
    ds = mj.sweep(dataclasses.replace(spec, snapshots=(0, 2, 4, 6)), OVER, progress=False)
    measured = mj.measure(ds, ["weight_l2", rate])
    np.testing.assert_allclose(measured.weight_l2, ds.weight_l2.values, rtol=1e-6)
    np.testing.assert_allclose(measured.rate, np.broadcast_to(0.05 * (1 - np.arange(0, 7, 2) / 6), (2, 4)), rtol=1e-6)
    assert jnp.isfinite(ds.weight_l2.values).all()
