"""What the order of a measure says of the order of the gap, with hyperparameters given."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.prediction.runs import names_of, of_the_same_runs, signs

__all__ = ["conditional_mutual_information", "shares"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def conditional_mutual_information(
    measure: xr.DataArray,
    gap: xr.DataArray,
    dims: str | Sequence[str],
    *,
    size: int = 2,
    repeats: str | Sequence[str] = (),
) -> xr.Dataset:
    """Share of the order of the gap that the order of a measure tells, whatever hyperparameters are known already.

    Parameters
    ----------
    measure
        Values of one or more measures, ``(..., *dims, *repeats)``, paired with ``gap`` by label. A measure without one of these
        dimensions holds for all its entries.
    gap
        Generalisation gap, ``(..., *dims, *repeats)``, in any units.
    dims
        Dimensions of the hyperparameters.
    size
        Largest number of hyperparameters that are known together, 0 or more; beyond the number of ``dims`` nothing changes.
    repeats
        Further dimensions of the runs that are never known, such as ``seed``. Without a name here, a seed gives a score of its
        own.

    Returns
    -------
    xarray.Dataset
        float64 ``score`` ``(...)`` in [0, 1], the lowest ``share``; ``share`` ``(..., given)``, the information that the
        measure's order has on the gap's order, over the entropy of the gap's order, by set of known hyperparameters;
        ``entropy`` ``(..., given)`` of the gap's order, in bits. If the known hyperparameters decide the order of every pair,
        nothing is left to tell: ``entropy`` is 0 and ``share`` NaN, and ``score`` leaves this set out. Runs in which the
        measure or the gap is not finite are left out.

    Raises
    ------
    ValueError
        If an array is not a DataArray of numbers or lacks a dimension, labels differ, or ``size`` is no whole number from 0 on.

    Notes
    -----
    Jiang et al. (2020, arXiv:1912.02178, section 2). For an ordered pair of two different runs, V is the sign of the difference
    of the gap or of the measure, and U_S holds the values that both runs have of the hyperparameters in S. The score is the
    minimum of I(V_gap; V_measure | U_S) / H(V_gap | U_S) over all sets S of at most ``size`` hyperparameters, the empty set
    among them. Every pair of runs has the same probability, so values of U_S weigh as their pairs do. Equal values have a sign
    of their own, 0.

    Without ties the share with nothing given is 1 - h((1 + tau) / 2), where h is the binary entropy in bits and tau is that of
    `kendall`: a tau of 0.5 is a share of 0.19. The score knows no direction: a measure that falls as the gap rises has the
    score of one that rises with the gap. Frequencies stand in for probabilities. So a measure without information has a share
    above 0, and the share grows as fewer pairs have one value of U_S. Shuffle the measure among the runs to see by how much.

    The scoring program of the PGDL competition (NeurIPS 2020) differs: S has exactly two hyperparameters; all values of U_S
    weigh the same; pairs of a run with itself count, and such pairs and ties count as a negative sign.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> gap = xr.DataArray(rng.random((3, 3, 4)), dims=("width", "l2", "seed"))
    >>> both = xr.concat([gap**3, 0.0 * gap], xr.Variable("measure", ["cube", "constant"]))
    >>> conditional_mutual_information(both, gap, ["width", "l2"], repeats="seed").score.values.tolist()
    [1.0, 0.0]
    """
    names, again = names_of(dims, repeats)
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
        raise ValueError(
            f"size = {size!r} must be a whole number, 0 or more: how many hyperparameters are known together."
        )
    measure, gap = of_the_same_runs(measure, gap, [*names, *again])
    core = [*names, *again]
    sets = [chosen for most in range(size + 1) for chosen in combinations(range(len(names)), most)]
    cells = _cells([gap.sizes[dim] for dim in core], sets)
    share, entropy = xr.apply_ufunc(
        lambda one, other: _of_each(one, other, cells, len(core)),
        measure,
        gap,
        input_core_dims=[core, core],
        output_core_dims=[["given"], ["given"]],
    )
    found = xr.Dataset({"score": share.min("given"), "share": share, "entropy": entropy}).drop_attrs(deep=False)
    for name, text in (
        ("score", "conditional mutual information"),
        ("share", "share of the entropy of the gap's order"),
    ):
        found[name] = found[name].assign_attrs(long_name=text, units="1")
    found["entropy"] = found["entropy"].assign_attrs(long_name="entropy of the gap's order", units="bit")
    return found.assign_coords(given=[", ".join(names[i] for i in chosen) or "nothing" for chosen in sets])


def _cells(sizes: Sequence[int], sets: Sequence[Sequence[int]]) -> IntArray:
    """Number ``[S, n]`` of the values that each run has of the hyperparameters in each set; equal values, equal number."""
    places = np.indices(sizes).reshape(len(sizes), -1)
    found = np.zeros((len(sets), places.shape[1]), np.int64)
    for row, chosen in zip(found, sets, strict=True):
        for i in chosen:
            row[:] = row * sizes[i] + places[i]
    return found


def _of_each(measure: FloatArray, gap: FloatArray, cells: IntArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Shares and entropies ``[..., S]`` of arrays whose last ``count`` axes are those of the runs."""
    whole = np.broadcast_arrays(measure, gap)
    one, other = (array.reshape(-1, cells.shape[1]) for array in whole)
    found = np.array([shares(x, y, cells) for x, y in zip(one, other, strict=True)]).reshape(-1, 2, len(cells))
    lead = whole[0].shape[: whole[0].ndim - count]
    return found[:, 0].reshape(*lead, -1), found[:, 1].reshape(*lead, -1)


def shares(measure: FloatArray, gap: FloatArray, cells: IntArray) -> tuple[FloatArray, FloatArray]:
    """Share of the entropy of the gap's order that the measure's order tells, and the entropy, for every set that is given.

    Parameters
    ----------
    measure, gap
        float64 ``[n]``; runs in which a value is not finite are left out.
    cells
        int64 ``[S, n]``: numbers from 0, equal for runs with equal values of the hyperparameters in a set.

    Returns
    -------
    share, entropy
        float64 ``[S]``, the entropy in bits.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> shares(x, x**2, np.array([[0, 0, 0], [0, 1, 2]]))
    (array([ 1., nan]), array([1., 0.]))
    """
    fine = np.isfinite(measure) & np.isfinite(gap)
    x, y, cells = measure[fine], gap[fine], cells[:, fine]
    order = 3 * signs(y[:, None], y) + signs(x[:, None], x) + 4
    total = np.zeros((2, len(cells)))
    for i, cell in enumerate(cells):
        counts = _counts(cell, order)
        total[:, i] = _spread(counts.sum(-1)), _spread(counts.swapaxes(-1, -2))
    pairs = len(x) * (len(x) - 1)
    entropy = total[0] / (pairs if pairs else np.nan)
    share = 1.0 - total[1] / np.where(total[0] > 0.0, total[0], np.nan)
    return np.maximum(share, 0.0), entropy


def _counts(cell: IntArray, order: npt.NDArray[np.int8]) -> FloatArray:
    """Numbers ``[C, 3, 3]`` of ordered pairs, by values that both runs have, sign of the gap and sign of the measure."""
    most = int(cell.max(initial=0)) + 1
    code = (9 * most * cell)[:, None] + 9 * cell + order
    counts = np.bincount(code.ravel(), minlength=9 * most**2).reshape(most**2, 3, 3)
    # A run with itself is no pair; its signs are 0 and 0.
    counts[:: most + 1, 1, 1] -= np.bincount(cell, minlength=most)
    return counts.astype(np.float64)


def _spread(counts: FloatArray) -> float:
    """Sum over rows of ``counts [..., 3]`` of the row's sum times its entropy in bits; a row of one kind adds exactly 0."""
    from scipy.special import xlogy

    rows = counts.sum(-1)
    return float((xlogy(rows, rows) - xlogy(counts, counts).sum(-1)).sum() / np.log(2.0))
