"""Tables of the study grokking-predictors: what is published or was found earlier, and here, and verdicts on estimates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.measures.sampled.settings import VERDICTS
from memjax.studies._grokking_predictors_relation import along, along_evenly, over_seeds, ratio_shown
from memjax.studies._grokking_predictors_times import learned, widened, within_records
from memjax.studies._grokking_predictors_values import LABELS
from memjax.studies._text import mean_shown
from memjax.studies.study import Table

__all__ = ["TOLERANCE", "claims", "compared", "earlier", "verdict_table"]

TOLERANCE = 0.15
"""Largest half-width of an interval that can agree, as a share of the number in it: a wide one contains anything."""

_THREAD, _VARIANT = 0.4, 0.5


class _Claim(NamedTuple):
    """A range that was found elsewhere, and ours by seed with the records it lies between, at one train fraction."""

    what: str
    fraction: float
    low: float
    high: float
    ours: xr.DataArray
    about: bool = False
    between: tuple[xr.DataArray, xr.DataArray] | None = None

    @property
    def elsewhere(self) -> str:
        given = f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"
        return f"about {given}" if self.about else given

    def row(self, than: str) -> tuple[str, ...]:
        bounds = self.between or (self.ours, self.ours)
        mean, interval = widened(self.ours, *bounds)
        shown = analysis.format_interval(mean, interval)
        verdict = compared(self.ours, self.low, self.high, than, bounds)
        return (self.what, f"{self.fraction:g}", self.elsewhere, shown, _range_shown(self.ours), verdict)


def claims(recorded: xr.Dataset, at: xr.Dataset, predicted: Mapping[str, xr.Dataset], lead: xr.Dataset) -> Table:
    """Published numbers beside ours, and what follows for the question of the thread."""
    rows = [one.row("published") for one in _shape(recorded, at, lead)]
    rows.append(_start("LLC of the thread", at["llc_thread"], _THREAD, 20.0))
    head = ("claim", "train fraction", "published", "ours", "single runs", "verdict")
    note = f"{_answer(predicted)} {_CLAIMS_NOTE} {_NOTE}"
    return Table("What is published, and here", head, tuple(rows), note)


def earlier(recorded: xr.Dataset, at: xr.Dataset) -> Table:
    """Numbers of an earlier run of ours, which nobody has published, beside these runs."""
    rows = [one.row("in the earlier run") for one in _variant(recorded, at)]
    rows += [_start("L2 norm", recorded["weight_l2"], _VARIANT, 34.0), _grokked(recorded)]
    head = ("number", "train fraction", "earlier run, not published", "ours", "single runs", "beside it")
    return Table("An earlier run of ours, not published, and here", head, tuple(rows), f"{_EARLIER_NOTE} {_NOTE}")


def _shape(recorded: xr.Dataset, at: xr.Dataset, lead: xr.Dataset) -> list[_Claim]:
    """Values that the thread's figures show, of one run with fraction 0.4."""
    coefficient = at["llc_thread"].sel(train_size=_THREAD)
    loss = recorded["test_loss"].sel(train_size=_THREAD)
    generalised = np.isfinite(learned(recorded)["t_test"].sel(train_size=_THREAD))
    logs = lead.sel(predictor="llc_thread", train_size=_THREAD)
    peaks, *around = (logs[name].copy(data=np.exp(logs[name].values)) for name in ("peak", "peak_least", "peak_most"))
    return [
        _Claim("LLC of the thread at the start", _THREAD, 20, 20, coefficient.isel(step=0)),
        _Claim("LLC of the thread at its peak", _THREAD, 50, 50, coefficient.max("step", skipna=False), about=True),
        _Claim("LLC of the thread after grokking", _THREAD, 22, 24, coefficient.isel(step=-1).where(generalised)),
        _Claim("test loss at its peak", _THREAD, 24, 24, loss.max("step", skipna=False), about=True),
        _Claim("step of the LLC's peak / that of the test loss", _THREAD, 1, 1, peaks, between=(around[0], around[1])),
    ]


def _variant(recorded: xr.Dataset, at: xr.Dataset) -> list[_Claim]:
    """Values of the earlier run of the commenter's faster variant, full batch with fraction 0.5."""
    runs, few = recorded.sel(train_size=_VARIANT), at.sel(train_size=_VARIANT)
    made = [
        _Claim("test loss at its peak", _VARIANT, 26, 26, runs["test_loss"].max("step", skipna=False)),
        _Claim("test loss at the end", _VARIANT, 0.03, 0.03, runs["test_loss"].isel(step=-1)),
    ]
    for name, label, part, numbers in (
        ("llc_thread", "LLC of the thread", few, (24, 59, 24)),
        ("weight_l2", "L2 norm", runs, (34, 65, 36)),
    ):
        values = part[name]
        course = (values.isel(step=0), values.max("step", skipna=False), values.isel(step=-1))
        for when, number, ours in zip(("start", "peak", "end"), numbers, course, strict=True):
            made.append(_Claim(f"{label}: {when}", _VARIANT, number, number, ours))
    for name, low, high in (
        ("llc_thread", 0.81, 0.87),
        ("weight_l2", 0.95, 0.95),
        ("minus_train_log_probability", 0.84, 0.84),
        ("minus_test_log_probability", 0.89, 0.89),
    ):
        ours = along_evenly(runs, few, name) if name == "llc_thread" else along(runs, name)
        made.append(_Claim(f"Spearman along a run: {LABELS[name]}", _VARIANT, low, high, ours))
    return made


def _range_shown(values: xr.DataArray) -> str:
    return f"{float(values.min()):.3g} to {float(values.max()):.3g}"


def compared(
    values: xr.DataArray,
    low: float,
    high: float,
    than: str = "published",
    between: tuple[xr.DataArray, xr.DataArray] | None = None,
) -> str:
    """What a range found elsewhere and our values ``(seed,)`` say of each other.

    Examples
    --------
    >>> ours = xr.DataArray([1.9, 2.0, 2.1], dims="seed")
    >>> compared(ours, 2.1, 2.2), compared(ours, 7.0, 8.0), compared(10.0 * ours - 18.0, 2.0, 2.5)
    ('agrees: in our interval', 'ours lower than published', 'not told apart: our interval is wide')
    """
    mean, (least, most) = widened(values, *(between or (values, values)))
    if np.isnan(mean):
        return "not known"
    if np.isnan(least) or np.isnan(most):
        return "no interval from one run"
    if least <= high and low <= most:
        close = (most - least) / 2.0 <= TOLERANCE * abs(low + high) / 2.0
        return "agrees: in our interval" if close else "not told apart: our interval is wide"
    if float(values.min()) <= high and low <= float(values.max()):
        return "within our single runs, not in the interval of their mean"
    return f"ours {'lower' if mean < low else 'higher'} than {than}"


def _start(name: str, values: xr.DataArray, fraction: float, start: float) -> tuple[str, ...]:
    """When ours reach what was found elsewhere for the start, with an interval as wide as the records are apart."""
    times = analysis.time_to_threshold(values.sel(train_size=fraction), start)["time"]
    there = np.isfinite(times)
    steps = values["step"].values.astype(np.float64)
    bounds = within_records(times.where(there), steps)
    shown = analysis.format_interval(*widened(*bounds)) if bool(there.any()) else "not known"
    missing = f"not in {int((~there).sum())} of {times.size}" if not bool(there.all()) else ""
    what = f"step at which the {name} passes {start:g}, within records"
    return (what, f"{fraction:g}", "the start", shown, _range_shown(bounds.found), missing)


def _grokked(recorded: xr.Dataset) -> tuple[str, ...]:
    times = learned(recorded)["t_test"].sel(train_size=_THREAD)
    there = times.copy(data=np.isfinite(times.values))
    count, total = int(there.sum()), there.size
    share = analysis.share_interval(there)
    ours = analysis.format_interval(float(share["share"]), share["share_interval"].values)
    verdict = f"not in {total - count} of {total}" if count < total else "here every seed does"
    return (
        "share of seeds that generalise in time",
        f"{_THREAD:g}",
        "not every seed",
        ours,
        f"{count} of {total}",
        verdict,
    )


def _answer(predicted: Mapping[str, xr.Dataset]) -> str:
    """How well single metrics predict the test loss of runs not seen, as sentences from the numbers."""
    single = {label: predicted[label] for label in LABELS.values()}
    best = max(single, key=lambda label: float(over_seeds(single[label]["r_squared"]).mean()))
    shown = [
        f"{label} {mean_shown(over_seeds(single[label]['r_squared']))}" for label in (best, *_NAMED) if label in single
    ]
    return (
        "R^2 of the log test loss of runs not seen, predicted from the best single metric and from those of the thread: "
        f"{'; '.join(dict.fromkeys(shown))}. More is known than from the mean of other seeds at the same step and fraction "
        f"{_against(single, 'ratio_same')}; with the step known too {_against(single, 'ratio_step')}. {_added(predicted)}"
    )


_NAMED = tuple(LABELS[name] for name in ("weight_l2", "llc_thread", "minus_train_log_probability"))


def _against(single: Mapping[str, xr.Dataset], name: str) -> str:
    """Which metrics have a smaller error than other seeds, with intervals that exclude equality."""
    highest = {label: _bounds(one[name])[1] for label, one in single.items()}
    if np.isnan(list(highest.values())).all():
        return "from what is not known, as there are no intervals"
    better = [label for label, bound in highest.items() if bound < 1.0]
    return f"from {', '.join(better)}" if better else "from none of them"


def _bounds(logs: xr.DataArray) -> np.ndarray:
    return np.exp(analysis.mean_interval(over_seeds(logs))["mean_interval"].values)


def _added(predicted: Mapping[str, xr.Dataset]) -> str:
    """Whether the learning coefficient adds to the norm: the change of the error where both are used."""
    both, alone = (predicted[label]["ratio_any"] for label in ("L2 norm and LLC as in the thread", LABELS["weight_l2"]))
    least, most = _bounds(both - alone)
    if np.isnan(least):
        return "Whether the thread's LLC adds to the L2 norm is not known, as there is no interval."
    word = "lowers" if most < 1.0 else "raises" if least > 1.0 else "neither lowers nor raises, within its interval,"
    change = f"{word} the error of a fit to all other runs: a factor of {ratio_shown(both - alone)}."
    return f"The thread's LLC beside the L2 norm {change}"


_CLAIMS_NOTE = (
    "What is published is one run, read from the thread's figures: minibatches of 128 and 25,000 steps, which the paper "
    "scale has; the quick scale trains on full batches for 4000 steps."
)
_EARLIER_NOTE = (
    "The thread gives the settings of a commenter's faster variant (full batch, fraction 0.5), but these numbers are of one "
    "or two throw-away runs of our own in them: not published, and no evidence for or against the thread. Correlations "
    "are over evenly spaced records, the LLC being interpolated between its snapshots."
)
_NOTE = (
    "Means with 95% Student-t intervals over seeds, beside the range of single runs. A number agrees if it lies in an "
    f"interval with a half-width of at most {TOLERANCE:.0%} of it; a wider one that contains it tells nothing apart. Times "
    "lie between records or snapshots, and their intervals reach to these. A start is step 0 here; that of others may be "
    "the first snapshot after it."
)


def verdict_table(found: xr.Dataset) -> Table:
    """What became of the estimates of the learning coefficient; none is left out of the other tables."""
    rows = []
    for name in found["estimator"].values.tolist():
        one = found.sel(estimator=name)
        verdict = one["llc_verdict"].values[np.isfinite(one["llc_verdict"].values)].astype(int)
        counts = [f"{(verdict == number).sum()}" for number in range(len(VERDICTS))]
        share = abs(one["llc_error"] / one["llc"])
        cells = [f"{float(one['llc_r_hat'].median()):.2f}", f"{float(share.median()):.2f}"]
        cells += [_range_shown(one[variable]) for variable in ("llc_nbeta", "llc_step_size", "llc")]
        rows.append((LABELS[name], f"{verdict.size}", *counts, *cells))
    names = [word.replace("_", " ") for word in VERDICTS]
    head = ("estimator", "estimates", *names, "median R-hat", "median error / estimate", "n beta", "step size", "LLC")
    return Table("Verdicts on the learning coefficients", head, tuple(rows), _VERDICT_NOTE)


_VERDICT_NOTE = (
    "As memjax.measures.llc judges: ok; not converged (R-hat above 1.1, or a drift); negative; unstable step. The "
    "thread's settings have one chain, few draws and no burn-in: the draws begin at the snapshot itself, which R-hat "
    "of the two halves sees, and which biases the mean down. The last columns are from the smallest to the largest; "
    "the scale of an LLC is that of its n beta. All estimates are used in all tables, whatever their verdict."
)
