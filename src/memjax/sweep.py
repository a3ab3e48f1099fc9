"""The one public verb: from an experiment and its axes to a labelled Dataset."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import xarray as xr

from memjax.engine.axes import Axis
from memjax.engine.execute import BlockResult, execute
from memjax.engine.partition import BlockPlan, Packing
from memjax.engine.plan import Plan, make_plan
from memjax.engine.status import Status
from memjax.errors import InputError
from memjax.experiment import Experiment
from memjax.precision import x64_enabled
from memjax.progress import Progress
from memjax.results.assemble import assemble
from memjax.results.schema import provenance
from memjax.spec import encode

__all__ = ["sweep"]

_LOG = logging.getLogger("memjax")


def sweep(
    experiment: Experiment,
    over: Mapping[str | tuple[str, ...], Iterable[Any]] | None = None,
    *,
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
        values. Numbers that enter the program as data (seeds, sizes, optimizer scalars, ``init_scale``) share one
        program; structure (``hidden``, ``activation``, whole models or optimizers) makes a program per value.
    progress
        Whether to show a bar; None shows it in a terminal and in a notebook.
    packing
        How to pack the runs; None chooses for the backend and the work.

    Returns
    -------
    xr.Dataset
        Dimensions: the axes in their order, then ``step`` (0, record_every, ..., steps). Data variables: the measures,
        float32 unless 64-bit numbers are enabled. Coordinates ``status`` and ``stop_step`` per run; records after a run
        diverged are NaN. Attributes: experiment, axes, versions and packed shapes.

    Raises
    ------
    InputError
        For anything that cannot be trained as asked, before training starts.

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
    plan = make_plan(experiment, over or {}, packing or Packing())
    _announce(plan)
    finished: list[tuple[BlockPlan, BlockResult]] = []
    with Progress(plan, progress) as bar:

        def on_block(block: BlockPlan, result: BlockResult) -> None:
            finished.append((block, result))
            bar.finished(block)

        execute(plan, on_block, bar.steps, bar.compiled)
    dataset = assemble(plan, finished)
    dataset.attrs = provenance(experiment.to_json(), _axis_labels(plan.axes), _axis_values(plan.axes), _packing(plan))
    _report(dataset)
    return dataset


def _axis_labels(axes: tuple[Axis, ...]) -> dict[str, list[Any]]:
    return {name: labels.tolist() for axis in axes for name, labels in axis.coords().items()}


def _axis_values(axes: tuple[Axis, ...]) -> dict[str, list[Any]]:
    """What the labels stand for, as a spec writes it."""
    return {",".join(axis.names): [encode(row if len(row) > 1 else row[0]) for row in axis.rows] for axis in axes}


def _packing(plan: Plan) -> dict[str, Any]:
    device = jax.local_devices()[0]
    shapes = dict.fromkeys((block.schedule, block.shape) for block in plan.blocks)
    return {
        "backend": device.platform,
        "device": device.device_kind,
        "devices": jax.local_device_count(),
        "lanes": plan.lanes,
        "x64": x64_enabled(),
        "blocks": len(plan.blocks),
        "shapes": [{"schedule": schedule, **shape._asdict()} for schedule, shape in shapes],
    }


def _announce(plan: Plan) -> None:
    _LOG.info(
        "%d runs in %d blocks on %d lanes; about %.0f MB of memory beside what the process holds.",
        len(plan.runs),
        len(plan.blocks),
        plan.lanes,
        plan.memory.added / 1e6,
    )


def _report(dataset: xr.Dataset) -> None:
    diverged = int((dataset["status"] == Status.DIVERGED.label).sum())
    if diverged:
        _LOG.warning(
            "%d of %d runs diverged; their records after `stop_step` are NaN.", diverged, dataset["status"].size
        )
