"""Audits of the study dp-sgd: guesses about coin flips of one run, and an attack that reaches the guarantee exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import ndtri

from memjax import analysis, privacy
from memjax.experiment import Experiment
from memjax.results.parameters import params
from memjax.studies.dp_sgd.runs import TARGET, canary_experiment, exact_experiment
from memjax.studies.dp_sgd.sizes import DELTA
from memjax.studies.kit import Estimate, fitted

__all__ = [
    "ATTACKS",
    "CURVE",
    "FPR",
    "drops",
    "gradients_at_zero",
    "guessed",
    "moves",
    "one_run",
    "power",
    "projections",
    "released",
    "summed",
]

ATTACKS = ("loss drop", "loss drop beside other runs", "gradients of a linear network")
"""Scores of a canary; the last one has networks of its own."""
FPR = 0.1
"""False positive rate at which the exact attack is held against the closed form."""
CURVE = tuple(np.geomspace(0.002, 0.9, 25).tolist())
# The most and the least suspicious canaries are guessed, each this share of all.
_GUESSED = 0.1

FloatArray = npt.NDArray[np.float64]


def drops(audit: xr.Dataset) -> xr.Dataset:
    """How far the loss of every canary falls in training, and whether a coin has put the canary in.

    ``drop`` ``(setting, seed, canary)`` in nats, and ``trained`` ``(seed, canary)``. Canaries are the rows with a wrong label.
    """
    axis = next(str(dim) for dim in audit.dims if str(dim).startswith("clip_norm_"))
    found = audit.rename({axis: "setting"})
    wrong = (found["corrupted"] > 0).any([dim for dim in found["corrupted"].dims if dim != "example"]).values
    loss = found["example_loss"].isel(example=wrong).rename(example="canary").astype(np.float64)
    trained = (found["train_count"].isel(example=wrong) > 0).isel(setting=0, drop=True).rename(example="canary")
    drop = loss.isel(example_step=0, drop=True) - loss.isel(example_step=-1, drop=True)
    return xr.Dataset({"drop": drop, "trained": trained}).reset_coords(drop=True)


def one_run(found: xr.Dataset, move: xr.Dataset) -> xr.Dataset:
    """Share of right guesses and lower bound on epsilon of every run: ``right`` and ``lower`` ``(attack, setting, seed)``.

    The second attack compares with the mean drop in other runs without the canary, whose coins are independent. The third one
    is of the networks that `moves` knows. ``inside`` and ``outside`` ``(setting, seed)`` are the mean drops of canaries that
    are in the train set and of those that are not.
    """
    drop, trained = found["drop"], found["trained"]
    parts = [
        guessed(drop, trained),
        guessed(drop - _without(drop, trained), trained),
        guessed(move["move"], move["trained"]),
    ]
    names = xr.DataArray(list(ATTACKS), dims="attack", name="attack")
    made = xr.concat(parts, names, combine_attrs="override", join="exact")
    falls = {name: drop.where(kind).mean("canary") for name, kind in (("inside", trained), ("outside", ~trained))}
    return made.assign(falls)


def guessed(score: xr.DataArray, trained: xr.DataArray) -> xr.Dataset:
    """Right guesses about the canaries with the largest and the smallest scores, and lower bounds, ``(setting, seed)``.

    Parameters
    ----------
    score
        ``(setting, seed, canary)``, larger where the network was more probably trained on the canary.
    trained
        Coin flips ``(seed, canary)``.
    """
    size = score.sizes["canary"]
    each = max(1, round(_GUESSED * size))

    def right(values: FloatArray, inside: npt.NDArray[np.bool_]) -> int:
        return privacy.count_right(values, inside, above=each, below=each)[0]

    def lower(count: int) -> float:
        return privacy.audit_one_run(int(count), 2 * each, delta=DELTA, canaries=size)

    counts = xr.apply_ufunc(right, score, trained, input_core_dims=[["canary"], ["canary"]], vectorize=True)
    made = xr.Dataset({"right": counts / (2 * each), "lower": xr.apply_ufunc(lower, counts, vectorize=True)})
    return made.transpose("setting", "seed").assign_attrs(guesses=2 * each, canaries=size)


def _without(drop: xr.DataArray, trained: xr.DataArray) -> xr.DataArray:
    """Mean drop of a canary in the other runs that were not trained on the canary."""
    out = (~trained).astype(np.float64)
    total, count = (drop * out).sum("seed"), out.sum("seed")
    return (total - drop * out) / (count - out).clip(min=1)


def projections(exact: xr.Dataset) -> xr.Dataset:
    """Score of every release of the exact attack: ``z (noise_multiplier, left_out, seed, release)``.

    A release is the step of the parameters, from which the attack takes the clipped gradients of all other rows. The rest is
    projected on the gradient of the target, in units of the deviation of the noise. So the score is normal with the deviation
    1 around 0 without the target, and around 1 / sigma with the target.
    """
    spec = exact_experiment()
    clip, rate = (float(spec.optimizer.hyperparameters[name]) for name in ("clip_norm", "learning_rate"))
    steps = np.diff(_flat(exact, list(spec.snapshots)), axis=-2)
    unit, others = released(clip)
    noise = exact["noise_multiplier"].values[:, None, None, None]
    count = (spec.data_sizes()[0] - (exact["left_out"].values != "none"))[:, None, None]
    z = (-(steps @ unit) * count / rate - others) / (noise * clip)
    coords = {name: exact[name].values for name in ("noise_multiplier", "left_out", "seed")}
    return xr.Dataset({"z": ((*coords, "release"), z)}, coords)


def released(clip: float) -> tuple[FloatArray, float]:
    """Direction ``[P]`` of the target's gradient at parameters of 0, and the clipped gradients of all others along it."""
    gradients = gradients_at_zero(exact_experiment())
    lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
    clipped = gradients * np.minimum(1, clip / lengths)
    unit = gradients[TARGET] / lengths[TARGET]
    return unit, float(np.delete(clipped, TARGET, 0).sum(0) @ unit)


def gradients_at_zero(experiment: Experiment) -> FloatArray:
    """Gradient ``[N, P]`` of the loss of every row in a linear network at 0: the kernel by rows, then the biases.

    The gradient of softmax regression at 0 is the product of (1 / C - one-hot label) and (input, 1).
    """
    x, y = (np.asarray(part) for part in experiment.task.draw(0, experiment.data_sizes()[0], 0)[0])
    classes = experiment.task.num_outputs
    errors = 1 / classes - np.eye(classes)[y]
    flat = x.reshape(len(x), -1).astype(np.float64)
    return np.concatenate([(flat[:, :, None] * errors[:, None]).reshape(len(x), -1), errors], 1)


def _flat(runs: xr.Dataset, steps: list[int]) -> FloatArray:
    """Parameters of linear networks in the order of `gradients_at_zero`, ``[axes..., steps, P]``."""
    layer = params(runs, step=steps)["layer_0"]
    kernel = layer["kernel"].reshape(*layer["bias"].shape[:-1], -1)
    return np.concatenate([kernel, layer["bias"]], -1).astype(np.float64)


def moves(canaries: xr.Dataset) -> xr.Dataset:
    """How far networks that start at 0 have moved against the gradient of every canary.

    ``move`` ``(setting, seed, canary)``, and the coin flips ``trained`` ``(seed, canary)``. Gradients of canaries are nearly
    orthogonal, so a canary that was in has moved the network by a clip norm for every step, times the rate.
    """
    axis = next(str(dim) for dim in canaries.dims if str(dim).startswith("clip_norm_"))
    gradients = gradients_at_zero(canary_experiment())
    unit = gradients / np.linalg.norm(gradients, axis=1, keepdims=True)
    move = -_flat(canaries, [int(canaries["snapshot"][-1])])[..., 0, :] @ unit.T
    trained = (canaries["train_count"] > 0).isel({axis: 0}, drop=True).rename(example="canary")
    found = xr.Dataset({"move": (("setting", "seed", "canary"), move), "trained": trained.reset_coords(drop=True)})
    return found.assign_coords(setting=canaries[axis].values)


def power(scores: xr.DataArray, fpr: float) -> tuple[Estimate, Estimate]:
    """True and false positive rate of scores ``(left_out, ...)`` above the level that ``fpr`` of a standard normal exceeds."""
    alarms = scores > float(-ndtri(fpr))
    parts = [alarms.sel(left_out=kind).values.ravel() for kind in ("none", str(TARGET))]
    return tuple(_share(part) for part in parts)  # type: ignore[return-value]


def _share(alarms: np.ndarray) -> Estimate:
    found = analysis.share_interval(xr.DataArray(alarms, dims="release"), "release")
    return fitted(found, "share", len(alarms))


def summed(scores: xr.DataArray) -> xr.DataArray:
    """Score of the last network alone: the sum over its releases, in units of the deviation of the sum."""
    return scores.sum("release") / np.sqrt(scores.sizes["release"])
