"""What a figure shows, in words, for those who cannot see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alt_text"]


def alt_text(figure: Figure) -> str:
    """What a figure shows, from its own labels, for those who cannot see it."""
    panels = [text for text in map(_alt_of_axes, figure.axes) if text]
    shared = [text for text in (figure.get_supylabel(), figure.get_supxlabel()) if text]
    return "; ".join(panels + ([" against ".join(shared)] if shared else [])) or "a figure without labels"


def _alt_of_axes(ax: Axes) -> str:
    title, across, up = ax.get_title(), ax.get_xlabel(), ax.get_ylabel()
    shown = f"{up or title} against {across}" if across else f"key to {up}" if up else title
    return f"{title}: {shown}" if title and up and across else shown
