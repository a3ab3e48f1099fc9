"""Runs are data: traced fields add no trace and no compile."""

import contextlib
import dataclasses

import jax
import numpy as np
import optax
import pytest

import memjax as mj
from memjax.optimizers import adam, from_optax, langevin, norm_constrained, sgd, warmup_cosine

COMPILE = "/jax/core/compile/backend_compile_duration"


@pytest.fixture(autouse=True, scope="module")
def drawn():
    """The program that draws numbers for all networks of up to 4096 parameters is compiled once in a process."""
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        mj.models.MLP(hidden=(), outputs=1).init(jax.random.key(0), np.zeros((1, 2), np.float32))


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
    return mj.Experiment(
        **{
            **dict(steps=4, record_every=2, train_size=16, model=mj.models.MLP(hidden=(6,)), measures=("loss",)),
            **fields,
        }
    )


class Traces:
    """A loss that counts how often it is traced; the count is no part of what the loss computes."""

    __memjax_content__ = "cross-entropy"

    def __init__(self):
        self.count = 0

    def __call__(self, outputs, targets):
        self.count += 1
        return mj.losses.cross_entropy(outputs, targets)


# Experiments by a name, with the traced fields of each and fifty values of every field.
FIELDS = {
    "adam": (
        spec(task=mj.tasks.RandomLabels(labels="power")),
        {
            "learning_rate": np.geomspace(1e-4, 1e-1, 50),
            "b1": np.linspace(0, 0.99, 50),
            "eps": np.geomspace(1e-10, 1e-2, 50),
            "l2": np.linspace(0, 0.1, 50),
            "init_scale": np.linspace(0.1, 4, 50),
            "loss_scale": np.linspace(0.1, 4, 50),
            "seed": range(50),
            "data_seed": range(50),
            "init_seed": range(50),
            "alpha": np.linspace(0, 2, 50),
        },
    ),
    "sgd": (spec(optimizer=sgd(0.1, momentum=0.5)), {"momentum": np.linspace(0, 0.99, 50)}),
    "schedule": (
        spec(optimizer=adam(warmup_cosine(warmup_steps=2))),
        {"peak": np.geomspace(1e-4, 1e-1, 50), "warmup_steps": np.linspace(0, 4, 50)},
    ),
    "clipped": (spec(optimizer=adam(clip_norm=1.0)), {"clip_norm": np.linspace(0.1, 4, 50)}),
    "langevin": (spec(optimizer=langevin(0.1, temperature=0.1)), {"temperature": np.linspace(0, 1, 50)}),
    "constrained": (spec(optimizer=norm_constrained(sgd(0.1), norm=1.0)), {"norm": np.linspace(1, 2, 50)}),
    "noise": (
        spec(model=mj.models.InputNoise(mj.models.MLP(hidden=(6,), dropout=0.5))),
        {"dropout": np.linspace(0.01, 0.99, 50), "scale": np.linspace(0, 1, 50)},
    ),
    "fresh": (
        spec(task=mj.tasks.RandomLabels(labels="power"), train_size="fresh", batch_size=4, test_size=8),
        {"alpha": np.linspace(0, 2, 50), "data_seed": range(50)},
    ),
    "optax": (
        spec(optimizer=from_optax(optax.adamw, learning_rate=1e-3, weight_decay=0.1)),
        {"weight_decay": np.linspace(0, 1, 50)},
    ),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name == "sgd" else [pytest.mark.slow]) for name in FIELDS],
)
def test_fifty_values_of_each_traced_field_compile_as_much_as_two_of_one(name):
    base, fields = FIELDS[name]
    traces, packing = Traces(), mj.Packing(width=16, runs=2)
    one = dataclasses.replace(base, loss=traces)
    field, values = next(iter(fields.items()))
    with counted() as compiles:
        mj.sweep(one, over={field: list(values)[:2]}, packing=packing)
    assert len(compiles) == 2
    few = traces.count
    for field, values in fields.items():
        before = traces.count
        with counted() as compiles:
            mj.sweep(one, over={field: list(values)}, packing=packing)
        # Checks of shapes trace the loss again, as often for fifty values as for two.
        assert not compiles, field
        assert traces.count - before <= few, field


def test_ten_train_sizes_share_a_program_and_a_first_state():
    with counted() as compiles:
        mj.sweep(
            spec(steps=2, model=mj.models.MLP(hidden=())),
            over={"train_size": [5 * 2**i for i in range(10)], "seed": [0, 1]},
        )
    assert len(compiles) == 2


@pytest.mark.long
def test_a_structural_axis_makes_one_group_of_programs_per_value_and_the_same_sweep_again_none():
    packing, hidden = mj.Packing(width=16, runs=2), [(), (4, 4)]
    with counted() as compiles:
        mj.sweep(spec(optimizer=sgd(0.1)), over={"hidden": hidden, "seed": [0, 1]}, packing=packing)
    assert len(compiles) == 4
    with counted() as compiles:
        mj.sweep(spec(optimizer=sgd(0.1)), over={"hidden": hidden, "seed": [2, 3, 4]}, packing=packing)
    assert not compiles


def test_values_of_a_ridge_share_the_program_of_a_fit():
    fit = spec(
        task=mj.tasks.TeacherStudent(input_dim=3, output_dim=1, hidden=()),
        model=mj.models.LeastSquares(),
        optimizer=mj.optimizers.closed_form(),
        loss="mse",
        steps=1,
        record_every=1,
    )
    with counted() as compiles:
        mj.sweep(fit, over={"ridge": np.linspace(0, 1, 50), "seed": [0, 1]}, packing=mj.Packing(width=16, runs=2))
    assert len(compiles) == 2
