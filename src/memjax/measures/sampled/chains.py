"""Chains of SGLD around snapshots, as one packed batch of runs, and the loss along them."""

from __future__ import annotations

import dataclasses
import functools
import math
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from memjax.errors import InputError
from memjax.jax_settings import wide
from memjax.losses import get as losses_of
from memjax.losses.seeing import Seeing, seeing
from memjax.measures.recorded.loss import step_loss
from memjax.measures.sampled.settings import Settings
from memjax.models.randomness import still
from memjax.optimizers.noise import sgld
from memjax.random.minibatches import PAD, batch_order
from memjax.types import Array, Trainer

__all__ = ["Around", "FloatArray", "Place", "chain", "check_batch", "rises", "temperature"]

FloatArray = npt.NDArray[np.float64]


class Around(NamedTuple):
    """A snapshot with its parameters as a start."""

    snapshot: Any
    start: Any


class Place(NamedTuple):
    """Where chains are: around which snapshot, at which temperature, with which step size."""

    around: Around
    nbeta: float
    step_size: float


def temperature(wanted: float | None, snapshot: Any) -> float:
    """Inverse temperature n beta of a snapshot: a number, or n / log n for None."""
    size = len(snapshot.train.y)
    if wanted is None and size < 2:
        raise InputError("llc.nbeta is None for n / log n, but a run has one train example: give a number.")
    return size / math.log(size) if wanted is None else float(wanted)


def check_batch(snapshot: Any, settings: Settings) -> None:
    """Raise `InputError` where there is no train set, or minibatches are larger than the train set."""
    size = len(snapshot.train.y)
    if not size:
        raise InputError(
            "llc estimates from the train examples of a run, but a run with train_size = 'fresh' keeps none: give the sweep a "
            "number as train_size."
        )
    if settings.batch_size is not None and settings.batch_size > size:
        raise InputError(
            f"llc.batch_size is {settings.batch_size}, but a run has {size} train examples: lower it, or use None for all."
        )


def chain(place: Place, settings: Settings, role: str, number: int) -> Any:
    """A run of SGLD from a snapshot; ``role`` and ``number`` tell its noise from that of other chains."""
    # The seed follows from the parameters, so an estimate depends neither on other estimates nor on how its run was selected.
    words = f"{place.around.start.digest} {place.nbeta} {role}"
    seed = np.random.SeedSequence([settings.seed, zlib.crc32(words.encode()), number]).generate_state(1)[0]
    own = place.around.snapshot.experiment
    return dataclasses.replace(
        own,
        # The posterior is that of the loss without the random numbers of training.
        model=still(own.model),
        start=place.around.start,
        optimizer=sgld(place.step_size, nbeta=place.nbeta, localization=settings.localization),
        init_seed=int(seed),
        data_seed=own.data_key,
        batch_size=settings.batch_size,
        loss_scale=1.0,
        examples=(),
        examples_at=None,
        stop_when=None,
        keep_best=None,
        snapshots=(),
    )


def rises(
    centers: Sequence[Around], nbeta: FloatArray, step_size: FloatArray, settings: Settings, train: Trainer
) -> FloatArray:
    """Loss of every draw minus the loss of the snapshot, ``[S, J, chains, draws]``; NaN from where a chain diverged."""
    before = math.ceil(settings.burn_in / settings.thin)
    runs = [
        dataclasses.replace(
            chain(Place(centers[s], float(nbeta[s, j]), float(step_size[s, j])), settings, "chain", c),
            steps=(before + settings.draws) * settings.thin,
            record_every=settings.thin,
            record_at=None,
            measures=(step_loss,),
        )
        for s, j, c in np.ndindex(*nbeta.shape, settings.chains)
    ]
    losses = np.array([chain.records["step_loss"][1:] for chain in train(runs)], np.float64)
    losses = losses.reshape(*nbeta.shape, settings.chains, -1)
    # The chains of a snapshot go through the same batches.
    first = runs[:: losses.shape[1] * losses.shape[2]]
    # One program for all snapshots: on an accelerator, operations one by one are compiled one by one.
    fields = {id(center.snapshot.experiment.loss): center.snapshot.experiment.loss for center in centers}
    programs = {key: jax.jit(functools.partial(_each_loss, loss)) for key, loss in fields.items()}
    own = [
        _own_losses(center, run, programs[id(center.snapshot.experiment.loss)])
        for center, run in zip(centers, first, strict=True)
    ]
    return (losses - np.array(own)[:, None, None])[..., before:]


def _each_loss(loss: Any, outputs: Array, targets: Array) -> Array:
    return losses_of(loss)(wide(outputs), targets)


def _own_each(snapshot: Any, each_loss: Callable[..., Array]) -> FloatArray:
    """Losses ``[N]`` of the train examples of a snapshot."""
    x, y = (jnp.asarray(part) for part in snapshot.train)
    outputs, found = snapshot.outputs(snapshot.train.x), seeing(losses_of(snapshot.experiment.loss), snapshot.model)
    if isinstance(found, Seeing):
        params = jax.tree.map(jnp.asarray, snapshot.params)
        return np.asarray(jax.jit(found.of)(wide(outputs), y, params, x), np.float64)
    return np.asarray(each_loss(outputs, y), np.float64)


def _own_losses(center: Around, run: Any, each_loss: Callable[..., Array]) -> FloatArray:
    """Loss of the snapshot itself on what each draw of a chain saw: ``[draws]``.

    With minibatches, the snapshot's loss on the very minibatches of a draw is subtracted. Some batches are harder than
    others, which would look like sampling noise, and all chains would share that noise.
    """
    snapshot = center.snapshot
    each = _own_each(snapshot, each_loss)
    if run.batch_size is None:
        return np.full(run.steps // run.record_every, each.mean())
    rows = batch_order([run], run.batch_size, 0, run.steps, [snapshot.places])[:, 0]
    means = np.mean(each[np.maximum(rows, 0)], -1, where=rows != PAD)
    return means.reshape(-1, run.record_every).mean(-1)
