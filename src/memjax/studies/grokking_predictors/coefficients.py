"""Learning coefficients and sharpness of the study grokking-predictors, estimated on the snapshots of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import xarray as xr

from memjax.measure import measure
from memjax.measures.sampled.llc import LLC, llc
from memjax.measures.sampled.settings import VERDICTS
from memjax.studies.grokking_predictors.numbers import LABELS
from memjax.studies.kit import Columns, Table, grid

__all__ = ["ESTIMATORS", "Estimator", "estimates", "verdict_table"]


class Estimator(NamedTuple):
    """Settings of the learning coefficient, a variable for each temperature, and on how much of a sweep they are used."""

    settings: LLC
    names: tuple[str, ...]
    seeds: int | None = None
    steps: tuple[int, ...] | None = None


_BATCH = 128
_THREAD = Estimator(
    llc(2.0, step_size=3e-3, localization=5.0, draws=500, burn_in=0, chains=1, batch_size=_BATCH), ("llc_thread",)
)
_SEVERAL = ("llc_canonical", "llc_10")
_FEWER = llc((None, 10.0), draws=200, burn_in=100, chains=2, batch_size=_BATCH)
_STEPS = (0, 40, 160, 360, 760, 1600, 2400, 4000)
ESTIMATORS: Mapping[str, tuple[Estimator, ...]] = {
    "quick": (_THREAD, Estimator(_FEWER, _SEVERAL, seeds=4, steps=_STEPS)),
    "paper": (_THREAD, Estimator(llc((None, 10.0), batch_size=_BATCH), _SEVERAL)),
}
"""Estimators by scale; the first is the thread's, whose curvature at the snapshot is also the sharpness."""


def estimates(runs: xr.Dataset, estimators: Sequence[Estimator]) -> xr.Dataset:
    """What `memjax.measures.llc` gives on snapshots but for single chains, ``(estimator, train_size, seed, step)``.

    NaN where an estimator was not used; and ``sharpness`` ``(train_size, seed, step)``, not below 0, from the first of them.
    """
    used = [part for part in (_estimated(runs, one) for one in estimators) if part is not None]
    names = [name for one in estimators for name in one.names]
    together = xr.concat(used, "estimator", join="outer", combine_attrs="drop").reindex(estimator=names)
    first = estimators[0]
    curved = together.sel(estimator=first.names[0], drop=True)
    # The largest curvature of the drift is n beta h + gamma, h the largest eigenvalue of the Hessian where it is positive.
    sharpness = (curved["llc_curvature"] - first.settings.localization) / curved["llc_nbeta"]
    return together.assign(sharpness=sharpness)


def _estimated(runs: xr.Dataset, one: Estimator) -> xr.Dataset | None:
    """What one estimator gives, ``(estimator, train_size, seed, step)``; None where none of the seeds is one of its own."""
    # Seeds are counted from 0 by their labels, so that a part of the sweep is treated as it is in the whole.
    kept = runs if one.seeds is None else runs.sel(seed=runs["seed"].values < one.seeds)
    if not kept.sizes["seed"]:
        return None
    steps = kept["snapshot"].values if one.steps is None else list(one.steps)
    found = measure(kept.sel(snapshot=steps), [one.settings])
    found = found.drop_vars("llc_chain").reset_coords(drop=True).rename(snapshot="step")
    if "nbeta" not in found.dims:
        found = found.expand_dims("nbeta")
    return found.rename(nbeta="estimator").assign_coords(estimator=list(one.names))


def verdict_table(found: xr.Dataset) -> Table:
    """What became of the estimates of the learning coefficient; none is left out of the other tables."""
    columns: Columns = {
        "estimates": lambda one: int(one["llc_verdict"].notnull().sum()),
        **{word.replace("_", " "): partial(_counted, verdict=number) for number, word in enumerate(VERDICTS)},
        "median R-hat": lambda one: float(one["llc_r_hat"].median()),
        "median error / estimate": lambda one: float(abs(one["llc_error"] / one["llc"]).median()),
        "n beta": partial(_range, name="llc_nbeta"),
        "step size": partial(_range, name="llc_step_size"),
        "LLC": partial(_range, name="llc"),
    }
    labelled = found.assign_coords(estimator=[LABELS[name] for name in found["estimator"].values.tolist()])
    title, rows = "Verdicts on the learning coefficients", {"estimator": "estimator"}
    return grid(labelled, rows, columns, title=title, note=_NOTE)


def _counted(one: xr.Dataset, verdict: int) -> int:
    return int((one["llc_verdict"] == verdict).sum())


def _range(one: xr.Dataset, name: str) -> str:
    return f"{float(one[name].min()):.3g} to {float(one[name].max()):.3g}"


_NOTE = (
    "Verdicts are those of memjax.measures.llc: ok; not converged (R-hat above 1.1, or a drift); negative; unstable step. "
    "The settings of van Wingerden's thread have one chain, few draws and no burn-in: the draws begin at the snapshot "
    "itself, which R-hat of the two halves sees, and which biases the mean down. The last columns are from the smallest "
    "to the largest; the scale of an LLC is that of its n beta. All estimates are used in all tables, whatever their "
    "verdict."
)
