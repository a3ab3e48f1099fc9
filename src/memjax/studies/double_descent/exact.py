"""Least squares beside its formulas: the least-norm solution at every size, and gradient descent at every step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

import memjax as mj
from memjax import analysis
from memjax.experiment import Experiment
from memjax.experiment.record_times import spaced
from memjax.models import MLP
from memjax.optimizers import sgd
from memjax.tasks import TeacherStudent

__all__ = ["DESCENT_RATE", "NOISE_VARIANCE", "SIZE_RATIOS", "descent", "of_descent", "of_isotropic"]

SIZE_RATIOS = (0.25, 0.5, 0.8, 1.25, 2.0, 4.0, 8.0)
"""Numbers of inputs over numbers of examples."""
NOISE_VARIANCE = 0.25
"""Variance of the noise of a target, of least squares at every size."""
DESCENT_RATE = 0.1
_EXAMPLES, _INPUTS, _STEPS = 200, 40, 3000

FloatArray = npt.NDArray[np.float64]


def of_isotropic(runs: xr.Dataset, *, examples: int = _EXAMPLES, draws: int = 4) -> xr.Dataset:
    """Excess test error ``risk (seed, ratio)`` of least-norm least squares on normal inputs, mean over draws; signal 1."""
    seeds = [int(seed) for seed in runs["seed"].values]
    risk = [
        [
            np.mean(
                [
                    _risk(np.random.default_rng([seed, i, draw]), round(ratio * examples), examples)
                    for draw in range(draws)
                ]
            )
            for i, ratio in enumerate(SIZE_RATIOS)
        ]
        for seed in seeds
    ]
    return xr.Dataset({"risk": (("seed", "ratio"), np.array(risk))}, {"seed": seeds, "ratio": list(SIZE_RATIOS)})


def _risk(rng: np.random.Generator, inputs: int, examples: int) -> float:
    x, teacher = rng.normal(size=(examples, inputs)), rng.normal(size=inputs)
    teacher /= np.linalg.norm(teacher)
    targets = x @ teacher + np.sqrt(NOISE_VARIANCE) * rng.normal(size=examples)
    return float(((np.linalg.lstsq(x, targets)[0] - teacher) ** 2).sum())


def descent() -> Experiment:
    """Linear regression by full-batch gradient descent, with as many train examples as inputs and noisy targets."""
    return Experiment(
        task=TeacherStudent(input_dim=_INPUTS, output_dim=1, hidden=(), noise=0.5),
        train_size=_INPUTS,
        test_size=2000,
        model=MLP(hidden=()),
        loss="mse",
        optimizer=sgd(DESCENT_RATE),
        steps=_STEPS,
        record_at=spaced(1, _STEPS, per_decade=6),
        measures=("loss",),
        snapshots=(0, *spaced(1, _STEPS, per_decade=3)),
    )


def of_descent(runs: xr.Dataset) -> xr.Dataset:
    """Weights and risks by the formula beside those of the runs.

    Returns
    -------
    xarray.Dataset
        ``distance (seed)``, the largest distance at any snapshot of the weights from those of the formula, over the way from
        the start; ``risk``, ``signal_risk`` and ``noise_risk (seed, step)`` by the formula at the recorded steps.
    """
    steps = runs["step"].values.tolist()
    found = {int(seed): _of_run(runs.sel(seed=[seed]), steps) for seed in runs["seed"].values}
    return xr.concat(list(found.values()), xr.Variable("seed", list(found)))


def _of_run(run: xr.Dataset, steps: list[int]) -> xr.Dataset:
    networks = list(mj.snapshots(run))
    weights = np.stack([_flat(one.params) for one in networks])
    given = _given(networks[0])
    exact = analysis.gradient_descent_risk(**given, steps=[one.step for one in networks])["weights"].values
    far = np.linalg.norm(weights - exact, axis=1).max() / np.linalg.norm(weights[-1] - weights[0])
    curves = analysis.gradient_descent_risk(**given, steps=steps)[["risk", "signal_risk", "noise_risk"]]
    return curves.drop_attrs().assign(distance=far)


def _given(first: mj.Snapshot) -> dict[str, Any]:
    """What the formula needs of a run: inputs with ones for the bias, true coefficients, noise, rate and start."""
    task: Any = first.experiment.task
    ((kernel, bias),) = task.teacher(first.experiment.data_key)
    teacher = np.append(np.asarray(kernel, np.float64)[:, 0], float(np.ravel(bias)[0]))
    x = np.append(np.asarray(first.train.x, np.float64), np.ones((len(first.train.x), 1)), axis=1)
    errors = np.asarray(first.train.y, np.float64)[:, 0] - x @ teacher
    return {"x": x, "teacher": teacher, "errors": errors, "learning_rate": DESCENT_RATE, "start": _flat(first.params)}


def _flat(params: Any) -> FloatArray:
    layer = params["layer_0"]
    return np.append(np.asarray(layer["kernel"], np.float64)[:, 0], float(np.ravel(layer["bias"])[0]))
