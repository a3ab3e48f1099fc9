"""Numbers of the study modular-fourier: what is measured on its networks; phases, leads, modes and means over neurons."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.measure import measure
from memjax.measures.on_snapshots.modular_fourier import modular_fourier
from memjax.models import gromov_weights
from memjax.results.parameters import params
from memjax.studies.kit import at_own_time

__all__ = ["ALIVE", "leads", "modes", "neurons", "phase_times", "progress", "quadratic", "weighted_means"]

ALIVE = 0.1
"""Size of a neuron of the quadratic network, over the largest one's, from which it counts."""


def progress(dataset: xr.Dataset) -> xr.Dataset:
    """What `memjax.measures.modular_fourier` gives at every snapshot, with what was recorded there, by ``seed``.

    Key frequencies are those of each run's last snapshot at all of them, as Nanda et al. take those of the trained network.
    """
    last = measure(dataset.isel(snapshot=[-1]), [modular_fourier()])["key_frequency"].isel(snapshot=-1, drop=True)
    keys = last.reset_coords(drop=True)
    found = measure(dataset, [modular_fourier(keys=keys)]).reset_coords(drop=True)
    found["key_frequency"] = keys.astype(float)
    names = ["train_loss", "test_loss", "train_accuracy", "test_accuracy", "weight_l2"]
    about = {"p": int(2 * found["frequency"].max() + 1), "record_every": int(dataset["step"][1] - dataset["step"][0])}
    recorded = _recorded(dataset[names], found["snapshot"])
    return found.merge(recorded).merge(accuracy_times(dataset)).assign_attrs(about)


def _recorded(dataset: xr.Dataset, snapshot: xr.DataArray) -> xr.Dataset:
    """What was recorded at the snapshots."""
    at = dataset.reset_coords(drop=True).sel(step=snapshot.values)
    return at.rename(step="snapshot").assign_coords(snapshot=snapshot)


def quadratic(dataset: xr.Dataset) -> xr.Dataset:
    """What `neurons` gives at the start, at the end and for exact weights, ``(seed, weights, neuron)``.

    And the inverse participation ratio and accuracies ``(seed, snapshot)``.
    """
    steps = dataset["snapshot"].values.tolist()
    kernels = params(dataset, step=[steps[0], steps[-1]])
    trained = [np.asarray(kernels[f"layer_{i}"]["kernel"], np.float64) for i in (0, 1)]
    p, hidden = trained[0].shape[-2:]
    exact = [gromov_weights(p, hidden, seed) for seed in range(len(trained[0]))]
    known = [np.stack([np.asarray(tree[f"layer_{i}"]["kernel"])[None] for tree in exact]) for i in (0, 1)]
    first, last = (np.concatenate(pair, 1) for pair in zip(trained, known, strict=True))
    dims = ("seed", "weights", "neuron")
    found = xr.Dataset({name: (dims, values) for name, values in neurons(first, last).items()})
    found = found.assign_coords(seed=dataset["seed"].values, weights=["at the start", "trained", "exact"])
    ipr = measure(dataset, [modular_fourier()])["ipr"].reset_coords(drop=True)
    recorded = _recorded(dataset[["train_accuracy", "test_accuracy"]], ipr["snapshot"])
    return found.assign(ipr=ipr).merge(recorded).assign_attrs(p=p)


def neurons(first: np.ndarray, last: np.ndarray) -> dict[str, np.ndarray]:
    """Of tables ``[..., 2, p, N]`` of the operands and ``[..., N, p]`` of the outputs, numbers of each neuron, ``[..., N]``.

    ``frequency``, with the most power in the three tables together, from 1; ``purity``, its share of their power without the
    mean; ``phase_in``, the sum of both operands' phases there, and ``phase_out``, in (-pi, pi]; ``size``, the product of the
    norms of the tables less their means, over the largest of the network.
    """
    tables = np.stack([first[..., 0, :, :], first[..., 1, :, :], np.swapaxes(last, -1, -2)])
    spectrum = np.fft.rfft(tables, axis=-2)[..., 1:, :]
    power = np.square(np.abs(spectrum))
    # Tables of different sizes count alike.
    shares = (power / np.maximum(power.sum(-2, keepdims=True), 1e-300)).mean(0)
    frequency = shares.argmax(-2)
    at = frequency[None, ..., None, :]
    phases = np.angle(np.take_along_axis(spectrum, np.broadcast_to(at, (3, *at.shape[1:])), -2))[..., 0, :]
    # Without the mean: a constant neuron has no frequency.
    norms = np.sqrt(power.sum(-2)).prod(0)
    return {
        "frequency": frequency + 1.0,
        "purity": np.take_along_axis(shares, at[0], -2)[..., 0, :],
        "phase_in": np.angle(np.exp(1j * (phases[0] + phases[1]))),
        "phase_out": phases[2],
        "size": norms / norms.max(-1, keepdims=True),
    }


def accuracy_times(dataset: xr.Dataset) -> xr.Dataset:
    """Steps from which ``fitted``, train, and ``generalised``, test accuracy stay at 99%, ``(seed)``, from all records."""
    times = {}
    for name, split in (("fitted", "train"), ("generalised", "test")):
        accuracy = dataset[f"{split}_accuracy"].reset_coords(drop=True)
        times[name] = analysis.time_to_threshold(accuracy, 0.99, "step", stays=True)["time"]
    return xr.Dataset(times)


def phase_times(found: xr.Dataset) -> xr.Dataset:
    """Steps at which the phases of a run begin and end, ``(seed)``; infinite for never.

    ``fitted`` and ``generalised`` as in `accuracy_times`; ``excluded_rises`` and ``test_highest``, where the excluded loss is
    lowest and the test loss highest; ``test_falls``, from when the test loss stays below ln p, that of a guess;
    ``test_half`` and ``restricted_half``, below (ln p) / 2, of all and of the key frequencies alone.
    """
    half = float(np.log(found.attrs["p"])) / 2
    rises = found["excluded_loss"].idxmin("snapshot")
    # At the very end it has only fallen; at the start, or before the fit, nothing was memorised that it could lose.
    memorised = (rises > 0) & (rises >= found["fitted"]) & (rises < found["snapshot"].max())
    return found[["fitted", "generalised"]].assign(
        excluded_rises=rises.where(memorised, np.inf).astype(float),
        test_highest=found["test_loss"].idxmax("snapshot").astype(float),
        test_falls=_below(found["test_loss"].where(found["snapshot"] > 0, np.inf), 2 * half),
        restricted_half=_below(found["restricted_test_loss"], half),
        test_half=_below(found["test_loss"], half),
    )


def _below(values: xr.DataArray, level: float) -> xr.DataArray:
    """Step from which values stay below a level."""
    return analysis.time_to_threshold(values, level, "snapshot", direction="falling", stays=True)["time"]


def leads(found: xr.Dataset) -> xr.Dataset:
    """How much earlier the progress measures turn than the test loss does, as a share of when that does, ``(seed)``.

    ``excluded``: the rise of the excluded loss before the test loss falls below ln p, or ``highest``, before it is highest;
    ``restricted``: the loss of the key frequencies at (ln p) / 2 before that of all. Minus infinity for a run whose measure
    never turns though its test loss does; NaN where the test loss does not. ``gini``: share of the rise of the embedding's
    Gini coefficient by when the test loss falls below ln p.
    """
    times, gini = phase_times(found), found["embedding_gini"]
    pairs = {
        "excluded": (times["excluded_rises"], times["test_falls"]),
        "restricted": (times["restricted_half"], times["test_half"]),
        "highest": (times["excluded_rises"], times["test_highest"]),
    }
    lead = {name: 1.0 - (early / late).where(np.isfinite(late) & (late > 0)) for name, (early, late) in pairs.items()}
    start, end = gini.isel(snapshot=0), gini.isel(snapshot=-1)
    risen = at_own_time(gini, times["test_falls"], "snapshot") - start
    return xr.Dataset({**lead, "gini": risen / (end - start).where(end != start)})


def modes(found: xr.Dataset) -> xr.Dataset:
    """When the key frequencies are learnt, ``(seed)``: from when a mode's own loss stays below the middle of its ends.

    ``count``; ``first`` and ``last``, the steps of the earliest and the latest mode; ``by_final``, Spearman's correlation over
    modes of that step with the final share of the logits; ``start_rank`` and ``fitted_rank``, mean rank of the modes in the
    embedding's power at the start, and in the logits' where the train set is fitted.
    """
    key, power, loss = found["key_frequency"] == 1, found["logit_power"], found["frequency_loss"]
    first, last = loss.isel(snapshot=0, drop=True), loss.isel(snapshot=-1, drop=True)
    # One that has not fallen at all is never learnt.
    times = _below(loss - (first + last) / 2, 0.0).where(last < first, np.inf).where(key)
    core = [["frequency"], ["frequency"]]
    by_final = xr.apply_ufunc(_order, times, power.isel(snapshot=-1, drop=True), input_core_dims=core, vectorize=True)
    fitted = np.isfinite(found["fitted"])
    at_fit = power.sel(snapshot=found["fitted"].where(fitted, 0.0), method="bfill").where(fitted).drop_vars("snapshot")
    numbers = {
        "count": key.sum("frequency").astype(float),
        "first": times.min("frequency"),
        "last": times.max("frequency"),
        "by_final": by_final,
        "start_rank": _mean_rank(found["embedding_power"].isel(snapshot=0, drop=True), key),
        "fitted_rank": _mean_rank(at_fit, key),
    }
    return xr.Dataset(numbers)


def _order(times: np.ndarray, final: np.ndarray) -> float:
    """Spearman's correlation of times and final powers of the keys; NaN for fewer than three, or one that is never learnt."""
    keys = ~np.isnan(times)
    if keys.sum() < 3 or np.isinf(times[keys]).any():
        return np.nan
    first, second = (xr.DataArray(part[keys], dims="key") for part in (times, final))
    return analysis.rank_correlation(first, second)


def _mean_rank(powers: xr.DataArray, key: xr.DataArray) -> xr.DataArray:
    """Mean share of the other frequencies (from 1) with less power: one half if keys are any, one if they are the largest."""
    others = (~key & (key["frequency"] > 0)).rename(frequency="other")
    less = (powers.rename(frequency="other") < powers).where(others & powers.notnull())
    return less.mean("other").where(key).mean("frequency")


def weighted_means(found: xr.Dataset) -> xr.Dataset:
    """Means over the neurons of at least a tenth of the largest size, ``(seed, weights)``.

    ``purity``; ``aligned``, of cos(phase_in - phase_out): 1 where phases add up, 0 for random ones; ``alive``, the share of
    such neurons; ``frequencies``, how many different ones they have.
    """
    alive = found["size"] >= ALIVE
    kept = found[["purity", "frequency", "phase_in", "phase_out"]].where(alive)
    aligned = xr.DataArray(np.cos(kept["phase_in"] - kept["phase_out"]))
    counts = xr.apply_ufunc(_different, kept["frequency"], input_core_dims=[["neuron"]], vectorize=True)
    parts = {"purity": kept["purity"], "aligned": aligned, "alive": alive}
    return xr.Dataset({name: part.mean("neuron") for name, part in parts.items()} | {"frequencies": counts})


def _different(values: np.ndarray) -> float:
    return float(len(np.unique(values[np.isfinite(values)])))
