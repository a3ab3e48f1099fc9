"""The figures of the study l2-memorization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from memjax import analysis, plots
from memjax.studies._figures import new_panels

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["base_run", "capacity", "gap", "ridge", "trajectories"]


def base_run(dataset: xr.Dataset) -> Figure:
    """Loss, accuracy and norm of the runs with 100 train examples."""
    figure, axes = new_panels(3, width=3.6, height=3.0)
    plots.base_run(dataset.sel(train_size=100), axes)
    return figure


def trajectories(dataset: xr.Dataset) -> Figure:
    """Norm against step, by train size."""
    figure, axes = new_panels(1, width=4.5, height=3.4)
    plots.trajectories(dataset["weight_l2"], by="train_size", ax=axes[0])
    return figure


def gap(gaps: xr.DataArray, law: xr.Dataset) -> Figure:
    """Gap against train size, with the law of its rising branch."""
    figure, axes = new_panels(1, width=4.5, height=3.4)
    plots.curve(gaps, x="train_size", ax=axes[0])
    plots.fit(law, ax=axes[0])
    return figure


@plots.style()
def ridge(rising: xr.DataArray, published: Mapping[str, float]) -> Figure:
    """Offset and amplitude along the ridge of the exponent, and where the published law lies."""
    figure, axes = new_panels(2, width=4.0, height=3.2)
    profile = analysis.profile(rising, "offset power law", "exponent")
    for ax, name in zip(axes, ("offset", "amplitude"), strict=True):
        plots.ridge(profile, name, ax=ax)
        ax.plot(published["exponent"], published[name], "s", color="black", label="published")
        ax.legend()
    return figure


def capacity(dataset: xr.Dataset) -> Figure:
    """Bits stored per parameter against train size."""
    bits = analysis.last(dataset["memorized_bits"]) / dataset["num_parameters"]
    bits.attrs = {"long_name": "memorised label information", "units": "bits per parameter"}
    figure, axes = new_panels(1, width=4.5, height=3.4)
    plots.curve(bits, x="train_size", ax=axes[0])
    return figure
