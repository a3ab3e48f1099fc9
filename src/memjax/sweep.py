"""The one public verb: from an experiment and its axes to a labelled Dataset."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from memjax.encode import encoded_fields
from memjax.engine.axes import read_axes
from memjax.engine.execute import execute
from memjax.engine.keep import InMemory, Keeper
from memjax.engine.partition import Packing, default_lanes
from memjax.engine.plan import Plan, pack, plan_of, read_groups
from memjax.engine.remote import Executor, check_executor, execute_on
from memjax.engine.result import sheet_of
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.precision import x64_enabled
from memjax.progress import Planning, Progress
from memjax.results.assemble import Filled, assemble
from memjax.results.carried import carry
from memjax.results.schema import attributes, now, versions
from memjax.resume import Train, check_store, sweep_in_store
from memjax.store.axes import entry_of
from memjax.store.enter import Call
from memjax.store.manifest import AxisEntry

__all__ = ["sweep"]

_LOG = logging.getLogger("memjax")


def sweep(
    experiment: Experiment,
    over: Mapping[str | tuple[str, ...], Iterable[Any]] | None = None,
    *,
    store: str | os.PathLike[str] | None = None,
    shard: tuple[int, int] | None = None,
    repair: bool = False,
    executor: Executor | None = None,
    progress: bool | None = None,
    packing: Packing | None = None,
) -> xr.Dataset:
    """Train one network for every cell of a product of axes, as one packed batch.

    Parameters
    ----------
    experiment
        Every field that is not swept.
    over
        Values by field. A field is named by its short name where that is unambiguous (``learning_rate``) or by its
        path (``optimizer.learning_rate``); a tuple of names moves those fields together along one axis, with tuples of
        values. The values are a list, or a dict from names to values, such as ``{"constant": f, "cosine": g}``, whose
        names become the labels. Numbers that enter the program as data (seeds, sizes, optimizer scalars, ``init_scale``)
        share one program; structure (``hidden``, ``activation``, whole models or optimizers) makes a program per value.
    store
        Folder that keeps every finished block, and unfinished ones every few seconds. The same call again goes on from
        there; more values on an axis train only the new runs. `memjax.open` reads it at any time.
    shard
        ``(i, n)``: train the i-th of n shares only. n processes with the same store, on any machines, make the sweep;
        the Dataset is what the store holds by then, other runs ``waiting`` or ``running``.
    repair
        Whether damaged parts of the store are put aside and their runs trained again; otherwise they are an error.
    executor
        Where blocks are trained, such as ``dask.distributed.Client().get_executor()``; None trains on all lanes of this
        machine.
    progress
        Whether to show a bar; None shows it in a terminal and in a notebook.
    packing
        How to pack the runs; None chooses for the backend and the work.

    Returns
    -------
    xr.Dataset
        Dimensions: the axes in their order, then ``step`` (0, record_every, ..., steps). Data variables: the measures,
        float32 unless 64-bit numbers are enabled. Coordinates ``status``, ``stop_step`` and ``num_parameters`` per run;
        records after a run diverged are NaN, and ``stop_reason`` says why. Attributes: experiment, axes, versions and packed
        shapes.

    Raises
    ------
    InputError
        For anything that cannot be trained as asked, before training starts; for a store that is of another experiment, in
        use, damaged or cannot be written to.
    KeyboardInterrupt
        After an interrupt, when every lane has ended its segment and kept it.

    Notes
    -----
    A run's data, initial parameters and batch order follow from its own seeds alone. Its trajectory is the same in any
    company up to float rounding, and bit for bit under the same packed shape, device and versions.

    Examples
    --------
    >>> import memjax as mj
    >>> blog = mj.Experiment(task=mj.tasks.RandomLabels(input_dim=9, num_classes=17), steps=20, record_every=10)
    >>> ds = mj.sweep(blog, over={"train_size": [50, 100], "seed": range(3)})
    >>> dict(ds.weight_l2.sizes)
    {'train_size': 2, 'seed': 3, 'step': 3}
    """
    if not isinstance(experiment, Experiment):
        raise InputError(f"sweep got {experiment!r}: give a memjax.Experiment.")
    folder = check_store(store, shard, repair)
    if executor is not None:
        check_executor(executor)
    packing, axes = packing or Packing(), read_axes(over or {})
    with Planning(progress) as planning:
        groups = read_groups(experiment, axes, watch=planning)

    def train(plan: Plan, keeper: Keeper, done: int) -> None:
        _announce(plan)
        with Progress(plan, progress, done) as bar:
            execute(plan, keeper, bar) if executor is None else execute_on(executor, plan, keeper, bar)

    if folder is None:
        plan = plan_of(experiment, axes, pack(groups, packing), packing)
        # Written now: files, and what functions use, may change while runs are trained.
        objects: list[Any] = []
        fields = encoded_fields(experiment, objects)
        entries = [entry_of(axis, objects=objects) for axis in axes]
        dataset = _in_memory(fields, entries, plan, train)
        carry(dataset, objects)
    else:
        call = Call(experiment, axes, groups)
        dataset = sweep_in_store(folder, call, packing, _made(packing), train, shard, repair)
        carry(dataset, call.objects)
    _report(dataset)
    return dataset


def _in_memory(fields: dict[str, Any], entries: list[AxisEntry], plan: Plan, train: Train) -> xr.Dataset:
    keeper = InMemory()
    try:
        train(plan, keeper, 0)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Stopped, and nothing is kept: with store=folder the next call goes on.") from None
    blocks = [Filled(sheet_of(b.program), [run.index for run in b.runs], result) for b, result in keeper.finished]
    dataset = assemble([axis.coords() for axis in plan.axes], blocks)
    packed = [(block.schedule, block.shape) for block in plan.blocks]
    dataset.attrs = attributes(fields, entries, packed, _made(Packing(lanes=plan.lanes)))
    return dataset


def _made(packing: Packing) -> dict[str, Any]:
    """Where and with what a sweep is made."""
    device = jax.local_devices()[0]
    machine = {
        "backend": device.platform,
        "device": device.device_kind,
        "devices": jax.local_device_count(),
        "lanes": packing.lanes or default_lanes(),
        "x64": x64_enabled(),
    }
    return {"packing": machine, "versions": versions(), "created": now()}


def _announce(plan: Plan) -> None:
    _LOG.info(
        "%d runs in %d blocks on %d lanes; about %.0f MB of memory beside what the process holds.",
        len(plan.runs),
        len(plan.blocks),
        plan.lanes,
        plan.memory.added / 1e6,
    )


def _report(dataset: xr.Dataset) -> None:
    """One line on runs that diverged, if there are any."""
    reasons = dataset["stop_reason"].values[dataset["status"].values == "diverged"]
    if not len(reasons):
        return
    kinds, counts = np.unique(reasons, return_counts=True)
    why = ", ".join(f"{kind} in {count}" for kind, count in zip(kinds, counts, strict=True))
    _LOG.warning(
        "%d of %d runs diverged (%s); their records after `stop_step` are NaN.",
        len(reasons),
        dataset["status"].size,
        why,
    )
