"""Tables of the study l2-capacity, and the verdict that its numbers allow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.studies.study import Table

__all__ = ["BITS_PER_PARAMETER", "budgets", "claims", "exponent_shown", "Laws", "peaks"]

BITS_PER_PARAMETER = 2.0
"""Capacity of a parameter that the post assumes."""

# Sizes grow by the square root of 2: half a step, in base-2 logarithms.
_HALF_STEP = 0.25

Laws = Mapping[str, Mapping[int, Mapping[str, xr.Dataset]]]
"""Fitted lines by what the peak is held against, by step, and by what their interval is over."""


def _shown(logs: xr.DataArray) -> str:
    """Geometric mean over seeds with its interval."""
    summary = analysis.mean_interval(logs)
    if not np.isfinite(float(summary["mean"])):
        return "not inside the sizes"
    return analysis.format_interval(2.0 ** float(summary["mean"]), 2.0 ** summary["mean_interval"].values)


def peaks(at: xr.Dataset) -> Table:
    """Peak, prediction and measured capacity of every network at the largest budget."""
    last = at.isel(step=-1)
    rows = [_peak_row(last.sel(configuration=name)) for name in last["configuration"].values.tolist()]
    head: tuple[str, ...] = ("network", "parameters", "2 P / log2 C", "peak on the grid", "peak", "peak / prediction")
    head = (*head, "measured capacity", "peak / measured", "bits per parameter", "bits in the last tenth")
    return Table(f"Where the gap peaks after {int(last['step'])} steps", head, tuple(rows), _PEAKS_NOTE)


def _peak_row(one: xr.Dataset) -> tuple[str, ...]:
    summary = analysis.mean_interval(100.0 * one["late_change"])
    bits = one["log_measured"] + np.log2(np.log2(one["classes"]) / one["parameters"])
    return (
        str(one["configuration"].item()),
        f"{int(one['parameters'])}",
        f"{2 ** float(one['log_predicted']):.0f}",
        analysis.format_interval(float(one["grid"]), one["grid_interval"].values),
        _shown(one["log_peak"]),
        _shown(one["log_peak"] - one["log_predicted"]),
        ("at least " if bool(one["open_end"]) else "") + _shown(one["log_measured"]),
        _shown(one["log_peak"] - one["log_measured"]),
        _shown(bits),
        analysis.format_interval(float(summary["mean"]), summary["mean_interval"].values) + "%",
    )


_PEAKS_NOTE = (
    '"Peak" is the top of the parabola through the three sizes about the maximum, in the logarithm, of each seed; with the '
    '95% interval of its geometric mean. "On the grid" is the maximum of the mean curve, with the interval of its resampled '
    "location: sizes grow by the square root of 2, and nothing finer is seen there. The measured capacity is the number "
    "of examples worth the most bits stored at any size, N (ln C - train loss) / ln 2 over log2 C."
)


def budgets(at: xr.Dataset) -> Table:
    """Ratio of the peak to prediction and measured capacity at every budget."""
    steps = at["step"].values.tolist()
    rows = []
    for name in at["configuration"].values.tolist():
        one = at.sel(configuration=name)
        ratio, moved = (
            one["log_peak"] - one["log_predicted"],
            one["log_peak"].isel(step=-1) - one["log_peak"].isel(step=0),
        )
        close = one["log_peak"] - one["log_measured"]
        cells = [_shown(part.sel(step=step)) for part in (ratio, close) for step in steps]
        rows.append((name, *cells, _shown(moved)))
    head = [f"{what}, {step} steps" for what in ("peak / prediction", "peak / measured") for step in steps]
    title = "The same peak at smaller budgets, from the records of the same runs"
    return Table(title, ("network", *head, f"moved from {steps[0]} to {steps[-1]}"), tuple(rows), _BUDGETS_NOTE)


_BUDGETS_NOTE = (
    "Prediction: 2 bits per parameter, the same at every budget. Measured: what the runs store by that step."
)


def claims(at: xr.Dataset, laws: Laws) -> Table:
    """The hypothesis beside what was found, over all networks."""
    steps = at["step"].values.tolist()
    bits = at["log_measured"] - at["log_predicted"] + np.log2(BITS_PER_PARAMETER)
    rows = [("bits stored per parameter, at most", "2 (assumed)", *(_spread(bits.sel(step=s)) for s in steps))]
    for name, what, claim in (
        ("predicted", "2 P / log2 C", "1, if the hypothesis holds"),
        ("measured", "measured capacity", "not given"),
    ):
        ratio = at["log_peak"] - at[f"log_{name}"]
        rows.append((f"peak / ({what})", claim, *(_spread(ratio.sel(step=s)) for s in steps)))
        exponents = [(laws[name][s]["configurations"], laws[name][s]["seeds"]) for s in steps]
        rows.append((f"exponent of the peak in {what}", claim, *(exponent_shown(scatter) for scatter, _ in exponents)))
        rows.append(("its interval over seeds alone", "not given", *(exponent_shown(seeds) for _, seeds in exponents)))
    head = ("quantity", "published", *(f"after {s} steps" for s in steps))
    title = f"Does the gap peak where data meet capacity? {at.sizes['configuration']} networks"
    return Table(title, head, tuple(rows), f"{_verdict(at, laws)} {_CLAIMS_NOTE}")


def _spread(logs: xr.DataArray) -> str:
    means = 2.0 ** logs.mean("seed").dropna("configuration")
    if means.size == 0:
        return "no peak inside the sizes"
    return f"{_shown(logs.mean('configuration'))}, {float(means.min()):.2f} to {float(means.max()):.2f}"


def exponent_shown(law: xr.Dataset) -> str:
    """Exponent of a law with its interval."""
    return analysis.format_interval(float(law["slope"]), law["slope_interval"].values)


_CLAIMS_NOTE = (
    "First number: geometric mean over the networks with its 95% interval over seeds, then the smallest and largest network. "
    "Exponents are slopes of log peak on log size over the networks; the first interval takes the scatter of the networks "
    "about the line as noise, which is what the hypothesis is about, and the second only says how well these networks are "
    "known. The post states the hypothesis for one network and no test of it. Widths, depths and class counts differ from "
    "the post's 100-100 with 17 classes; optimizer, rate, inputs and initial parameters are the post's."
)


def _verdict(at: xr.Dataset, laws: Laws) -> str:
    """What the numbers say about the hypothesis, at the largest budget."""
    last = at.isel(step=-1)
    late = 100 * last["late_change"].mean("seed")
    parts = [_judged(name, last, laws[name][int(last["step"])]["configurations"]) for name in ("predicted", "measured")]
    change = f"{float(late.min()):.1f}% to {float(late.max()):.1f}%"
    end = f"In the last tenth of the steps the stored bits still changed by {change}."
    return " ".join([f"After {int(last['step'])} steps:", *parts, _move(at), end])


def _judged(name: str, last: xr.Dataset, law: xr.Dataset) -> str:
    summary = analysis.mean_interval(last["log_peak"] - last[f"log_{name}"]).dropna("configuration")
    low, high = summary["mean_interval"].transpose("bound", ...).values
    exact, coarse = (int(((low <= slack) & (high >= -slack)).sum()) for slack in (0.0, _HALF_STEP))
    what = {"predicted": "the predicted size 2 P / log2 C", "measured": "the measured capacity"}[name]
    beside = _beside_one(law["slope_interval"].values)
    return (
        f"The peak lies at {what} in {exact} of {low.size} networks within its 95% interval, in {coarse} if half a step of "
        f"the grid of sizes is granted, and grows with exponent {exponent_shown(law)} in it, {beside}."
    )


def _beside_one(interval: npt.NDArray[np.float64]) -> str:
    if not np.isfinite(interval).all():
        return "too uncertain to compare with 1"
    return "above 1" if interval[0] > 1.0 else "below 1" if interval[1] < 1.0 else "compatible with 1"


def _move(at: xr.Dataset) -> str:
    moved = (at["log_peak"].isel(step=-1) - at["log_peak"].isel(step=0)).dropna("configuration").mean("configuration")
    steps = f"from {int(at['step'][0])} to {int(at['step'][-1])} steps"
    low, high = analysis.mean_interval(moved)["mean_interval"].values
    if not np.isfinite(low):
        return f"Whether the peak moves {steps} cannot be told."
    fixed = "which may be none" if low <= 0.0 <= high else "so it is no property of network and data alone"
    return f"The peak moves by a factor {_shown(moved)} {steps}, {fixed}."
