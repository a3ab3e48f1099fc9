"""Pictures of examples in a grid, with a caption above and a score below each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax.plots.axes import text_of
from memjax.plots.styles import style

__all__ = ["pictures"]


@style()
def pictures(
    images: xr.DataArray | npt.ArrayLike,
    above: xr.DataArray | Sequence[Any] | None = None,
    below: xr.DataArray | Sequence[Any] | None = None,
    *,
    shape: tuple[int, ...] | None = None,
    columns: int = 8,
    size: float = 0.8,
    limits: tuple[float, float] | None = None,
    cmap: str = "gray_r",
) -> np.ndarray:
    """Draw examples as pictures in a grid, such as those with the largest scores.

    Parameters
    ----------
    images
        Pixels ``[n, height, width]``, or colours ``[n, height, width, 3]`` from 0 to 1; with ``shape`` rows ``[n, d]`` too.
    above, below
        What stands above and below each picture, ``[n]``, such as its label and its score. Numbers have three digits.
    shape
        Height and width of a picture, and the number of colours if there are any, where ``images`` are rows of numbers.
    columns
        Largest number of pictures side by side.
    size
        Width of a picture in inches.
    limits
        Values of white and black pixels, the same for all pictures; by default the least and the largest value.
    cmap
        Colours of the pixels, by matplotlib's name; by default dark where values are large.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
        The pictures, ``[n]``, in a new figure.

    Raises
    ------
    ValueError
        If there is no picture, images have another number of dimensions, a caption is missing, or ``columns`` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> axes = pictures(np.eye(9).reshape(9, 3, 3), below=np.linspace(0, 1, 9), columns=5)
    >>> len(axes), axes[1].get_xlabel(), axes[1].images[0].get_array().shape
    (9, '0.125', (3, 3))
    """
    import matplotlib.pyplot as plt

    pixels = _pixels(images, shape)
    if columns < 1:
        raise ValueError(f"columns = {columns!r} must be a positive whole number, for example 8.")
    texts = [_texts(given, len(pixels), name) for given, name in ((above, "above"), (below, "below"))]
    rows, columns = -(-len(pixels) // columns), min(columns, len(pixels))
    # A line of text takes a sixth of an inch.
    height = size * pixels.shape[1] / pixels.shape[2] + sum(0.17 * any(text) for text in texts) + 0.05
    figure = plt.figure(figsize=(columns * (size + 0.1), rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(pixels) :]:
        ax.set_visible(False)
    low, high = limits or (np.nanmin(pixels), np.nanmax(pixels))
    for ax, one, title, caption in zip(axes, pixels, *texts, strict=False):
        ax.imshow(one, cmap=cmap, interpolation="nearest", vmin=low, vmax=high)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="0.7", linewidth=0.5)
        ax.set_title(title, fontsize=8.0, pad=2.0)
        ax.set_xlabel(caption, fontsize=8.0, labelpad=2.0)
    return axes[: len(pixels)]


def _pixels(images: xr.DataArray | npt.ArrayLike, shape: tuple[int, ...] | None) -> npt.NDArray[Any]:
    pixels = np.asarray(images)
    if shape is not None and pixels.ndim >= 2 and pixels[0].size == np.prod(shape):
        pixels = pixels.reshape(len(pixels), *shape)
    if pixels.ndim not in (3, 4) or not len(pixels) or (pixels.ndim == 4 and pixels.shape[3] not in (3, 4)):
        raise ValueError(
            f"images has the shape {list(np.shape(images))}"
            + (f" and shape = {shape}" if shape else "")
            + "; pictures are "
            "[n, height, width], or [n, height, width, 3] in colour. Rows of numbers need shape=(height, width)."
        )
    return pixels


def _texts(given: xr.DataArray | Sequence[Any] | None, count: int, argument: str) -> list[str]:
    if given is None:
        return [""] * count
    texts = [f"{one:.3g}" if isinstance(one, float | np.floating) else text_of(one) for one in _listed(given)]
    if len(texts) != count:
        raise ValueError(f"{argument} has {len(texts)} entries for {count} pictures; give one for each.")
    return texts


def _listed(given: xr.DataArray | Sequence[Any]) -> list[Any]:
    return np.asarray(given).ravel().tolist() if isinstance(given, xr.DataArray | np.ndarray) else list(given)
