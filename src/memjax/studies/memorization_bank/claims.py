"""What the study memorization-bank compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from memjax.studies.kit import Claim, Findings, above, below, between, fitted
from memjax.studies.memorization_bank import attacks, attributions, figures, numbers, tables
from memjax.studies.memorization_bank.attacks import bootstrapped
from memjax.studies.memorization_bank.numbers import MEMORIZED, jackknifed

__all__ = ["analyse", "attack_claims", "attribution_claims", "learner_claims", "nearest_claims", "score_claims"]

NETWORKS = ("mlp", "logistic")
LEARNERS = {"wide": "a wider MLP", "logistic": "logistic regression", "nearest": "the nearest neighbour"}


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all banks, and of what was measured on the networks trained on all rows."""
    banks, rows = {name: numbers.final(runs) for name, runs in datasets.items()}, datasets["rows"]
    bank = banks["mlp"]
    found, alike = numbers.scores(bank), _alike(banks)
    hit, sizes = attacks.attacked(bank), attacks.by_bank_size(bank)
    predicted = {name: _predicted(name, banks, datasets) for name in NETWORKS}
    ceilings = {name: attributions.ceiling(banks[f"unseen_{name}"]) for name in NETWORKS}
    nearest = numbers.scores(banks["nearest"])
    exact = nearest["memorization"].copy(data=_exact(banks["nearest"], rows))
    corrupted = bank["corrupted"].isel(seed=0, drop=True) > 0
    return Findings(
        claims=[
            *score_claims(bank, found, corrupted),
            *nearest_claims(nearest, exact),
            *learner_claims(alike),
            *attack_claims(hit["tpr"], sizes),
            *(claim for name, scores in predicted.items() for claim in attribution_claims(name, scores)),
        ],
        tables={
            "memorization": tables.learners(banks, alike),
            "attacks": tables.attacks(hit),
            "shadows": tables.shadows(sizes),
            "attributions": tables.attributions(predicted, ceilings),
        },
        figures=figures.all_figures(found, corrupted, rows, attacks.curves(hit), sizes, predicted, ceilings),
        note=_NOTE,
    )


def _predicted(name: str, banks: Mapping[str, xr.Dataset], datasets: Mapping[str, xr.Dataset]) -> xr.DataArray:
    every = attributions.all_methods(banks[name], datasets[f"attributed_{name}"]["attribution"])
    return attributions.datamodeling_scores(every, banks[f"unseen_{name}"])


def _exact(nearest: xr.Dataset, rows: xr.Dataset) -> np.ndarray:
    size = int((nearest["train_count"].isel(seed=0) > 0).sum())
    return numbers.nearest_scores(rows["pixels"].values, rows["given_label"].values, size)


def _alike(banks: Mapping[str, xr.Dataset]) -> Mapping[str, xr.DataArray]:
    """Agreement ``(left_out, what)`` of the first bank with each other learner on as many networks, and of its two halves."""
    found = {}
    for name in LEARNERS:
        other = banks[name]
        pair = xr.Dataset({**_named("one", banks["mlp"].isel(seed=slice(other.sizes["seed"]))), **_named("two", other)})
        found[name] = numbers.left_out(
            lambda part: numbers.agreement(_unnamed("one", part), _unnamed("two", part)), pair
        )
    own = xr.Dataset(_named("one", banks["mlp"]))
    found["halves"] = numbers.left_out(lambda part: numbers.agreement(*numbers.halves(_unnamed("one", part))), own)
    return found


_PARTS = ("example_correct", "train_count")


def _named(prefix: str, bank: xr.Dataset) -> dict[str, xr.DataArray]:
    return {f"{prefix} {name}": bank[name].reset_coords(drop=True) for name in _PARTS}


def _unnamed(prefix: str, pair: xr.Dataset) -> xr.Dataset:
    return xr.Dataset({name: pair[f"{prefix} {name}"] for name in _PARTS})


def score_claims(bank: xr.Dataset, found: xr.Dataset, corrupted: xr.DataArray) -> list[Claim]:
    """Mean score, memorised rows, the identity with the gap of accuracies, and corrupted rows."""
    networks = bank.sizes["seed"]
    over = numbers.left_out(lambda part: (numbers.scores(part)["memorization"] > MEMORIZED).mean(), bank)
    more = numbers.left_out(lambda part: _more(numbers.scores(part)["memorization"], corrupted), bank)
    identity = "mean score less the gap of train and held-out accuracy"
    share = f"share of rows with a score above {MEMORIZED:g}"
    return [
        Claim("mean memorisation score", "not given", fitted(found, "mean_memorization", networks, "mean_interval")),
        Claim(identity, "0, an identity", numbers.gap(bank), between(-1e-6, 1e-6)),
        Claim(share, "18,099 of 50,000 (CIFAR-100, ResNet)", jackknifed(over)),
        Claim("mean score of corrupted rows less that of the others", "above 0", jackknifed(more), above(0.0)),
    ]


def _more(score: xr.DataArray, corrupted: xr.DataArray) -> xr.DataArray:
    return score.where(corrupted).mean() - score.where(~corrupted).mean()


def nearest_claims(found: xr.Dataset, exact: xr.DataArray) -> list[Claim]:
    """Estimated scores of the nearest neighbour beside the exact ones."""
    error = np.sqrt(exact * (1 - exact) / found["unseen_count"])
    within = abs(found["memorization"] - exact) <= 4 * error + 1e-12
    less = found[["mean_memorization", "mean_interval"]] - exact.mean()
    ours = fitted(less, "mean_memorization", 2 * int(found["unseen_count"][0]), "mean_interval")
    what = "nearest neighbour: share of rows within four standard errors of their exact score"
    mean = "nearest neighbour: mean score less the exact mean score"
    return [
        Claim(what, "nearly all", within, above(0.98), of="share"),
        Claim(mean, "0, exact", ours, between(-0.01, 0.01)),
    ]


def learner_claims(alike: Mapping[str, xr.DataArray]) -> list[Claim]:
    """Whether learners memorise the same rows."""
    found = []
    for name, text in LEARNERS.items():
        jaccard = jackknifed(alike[name].sel(what="jaccard"))
        what = f"Jaccard index of the rows that the MLP and {text} memorise"
        # Published are convolutional networks of several architectures; a wider network is the nearest to these.
        same = name == "wide"
        published = 0.7 if same else "at least 0.7 (convolutional networks)"
        found.append(Claim(what, published, jaccard, above(0.7) if same else None, main=same))
    for name, text in (("halves", "two halves of the bank"), *LEARNERS.items()):
        what = f"rank correlation of the MLP's scores: {text}"
        found.append(Claim(what, "not given", jackknifed(alike[name].sel(what="rank correlation"))))
    return found


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


_ORDERS = {
    "mlp": (("TRAK", "influence functions", ".33 against .26"), ("TRAK", "gradient dot", ".33 against .10"),
            ("influence functions", "gradient dot", ".26 against .10")),
    "logistic": (("influence functions", "TRAK", ".80 against .64"), ("TRAK", "gradient dot", ".64 against .33"),
                 ("influence functions", "gradient dot", ".80 against .33")),
}  # fmt: skip


def attribution_claims(network: str, scores: xr.DataArray) -> list[Claim]:
    """The order of the attributions by their datamodeling scores."""
    found = []
    for better, worse, published in _ORDERS[network]:
        more = jackknifed(scores.sel(approach=better) - scores.sel(approach=worse))
        what = f"{tables.NETWORK_NAMES[network]}: datamodeling score of {better} less that of {worse}"
        main = (network, better, worse) == ("logistic", "influence functions", "gradient dot")
        found.append(Claim(what, f"{published} (MNIST)", more, above(0.0), main=main))
    return found


_NOTE = (
    "Published numbers are of other data and larger networks, so the claims ask for an order and not for a size. One seed is "
    "one network, and every row is in half of the networks. The mean score and the rates of attacks have bootstrap intervals "
    "over networks, the share of rows a binomial one, and the gap is by group of networks. All other intervals are those of "
    "the jackknife which leaves out one of eight groups of networks at a time, or of subsets for datamodeling scores. No "
    "interval knows of other draws of the rows. A network is attacked with all others of its bank as shadow networks; "
    "published are new shadow networks. A tenth of the labels is replaced by a wrong one."
)
