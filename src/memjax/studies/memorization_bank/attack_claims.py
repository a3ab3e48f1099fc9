"""What the study memorization-bank compares of its attacks."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from memjax.studies.kit import Claim, above, below
from memjax.studies.memorization_bank.attacks import bootstrapped

__all__ = ["attack_claims"]


def attack_claims(tpr: xr.DataArray, sizes: xr.DataArray) -> list[Claim]:
    """The order of the attacks at few false alarms, and which variance does better with few and with many networks."""
    low = tpr.sel(fpr=0.001, drop=True)
    chance = "true positive rate of the threshold at 0.1% false positives"
    orders = [
        ("calibrated loss", "threshold", "1.3% against 0.0% (CIFAR-10)"),
        ("calibrated log-odds", "calibrated loss", "4.7% against 1.3% (CIFAR-10)"),
        ("LiRA offline", "calibrated loss", "4.7% against 1.3% (CIFAR-10)"),
        ("LiRA", "LiRA offline", "5.6% against 4.7% (CIFAR-10)"),
        ("LiRA", "threshold", "5.6% against 0.0% (CIFAR-10)"),
    ]
    return [
        Claim(
            chance,
            "0.0%: no better than chance",
            bootstrapped(100 * low.sel(attack="threshold")),
            below(0.2),
            units="%",
        ),
        *(_order(low, *order, main=order[:2] == ("LiRA", "threshold")) for order in orders),
        *_variances(sizes.sel(fpr=0.001, drop=True)),
    ]


def _order(low: xr.DataArray, better: str, worse: str, published: str, main: bool) -> Claim:
    more = 100 * (low.sel(attack=better) - low.sel(attack=worse))
    what = f"true positive rate at 0.1% false positives, {better} less {worse}"
    return Claim(what, published, bootstrapped(more), above(0.0), units="%", main=main)


def _variances(low: xr.DataArray) -> Sequence[Claim]:
    few, many = (int(low["bank_size"][place]) for place in (0, -1))
    pooled = 100 * (low.sel(attack="LiRA, one variance") - low.sel(attack="LiRA"))
    rmia = 100 * (low.sel(attack="RMIA") - low.sel(attack="LiRA"))
    at = "true positive rate at 0.1% false positives in banks of {} networks, {} less LiRA"
    return [
        Claim(at.format(few, "LiRA with one variance"), "4% against 0% (4 networks, CIFAR-10)",
              bootstrapped(pooled.sel(bank_size=few)), above(0.0), units="%", main=True),
        Claim(at.format(many, "LiRA with one variance"), "8.0% against 8.5% (256 networks, CIFAR-10)",
              bootstrapped(pooled.sel(bank_size=many)), below(0.0), units="%"),
        Claim(at.format(few, "RMIA"), "RMIA is better with few networks", bootstrapped(rmia.sel(bank_size=few)), above(0.0),
              units="%"),
    ]  # fmt: skip
