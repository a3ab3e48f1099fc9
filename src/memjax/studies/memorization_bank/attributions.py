"""Attributions of test examples to rows, and how well they predict networks on other subsets, and without single rows."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.measure import measure
from memjax.measures import gradient_dot, influence_functions, trak
from memjax.studies.memorization_bank.numbers import left_out

__all__ = [
    "METHODS",
    "all_methods",
    "by_gradients",
    "ceiling",
    "datamodeling_scores",
    "leave_one_out_ceiling",
    "leave_one_out_scores",
]

METHODS = (
    "bank influence",
    "datamodels",
    "gradient dot",
    "gradient cosine",
    "TracIn",
    "influence functions",
    "TRAK",
    "TRAK, one network",
)


def by_gradients(whole: xr.Dataset, *, damping: float, solver: str, projected: int) -> xr.Dataset:
    """``attribution`` ``(approach, example, test_example)``, means over networks that were trained on all rows.

    Parameters
    ----------
    whole
        Networks by ``seed``, with snapshots, the last one at the end.
    damping, solver
        Of `memjax.measures.influence_functions`.
    projected
        Dimensions of TRAK's projection.
    """
    end = whole.isel(snapshot=[-1])
    dots = measure(whole, [gradient_dot()])["gradient_dot"]
    cosine = measure(end, [gradient_dot(normalized=True)])["gradient_dot"]
    found = measure(end, [influence_functions(damping, solver=solver), trak(projected)])
    one, every = (_trak(found.isel(seed=networks)) for networks in ([0], slice(None)))
    # The learning rate is one and the same along training, so TracIn's sum over snapshots needs no weights.
    made = [dots.isel(snapshot=[-1]), cosine, dots.sum("snapshot"), found["influence_function"], every, one]
    return _joined([_mean(one) for one in made], METHODS[2:]).to_dataset(name="attribution")


def _trak(found: xr.Dataset) -> xr.DataArray:
    return found["trak_kernel"].mean("seed") * found["trak_weight"].mean("seed")


def _mean(values: xr.DataArray) -> xr.DataArray:
    """Mean over networks, of the only snapshot."""
    found = values.mean("seed") if "seed" in values.dims else values
    return found.isel(snapshot=0, drop=True) if "snapshot" in found.dims else found


def _joined(made: list[xr.DataArray], names: tuple[str, ...]) -> xr.DataArray:
    plain = [one.astype(np.float32).reset_coords(drop=True) for one in made]
    return xr.concat(plain, "approach", combine_attrs="drop").assign_coords(approach=list(names))


def _from_bank(bank: xr.Dataset) -> xr.DataArray:
    """``(approach, example, test_example)``: influence, and the weights of linear datamodels, from a bank."""
    values, count = bank["test_example_log_odds"], bank["train_count"]
    made = [analysis.influence(values, count)["influence"], analysis.datamodels(values, count)["weight"]]
    return _joined(made, METHODS[:2])


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


def leave_one_out_scores(attribution: xr.DataArray, left: xr.Dataset) -> xr.DataArray:
    """Leave-one-out scores ``(approach, left_out)``, with all seeds and without groups of them.

    Parameters
    ----------
    attribution
        ``(approach, example, test_example)``.
    left
        ``test_example_log_odds`` ``(left_out, seed, test_example)``: of networks on all rows, and then without one row each.
    """
    made = [left_out(partial(_agreement, one), _paired(left)) for one in attribution]
    return xr.concat(made, "approach").assign_coords(approach=attribution["approach"].values)


def _agreement(attribution: xr.DataArray, pairs: xr.Dataset) -> xr.DataArray:
    effect = analysis.leave_one_out(pairs["without"], pairs["whole"])["effect"]
    return analysis.leave_one_out_score(attribution.reset_coords(drop=True), effect)["mean_score"].reset_coords(
        drop=True
    )


def _paired(left: xr.Dataset) -> xr.Dataset:
    """Values ``without`` a row and ``whole``; labels of a sweep with an entry for nothing are text."""
    values = left["test_example_log_odds"].reset_coords(drop=True)
    rows = left["left_out"].values[1:].astype(np.int64)
    without = values.isel(left_out=slice(1, None)).assign_coords(left_out=rows)
    return xr.Dataset({"without": without, "whole": values.isel(left_out=0, drop=True)})


def leave_one_out_ceiling(left: xr.Dataset) -> xr.Dataset:
    """How far any attribution can come against so many seeds."""
    pairs = _paired(left)
    return analysis.leave_one_out_ceiling(pairs["without"], pairs["whole"])
