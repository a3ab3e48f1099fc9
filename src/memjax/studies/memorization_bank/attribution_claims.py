"""What the study memorization-bank compares of its attributions: their order by two scores, and what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import xarray as xr

from memjax.studies.kit import Claim, above
from memjax.studies.memorization_bank.numbers import jackknifed

__all__ = ["NETWORK_NAMES", "PUBLISHED", "attribution_claims"]

NETWORK_NAMES = {"mlp": "MLP", "logistic": "logistic regression"}
PUBLISHED: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "datamodeling": {
        "mlp": {
            "gradient dot": 0.10,
            "gradient cosine": 0.12,
            "TracIn": 0.15,
            "influence functions": 0.26,
            "TRAK": 0.33,
            "TRAK, one network": 0.11,
        },
        "logistic": {
            "gradient dot": 0.33,
            "gradient cosine": 0.19,
            "TracIn": 0.33,
            "influence functions": 0.80,
            "TRAK": 0.64,
            "TRAK, one network": 0.42,
        },
    },
    "leave-one-out": {
        "mlp": {
            "gradient dot": 0.00,
            "gradient cosine": 0.01,
            "TracIn": 0.00,
            "influence functions": 0.02,
            "TRAK": 0.02,
            "TRAK, one network": 0.01,
        },
        "logistic": {
            "gradient dot": 0.28,
            "gradient cosine": 0.17,
            "TracIn": 0.28,
            "influence functions": 0.88,
            "TRAK": 0.74,
            "TRAK, one network": 0.48,
        },
    },
}
"""Both scores on 5000 digits of MNIST (dattri), TRAK by ten networks, influence functions of the MLP by conjugate gradients."""
_ORDERS = {
    "mlp": (
        ("TRAK", "influence functions"),
        ("TRAK", "gradient dot"),
        ("influence functions", "gradient dot"),
        ("TracIn", "gradient dot"),
        ("TRAK", "TRAK, one network"),
    ),
    "logistic": (
        ("influence functions", "TRAK"),
        ("TRAK", "gradient dot"),
        ("influence functions", "gradient dot"),
        ("gradient dot", "gradient cosine"),
        ("TRAK", "TRAK, one network"),
    ),
}
_MAIN = ("influence functions", "gradient dot")


def attribution_claims(network: str, kind: str, scores: xr.DataArray) -> list[Claim]:
    """The order of the attributions by one kind of score, and the published scores themselves.

    Parameters
    ----------
    network
        ``mlp`` or ``logistic``.
    kind
        ``datamodeling`` or ``leave-one-out``.
    scores
        ``(approach, left_out)``.
    """
    return [*_orders(network, kind, scores), *_heights(network, kind, scores)]


def _orders(network: str, kind: str, scores: xr.DataArray) -> list[Claim]:
    # Published scores of the MLP without single rows are those of one network each, and all of them are 0.
    asked = () if (network, kind) == ("mlp", "leave-one-out") else _ORDERS[network]
    published, found = PUBLISHED[kind][network], []
    for better, worse in asked:
        more = jackknifed(scores.sel(approach=better) - scores.sel(approach=worse))
        what = f"{NETWORK_NAMES[network]}: {kind} score of {better} less that of {worse}"
        said = f"{published[better]:.2f} against {published[worse]:.2f} (MNIST)"
        main = network == "logistic" and (better, worse) == _MAIN
        found.append(Claim(what, said, more, above(0.0), main=main))
    return found


def _heights(network: str, kind: str, scores: xr.DataArray) -> Sequence[Claim]:
    """Scores without a verdict: the published ones are of other data, networks and numbers of networks."""
    if (network, kind) != ("mlp", "leave-one-out"):
        return []
    published = PUBLISHED[kind][network]["influence functions"]
    found = jackknifed(scores.sel(approach="influence functions"))
    what = f"{NETWORK_NAMES[network]}: {kind} score of influence functions"
    return [Claim(what, f"{published:.2f} (MNIST, one network for each row)", found)]
