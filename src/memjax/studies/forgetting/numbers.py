"""Numbers of the study forgetting: counts of events, scores of rows, and how well these agree and find random labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.tasks import Images

__all__ = [
    "CORRUPTED",
    "SCORES",
    "among",
    "auc",
    "balance",
    "between",
    "between_seeds",
    "correlations",
    "events",
    "forgotten",
    "groups",
    "hardness",
    "learnt",
    "mean_auc",
    "recorded",
    "right",
    "rows_of",
    "unforgettable",
]

SCORES = ("forgetting events", "first learnt", "AUM", "early EL2N", "last margin")
"""Scores of rows; `hardness` turns all of them so that hard rows have large values."""
CORRUPTED = "20% random: corrupted labels"
"""The group of rows whose label is replaced by another."""
_LAST, _EARLY, _FIRST = -1, 1, 0


def rows_of(runs: xr.Dataset, *, task: Images, train_size: int, test_size: int, epochs: int) -> xr.Dataset:
    """Pictures and labels of the rows by their numbers: ``pixels`` ``(example, height, width)``, ``given_label``, ``label``.

    Networks with random labels are trained on ``given_label``. ``epochs`` stays in the attributes.
    """
    train, _ = task.draw(0, train_size, test_size)
    rows = np.asarray(train.x)
    parts = {
        "pixels": (("example", "height", "width"), task.pool[rows]),
        "given_label": ("example", np.asarray(train.y)),
        "label": ("example", np.asarray(task.clean_targets(0, train_size))),
    }
    found = xr.Dataset(parts, {"example": rows}, {"epochs": epochs})
    return found.sel(example=runs["example"].values)


def _at(runs: xr.Dataset, name: str, place: int = _LAST) -> xr.DataArray:
    return runs[f"example_{name}"].isel(example_step=place, drop=True).astype(np.float64).reset_coords(drop=True)


def events(runs: xr.Dataset) -> xr.DataArray:
    """Forgetting events between presentations, ``(..., seed, example)``; none for a row that is never learnt."""
    return _at(runs, "presented_forgetting_events")


def recorded(runs: xr.Dataset) -> xr.DataArray:
    """Forgetting events between records, ``(..., seed, example)``."""
    return _at(runs, "forgetting_events")


def right(runs: xr.Dataset) -> xr.DataArray:
    """Whether a row has its label at the end, ``(..., seed, example)``."""
    return _at(runs, "correct")


def learnt(runs: xr.Dataset) -> xr.DataArray:
    """Whether a row was right at a presentation, ``(..., seed, example)``."""
    return _at(runs, "presented_first_learnt").notnull()


def forgotten(runs: xr.Dataset, epochs: int) -> xr.DataArray:
    """Forgetting events between presentations ``(..., seed, example)``; a row that is never learnt has one for every epoch."""
    return events(runs).where(learnt(runs), float(epochs))


def unforgettable(runs: xr.Dataset) -> xr.DataArray:
    """Whether a run learns a row and never forgets the row, ``(..., seed, example)``."""
    return learnt(runs) & (events(runs) == 0)


def balance(runs: xr.Dataset) -> xr.DataArray:
    """Largest difference, over rows, of learnt less forgotten events and last less first accuracy at records, ``(..., seed)``.

    Between two records a row is learnt, forgotten or neither, so the events sum to what the accuracy has changed.
    """
    gained = _at(runs, "drops_wrong") - recorded(runs)
    change = right(runs) - _at(runs, "correct", _FIRST)
    return abs(gained - change).max("example")


def groups(clean: xr.Dataset, noisy: xr.Dataset) -> Mapping[str, tuple[xr.Dataset, xr.DataArray]]:
    """Runs and the rows of a group ``(example,)``: all with true labels, and the two kinds of rows among random labels."""
    marked = noisy["corrupted"].isel(seed=0, drop=True).astype(bool).reset_coords(drop=True)
    return {
        "all labels true": (clean, xr.ones_like(marked)),
        "20% random: true labels": (noisy, ~marked),
        CORRUPTED: (noisy, marked),
    }


def among(values: xr.DataArray, rows: xr.DataArray) -> xr.DataArray:
    """Mean of values over some rows, ``(..., seed)``."""
    return values.where(rows).mean("example")


def hardness(runs: xr.Dataset, epochs: int) -> xr.DataArray:
    """All scores ``(score, seed, example)``, turned so that rows which are hard to learn have large values."""
    first = _at(runs, "presented_first_learnt")
    parts = {
        "forgetting events": forgotten(runs, epochs),
        "first learnt": first.fillna(float(runs["example_step"][-1]) + 1),
        "AUM": -_at(runs, "presented_aum"),
        "early EL2N": _at(runs, "el2n", _EARLY),
        "last margin": -_at(runs, "logit_margin"),
    }
    return xr.concat([parts[name] for name in SCORES], "score", coords="minimal").assign_coords(score=list(SCORES))


def correlations(scores: xr.DataArray) -> xr.DataArray:
    """Rank correlations between scores over rows, ``(seed, score, other)``."""
    return analysis.spearman_matrix(scores, "score", "example")


def auc(scores: xr.DataArray, marked: xr.DataArray) -> xr.DataArray:
    """Chance that a marked row has the larger score than another row, in every run, ``(score, seed)``."""
    return analysis.mann_whitney(scores, marked, "example")["share"]


def mean_auc(scores: xr.DataArray, marked: xr.DataArray) -> xr.Dataset:
    """The same chance for one score's mean over seeds: ``value`` and its jackknife ``interval``."""
    found = analysis.jackknife(lambda part: float(auc(part.mean("seed"), marked)), scores, "seed")
    return found.assign(interval=found["interval"].clip(0, 1))


def between_seeds(counts: xr.DataArray) -> xr.Dataset:
    """Mean rank correlation over all pairs of seeds of their counts ``(seed, example)``: ``value`` and its ``interval``.

    Every pair belongs to two seeds, so means of single seeds are not independent, and the interval is a jackknife one.
    """
    found = analysis.jackknife(_over_pairs, counts, "seed")
    return found.assign(interval=found["interval"].clip(-1, 1))


def _over_pairs(counts: xr.DataArray) -> float:
    matrix, seeds = analysis.spearman_matrix(counts, "seed", "example"), counts.sizes["seed"]
    # The diagonal holds the correlation of every seed with itself.
    return (float(matrix.sum()) - seeds) / (seeds * (seeds - 1))


def between(counts: xr.DataArray, others: xr.DataArray) -> xr.DataArray:
    """Rank correlation of every seed's counts with those of another network's next seed, ``(seed,)``.

    Networks with one seed have one order of batches, so each seed is paired with the next one.
    """
    following = others.copy(data=others.roll(seed=-1, roll_coords=False).values)
    return analysis.spearman(counts, following, "example")
