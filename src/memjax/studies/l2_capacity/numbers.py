"""Numbers of the study l2-capacity: where the gap peaks, what is predicted, and what the networks store."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax import analysis

__all__ = ["BASE_CLASSES", "BITS", "at_budgets", "configurations", "exponents", "line", "peaks"]

BASE_CLASSES = 17
"""Classes of the labels, where they are not varied."""

BITS = 2.0
"""Capacity of a parameter that the post assumes."""

_BUDGETS = (300, 1000, 3000, 10_000)


def configurations(datasets: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Gap and stored bits ``(configuration, train_size, seed, step)`` of both sweeps at every record but the initial one.

    ``parameters`` and ``classes`` are coordinates by configuration.
    """
    parts = []
    for name, dim in (("networks", "hidden"), ("classes", "num_classes")):
        part, values = datasets[name], datasets[name][dim].values.tolist()
        labels = [str(value) if name == "networks" else f"{value} classes" for value in values]
        one = xr.Dataset({"gap": part["weight_l2"] - analysis.first(part["weight_l2"]), "bits": part["memorized_bits"]})
        one = one.isel(step=slice(1, None)).reset_coords(drop=True)
        one = one.rename({dim: "configuration"}).assign_coords(configuration=labels)
        others = [other for other in part["num_parameters"].dims if other != dim]
        one["parameters"] = ("configuration", part["num_parameters"].max(others).values)
        one["classes"] = ("configuration", values if name == "classes" else [BASE_CLASSES] * len(labels))
        parts.append(one)
    runs = xr.concat(parts, "configuration")
    runs["gap"].attrs = {"long_name": "gap of L2 norm", "units": "1"}
    return runs.set_coords(["parameters", "classes"])


def peaks(runs: xr.Dataset) -> xr.Dataset:
    """Peak of the gap, predicted and measured capacity in train examples, by ``configuration``, ``seed`` and ``step``.

    ``measured`` are examples worth the most bits stored at any size, ``stored`` these bits per parameter, ``late_change`` the
    share of them since nine tenths of the steps. ``rising`` (no seed): the bits still rise at the largest size.
    """
    label_bits, bits = np.log2(runs["classes"]), runs["bits"].max("train_size", skipna=False)
    dims = [["train_size"]] * 2
    peak = 2.0 ** xr.apply_ufunc(_top, runs["gap"], runs["train_size"], input_core_dims=dims, vectorize=True)
    mean, before = runs["bits"].mean("seed"), bits.sel(step=0.9 * float(bits["step"][-1]), method="nearest", drop=True)
    return xr.Dataset(
        {
            "predicted": BITS * runs["parameters"] / label_bits,
            # One seed without a peak inside the sizes leaves the network without one: the others are no fair sample.
            "peak": peak.where(peak.notnull().all("seed")),
            "measured": (bits / label_bits).where(bits > 0),
            "stored": (bits / runs["parameters"]).where(bits > 0),
            "late_change": (bits - before) / bits,
            "rising": mean.argmax("train_size") == runs.sizes["train_size"] - 1,
        }
    )


def _top(curve: np.ndarray, size: np.ndarray) -> float:
    """log2 of the size of a curve's maximum, between the sizes: the top of the parabola through the three about it."""
    finite = np.isfinite(curve)
    curve, x = curve[finite], np.log2(size[finite])
    top = int(curve.argmax()) if curve.size else 0
    if not 0 < top < curve.size - 1:
        return np.nan
    square, linear, _ = np.polyfit(x[top - 1 : top + 2] - x[top], curve[top - 1 : top + 2], 2)
    return float(x[top] - linear / (2.0 * square))


def at_budgets(runs: xr.Dataset, found: xr.Dataset) -> xr.Dataset:
    """Peaks at the budgets of steps, ``over_`` both capacities, ``grid``, size of the largest mean gap, and ``moved``.

    ``moved`` ``(configuration, seed)`` is the peak at the largest budget over that at the smallest.
    """
    at = found.sel(step=[budget for budget in _BUDGETS if budget in found["step"]])
    on_grid = analysis.peak(runs["gap"].sel(step=at["step"]))
    peak, first, last = (at["peak"], *(at["peak"].isel(step=place, drop=True) for place in (0, -1)))
    at = at.assign(over_predicted=peak / at["predicted"], over_measured=peak / at["measured"], moved=last / first)
    return at.assign(grid=on_grid["location"], grid_interval=on_grid["location_interval"])


def line(one: xr.Dataset, name: str, over: str) -> xr.Dataset:
    """Straight line of the logarithm of the peak on that of the predicted or measured capacity, at one budget.

    In linear scale the largest network alone would decide. The interval of the ``slope`` takes as noise the scatter of the
    ``networks`` about the line, or that over ``seeds``.
    """
    peak, size = (xr.apply_ufunc(np.log2, one[part].reset_coords(drop=True)) for part in ("peak", name))
    along = size.mean("seed") if "seed" in size.dims else size
    curve = peak.assign_coords(configuration=along.values).rename(configuration="size").dropna("size")
    if curve.sizes["size"] == 0:
        return xr.Dataset({"slope": np.nan, "slope_interval": ("bound", [np.nan, np.nan])})
    if over == "seeds":
        return analysis.fit(curve, "linear", "size")
    return analysis.fit(curve.mean("seed"), "linear", "size", interval="profile")


def exponents(at: xr.Dataset) -> xr.Dataset:
    """Exponents of the peak in both capacities ``(against, step)``, the same twice with the intervals of `line`."""
    names, steps, found = ["predicted", "measured"], at["step"].values.tolist(), []
    for over in ("networks", "seeds"):
        laws = [[line(at.sel(step=step), name, over)[["slope", "slope_interval"]] for step in steps] for name in names]
        together = xr.combine_nested(laws, ["against", "step"])
        found.append(together.rename(slope=over, slope_interval=f"{over}_interval"))
    return xr.merge(found).assign_coords(against=names, step=steps)
