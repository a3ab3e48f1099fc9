"""Numbers of the study memory-2: bits of labels that networks store per parameter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax.analysis import memorized_bits

__all__ = ["CLASSES", "DIM", "LABEL_BITS", "block_bits", "by_width", "capacity", "slopes", "stored"]

DIM, CLASSES = 10, 10
LABEL_BITS = float(np.log2(CLASSES))
"""What one label holds."""


def stored(datasets: Mapping[str, xr.Dataset]) -> xr.DataArray:
    """Stored bits per parameter ``(network, load, seed, step)``; the load is train examples per parameter.

    ``activation``, ``width`` (0 for the linear model, which is the last one) and ``parameters`` are coordinates by network.
    """
    names = sorted(datasets, key=lambda name: _width(name) or np.inf)
    bits = xr.concat([_of_sweep(_width(name), datasets[name]) for name in names], "network")
    return bits.assign_attrs(long_name="stored label information", units="bits per parameter")


def _width(name: str) -> int:
    return int(name.removeprefix("width_").replace("linear", "0"))


def _of_sweep(width: int, runs: xr.Dataset) -> xr.DataArray:
    parameters, loss = int(runs["num_parameters"].max()), runs["train_loss"].reset_coords(drop=True)
    loss = loss if width else loss.expand_dims(activation=["none"])
    activations = loss["activation"].values.tolist()
    bits = memorized_bits(loss, loss["train_size"], CLASSES) / parameters
    load = (bits["train_size"] / parameters).round(4).values
    labels = [f"{activation}, W = {width}" if width else "linear" for activation in activations]
    return bits.rename(activation="network", train_size="load").assign_coords(
        network=labels,
        load=("load", load, {"long_name": "train examples per parameter"}),
        activation=("network", activations),
        width=("network", [width] * len(labels)),
        parameters=("network", [parameters] * len(labels)),
    )


def capacity(bits: xr.DataArray) -> xr.Dataset:
    """Most bits per parameter of each network at the end, at the load ``at_load`` with the largest mean over seeds.

    ``course`` ``(network, seed, step)`` leads there, ``gained`` is the share of ``most`` that came in the last tenth of the
    steps, and ``beyond`` are the bits at the largest load.
    """
    end, steps = bits.isel(step=-1, drop=True), bits["step"].values
    mean = end.mean("seed")
    at_load = mean["load"][mean.argmax("load")].drop_vars("load")
    course = bits.sel(load=at_load, drop=True)
    tenth = int(np.searchsorted(steps, 0.9 * steps[-1]))
    most, late = (course.isel(step=place, drop=True) for place in (-1, tenth))
    found = {"at_load": at_load, "course": course, "most": most, "gained": (most - late) / most}
    return xr.Dataset(found | {"beyond": end.isel(load=-1, drop=True)})


def by_width(values: xr.DataArray) -> dict[int, xr.DataArray]:
    """Values of the blocks of each width, from the narrowest, by their activation."""
    groups = values.isel(network=(values["width"] > 0).values).groupby("width")
    return {int(width): one.swap_dims(network="activation").drop_vars(["network", "width"]) for width, one in groups}


def slopes(most: xr.DataArray) -> xr.DataArray:
    """Bits gained per further parameter from the narrowest to the widest network, ``(activation, seed)``."""
    blocks = list(by_width(most).values())
    few, many = (int(blocks[place]["parameters"][0]) for place in (0, -1))
    narrow, wide = (blocks[place].drop_vars("parameters") for place in (0, -1))
    # Of a single width this is 0 / 0, which is not known.
    return (wide * many - narrow * few) / (many - few)


def block_bits(most: xr.DataArray) -> xr.DataArray:
    """Bits per parameter of the block alone, 2 D W: the head adds nothing that the layer before it cannot do."""
    blocks = most.isel(network=(most["width"] > 0).values)
    return blocks * blocks["parameters"] / (2 * DIM * blocks["width"])
