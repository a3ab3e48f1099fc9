"""Networks on pairs of residues, which learn a rule or memorise, and which are then trained to a minimum of the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import xarray as xr

from memjax.experiment import Experiment
from memjax.models import QuadraticMLP
from memjax.optimizers import adam, adamw
from memjax.results.snapshots import snapshots
from memjax.schedules import cosine
from memjax.studies.kit import Sweep
from memjax.studies.memorizing_circuits.parts import first_residue, gaussian
from memjax.tasks import ModularArithmetic

__all__ = ["KINDS", "by_modulus", "by_size", "kinds", "settled"]

KINDS = ("first residue", "addition", "random labels")
"""What the networks learn whose learning coefficients are estimated."""
_FRACTION = 0.8


def kinds(modulus: int) -> tuple[ModularArithmetic, ...]:
    """Tasks on pairs of residues in the order of `KINDS`: a rule of one residue, a rule of both, and no rule."""
    add = ModularArithmetic(p=modulus)
    return replace(add, operation=first_residue), add, replace(add, label_noise=1.0)


def by_size(modulus: int, sizes: Sequence[int], hidden: int, steps: int, seeds: int) -> Sweep:
    """Networks of one modulus, by what they learn and the number of train points."""
    labels: dict[str | tuple[str, ...], Sequence[Any]] = {
        "task": kinds(modulus),
        "train_size": tuple(sizes),
        "seed": range(seeds),
    }
    return Sweep(_learning(modulus, hidden, steps), labels)


def by_modulus(moduli: Sequence[int], hidden: int, steps: int, seeds: int) -> Sweep:
    """Networks that learn addition or random labels on four fifths of all pairs, by modulus."""
    tasks = tuple(task for modulus in moduli for task in kinds(modulus)[1:])
    return Sweep(_learning(moduli[0], hidden, steps), {"task": tasks, "seed": range(seeds)})


def settled(learnt: xr.Dataset, experiment: Experiment) -> Sweep:
    """Every network trained further, without weight decay and at a rate that falls to zero, so that it ends at a minimum."""
    runs = [(one.start, one.experiment.task, one.experiment.train_size, one.run["seed"]) for one in snapshots(learnt)]
    steps = 2 * experiment.steps
    further = replace(experiment, optimizer=adam(cosine(1e-2)), steps=steps, record_every=steps, snapshots=(steps,))
    return Sweep(further, {("start", "task", "train_size", "seed"): runs})


def _learning(modulus: int, hidden: int, steps: int) -> Experiment:
    return Experiment(
        task=ModularArithmetic(p=modulus),
        train_size=_FRACTION,
        test_size=None,
        model=QuadraticMLP(hidden=hidden),
        loss=gaussian,
        # Decoupled decay, for which the scale of the loss does not count.
        optimizer=adamw(1e-2, weight_decay=0.3),
        steps=steps,
        record_every=steps,
        measures=("loss", "accuracy"),
        snapshots=(steps,),
    )
