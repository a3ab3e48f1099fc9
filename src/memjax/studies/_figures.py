"""What the figures of several studies share: panels in the one style, and published values drawn beside ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memjax import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["new_panels", "reference"]


@plots.style()
def new_panels(
    count: int, width: float = 3.9, height: float = 3.1, *, share_y: bool = False
) -> tuple[Figure, np.ndarray]:
    """Figure with a row of ``count`` panels, ``[count]``, each of ``width`` x ``height`` inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * count, height), layout="constrained")
    return figure, np.atleast_1d(figure.subplots(1, count, sharey=share_y))


@plots.style()
def reference(ax: Axes, height: float, text: str = "", *, color: Any = "0.4", at: float = 0.98) -> None:
    """Draw a dotted level across a panel, with a small text above it that ends at a share ``at`` of its width."""
    ax.axhline(height, color=color, linewidth=1.0, linestyle=":", zorder=0)
    place: dict[str, Any] = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
    ax.annotate(text, (at, height), (0, 2), ha="right", va="bottom", fontsize=7.5, color="0.3", **place)
