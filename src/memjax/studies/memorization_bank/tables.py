"""Tables of the study memorization-bank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax import analysis
from memjax.studies.kit import Table, fitted, listed
from memjax.studies.memorization_bank import numbers
from memjax.studies.memorization_bank.attacks import bootstrapped, corrupted_hits
from memjax.studies.memorization_bank.attribution_claims import NETWORK_NAMES, PUBLISHED
from memjax.studies.memorization_bank.attributions import METHODS
from memjax.studies.memorization_bank.numbers import jackknifed
from memjax.studies.memorization_bank.rated import Rated

__all__ = ["attacks", "attributions", "learners", "shadows"]

_LEARNERS = {"mlp": "MLP", "wide": "wider MLP", "logistic": "logistic regression", "nearest": "nearest neighbour"}
_PUBLISHED_TPR = {
    "threshold": "0.0",
    "calibrated loss": "1.3",
    "calibrated log-odds": "4.7",
    "LiRA offline": "4.7 (7.1 with copies)",
    "LiRA": "5.6 (8.4 with copies)",
}
_PUBLISHED_AUC = {"LiRA offline": ".674", "LiRA": ".720"}
_PUBLISHED_SHADOWS = {4: "0 / 4", 8: "1 / 5", 16: "3 / 6", 32: "5 / 7", 64: "7 / 7.5", 256: "8.5 / 8"}


def learners(banks: Mapping[str, xr.Dataset], alike: Mapping[str, xr.DataArray]) -> Table:
    """Mean scores, memorised rows and agreement with the MLP, by learner."""
    parts = [(name, numbers.scores(banks[name])) for name in _LEARNERS]
    columns: Mapping[str, Any] = {
        "mean score": lambda part: fitted(
            part[1], "mean_memorization", int(part[1]["seen_count"][0]) * 2, "mean_interval"
        ),
        "rows above 0.25": lambda part: float((part[1]["memorization"] > numbers.MEMORIZED).mean()),
        "rank correlation with the MLP": lambda part: _agreement(part[0], alike, "rank correlation"),
        "Jaccard index with the MLP": lambda part: _agreement(part[0], alike, "jaccard"),
    }
    return listed({"learner": _LEARNERS.values()}, parts, columns, title="Memorisation by learner", note=_LEARNERS_NOTE)


def _agreement(name: str, alike: Mapping[str, xr.DataArray], what: str) -> Any:
    return jackknifed(alike["halves" if name == "mlp" else name].sel(what=what))


_LEARNERS_NOTE = "The MLP is compared with itself between two halves of its bank, which halves the number of networks."


def attacks(found: xr.Dataset) -> Table:
    """Rates of every attack beside the published ones."""
    names = found["attack"].values.tolist()
    curves = {name: analysis.roc(found["score"].sel(attack=name), found["train_count"]) for name in names}
    columns: Mapping[str, Any] = {
        "AUC": lambda name: fitted(curves[name], "auc", found.sizes["seed"]),
        "published AUC": lambda name: _PUBLISHED_AUC.get(name, "-"),
        "TPR at 1% FPR": lambda name: _percent(found, name, 0.01),
        "TPR at 0.1% FPR": lambda name: _percent(found, name, 0.001),
        "corrupted among the rows found": lambda name: corrupted_hits(
            found["score"].sel(attack=name), found["train_count"], found["corrupted"], 0.001
        ),
        "published TPR at 0.1% FPR": lambda name: _PUBLISHED_TPR.get(name, "-"),
    }
    units = {name: "%" for name in columns if name.startswith("TPR")}
    return listed({"attack": names}, names, columns, title="Membership attacks", note=_ATTACKS_NOTE, units=units)


def _percent(found: xr.Dataset, name: str, rate: float) -> Any:
    return bootstrapped(100 * found["tpr"].sel(attack=name, fpr=rate))


_ATTACKS_NOTE = (
    "Published rates are of CIFAR-10, wide residual networks and 256 shadow networks, in %. Copies are 18 flipped and "
    "shifted images for every image, also behind the published AUC; the digits have none. Calibrated values have the mean "
    "of networks without the row taken off. Rows found are those at a false positive rate (FPR) of 0.1%."
)


def shadows(sizes: xr.DataArray) -> Table:
    """Rates by the number of networks in a bank."""
    labels = sizes["bank_size"].values.tolist()
    columns: dict[str, Any] = {
        f"{name} at {100 * rate:g}%": lambda size, name=name, rate=rate: bootstrapped(
            100 * sizes.sel(attack=name, bank_size=size, fpr=rate)
        )
        for rate in sizes["fpr"].values.tolist()
        for name in sizes["attack"].values.tolist()
    }
    units = dict.fromkeys(columns, "%")
    columns["published at 0.1%"] = lambda size: _PUBLISHED_SHADOWS.get(size, "-")
    title = "True positive rates by the number of networks in the bank"
    return listed({"networks": map(str, labels)}, labels, columns, title=title, note=_SHADOWS_NOTE, units=units)


_SHADOWS_NOTE = (
    "A network is attacked with the other networks of a bank of this size. Published is LiRA with one variance for every "
    "row / one for all rows in %, on CIFAR-10, read from a figure, by the number of shadow networks. Rates in the head "
    "are those of false positives."
)


def attributions(scored: Mapping[str, Rated]) -> Table:
    """Both scores of every attribution, with their ceilings and the published scores."""
    pairs = [(network, name) for network in scored for name in METHODS]
    columns: Mapping[str, Any] = {
        "datamodeling": lambda pair: jackknifed(scored[pair[0]].datamodeling.sel(approach=pair[1])),
        "ceiling": lambda pair: scored[pair[0]].ceiling,
        "datamodeling, single": lambda pair: jackknifed(scored[pair[0]].single.sel(approach=pair[1])),
        "published": lambda pair: _published("datamodeling", pair),
        "leave-one-out": lambda pair: jackknifed(scored[pair[0]].leave_one_out.sel(approach=pair[1])),
        "ceiling, leave-one-out": lambda pair: scored[pair[0]].leave_one_out_ceiling,
        "published, leave-one-out": lambda pair: _published("leave-one-out", pair),
    }
    heads = {"network": [NETWORK_NAMES[pair[0]] for pair in pairs], "attribution": [pair[1] for pair in pairs]}
    return listed(heads, pairs, columns, title="Attributions by two scores", note=_SCORES_NOTE)


def _published(kind: str, pair: tuple[str, str]) -> str:
    found = PUBLISHED[kind][pair[0]].get(pair[1])
    return "-" if found is None else f"{found:.2f}"


_SCORES_NOTE = (
    "Datamodeling: rank correlation over unseen subsets, with the mean of four networks on each subset, and (single) with one "
    "network, as published. Leave-one-out: correlation over rows with the effect of leaving the row out, the mean over pairs "
    "of networks with one seed. Ceilings are those that the networks let any attribution reach. Influence and datamodels come "
    "from the bank, the others from gradients of ten networks on all rows. Published: 5000 digits of MNIST, MLP with 128 and "
    "64 hidden units, leave-one-out by one network for each row."
)
