"""What the study overtraining compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax.studies.kit import Claim, Findings, Table, above, below, estimate, listed
from memjax.studies.overtraining import figures
from memjax.studies.overtraining.numbers import KINDS, errors

__all__ = ["DATA", "analyse", "claims_of"]

DATA = {"teacher": "teacher", "diabetes": "diabetes"}
NARROW, WIDE = 4, 64


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Errors of left-out cases on both data, by width."""
    found = {name: _found(datasets[name], datasets[f"{name}_linear"]) for name in DATA}
    return Findings(
        claims=[claim for name, one in found.items() for claim in claims_of(name, one)],
        tables={name: _table(name, one) for name, one in found.items()},
        figures=figures.all_figures(found),
        note=_NOTE,
    )


def _found(runs: xr.Dataset, linear: xr.Dataset) -> xr.Dataset:
    return errors(runs, linear["variance"]).assign(linear=linear["linear"])


def claims_of(name: str, found: xr.Dataset) -> list[Claim]:
    """Claims on one kind of data."""
    error, said = found["error"], DATA[name]

    def ratio(of: str, over: str, width: int, other: int) -> xr.DataArray:
        part = error.sel(kind=of, width=width, drop=True) / error.sel(kind=over, width=other, drop=True)
        return part.rename(data_seed="seed")

    stop, end, network, lone = (
        "ensemble at the stop",
        "ensemble at the end",
        "network at the stop",
        "network at the end",
    )
    flat = "1: no influence of the number of hidden units"
    return [
        Claim(f"{said}: error of an {stop}, {WIDE} hidden units over {NARROW}", 1.0, ratio(stop, stop, WIDE, NARROW),
              of="geometric", main=True),
        Claim(f"{said}: error of a {network}, {WIDE} hidden units over {NARROW}", flat, ratio(network, network, WIDE, NARROW),
              of="geometric"),
        Claim(f"{said}: error of a {lone}, {WIDE} hidden units over {NARROW}", "not given", ratio(lone, lone, WIDE, NARROW),
              of="geometric"),
        Claim(f"{said}, {WIDE} hidden units: error of a network, at the end over at the stop", "above 1: overtraining",
              ratio(lone, network, WIDE, WIDE), above(1.0), of="geometric", main=True),
        Claim(f"{said}, {WIDE} hidden units: error of an ensemble, at the end over at the stop", "not given",
              ratio(end, stop, WIDE, WIDE), of="geometric"),
        Claim(f"{said}, {WIDE} hidden units, at the stop: error of an ensemble over that of a network", "below 1",
              ratio(stop, network, WIDE, WIDE), below(1.0), of="geometric"),
        Claim(f"{said}: error of an {stop}, {WIDE} hidden units, over that of linear regression", "not read",
              (error.sel(kind=stop, width=WIDE, drop=True) / found["linear"]).rename(data_seed="seed"), of="geometric"),
    ]  # fmt: skip


def _table(name: str, found: xr.Dataset) -> Table:
    parts = [found.sel(width=width).rename(data_seed="seed") for width in found["width"].values]
    columns: dict[str, Any] = {
        kind: lambda part, kind=kind: estimate(part["error"].sel(kind=kind), "geometric") for kind in KINDS
    }
    columns["step of the stop"] = lambda part: part["stop"]
    columns["linear regression"] = lambda part: estimate(part["linear"], "geometric")
    heads = {"hidden units": [str(int(width)) for width in found["width"].values]}
    title = f"Errors of left-out cases, {DATA[name]}"
    return listed(heads, parts, columns, title=title, note=_TABLE_NOTE)


_TABLE_NOTE = (
    "Mean squared errors over the variance of the targets; 1 is the error of guessing the mean. Geometric means over "
    "draws of the cases, and mean steps."
)
_NOTE = (
    "Errors are those of cases that were left out, and ratios are geometric means over draws of the cases. The publication has "
    "other data, another kind of training and more networks, and says in words that the number of hidden units does not matter."
)
