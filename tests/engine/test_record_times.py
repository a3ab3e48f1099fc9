"""Records and snapshots at any steps: the bits of the run that records every step, without a compile per segment."""

import dataclasses
import json

import numpy as np
import pytest
from tests.engine.test_compiles import counted

import memjax as mj
from memjax.engine.plan import packing

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=5, num_classes=3),
    model=mj.models.MLP(hidden=(6,)),
    optimizer=mj.optimizers.adam(1e-2),
    steps=60,
    record_every=1,
    train_size=24,
    measures=("loss", "accuracy", "weight_l2", "gradient_norm"),
)
AT = mj.spaced(1, 60, per_decade=6)
OVER = {"train_size": [17, 24], "seed": [0, 1]}
KINDS = {
    "full batch": {},
    "minibatches": {"batch_size": 5},
    "momentum": {"optimizer": mj.optimizers.sgd(0.1, momentum=0.9), "batch_size": 7},
    "warmup": {"optimizer": mj.optimizers.adam(mj.optimizers.warmup(1e-2, 10)), "batch_size": 5},
}
BATCHED = mj.Packing(schedule="batched", lanes=1)


def sweep(spec, over=OVER, **options):
    return mj.sweep(spec, over, progress=False, **options)


def same_at(found, every, steps):
    """Whether all records of ``found`` have the bits of ``every`` at these steps, and there are no other steps."""
    assert found.step.values.tolist() == list(steps)
    at = every.sel(step=list(steps))
    for name in found.data_vars:
        if "step" in found[name].dims:
            np.testing.assert_array_equal(found[name].values, at[name].values, err_msg=name)


@pytest.fixture(params=["short segments", "as planned"])
def cut(request, monkeypatch):
    """As many records per segment as in a long sweep, or as the plan says."""
    if request.param == "short segments":
        monkeypatch.setattr(packing, "segment_records", lambda *arguments: 2)


@pytest.mark.parametrize(
    "kind", ["full batch", "minibatches", *(pytest.param(k, marks=pytest.mark.slow) for k in list(KINDS)[2:])]
)
def test_records_have_the_bits_of_a_run_that_records_every_step(kind, cut):
    spec = dataclasses.replace(SPEC, **KINDS[kind])
    every = sweep(spec)
    same_at(sweep(dataclasses.replace(spec, record_at=AT)), every, (0, *AT))


@pytest.mark.parametrize("fields", [{}, {"batch_size": 5}], ids=str)
@pytest.mark.long
def test_so_have_those_of_batched_blocks(fields):
    """On a CPU; the programs differ in their room for records and minibatches only."""
    spec = dataclasses.replace(SPEC, **fields)
    every, found = (sweep(one, packing=BATCHED) for one in (spec, dataclasses.replace(spec, record_at=AT)))
    same_at(found, every, (0, *AT))


@pytest.mark.long
def test_the_mean_loss_of_steps_is_over_the_steps_of_its_own_interval(cut):
    spec = dataclasses.replace(SPEC, measures=("step_loss",), batch_size=5)
    every = sweep(spec).step_loss
    # A snapshot between two records cuts the training, and no interval.
    found = sweep(dataclasses.replace(spec, record_at=AT, snapshots=(0, 1, 23, 37, 50, 59, 60))).step_loss
    for before, after in zip((0, *AT), AT, strict=False):
        mean = every.sel(step=slice(before + 1, after)).astype(float).mean("step")
        np.testing.assert_allclose(found.sel(step=after), mean, rtol=1e-6)
    np.testing.assert_array_equal(found, sweep(dataclasses.replace(spec, record_at=AT)).step_loss)


@pytest.mark.parametrize("fields", [{}, {"batch_size": 5}], ids=str)
@pytest.mark.parametrize("records", [{"record_at": AT}, {"record_every": 20}], ids=["spaced", "even"])
@pytest.mark.long
def test_snapshots_between_records_have_the_bits_of_the_run_that_records_every_step(fields, records, cut):
    snapshots = (0, 1, 23, 37, 38, 40, 59, 60)
    spec = dataclasses.replace(SPEC, snapshots=snapshots, **fields)
    every, found = sweep(spec), sweep(dataclasses.replace(spec, **records))
    assert found.snapshot.values.tolist() == list(snapshots)
    np.testing.assert_array_equal(found.parameters, every.parameters)
    same_at(found, every, dataclasses.replace(spec, **records).record_steps)
    loss = mj.measure(found, ["loss"]).train_loss
    np.testing.assert_allclose(loss, every.train_loss.sel(step=list(snapshots)), rtol=1e-5)


@pytest.mark.slow
def test_two_lists_of_records_in_one_sweep_align_with_nan():
    at = {"early": (1, 2, 3), "late": [50, 55], "array": np.array([30]), "range": range(0, 61, 30)}
    every = sweep(SPEC, {"seed": [0, 1]})
    both = sweep(SPEC, {"record_at": at, "seed": [0, 1]})
    assert both.record_at.values.tolist() == list(at)
    assert both.step.values.tolist() == [0, 1, 2, 3, 30, 50, 55, 60]
    for name, own in at.items():
        steps = sorted({0, *list(own), 60})
        one = both.train_loss.sel(record_at=name)
        np.testing.assert_array_equal(one.sel(step=steps), every.train_loss.sel(step=steps))
        assert one.drop_sel(step=steps).isnull().all()
    assert list(json.loads(both.attrs["over"])["record_at"]["range"]) == [0, 30, 60]


@pytest.mark.long
def test_a_run_that_diverges_is_nan_from_its_own_step_on(cut):
    spec = dataclasses.replace(SPEC, optimizer=mj.optimizers.sgd(0.1), loss="cross_entropy", snapshots=(0, 1, 59))
    spec = dataclasses.replace(spec, optimizer=mj.optimizers.sgd(1e25))
    every, found = sweep(spec), sweep(dataclasses.replace(spec, record_at=(20, 59)))
    assert (found.status == "diverged").all()
    np.testing.assert_array_equal(found.stop_step, every.stop_step)
    same_at(found, every, (0, 20, 59, 60))
    np.testing.assert_array_equal(found.parameters, every.parameters)


@pytest.mark.parametrize("fields", [{}, {"batch_size": 4}], ids=str)
def test_uneven_records_compile_as_much_as_even_ones_however_many_segments_there_are(fields, monkeypatch):
    monkeypatch.setattr(packing, "segment_records", lambda *arguments: 2)
    spec = dataclasses.replace(SPEC, model=mj.models.MLP(hidden=(4,)), measures=("loss",), **fields)
    with counted() as compiles:
        sweep(dataclasses.replace(spec, record_at=AT), {"seed": [0, 1]}, packing=mj.Packing(runs=2))
    assert len(compiles) <= 2
    with counted() as compiles:
        # Snapshots cut other segments, and share the program.
        sweep(dataclasses.replace(spec, record_at=AT, snapshots=(5, 41)), {"seed": [2, 3]}, packing=mj.Packing(runs=2))
    assert not compiles
    again = dataclasses.replace(spec, record_every=20)
    sweep(again, {"seed": [0, 1]}, packing=mj.Packing(runs=2))
    with counted() as compiles:
        sweep(dataclasses.replace(again, record_at=(20, 40)), {"seed": [0, 1]}, packing=mj.Packing(runs=2))
    assert not compiles


def test_progress_counts_every_step_once(monkeypatch, cut):
    from memjax.engine.training import progress

    seen = []
    monkeypatch.setattr(progress.Progress, "steps", lambda self, block, steps: seen.append(steps * len(block.runs)))
    sweep(dataclasses.replace(SPEC, record_at=AT, snapshots=(23, 37)))
    assert sum(seen) == 4 * 60 and min(seen) > 0
