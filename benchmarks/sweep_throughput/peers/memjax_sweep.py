"""memjax: one call of `memjax.sweep`."""

from __future__ import annotations

import json
from typing import Any

import jax

import memjax as mj
from benchmarks.sweep_throughput.peers import RECORDS, Settings, Train, Trained
from benchmarks.sweep_throughput.works import WIDTHS, Work

_AXES = ("train_size", "optimizer.learning_rate", "seed")


def prepare(work: Work, settings: Settings, packing: mj.Packing | None = None) -> Train:
    """Function of a number of steps that trains all runs from the start."""
    if settings.cache is not None:
        mj.enable_compile_cache(settings.cache)
    if settings.precision == "highest":
        jax.config.update("jax_default_matmul_precision", "highest")
    over = axes(work)

    def train(steps: int) -> Trained:
        ds = mj.sweep(experiment(work, steps), over, progress=False, packing=packing)
        records = {name: ds[name].values.reshape(len(work.sizes), -1) for name in RECORDS}
        packed = json.loads(ds.attrs["packing"])
        return Trained(records, {name: packed[name] for name in ("lanes", "blocks", "shapes")})

    return train


def grain(work: Work, settings: Settings) -> int:
    """All of them: memjax is never timed in part."""
    del settings
    return work.fewest()


def experiment(work: Work, steps: int) -> mj.Experiment:
    """What is the same for all runs."""
    return mj.Experiment(
        task=mj.tasks.RandomLabels(input_dim=WIDTHS[0], num_classes=WIDTHS[-1]),
        model=mj.models.MLP(hidden=WIDTHS[1:-1]),
        steps=steps,
        record_every=work.record_every,
        batch_size=work.batch_size,
        measures=("loss", "accuracy", "weight_l2"),
    )


def axes(work: Work) -> dict[Any, Any]:
    """Axes of a work: a product where the work is one in this order of runs, else one axis of all runs."""
    columns = [(size, rate, seed) for size, seed, rate in work.runs]
    values = [list(dict.fromkeys(column)) for column in zip(*columns, strict=True)]
    product = [(size, rate, seed) for size in values[0] for rate in values[1] for seed in values[2]]
    return dict(zip(_AXES, values, strict=True)) if product == columns else {_AXES: columns}
