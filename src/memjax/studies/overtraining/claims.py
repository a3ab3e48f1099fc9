"""What the study overtraining compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax.studies.kit import Claim, Findings, Table, above, estimate, listed
from memjax.studies.overtraining import figures
from memjax.studies.overtraining.numbers import KINDS, errors, every_second_record

__all__ = ["DATA", "analyse", "claims_of"]

DATA = {"teacher": "teacher", "diabetes": "diabetes"}
# The teacher has 4 units itself, so the widest networks are compared with those of 2 units too.
NARROW, WIDE = (4, 2), 64
NETWORK_STOP, NETWORK_END = "network at the stop", "network at the end"
ENSEMBLE_STOP, ENSEMBLE_END = "ensemble at the stop", "ensemble at the end"


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
    """Errors, with those of linear regression, and the ratio of two widths where only every second record is looked at."""
    scale = linear["variance"]
    two = runs[["example_residual", "train_count"]].sel(hidden=[str(WIDE), str(NARROW[0])])
    sparse = errors(every_second_record(two), scale)["error"]
    ratio = _over(sparse, NETWORK_STOP, WIDE, NETWORK_STOP, NARROW[0]).rename(seed="data_seed")
    return errors(runs, scale).assign(linear=linear["linear"], sparse=ratio)


def _over(error: xr.DataArray, kind: str, width: int, other: str, base: int) -> xr.DataArray:
    """Error of ``kind`` at ``width`` over that of ``other`` at ``base``, draw by draw."""
    ratio = error.sel(kind=kind, width=width, drop=True) / error.sel(kind=other, width=base, drop=True)
    return ratio.rename(data_seed="seed")


def claims_of(name: str, found: xr.Dataset) -> list[Claim]:
    """Claims on one kind of data."""
    return [*_at_the_stop(name, found), *_at_the_end(name, found["error"]), *_averaged(name, found)]


def _at_the_stop(name: str, found: xr.Dataset) -> list[Claim]:
    """Whether the number of hidden units matters; a ratio of 1 stands for the publication's "no influence"."""
    rows = [(kind, base) for base in NARROW for kind in (NETWORK_STOP, ENSEMBLE_STOP)]
    sparse = (
        f"{DATA[name]}, every second record left out: error of a {NETWORK_STOP}, {WIDE} hidden units over {NARROW[0]}"
    )
    return [
        *(Claim(_by_width(name, kind, base), 1.0, _over(found["error"], kind, WIDE, kind, base),
                of="geometric", main=base == NARROW[0]) for kind, base in rows),
        Claim(sparse, "not given", found["sparse"].rename(data_seed="seed"), of="geometric"),
    ]  # fmt: skip


def _at_the_end(name: str, error: xr.DataArray) -> list[Claim]:
    """Whether the number of hidden units matters without a stop, and whether there is overtraining."""
    rows = [(kind, base) for base in NARROW for kind in (NETWORK_END, ENSEMBLE_END)]
    wide = f"{DATA[name]}, {WIDE} hidden units: error of"
    return [
        *(Claim(_by_width(name, kind, base), "not given", _over(error, kind, WIDE, kind, base), of="geometric")
          for kind, base in rows),
        Claim(f"{wide} a network, at the end over at the stop", "above 1: overtraining",
              _over(error, NETWORK_END, WIDE, NETWORK_STOP, WIDE), above(1.0), of="geometric", main=True),
        Claim(f"{wide} an ensemble, at the end over at the stop", "not given",
              _over(error, ENSEMBLE_END, WIDE, ENSEMBLE_STOP, WIDE), of="geometric"),
    ]  # fmt: skip


def _averaged(name: str, found: xr.Dataset) -> list[Claim]:
    """What ensembles gain; nothing is asked of them, because a mean of outputs never has more than the mean squared error."""
    error = found["error"]
    linear = error.sel(kind=ENSEMBLE_STOP, width=WIDE, drop=True) / found["linear"]
    return [
        Claim(f"{DATA[name]}, {WIDE} hidden units, at the stop: error of an ensemble over that of a network", "not given",
              _over(error, ENSEMBLE_STOP, WIDE, NETWORK_STOP, WIDE), of="geometric"),
        Claim(f"{DATA[name]}: error of an {ENSEMBLE_STOP}, {WIDE} hidden units, over that of linear regression", None,
              linear.rename(data_seed="seed"), of="geometric"),
    ]  # fmt: skip


def _by_width(name: str, kind: str, base: int) -> str:
    article = "an" if kind.startswith("e") else "a"
    return f"{DATA[name]}: error of {article} {kind}, {WIDE} hidden units over {base}"


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
    "Numbers are mean squared errors over the variance of the targets, of which 1 is the error of guessing the mean. They "
    "are geometric means over draws of the cases, and steps are means."
)
_NOTE = (
    "Errors are those of cases that were left out, and ratios are geometric means over draws of the cases. The publication has "
    "other data, another kind of training and more networks. Its abstract says in words that the number of hidden units has no "
    "influence; a ratio of 1, with the usual tolerance, stands for these words."
)
