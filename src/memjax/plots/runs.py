"""One run at a glance: loss, accuracy and weight norm against the training step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax.checks.labelled import require_only_dims
from memjax.plots.axes import label_of, scale_axis, set_labels
from memjax.plots.means import draw_mean
from memjax.plots.styles import CATEGORY_COLORS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["base_run"]

# Panel title, then each variable with the text of its legend entry.
_PANELS: tuple[tuple[str, dict[str, str]], ...] = (
    ("loss", {"train_loss": "train", "test_loss": "test"}),
    ("accuracy", {"train_accuracy": "train", "test_accuracy": "test"}),
    ("L2 norm of the weights", {"weight_l2": ""}),
)


@style()
def base_run(
    ds: xr.Dataset, axes: Sequence[Axes] | np.ndarray | None = None, *, over: str = "seed", level: float = 0.95
) -> np.ndarray:
    """Draw loss, accuracy and L2 norm of one run, or of the mean over seeds, in three panels.

    Parameters
    ----------
    ds
        Recorded variables among ``train_loss``, ``test_loss``, ``train_accuracy``, ``test_accuracy`` and
        ``weight_l2``, dimensions ``(over, step)`` or ``(step,)``. A panel says so if none of its variables is recorded.
    axes
        Three axes to draw on; a new figure by default.
    over
        Dimension of the seeds.
    level
        Nominal coverage of the Student-t bands, between 0 and 1, as in `mean`. Of fewer than four seeds every run is a thin
        line in place of the band.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
        The three axes, ``[3]``. The loss is on a logarithmic axis if it spans more than a decade.

    Raises
    ------
    ValueError
        If none of the variables is recorded, one has further dimensions, or ``axes`` are not three.

    Examples
    --------
    >>> import xarray as xr
    >>> from matplotlib.figure import Figure
    >>> run = xr.Dataset({"weight_l2": ("step", [9.0, 12.0, 15.0])}, coords={"step": [0, 10, 20]})
    >>> axes = base_run(run, axes=Figure().subplots(1, 3))
    >>> [len(ax.lines) for ax in axes]
    [0, 0, 1]
    """
    known = [name for _, panel in _PANELS for name in panel]
    if not any(name in ds for name in known):
        raise ValueError(f"ds has variables {sorted(map(str, ds.data_vars))}; at least one of {known} is needed.")
    panels = _three_axes(axes)
    for ax, (title, variables) in zip(panels, _PANELS, strict=True):
        recorded = {name: label for name, label in variables.items() if name in ds}
        _draw_panel(ax, ds[list(recorded)], recorded, over, level)
        ax.set_title(title)
    scale_axis(panels[0], np.concatenate([[np.nan], *(line.get_ydata() for line in panels[0].lines)]), "y")
    if panels[1].lines:
        panels[1].set_ylim(-0.03, 1.03)
    return panels


def _three_axes(axes: Sequence[Axes] | np.ndarray | None) -> np.ndarray:
    if axes is None:
        import matplotlib.pyplot as plt

        from memjax.plots.ticks import roomy_ticks

        grid: np.ndarray = plt.subplots(1, 3, figsize=(7.5, 2.5), layout="constrained")[1]
        return np.array([roomy_ticks(ax) for ax in grid], dtype=object)
    panels = np.array(axes, dtype=object).ravel()
    if panels.size != 3:
        raise ValueError(f"axes holds {panels.size} axes; exactly 3 are needed, for example plt.subplots(1, 3)[1].")
    return panels


def _draw_panel(ax: Axes, ds: xr.Dataset, labels: dict[str, str], over: str, level: float) -> None:
    if not labels:
        ax.text(0.5, 0.5, "not recorded", transform=ax.transAxes, ha="center", va="center")
        ax.set(xticks=[], yticks=[])
        return
    for color, (name, label) in zip(CATEGORY_COLORS, labels.items(), strict=False):
        require_only_dims(ds[name], (over, "step"))
        draw_mean(ax, ds[name], "step", over, level, color=color, label=label or None)
    set_labels(ax, label_of(ds["step"]), _units_text(ds[name]))
    if any(labels.values()):
        ax.legend()


def _units_text(values: xr.DataArray) -> str:
    units = str(values.attrs.get("units", ""))
    return "" if units == "1" else units
