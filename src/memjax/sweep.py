"""`memjax.sweep`: train an experiment over its axes, and return a labelled Dataset."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from memjax.engine.plan.groups import read_groups
from memjax.engine.plan.packing import Packing, default_lanes
from memjax.engine.plan.plan import Plan, pack, plan_of
from memjax.engine.program.outcome import record_schema
from memjax.engine.training.executor import Executor
from memjax.engine.training.keep import Keeper
from memjax.engine.training.progress import PlanningProgress
from memjax.engine.training.train_runs import train_in_memory, train_plan
from memjax.experiment import Experiment
from memjax.experiment.axes import read_axes
from memjax.experiment.rules import check_executor, check_experiment, check_store
from memjax.experiment.written import encode_request
from memjax.jax_settings import product_precision, x64_enabled
from memjax.results.assemble import BlockRecords, assemble
from memjax.results.carried import carry
from memjax.results.schema import attributes, now, versions
from memjax.store.request import Request
from memjax.store.resume import sweep_in_store

__all__ = ["sweep"]

_LOG = logging.getLogger("memjax")


def sweep(
    experiment: Experiment,
    over: Mapping[str | tuple[str, ...], Iterable[Any]] | None = None,
    *,
    store: str | os.PathLike[str] | None = None,
    shard: tuple[int, int] | None = None,
    repair: bool = False,
    keep_state: bool = False,
    executor: Executor | None = None,
    progress: bool | None = None,
    packing: Packing | None = None,
) -> xr.Dataset:
    """Train one network for every cell of a product of axes, as one packed batch.

    Parameters
    ----------
    experiment
        The values of all fields that are not swept.
    over
        Values by field. A field is named by its short name where that is unambiguous (``learning_rate``) or by its
        path (``optimizer.learning_rate``); a tuple of names moves those fields together along one axis, with tuples of
        values. The values are a list, or a dict from names to values, such as ``{"constant": f, "cosine": g}``, whose
        names become the labels. Numbers that enter the program as data (seeds, sizes, optimizer scalars, ``init_scale``)
        share one program, and widths and depths share one or a few; other structure (``activation``, whole models or
        optimizers) makes a program per value.
    store
        Folder in which every finished block is saved, and unfinished ones every few seconds. The same call resumes from
        there; with more values on an axis only the new runs are trained, and with more steps, runs whose state was kept go on.
        `memjax.open` reads the store at any time.
    shard
        ``(i, n)``: train only the i-th of n shares. n processes with the same store, on any machines, make the sweep. The
        Dataset then has all runs of the store so far; unfinished runs are ``waiting`` or ``running``.
    repair
        Whether to put damaged parts of the store aside and train their runs again; otherwise a damaged part is an error.
    keep_state
        Whether the store keeps the final training state of the runs that this call trains, so that another call can go on to
        more steps. It takes as much room as the parameters and the optimizer's state, which is often more than the records.
    executor
        Trains the blocks, such as ``dask.distributed.Client().get_executor()``; None trains on all lanes of this machine.
    progress
        Whether to show the runs done and the time left: True shows a bar in a terminal and in a notebook, and a line a minute
        on stderr in any other log, or one at most every ten seconds with an executor. None shows the bar only.
    packing
        How to pack the runs; None chooses the packing from the backend and the work.

    Returns
    -------
    xr.Dataset
        Dimensions: the axes in their order, then ``step``, the steps of all records. Data variables: the measures,
        float32 unless 64-bit numbers are enabled. Coordinates ``status``, ``stop_step`` and ``num_parameters`` per run;
        records after a run diverged are NaN, and ``stop_reason`` says why. Attributes: experiment, axes, versions and packed
        shapes.

    Raises
    ------
    InputError
        Before training starts, for any invalid argument or run, and for a store that has another experiment, is in use, is
        damaged or is not writable.
    KeyboardInterrupt
        After an interrupt, when every lane has ended its segment and saved it.

    Notes
    -----
    A run's data, initial parameters and batch order follow from its own seeds alone. Its trajectory does not depend on the
    other runs of the sweep, up to float rounding, and is the same bit for bit with the same packed shape, device and
    versions.

    Examples
    --------
    >>> import memjax as mj
    >>> blog = mj.Experiment(task=mj.tasks.RandomLabels(input_dim=9, num_classes=17), steps=20, record_every=10)
    >>> ds = mj.sweep(blog, over={"train_size": [50, 100], "seed": range(3)})
    >>> dict(ds.weight_l2.sizes)
    {'train_size': 2, 'seed': 3, 'step': 3}
    """
    check_experiment("sweep", experiment)
    folder = check_store(store, shard, repair, keep_state)
    if executor is not None:
        check_executor(executor)
    packing, axes = packing or Packing(), read_axes(over or {})
    with PlanningProgress(progress) as planning:
        groups = read_groups(experiment, axes, watch=planning)
    if folder is None:
        plan = plan_of(experiment, axes, pack(groups, packing), packing)
        dataset = _sweep_in_memory(plan, progress, executor)
    else:
        train = functools.partial(_train, progress=progress, executor=executor)
        request = Request(experiment, axes, groups)
        dataset = sweep_in_store(folder, request, packing, _provenance(packing), train, shard, repair, keep_state)
        carry(dataset, request.encoded.objects)
    _report(dataset)
    return dataset


def _sweep_in_memory(plan: Plan, progress: bool | None, executor: Executor | None) -> xr.Dataset:
    """Train a plan without a store, and return its Dataset."""
    # Encode the request before training: files and the values that functions use may change meanwhile.
    request = encode_request(plan.experiment, plan.axes)
    _announce(plan)
    try:
        finished = train_in_memory(plan, progress, executor)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Stopped, and nothing is kept: with store=folder the next call goes on.") from None
    blocks = [
        BlockRecords(record_schema(b.program), [run.index for run in b.runs], b.sizes, result) for b, result in finished
    ]
    dataset = assemble([axis.coords() for axis in plan.axes], blocks)
    packed = [(block.schedule, (*block.shape[:4], *block.shape.more), block.program.widths) for block in plan.blocks]
    dataset.attrs = attributes(request.fields, request.axes, packed, _provenance(Packing(lanes=plan.lanes)))
    carry(dataset, request.objects)
    return dataset


def _train(plan: Plan, keeper: Keeper, done: int, *, progress: bool | None, executor: Executor | None) -> None:
    """Train the blocks that a store lacks."""
    _announce(plan)
    train_plan(plan, keeper, progress, executor, done)


def _provenance(packing: Packing) -> dict[str, Any]:
    """Provenance of a sweep: device, lanes, precision, versions and time."""
    device = jax.local_devices()[0]
    machine = {
        "backend": device.platform,
        "device": device.device_kind,
        "devices": jax.local_device_count(),
        "lanes": packing.lanes or default_lanes(),
        "x64": x64_enabled(),
        "matmul_precision": product_precision() or "highest",
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
    """Log one line on runs that diverged, if any."""
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
