"""When the runs of the study grokking-predictors learn, what moves first around grokking, and hidden states beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.grokking_predictors.numbers import LABELS, RECORDED, TRAINING, where_known
from memjax.studies.kit import Columns, Estimate, Table, Within, estimate, grid, ratio, time, within_records

__all__ = ["ACCURACY", "EVENTS", "lead", "lead_table", "leads", "learned", "state_table", "states", "times_table"]

ACCURACY = 0.95
"""Accuracy at which a set counts as learned."""

_LOSS = 0.5
_FEW, _MOST = 3, 6
EVENTS = {"peak": "peak", "half": "half-way down", "steepest": "steepest fall"}
_EDGES = ["found", "least", "most"]


def learned(recorded: xr.Dataset) -> xr.Dataset:
    """`memjax.analysis.delay` by accuracy, ``(train_size, seed)``."""
    return analysis.delay(recorded["train_accuracy"], recorded["test_accuracy"], ACCURACY)


def times_table(recorded: xr.Dataset) -> Table:
    """When train and test set are learned, by accuracy and by loss, for each train fraction."""
    steps = recorded["step"].values
    columns: Columns = {
        "steps to fit": time("t_train", steps),
        "steps to generalise": time("t_test", steps),
        "to generalise over to fit": lambda one: ratio(
            *(within_records(one[name], steps) for name in ("t_test", "t_train"))
        ),
        "grokked": lambda one: f"{int((one['outcome'] == 'grokked').sum())} of {one.sizes['seed']}",
    }
    rows = {"criterion": "learned at", "train_size": "train fraction"}
    note = (
        "Means over those seeds that get there, interpolated between records. Grokked: both are learned, the test set at least "
        f"twice as late. Records are {float(np.diff(steps).max()):g} steps apart, and intervals are widened to them."
    )
    return grid(_learning_times(recorded), rows, columns, title="When train and test set are learned", note=note)


def _learning_times(recorded: xr.Dataset) -> xr.Dataset:
    """`memjax.analysis.delay` by accuracy and by loss, ``(criterion, train_size, seed)``."""
    by_loss = analysis.delay(recorded["train_loss"], recorded["test_loss"], _LOSS, direction="falling")
    both = xr.concat([learned(recorded), by_loss], "criterion", combine_attrs="drop")
    return both.assign_coords(criterion=[f"accuracy {ACCURACY:g}", f"loss {_LOSS:g} nats"])


def event_times(values: xr.DataArray) -> xr.DataArray:
    """When a curve ``(..., step)`` peaks, is half-way down to its last record, and falls most steeply, ``(..., event, edge)``.

    A time is "found", with the "least" and the "most" of the records between which it may lie: for a peak, those beside the
    highest. A steepest fall is found in the middle of its two records. NaN for a curve that is not finite, or ends highest.
    """
    steps = values["step"].values.astype(np.float64)
    core: dict[str, Any] = {"input_core_dims": [["step"]], "output_core_dims": [["event", "edge"]], "vectorize": True}
    found: xr.DataArray = xr.apply_ufunc(_events, values.astype(np.float64), kwargs={"steps": steps}, **core)
    return found.assign_coords(event=list(EVENTS), edge=_EDGES)


def _events(y: np.ndarray, steps: np.ndarray) -> np.ndarray:
    if not np.isfinite(y).all() or y.argmax() == y.size - 1:
        return np.full((len(EVENTS), len(_EDGES)), np.nan)
    top = int(y.argmax())
    peak = steps[top], steps[max(top - 1, 0)], steps[top + 1]
    level = (y[top] + y[-1]) / 2.0
    right = top + int((y[top:] <= level).argmax())
    half = float(np.interp(-level, -y[right - 1 : right + 1], steps[right - 1 : right + 1]))
    fastest = top + int((np.diff(y[top:]) / np.diff(steps[top:])).argmin())
    fall = steps[fastest], steps[fastest + 1]
    return np.array([peak, (half, steps[right - 1], steps[right]), (sum(fall) / 2.0, *fall)])


def leads(recorded: xr.Dataset, at: xr.Dataset) -> xr.DataArray:
    """Logarithm of event times of predictors over those of the test loss, ``(predictor, train_size, seed, event, edge)``.

    Of the runs that learn the test set. Edges are the found ratio, and the least and the most that the records leave possible,
    from -infinity to infinity. Of predictors that are only known at snapshots both times are read there. The train loss has
    no peak, so it is left out.
    """
    generalised = np.isfinite(learned(recorded)["t_test"])
    names = [name for name in LABELS if name != "train_loss"]
    parts = []
    for name in names:
        runs = recorded if name in RECORDED else where_known(at, [name])
        own, test = (event_times(runs[one]) for one in (name, "test_loss"))
        # The least of a ratio is over the most of the other time.
        over = test.sel(edge=["found", "most", "least"]).assign_coords(edge=_EDGES)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = xr.DataArray(np.log(own) - np.log(over))
        # A peak at step 0 has no logarithm.
        there = np.isfinite(logs.sel(edge="found", drop=True)) & generalised
        parts.append(logs.where(there).reindex(seed=recorded["seed"]))
    return xr.concat(parts, "predictor").assign_coords(predictor=names)


def lead(logs: xr.DataArray) -> Within:
    """Ratio of times ``(seed,)`` from logarithms ``(train_size, seed, edge)`` of `leads`, of the seeds that have one.

    The geometric mean over the train sizes that a seed has; a bound that may be at step 0 is 0 or infinite.
    """
    means = logs.mean("train_size")
    known = means.sel(seed=means.sel(edge="found", drop=True).notnull())
    return Within(*(xr.DataArray(np.exp(known.sel(edge=edge, drop=True))) for edge in _EDGES))


def lead_table(led: xr.DataArray) -> Table:
    """What comes first around grokking: times of each predictor over those of the test loss."""
    columns = {f"{label} / that of the test loss": partial(_lead, event=event) for event, label in EVENTS.items()}
    runs: Columns = {"runs": lambda one: int(one["led"].sel(event="peak", edge="found").notnull().sum())}
    named = led.assign_coords(predictor=[LABELS[name] for name in led["predictor"].values.tolist()])
    title, rows = "What moves first around grokking", {"predictor": "predictor"}
    return grid(named.to_dataset(name="led"), rows, {**columns, **runs}, title=title, note=_LED)


def _lead(one: xr.Dataset, event: str) -> Estimate:
    return estimate(lead(one["led"].sel(event=event)), "geometric")


_LED = (
    "Numbers are ratios of steps, as geometric means over the runs that learn the test set; below 1 the predictor is "
    "first. Half-way is from the peak to the last record. Intervals are widened to the records between which both times "
    "lie. Sharpness and LLC are read at the snapshots, and so is the test loss beside them: at the quick scale these are "
    "a factor of about 1.4 to 2 apart, which is most of their intervals. What comes first need not be the cause."
)


def states(recorded: xr.Dataset) -> dict[str, xr.Dataset]:
    """Hidden Markov models over the recorded training metrics: with three states, and with the number that BIC chooses.

    Empty where the optional package hmmlearn is not installed.
    """
    metrics = recorded[list(TRAINING)].assign(train_loss=np.log(recorded["train_loss"]))
    numbers: dict[str, int | range] = {"given": _FEW, "least BIC": range(1, _MOST + 1)}
    try:
        return {name: analysis.hidden_markov(metrics, n, restarts=3, folds=None) for name, n in numbers.items()}
    except ImportError:
        return {}


def phases(recorded: xr.Dataset) -> xr.DataArray:
    """Phase of each record by accuracy, ``(train_size, seed, step)``: 0 before the fit, 1 memorised, 2 generalised."""
    times, step = learned(recorded), recorded["step"]
    return ((step >= times["t_train"]).astype(int) + (step >= times["t_test"])).transpose("train_size", "seed", "step")


def explained(state: Any, phase: Any) -> float:
    """Share of the entropy of the phase that the state explains: mutual information over entropy; NaN for one phase."""
    counts = np.zeros((int(np.max(state)) + 1, int(np.max(phase)) + 1))
    np.add.at(counts, (np.ravel(state), np.ravel(phase)), 1.0)
    entropy = _entropy(counts.sum(0))
    if entropy == 0.0:
        return float("nan")
    return float(entropy + _entropy(counts.sum(1)) - _entropy(counts)) / entropy


def _entropy(counts: np.ndarray) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum()) + 0.0


def nearest_change(state: xr.DataArray, times: xr.Dataset) -> xr.Dataset:
    """Steps from times ``(train_size, seed)`` to the run's nearest change of state; NaN for no change or no such time."""
    steps = state["step"].values.astype(np.float64)
    middles = xr.DataArray((steps[1:] + steps[:-1]) / 2.0, dims="step")
    changed = state.diff("step").drop_vars("step") != 0
    away = abs(middles - times).where(changed, np.inf).min("step", skipna=False)
    return away.where(np.isfinite(away))


def aligned(state: xr.DataArray, recorded: xr.Dataset) -> xr.Dataset:
    """How states go with phases, ``(path, seed)``: by each run's own path, by those of the other seeds, and the difference.

    ``explained``: of the entropy of the phases of all runs of a seed; ``t_train`` and ``t_test``: mean distance in steps from
    that time to the nearest change. That of the other seeds is the mean over them.
    """
    times, phase, rows = learned(recorded)[["t_train", "t_test"]], phases(recorded), []
    for shift in range(state.sizes["seed"]):
        path = state.roll(seed=shift, roll_coords=False)
        share = [explained(path.sel(seed=s), phase.sel(seed=s)) for s in state["seed"].values]
        away = nearest_change(path, times.where(np.isfinite(times))).mean("train_size")
        rows.append(away.assign(explained=("seed", share)))
    others = xr.concat(rows[1:], "other").mean("other") if rows[1:] else rows[0] * np.nan
    paths = [rows[0], others, rows[0] - others]
    return xr.concat(paths, "path").assign_coords(path=["own", "other seeds", "difference"])


def state_table(models: Mapping[str, xr.Dataset], recorded: xr.Dataset) -> Table:
    """Alignment of hidden states with the phases of training, or a row that says what is missing."""
    title, rows = "Hidden states over training metrics, and the phases", {"states": "states", "path": "of"}
    if not models:
        missing = ("not computed", "the optional package hmmlearn is not installed")
        return Table(title, tuple(rows.values()), (missing,), "To have them: pip install 'memjax[hmm]'.")
    found = xr.concat([aligned(model["state"], recorded) for model in models.values()], "states")
    columns = {
        "share of the phases' entropy explained": "explained",
        "steps from the fit to the nearest change of state": "t_train",
        "steps from the generalisation to the nearest change of state": "t_test",
    }
    labels = [f"{model.attrs['num_states']} ({name})" for name, model in models.items()]
    least = models["least BIC"]
    number, most = int(least.attrs["num_states"]), int(least["num_states"].max())
    said = f"BIC still falls at {number} states, the most that were tried." if number == most else ""
    return grid(found.assign_coords(states=labels), rows, columns, title=title, note=f"{_STATES} {said}".strip())


_STATES = (
    "Gaussian hidden Markov models over the recorded measures of training alone (logarithm of the train loss), fitted to all "
    "runs. Phases by accuracy: before the fit, memorised, from the generalisation on. States of other seeds of the same "
    "fraction know how training usually goes, but not the run: what its own states add is the difference."
)
