"""Memorisation along steps, width, weight decay and label noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import xarray as xr

from memjax import analysis
from memjax.studies.kit import Table, fitted, listed
from memjax.studies.memorization_bank.numbers import MEMORIZED, final, scores

__all__ = ["Setting", "knobs_table", "settings"]

_AXES = {"widths": "hidden", "decays": None, "noises": "label_noise"}
_SAID = {
    "steps": "steps",
    "hidden": "width",
    "weight_decay": "weight decay",
    "l2": "L2",
    "label_noise": "share of corrupted labels",
}


class Setting(NamedTuple):
    """A bank at one value of one knob: its networks, their scores, and which rows have their true label."""

    knob: str
    value: str
    networks: int
    train: xr.DataArray
    held_out: xr.DataArray
    found: xr.Dataset
    true: xr.DataArray

    @property
    def memorized(self) -> float:
        """Share of the rows with their true label whose score is above the level."""
        return float((self.found["memorization"] > MEMORIZED).where(self.true).mean())


def settings(datasets: Mapping[str, xr.Dataset]) -> list[Setting]:
    """All settings: the first bank at several steps, and small banks along the axes of three sweeps."""
    found = [_at_step(datasets["mlp"], place) for place in range(datasets["mlp"].sizes["example_step"])]
    for name, axis in _AXES.items():
        runs = datasets[name]
        dim = axis or next(str(dim) for dim in runs["example_correct"].dims if dim in ("weight_decay", "l2"))
        found += [_at(dim, runs.isel({dim: place})) for place in range(runs.sizes[dim])]
    return found


def _at_step(bank: xr.Dataset, place: int) -> Setting:
    step = bank["example_step"].values[place]
    return _setting("steps", f"{step:g}", bank.sel(step=step).isel(example_step=place))


def _at(dim: str, runs: xr.Dataset) -> Setting:
    value = runs[dim].item()
    return _setting(dim, value if isinstance(value, str) else f"{value:g}", final(runs))


def _setting(dim: str, value: str, bank: xr.Dataset) -> Setting:
    train, held_out = (bank[name].reset_coords(drop=True) for name in ("train_accuracy", "held_out_accuracy"))
    true = (bank["corrupted"].isel(seed=0, drop=True) == 0).reset_coords(drop=True)
    return Setting(_SAID[dim], value, bank.sizes["seed"], train, held_out, scores(bank), true)


def knobs_table(found: list[Setting], base: xr.Dataset) -> Table:
    """Accuracies, mean scores and memorised rows of every setting, and agreement with the first bank.

    Parameters
    ----------
    found
        From `settings`.
    base
        Scores of the first bank at its end.
    """
    columns: Mapping[str, Any] = {
        "train accuracy": lambda one: one.train,
        "held-out accuracy": lambda one: one.held_out,
        "mean score": lambda one: fitted(one.found, "mean_memorization", one.networks, "mean_interval"),
        "true rows above 0.25": lambda one: one.memorized,
        "rank correlation, true rows": lambda one: float(_alike(one, base)),
    }
    heads = {"knob": [one.knob for one in found], "value": [one.value for one in found]}
    title = "Memorisation along steps, width, weight decay and label noise"
    return listed(heads, found, columns, title=title, note=_NOTE)


def _alike(one: Setting, base: xr.Dataset) -> xr.DataArray:
    """Rank correlation with another bank's scores over the rows that have their true label."""
    own, other = (part["memorization"].reset_coords(drop=True).where(one.true, drop=True) for part in (one.found, base))
    return analysis.spearman(own, other, "example")


_NOTE = (
    "One knob is turned at a time; the others are those of the first bank. Settings along steps are the first bank itself. The "
    "other banks have a quarter as many networks, other subsets and other initial parameters, so that the setting which equals "
    "the first bank says what agreement the numbers of networks allow. True rows have an uncorrupted label."
)
