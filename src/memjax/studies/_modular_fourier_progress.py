"""Numbers of the study modular-fourier: progress measures by snapshot, times of the phases, and when modes are learnt."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.measure import measure
from memjax.measures.on_snapshots.modular_fourier import modular_fourier

__all__ = ["accuracy_times", "modes", "phase_times", "progress"]

_RECORDED = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "weight_l2")


def progress(dataset: xr.Dataset) -> xr.Dataset:
    """What `memjax.measures.modular_fourier` gives at every snapshot, with what was recorded there, by ``seed``.

    Key frequencies are those of each run's last snapshot at all of them, as Nanda et al. take those of the trained network.
    """
    last = measure(dataset.isel(snapshot=[-1]), [modular_fourier()])["key_frequency"].isel(snapshot=-1, drop=True)
    keys = last.reset_coords(drop=True)
    found = measure(dataset, [modular_fourier(keys=keys)]).reset_coords(drop=True)
    steps = found["snapshot"].values
    recorded = dataset[list(_RECORDED)].reset_coords(drop=True).sel(step=steps)
    recorded = recorded.rename(step="snapshot").assign_coords(snapshot=found["snapshot"])
    found["key_frequency"] = keys.astype(float)
    about = {"p": int(2 * found["frequency"].max() + 1), "record_every": int(dataset["step"][1] - dataset["step"][0])}
    return found.merge(recorded).merge(accuracy_times(dataset)).assign_attrs(about)


def accuracy_times(dataset: xr.Dataset) -> xr.Dataset:
    """Steps from which ``fitted``, train, and ``generalised``, test accuracy stay at 99%, ``(seed)``, from all records."""
    names = {"fitted": "train_accuracy", "generalised": "test_accuracy"}
    return xr.Dataset(
        {time: _time(dataset[name].reset_coords(drop=True), 0.99, dim="step") for time, name in names.items()}
    )


def phase_times(found: xr.Dataset) -> xr.Dataset:
    """Steps at which the phases of a run begin and end, ``(seed)``; infinite for never.

    ``fitted`` and ``generalised``: as `accuracy_times` gives them. ``excluded_rises``: where the excluded loss is lowest;
    from there on it rises. Never if that is before the train set is fitted: nothing was memorised then that it could lose.
    ``test_highest``: where the test loss is. ``test_falls``: from when the test loss stays below
    ln p, that of a guess. ``restricted_half`` and ``test_half``: from when the loss on the test pairs stays below (ln p) / 2,
    for the key frequencies alone and for all.
    """
    half = float(np.log(found.attrs["p"])) / 2
    rises = found["excluded_loss"].idxmin("snapshot")
    # At the very end it has only fallen; at the start, or before the fit, a run that learns at once has it lowest by chance.
    memorised = (rises > 0) & (rises >= found["fitted"]) & (rises < found["snapshot"].max())
    rises = rises.where(memorised, np.inf)
    return xr.Dataset(
        {
            "fitted": found["fitted"],
            "excluded_rises": rises.astype(float),
            "test_highest": found["test_loss"].idxmax("snapshot").astype(float),
            "test_falls": _time(found["test_loss"].where(found["snapshot"] > 0, np.inf), 2 * half, "falling"),
            "restricted_half": _time(found["restricted_test_loss"], half, "falling"),
            "test_half": _time(found["test_loss"], half, "falling"),
            "generalised": found["generalised"],
        }
    )


def _time(
    values: xr.DataArray, level: float, direction: Literal["rising", "falling"] = "rising", dim: str = "snapshot"
) -> xr.DataArray:
    return analysis.time_to_threshold(values, level, dim, direction=direction, stays=True)["time"]


def modes(found: xr.Dataset) -> xr.Dataset:
    """When the key frequencies are learnt, ``(seed)``.

    A mode is learnt from when its own loss stays below the middle between the first and the last. ``count``; ``first`` and
    ``last``, the steps of the earliest and the latest mode; ``by_final``, Spearman's correlation over key frequencies of that
    step with the mode's final share of the logits; ``start_rank`` and ``fitted_rank``: mean rank, as a share, of the key
    frequencies in the embedding's power at the start, and in the logits' where the train set is fitted: 0.5 by chance.
    """
    fitted = phase_times(found)["fitted"]
    rows = [_modes_of_run(found.isel(seed=i), float(fitted[i])) for i in range(found.sizes["seed"])]
    joined = xr.concat(rows, xr.Variable("seed", found["seed"].values))
    return joined.assign_coords(snapshot=found["snapshot"].values)


def _modes_of_run(one: xr.Dataset, fitted: float) -> xr.Dataset:
    keys = np.flatnonzero(one["key_frequency"].values == 1)
    loss = one["frequency_loss"].isel(frequency=keys).reset_coords(drop=True)
    times = _times_of_modes(loss)
    final = one["logit_power"].isel(frequency=keys, snapshot=-1).values
    known = np.isfinite(times).all() and len(keys) > 2
    ranks = {
        "start_rank": _mean_rank(one["embedding_power"].isel(snapshot=0).values, keys),
        "fitted_rank": np.nan,
    }
    if np.isfinite(fitted):
        at_fit = one["logit_power"].sel(snapshot=fitted, method="bfill").values
        ranks["fitted_rank"] = _mean_rank(at_fit, keys)
    by_final = (
        analysis.rank_correlation(xr.DataArray(times, dims="key"), xr.DataArray(final, dims="key")) if known else np.nan
    )
    count = float(len(keys))
    return xr.Dataset({"count": count, "first": times.min(), "last": times.max(), "by_final": by_final, **ranks})


def _times_of_modes(loss: xr.DataArray) -> np.ndarray:
    """Step from which each mode's loss ``(snapshot, frequency)`` stays below the middle of its first and last."""
    first, last = loss.isel(snapshot=0), loss.isel(snapshot=-1)
    times = _time(loss - (first + last) / 2, 0.0, "falling")
    # One that has not fallen at all is never learnt.
    return np.where(last < first, times, np.inf)


def _mean_rank(powers: np.ndarray, keys: np.ndarray) -> float:
    """Mean share of the other frequencies (from 1) with less power: one half if keys are any, one if they are the largest."""
    others = np.setdiff1d(np.arange(1, len(powers)), keys)
    if not len(others) or not len(keys):
        return float("nan")
    return float(np.mean([(powers[others] < powers[key]).mean() for key in keys]))
