"""The host prepares a block while its program compiles, and on a device one block ahead; never more."""

import dataclasses
import threading

import jax
import numpy as np
import pytest

import memjax as mj
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.plan import make_plan
from memjax.engine.training import prepare as preparing
from memjax.engine.training.execute import Programs
from memjax.engine.training.prepare import Preparations

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=3, num_classes=3),
    model=mj.models.MLP(hidden=(4,)),
    steps=4,
    record_every=2,
    train_size=6,
)
WAIT = 60


@pytest.fixture
def blocks():
    return make_plan(SPEC, {"seed": range(4)}, Packing(lanes=1, runs=1)).blocks


@pytest.fixture
def begun(monkeypatch):
    """Names of the blocks whose preparation has begun; each gives its own block."""
    seen = []
    monkeypatch.setattr(preparing, "prepare", lambda block, resumes: seen.append((block, resumes)) or block)
    return seen


def settled(preparations):
    """Wait until every preparation that was asked for is done."""
    for future in list(preparations._ahead.values()):
        future.result(WAIT)


def test_one_block_is_prepared_ahead(blocks, begun):
    with Preparations(blocks, 1, ahead=True) as preparations:
        for place, block in enumerate(blocks):
            take = preparations.begin(block)
            settled(preparations)
            assert take() is block
            settled(preparations)
            assert [one for one, _ in begun] == list(blocks[: place + 2])


def test_lanes_share_the_block_ahead(blocks, begun):
    with Preparations(blocks, 2, ahead=True) as preparations:
        takes = [preparations.begin(block) for block in blocks[:2]]
        assert [take() for take in takes] == list(blocks[:2])
        settled(preparations)
        assert {id(one) for one, _ in begun} == set(map(id, blocks[:3]))


def test_no_block_is_prepared_ahead_where_training_needs_the_host(blocks, begun):
    with Preparations(blocks, 1, ahead=False) as preparations:
        preparations.begin(blocks[0])()
    assert [one for one, _ in begun] == [blocks[0]]


def test_a_block_that_another_process_finished_is_not_prepared(blocks, begun):
    with Preparations(blocks, 1, ahead=True) as preparations:
        preparations.skip(blocks[1])
        preparations.begin(blocks[0])()
        settled(preparations)
    assert [one for one, _ in begun] == [blocks[0], blocks[2]]


def test_parts_of_a_block_are_prepared_when_they_are_needed(blocks, begun):
    part = dataclasses.replace(blocks[0])
    with Preparations(blocks[:1], 1, ahead=True) as preparations:
        assert preparations.begin(blocks[0])() is blocks[0]
        assert preparations.begin(part, resumes=True)() is part
    assert begun[-1][1] is True


def test_an_error_reaches_the_lane_that_needs_the_block(blocks, monkeypatch):
    def fail(block, resumes):
        raise mj.errors.InputError("no such examples")

    monkeypatch.setattr(preparing, "prepare", fail)
    with Preparations(blocks, 1, ahead=True) as preparations:
        take = preparations.begin(blocks[0])
        with pytest.raises(mj.errors.InputError, match="no such examples"):
            take()


def test_the_host_draws_while_the_program_compiles(monkeypatch):
    from memjax.engine.training import execute

    drawn = threading.Event()
    draw, compile_for = preparing.prepare, execute.compile_for

    def noted(block, resumes):
        drawn.set()
        return draw(block, resumes)

    def compiled(block, device):
        assert drawn.wait(WAIT), "the draw waits for the compile"
        return compile_for(block, device)

    monkeypatch.setattr(preparing, "prepare", noted)
    monkeypatch.setattr(execute.Programs.__init__, "__defaults__", (compiled,))
    dataset = mj.sweep(SPEC, {"seed": range(2)}, packing=Packing(lanes=1))
    assert np.isfinite(dataset.train_loss.values).all()


def test_blocks_prepared_ahead_train_as_others(monkeypatch):
    from memjax.engine.training import execute

    packing = Packing(lanes=2, runs=1)
    expected = mj.sweep(SPEC, {"seed": range(4)}, packing=packing)
    ahead = lambda blocks, lanes, ahead: Preparations(blocks, lanes, ahead=True)  # noqa: E731
    monkeypatch.setattr(execute, "Preparations", ahead)
    found = mj.sweep(SPEC, {"seed": range(4)}, packing=packing)
    np.testing.assert_array_equal(found.train_loss.values, expected.train_loss.values)


def test_every_program_is_compiled_once_and_ahead_of_the_lanes():
    plan = make_plan(SPEC, {"batch_size": [2, 3], "seed": range(4)}, Packing(lanes=1, runs=2))
    compiled, every = [], threading.Event()

    def compiler(block, device):
        compiled.append(block.key)
        if len(compiled) == len({block.key for block in plan.blocks}):
            every.set()
        return block.key

    programs = Programs(lambda: None, compiler)
    with programs.ahead(plan):
        assert every.wait(WAIT)
        device = jax.local_devices()[0]
        assert [programs.get(block, device) for block in plan.blocks] == [block.key for block in plan.blocks]
    assert len(compiled) == len(set(compiled)) == 2


def test_what_fails_ahead_is_raised_where_it_is_needed():
    plan = make_plan(SPEC, {"seed": range(4)}, Packing(lanes=1))

    def compiler(block, device):
        raise ValueError("no program")

    programs = Programs(lambda: None, compiler)
    with programs.ahead(plan), pytest.raises(ValueError, match="no program"):
        programs.get(plan.blocks[0], jax.local_devices()[0])
