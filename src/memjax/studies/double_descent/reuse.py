"""Networks that start from the narrower network before them, as in Belkin et al., and where such a chain ends."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import xarray as xr

import memjax as mj
from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.studies.double_descent import numbers
from memjax.studies.kit import Sweep
from memjax.types import Params

__all__ = ["chain", "name_of", "reused", "spliced", "threshold"]


def name_of(width: int) -> str:
    """Name of the sweep in which networks of a width start from narrower ones."""
    return f"reuse_{width}"


def chain(network: Experiment, widths: tuple[int, ...], datasets: Mapping[str, xr.Dataset]) -> dict[str, Sweep]:
    """The next sweep of the chain: that of the width whose narrower networks are the last ones there.

    Parameters
    ----------
    network
        Experiment of one network, which keeps its last parameters as the only snapshot.
    widths
        Widths from the narrowest to the widest.
    datasets
        The sweeps that are trained, by name: that of the first width, and some of the others.

    Returns
    -------
    dict
        Sweeps by name. A network starts with the last parameters of the network of the width before it, of the same seed and
        label noise, and its further units start with a draw of their own.
    """
    return {
        name_of(width): _link(replace(network, model=MLP(hidden=(width,))), datasets[name_of(before)])
        for before, width in itertools.pairwise(widths)
        if name_of(before) in datasets and name_of(width) not in datasets
    }


def _link(network: Experiment, before: xr.Dataset) -> Sweep:
    ends = [(_noise(one.experiment), one.experiment.seed, one.start) for one in mj.snapshots(before)]
    rooms = {seed: _drawn(network, seed) for _, seed, _ in ends}
    starts = [(noise, seed, end.grown(rooms[seed], f"label_noise={noise:g}, seed={seed}")) for noise, seed, end in ends]
    over: dict[str | tuple[str, ...], Any] = {("label_noise", "seed", "start"): starts}
    return Sweep(network, over)


def _noise(network: Experiment) -> float:
    task: Any = network.task
    return float(task.label_noise)


def _drawn(network: Experiment, seed: int) -> Params:
    """Initial parameters of a network of this width; other widths have other ones."""
    task: Any = network.task
    model: Any = replace(network.model, outputs=task.num_outputs)
    key = jax.random.fold_in(jax.random.key(seed), model.hidden[0])
    drawn: Params = model.init(key, task.pool[:1])
    return drawn


def reused(datasets: Mapping[str, xr.Dataset], width: xr.Dataset) -> xr.Dataset:
    """Errors at the end of networks that start from narrower ones.

    Parameters
    ----------
    datasets
        All datasets; those of the chain have the names of `name_of`.
    width
        Errors of fresh networks, as `numbers.errors` makes them, by ``label_noise``, ``width`` and ``seed``.

    Returns
    -------
    xarray.Dataset
        ``fresh_train``, ``fresh_test``, ``train`` and ``test`` errors by ``label_noise``, ``width`` and ``seed``; the attribute
        ``end`` is the `threshold`.
    """
    links = {int(one): datasets[name_of(one)] for one in width["width"].values.tolist() if name_of(one) in datasets}
    own = [_by_run(one).expand_dims(width=[name]) for name, one in links.items()]
    found = xr.concat(own, "width").rename(last_train="train", last_test="test")
    fresh = width[["last_train", "last_test"]].reset_coords(drop=True).sel(width=found["width"])
    network = Experiment.from_json(next(iter(links.values())).attrs["experiment"])
    both = found.merge(fresh.rename(last_train="fresh_train", last_test="fresh_test"))
    return both.assign_attrs(end=threshold(network, list(links)))


def threshold(network: Experiment, widths: Sequence[int]) -> int:
    """Largest width with at most as many parameters as train examples times classes, up to which Belkin et al. reuse weights.

    The narrowest width, if all have more.
    """
    task: Any = network.task
    inputs, classes = math.prod(task.pool.shape[1:]), task.num_outputs
    counts = {width: (inputs + 1) * width + (width + 1) * classes for width in widths}
    return max((width for width, count in counts.items() if count <= network.sizes()[0] * classes), default=min(widths))


def _by_run(runs: xr.Dataset) -> xr.Dataset:
    """Errors at the end by ``label_noise`` and ``seed``, also of runs by their start."""
    last = numbers.errors(runs)[["last_train", "last_test"]]
    if "start" not in last.dims:
        return last
    names = {name: ("start", runs[name].values) for name in ("label_noise", "seed")}
    return last.drop_vars("start").assign_coords(names).set_index(start=list(names)).unstack("start")


def spliced(found: xr.Dataset) -> xr.DataArray:
    """Test errors of networks that start from narrower ones up to the threshold, and of fresh networks above."""
    return found["test"].where(found["width"] <= found.attrs["end"], found["fresh_test"])
