"""What the study memorizing-circuits finds; nothing is published that the numbers could be compared with."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from memjax.studies.kit import Claim, Findings
from memjax.studies.memorizing_circuits import figures, order, tables
from memjax.studies.memorizing_circuits.coefficient_claims import coefficient_claims, noise_claims, prime_claims
from memjax.studies.memorizing_circuits.runs import LINEAR, LOSSES, SLOW
from memjax.studies.memorizing_circuits.tables import LOSS_NAMES

__all__ = ["CONFLICTS", "analyse", "conflict_claims", "order_claims", "spread_claims"]

CONFLICTS = "_gradients"
"""What follows the name of a loss in the name of the dataset that is measured on its networks."""
_GIVEN = "not given"


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all networks."""
    times = {loss: order.times_of(datasets[loss]) for loss in LOSSES}
    linear = {loss: order.times_of(datasets[f"{loss}{LINEAR}"]).isel(order=0) for loss in LOSSES}
    slow = {loss: order.times_of(datasets[f"{loss}{SLOW}"]).isel(order=0) for loss in LOSSES}
    conflicts = {loss: datasets[f"{loss}{CONFLICTS}"] for loss in LOSSES}
    found, primes = datasets["coefficients"], datasets["coefficients_primes"]
    square = datasets["coefficients_noise"]
    records = datasets[f"{LOSSES[0]}{SLOW}"]["example_step"].values
    return Findings(
        claims=[
            *coefficient_claims(found),
            *noise_claims(found, square),
            *prime_claims(primes),
            *order_claims(times, linear),
            *spread_claims(slow, linear),
            *conflict_claims(conflicts),
        ],
        tables={
            "coefficients": tables.coefficients(found, "points"),
            "noise": tables.noises(square),
            "primes": tables.coefficients(primes, "modulus"),
            "orders": tables.orders(times, linear),
            "spreads": tables.spreads(slow, linear),
            "gradients": tables.gradients(conflicts),
        },
        figures=figures.all_figures(found, primes, times, slow, linear, conflicts, records),
        note=_NOTE,
    )


def order_claims(times: Mapping[str, xr.Dataset], linear: Mapping[str, xr.Dataset]) -> list[Claim]:
    """What two trainings share if points are learnt in one order, and whether the initial kernel predicts the order."""
    claims = []
    for loss, name in LOSS_NAMES.items():
        shared = order.agreement(times[loss])
        known = order.predicted(times[loss], linear[loss])
        what = f"{name}: rank correlation of the first-learnt steps"
        claims += [
            Claim(f"{what}, same initial state and other batches", _GIVEN, shared["same start"]),
            Claim(f"{what}, other initial state and same batches", _GIVEN, shared["same order"]),
            Claim(
                f"{what}, same initial state less same batches",
                _GIVEN,
                shared["same start"] - shared["same order"],
                main=True,
            ),
            Claim(f"{what}, both other", _GIVEN, shared["neither"]),
            Claim(
                f"{what} with those of the network linearised at its own initial state", _GIVEN, known["own"], main=True
            ),
            Claim(f"{what} with those of the network linearised at another initial state", _GIVEN, known["other"]),
        ]
    return claims


def spread_claims(slow: Mapping[str, xr.Dataset], linear: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Whether the learning times of descent on all points at a small rate are spread more widely under the cross-entropy."""
    entropy, squares = LOSSES
    claims = []
    for time, text in tables.TIME_NAMES.items():
        parts = {"networks": slow, "linearised networks": linear}
        for nets, found in parts.items():
            ratio = order.spreads(found[entropy], time) / order.spreads(found[squares], time)
            what = f"{nets}: spread of the {text} steps, cross-entropy over squared error"
            claims.append(Claim(what, _GIVEN, ratio, of="geometric", main=nets == "networks" and time == "first"))
    return claims


def conflict_claims(conflicts: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Mean cosines between gradients of points, and the length of their mean, before the first step."""
    claims = []
    for loss, name in LOSS_NAMES.items():
        start = conflicts[loss].isel(snapshot=0)
        what = f"{name}, before the first step"
        claims += [
            Claim(f"{what}: mean cosine of two points with one label", _GIVEN, start["same"], main=loss == LOSSES[0]),
            Claim(f"{what}: mean cosine of two points with two labels", _GIVEN, start["other"], main=loss == LOSSES[0]),
            Claim(
                f"{what}: mean cosine of the gradients of two points",
                _GIVEN,
                start["mean"],
                remark="zero for uniform outputs" if loss == LOSSES[0] else "",
            ),
            Claim(f"{what}: length of the mean gradient over that of orthogonal ones", _GIVEN, tables.relative(start)),
        ]
    return claims


_NOTE = (
    "The questions are those of the dialogue by Vaintrob and Kaarel; its text was not at hand, and no numbers of it are known. "
    "Points that are right before the first step are left out of rank correlations and spreads. Spread: the step at which 90% "
    "of the points are learnt over that of 10%, in descent on all points at a small rate. Every seed is a data set; numbers of "
    "a data set are means over its runs, or over all pairs of them."
)
