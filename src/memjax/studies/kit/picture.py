"""A small picture of one image, with its label above and a number below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["label_text", "picture"]


def label_text(given: int, label: int) -> str:
    """The label that networks are trained on, with the true one in brackets where that is another.

    Examples
    --------
    >>> label_text(3, 3), label_text(3, 8)
    ('3', '3 (8)')
    """
    return f"{given}" if given == label else f"{given} ({label})"


def picture(ax: Axes, pixels: npt.ArrayLike, above: str, below: str) -> None:
    """Draw pixels ``[height, width]``, dark where they are large, without ticks.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = plt.figure().subplots()
    >>> picture(ax, [[0.0, 1.0], [1.0, 0.0]], above=label_text(3, 8), below="0.97")
    >>> ax.get_title(), ax.get_xlabel(), ax.images[0].get_array().tolist()
    ('3 (8)', '0.97', [[0.0, 1.0], [1.0, 0.0]])
    """
    ax.imshow(pixels, cmap="gray_r", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(above, fontsize=8.0, pad=2.0)
    ax.set_xlabel(below, fontsize=7.0, labelpad=2.0)
