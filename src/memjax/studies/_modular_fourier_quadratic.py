"""Weights of the trained quadratic network beside the exact ones: one frequency per neuron, and phases that add up."""

from __future__ import annotations

import numpy as np
import xarray as xr

from memjax.measure import measure
from memjax.measures.on_snapshots.modular_fourier import modular_fourier
from memjax.models import gromov_weights
from memjax.results.parameters import params

__all__ = ["neurons", "quadratic", "weighted_means"]

_ALIVE = 0.1


def quadratic(dataset: xr.Dataset) -> xr.Dataset:
    """What `neurons` gives for every seed at the start, at the end and for the exact weights; IPR and accuracy by snapshot.

    Dimensions ``seed``, ``weights`` ("at the start", "trained", "exact"), ``neuron``; and ``snapshot``.
    """
    steps = dataset["snapshot"].values.tolist()
    kernels = params(dataset, step=[steps[0], steps[-1]])
    first, last = (np.asarray(kernels[f"layer_{i}"]["kernel"], np.float64) for i in (0, 1))
    p, hidden = first.shape[-2:]
    exact = [gromov_weights(p, hidden, seed) for seed in range(len(first))]
    first = np.concatenate([first, np.stack([np.asarray(tree["layer_0"]["kernel"])[None] for tree in exact])], 1)
    last = np.concatenate([last, np.stack([np.asarray(tree["layer_1"]["kernel"])[None] for tree in exact])], 1)
    dims = ("seed", "weights", "neuron")
    found = xr.Dataset({name: (dims, values) for name, values in neurons(first, last).items()})
    found = found.assign_coords(seed=dataset["seed"].values, weights=["at the start", "trained", "exact"])
    ipr = measure(dataset, [modular_fourier()])["ipr"].reset_coords(drop=True)
    recorded = dataset[["train_accuracy", "test_accuracy"]].reset_coords(drop=True).sel(step=ipr["snapshot"].values)
    recorded = recorded.rename(step="snapshot").assign_coords(snapshot=ipr["snapshot"])
    return found.assign(ipr=ipr).merge(recorded).assign_attrs(p=p)


def neurons(first: np.ndarray, last: np.ndarray) -> dict[str, np.ndarray]:
    """Frequency, purity and phases of each neuron.

    Parameters
    ----------
    first, last
        Tables ``[..., 2, p, N]`` of the operands and ``[..., N, p]`` of the outputs.

    Returns
    -------
    dict
        Each ``[..., N]``: ``frequency``, with the most power in the three tables together, from 1; ``purity``, its share of
        their power without the mean; ``phase_in``, the sum of both operands' phases there, and ``phase_out``, in (-pi, pi];
        ``size``, the product of the norms of the tables less their means, over the largest of the network.
    """
    tables = np.stack([first[..., 0, :, :], first[..., 1, :, :], np.swapaxes(last, -1, -2)])
    spectrum = np.fft.rfft(tables, axis=-2)[..., 1:, :]
    power = np.square(np.abs(spectrum))
    # Tables of different sizes count alike.
    shares = power / np.maximum(power.sum(-2, keepdims=True), 1e-300)
    frequency = shares.mean(0).argmax(-2)
    at = frequency[None, ..., None, :]
    phases = np.angle(np.take_along_axis(spectrum, np.broadcast_to(at, (3, *at.shape[1:])), -2))[..., 0, :]
    # Without the mean: a constant neuron has no frequency.
    norms = np.sqrt(power.sum(-2)).prod(0)
    return {
        "frequency": frequency + 1.0,
        "purity": np.take_along_axis(shares.mean(0), frequency[..., None, :], -2)[..., 0, :],
        "phase_in": np.angle(np.exp(1j * (phases[0] + phases[1]))),
        "phase_out": phases[2],
        "size": norms / norms.max(-1, keepdims=True),
    }


def weighted_means(found: xr.Dataset) -> xr.Dataset:
    """Means over the neurons of at least a tenth of the largest size, ``(seed, weights)``.

    ``purity``; ``aligned``, of cos(phase_in - phase_out): 1 where phases add up, 0 for random ones; ``alive``, the share of
    such neurons; ``frequencies``, how many different ones they have.
    """
    alive = found["size"] >= _ALIVE
    cosine: xr.DataArray = xr.apply_ufunc(np.cos, found["phase_in"] - found["phase_out"])
    kept = found["frequency"].where(alive)
    counts = xr.apply_ufunc(
        lambda row: float(len(np.unique(row[np.isfinite(row)]))), kept, input_core_dims=[["neuron"]], vectorize=True
    )
    return xr.Dataset(
        {
            "purity": found["purity"].where(alive).mean("neuron"),
            "aligned": cosine.where(alive).mean("neuron"),
            "alive": alive.mean("neuron"),
            "frequencies": counts,
        }
    )
