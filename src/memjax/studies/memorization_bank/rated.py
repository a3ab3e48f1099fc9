"""Attributions of one network rated: scores against networks on unseen subsets and without single rows, with their ceilings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import xarray as xr

from memjax.studies.memorization_bank import attributions
from memjax.studies.memorization_bank.sizes import NETWORKS

__all__ = ["Rated", "rated"]


class Rated(NamedTuple):
    """Scores ``(approach, left_out)``, with all networks and without groups of them, and the ceilings of two of them.

    ``single`` are datamodeling scores against one network on each subset, as they are published.
    """

    datamodeling: xr.DataArray
    single: xr.DataArray
    leave_one_out: xr.DataArray
    ceiling: float
    leave_one_out_ceiling: float

    @property
    def by_kind(self) -> Mapping[str, xr.DataArray]:
        """The two kinds of scores by the names that claims use."""
        return {"datamodeling": self.datamodeling, "leave-one-out": self.leave_one_out}


def rated(banks: Mapping[str, xr.Dataset], datasets: Mapping[str, xr.Dataset]) -> Mapping[str, Rated]:
    """All attributions of every network, rated.

    Parameters
    ----------
    banks
        Values at the end of training, by the names of their sweeps.
    datasets
        What was measured on the networks trained on all rows.
    """
    return {name: _rated(name, banks, datasets[f"attributed_{name}"]["attribution"]) for name in NETWORKS}


def _rated(name: str, banks: Mapping[str, xr.Dataset], by_gradient: xr.DataArray) -> Rated:
    unseen, left = banks[f"unseen_{name}"], banks[f"left_{name}"]
    every = attributions.all_methods(banks[name], by_gradient)
    return Rated(
        attributions.datamodeling_scores(every, unseen),
        attributions.datamodeling_scores(every, unseen.isel(seed=[0])),
        attributions.leave_one_out_scores(every, left),
        float(attributions.ceiling(unseen)["mean_ceiling"]),
        float(attributions.leave_one_out_ceiling(left)["mean_ceiling"]),
    )
