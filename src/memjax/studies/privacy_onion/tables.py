"""Tables of the study privacy-onion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax.studies.kit import Table, listed
from memjax.studies.privacy_onion.effects import GROUPS, least_removed

__all__ = ["LABELS", "neighbours", "rates", "rows"]

LABELS = {"clean": "true labels", "noisy": "a tenth wrong"}
"""The two kinds of labels, as tables call them."""


def rates(found: Mapping[str, xr.Dataset]) -> Table:
    """Rates of the attack and exposure of every group of rows."""
    parts = [found[name].sel(group=group) for name in LABELS for group in GROUPS]
    columns: Mapping[str, Any] = {
        "TPR at 0.1% FPR": lambda part: 100 * part["tpr"].sel(fpr=0.001),
        "TPR at 1% FPR": lambda part: 100 * part["tpr"].sel(fpr=0.01),
        "AUC": "auc",
        "mean exposure": "exposure",
        "as exposed as the removed": lambda part: 100 * part["above"],
        "found in half of the networks": lambda part: 100 * part["found"],
        "new in the top tenth": lambda part: 100 * part["new"],
    }
    percent = [head for head in columns if head not in ("AUC", "mean exposure")]
    heads = {"labels": [LABELS[name] for name in LABELS for _ in GROUPS], "rows": [*GROUPS] * len(LABELS)}
    title = "Exposure before and after a tenth of the rows is removed"
    return listed(heads, parts, columns, title=title, note=_RATES_NOTE, units=dict.fromkeys(percent, "%"))


_RATES_NOTE = (
    "All but the first row of each kind of labels are of the same rows: those that neither removal takes. Exposure is the "
    "difference of a row's mean log-odds in networks with and without the row, over the sum of the two standard deviations. As "
    "exposed as the removed: above the least exposure of the exposed tenth in the bank that chose this tenth. New in the top "
    "tenth: not in the most exposed tenth of these rows before; before any removal, not in the tenth of the other bank on all "
    "rows, which is what noise does."
)


def rows(found: Mapping[str, xr.Dataset], datasets: Mapping[str, xr.Dataset]) -> Table:
    """Numbers of rows and networks, and accuracies of the networks of every bank."""
    kinds = {"all rows": "", "exposed removed": "_without_exposed", "random removed": "_without_random"}
    parts = [(found[name], datasets[f"{name}{end}"], head) for name in LABELS for head, end in kinds.items()]
    columns: Mapping[str, Any] = {
        "rows": lambda part: _per_data_set((part[1]["train_count"].sum("seed") > 0).sum("example")),
        "rows compared": lambda part: _per_data_set(part[0]["left"].sum("example")),
        "removed rows with a wrong label": lambda part: _corrupted(*part),
        "as exposed, true label": lambda part: _as_exposed(*part, wrong=False),
        "as exposed, wrong label": lambda part: _as_exposed(*part, wrong=True),
        "networks": lambda part: part[1].sizes["seed"],
        "train accuracy": lambda part: part[1]["train_accuracy"].isel(step=-1).mean("seed"),
        "test accuracy": lambda part: part[1]["test_accuracy"].isel(step=-1).mean("seed"),
    }
    heads = {
        "labels": [LABELS[name] for name in LABELS for _ in kinds],
        "networks on halves of": [*kinds] * len(LABELS),
    }
    return listed(heads, parts, columns, title="Rows and networks", note=_ROWS_NOTE)


_ROWS_NOTE = (
    "Numbers are those of each data set, or their range. The networks on all rows make two banks of half as many. As exposed: "
    "rows among those compared that are as exposed as the removed ones."
)


def _per_data_set(counts: xr.DataArray) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"


def _corrupted(found: xr.Dataset, runs: xr.Dataset, kind: str) -> str:
    if kind == "all rows":
        return "-"
    wrong = runs["corrupted"].isel(seed=0, drop=True)
    return _per_data_set((found[kind.partition(" ")[0]] & wrong).sum("example"))


def _as_exposed(found: xr.Dataset, runs: xr.Dataset, kind: str, *, wrong: bool) -> str:
    bank = "before" if kind == "all rows" else f"without {kind.partition(' ')[0]}"
    corrupted = runs["corrupted"].isel(seed=0, drop=True) > 0
    high = found["exposure"].sel(bank=bank, drop=True) > least_removed(found)
    return _per_data_set((high & found["left"] & (corrupted == wrong)).sum("example"))


def neighbours(near: Mapping[str, xr.Dataset]) -> Table:
    """How near the removed rows are to the rows that rise most."""
    columns: Mapping[str, Any] = {
        "distance to the nearest exposed row": "exposed",
        "distance to the nearest random row": "random",
        "the first less the second": lambda part: part["exposed"] - part["random"],
        "taught of these rows": "risen",
        "taught of the others": "others",
    }
    parts = [near[name] for name in LABELS]
    return listed({"labels": LABELS.values()}, parts, columns, title="Nearest removed rows", note=_NEAR_NOTE)


_NEAR_NOTE = (
    "These rows are the tenth of the remaining rows that rise most: those whose exposure without the exposed rows is most "
    "above that without the random rows. Distance: mean in pixels to the nearest row of the same label that one removal takes, "
    "over the mean of the other rows that remain. Taught: how much higher the log-odds of a row are before any removal, among "
    "networks without the row, in those that have the nearest exposed row than in those that have neither."
)
