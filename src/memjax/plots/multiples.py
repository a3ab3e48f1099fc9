"""The same figure once per value of a dimension, side by side on shared axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from memjax.checks.labelled import require_array, require_dim
from memjax.plots.axes import size_of, text_of, wrapped
from memjax.plots.styles import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["small_multiples"]


@style()
def small_multiples(
    draw: Callable[[xr.DataArray, Axes], Any],
    values: xr.DataArray,
    by: str,
    axes: Sequence[Axes] | np.ndarray | None = None,
    *,
    columns: int = 4,
    width: float = 2.3,
    height: float = 2.1,
) -> np.ndarray:
    """Draw one panel per value of a dimension, with shared axes and one label for all of them.

    Parameters
    ----------
    draw
        Called as ``draw(panel, ax)`` with the values at one entry of ``by``, for example
        ``lambda panel, ax: plots.curve(panel, x="train_size", ax=ax)``.
    values
        Values with the dimension ``by`` and the dimensions that ``draw`` needs.
    by
        Dimension of the panels, in its order.
    axes
        Axes of one figure or subfigure, at least as many as panels; they share scales as you made them. By default a new
        figure in which both axes are shared.
    columns
        Largest number of panels side by side in a new figure.
    width, height
        Size of a panel of a new figure in inches.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
        The panels, ``[n]``, one per value of ``by``, with the value as title. Axes that are left over are hidden. A label that
        all panels share stands once, at the figure or subfigure; so does a legend, above a constrained layout.

    Raises
    ------
    ValueError
        If ``values`` is not a DataArray, lacks ``by``, ``columns`` is not positive, or ``axes`` are too few.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from matplotlib.figure import Figure
    >>> from memjax import plots
    >>> gap = xr.DataArray(np.ones((2, 3)), dims=("width", "train_size"),
    ...                    coords={"width": [100, 200], "train_size": [50, 100, 200]})
    >>> panels = small_multiples(lambda panel, ax: plots.curve(panel, x="train_size", ax=ax), gap, by="width",
    ...                          axes=Figure(layout="constrained").subplots(1, 2, sharex=True, sharey=True))
    >>> [ax.get_title() for ax in panels]
    ['width = 100', 'width = 200']
    """
    require_array(values, "values")
    require_dim(values, by, "by")
    if columns < 1:
        raise ValueError(f"columns = {columns!r} must be a positive whole number, for example 4.")
    count = values.sizes[by]
    grid = _new_axes(count, columns, width, height) if axes is None else _given_axes(axes, count, by)
    panels = grid[:count]
    for ax in grid[count:]:
        ax.set_visible(False)
    for index, ax in enumerate(panels):
        draw(values.isel({by: index}), ax)
        ax.set_title(wrapped(_title(values[by], index), size_of(ax)[0]))
    _one_label(panels, "x")
    _one_label(panels, "y")
    _one_legend(panels)
    return panels


def _new_axes(count: int, columns: int, width: float, height: float) -> np.ndarray:
    import matplotlib.pyplot as plt

    from memjax.plots.ticks import roomy_ticks

    columns = min(columns, count)
    rows = -(-count // columns)
    size = (width * columns + 0.3, height * rows + 0.3)
    grid = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained")[1]
    # Shared axes have numbers in the last row only. If this row is not full, the row above has the missing numbers.
    for ax in grid.ravel()[max(count - columns, 0) : count]:
        ax.tick_params(labelbottom=True)
    for ax in grid.ravel():
        roomy_ticks(ax)
    return grid.ravel()


def _given_axes(axes: Sequence[Axes] | np.ndarray, count: int, by: str) -> np.ndarray:
    grid = np.array(axes, dtype=object).ravel()
    if grid.size < count:
        raise ValueError(
            f"axes holds {grid.size} axes, but by = {by!r} has {count} values; give at least as many, for example "
            f"plt.subplots(1, {count})[1]."
        )
    return grid


def _title(coordinate: xr.DataArray, index: int) -> str:
    units = str(coordinate.attrs.get("units", "1"))
    text = f"{coordinate.name} = {text_of(coordinate.values[index])}".replace("_", " ")
    return text if units in ("", "1") else f"{text} {units}"


def _one_label(panels: np.ndarray, which: Literal["x", "y"]) -> None:
    """Move a label to the figure if all panels have it; labels that differ stay."""
    labels = {getattr(ax, f"get_{which}label")() for ax in panels}
    if len(labels) > 1:
        return
    import matplotlib

    for ax in panels:
        getattr(ax, f"set_{which}label")("")
    # The figure of a panel is its subfigure if there is one, so that panels of other subfigures keep their own labels.
    figure = panels[0].figure
    room = 0.9 * 72.0 * (figure.bbox.width if which == "x" else figure.bbox.height) / figure.dpi
    text = wrapped(labels.pop().replace("\n", " "), room)
    getattr(figure, f"sup{which}label")(text, fontsize=matplotlib.rcParams["axes.labelsize"])


def _one_legend(panels: np.ndarray) -> None:
    """Move the legend to the figure if all panels have the same one; legends that differ stay."""
    legends = [legend for legend in (ax.get_legend() for ax in panels) if legend is not None]
    texts = [{text.get_text() for text in legend.get_texts()} for legend in legends]
    if not legends or len(panels) == 1 or set().union(*texts) not in texts:
        return
    fullest = legends[texts.index(set().union(*texts))]
    handles, labels = fullest.legend_handles, [text.get_text().replace("\n", " ") for text in fullest.get_texts()]
    title = fullest.get_title().get_text().replace("\n", " ")
    figure = panels[0].figure
    # Only a constrained layout makes room for a legend outside of the axes.
    outside = type(figure.get_layout_engine()).__name__ == "ConstrainedLayoutEngine"
    room = 0.9 * 72.0 * figure.bbox.width / figure.dpi / max(len(labels), 1) - 28.0
    for legend in legends if outside else [other for other in legends if other is not fullest]:
        legend.remove()
    if outside:
        labels = [wrapped(text, room) for text in labels]
        figure.legend(handles, labels, title=title or None, loc="outside upper center", ncols=len(labels))
