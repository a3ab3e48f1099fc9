"""Whether a removed row had masked a remaining one: what it teaches networks that lack the remaining row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.studies.privacy_onion.effects import rise
from memjax.studies.privacy_onion.numbers import SHARE, most, nearest

__all__ = ["helped", "taught"]


def taught(values: npt.ArrayLike, count: npt.ArrayLike, other: npt.ArrayLike) -> np.ndarray:
    """How much another row teaches of a row to networks without the row, ``float64[N]``.

    Parameters
    ----------
    values, count
        Value of every row by every network, and how often the network was trained on the row, ``[R, N]``.
    other
        Place of the other row, ``int[N]``; -1 where there is none.

    Returns
    -------
    numpy.ndarray
        Mean value among networks that have the other row alone, less the mean among networks that have neither. NaN without
        another row, or without networks of both kinds.

    Examples
    --------
    >>> taught([[5.0, 0.0], [2.0, 0.0], [9.0, 0.0]], [[0, 1], [0, 0], [1, 0]], [1, -1])
    array([ 3., nan])
    """
    held, place = np.asarray(count) > 0, np.asarray(other)
    has = held[:, place]
    means = []
    for kind in (has, ~has):
        there = kind & ~held & (place >= 0)
        with np.errstate(invalid="ignore"):
            means.append(np.where(there, np.asarray(values, np.float64), 0.0).sum(0) / there.sum(0))
    return np.asarray(means[0] - means[1])


def helped(found: xr.Dataset, about: xr.Dataset) -> xr.Dataset:
    """What the nearest exposed row of their label taught of the rows that rise most, and of the other rows that remain.

    Numbers ``risen`` and ``others`` ``(data_seed,)`` are mean log-odds of the bank "before", which has neither chosen the
    exposed rows nor said who rises.
    """
    about, risen = about.sel(example=found["example"]), rise(found)
    top = most(risen, (SHARE * risen.notnull().sum("example")).round())
    bank = found.sel(bank="before", drop=True)
    made = [_of_data_set(bank.sel(data_seed=seed), about.sel(data_seed=seed)) for seed in found["data_seed"].values]
    values = found["left"].copy(data=np.stack(made)).where(found["left"])
    return xr.Dataset({"risen": values.where(top).mean("example"), "others": values.where(~top).mean("example")})


def _of_data_set(bank: xr.Dataset, about: xr.Dataset) -> np.ndarray:
    other = nearest(about["pixels"].values, about["target"].values, bank["exposed"].values)[1]
    values, count = (bank[name].transpose("seed", "example").values for name in ("example_log_odds", "train_count"))
    return taught(values, count, other)
