"""The local learning coefficient of snapshots: chains of SGLD around all of them, as one packed batch of runs."""

from __future__ import annotations

import dataclasses
import json
import math
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.series.chains import effective_sample_size, r_hat
from memjax.engine.pack import PAD, batch_order
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.losses import get as losses_of
from memjax.measures import Measure, hessian_top, loss, step_loss
from memjax.measures.sampled.llc import LLC, VERDICTS
from memjax.optimizers import sgld
from memjax.precision import wide
from memjax.snapshots import Snapshot
from memjax.start import Start
from memjax.together import train_together

__all__ = ["learning_coefficients"]

FloatArray = npt.NDArray[np.float64]

_PILOT_STEPS = 100
_SHARES = (1.0, 0.25, 0.0625)
# A step is stable up to 4 / curvature; what a chain meets beyond its pilot may be steeper.
_LIMIT, _MARGIN = 4.0, 2.0
_DRIFT_SHARE, _DRIFT_ERRORS = 0.1, 3.0
_TRAIN_LOSS = Measure(loss.function, "loss", per_example=True)
_CURVATURE = hessian_top(iterations=15, name="curvature")


class _Around(NamedTuple):
    """A snapshot with its parameters as a start."""

    snapshot: Snapshot
    start: Start


class _Place(NamedTuple):
    """Where chains are: around which snapshot, at which temperature, with which step size."""

    around: _Around
    nbeta: float
    step_size: float


class _Used(NamedTuple):
    """What the chains around one snapshot were made with, by temperature ``[J]``; and the loss that they start from."""

    nbeta: FloatArray
    step_size: FloatArray
    curvature: FloatArray
    lowest: float


def learning_coefficients(found: Sequence[Snapshot], settings: LLC) -> list[dict[str, xr.DataArray]]:
    """Estimates for every snapshot, by name; see `memjax.measures.llc`.

    Raises
    ------
    InputError
        If n / log n is asked for and a snapshot was trained on one example.
    """
    for snapshot in found:
        _check_batch(snapshot, settings)
    nbeta = np.array([[_nbeta(one, snapshot) for one in settings.nbeta] for snapshot in found])
    centers = [_Around(snapshot, snapshot.start) for snapshot in found]
    # Without a step, by the program of the pilots, if there are any: its first record is of the snapshot itself.
    at = train_together([_pilot(_Place(center, 1.0, 0.0), settings, 0) for center in centers])
    lowest = np.array([one.records["loss"][0] for one in at], np.float64)
    bend = np.array([one.records["curvature"][0] for one in at], np.float64)
    steepest = nbeta * np.maximum(bend, 0)[:, None] + settings.localization
    if settings.step_size is None:
        step_size, steepest = _calibrated(centers, nbeta, steepest, settings)
    else:
        step_size = np.full(nbeta.shape, settings.step_size)
    traces = nbeta[..., None, None] * _rises(centers, nbeta, step_size, settings)
    used = [_Used(*one) for one in zip(nbeta, step_size, steepest, lowest, strict=True)]
    columns = [
        _estimates(own, at, len(center.start.parameters), settings)
        for center, own, at in zip(centers, traces, used, strict=True)
    ]
    return [_labelled(column, settings) for column in columns]


def _nbeta(wanted: float | None, snapshot: Snapshot) -> float:
    size = len(snapshot.train.y)
    if wanted is None and size < 2:
        raise InputError("llc.nbeta is None for n / log n, but a run has one train example: give a number.")
    return size / math.log(size) if wanted is None else float(wanted)


def _check_batch(snapshot: Snapshot, settings: LLC) -> None:
    size = len(snapshot.train.y)
    if settings.batch_size is not None and settings.batch_size > size:
        raise InputError(
            f"llc.batch_size is {settings.batch_size}, but a run has {size} train examples: lower it, or use None for all."
        )


def _pilot(place: _Place, settings: LLC, number: int) -> Experiment:
    """A short chain that looks at loss and curvature before it and at its end."""
    steps = _PILOT_STEPS if settings.step_size is None else 1
    return dataclasses.replace(
        _chain(place, settings, "pilot", number),
        steps=steps,
        record_every=steps,
        measures=(_TRAIN_LOSS, _CURVATURE),
    )


def _chain(place: _Place, settings: LLC, role: str, number: int) -> Experiment:
    # Of the parameters themselves, so that an estimate depends neither on what else is estimated nor on how it was selected.
    words = f"{place.around.start.digest} {place.nbeta} {role}"
    seed = np.random.SeedSequence([settings.seed, zlib.crc32(words.encode()), number]).generate_state(1)[0]
    own = place.around.snapshot.experiment
    return dataclasses.replace(
        own,
        start=place.around.start,
        optimizer=sgld(place.step_size, nbeta=place.nbeta, localization=settings.localization),
        init_seed=int(seed),
        data_seed=own.data_key,
        batch_size=settings.batch_size,
        loss_scale=1.0,
        snapshots=(),
    )


def _calibrated(
    centers: Sequence[_Around], nbeta: FloatArray, steepest: FloatArray, settings: LLC
) -> tuple[FloatArray, FloatArray]:
    """Step size of every snapshot and temperature ``[S, J]``, and the steepest curvature that its pilot met."""
    # A flat point without a pull has no scale of its own: then that of unit curvature.
    tried = _LIMIT * settings.safety / np.where(steepest > 0, steepest, nbeta)[..., None] * np.array(_SHARES)
    runs = [
        _pilot(_Place(centers[s], float(nbeta[s, j]), float(tried[s, j, k])), settings, k)
        for s, j, k in np.ndindex(*tried.shape)
    ]
    pilots = train_together(runs)
    read = lambda name, k: np.array([p.records[name][k] for p in pilots], np.float64).reshape(tried.shape)  # noqa: E731
    reached = nbeta[..., None] * (read("loss", -1) - read("loss", 0))
    curvature = nbeta[..., None] * np.maximum(read("curvature", -1), 0) + settings.localization
    most = np.array([len(center.start.parameters) / 2 for center in centers])[:, None, None]
    good = (reached <= most) & (tried * curvature < _MARGIN)
    # The last, smallest, stands where none is good: its chains will be judged.
    chosen = np.where(good.any(-1), good.argmax(-1), len(_SHARES) - 1)[..., None]
    met = np.take_along_axis(curvature, chosen, -1)[..., 0]
    return np.take_along_axis(tried, chosen, -1)[..., 0], np.fmax(steepest, met)


def _rises(centers: Sequence[_Around], nbeta: FloatArray, step_size: FloatArray, settings: LLC) -> FloatArray:
    """Loss of every draw above that of the snapshot ``[S, J, chains, draws]``; NaN from where a chain diverged."""
    before = math.ceil(settings.burn_in / settings.thin)
    runs = [
        dataclasses.replace(
            _chain(_Place(centers[s], float(nbeta[s, j]), float(step_size[s, j])), settings, "chain", c),
            steps=(before + settings.draws) * settings.thin,
            record_every=settings.thin,
            measures=(step_loss,),
        )
        for s, j, c in np.ndindex(*nbeta.shape, settings.chains)
    ]
    losses = np.array([chain.records["step_loss"][1:] for chain in train_together(runs)], np.float64)
    losses = losses.reshape(*nbeta.shape, settings.chains, -1)
    # The chains of a snapshot go through the same batches.
    first = runs[:: losses.shape[1] * losses.shape[2]]
    own = [_own_losses(center, run) for center, run in zip(centers, first, strict=True)]
    return (losses - np.array(own)[:, None, None])[..., before:]


def _own_losses(center: _Around, run: Experiment) -> FloatArray:
    """Loss of the snapshot itself on what each draw of a chain saw: ``[draws]``.

    That of all train examples, or of the draw's minibatches: their mean is the same, but what makes one batch harder than
    another is then no noise of the draws, nor one that all chains have in common.
    """
    snapshot = center.snapshot
    outputs = wide(snapshot.outputs(snapshot.train.x))
    each = np.asarray(losses_of(snapshot.experiment.loss)(outputs, jnp.asarray(snapshot.train.y)), np.float64)
    if run.batch_size is None:
        return np.full(run.steps // run.record_every, each.mean())
    rows = batch_order([run], run.batch_size, 0, run.steps)[:, 0]
    means = np.mean(each[np.maximum(rows, 0)], -1, where=rows != PAD)
    return means.reshape(-1, run.record_every).mean(-1)


def _estimates(
    traces: FloatArray, used: _Used, parameters: int, settings: LLC
) -> dict[str, tuple[tuple[str, ...], Any]]:
    """Variables of one snapshot from ``traces[J, chains, draws]``, with the names of their dimensions after ``nbeta``."""
    whole = np.isfinite(traces).all(-1)
    chains = np.where(whole, traces.mean(-1), np.nan)
    # The mean of the chains that are whole; NaN where none is.
    means = np.divide(np.nansum(chains, -1), whole.sum(-1), out=np.full(len(chains), np.nan), where=whole.any(-1))
    half = traces.shape[-1] // 2
    drift = (traces[..., half:].mean(-1) - traces[..., :half].mean(-1)).mean(-1)
    error = np.sqrt(traces.var((-1, -2), ddof=1) / effective_sample_size(traces))
    agreement = r_hat(traces)
    stable = whole.all(-1) & (means <= parameters) & (used.step_size * used.curvature < _LIMIT)
    # Each half has half the draws, and the drift is a difference of two.
    moved = np.abs(drift) > np.maximum(_DRIFT_SHARE * np.abs(means), _DRIFT_ERRORS * 2 * error)
    settled = (agreement <= settings.most_r_hat) & ~moved
    verdict = np.select([~stable, means < 0, ~settled], [3, 2, 1], 0)
    found: dict[str, tuple[tuple[str, ...], Any]] = {
        "llc": ((), means), "llc_error": ((), error), "llc_chain": (("chain",), chains), "llc_r_hat": ((), agreement),
        "llc_drift": ((), drift), "llc_verdict": ((), verdict), "llc_nbeta": ((), used.nbeta),
        "llc_step_size": ((), used.step_size), "llc_curvature": ((), used.curvature),
        "llc_loss": ((), np.full(used.nbeta.shape, used.lowest)),
    }  # fmt: skip
    return found | ({"llc_trace": (("chain", "draw"), traces)} if settings.traces else {})


_NAMES = {
    "llc": "local learning coefficient",
    "llc_error": "standard error of the local learning coefficient",
    "llc_chain": "local learning coefficient by each chain",
    "llc_trace": "n beta (L - L(w*)) of each draw",
    "llc_r_hat": "split R-hat of the chains",
    "llc_drift": "second half of the chains minus first half",
    "llc_verdict": "verdict on the estimate",
    "llc_nbeta": "inverse temperature n beta",
    "llc_step_size": "step size of SGLD",
    "llc_curvature": "largest curvature of the drift of SGLD",
    "llc_loss": "train loss at the snapshot",
}


def _labelled(values: dict[str, tuple[tuple[str, ...], Any]], settings: LLC) -> dict[str, xr.DataArray]:
    lead: tuple[str, ...] = ("nbeta",)
    coords = {"nbeta": settings.labels}
    if len(settings.nbeta) == 1:
        values = {name: (dims, array[0]) for name, (dims, array) in values.items()}
        lead, coords = (), {}
    found = {}
    for name, (dims, array) in values.items():
        found[name] = xr.DataArray(array, coords, (*lead, *dims), attrs={"long_name": _NAMES[name], "units": "1"})
    found["llc"].attrs["settings"] = json.dumps(dataclasses.asdict(settings))
    found["llc_verdict"].attrs |= {"flag_values": list(range(len(VERDICTS))), "flag_meanings": " ".join(VERDICTS)}
    return found
