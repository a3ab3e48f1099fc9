"""The linear datamodeling score: how well sums of attributions predict networks trained on other subsets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.analysis.association.ranks import spearman
from memjax.analysis.banks.bank import apply_to_banks
from memjax.analysis.base.intervals import mean_interval

__all__ = ["datamodeling_ceiling", "linear_datamodeling_score"]

FloatArray = npt.NDArray[np.float64]


def linear_datamodeling_score(
    attribution: xr.DataArray,
    values: xr.DataArray,
    train_count: xr.DataArray,
    runs: str | Sequence[str] = "seed",
    *,
    of: str = "test_example",
    level: float = 0.95,
) -> xr.Dataset:
    """Rank correlation between the value of an example and the sum of the attributions of the rows that a network has.

    Parameters
    ----------
    attribution
        Attribution of every test example to every row, ``(..., example, of)``: `influence`, weights of `datamodels`, or
        those of any other method.
    values
        Value of every test example by networks that the attribution has not seen, ``(..., runs, of)``.
    train_count
        How often each of these networks was trained on each row, ``(..., runs, example)``.
    runs
        Dimensions of the networks of one bank.
    of
        Dimension of the test examples.
    level
        Nominal coverage of the interval, between 0 and 1.

    Returns
    -------
    xarray.Dataset
        float64 ``score`` ``(..., of)``, Spearman's correlation over networks; ``mean_score`` ``(...)`` over test examples with
        ``mean_score_interval`` ``(..., bound)``, Student's t over test examples; ``count`` int, examples with a score. An
        example whose value is the same for all networks has no score (NaN).

    Raises
    ------
    ValueError
        If an array is not a DataArray or lacks a dimension, or labels differ.

    Notes
    -----
    The score is that of Park et al. (2023, arXiv:2303.14186), section 3. All test examples share the networks, which the
    interval does not count: `datamodeling_ceiling` says how far the networks themselves let any attribution come.

    Examples
    --------
    >>> trained = xr.DataArray([[1, 0], [1, 1], [0, 1], [0, 0]], dims=("seed", "example"))
    >>> outputs = xr.DataArray([[5.0], [2.0], [0.0], [3.0]], dims=("seed", "test_example"))
    >>> weight = xr.DataArray([[2.0], [-3.0]], dims=("example", "test_example"))
    >>> float(linear_datamodeling_score(weight, outputs, trained).mean_score)
    1.0
    """
    names = [runs] if isinstance(runs, str) else list(runs)
    lone = attribution if not set(names) & set(getattr(attribution, "dims", ())) else None
    if lone is None:
        raise ValueError(
            f"attribution has the dimensions {list(attribution.dims)}: give one that holds for all of runs = {names}."
        )
    summed = xr.dot(train_count.astype(np.float64), attribution.astype(np.float64), dim="example")
    arrays = {"values": values, "the sums of attributions": summed}
    core = {"values": [of], "the sums of attributions": [of]}
    found = apply_to_banks(_ranks, arrays, core, runs, {"score": [of]})
    found["score"] = found["score"].assign_attrs(long_name="linear datamodeling score", units="1")
    mean = mean_interval(found["score"], of, level)
    found = found.assign(mean_score=mean["mean"], mean_score_interval=mean["mean_interval"], count=mean["count"])
    return found.assign_attrs(level=level)


def _ranks(values: FloatArray, sums: FloatArray) -> tuple[FloatArray]:
    """Spearman's correlation ``[M]`` over the networks of arrays ``[R, M]``."""
    one, other = (xr.DataArray(array, dims=("run", "of")) for array in (values, sums))
    return (spearman(one, other, "run").values,)


def datamodeling_ceiling(
    values: xr.DataArray,
    runs: str | Sequence[str] = "seed",
    *,
    over: str = "repeat",
    of: str = "test_example",
    level: float = 0.95,
) -> xr.Dataset:
    """How well any attribution can predict networks on subsets, from networks that were trained on each subset again.

    Parameters
    ----------
    values
        Value of every test example, ``(..., runs, over, of)``: several networks on every subset, which differ in their initial
        parameters, or in the order of their minibatches, or in both.
    runs
        Dimensions of the subsets.
    over
        Dimension of the networks on one subset; an odd one out is left out.
    of
        Dimension of the test examples.
    level
        Nominal coverage of the intervals, between 0 and 1.

    Returns
    -------
    xarray.Dataset
        float64 ``split_half`` ``(..., of)``, Spearman's correlation over subsets between the mean of one half of the networks
        and that of the other half; ``ceiling`` ``(..., of)``, the expected score of an attribution that knows the expected
        value of every subset, against the mean of all networks of a subset; ``mean_split_half`` and ``mean_ceiling`` with their
        ``_interval``, Student's t over test examples.

    Raises
    ------
    ValueError
        If ``values`` is not a DataArray, lacks a dimension, or has fewer than two networks on a subset.

    Notes
    -----
    With the correlation r of two halves, the mean of all networks of a subset has the reliability 2r / (1 + r) (Spearman 1910,
    Brown 1910), and the true value correlates with that mean by the root of the reliability. The formula is exact for
    Pearson's correlation and close for ranks. Where r is negative the ceiling is 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth, noise = rng.normal(size=(4000, 1, 1)), rng.normal(size=(4000, 2, 1))
    >>> found = datamodeling_ceiling(xr.DataArray(truth + noise, dims=("seed", "repeat", "test_example")))
    >>> float(found.mean_split_half.round(2)), float(found.mean_ceiling.round(2))
    (0.47, 0.8)
    """
    if over not in values.dims or values.sizes[over] < 2:
        raise ValueError(f"over = {over!r} must be a dimension of values with at least 2 networks on every subset.")
    half = values.sizes[over] // 2
    first, second = (values.isel({over: part}).mean(over) for part in (slice(0, half), slice(half, 2 * half)))
    core = {"the first half": [of], "the second half": [of]}
    arrays = {"the first half": first, "the second half": second}
    found = apply_to_banks(_ranks, arrays, core, runs, {"split_half": [of]})
    alike = found["split_half"].clip(min=0)
    found["ceiling"] = np.sqrt(2 * alike / (1 + alike))
    for name, text in (
        ("split_half", "rank correlation of two halves of the networks"),
        ("ceiling", "ceiling of the score"),
    ):
        found[name] = found[name].assign_attrs(long_name=text, units="1")
        mean = mean_interval(found[name], of, level)
        found[f"mean_{name}"], found[f"mean_{name}_interval"] = mean["mean"], mean["mean_interval"]
    return found.assign_attrs(level=level)
