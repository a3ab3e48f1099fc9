"""Figures of the study l2-memorization."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import xarray as xr

from memjax import analysis, plots
from memjax.studies.kit import Figure
from memjax.studies.l2_memorization.numbers import Laws

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "base_run", "gap", "ridge", "trajectories"]

_BASE_SIZE = 100


def all_figures(runs: xr.Dataset, gaps: xr.DataArray, laws: Laws, published: Mapping[str, float]) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    bits = analysis.last(runs["memorized_bits"]) / runs["num_parameters"]
    bits.attrs = {"long_name": "memorised label information", "units": "bits per parameter"}
    return {
        "gap": Figure(partial(gap, gaps, laws.offset), _GAP),
        "ridge": Figure(partial(ridge, laws.rising, published), _RIDGE),
        "trajectories": Figure(
            partial(trajectories, runs["weight_l2"]), "The curves show the L2 norm of all parameters against the step."
        ),
        "base_run": Figure(partial(base_run, runs.sel(train_size=_BASE_SIZE)), _BASE_RUN),
        "capacity": Figure(partial(gap, bits), _CAPACITY),
    }


_GAP = (
    "The figure shows the L2 norm after the last step less the initial one against the train size, with 95% Student-t "
    "intervals over seeds, and the offset power law fitted on 50 to 1600 examples."
)
_RIDGE = (
    "The panels show the offset power law with its exponent held at other values: offset and amplitude follow along a "
    "ridge on which the fit hardly changes. The square marks the published numbers."
)
_BASE_RUN = (
    f"The panels show runs with {_BASE_SIZE} train and {_BASE_SIZE} test examples, mean over seeds: the labels are "
    "memorised, and the test loss only grows."
)
_CAPACITY = (
    "The figure shows the label information stored after the last step per parameter. Liu's post explains the peak by a "
    "capacity of 2 bits per parameter. What these runs store is less, and 1000 steps is not convergence."
)


def gap(values: xr.DataArray, law: xr.Dataset | None = None) -> Drawn:
    """Values ``(train_size, seed)``, such as the gap, against train size, with a law of their rising branch."""
    figure, axes = plots.panels(width=4.5, height=3.4)
    plots.curve(values, x="train_size", ax=axes[0])
    if law is not None:
        plots.fit(law, ax=axes[0])
    return figure


@plots.style()
def ridge(rising: xr.DataArray, published: Mapping[str, float]) -> Drawn:
    """Offset and amplitude along the ridge of the exponent, and where the published law lies."""
    figure, axes = plots.panels(1, 2, width=4.0, height=3.2)
    profile = analysis.profile(rising, "offset power law", "exponent")
    for ax, name in zip(axes, ("offset", "amplitude"), strict=True):
        plots.ridge(profile, name, ax=ax)
        ax.plot(published["exponent"], published[name], "s", color="black", label="published")
        ax.legend()
    return figure


def trajectories(norm: xr.DataArray) -> Drawn:
    """Norm ``(train_size, seed, step)`` against step, by train size."""
    figure, axes = plots.panels(width=4.5, height=3.4)
    plots.trajectories(norm, by="train_size", ax=axes[0])
    return figure


def base_run(runs: xr.Dataset) -> Drawn:
    """Loss, accuracy and norm of the runs with 100 train examples."""
    figure, axes = plots.panels(1, 3, width=3.6, height=3.0)
    plots.base_run(runs, axes)
    return figure
