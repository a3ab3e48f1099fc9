"""What removing rows does to the others: rates of the attack, who becomes exposed, and how near the removed rows are."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.privacy_onion.numbers import SHARE, most, nearest, turnover

__all__ = ["CURVE", "GROUPS", "LOW", "RATES", "effects", "least_removed", "near", "returned", "rise", "scored"]

RATES = (0.001, 0.01)
"""False positive rates of tables and claims."""
LOW = RATES[0]
CURVE = tuple(np.geomspace(1e-4, 0.9, 33).tolist())
"""False positive rates of the figure."""
GROUPS = {
    "all rows": ("before", "known"),
    "remaining rows, before": ("before", "left"),
    "remaining rows, exposed removed": ("without exposed", "left"),
    "remaining rows, random removed": ("without random", "left"),
}
"""Bank and mark of the rows whose rates are compared, by what they are called."""
_DRAWS = 100


def scored(found: xr.Dataset) -> xr.Dataset:
    """Scores of LiRA on the networks of every bank by group, with ``train_count``, ``(group, data_seed, seed, example)``.

    Rows that are not of a group have no score (NaN). A variance is that of a row, from the other networks of its bank.
    """
    values, count = found["example_log_odds"], found["train_count"]
    attacked = analysis.membership(values, count, attack="lira")
    made = [attacked.sel(bank=bank, drop=True).where(found[mark]) for bank, mark in GROUPS.values()]
    counts = [count.sel(bank=bank, drop=True) for bank, _ in GROUPS.values()]
    names = xr.DataArray(list(GROUPS), dims="group", name="group")
    return xr.Dataset({"score": xr.concat(made, names), "train_count": xr.concat(counts, names)})


def effects(found: xr.Dataset) -> xr.Dataset:
    """Numbers of every group and data set: ``(group, data_seed)``, rates also ``(fpr,)``.

    ``tpr`` and ``auc`` are those of `memjax.analysis.roc`, and ``exposure`` is the mean exposure of the rows. ``found`` is the
    share of rows that the attack finds at 0.1% false positives in at least half of the networks trained on them. ``above`` is
    the share of rows that are as exposed as the removed ones: above the least exposure of these in the bank that chose them.
    ``new`` is the share of the most exposed tenth of the group that was not in the most exposed tenth of the same rows before.
    For groups of networks on all rows this compares the two banks, so that noise alone is behind the share.
    """
    scores = scored(found)
    rates = analysis.roc(scores["score"], scores["train_count"], fpr=sorted({*RATES, *CURVE}), resamples=_DRAWS)
    exposure = _exposure_of_groups(found)
    rows = exposure.notnull().sum("example")
    return xr.Dataset(
        {
            "tpr": rates["tpr"],
            "auc": rates["auc"],
            "exposure": exposure.mean("example"),
            "found": (_own_rates(scores) >= 0.5).sum("example") / rows,
            "above": (exposure > least_removed(found)).sum("example") / rows,
            "new": _new(found, exposure),
        }
    ).reset_coords(drop=True)


def least_removed(found: xr.Dataset) -> xr.DataArray:
    """Least exposure ``(data_seed,)`` of the removed rows in the bank that chose them."""
    return found["exposure"].sel(bank="selecting", drop=True).where(found["exposed"]).min("example")


def _exposure_of_groups(found: xr.Dataset) -> xr.DataArray:
    made = [found["exposure"].sel(bank=bank, drop=True).where(found[mark]) for bank, mark in GROUPS.values()]
    return xr.concat(made, xr.DataArray(list(GROUPS), dims="group", name="group"))


def _new(found: xr.Dataset, exposure: xr.DataArray) -> xr.DataArray:
    made = []
    for group, (bank, mark) in GROUPS.items():
        earlier = found["exposure"].sel(bank="selecting" if bank == "before" else "before", drop=True)
        made.append(turnover(earlier.where(found[mark]), exposure.sel(group=group, drop=True)))
    return xr.concat(made, exposure["group"])


def _own_rates(scores: xr.Dataset) -> xr.DataArray:
    """True positive rate of every row at the threshold of `LOW` for all rows of its group, ``(group, data_seed, example)``."""
    score, member = scores["score"], scores["train_count"] > 0
    others = score.where(~member).stack(all=("seed", "example"))

    def threshold(values: np.ndarray) -> float:
        known = np.sort(values[np.isfinite(values)])[::-1]
        return float(known[int(LOW * len(known) + 1e-9)])

    level = xr.apply_ufunc(threshold, others, input_core_dims=[["all"]], vectorize=True)
    return (score > level).where(member & score.notnull()).mean("seed")


def returned(tpr: xr.DataArray) -> xr.DataArray:
    """Share ``(group, data_seed)`` of the fall of a rate, from all rows to the rows that remain, that a group has back."""
    whole, rest = tpr.sel(group="all rows"), tpr.sel(group="remaining rows, before")
    return (tpr - rest) / (whole - rest)


def rise(found: xr.Dataset) -> xr.DataArray:
    """How much more exposed remaining rows are without the exposed rows than without random ones, ``(data_seed, example)``."""
    exposure = found["exposure"]
    more = exposure.sel(bank="without exposed", drop=True) - exposure.sel(bank="without random", drop=True)
    return more.where(found["left"])


def near(found: xr.Dataset, about: xr.Dataset) -> xr.Dataset:
    """How near the removed rows of their own label are to the rows that rise most, in data sets ``(data_seed,)``.

    ``exposed`` is the mean distance of the tenth with the largest `rise` to the nearest exposed row that was removed, over the
    mean of the other rows that remain; ``random`` is the same for the nearest randomly drawn row.
    """
    about, risen = about.sel(example=found["example"]), rise(found)
    top = most(risen, (SHARE * risen.notnull().sum("example")).round())
    ratios = {kind: _ratio(_distances(found, about, kind), top) for kind in ("exposed", "random")}
    return xr.Dataset(ratios)


def _distances(found: xr.Dataset, about: xr.Dataset, kind: str) -> xr.DataArray:
    made = [
        nearest(
            about["pixels"].values, about["target"].sel(data_seed=seed).values, found[kind].sel(data_seed=seed).values
        )[0]
        for seed in found["data_seed"].values
    ]
    return found["left"].copy(data=np.stack(made)).where(found["left"])


def _ratio(distance: xr.DataArray, top: xr.DataArray) -> xr.DataArray:
    # Where no row of the label was removed there is no nearest one.
    known = distance.where(np.isfinite(distance))
    return known.where(top).mean("example") / known.where(~top).mean("example")
