"""Attributions of test examples to rows, and how well they predict networks on subsets that no attribution has seen."""

from __future__ import annotations

from functools import partial

import xarray as xr

from memjax import analysis
from memjax.measure import measure
from memjax.measures import gradient_dot, influence_functions, trak
from memjax.studies.memorization_bank.numbers import left_out

__all__ = ["METHODS", "all_methods", "by_gradients", "ceiling", "datamodeling_scores"]

METHODS = ("bank influence", "datamodels", "gradient dot", "influence functions", "TRAK")
_PROJECTED = 128


def by_gradients(whole: xr.Dataset, *, damping: float) -> xr.Dataset:
    """``attribution`` ``(approach, example, test_example)``, means over networks that were trained on all rows.

    Parameters
    ----------
    whole
        Networks by ``seed``, with a snapshot at the end.
    damping
        Of `memjax.measures.influence_functions`.
    """
    found = measure(whole, [gradient_dot(), influence_functions(damping), trak(_PROJECTED)])
    names = ["gradient_dot", "influence_function", "trak_kernel", "trak_weight"]
    means = found[names].isel(snapshot=-1, drop=True).mean("seed")
    made = [means["gradient_dot"], means["influence_function"], means["trak_kernel"] * means["trak_weight"]]
    joined = xr.concat([one.astype("float32") for one in made], "approach", combine_attrs="drop")
    return joined.reset_coords(drop=True).assign_coords(approach=list(METHODS[2:])).to_dataset(name="attribution")


def _from_bank(bank: xr.Dataset) -> xr.DataArray:
    """``(approach, example, test_example)``: influence, and the weights of linear datamodels, from a bank."""
    values, count = bank["test_example_log_odds"], bank["train_count"]
    made = [analysis.influence(values, count)["influence"], analysis.datamodels(values, count)["weight"]]
    joined = xr.concat(
        [one.astype("float32").reset_coords(drop=True) for one in made], "approach", combine_attrs="drop"
    )
    return joined.assign_coords(approach=list(METHODS[:2]))


def all_methods(bank: xr.Dataset, by_gradient: xr.DataArray) -> xr.DataArray:
    """Attributions of all `METHODS`, paired by the numbers of rows and examples."""
    own = _from_bank(bank)
    rows = {dim: own[dim].values for dim in ("example", "test_example")}
    return xr.concat([own, by_gradient.sel(rows)], "approach", combine_attrs="drop", join="exact")


def datamodeling_scores(attribution: xr.DataArray, unseen: xr.Dataset) -> xr.DataArray:
    """Linear datamodeling scores ``(approach, left_out)`` against the mean of the networks on each subset.

    Parameters
    ----------
    attribution
        ``(approach, example, test_example)``.
    unseen
        ``test_example_log_odds`` ``(subset_seed, seed, test_example)`` and ``train_count``.
    """
    mean = xr.Dataset(
        {
            "values": unseen["test_example_log_odds"].mean("seed").reset_coords(drop=True),
            "count": unseen["train_count"].isel(seed=0).reset_coords(drop=True),
        }
    )
    made = [left_out(partial(_score, one), mean, "subset_seed") for one in attribution]
    return xr.concat(made, "approach").assign_coords(approach=attribution["approach"].values)


def _score(attribution: xr.DataArray, part: xr.Dataset) -> xr.DataArray:
    plain = attribution.reset_coords(drop=True)
    found = analysis.linear_datamodeling_score(plain, part["values"], part["count"], "subset_seed")
    return found["mean_score"].reset_coords(drop=True)


def ceiling(unseen: xr.Dataset) -> xr.Dataset:
    """How far any attribution can come, from the networks on the same subsets."""
    return analysis.datamodeling_ceiling(unseen["test_example_log_odds"], "subset_seed", over="seed")
