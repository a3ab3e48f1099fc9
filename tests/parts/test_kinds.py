"""What is read once per kind of run is read anew for every run that differs in more than its seeds."""

import dataclasses

import pytest

import memjax as mj
from memjax.experiment.kinds import once_per_kind

BASE = mj.Experiment(steps=20, record_every=10, train_size=300, batch_size=50, snapshots=(0, 20), loss_scale=0.0)
OTHERS = {
    "task": mj.tasks.RandomLabels(input_dim=3),
    "model": mj.models.MLP(),
    "optimizer": mj.optimizers.sgd(),
    "loss": "mse",
    "loss_scale": -0.0,
    "steps": 40,
    "record_every": 20,
    "batch_size": 5,
    "batches": "poisson",
    "train_size": 301,
    "test_size": 300,
    "start": mj.Start.of([1.0]),
    "measures": ("loss",),
    "snapshots": (20,),
    "subset": mj.subsets.LeaveOut(3),
    "record_at": (5,),
    "examples": ("loss",),
    "examples_at": (10,),
    "penalty": mj.penalties.L1(0.1),
    "stop_when": mj.stopping.AtLeast("train_accuracy"),
    "keep_best": mj.stopping.Lowest("test_loss"),
}


def test_runs_that_differ_in_their_seeds_alone_are_read_once():
    read = []
    kind_of = once_per_kind(lambda run: read.append(run) or len(read))
    seeds = [{"seed": 1000}, {"data_seed": 3000}, {"init_seed": 4000}, {"batch_seed": 5}, {"subset_seed": 6}, {}]
    assert [kind_of(dataclasses.replace(BASE, **seed)) for seed in seeds] == [1] * 6


@pytest.mark.parametrize("field", OTHERS)
def test_a_run_that_differs_in_another_field_is_read_anew(field):
    read = []
    kind_of = once_per_kind(lambda run: read.append(run) or len(read))
    other = dataclasses.replace(BASE, **{field: OTHERS[field]})
    assert [kind_of(run) for run in (BASE, other, other)] == [1, 2, 2]


def test_every_field_but_the_seeds_is_tried():
    assert {field.name for field in dataclasses.fields(BASE)} == OTHERS.keys() | {
        "seed", "data_seed", "init_seed", "subset_seed", "batch_seed",
    }  # fmt: skip
