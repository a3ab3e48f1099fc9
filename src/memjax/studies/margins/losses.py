"""Numbers of networks that were trained with two losses: settings chosen on seeds apart, accuracies, changed inputs."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from memjax.measure import measure
from memjax.measures import margins
from memjax.results.snapshots import Snapshot
from memjax.studies.margins.runs import TUNING
from memjax.studies.margins.signatures import LAYERS
from memjax.types import Array, Model, Params

__all__ = ["CHANGES", "CONDITION", "WAYS", "changed", "chosen", "compared", "means"]

CONDITION = "label_noise_train_size"
"""Dimension of the pairs of label noise and train size."""
CHANGES = {"gaussian": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), "fgsm": (0.0, 0.02, 0.05, 0.1, 0.15, 0.2)}
"""Standard deviations of noise, and lengths of a step along signs, in units of a pixel from 0 to 1."""
WAYS = {"cross-entropy": "cross_entropy", "cross-entropy with decay": "cross_entropy", "large margin": "large_margin"}
"""Ways to train, with the sweep of each."""
_SETTINGS = ("gamma", "l2", "learning_rate")


def changed(runs: xr.Dataset) -> xr.Dataset:
    """What the networks of the plain condition, with all train examples and true labels, do on changed test images.

    Returns
    -------
    xarray.Dataset
        Accuracy on the test images with Gaussian noise, ``gaussian`` ``(..., gaussian_size)``, and after one step along the
        signs of the gradient that lowers the output of the label less the largest other one, ``fgsm`` ``(..., fgsm_size)``.
        ``margin`` ``(..., layer)`` is the median normalised margin of the train images.
    """
    found = measure(runs.isel({CONDITION: [0]}), [_of_network]).isel(snapshot=0, drop=True)
    return found[[*CHANGES, "margin"]].isel({CONDITION: 0}, drop=True).drop_attrs()


def _of_network(snapshot: Snapshot) -> dict[str, xr.DataArray]:
    x, y = snapshot.test
    noise = np.random.default_rng([11, snapshot.experiment.data_key]).standard_normal(x.shape).astype(x.dtype)
    slopes = _slopes(snapshot.model, jax.tree.map(jnp.asarray, snapshot.params), jnp.asarray(x), jnp.asarray(y))
    ways = {"gaussian": noise, "fgsm": -np.sign(np.asarray(slopes))}
    right = lambda inputs: float((np.asarray(snapshot.outputs(inputs)).argmax(-1) == y).mean())  # noqa: E731
    found = {
        name: xr.DataArray(
            [right(x + np.float32(size) * ways[name]) for size in sizes],
            {name + "_size": list(sizes)},
            (name + "_size",),
        )
        for name, sizes in CHANGES.items()
    }
    typical = np.nanmedian(margins(layers=LAYERS)(snapshot)["margin"].values, axis=-1)
    return found | {"margin": xr.DataArray(typical, {"layer": list(LAYERS)}, ("layer",))}


@functools.partial(jax.jit, static_argnums=0)
def _slopes(model: Model, params: Params, x: Array, y: Array) -> Array:
    """Gradients, like ``x[B, ...]``, of the output of the label less the largest other one.

    The gradient of the cross-entropy has nearly the same signs, and rounds to zero where a network is confident.
    """

    def total(inputs: Array) -> Array:
        outputs = model.apply(params, inputs)
        own = jax.nn.one_hot(y, outputs.shape[-1], dtype=bool)
        return jnp.where(own, outputs, 0).sum() - jnp.where(own, -jnp.inf, outputs).max(-1).sum()

    return jax.grad(total)(x)


def chosen(runs: xr.Dataset, named: str) -> xr.Dataset:
    """Runs of a way to train with the settings that have the highest mean test accuracy over the tuning seeds.

    Parameters
    ----------
    runs
        ``train_accuracy`` and ``test_accuracy`` by settings, condition, ``seed`` and ``step``; of seeds, the last three tune.
    named
        One of the `WAYS`. Without decay the cross-entropy has its learning rate alone to choose.

    Returns
    -------
    xarray.Dataset
        ``train_accuracy`` and ``test_accuracy`` at the end ``(condition, seed)`` of the other seeds, and the settings by
        ``condition``.
    """
    own = runs.sel(l2=0.0, drop=True) if named == "cross-entropy" else runs
    settings = [name for name in _SETTINGS if name in own.dims]
    ends = own[["train_accuracy", "test_accuracy"]].isel(step=-1, drop=True).stack(setting=settings)
    tuned = ends["test_accuracy"].isel(seed=slice(-TUNING, None)).mean("seed")
    place = tuned.fillna(-1.0).argmax("setting")
    found = ends.isel(setting=place, seed=slice(None, -TUNING))
    kept = {name: found[name].reset_coords(drop=True) for name in ("train_accuracy", "test_accuracy")}
    values = {name: (CONDITION, np.asarray(found[name].values, np.float64)) for name in settings}
    labels = {name: (CONDITION, runs[name].values) for name in ("label_noise", "train_size")}
    return xr.Dataset(kept | values).assign_coords(labels).rename({CONDITION: "condition"}).drop_attrs()


def compared(datasets: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """What `chosen` gives for every way, with what `changed` gives for the settings that are chosen on the plain condition."""
    found = {}
    for way, sweep in WAYS.items():
        best = chosen(datasets[sweep], way)
        changed_runs = datasets[f"{sweep}_changed"]
        plain = {name: best[name].values[0] if name in best else 0.0 for name in _SETTINGS if name in changed_runs.dims}
        own = changed_runs.sel(plain, method="nearest").sel(seed=best["seed"]).drop_vars(list(plain))
        found[way] = best.merge(own, compat="override")
    return found


def means(found: xr.Dataset) -> xr.Dataset:
    """Mean accuracies ``(seed,)`` over levels of noise, small train sets and sizes of changes; ``plain`` is without any."""
    noise, size = found["label_noise"], found["train_size"]
    accuracy = found["test_accuracy"]
    some = {"noisy": noise > 0, "small": size < size.max(), "plain": (noise == 0) & (size == size.max())}
    made = {name: accuracy.isel(condition=np.flatnonzero(there)).mean("condition") for name, there in some.items()}
    moved = {name: found[name].isel({f"{name}_size": slice(1, None)}).mean(f"{name}_size") for name in CHANGES}
    return xr.Dataset(made | moved)
