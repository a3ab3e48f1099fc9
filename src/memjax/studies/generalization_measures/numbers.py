"""The runs of the study generalization-measures as arrays over hyperparameters: measures, gaps, baselines, and their scores."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import xarray as xr

from memjax import analysis

__all__ = [
    "BASELINES",
    "MEASURES",
    "OTHER_ROWS",
    "OTHER_SEED",
    "by_shape",
    "hyperparameters",
    "random",
    "runs_of",
    "scores",
]

MEASURES: Mapping[str, tuple[str, str | None]] = {
    "parameters": ("parameters", None),
    "L2 norm": ("weight_l2", None),
    "distance from the start": ("distance_from_init", None),
    "Frobenius distance": ("squared_distance", None),
    "spectral distance": ("spectral_distance", None),
    "1 / margin²": ("inverse_margin", None),
    "spectral norms": ("log_spectral", None),
    "spectral norms / margin": ("log_spectral_over_margin", None),
    "Frobenius norms": ("log_frobenius", None),
    "Frobenius norms / margin": ("log_frobenius_over_margin", None),
    "Frobenius / spectral": ("frobenius_over_spectral", None),
    "path norm": ("path_norm", None),
    "path norm / margin": ("path_norm_over_margin", None),
    "PAC-Bayes bound": ("pac_bayes_bound", "flat"),
    "1 / σ²": ("pac_bayes_sharpness", "flat"),
    "PAC-Bayes bound, by size": ("pac_bayes_bound", "magnitude"),
    "1 / σ², by size": ("pac_bayes_sharpness", "magnitude"),
    "cross-entropy": ("loss", None),
    "entropy": ("prediction_entropy", None),
    "squared gradient": ("squared_gradient", None),
    "gradient variance": ("gradient_variance", None),
    "sharpness": ("sharpness", None),
    "steps to fit": ("steps", None),
    "learning coefficient": ("llc", None),
}
"""Variable of every measure, and which noise where the variable has several. A larger value should mean a larger gap."""
OTHER_ROWS, OTHER_SEED = "gap, other test rows", "gap, another seed"
BASELINES = (OTHER_ROWS, OTHER_SEED)
"""Baselines that know the gap: of the same network on other test examples, and of a network with another seed."""


def runs_of(networks: xr.Dataset, coefficients: xr.Dataset) -> xr.Dataset:
    """Measures and gaps of the runs that reached the cross-entropy, over hyperparameters and ``seed``; others are NaN.

    Returns
    -------
    xarray.Dataset
        ``value`` ``(measure, ..., seed)`` of `MEASURES` and `BASELINES`; ``gap``, train accuracy less the accuracy on one half
        of the test rows; ``tested`` and ``reached``. ``hidden`` is replaced by ``width`` and ``depth``.
    """
    every = by_shape(networks.assign(llc=coefficients["llc"]))
    kept = every.where(every["reached"])
    gap, again = (kept["accuracy"] - kept[name] for name in ("tested", "tested_again"))
    parts = {name: _picked(kept, *where) for name, where in MEASURES.items()}
    parts |= {OTHER_ROWS: again, OTHER_SEED: gap.roll(seed=1, roll_coords=False)}
    value = xr.concat(
        [part.transpose(*gap.dims).drop_vars("noise", errors="ignore") for part in parts.values()],
        xr.Variable("measure", list(parts)),
    )
    return xr.Dataset({"value": value, "gap": gap, "tested": kept["tested"], "reached": every["reached"]})


def _picked(kept: xr.Dataset, variable: str, noise: str | None) -> xr.DataArray:
    found = kept[variable]
    return found if noise is None else found.sel(noise=noise)


def by_shape(found: xr.Dataset) -> xr.Dataset:
    """Dimensions ``width`` and ``depth`` in place of ``hidden``, whose labels are widths such as ``32-32``."""
    shapes = [[int(width) for width in str(label).split("-")] for label in found["hidden"].values]
    labels = {"width": [shape[0] for shape in shapes], "depth": [len(shape) for shape in shapes]}
    plain = found.drop_vars("hidden").assign_coords({name: ("hidden", values) for name, values in labels.items()})
    index: dict[str, Sequence[Hashable]] = {"hidden": [*labels]}
    there = plain.set_index(index).unstack("hidden")
    return there.transpose("width", "depth", ...)


def hyperparameters(gap: xr.DataArray) -> list[str]:
    """Names of the dimensions of the gap, without ``seed``."""
    return [str(dim) for dim in gap.dims if dim != "seed"]


def scores(value: xr.DataArray, gap: xr.DataArray) -> xr.Dataset:
    """Scores of measures for every seed by itself.

    Parameters
    ----------
    value
        Values ``(..., seed)`` over the hyperparameters of the gap and further dimensions, such as ``measure``.
    gap
        Gap ``(..., seed)``.

    Returns
    -------
    xarray.Dataset
        ``tau``, Kendall's coefficient over all runs of a seed; ``psi`` ``(hyperparameter,)`` and ``mean_psi``, the granulated
        coefficient; ``information``, the conditional mutual information with at most two hyperparameters given.
    """
    dims = hyperparameters(gap)
    grain = analysis.granulated_kendall(value, gap, dims)
    information = analysis.conditional_mutual_information(value, gap, dims).score
    found = {"tau": analysis.kendall(value, gap, dims), "psi": grain["psi"], "mean_psi": grain["mean_psi"]}
    return xr.Dataset({**found, "information": information})


def random(gap: xr.DataArray, draws: int) -> xr.DataArray:
    """Measures that know nothing: independent normal numbers ``(draw, ...)`` of the shape of the gap, from one fixed seed."""
    values = np.random.default_rng(0).normal(size=(draws, *gap.shape))
    return xr.DataArray(values, gap.coords, ("draw", *gap.dims))
