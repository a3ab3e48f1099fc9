"""What the study memorization-bank compares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax.studies.kit import Claim, Findings, above, between, fitted
from memjax.studies.memorization_bank import attacks, figures, knobs, numbers, removal, rows, tables
from memjax.studies.memorization_bank.attack_claims import attack_claims
from memjax.studies.memorization_bank.attribution_claims import attribution_claims
from memjax.studies.memorization_bank.numbers import MEMORIZED, jackknifed
from memjax.studies.memorization_bank.rated import Rated, rated

__all__ = ["analyse", "learner_claims", "nearest_claims", "score_claims"]

LEARNERS = {"wide": "a wider MLP", "logistic": "logistic regression", "nearest": "the nearest neighbour"}
_PAIRS = 8


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all banks, and of what was measured on the networks trained on all rows."""
    banks = {name: numbers.final(runs) for name, runs in datasets.items()}
    bank, pictures = banks["mlp"], datasets["rows"]
    found, alike = numbers.scores(bank), _alike(banks)
    hit, sizes = attacks.attacked(bank), attacks.by_bank_size(bank)
    nearest = numbers.scores(banks["nearest"])
    exact = nearest["memorization"].copy(data=_exact(banks["nearest"], pictures))
    corrupted = bank["corrupted"].isel(seed=0, drop=True) > 0
    of_rows = rows.properties(datasets["whole_mlp"], datasets["leverage"])
    pairs, lost = rows.strongest_pairs(banks["clean"], _PAIRS), removal.losses(banks["removed"])
    all_settings, scored = knobs.settings(datasets), rated(banks, datasets)
    return Findings(
        claims=[
            *score_claims(bank, found, corrupted),
            *nearest_claims(nearest, exact),
            *learner_claims(alike),
            *removal.removal_claims(lost),
            *attack_claims(hit["tpr"], sizes),
            *_attribution_claims(scored),
        ],
        tables={
            "memorization": tables.learners(banks, alike),
            "knobs": knobs.knobs_table(all_settings, found),
            "properties": rows.property_table(bank, of_rows, corrupted),
            "removal": removal.removal_table(lost),
            "attacks": tables.attacks(hit),
            "shadows": tables.shadows(sizes),
            "attributions": tables.attributions(scored),
        },
        figures={
            **figures.of_scores(found, corrupted, pictures, pairs, of_rows),
            **figures.of_knobs(all_settings),
            **figures.of_attacks(attacks.curves(hit), sizes),
            **figures.of_attributions(scored),
        },
        note=_NOTE,
    )


def _attribution_claims(scored: Mapping[str, Rated]) -> list[Claim]:
    return [
        claim
        for network, one in scored.items()
        for kind, scores in one.by_kind.items()
        for claim in attribution_claims(network, kind, scores)
    ]


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
    over = numbers.left_out(lambda part: (numbers.score(part) > MEMORIZED).mean(), bank)
    identity = "mean score less the gap of train and held-out accuracy"
    share = f"share of rows with a score above {MEMORIZED:g}"
    return [
        Claim("mean memorisation score", "not given", fitted(found, "mean_memorization", networks, "mean_interval")),
        Claim(identity, "0, an identity", numbers.gap(bank), between(-1e-6, 1e-6), derived=True),
        Claim(share, "18,099 of 50,000 (CIFAR-100, ResNet)", jackknifed(over)),
        *_corrupted_claims(bank, corrupted),
    ]


def _corrupted_claims(bank: xr.Dataset, corrupted: xr.DataArray) -> list[Claim]:
    if not bool(corrupted.any()):
        return []
    more = numbers.left_out(lambda part: _more(numbers.score(part), corrupted), bank)
    return [Claim("mean score of corrupted rows less that of the others", "above 0", jackknifed(more), above(0.0))]


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
        Claim(mean, "0, exact", ours, between(-0.01, 0.01), derived=True),
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


_NOTE = (
    "Published numbers are of other data and larger networks, so the claims ask for an order and not for a size. One seed is "
    "one network, and every row is in half of the networks. The mean score and the rates of attacks have bootstrap intervals "
    "over networks, the share of rows a binomial one, and the gap is by group of networks. All other intervals are those of "
    "the jackknife which leaves out one of eight groups of networks at a time, or of subsets for datamodeling scores. No "
    "interval knows of other draws of the rows. A network is attacked with all others of its bank as shadow networks; "
    "published are new shadow networks. A tenth of the labels is replaced by a wrong one."
)
