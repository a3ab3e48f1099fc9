"""Does the L2 gap peak where the data meet the capacity? Widths, depths, class counts and step budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.studies import _l2_capacity_figures as figures
from memjax.studies import _l2_capacity_tables as tables
from memjax.studies._l2_capacity_tables import BITS_PER_PARAMETER
from memjax.studies.study import Findings, Study, Sweep
from memjax.tasks import RandomLabels

__all__ = ["STUDY"]

# The post's network is 100-100; smaller ones have their peak, and so their sweep, at fewer examples.
_BASE = {"quick": (24, 24), "paper": (50, 50)}
_NETWORKS = {
    "quick": ((12, 12), (24, 24), (48, 48), (24,), (24, 24, 24)),
    "paper": ((25, 25), (50, 50), (100, 100), (50,), (50, 50, 50)),
}
_BASE_CLASSES = 17
_CLASSES = (4, 64)
_SIZES = {
    "quick": tuple(round(50 * 2 ** (i / 2)) for i in range(12)),
    "paper": tuple(round(100 * 2 ** (i / 2)) for i in range(16)),
}
_STEPS = {"quick": 3000, "paper": 10_000}
_RECORDS = {"quick": 30, "paper": 40}
_BUDGETS = (300, 1000, 3000, 10_000)


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    experiment = Experiment(
        task=RandomLabels(input_dim=9, num_classes=_BASE_CLASSES, inputs="normal", labels="uniform"),
        model=MLP(hidden=_BASE[scale], activation="relu", initializer="torch"),
        optimizer=adam(1e-3),
        loss="cross_entropy",
        steps=_STEPS[scale],
        record_every=_STEPS[scale] // _RECORDS[scale],
        test_size=1,
        measures=("loss", "weight_l2", "memorized_bits"),
    )
    over: dict[str | tuple[str, ...], Sequence[Any]] = {"train_size": _SIZES[scale], "seed": tuple(range(seeds))}
    return {
        "networks": Sweep(experiment, {"hidden": _NETWORKS[scale], **over}),
        "classes": Sweep(experiment, {"num_classes": _CLASSES, **over}),
    }


def _analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    runs = _configurations(datasets)
    found = _found(runs)
    at = found.sel(step=[budget for budget in _BUDGETS if budget in found["step"]])
    on_grid = analysis.peak(runs["gap"].sel(step=at["step"]))
    at = at.assign(grid=on_grid["location"], grid_interval=on_grid["location_interval"])
    laws = {name: _laws(at["log_peak"], at[f"log_{name}"]) for name in ("predicted", "measured")}
    return Findings(
        tables={"published": tables.claims(at, laws), "peaks": tables.peaks(at), "budgets": tables.budgets(at)},
        figures={
            "hypothesis": figures.hypothesis(at, laws),
            "gaps": figures.gaps(runs["gap"].sel(step=at["step"]), found["log_predicted"]),
            "budgets": figures.budgets(found),
        },
        captions=figures.CAPTIONS,
    )


def _configurations(datasets: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Gap and stored bits ``(configuration, train_size, seed, step)`` at every record but the initial one."""
    parts = []
    for name, dim in (("networks", "hidden"), ("classes", "num_classes")):
        part = datasets[name]
        labels = [str(value) if name == "networks" else f"{value} classes" for value in part[dim].values.tolist()]
        norm = part["weight_l2"]
        one = xr.Dataset({"gap": norm - analysis.first(norm), "bits": part["memorized_bits"]}).isel(step=slice(1, None))
        one = one.reset_coords(drop=True).rename({dim: "configuration"}).assign_coords(configuration=labels)
        others = [other for other in part["num_parameters"].dims if other != dim]
        one["parameters"] = ("configuration", part["num_parameters"].max(others).values)
        one["classes"] = ("configuration", part[dim].values if name == "classes" else [_BASE_CLASSES] * len(labels))
        parts.append(one)
    runs = xr.concat(parts, "configuration")
    runs["gap"].attrs = {"long_name": "gap of L2 norm", "units": "1"}
    return runs.set_coords(["parameters", "classes"])


def _found(runs: xr.Dataset) -> xr.Dataset:
    """Peak, prediction and measured capacity of every configuration and seed, as base-2 logarithms of examples."""
    label_bits = np.log2(runs["classes"])
    log_peak = xr.apply_ufunc(
        _top, runs["gap"], runs["train_size"], input_core_dims=[["train_size"]] * 2, vectorize=True
    )
    bits = runs["bits"].max("train_size", skipna=False)
    predicted = np.log2(BITS_PER_PARAMETER * runs["parameters"] / label_bits)
    # One seed without a peak inside the sizes leaves the configuration without a location: the others are no fair sample.
    return xr.Dataset(
        {
            "log_peak": log_peak.where(log_peak.notnull().all("seed")),
            "log_predicted": predicted,
            "log_measured": np.log2((bits / label_bits).where(bits > 0)),
            "open_end": runs["bits"].mean("seed").argmax("train_size") == runs.sizes["train_size"] - 1,
            "late_change": (bits - bits.sel(step=0.9 * float(bits["step"][-1]), method="nearest")) / bits,
        }
    )


def _top(curve: npt.NDArray[np.float64], size: npt.NDArray[np.float64]) -> float:
    """log2 of the size of a curve's maximum, between the sizes: the top of the parabola through the three about it."""
    finite = np.isfinite(curve)
    curve, x = curve[finite], np.log2(size[finite])
    top = int(curve.argmax()) if curve.size else 0
    if not 0 < top < curve.size - 1:
        return np.nan
    square, linear, _ = np.polyfit(x[top - 1 : top + 2] - x[top], curve[top - 1 : top + 2], 2)
    return float(x[top] - linear / (2.0 * square))


def _laws(log_peak: xr.DataArray, against: xr.DataArray) -> dict[int, dict[str, xr.Dataset]]:
    """Line of log peak on log size by step, each with its interval over seeds and that over configurations.

    A power law is a straight line of the logarithms, where every configuration counts the same; in linear scale the
    largest network alone would decide.
    """
    mean = against.mean("seed") if "seed" in against.dims else against
    laws = {}
    for step in log_peak["step"].values.tolist():
        at = mean.sel(step=step) if "step" in mean.dims else mean
        curve = log_peak.sel(step=step).reset_coords(drop=True)
        curve = curve.assign_coords(configuration=at.values).rename(configuration="size").dropna("size")
        laws[step] = {"seeds": _line(curve, "bootstrap"), "configurations": _line(curve.mean("seed"), "profile")}
    return laws


def _line(curve: xr.DataArray, interval: Literal["bootstrap", "profile"]) -> xr.Dataset:
    if curve.sizes["size"] == 0:
        return xr.Dataset({"slope": np.nan, "slope_interval": ("bound", [np.nan, np.nan])})
    return analysis.fit(curve, "linear", "size", interval=interval)


STUDY = Study(
    name="l2-capacity",
    title="Does the L2 gap peak where the data meet the capacity?",
    source='a hypothesis of Ziming Liu, "How does memorization affect l2?" (blog post), not tested there',
    scales={
        "quick": "seven networks of 497 to 3665 parameters, 12 train sizes 50 to 2263, 3000 steps: about a minute on 2 cores",
        "paper": "seven networks of 1342 to 12,817 parameters with the post's own, 16 train sizes 100 to 18,102, 10,000 "
        "steps: about 2 hours on 2 cores (estimated)",
    },
    seeds={"quick": 3, "paper": 4},
    sweeps=_sweeps,
    analyse=_analyse,
)
"""The post explains the peak of its gap by 2 bits per parameter meeting log2 C bits per example; tested on other networks."""
