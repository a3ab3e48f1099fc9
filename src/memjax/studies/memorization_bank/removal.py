"""What removing the most memorised rows costs, beside removing as many random rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from memjax.studies.kit import Claim, Table, above, listed
from memjax.studies.memorization_bank.numbers import final, score

__all__ = ["SHARES", "losses", "removal_claims", "removal_table", "removed_rows"]

SHARES = (0.05, 0.1, 0.2, 0.3)
"""Shares of the rows that are removed."""
_DRAWS = 4


def removed_rows(clean: xr.Dataset) -> list[tuple[int, ...]]:
    """Rows to remove: for every share the most memorised ones, then some random draws of as many."""
    memorization = score(final(clean))
    order = memorization["example"].values[np.argsort(-memorization.values, kind="stable")]
    found = []
    for place, share in enumerate(SHARES):
        count = round(share * len(order))
        random = [np.random.default_rng([place, draw]).permutation(order)[:count] for draw in range(_DRAWS)]
        found += [order[:count], *random]
    return [tuple(sorted(rows.tolist())) for rows in found]


def losses(removed: xr.Dataset) -> xr.DataArray:
    """Test accuracy that is lost by removing rows, ``(share, what, seed)``: memorised ones, random ones, and the difference.

    Parameters
    ----------
    removed
        ``test_accuracy`` ``(left_out, seed)``: without nothing, and then in the order of `removed_rows`.
    """
    accuracy = removed["test_accuracy"].transpose("left_out", "seed").reset_coords(drop=True)
    lost = accuracy.isel(left_out=0).values - accuracy.isel(left_out=slice(1, None)).values
    parts = lost.reshape(len(SHARES), 1 + _DRAWS, -1)
    memorized, random = parts[:, 0], parts[:, 1:].mean(1)
    values = np.stack([memorized, random, memorized - random], axis=1)
    dims = {"share": list(SHARES), "what": ["memorised", "random", "difference"], "seed": accuracy["seed"].values}
    return xr.DataArray(values, dims, list(dims))


def removal_claims(lost: xr.DataArray) -> list[Claim]:
    """Removing the most memorised rows costs more than removing as many random ones."""
    what = "test accuracy lost by removing the {:.0%} of the rows that are most memorised, less that by as many random rows"
    return [
        Claim(what.format(share), "above 0", 100 * lost.sel(share=share, what="difference"), above(0.0), units="%")
        for share in SHARES[-2:]
    ]


def removal_table(lost: xr.DataArray) -> Table:
    """Test accuracy lost, by the share of the rows that is removed."""
    columns: Mapping[str, Any] = {
        "most memorised rows": lambda share: 100 * lost.sel(share=share, what="memorised"),
        "random rows": lambda share: 100 * lost.sel(share=share, what="random"),
        "difference": lambda share: 100 * lost.sel(share=share, what="difference"),
    }
    shares = lost["share"].values.tolist()
    title = "Test accuracy lost by removing rows"
    units = dict.fromkeys(columns, "%")
    return listed(
        {"removed": [f"{share:.0%}" for share in shares]}, shares, columns, title=title, note=_NOTE, units=units
    )


_NOTE = (
    "All rows have true labels. Networks with and without rows are paired by seed, and the intervals are over seeds. "
    "Random rows are the mean of four draws."
)
