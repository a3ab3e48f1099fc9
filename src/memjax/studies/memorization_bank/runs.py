"""Sweeps of the study memorization-bank: banks, networks on unseen subsets, on all rows, without a row, and without many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from memjax import measures
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.models import NearestNeighbors
from memjax.optimizers import closed_form
from memjax.studies.kit import Sweep
from memjax.studies.memorization_bank.removal import removed_rows
from memjax.studies.memorization_bank.sizes import NETWORKS, SIZES, Size
from memjax.subsets import BalancedHalves, LeaveOut

__all__ = ["further", "sweeps"]

_REPEATS, _WHOLE = 4, 10
# Groups of networks are left out in turn, also of the banks that have a quarter of the networks.
_FEWEST = 16
# Subsets of the networks that no attribution has seen, and networks of other settings, share no seed with the banks.
_UNSEEN, _KNOBS = 1_000_000, 2_000_000
_NOISES = (0.0, 0.1, 0.2, 0.4)
_STAGES = 8
_OF_TEST = (measures.by_example("log_odds", on=("test",)),)


def sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    """Everything that can be trained at once, by name; raises `InputError` if the networks are too few for a bank."""
    if seeds < _FEWEST:
        raise InputError(f"seeds is {seeds}: a bank of the study memorization-bank needs at least {_FEWEST} networks.")
    size = SIZES[scale]
    found = {name: Sweep(_bank(size, name), {"seed": range(seeds)}) for name in NETWORKS}
    found["clean"] = Sweep(_clean(size), {"seed": range(seeds)})
    found |= _learners(size, seeds) | _knobs(size, seeds)
    for name in NETWORKS:
        found[f"unseen_{name}"] = _unseen(_bank(size, name), seeds)
        found[f"whole_{name}"] = _whole(size, name, seeds)
    return found


def further(scale: str, datasets: Mapping[str, xr.Dataset]) -> Mapping[str, Sweep]:
    """Networks on all rows but one, and on all rows but many, chosen by their memorisation scores."""
    size, seeds = SIZES[scale], datasets["mlp"].sizes["seed"]
    rows = np.random.default_rng(0).permutation(datasets["mlp"]["example"].values)[: size.left_out]
    found = {f"left_{name}": _left_out(size, name, seeds, rows.tolist()) for name in NETWORKS}
    return found | {"removed": _removed(size, seeds, removed_rows(datasets["clean"]))}


def _bank(size: Size, name: str) -> Experiment:
    one = size.network(name)
    stage = one.steps // _STAGES
    return Experiment(
        task=size.task,
        train_size=size.train_size,
        test_size=size.test_size,
        subset=BalancedHalves(),
        data_seed=0,
        model=one.model,
        optimizer=one.optimizer,
        batch_size=size.batch_size,
        steps=one.steps,
        record_every=stage,
        measures=(measures.accuracy.on("train", "held_out", "test"),),
        examples=("correct", measures.by_example("log_odds", on=("data", "test"))),
        examples_at=(stage, 2 * stage, 4 * stage, _STAGES * stage),
    )


def _clean(size: Size) -> Experiment:
    right = (measures.by_example("correct", on=("data", "test")),)
    bank = _bank(size, "mlp")
    return replace(bank, task=replace(size.task, label_noise=0.0), examples=right, examples_at=None)


def _learners(size: Size, seeds: int) -> dict[str, Sweep]:
    """A wider network and the nearest neighbour."""
    only = replace(_bank(size, "mlp"), measures=("accuracy",), examples=("correct",), examples_at=None)
    nearest = replace(
        only,
        model=NearestNeighbors(k=1),
        optimizer=closed_form(),
        loss="one_hot_mse",
        measures=("loss",),
        batch_size=None,
        steps=1,
        record_every=1,
    )
    wide = Sweep(replace(only, model=size.wide), {"seed": range(seeds // 2)})
    return {"wide": wide, "nearest": Sweep(nearest, {"seed": range(seeds)})}


def _knobs(size: Size, seeds: int) -> dict[str, Sweep]:
    """Small banks along width, weight decay and label noise."""
    base = replace(_bank(size, "mlp"), examples=("correct",), examples_at=None)
    some = range(_KNOBS, _KNOBS + seeds // 4)
    axes: dict[str, tuple[str, Any]] = {
        "widths": ("hidden", size.widths),
        "decays": size.decays,
        "noises": ("label_noise", _NOISES),
    }
    return {name: Sweep(base, {field: values, "seed": some}) for name, (field, values) in axes.items()}


def _unseen(bank: Experiment, seeds: int) -> Sweep:
    """Networks on further subsets, several on each."""
    own = replace(bank, examples=_OF_TEST, examples_at=None)
    # Networks on one subset differ in their initial parameters and in the order of their minibatches.
    subsets = range(_UNSEEN, _UNSEEN + seeds // _REPEATS)
    repeats = [(seeds + i, seeds + i) for i in range(_REPEATS)]
    return Sweep(own, {"subset_seed": subsets, ("seed", "batch_seed"): repeats})


def _whole(size: Size, name: str, seeds: int) -> Sweep:
    """Networks on all rows, with their parameters along training, and what became of every row."""
    steps = size.network(name).whole_steps
    # About sixty records, at equal distances.
    stage = max(one for one in range(1, max(steps // 60, 1) + 1) if steps % one == 0)
    own = replace(
        _bank(size, name),
        subset=None,
        steps=steps,
        record_every=stage,
        measures=("accuracy",),
        examples=("logit_margin", "first_learnt"),
        examples_at=None,
        snapshots=tuple(steps // part for part in (10, 5, 2, 1)),
    )
    return Sweep(own, {"seed": range(2 * seeds, 2 * seeds + _WHOLE)})


def _left_out(size: Size, name: str, seeds: int, rows: list[int]) -> Sweep:
    """Networks on all rows, and on all rows but one, paired by seed."""
    steps = size.network(name).whole_steps
    bank = _bank(size, name)
    own = replace(
        bank,
        subset=LeaveOut(),
        steps=steps,
        record_every=steps,
        measures=("accuracy",),
        examples=_OF_TEST,
        examples_at=None,
    )
    return Sweep(own, {"left_out": [(), *((row,) for row in rows)], "seed": range(2 * seeds, 2 * seeds + _few(seeds))})


def _removed(size: Size, seeds: int, rows: list[tuple[int, ...]]) -> Sweep:
    """Networks without many rows, the true labels on all others, and as many test examples as there are."""
    steps = size.mlp.whole_steps
    own = replace(
        _clean(size),
        subset=LeaveOut(),
        test_size=size.more_tests,
        steps=steps,
        record_every=steps,
        measures=("accuracy",),
        examples=(),
    )
    return Sweep(own, {"left_out": [(), *rows], "seed": range(2 * seeds, 2 * seeds + _few(seeds))})


def _few(seeds: int) -> int:
    return max(4, seeds // 16)
