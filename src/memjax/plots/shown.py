"""A figure that a notebook shows, whether or not `matplotlib.pyplot` has drawn before."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure

__all__ = ["ShownFigure"]


class ShownFigure(Figure):
    """A figure without a window, which a notebook shows as a picture at the end of a cell.

    IPython learns how to show a figure of matplotlib from `matplotlib.pyplot`, the first time that pyplot draws. A figure of
    this class says by itself how, so the first figure of a notebook is shown too.

    Examples
    --------
    >>> ShownFigure()._repr_png_()[1:4]
    b'PNG'
    """

    def _repr_png_(self) -> bytes:
        """The figure as a PNG, at its own dots per inch."""
        picture = BytesIO()
        self.savefig(picture, format="png", dpi="figure")
        return picture.getvalue()
