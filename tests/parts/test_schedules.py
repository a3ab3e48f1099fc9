"""Schedules equal optax's at every step, on the host and with traced numbers inside jit."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from memjax import fields
from memjax.schedules import Schedule, constant, cosine, linear, warmup, warmup_cosine

STEPS, PEAK = 40, 0.3
# Steps are int32, so that even with 64-bit numbers ours and optax's ramps are float32: measured 1.0e-7 of the peak.
CLOSE = {"rtol": 0, "atol": 3e-7 * PEAK}
PAIRS = [
    (constant(PEAK), optax.constant_schedule(PEAK)),
    (warmup(PEAK, 15), optax.linear_schedule(0.0, PEAK, 15)),
    (linear(PEAK), optax.linear_schedule(PEAK, 0.0, STEPS)),
    (linear(PEAK, 0.2), optax.linear_schedule(PEAK, 0.2 * PEAK, STEPS)),
    (cosine(PEAK), optax.cosine_decay_schedule(PEAK, STEPS)),
    (cosine(PEAK, 0.2), optax.cosine_decay_schedule(PEAK, STEPS, alpha=0.2)),
    (warmup_cosine(PEAK, 7), optax.warmup_cosine_decay_schedule(0.0, PEAK, 7, STEPS)),
    (warmup_cosine(PEAK, 7, 0.2), optax.warmup_cosine_decay_schedule(0.0, PEAK, 7, STEPS, 0.2 * PEAK)),
    (warmup_cosine(PEAK, STEPS - 1, 0.2), optax.warmup_cosine_decay_schedule(0.0, PEAK, STEPS - 1, STEPS, 0.2 * PEAK)),
]
IDS = [repr(ours) for ours, _ in PAIRS]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=IDS)
def test_every_step_is_that_of_optax(ours, theirs):
    steps = np.arange(STEPS + 5, dtype=np.int32)  # Beyond the end too: the rate stays at its last value.
    rates = [float(ours.at(jnp.asarray(step), STEPS)) for step in steps]
    expected = [float(theirs(jnp.asarray(step))) for step in steps]
    np.testing.assert_allclose(rates, expected, **CLOSE)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=IDS)
def test_traced_numbers_give_the_same_rates_from_one_program(ours, theirs):
    traces = []

    @jax.jit
    def rates(values):
        traces.append(1)
        schedule = fields.with_numbers(ours, values)
        return jax.vmap(lambda step: schedule.at(step, STEPS))(jnp.arange(STEPS, dtype=jnp.int32))

    values = {path: jnp.asarray(float(value)) for path, value in fields.traced_values(ours).items()}
    expected = np.array([float(theirs(jnp.asarray(step, jnp.int32))) for step in range(STEPS)])
    np.testing.assert_allclose(rates(values), expected, **CLOSE)
    np.testing.assert_allclose(rates({**values, "peak": 2 * values["peak"]}) / 2, expected, **CLOSE)
    assert len(traces) == 1


def test_every_number_of_a_schedule_is_traced():
    assert dict(fields.traced_values(warmup_cosine(1.0, 2, 3.0))) == {
        "peak": 1.0,
        "warmup_steps": 2,
        "final_fraction": 3.0,
    }


def test_no_warmup_starts_at_the_peak():
    for schedule in (warmup(PEAK, 0), warmup_cosine(PEAK, 0)):
        assert float(schedule.at(jnp.int32(0), STEPS)) == np.float32(PEAK)


def test_the_end_points_are_exact():
    end = jnp.int32(STEPS)
    assert float(linear(1.0, 0.25).at(end, STEPS)) == 0.25
    assert float(cosine(1.0, 0.25).at(end, STEPS)) == 0.25
    assert float(warmup(1.0, 7).at(jnp.int32(7), STEPS)) == 1.0


def test_a_schedule_of_ones_own_needs_only_at():
    class Halving:
        def at(self, step, steps):
            return 0.5**step

    assert isinstance(Halving(), Schedule) and not isinstance(0.1, Schedule)
