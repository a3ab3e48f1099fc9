"""What a bank of the study dp-sgd memorises, and how often an attack on membership is right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.dp_sgd.numbers import RATES
from memjax.studies.kit import Estimate, fitted
from memjax.studies.long_tail.scores import memorized
from memjax.studies.privacy_onion.numbers import most

__all__ = ["TOP", "attacked", "found_of", "in_pairs", "mean_score", "scores_of", "top_score"]

TOP = 0.05
"""Share of the rows that counts as the most memorised ones."""
_DRAWS = 200


def in_pairs(bank: xr.Dataset) -> xr.Dataset:
    """A bank of one setting by pairs of complementary halves: ``(pair, half, example)``.

    Parameters
    ----------
    bank
        ``example_correct``, ``example_log_odds`` and ``train_count`` ``(seed, example)``, with all seeds from 0 on.
    """
    parts = {}
    for name in ("example_correct", "example_log_odds", "train_count"):
        values = bank[name].transpose("seed", "example").values
        parts[name] = (("pair", "half", "example"), values.reshape(-1, 2, values.shape[1]))
    found = xr.Dataset(parts, {"example": bank["example"].values})
    return found.assign_coords(pair=np.arange(found.sizes["pair"]))


def mean_score(bank: xr.Dataset) -> float:
    """Mean memorisation score of all rows, which is the mean accuracy on train rows less that on held-out rows."""
    return float(memorized(bank).mean())


def top_score(bank: xr.Dataset) -> float:
    """Mean score of the most memorised rows, which are chosen by other networks than those that score them.

    Pairs of even and of odd number are two banks. Each chooses its `TOP` share of the rows, and the other one scores these
    rows. The value is the mean of both. Scores of the bank that chose would be too large by the luck of the choice.
    """
    odd = bank["pair"].values % 2 == 1
    parts = [memorized(bank.isel(pair=mask)) for mask in (~odd, odd)]
    count = round(TOP * bank.sizes["example"])
    chosen = [other.where(most(one, count)).mean() for one, other in (parts, parts[::-1])]
    return float(sum(chosen) / 2)


def scores_of(bank: xr.Dataset) -> dict[str, Estimate]:
    """Both scores with jackknife intervals over pairs of complementary halves."""
    kinds: dict[str, Callable[[xr.Dataset], float]] = {"mean": mean_score, "top": top_score}
    found = {name: analysis.jackknife(statistic, bank, "pair") for name, statistic in kinds.items()}
    return {name: fitted(one, "value", bank.sizes["pair"], "interval") for name, one in found.items()}


def attacked(bank: xr.Dataset) -> xr.Dataset:
    """Rates of LiRA with one variance for the bank, as `memjax.analysis.roc` gives them.

    The networks of even and of odd seed are attacked apart. The halves of one parity are independent of each other, while the
    complement of a network would give away what the network was trained on.
    """
    values, count = bank["example_log_odds"], bank["train_count"]
    score = analysis.membership(values, count, "pair", attack="lira", variance="bank")
    return analysis.roc(score, count, ("pair", "half"), fpr=RATES, resamples=_DRAWS)


def found_of(bank: xr.Dataset) -> dict[str, Estimate]:
    """Everything that a bound holds for: both scores, the advantage of the attack, and its true positive rates."""
    paired = in_pairs(bank)
    rates, runs = attacked(paired), 2 * paired.sizes["pair"]
    tprs = {f"tpr {rate:g}": fitted(rates.sel(fpr=rate), "tpr", runs) for rate in RATES}
    return {**scores_of(paired), "advantage": fitted(rates, "advantage", runs), **tprs}
