"""What a bank of the study dp-sgd memorises, and how often an attack on membership is right."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.dp_sgd.numbers import RATES
from memjax.studies.kit import Estimate, estimate, fitted
from memjax.studies.privacy_onion.numbers import most

__all__ = ["TOP", "attacked", "differences", "found_of", "in_pairs", "top_score"]

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


def differences(bank: xr.Dataset) -> xr.DataArray:
    """Whether the network of a pair with a row is right about the row, less the other network: ``(pair, example)``.

    One network of every pair has the row, so the mean over pairs is the memorisation score of the row. The mean over rows is
    the mean accuracy on train rows less that on held-out rows.
    """
    right, seen = bank["example_correct"].astype(np.float64), bank["train_count"] > 0
    return xr.where(seen, right, -right).sum("half")


def top_score(found: xr.DataArray) -> float:
    """Mean score of the most memorised rows, which are chosen by other networks than those that score them.

    Pairs of even and of odd number are two banks. Each chooses its `TOP` share of the rows, and the other one scores these
    rows. The value is the mean of both. Scores of the bank that chose would be too large by the luck of the choice.
    """
    odd = found["pair"].values % 2 == 1
    parts = [found.isel(pair=mask).mean("pair") for mask in (~odd, odd)]
    count = round(TOP * found.sizes["example"])
    chosen = [other.where(most(one, count)).mean() for one, other in (parts, parts[::-1])]
    return float(sum(chosen) / 2)


def attacked(bank: xr.Dataset) -> xr.Dataset:
    """Rates of LiRA with one variance for the bank, as `memjax.analysis.roc` gives them.

    The networks of even and of odd seed are attacked apart. The halves of one parity are independent of each other, while the
    complement of a network would give away what the network was trained on.
    """
    values, count = bank["example_log_odds"], bank["train_count"]
    score = analysis.membership(values, count, "pair", attack="lira", variance="bank")
    return analysis.roc(score, count, ("pair", "half"), fpr=RATES, resamples=_DRAWS)


def found_of(bank: xr.Dataset) -> dict[str, Estimate]:
    """Everything that a bound holds for: both scores, the advantage of the attack, and its true positive rates.

    Intervals of scores are over pairs of complementary halves, by the jackknife for the most memorised rows.
    """
    paired = in_pairs(bank)
    apart, rates = differences(paired), attacked(paired)
    pairs, runs = paired.sizes["pair"], 2 * paired.sizes["pair"]
    return {
        "mean": estimate(apart.mean("example")),
        "top": fitted(analysis.jackknife(top_score, apart, "pair"), "value", pairs, "interval"),
        "advantage": fitted(rates, "advantage", runs),
        **{f"tpr {rate:g}": fitted(rates.sel(fpr=rate), "tpr", runs) for rate in RATES},
    }
