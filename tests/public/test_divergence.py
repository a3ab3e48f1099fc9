"""Runs that diverge, from closed forms: one parameter w that starts at 1, and a loss whose gradient is known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj

ONE = (lambda key, x: {"w": jnp.ones(())}, lambda params, x: jnp.broadcast_to(params["w"], (x.shape[0], 1)))
PAIR = (lambda key, x: {"w": jnp.ones(2)}, lambda params, x: jnp.broadcast_to(params["w"], (x.shape[0], 2)))
TASK = mj.tasks.from_arrays(np.zeros((8, 1), np.float32), np.zeros((8, 1), np.float32))


def square(outputs, targets):
    return outputs[:, 0] ** 2


def logarithm(outputs, targets):
    return jnp.log(outputs[:, 0])


def itself(outputs, targets):
    return outputs[:, 0]


CASES = {
    # w goes 1, -2e10, 4e20, whose square is beyond float32.
    "the loss was infinite": (square, 1e10, 2),
    # w goes 1, -9, which has no logarithm.
    "the loss was NaN": (logarithm, 10.0, 1),
    # w goes 1, -3e38, and from there beyond float32, while the loss, -3e38, is still finite.
    "a parameter was not finite": (itself, 3e38, 1),
}


def spec(loss, rate, **fields):
    return mj.Experiment(
        task=TASK, model=ONE, optimizer=mj.optimizers.sgd(rate), loss=loss, measures=("loss",), steps=6, record_every=1,
        train_size=1, test_size=1, **fields
    )  # fmt: skip


@pytest.mark.parametrize("reason", CASES)
def test_the_step_and_the_reason_are_those_of_the_closed_form(reason):
    loss, rate, steps = CASES[reason]
    run = mj.sweep(spec(loss, rate))
    assert (run.status.item(), run.stop_step.item(), run.stop_reason.item()) == ("diverged", steps, reason)
    # The loss that is not finite stops a run at the next step, so its own record is the first that is NaN.
    finite = steps if "loss" in reason else steps + 1
    assert np.isfinite(run.train_loss.values).tolist() == [step < finite for step in range(7)]


@pytest.mark.parametrize("reason", CASES)
def test_between_two_records_the_first_reason_stands(reason):
    loss, rate, steps = CASES[reason]
    run = mj.sweep(dataclasses.replace(spec(loss, rate), record_every=6))
    assert (run.status.item(), run.stop_step.item(), run.stop_reason.item()) == ("diverged", steps, reason)
    assert np.isfinite(run.train_loss.values).tolist() == [True, False]


@pytest.mark.parametrize("reason", ["the loss was infinite", "the loss was NaN"])
def test_the_record_of_the_last_state_tells_the_reason_that_no_step_saw(reason):
    loss, rate, steps = CASES[reason]
    run = mj.sweep(dataclasses.replace(spec(loss, rate), steps=steps))
    assert (run.status.item(), run.stop_step.item(), run.stop_reason.item()) == ("diverged", steps, reason)


@pytest.mark.slow
def test_the_first_reason_stands():
    """Of two examples one has a loss that is NaN and the other one that is infinite: the first in the order decides."""
    task = mj.tasks.from_arrays(np.zeros((8, 1), np.float32), np.arange(8) % 2)

    def either(outputs, targets):
        return jnp.where(targets == 0, jnp.nan, jnp.inf) * outputs[:, 0]

    base = dataclasses.replace(spec(either, 0.1), task=task, train_size=4, batch_size=1, model=PAIR)
    long, short = (
        mj.sweep(dataclasses.replace(base, steps=steps), {"seed": range(8)}).stop_reason.values for steps in (6, 1)
    )
    assert long.tolist() == short.tolist() and set(long) == {"the loss was NaN", "the loss was infinite"}


@pytest.mark.slow
def test_all_reasons_are_counted_in_one_line_and_a_finished_run_has_none(caplog):
    losses = [loss for loss, _, _ in CASES.values()]
    cube = mj.sweep(spec(square, 0.1), over={"loss": losses, "learning_rate": [0.1, 10.0, 1e10, 3e38]})
    lines = [record.getMessage() for record in caplog.records if "diverged" in record.getMessage()]
    counts = {reason: int((cube.stop_reason == reason).sum()) for reason in ("", *CASES)}
    assert len(lines) == 1 and lines[0].startswith(f"{12 - counts['']} of 12 runs diverged (")
    assert all(f"{reason} in {counts[reason]}" in lines[0] for reason in CASES)
    assert ((cube.stop_reason == "") == (cube.status == "finished")).all()
    # w = 1 - 0.2 t for the loss that is w itself: nothing of what its neighbours do reaches it.
    np.testing.assert_allclose(
        cube.train_loss.sel(loss="itself", learning_rate=0.1), 1 - 0.1 * np.arange(7), rtol=0, atol=4e-7
    )


def test_a_run_diverges_in_float64_too():
    with jax.enable_x64(True):
        run = mj.sweep(spec(square, 1e10))
    # Squares of 2e10 to the power of t stay below 1.8e308 up to t = 14.
    assert run.status.item() == "finished" and run.stop_reason.item() == ""


def test_a_users_function_meets_no_parameters_that_are_not_finite():
    """It might search until a number is small enough, and for ever if the number is NaN."""
    seen = []

    def watched(outputs, targets):
        jax.debug.callback(lambda values: seen.extend(np.ravel(values).tolist()), outputs)
        return outputs[:, 0]

    run = mj.sweep(dataclasses.replace(spec(watched, 3e38), record_every=6))
    assert (run.status.item(), run.stop_step.item()) == ("diverged", 1) and np.isnan(run.train_loss.values[-1])
    assert min(seen) < -1e38 and np.isfinite(seen).all()


def test_a_model_without_a_single_parameter_trains():
    empty = (lambda key, x: {"w": jnp.zeros(0)}, lambda params, x: jnp.zeros((x.shape[0], 1)) + params["w"].sum())
    run = mj.sweep(dataclasses.replace(spec(square, 0.1), model=empty))
    assert (run.train_loss == 0).all() and run.status == "finished"
