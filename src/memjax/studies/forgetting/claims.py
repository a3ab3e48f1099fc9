"""What the study forgetting compares."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from memjax.studies.forgetting import figures, numbers, pixels, removal, tables
from memjax.studies.forgetting.numbers import among
from memjax.studies.kit import Claim, Estimate, Findings, above, between, fitted

__all__ = ["agreement_claims", "analyse", "count_claims", "event_claims", "finder_claims"]

_LABELS = {"true labels": 0, "20% random labels": 1}
_FINDERS = ("forgetting events", "AUM")

_Agreed = Mapping[str, xr.DataArray | Estimate]
"""Rank correlations by what they are between: one of every seed, or one of all pairs of seeds."""


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all networks."""
    runs, often, rows = datasets["runs"], datasets["often"], datasets["rows"]
    clean, noisy = (runs.isel(label_noise=place, drop=True) for place in _LABELS.values())
    groups = numbers.groups(clean, noisy)
    marked = groups[numbers.CORRUPTED][1]
    scores = {
        name: numbers.hardness(runs.isel(label_noise=i, drop=True), rows.attrs["epochs"]) for name, i in _LABELS.items()
    }
    agreed = {
        name: _agreement(scores[name], datasets["widths"], i, rows.attrs["epochs"]) for name, i in _LABELS.items()
    }
    ways, lost = _ways(noisy, often), removal.losses(datasets["removed"])
    return Findings(
        claims=[
            *event_claims(groups),
            *agreement_claims(agreed),
            *finder_claims(scores["20% random labels"], marked),
            *removal.removal_claims(lost),
            *count_claims(runs, often, ways),
            *pixels.pixel_claims(datasets["pixels"]),
        ],
        tables={
            "shares": tables.shares(groups),
            "agreement": tables.agreement(agreed),
            "finders": tables.finders(scores["20% random labels"], marked),
            "removal": removal.removal_table(lost),
            "counts": tables.counts(ways, numbers.events(noisy)),
            "pixels": pixels.pixel_table(datasets["pixels"], rows.attrs["epochs"]),
        },
        figures=figures.all_figures(groups, scores, marked, lost, rows),
        note=_NOTE,
    )


def _agreement(scores: xr.DataArray, widths: xr.Dataset, place: int, epochs: int) -> _Agreed:
    """Rank correlations of counts between seeds of one width, and between widths."""
    own = scores.sel(score=numbers.SCORES[0], drop=True)
    pairs = fitted(numbers.between_seeds(own), "value", own.sizes["seed"], "interval")
    found: dict[str, xr.DataArray | Estimate] = {"seeds, width 128": pairs}
    for other in range(widths.sizes["hidden"]):
        one = widths.isel(label_noise=place, hidden=other, drop=True)
        name = f"widths 128 and {widths['hidden'].values[other]}"
        found[name] = numbers.between(own, numbers.forgotten(one, epochs))
    return found


def _ways(noisy: xr.Dataset, often: xr.Dataset) -> Mapping[str, xr.DataArray]:
    """Counts of one training by when answers are looked at."""
    steps = int(often["example_step"][0])
    every = "at every step" if steps == 1 else f"every {steps} steps"
    return {
        "at presentations": numbers.events(noisy),
        "after every epoch": numbers.recorded(noisy),
        every: numbers.recorded(often.isel(label_noise=1, drop=True)),
    }


def event_claims(groups: Mapping[str, tuple[xr.Dataset, xr.DataArray]]) -> list[Claim]:
    """Some rows are never forgotten, and corrupted labels are forgotten more."""
    (clean, every), (noisy, true), (_, wrong) = groups.values()
    counts = numbers.events(noisy).where(numbers.learnt(noisy))
    more = among(counts, wrong) - among(counts, true)
    per_run = 100 * among(numbers.unforgettable(clean), every)
    in_all = 100 * float(numbers.unforgettable(clean).all("seed").mean())
    return [
        Claim(
            "20% random labels: events per learnt row, corrupted rows less others",
            "above 0",
            more,
            above(0.0),
            main=True,
        ),
        Claim("true labels: rows of one run that are learnt and never forgotten", None, per_run, units="%"),
        Claim("true labels: rows that are unforgettable in all runs", None, Estimate(in_all), units="%"),
        Claim(
            "20% random labels: corrupted rows of one run that are never learnt",
            None,
            100 * among(~numbers.learnt(noisy), wrong),
            units="%",
        ),
    ]


def agreement_claims(agreed: Mapping[str, _Agreed]) -> list[Claim]:
    """Networks of other seeds and of other widths forget the same rows."""
    return [
        Claim(
            f"{labels}: rank correlation of events between {what}",
            "above 0",
            values,
            above(0.0),
            main=labels == "true labels" and what.startswith("seeds"),
        )
        for labels, parts in agreed.items()
        for what, values in parts.items()
    ]


def finder_claims(scores: xr.DataArray, marked: xr.DataArray) -> list[Claim]:
    """Two scores find corrupted labels better than chance; of the others, and of which is best, we have read nothing."""
    found = numbers.auc(scores, marked)
    what, less = "AUC of {} for corrupted labels", "AUC for corrupted labels: AUM less {}"
    claims = [
        Claim(what.format(name), "above 0.5", found.sel(score=name), above(0.5), main=name == "AUM")
        for name in _FINDERS
    ]
    claims += [
        Claim(what.format(name), "not given", found.sel(score=name)) for name in numbers.SCORES if name not in _FINDERS
    ]
    others = [name for name in numbers.SCORES if name != "AUM"]
    return claims + [
        Claim(less.format(name), "not given", found.sel(score="AUM") - found.sel(score=name)) for name in others
    ]


def count_claims(runs: xr.Dataset, often: xr.Dataset, ways: Mapping[str, xr.DataArray]) -> list[Claim]:
    """Events sum to the change of the accuracy, and what counts between records miss or add."""
    presented, *recorded = ways.items()
    exact = [
        Claim(
            f"records {name}: learnt less forgotten events, less the change of the accuracy of a row, largest over rows",
            "0: an identity",
            numbers.balance(one).max("label_noise"),
            between(0.0, 0.0),
            derived=True,
        )
        for name, one in zip(dict(recorded), (runs, often), strict=True)
    ]
    whole = presented[1].mean("example")
    ratios = [
        Claim(
            f"events counted {name} over those between presentations",
            "not given",
            one.mean("example") / whole,
            of="geometric",
        )
        for name, one in recorded
    ]
    return exact + ratios


_NOTE = (
    "The papers' own numbers could not be read, so words stand in the published column. All networks have one data set, and "
    "differ by their initial parameters and the order of their batches. Forgetting events are those between two presentations "
    "of a row. In rank correlations and AUCs, a row that is never learnt counts as one with an event in every epoch."
)
