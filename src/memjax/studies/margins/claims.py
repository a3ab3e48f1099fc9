"""What the study margins compares: first the prediction of the gap, then the loss that asks for large margins."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from memjax.studies.kit import Claim, Findings, above, between
from memjax.studies.margins import figures, tables
from memjax.studies.margins.loss_claims import loss_claims
from memjax.studies.margins.losses import compared
from memjax.studies.margins.numbers import FITTED, Scored, Variant, carried, population, scored
from memjax.studies.margins.runs import DATA

__all__ = ["SINGLE", "analyse", "exact_claims", "gap_claims", "transfer_claims"]

ADJUSTED, CROSSED = "adjusted_r_squared", "cross_validated_r_squared"
SINGLE = ("input alone", "first hidden layer alone", "second hidden layer alone")
"""Variants of one layer."""
_BAND = 0.03
# float32: errors up to 6.5e-7 were seen in 12 seeds.
_ROUNDING = 1e-5


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of both populations and both losses."""
    networks = {name: population(datasets[name], datasets[f"{name}_signatures"]) for name in DATA}
    found = {name: scored(one) for name, one in networks.items()}
    moved = transfers(networks)
    trained = compared(datasets)
    return Findings(
        claims=[
            *(claim for name, one in found.items() for claim in gap_claims(name, one)),
            *transfer_claims(moved),
            *exact_claims(datasets["linear_margins"]),
            *loss_claims(trained),
        ],
        tables={
            "scores": tables.scores(found),
            "populations": tables.populations(networks, found),
            "known": tables.known(found),
            "losses": tables.losses(trained),
            "chosen": tables.chosen(trained),
            "changes": tables.changes(trained),
        },
        figures=figures.all_figures(networks, found, trained),
        note=_NOTE,
        datasets={f"{name}_networks": one for name, one in networks.items()},
    )


def transfers(networks: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """What `carried` gives from each population to the other one, by words."""
    first, second = DATA
    pairs = ((first, second), (second, first))
    return {
        f"fitted to {one}, applied to {other}": carried(networks[one], networks[other], Variant())
        for one, other in pairs
    }


def transfer_claims(moved: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Whether a regression on one kind of data predicts the gap on the other; what is published was not read."""
    return [
        claim
        for text, found in moved.items()
        for claim in (
            Claim(f"{text}: R^2 of the gap, all layers", None, found["r_squared"]),
            Claim(f"{text}: rank correlation of predicted and true gap", None, found["rank"]),
        )
    ]


def exact_claims(found: xr.Dataset) -> list[Claim]:
    """The margin at the input of a linear network is known."""
    what = "linear networks: largest difference of a margin at the input from (f_y - f_j) / ||w_y - w_j||, over the mean margin"
    return [Claim(what, "0: a closed form", found["error"], between(0.0, _ROUNDING), derived=True)]


def gap_claims(name: str, found: Scored) -> list[Claim]:
    """Jiang et al. on one population, with controls that the publication does not have.

    Parameters
    ----------
    name
        Of the population.
    found
        What `scored` gives.
    """
    crossed = found.variants[CROSSED]
    whole = crossed.sel(variant="all layers", drop=True)
    less = lambda other: whole - crossed.sel(variant=other, drop=True)  # noqa: E731
    best = max(SINGLE, key=lambda one: float(crossed.sel(variant=one).mean()))
    more = f"{name}: cross-validated R^2, all layers less"
    everyone = f"{name}, with networks that do not fit {FITTED:.0%} of their train set: cross-validated R^2, all layers"
    return [
        Claim(f"{name}: adjusted R^2 of the gap, all layers", None, found.variants[ADJUSTED].sel(variant="all layers")),
        Claim(
            f"{name}: cross-validated R^2 of the gap, all layers",
            "above 0: margins predict the gap",
            whole,
            above(0.0),
            main=True,
        ),
        Claim(f"{more} the best single layer", "above 0", less(best), above(0.0), remark=best, main=True),
        Claim(f"{more} the same without logarithms", "above 0", less("without logarithms"), above(0.0)),
        Claim(f"{more} the same not normalised", "above 0", less("not normalised"), above(0.0)),
        Claim(f"{more} moments in place of quartiles", None, less("moments")),
        Claim(f"{more} the output margin alone", None, less("output margin alone")),
        Claim(
            f"{name}: adjusted R^2 of shuffled gaps",
            "0: its mean",
            found.null[ADJUSTED],
            between(-_BAND, _BAND),
            derived=True,
        ),
        Claim(everyone, "not given", found.everyone[CROSSED]),
        Claim(
            f"{name}: share of the squared error that margins take from train size and label noise",
            "not given",
            found.data["added"],
        ),
        Claim(
            f"{name}: share of the squared error that margins take from all knobs", "not given", found.knobs["added"]
        ),
    ]


_NOTE = (
    "The publications' numbers could not be read, so words stand in the published column where what they say in words is "
    "known. Every R^2 is of the networks of one seed, which differ in their knobs, so that no seed of a setting that is left "
    "out helps to predict it. Test accuracies are against true labels. The settings of both losses are chosen on seeds of "
    "their own."
)
