"""Membership attacks on the networks of a bank: rates, and how they depend on the number of shadow networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.kit import Estimate

__all__ = [
    "ATTACKS",
    "RATES",
    "SIZES",
    "attacked",
    "bank_sizes",
    "bootstrapped",
    "by_bank_size",
    "corrupted_hits",
    "curves",
    "drawn_rates",
    "in_small_banks",
]

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
DRAWS = 200
"""Draws of networks behind an interval of a rate."""
_SHADOWED = ("LiRA", "LiRA, one variance", "RMIA")


def drawn_rates(scores: xr.DataArray, train_count: xr.DataArray) -> xr.DataArray:
    """True positive rates ``(draw, fpr)`` at the false positive rates of `RATES`, all networks and rows together.

    Draw 0 is that of the networks as they are, the others are of networks drawn with replacement, the same ones for every
    attack, so that rates of two attacks can be compared draw by draw.
    """
    found = analysis.roc(scores, train_count, fpr=RATES, resamples=DRAWS)
    return xr.concat([found["tpr"], found["tpr_draws"]], "draw").transpose("draw", "fpr")


def attacked(bank: xr.Dataset) -> xr.Dataset:
    """Every attack on every network: ``score`` ``(attack, seed, example)`` and ``tpr`` ``(attack, draw, fpr)``."""
    values, count = bank["example_log_odds"], bank["train_count"]
    # The logarithm of a probability, which is minus the loss, from its log-odds.
    losses = values.copy(data=-np.logaddexp(0.0, -values.values.astype(np.float64)))
    made = {
        name: analysis.membership(losses if name == "calibrated loss" else values, count, **options)
        for name, options in ATTACKS.items()
    }
    score = xr.concat(list(made.values()), "attack", combine_attrs="drop").assign_coords(attack=list(made))
    tpr = xr.concat([drawn_rates(one, count) for one in made.values()], "attack").assign_coords(attack=list(made))
    about = {name: bank[name].reset_coords(drop=True) for name in ("train_count", "corrupted")}
    return xr.Dataset({"score": score.reset_coords(drop=True), "tpr": tpr, **about})


def corrupted_hits(score: xr.DataArray, train_count: xr.DataArray, corrupted: xr.DataArray, fpr: float) -> float:
    """Share of rows with a corrupted label among the train rows that an attack finds at a false positive rate."""
    values, member, wrong = (one.transpose("seed", "example").values for one in (score, train_count > 0, corrupted > 0))
    outside = np.sort(values[~member & np.isfinite(values)])[::-1]
    found = member & (values > outside[int(fpr * len(outside) + 1e-9)])
    return float(wrong[found].mean()) if found.any() else float("nan")


def bootstrapped(values: xr.DataArray) -> Estimate:
    """Estimate of a number ``(draw,)`` that `drawn_rates` leads to, with the central 95% of its draws."""
    low, high = np.quantile(values.values[1:], [0.025, 0.975])
    return Estimate(float(values[0]), float(low), float(high), count=values.sizes["draw"] - 1)


def curves(found: xr.Dataset) -> xr.DataArray:
    """True positive rates ``(attack, fpr)`` at false positive rates from one in ten thousand up."""
    at = np.geomspace(1e-4, 1.0, 81).tolist()
    names = found["attack"].values.tolist()
    made = [analysis.roc(found["score"].sel(attack=name), found["train_count"], fpr=at)["tpr"] for name in names]
    return xr.concat(made, found["attack"])


def bank_sizes(networks: int) -> list[int]:
    """Sizes of small banks, and the size of the whole bank as the last one."""
    return [*(size for size in SIZES if size < networks), networks]


def by_bank_size(bank: xr.Dataset) -> xr.DataArray:
    """True positive rates ``(attack, bank_size, draw, fpr)`` of attacks whose shadow networks are those of a small bank."""
    sizes = bank_sizes(bank.sizes["seed"])
    made = [
        xr.concat([drawn_rates(*in_small_banks(bank, size, **ATTACKS[name])) for size in sizes], "bank_size")
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
