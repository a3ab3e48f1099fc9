"""What the study memory-2 compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from memjax.studies.kit import Claim, Column, Columns, Findings, Table, above, grid
from memjax.studies.memory_2 import figures, numbers
from memjax.studies.memory_2.numbers import LABEL_BITS

__all__ = ["analyse", "claims", "tables"]

_PUBLISHED, _PUBLISHED_LINEAR = 2.4, 1.0


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all networks."""
    bits = numbers.stored(datasets)
    found = numbers.capacity(bits)
    shown = figures.all_figures(bits, found, _PUBLISHED, _PUBLISHED_LINEAR)
    return Findings(claims=claims(found), tables=tables(bits, found), figures=shown, note=_NOTE)


def claims(found: xr.Dataset) -> list[Claim]:
    """Published bits per parameter beside ours, by three ways to count the parameters."""
    most, widest = found["most"], int(found["width"].max())
    slope, further = numbers.slopes(most), "bits per further parameter, from the narrowest to the widest network"
    blocks, block = numbers.block_bits(most), "most bits per parameter of the block without its head"
    return [
        *(_per_parameter(found.sel(network=name), widest) for name in found["network"].values.tolist()),
        *_silu_above_relu(most, widest),
        *(Claim(f"{further} ({one['activation'].item()})", _PUBLISHED, one) for one in slope),
        *(Claim(f"{block} ({one['network'].item()})", _PUBLISHED, one) for one in blocks),
    ]


def _per_parameter(one: xr.Dataset, widest: int) -> Claim:
    linear = int(one["width"]) == 0
    name = "the linear model" if linear else f"two layers ({one['network'].item()})"
    published = _PUBLISHED_LINEAR if linear else _PUBLISHED
    main = linear or (int(one["width"]) == widest and one["activation"].item() == "relu")
    remark = f"at N / P = {float(one['at_load']):g}"
    return Claim(f"most bits per parameter of {name}", published, one["most"], remark=remark, main=main)


def _silu_above_relu(most: xr.DataArray, widest: int) -> list[Claim]:
    made = []
    for width, one in numbers.by_width(most).items():
        if {"silu", "relu"} <= set(one["activation"].values.tolist()):
            more = one.sel(activation="silu", drop=True) - one.sel(activation="relu", drop=True)
            name = f"most bits per parameter with SiLU less those with ReLU, W = {width}"
            made.append(Claim(name, "SiLU stores more", more, above(0.0), main=width == widest))
    return made


def tables(bits: xr.DataArray, found: xr.Dataset) -> dict[str, Table]:
    """Where every network stores most and what it stores beyond, and the bits by load."""
    late, last = "gained in the last tenth", int(bits["step"][-1])
    of_networks: Columns = {
        "most bits per parameter": "most",
        "at N / P": lambda one: float(one["at_load"]),
        f"at N / P = {float(bits['load'][-1]):g}": "beyond",
        late: lambda one: 100.0 * one["gained"],
    }
    of_loads: dict[str, Column | str] = {"all labels": lambda one: float(one["load"]) * LABEL_BITS}
    of_loads |= {name: _of_network(name) for name in bits["network"].values.tolist()}
    end = bits.isel(step=-1, drop=True).to_dataset(name="bits")
    title = f"Stored bits per parameter after {last} steps"
    return {
        "plateau": grid(found, {"network": "network"}, of_networks, title=title, note=_PLATEAU_NOTE, units={late: "%"}),
        "loads": grid(end, {"load": "N / P"}, of_loads, title=_LOADS, note=_LOADS_NOTE),
    }


def _of_network(name: str) -> Column:
    return lambda one: one["bits"].sel(network=name)


_NOTE = (
    "Bits per parameter are N (log2 10 - loss / ln 2) / P, the most at any number N of train examples, for N / P with the "
    "largest mean over seeds: the intervals do not know of this choice. All parameters count, the head's 100 too, unless said "
    "otherwise. The published 2.4 is for two layers, with no word of which activation, learning rate or number of steps, nor "
    "of whether the head counts; its figures for two and three layers share their curves. Ours: Adam at 0.003, full batch, "
    "PyTorch's initial parameters. Not run: three layers, sin(f x) with f other than 1, powers of ReLU."
)
_PLATEAU_NOTE = "The last column is the share of the most bits that came in the last tenth of the steps."
_LOADS = "Stored bits per parameter by train examples per parameter"
_LOADS_NOTE = '"All labels" is what N labels hold, N log2 10 / P: a network that stores as much has fitted every one.'
