"""Membership attacks on the networks of a bank: rates, and how they depend on the number of shadow networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.studies.memorization_bank.numbers import left_out

__all__ = ["ATTACKS", "RATES", "SIZES", "attacked", "bank_sizes", "by_bank_size", "curves", "in_small_banks", "rates"]

RATES = (0.001, 0.01)
"""False positive rates at which attacks are compared."""
SIZES = (8, 16, 32, 64, 128)
"""Numbers of networks in small banks, beside the whole bank."""
ATTACKS: Mapping[str, Mapping[str, Any]] = {
    "threshold": {"attack": "threshold"},
    "calibrated loss": {"attack": "calibrated"},
    "calibrated log-odds": {"attack": "calibrated"},
    "LiRA offline": {"attack": "lira offline"},
    "LiRA": {"attack": "lira"},
    "LiRA, one variance": {"attack": "lira", "variance": "bank"},
    "RMIA": {"attack": "rmia"},
}
"""Attacks by their names in tables, with the options of `memjax.analysis.membership`."""
_SHADOWED = ("LiRA", "LiRA, one variance", "RMIA")


def rates(scores: xr.DataArray, train_count: xr.DataArray, fpr: npt.ArrayLike = RATES) -> xr.DataArray:
    """True positive rates ``(fpr,)`` at false positive rates, all networks and rows together.

    A rate is the share of scores of rows trained on that lie above the lowest threshold which at most ``fpr`` of the other
    scores exceed, as in `memjax.analysis.roc`, which gives intervals too and takes longer.
    """
    known = np.isfinite(scores.values)
    member = train_count.transpose(*scores.dims).values > 0
    inside, outside = np.sort(scores.values[known & member]), np.sort(scores.values[known & ~member])
    allowed = np.floor(np.asarray(fpr) * len(outside) + 1e-9).astype(int)
    levels = outside[::-1][np.minimum(allowed, len(outside) - 1)]
    found = 1.0 - np.searchsorted(inside, levels, side="right") / len(inside)
    return xr.DataArray(found, {"fpr": np.asarray(fpr)}, "fpr")


def attacked(bank: xr.Dataset) -> xr.Dataset:
    """Every attack on every network: ``score`` ``(attack, seed, example)``, and ``tpr`` ``(attack, left_out, fpr)``."""
    values, count = bank["example_log_odds"], bank["train_count"]
    # The logarithm of a probability, which is minus the loss, from its log-odds.
    losses = -np.logaddexp(0.0, -values.astype(np.float64))
    made = {
        name: analysis.membership(losses if name == "calibrated loss" else values, count, **options)
        for name, options in ATTACKS.items()
    }
    score = xr.concat(list(made.values()), "attack", combine_attrs="drop").assign_coords(attack=list(made))
    tpr = xr.concat([_rates_left_out(one, count) for one in made.values()], "attack").assign_coords(attack=list(made))
    return xr.Dataset(
        {"score": score.reset_coords(drop=True), "tpr": tpr, "train_count": count.reset_coords(drop=True)}
    )


def _rates_left_out(score: xr.DataArray, count: xr.DataArray) -> xr.DataArray:
    both = xr.Dataset({"score": score.reset_coords(drop=True), "count": count.reset_coords(drop=True)})
    return left_out(lambda part: rates(part["score"], part["count"]), both)


def curves(found: xr.Dataset) -> xr.DataArray:
    """True positive rates ``(attack, fpr)`` at false positive rates from one in ten thousand up."""
    at = np.geomspace(1e-4, 1.0, 81)
    made = [rates(found["score"].sel(attack=name), found["train_count"], at) for name in found["attack"].values]
    return xr.concat(made, found["attack"])


def bank_sizes(networks: int) -> list[int]:
    """Sizes of small banks, and the size of the whole bank as the last one."""
    return [*(size for size in SIZES if size < networks), networks]


def by_bank_size(bank: xr.Dataset) -> xr.DataArray:
    """True positive rates ``(attack, bank_size, left_out, fpr)`` of attacks whose shadow networks are those of a small bank."""
    sizes = bank_sizes(bank.sizes["seed"])
    made = [
        xr.concat([_rates_left_out(*in_small_banks(bank, size, **ATTACKS[name])) for size in sizes], "bank_size")
        for name in _SHADOWED
    ]
    return xr.concat(made, "attack").assign_coords(attack=list(_SHADOWED), bank_size=sizes)


def in_small_banks(bank: xr.Dataset, size: int, **options: Any) -> tuple[xr.DataArray, xr.DataArray]:
    """Scores and membership ``(seed, example)`` of networks that are attacked with ``size - 1`` networks of their own bank."""
    whole = bank.sizes["seed"] // size * size
    values, count = (_split(bank[name].isel(seed=slice(whole)), size) for name in ("example_log_odds", "train_count"))
    return tuple(_joined(one) for one in (analysis.membership(values, count, **options), count))  # type: ignore[return-value]


def _split(values: xr.DataArray, size: int) -> xr.DataArray:
    cells = values.transpose("seed", "example").values
    return xr.DataArray(cells.reshape(-1, size, cells.shape[1]), dims=("bank", "seed", "example"))


def _joined(values: xr.DataArray) -> xr.DataArray:
    cells = values.transpose("bank", "seed", "example").values
    return xr.DataArray(cells.reshape(-1, cells.shape[2]), dims=("seed", "example"))
