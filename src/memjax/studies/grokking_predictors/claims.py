"""What the study grokking-predictors compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.grokking_predictors import coefficients, figures, numbers, times
from memjax.studies.grokking_predictors.numbers import LABELS, along, along_evenly, over_sizes
from memjax.studies.kit import Claim, Findings, Table, Within, claims_table, within_records

__all__ = ["analyse", "claims", "earlier"]

_THREAD, _VARIANT = 0.4, 0.5


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of records and estimates."""
    recorded, found = numbers.records(datasets["runs"]), datasets["estimates"]
    at, rare = numbers.at_snapshots(recorded, found), numbers.coarse(recorded)
    predicted, led, models = numbers.predictions(at), times.leads(recorded, at), times.states(rare)
    return Findings(
        claims=claims(recorded, at, predicted, led),
        tables={
            "correlations": numbers.correlations(recorded, at),
            "predictions": numbers.prediction_table(predicted),
            "partial": numbers.partial_table(at),
            "times": times.times_table(recorded),
            "order": times.lead_table(led),
            "states": times.state_table(models, rare),
            "verdicts": coefficients.verdict_table(found),
            "earlier": earlier(recorded, at),
        },
        figures=figures.all_figures(recorded, at, predicted, led, models),
        note=_NOTE,
    )


def claims(recorded: xr.Dataset, at: xr.Dataset, predicted: Mapping[str, xr.Dataset], led: xr.DataArray) -> list[Claim]:
    """What the thread's figures show of one run with train fraction 0.4, and what it asks, beside ours."""
    loss, llc = (values.sel(train_size=_THREAD) for values in (recorded["test_loss"], at["llc_thread"]))
    generalised = np.isfinite(times.learned(recorded)["t_test"].sel(train_size=_THREAD))
    after = llc.isel(step=-1).where(generalised)
    peaks = times.lead(led.sel(predictor="llc_thread", train_size=[_THREAD], event="peak"))
    what, learn = "step at which the thread's LLC peaks, over that of the test loss", "of runs that learn the test set"
    return [
        Claim("thread's LLC at step 0", 20.0, llc.isel(step=0)),
        Claim("step at which the thread's LLC passes 20", "the start", _passed(llc, 20.0)),
        Claim("thread's LLC at its peak", 50.0, llc.max("step", skipna=False), main=True),
        Claim("thread's LLC after grokking", (22.0, 24.0), after, main=True),
        Claim("test loss at its peak", 24.0, loss.max("step", skipna=False)),
        Claim(what, 1.0, peaks, remark=learn, main=True),
        *_asked(predicted),
    ]


def _passed(values: xr.DataArray, start: float) -> Within:
    return within_records(analysis.time_to_threshold(values, start)["time"], values["step"].values)


def _asked(predicted: Mapping[str, xr.Dataset]) -> list[Claim]:
    """The thread's question, to which it gives no number: how well single metrics predict, and whether the LLC adds."""
    labels = [LABELS[name] for name in ("weight_l2", "llc_thread", "minus_train_log_probability")]
    both, alone = (predicted[label]["ratio_any"] for label in ("L2 norm and LLC as in the thread", labels[0]))
    what = "R^2 of the log test loss of runs not seen, predicted from"
    gain = "error of that prediction from L2 norm and the thread's LLC, over that from the L2 norm alone"
    unknown = "asked, without a number"
    return [
        *(Claim(f"{what} {label}", unknown, over_sizes(predicted[label]["r_squared"])) for label in labels),
        Claim(gain, unknown, xr.DataArray(np.exp(over_sizes(both - alone))), of="geometric"),
    ]


_NOTE = (
    "What is published is one run with train fraction 0.4, read from the figures of van Wingerden's thread: minibatches "
    "of 128 and 25,000 steps, which the paper scale has; the quick scale trains on full batches for 4000 steps. Times lie "
    "between records or snapshots, and their intervals reach to these. A start is step 0 here; that of others may be the "
    "first snapshot after it."
)


def earlier(recorded: xr.Dataset, at: xr.Dataset) -> Table:
    """Numbers of an earlier run of ours, which nobody has published, beside these runs; they are no claims."""
    runs, few = (part.sel(train_size=_VARIANT) for part in (recorded, at))
    loss, norm, llc = runs["test_loss"], runs["weight_l2"], few["llc_thread"]
    there = times.learned(recorded)["t_test"].sel(train_size=_THREAD) < np.inf
    share = "share of seeds that learn the test set, at train fraction 0.4"
    recorded_too = {"weight_l2": 0.95, "minus_train_log_probability": 0.84, "minus_test_log_probability": 0.89}
    along_run = "Spearman along a run:"
    compared = [
        Claim("test loss at its peak", 26.0, loss.max("step", skipna=False)),
        Claim("test loss at the end", 0.03, loss.isel(step=-1)),
        *_course("LLC of the thread", llc, (24.0, 59.0, 24.0)),
        *_course("L2 norm", norm, (34.0, 65.0, 36.0)),
        Claim(f"{along_run} {LABELS['llc_thread']}", (0.81, 0.87), along_evenly(runs, few, "llc_thread")),
        *(Claim(f"{along_run} {LABELS[name]}", found, along(runs, name)) for name, found in recorded_too.items()),
        Claim("step at which the L2 norm passes 34", "the start", _passed(norm, 34.0)),
        Claim(share, "not every seed", there, of="share", remark=f"{int(there.sum())} of {there.size}"),
    ]
    rows = tuple(row[:-1] for row in claims_table(compared).rows)
    head = ("number, at train fraction 0.5", "earlier run, not published", "ours", "single runs")
    return Table("An earlier run of ours, not published, and here", head, rows, _EARLIER_NOTE)


def _course(label: str, values: xr.DataArray, numbers: tuple[float, float, float]) -> list[Claim]:
    start, peak, end = numbers
    return [
        Claim(f"{label}: start", start, values.isel(step=0)),
        Claim(f"{label}: peak", peak, values.max("step", skipna=False)),
        Claim(f"{label}: end", end, values.isel(step=-1)),
    ]


_EARLIER_NOTE = (
    "The thread gives the settings of a commenter's faster variant (full batch, fraction 0.5), but these numbers are of one "
    "or two throw-away runs of our own in them: not published, and no evidence for or against the thread. Correlations "
    "are over evenly spaced records, the LLC being interpolated between its snapshots."
)
