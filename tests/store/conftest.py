"""A small sweep, and what counts the runs that are really trained. The faults are those of the benchmark."""

import sys
from pathlib import Path

import pytest

import memjax as mj
from memjax.engine.training import execute

sys.path.insert(0, str(Path(__file__).parents[2]))


@pytest.fixture
def spec():
    return mj.Experiment(
        task=mj.tasks.RandomLabels(input_dim=3, num_classes=4),
        model=mj.models.MLP(hidden=(6,)),
        steps=8,
        record_every=2,
        train_size=12,
        batch_size=5,
        snapshots=(4, 8),
        measures=("loss", "weight_l2", "layer_l2"),
    )


@pytest.fixture
def trained(monkeypatch):
    """Blocks and runs that were trained, as they were."""
    seen = []
    train_block = execute.train_block

    def counting(block, *arguments):
        seen.append(block)
        return train_block(block, *arguments)

    monkeypatch.setattr(execute, "train_block", counting)
    return seen


@pytest.fixture
def lanes_told(monkeypatch):
    """Wait in a lane until the main thread has told the lanes to stop, however busy the machine is."""
    told = []
    train_block = execute.train_block

    def noting(*arguments):
        told.append(arguments[-1])
        return train_block(*arguments)

    monkeypatch.setattr(execute, "train_block", noting)
    return lambda: told[-1].wait(timeout=300)


class Stop(Exception):
    """Ends a sweep in the middle, as a kill would."""


@pytest.fixture
def killed_after(monkeypatch):
    """Make the keeper keep every segment, and die before it keeps one more than so many parts."""
    from memjax.store import writer as keeper

    monkeypatch.setattr(keeper, "_SECONDS", 0.0)
    monkeypatch.setattr(keeper, "_SHARE", float("inf"))
    keep = keeper.StoreKeeper.keep

    def limit(parts):
        left = [parts]

        def dying(self, block, result):
            if left[0] == 0:
                raise Stop
            left[0] -= 1
            keep(self, block, result)

        monkeypatch.setattr(keeper.StoreKeeper, "keep", dying)

    yield limit
