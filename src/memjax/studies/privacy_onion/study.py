"""Privacy onion: whether other rows become exposed to membership attacks when the most exposed rows are removed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import xarray as xr

from memjax import measures
from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.studies.kit import Measured, Study, Sweep
from memjax.studies.privacy_onion.claims import analyse
from memjax.studies.privacy_onion.numbers import removals, rows_of
from memjax.subsets import BalancedHalves, LeaveOut, Nested
from memjax.tasks import Images

__all__ = ["STUDY"]

_TASKS = {"clean": Images("digits"), "noisy": Images("digits", label_noise=0.1, noise_law="incorrect")}
_SIZES = {"quick": (500, 200), "paper": (1500, 297)}
# Enough to fit the half of the rows that a network has, corrupted ones too.
_STEPS = {"quick": 600, "paper": 1800}
_NETWORKS = {"quick": 128, "paper": 1024}
_WIDTH, _BATCH, _RATE = 32, 50, 0.01


def _bank(scale: str, task: Images) -> Experiment:
    size, steps = _SIZES[scale], _STEPS[scale]
    return Experiment(
        task=task,
        train_size=size[0],
        test_size=size[1],
        subset=BalancedHalves(),
        model=MLP(hidden=(_WIDTH,)),
        optimizer=adam(_RATE),
        batch_size=_BATCH,
        steps=steps,
        record_every=steps,
        measures=(measures.accuracy.on("train", "test"),),
        examples=("log_odds",),
    )


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    """Two banks on halves of every data set, with true labels and with a tenth of them replaced."""
    data, networks = range(seeds), range(2 * _NETWORKS[scale])
    return {name: Sweep(_bank(scale, task), {"data_seed": data, "seed": networks}) for name, task in _TASKS.items()}


def _further(scale: str, datasets: Mapping[str, xr.Dataset]) -> Mapping[str, Sweep]:
    """Banks of further networks, on halves of the rows that are left when some are removed."""
    return {
        f"{name}_without_{kind}": _without(_bank(scale, task), datasets[name], kind, start)
        for name, task in _TASKS.items()
        for kind, start in (("exposed", 2), ("random", 3))
    }


def _without(bank: Experiment, runs: xr.Dataset, kind: str, start: int) -> Sweep:
    networks = runs.sizes["seed"] // 2
    removed = {seed: rows[kind] for seed, rows in removals(runs).items()}
    data = [(seed, Nested(LeaveOut(rows), BalancedHalves())) for seed, rows in removed.items()]
    # Networks of their own seeds, so that no bank shares initial parameters or halves with another.
    return Sweep(bank, {("data_seed", "subset"): data, "seed": range(start * networks, (start + 1) * networks)})


def _measured(scale: str) -> Mapping[str, Measured]:
    return {f"{name}_rows": Measured(name, partial(rows_of, task=task)) for name, task in _TASKS.items()}


STUDY = Study(
    name="privacy-onion",
    title="The privacy onion: whether other rows become exposed when the most exposed rows are removed",
    question="When the rows that membership attacks find most easily are removed and networks are trained again, do other rows "
    "become exposed, and more than when as many random rows are removed?",
    source='N. Carlini, M. Jagielski, C. Zhang, N. Papernot, A. Terzis, F. Tramer, "The privacy onion effect: memorization is '
    'relative" (NeurIPS 2022)',
    papers={"Carlini et al. 2022, arXiv:2206.10469": "https://arxiv.org/abs/2206.10469"},
    scales={
        "quick": "five data sets of 500 digits with true and with noisy labels, banks of 128 networks on halves of them, and "
        "of the rows left without a tenth: about two minutes on 2 cores",
        "paper": "data sets of 1500 of the 1,797 digits, banks of 1024 networks: not run",
    },
    seeds={"quick": 5, "paper": 5},
    sweeps=_sweeps,
    further=_further,
    measured=_measured,
    analyse=analyse,
)
"""Banks before and after the most exposed tenth of the rows is removed, beside the removal of a random tenth."""
