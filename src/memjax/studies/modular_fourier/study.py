"""Modular addition: grokking is a Fourier algorithm that forms in few frequencies, and memorisation that fades."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memjax.experiment import Experiment
from memjax.models import EmbeddingMLP, QuadraticMLP, Transformer
from memjax.optimizers import adamw
from memjax.schedules import warmup
from memjax.studies.kit import Measured, Study, Sweep
from memjax.studies.modular_fourier.claims import analyse
from memjax.studies.modular_fourier.numbers import progress, quadratic
from memjax.tasks import ModularArithmetic

__all__ = ["STUDY"]

# Beside the paper's transformer a network that groks in seconds; the small transformer has its betas and warmup.
_STEPS = {
    "quick": {"mlp": 6000, "transformer": 5000, "quadratic": 3000},
    "paper": {"transformer": 40_000, "mlp": 20_000, "quadratic": 10_000},
}
# Records cost next to nothing; a snapshot is analysed for some tens of milliseconds. Train sets are fitted within the first.
_RECORD_EVERY, _SNAPSHOTS, _EARLY = 5, 50, range(0, 201, 20)


def _experiment(steps: int, **settings: Any) -> Experiment:
    snapshots = tuple(sorted({*_EARLY, *range(0, steps + 1, steps // _SNAPSHOTS)}))
    measures = ("loss", "accuracy", "weight_l2")
    return Experiment(steps=steps, record_every=_RECORD_EVERY, measures=measures, snapshots=snapshots, **settings)


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    paper, steps = scale == "paper", _STEPS[scale]
    rate = warmup(peak=1e-3 if paper else 3e-3, warmup_steps=10)
    experiments = {
        "mlp": _experiment(
            steps["mlp"],
            task=ModularArithmetic(p=53),
            model=EmbeddingMLP(embedding=32, hidden=128),
            optimizer=adamw(3e-3, weight_decay=1.0),
            train_size=0.4,
        ),
        "transformer": _experiment(
            steps["transformer"],
            task=ModularArithmetic(p=113 if paper else 31),
            model=Transformer() if paper else Transformer(width=32, heads=4, mlp=128),
            optimizer=adamw(rate, weight_decay=1.0, b2=0.98),
            train_size=0.3 if paper else 0.6,
            loss="cross_entropy_exact",
        ),
        "quadratic": _experiment(
            steps["quadratic"],
            task=ModularArithmetic(p=97 if paper else 23),
            model=QuadraticMLP(hidden=500 if paper else 200),
            optimizer=adamw(1e-2, weight_decay=0.3),
            train_size=0.5,
            loss="one_hot_mse",
        ),
    }
    few = {"transformer": seeds if paper else max(1, seeds // 2)}
    return {name: Sweep(spec, {"seed": range(few.get(name, seeds))}) for name, spec in experiments.items()}


def _measured(scale: str) -> Mapping[str, Measured]:
    return {
        "progress_mlp": Measured("mlp", progress, by="seed"),
        "progress_transformer": Measured("transformer", progress, by="seed"),
        "neurons": Measured("quadratic", quadratic),
    }


STUDY = Study(
    name="modular-fourier",
    title="Modular addition in Fourier modes: key frequencies, restricted and excluded loss, and exact weights",
    question="Does a network that groks modular addition compute it in a few Fourier modes, which form before the test loss "
    "falls, and are the weights of a quadratic network the ones that are known exactly?",
    source='N. Nanda, L. Chan, T. Lieberum, J. Smith, J. Steinhardt, "Progress measures for grokking via mechanistic '
    'interpretability" (2023); A. Gromov, "Grokking modular arithmetic" (2023); D. Vaintrob and Kaarel, "Grokking, '
    'memorization, and generalization: a discussion" (LessWrong, 2023)',
    scales={
        "quick": "an MLP with shared embedding modulo 53 on 40% of the pairs, 6000 steps; a small transformer modulo 31 on "
        "60%, 5000 steps; a quadratic network modulo 23, 3000 steps: about two minutes on 2 cores",
        "paper": "Nanda's transformer modulo 113 on 30%, 40,000 steps; the MLP for 20,000; a quadratic network modulo 97 with "
        "500 neurons, 10,000 steps: about 2 hours on 2 cores (estimated)",
    },
    seeds={"quick": 8, "paper": 5},
    sweeps=_sweeps,
    analyse=analyse,
    papers={
        "Nanda et al. 2023, arXiv:2301.05217": "https://arxiv.org/abs/2301.05217",
        "Gromov 2023, arXiv:2301.02679": "https://arxiv.org/abs/2301.02679",
    },
    measured=_measured,
)
"""Nanda et al.: five key frequencies, found well before the test loss falls; Gromov: the weights are known exactly."""
