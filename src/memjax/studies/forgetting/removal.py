"""What removing the least forgotten rows costs, beside removing as many random ones or the most forgotten ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from memjax.studies.kit import Claim, Table, above, between, listed

__all__ = ["KINDS", "SHARES", "losses", "removal_claims", "removal_table", "removed_rows"]

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
"""Shares of the rows that are removed."""
KINDS = ("least forgotten", "most forgotten", "random")
"""Which rows are removed."""
_CLAIMED = (0.3, 0.5)
_NO_LOSS = 0.5


def removed_rows(counts: xr.DataArray, draw: int) -> list[tuple[int, ...]]:
    """Rows that one seed's networks leave out: none, and then every kind of rows for every share.

    Parameters
    ----------
    counts
        How often a row is forgotten, ``(example,)``.
    draw
        Number of the draw, which decides between rows with one count, and which rows are random.

    Examples
    --------
    >>> counts = xr.DataArray([0.0, 3.0, 1.0, 2.0, 7.0], {"example": [4, 5, 6, 7, 8]}, "example")
    >>> removed_rows(counts, draw=0)[16:18]
    [(4, 6, 7), (5, 7, 8)]
    """
    rng = np.random.default_rng(draw)
    random = rng.permutation(len(counts))
    # Most rows share one count, so that without a draw of its own the order of the data set would decide.
    shuffled = rng.permutation(len(counts))
    rising = shuffled[np.argsort(counts.values[shuffled], kind="stable")]
    rows = counts["example"].values
    orders = (rows[rising], rows[rising[::-1]], rows[random])
    removed = [order[: round(share * len(rows))] for share in SHARES for order in orders]
    return [(), *(tuple(sorted(one.tolist())) for one in removed)]


def losses(removed: xr.Dataset) -> xr.DataArray:
    """Test accuracy that is lost by removing rows, ``(share, kind, seed)``, in percent.

    Parameters
    ----------
    removed
        ``test_accuracy`` ``(run, step)`` with the coordinate ``seed``: for every seed the runs in the order of `removed_rows`.
    """
    accuracy = removed["test_accuracy"].isel(step=-1).values.reshape(-1, 1 + len(SHARES) * len(KINDS))
    lost = 100 * (accuracy[:, :1] - accuracy[:, 1:]).reshape(-1, len(SHARES), len(KINDS)).astype(np.float64)
    seeds = removed["seed"].values[:: 1 + len(SHARES) * len(KINDS)]
    dims = {"share": list(SHARES), "kind": list(KINDS), "seed": seeds}
    return xr.DataArray(lost.transpose(1, 2, 0), dims, list(dims))


def removal_claims(lost: xr.DataArray) -> list[Claim]:
    """The least forgotten rows can be removed without loss, and random ones cost more. The most forgotten are shown."""
    lost_by = "test accuracy lost by removing the {:.0%} of the rows that are {} forgotten"
    less = "test accuracy lost by removing {:.0%} of the rows, {}"
    found = []
    for share in _CLAIMED:
        least, most, random = (lost.sel(share=share, kind=kind) for kind in KINDS)
        own = share == _CLAIMED[0]
        if own:
            asked = ("no loss", between(-_NO_LOSS, _NO_LOSS))
            found.append(Claim(lost_by.format(share, "least"), asked[0], least, asked[1], units="%"))
        what = less.format(share, "random ones less the least forgotten ones")
        found.append(Claim(what, "above 0", random - least, above(0.0), units="%", main=own))
        what = less.format(share, "the most forgotten ones less random ones")
        found.append(Claim(what, "not given", most - random, units="%"))
    return found


def removal_table(lost: xr.DataArray) -> Table:
    """Test accuracy lost, by the share of the rows that is removed."""
    columns: dict[str, Any] = {
        **{f"{kind} rows": lambda share, kind=kind: lost.sel(share=share, kind=kind) for kind in KINDS},
        "random less least forgotten": lambda share: (
            lost.sel(share=share, kind="random") - lost.sel(share=share, kind="least forgotten")
        ),
    }
    shares = lost["share"].values.tolist()
    heads = {"removed": [f"{share:.0%}" for share in shares]}
    title = "Test accuracy lost by removing rows"
    return listed(heads, shares, columns, title=title, note=_NOTE, units=dict.fromkeys(columns, "%"))


_NOTE = (
    "All labels are true. Networks with and without rows are paired by seed, and no seed is one of those whose events "
    "were counted. Every seed has its own draw of random rows, and its own order of rows with equal counts."
)
