"""Runs are data: traced fields add no trace and no compile."""

import contextlib

import jax
import numpy as np
import pytest

import memjax as mj
from memjax.optimizers import adam, from_optax, langevin, norm_constrained, sgd, warmup_cosine

COMPILE = "/jax/core/compile/backend_compile_duration"


@contextlib.contextmanager
def counted():
    """Count XLA compiles while open."""
    seen = []

    def listen(event, duration, **extra):
        if event == COMPILE:
            seen.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seen
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def spec(**fields):
    return mj.Experiment(**{**dict(steps=4, record_every=2, train_size=16, model=mj.models.MLP(hidden=(6,))), **fields})


class Traces:
    """A loss that counts how often it is traced; the count is no part of what the loss computes."""

    __memjax_content__ = "cross-entropy"

    def __init__(self):
        self.count = 0

    def __call__(self, outputs, targets):
        self.count += 1
        return mj.losses.cross_entropy(outputs, targets)


FIELDS = {
    "learning_rate": (spec(), np.geomspace(1e-4, 1e-1, 50)),
    "b1": (spec(), np.linspace(0, 0.99, 50)),
    "eps": (spec(), np.geomspace(1e-10, 1e-2, 50)),
    "l2": (spec(), np.linspace(0, 0.1, 50)),
    "init_scale": (spec(), np.linspace(0.1, 4, 50)),
    "loss_scale": (spec(), np.linspace(0.1, 4, 50)),
    "seed": (spec(), range(50)),
    "data_seed": (spec(), range(50)),
    "init_seed": (spec(), range(50)),
    "alpha": (spec(task=mj.tasks.RandomLabels(labels="power")), np.linspace(0, 2, 50)),
    "momentum": (spec(optimizer=sgd(0.1, momentum=0.5)), np.linspace(0, 0.99, 50)),
    "peak": (spec(optimizer=adam(warmup_cosine(warmup_steps=2))), np.geomspace(1e-4, 1e-1, 50)),
    "warmup_steps": (spec(optimizer=adam(warmup_cosine())), np.linspace(0, 4, 50)),
    "clip_norm": (spec(optimizer=adam(clip_norm=1.0)), np.linspace(0.1, 4, 50)),
    "temperature": (spec(optimizer=langevin(0.1, temperature=0.1)), np.linspace(0, 1, 50)),
    "norm": (spec(optimizer=norm_constrained(sgd(0.1), norm=1.0)), np.linspace(1, 2, 50)),
    "weight_decay": (
        spec(optimizer=from_optax(__import__("optax").adamw, learning_rate=1e-3, weight_decay=0.1)),
        np.linspace(0, 1, 50),
    ),
}


@pytest.mark.parametrize("field", FIELDS)
def test_fifty_values_of_a_traced_field_compile_as_much_as_two(field):
    base, values = FIELDS[field]
    traces, packing = Traces(), mj.Packing(width=16, runs=2)
    one = mj.Experiment(**{**base.__dict__, "loss": traces})
    with counted() as compiles:
        mj.sweep(one, over={field: list(values)[:2]}, packing=packing)
    assert len(compiles) == 3
    few = traces.count
    with counted() as compiles:
        mj.sweep(one, over={field: list(values)}, packing=packing)
    # Checks of shapes trace the loss again, as often for fifty values as for two.
    assert not compiles
    assert traces.count - few <= few


def test_ten_train_sizes_share_three_programs():
    with counted() as compiles:
        mj.sweep(spec(steps=2), over={"train_size": [5 * 2**i for i in range(10)], "seed": [0, 1]})
    assert len(compiles) == 3


def test_the_same_sweep_again_compiles_nothing():
    packing = mj.Packing(width=16, runs=2)
    mj.sweep(spec(), over={"seed": [0, 1]}, packing=packing)
    with counted() as compiles:
        mj.sweep(spec(), over={"seed": [2, 3, 4]}, packing=packing)
    assert not compiles


def test_a_structural_axis_makes_one_group_of_programs_per_value():
    with counted() as compiles:
        mj.sweep(spec(), over={"hidden": [(3,), (4, 4)], "seed": [0, 1, 2]})
    assert len(compiles) == 6
