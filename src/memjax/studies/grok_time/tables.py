"""Tables of the study grok-time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import xarray as xr

from memjax.studies.grok_time.numbers import between, exponent, kept
from memjax.studies.kit import Column, Columns, Estimate, Table, estimate, fitted, grid, listed, ratio, share

__all__ = ["LABELS", "by_fraction", "exponents", "knobs", "tables"]

LABELS = {
    "learning_rate": "learning rate",
    "weight_decay": "weight decay",
    "init_scale": "initial scale",
    "p": "modulus p",
    "optimizer": "optimizer",
}
"""Knobs by the names of their sweeps."""

_TIMES = {"t_train": "steps to fit", "t_test": "steps to generalise"}
_FRACTION = {"train_size": "fraction"}


def tables(
    accuracy: xr.Dataset, loss: xr.Dataset, laws: xr.Dataset, found: xr.Dataset, varied: Mapping[str, xr.Dataset]
) -> dict[str, Table]:
    """Times and shares by train fraction, the laws fitted to them, and times by one knob at a time."""
    groks = {f"within {steps:g} steps": found["groks"].sel(steps=steps, drop=True) for steps in found["steps"].values}
    columns = {name: share(name) for name in groks}
    title = "Share of runs that grok within a budget"
    return {
        "fractions": by_fraction(accuracy, loss),
        "growth": _laws(laws, accuracy.sizes["seed"]),
        "threshold": grid(xr.Dataset(groks), _FRACTION, columns, title=title),
        "knobs": knobs(varied),
        "exponents": exponents(varied),
    }


def by_fraction(accuracy: xr.Dataset, loss: xr.Dataset) -> Table:
    """Times by train fraction, by accuracy and by loss, with counts of both definitions."""
    both = accuracy.assign(
        {f"{head}, loss": loss[name] for name, head in _TIMES.items()} | {"never": 1.0 - accuracy["reached"]}
    )
    columns: Columns = {
        **{head: _time(name) for name, head in _TIMES.items()},
        "ratio": lambda one: estimate(ratio(between(one, "t_test"), between(one, "t_train")), "geometric"),
        "share never": share("never"),
        "late": lambda one: int((one["outcome"] == "grokked").sum()),
        "sudden": lambda one: int(one["sudden"].sum()),
        **{f"{head}, loss": _time(f"{head}, loss") for head in _TIMES.values()},
    }
    return grid(both, _FRACTION, columns, title="By train fraction", note=_FRACTIONS_NOTE)


def _time(name: str, **at: float) -> Column:
    """Column of a time, at the label of a dimension where one is given."""
    return lambda one: estimate(between(one.sel(at), name), "geometric")


def _laws(laws: xr.Dataset, seeds: int) -> Table:
    """Laws of log T against the fraction x, best first."""
    columns: Columns = {
        "log T": lambda one: str(one["formula"].values),
        "b": lambda one: fitted(one, "coefficient", seeds),
        "c": lambda one: fitted(one, "shape", seeds) if np.isfinite(one["shape"]) else "-",
        "weight": lambda one: float(one["weight"].round(3)),
        "share of draws": lambda one: float(one["share"]),
        "scatter of log T": lambda one: float(one["scatter"]),
    }
    order = laws.sortby("weight", ascending=False)
    return grid(order, {"law": "law"}, columns, title="Growth of the time to grok as data shrink", note=_GROWTH_NOTE)


def knobs(varied: Mapping[str, xr.Dataset]) -> Table:
    """Times to fit and to grok by value of every knob and by train fraction."""
    rows = [(LABELS[name], found.isel(knob=i)) for name, found in varied.items() for i in range(found.sizes["knob"])]
    labels, parts = zip(*rows, strict=True)
    columns: dict[str, Column | str] = {"value": lambda one: one["knob"].item()}
    for fraction in parts[0]["train_size"].values.tolist():
        columns |= {f"{head} at {fraction:g}": _time(name, train_size=fraction) for name, head in _TIMES.items()}
    return listed({"knob": labels}, parts, columns, title="One knob at a time", note=_KNOBS_NOTE)


def exponents(varied: Mapping[str, xr.Dataset]) -> Table:
    """Exponents of the times in every knob that is a number, and the values of the knob that they are over."""
    numbers = [(LABELS[name], found) for name, found in varied.items() if found["knob"].dtype.kind in "iuf"]
    rows = [(label, found.isel(train_size=i)) for label, found in numbers for i in range(found.sizes["train_size"])]
    labels, parts = zip(*rows, strict=True)
    columns: dict[str, Column | str] = {"fraction": lambda one: one["train_size"].item()}
    for name, head in _TIMES.items():
        columns |= {f"of {head}": partial(_exponent, name), f"{head}: over": partial(_over, name)}
    title = "Exponents: time proportional to knob^exponent"
    return listed({"knob": labels}, parts, columns, title=title, note=_EXPONENTS_NOTE)


def _exponent(name: str, one: xr.Dataset) -> Estimate | str:
    return estimate(exponent(between(one, name))) if kept(one[name]).size > 1 else "-"


def _over(name: str, one: xr.Dataset) -> str:
    return ", ".join(f"{value:g}" for value in kept(one[name]).values)


_FRACTIONS_NOTE = (
    "Times are in steps. A run is late if its test set is learned at twice the steps to fit or later, and sudden if its "
    "test accuracy does the middle 80% of its rise within a third of the steps to generalise."
)
_GROWTH_NOTE = (
    "Laws are fitted by maximum likelihood over single runs. The weight is Akaike's, from AICc. The share of draws counts "
    "sets of seeds drawn with replacement in which the law is best. Where the time rises as x falls, all laws but the "
    "constant and the exponential one grow faster than exponentially."
)
_KNOBS_NOTE = (
    "Times are in steps by accuracy 0.99, within these fewer steps. adamw has decoupled decay, adam has L2 in the "
    "gradient, and sgd has momentum 0.9 and L2 in the gradient. Their rates and strengths of L2 are not matched, so a "
    "time says what these settings do, not what the optimizer can."
)
_EXPONENTS_NOTE = (
    "Least squares of log time over log knob, seed by seed, over those values with which all seeds get there. One number for "
    "the whole range, whether or not the relation is a power law: see the figure."
)
