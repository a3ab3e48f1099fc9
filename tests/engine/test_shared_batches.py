"""Runs that go through the same minibatches share them on the device, and train as with minibatches of their own."""

import dataclasses

import numpy as np
import pytest

import memjax as mj
from memjax.engine.plan.blocks import BlockPlan
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.plan import make_plan
from memjax.random.minibatches import batch_order

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=5, num_classes=7),
    model=mj.models.MLP(hidden=(8,)),
    steps=12,
    record_every=4,
    train_size=11,
    batch_size=4,
)
BATCHED = Packing(schedule="batched", lanes=1)


def orders_of(over, packing=BATCHED, **fields):
    return [block.orders for block in make_plan(dataclasses.replace(SPEC, **fields), over, packing).blocks]


def test_runs_that_share_few_orders_train_as_with_their_own(monkeypatch):
    over = {"train_size": [11, 13], "data_seed": [4, 9], "init_seed": range(4)}
    shared = mj.sweep(SPEC, over=over, packing=BATCHED)
    assert orders_of(over) == [4]
    monkeypatch.setattr(BlockPlan, "orders", property(lambda block: block.shape.runs))
    own = mj.sweep(SPEC, over=over, packing=BATCHED)
    assert orders_of(over) == [16]
    for name in own.data_vars:
        np.testing.assert_array_equal(shared[name].values, own[name].values, err_msg=name)


def test_orders_are_shared_where_that_halves_them():
    assert orders_of({"init_seed": range(3)}) == [1]
    # Three orders take the room of four.
    assert orders_of({"data_seed": [4, 9, 6], "init_seed": range(3)}) == [4]
    assert orders_of({"data_seed": [4, 9, 6], "init_seed": range(2)}) == [6]
    assert orders_of({"seed": range(5)}) == [5]
    assert orders_of({"init_seed": range(3)}, batch_size=None) == [3]
    assert orders_of({"init_seed": range(4)}, Packing(schedule="streamed", lanes=1, runs=4)) == [4]


@pytest.mark.slow
def test_a_store_resumes_with_shared_orders(tmp_path):
    over = {"data_seed": [4, 9, 6], "init_seed": range(4)}
    whole = mj.sweep(SPEC, over=over, packing=BATCHED)
    mj.sweep(SPEC, over={**over, "init_seed": range(2)}, packing=BATCHED, store=tmp_path / "runs")
    kept = mj.sweep(SPEC, over=over, packing=BATCHED, store=tmp_path / "runs")
    np.testing.assert_allclose(kept.train_loss.values, whole.train_loss.values, rtol=1e-5)


def test_orders_of_several_runs_are_those_of_each_alone():
    runs = [
        dataclasses.replace(SPEC, train_size=size, seed=seed) for size, seed in [(11, 3), (9, 3), (8, 2**33), (4, 0)]
    ]
    together = batch_order(runs, 4, 5, 11)
    for place, run in enumerate(runs):
        np.testing.assert_array_equal(together[:, place], batch_order([run], 4, 0, 11)[5:, 0])
