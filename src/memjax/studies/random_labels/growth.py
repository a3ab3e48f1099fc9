"""How the steps to fit grow with the number of examples and with fewer units: numbers, claims and tables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.kit import Claim, Column, Columns, Estimate, Table, above, fitted, grid, listed, time

__all__ = ["exponents", "growth_claims", "growth_tables", "interval_of", "times_to_fit", "where_all_fitted"]

_HEADS = {"train_size": "examples", "width": "units"}
_NOISE = ("random labels", "Gaussian inputs")


def times_to_fit(runs: xr.Dataset, level: float) -> xr.DataArray:
    """Steps to a train accuracy ``(task, train_size or width, seed)``, infinite for never; hidden widths become numbers."""
    found = analysis.time_to_threshold(runs["train_accuracy"].reset_coords(drop=True), level)["time"]
    if "hidden" not in found.dims:
        return found.drop_attrs()
    numbers = [int(text) for text in found["hidden"].values.tolist()]
    return found.rename(hidden="width").assign_coords(width=numbers).drop_attrs()


def exponents(times: xr.DataArray, budget: float, dim: str) -> xr.DataArray:
    """Exponent b of T ~ x^b by law, of all seeds and without each seed in turn.

    Parameters
    ----------
    times
        Steps to fit ``(task, seed, dim)``, infinite for never.
    budget
        Last step. A run that had not fitted by then counts by the probability of a time above the budget, with log T normal
        about the power law (`memjax.analysis.growth`).
    dim
        Dimension of the positions x.

    Returns
    -------
    xarray.DataArray
        ``(task, without)``: of all seeds in the first place, and then without the seeds in their order.

    Examples
    --------
    >>> sizes = np.array([100.0, 200.0, 400.0])
    >>> steps = np.array([[[0.9], [1.1]]]) * sizes**0.5
    >>> coords = {"task": ["true labels"], "train_size": sizes}
    >>> found = exponents(xr.DataArray(steps, coords, ("task", "seed", "train_size")), 1e3, "train_size")
    >>> float(found.isel(without=0).round(6).item())
    0.5
    """
    parts = [times, *(times.drop_isel(seed=place) for place in range(times.sizes["seed"]))]
    found = [analysis.growth(part, budget, dim, resamples=0)["coefficient"] for part in parts]
    return xr.concat(found, "without").sel(law="power law", drop=True)


def where_all_fitted(times: xr.DataArray, dim: str) -> xr.DataArray:
    """Times at the places of a dimension at which every run of every law has fitted, and NaN elsewhere.

    Examples
    --------
    >>> times = xr.DataArray([[10.0, 20.0], [np.inf, 30.0]], dims=("seed", "width"))
    >>> where_all_fitted(times, "width").values.tolist()
    [[nan, 20.0], [nan, 30.0]]
    """
    return times.where((times < np.inf).all([name for name in times.dims if name != dim]))


def interval_of(found: xr.DataArray, law: str, less: str | None = None, *, sign: int = 1) -> Estimate:
    """An exponent of `exponents`, less that of another law if it is given, times a sign, with its jackknife interval."""
    own = sign * (found.sel(task=law) - (0.0 if less is None else found.sel(task=less)))
    seeds = xr.DataArray(np.arange(1, own.sizes["without"]), dims="seed")

    def statistic(part: xr.DataArray) -> float:
        # The place of the seed that is left out; 0 where none is.
        return float(own.isel(without=int(seeds.sum() - part.sum())))

    return fitted(analysis.jackknife(statistic, seeds), "value", runs=seeds.size, interval="interval")


def growth_claims(found: Mapping[str, xr.DataArray]) -> list[Claim]:
    """Arpit et al.: time to fit grows with the number of examples, and with fewer units, more steeply for noise.

    In 1 / units the comparison is asked for at the widths at which every run has fitted. Over all widths the lines bend and
    many runs have no time, so the difference is shown and nothing is asked.
    """
    what = "exponent of the steps to fit in {}: {} less true labels"
    made = [
        Claim(what.format(words, name), "above 0", interval_of(found[dim], name, "true labels", sign=sign), above(0.0))
        for dim, (words, sign) in _ASKED.items()
        for name in _NOISE
    ]
    bent = [interval_of(found["width"], name, "true labels", sign=-1) for name in _NOISE]
    return made + [
        Claim(what.format("1 / units, all widths", name), "not asked: many runs never fitted", one)
        for name, one in zip(_NOISE, bent, strict=True)
    ]


_ASKED = {"train_size": ("the number of examples", 1), "common": ("1 / units, where every run has fitted", -1)}
_IN = {"train_size": ("the number of examples", 1), "width": ("1 / units", -1)}


def growth_tables(
    times: Mapping[str, xr.DataArray], records: Mapping[str, np.ndarray], found: Mapping[str, xr.DataArray]
) -> dict[str, Table]:
    """Steps to fit by number of examples and by width, and the exponents, with those of ``common`` widths."""
    by_dim = {f"{_HEADS[dim]}_time": _times_table(times[dim], records[dim], dim) for dim in _HEADS}
    return by_dim | {"exponents": _exponents_table(times, found)}


def _times_table(times: xr.DataArray, records: np.ndarray, dim: str) -> Table:
    columns = {name: _of_law(name, records) for name in times["task"].values.tolist()}
    title = f"Steps to fit by number of {'train examples' if dim == 'train_size' else 'hidden units'}"
    return grid(times.to_dataset(name="fitted"), {dim: _HEADS[dim]}, columns, title=title)


def _of_law(name: str, records: np.ndarray) -> Column:
    made = time("fitted", records, "geometric")
    return lambda part: made(part.sel(task=name))


def _exponents_table(times: Mapping[str, xr.DataArray], found: Mapping[str, xr.DataArray]) -> Table:
    laws = times["train_size"]["task"].values.tolist()
    columns: Columns = {
        **{f"in {words}": _exponent_of(found[dim], sign) for dim, (words, sign) in _IN.items()},
        "in 1 / units, where all fitted": _exponent_of(found["common"], -1),
    } | {f"runs that never fitted, {_HEADS[dim]}": _never_of(times[dim]) for dim in _HEADS}
    return listed({"law": laws}, laws, columns, title="Exponents of the steps to fit", note=_NOTE)


def _exponent_of(found: xr.DataArray, sign: int) -> Column:
    return lambda law: interval_of(found, law, sign=sign)


def _never_of(times: xr.DataArray) -> Column:
    return lambda law: _never(times.sel(task=law))


def _never(own: xr.DataArray) -> str:
    return f"{int(np.isinf(own).sum())} of {own.size}"


_NOTE = (
    "Numbers are exponents of power laws of the steps, fitted by maximum likelihood to single runs. A run that had not "
    "fitted by its last step counts by the probability of a later time. The last column is at the widths at which every "
    "run of every law has fitted. Intervals leave out one seed at a time."
)
