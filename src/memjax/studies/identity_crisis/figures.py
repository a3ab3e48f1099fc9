"""Figures of the study identity-crisis."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from memjax import plots
from memjax.plots.styles import CATEGORY_COLORS, MARKERS
from memjax.studies.identity_crisis.tables import named_digits
from memjax.studies.kit import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["all_figures", "basins", "depth", "pictures", "radius", "strides"]


def all_figures(
    found: Mapping[str, xr.Dataset],
    grids: Mapping[str, xr.Dataset],
    steps: xr.Dataset,
    points: xr.Dataset,
    plane: xr.Dataset,
    places: xr.Dataset,
) -> dict[str, Figure]:
    """The figures of the report, the main one first."""
    layers = {name: found[name]["layers"].values.tolist() for name in grids}
    return {
        "depth": Figure(partial(depth, found), _DEPTH),
        "pictures": Figure(partial(pictures, grids, layers), _PICTURES),
        "strides": Figure(partial(strides, steps), _STRIDES),
        "radius": Figure(partial(radius, points, float(plane["ended"].mean())), _RADIUS),
        "basins": Figure(partial(basins, places, points["layers"].values.tolist()), _BASINS),
    }


_DEPTH = (
    "The panels show the correlation of the output with the train image (the constant) and with the input (the identity), "
    "for unseen digits (solid) and for noise (dashed), by the number of layers; lines are means over seeds with 95% "
    "intervals. The dotted line is the correlation of the unseen digits themselves with the train image, which the "
    "identity would have."
)
_PICTURES = (
    "The pictures show what networks that were trained on one image (first column) give for other inputs (first row). "
    "Every row is the network of the first seed with so many layers. Each picture has its own scale from its lowest value "
    "(white) to its highest (black); one whose values differ by less than 5% is grey."
)
_STRIDES = (
    "The panels show convolutions with biases and a stride of 1 or 2 in all layers but the last, trained on one digit "
    "(solid) or 5 (dashed). The left panel shows what networks give for unseen digits, as the correlation with the train "
    "image that the output is most like less the correlation with the input; above the dotted line a network rather gives "
    "the train image. The middle panel shows the largest |eigenvalue| of the input Jacobian at train images, as the "
    "median over the images. The right panel shows the share of unseen digits whose path of 100 applications ends at a "
    "train image. Lines are means over seeds, with 95% intervals but on the right, where points are seeds."
)
_RADIUS = (
    "The panels show networks with biases that are trained to give back 5 points, by the number of layers. The left panel "
    "has the largest |eigenvalue| of the input Jacobian at a train point, as the median over points; below the dotted "
    "line a point that is given back attracts. The right panel has the share of random starts whose path ends at a train "
    "point. The dotted line there is the share of linear autoencoders in two dimensions, whose paths stay where they "
    "start. Lines are means over seeds, with 95% intervals on the left; points on the right are seeds."
)
_BASINS = (
    "The panels show where paths end that start in the plane, for the networks of the first seed on 5 points in two "
    "dimensions. Each train point (circle) has a colour; where it is grey, the path ends at no train point after 300 "
    "applications."
)
_CONTRAST = 0.05
# The interval of a mean of shares may reach beyond 0 and 1; single seeds do not.
_SEEDS: Mapping[str, Literal["band", "points"]] = {"rather": "band", "radius": "band", "ended": "points"}
_GROUPS = (("unseen digits", "-"), ("noise", "--"))
_MEANINGS = (("constant", "with the train image"), ("identity", "with the input"))


@plots.style()
def depth(found: Mapping[str, xr.Dataset]) -> Drawn:
    """Correlations by depth of dense and convolutional networks."""
    figure, axes = plots.panels(1, 2, width=4.2, height=3.3, share_y=True)
    for ax, name, title in zip(axes, ("dense", "conv"), ("dense", "convolutions of 5 x 5"), strict=True):
        one = found[name]
        for (kind, text), color, mark in zip(_MEANINGS, CATEGORY_COLORS, MARKERS, strict=False):
            for group, line in _GROUPS:
                values = one[kind].sel(group=group, drop=True)
                plots.mean(values, "layers", ax=ax, color=color, marker=mark, linestyle=line, label=f"{text}: {group}")
        plots.level(ax, float(one["likeness"].sel(group=_GROUPS[0][0]).mean()))
        ax.set(title=title, xlabel="layers", ylim=(-0.15, 1.05))
        ax.set_xticks(one["layers"].values)
    axes[0].set_ylabel("correlation of the output")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, handlelength=3.2)
    return figure


@plots.style()
def pictures(grids: Mapping[str, xr.Dataset], layers: Mapping[str, list[int]]) -> Drawn:
    """Inputs above, and below them what each network makes of them."""
    first = next(iter(grids.values()))
    rows: list[tuple[str, Any]] = [("input", first["input"].values)]
    for name, text in (("dense", "dense"), ("conv", "conv")):
        shown = zip(layers[name], grids[name]["output"].values, strict=True)
        rows += [(f"{text}, {count}", images) for count, images in shown]
    titles, height = first["column"].values, first.attrs["height"]
    figure, axes = plots.panels(len(rows), len(titles), width=0.78, height=0.72)
    for line, (text, images) in zip(axes, rows, strict=True):
        line[0].set_ylabel(text, rotation=0, ha="right", va="center")
        for ax, pixels in zip(line, images, strict=True):
            _picture(ax, pixels.reshape(height, -1))
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title.strip(), fontsize=8)
    return figure


def _picture(ax: Axes, pixels: Any) -> None:
    low, high = float(pixels.min()), float(pixels.max())
    # An image without contrast is grey; its own scale would show nothing but rounding.
    ends = (low, high) if high - low > _CONTRAST * abs(high) else (0.0, 2.0 * high or 1.0)
    ax.imshow(pixels, cmap="gray_r", interpolation="nearest", vmin=ends[0], vmax=ends[1])
    ax.set(xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set(visible=True, color="0.7", linewidth=0.5)


@plots.style()
def strides(found: xr.Dataset) -> Drawn:
    """What networks with and without a stride give for unseen digits, their eigenvalues, and where their paths end."""
    figure, axes = plots.panels(1, 3, width=3.3, height=3.0)
    shown = {"rather": found["constant"] - found["identity"], "radius": found["radius"], "ended": found["ended"]}
    for ax, (name, text) in zip(axes, _STRIDED.items(), strict=True):
        for stride, color, mark in zip(found["stride"].values.tolist(), CATEGORY_COLORS, MARKERS, strict=False):
            for count, line in zip(found["train_size"].values.tolist(), ("-", "--"), strict=False):
                values = shown[name].sel(stride=stride, train_size=count, drop=True)
                label = f"stride {stride}, {named_digits(count)}"
                plots.mean(
                    values, "layers", ax=ax, seeds=_SEEDS[name], color=color, marker=mark, linestyle=line, label=label
                )
        ax.set(xlabel="layers", ylabel=text)
        ax.set_xticks(found["layers"].values)
    for ax, value in zip(axes, (0.0, 1.0), strict=False):
        plots.level(ax, value)
    axes[2].set_ylim(-0.05, 1.05)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, handlelength=3.2)
    return figure


_STRIDED = {
    "rather": "correlation with train image\nless that with input",
    "radius": "largest |eigenvalue|\nat train images",
    "ended": "share of paths that end\nat a train image",
}


@plots.style()
def radius(found: xr.Dataset, null: float) -> Drawn:
    """Largest eigenvalue at train points, and share of starts that end there, by depth."""
    figure, axes = plots.panels(1, 2, width=4.0, height=3.2)
    for ax, name, text in zip(axes, ("radius", "ended"), _AXES, strict=True):
        for dims, color, mark in zip(found["dims"].values.tolist(), CATEGORY_COLORS, MARKERS, strict=False):
            values = found[name].sel(dims=dims, drop=True)
            plots.mean(
                values, "layers", ax=ax, seeds=_SEEDS[name], color=color, marker=mark, label=f"{dims} dimensions"
            )
        ax.set(xlabel="layers", ylabel=text)
        ax.set_xticks(found["layers"].values)
    for ax, value in zip(axes, (1.0, null), strict=True):
        plots.level(ax, value)
    axes[0].set_ylim(bottom=0)
    axes[1].set_ylim(-0.05, 1.05)
    axes[1].legend(loc="best")
    return figure


_AXES = ("largest |eigenvalue| at train points", "share of starts that end at a train point")


@plots.style()
def basins(places: xr.Dataset, layers: list[int]) -> Drawn:
    """Basins of train points in the plane, a panel per depth."""
    from matplotlib.colors import ListedColormap

    figure, axes = plots.panels(1, len(layers), width=2.5, height=2.7, share_y=True)
    side, reach = places.attrs["side"], places.attrs["reach"]
    colors = ["0.88", *CATEGORY_COLORS[: places.sizes["example"]]]
    for ax, count, ends in zip(axes, layers, places["example_of_start"].values, strict=True):
        ax.imshow(ends.reshape(side, side), cmap=ListedColormap(colors), vmin=-1, vmax=len(colors) - 2, origin="lower",
                  extent=(-reach, reach, -reach, reach), interpolation="nearest")  # fmt: skip
        for point, color in zip(places["points"].values, colors[1:], strict=True):
            ax.plot(*point, "o", color=color, markeredgecolor="white", markersize=6.0)
        ax.set(title=f"{count} layers", xlabel="first coordinate")
        ax.set_xticks(np.arange(-1, 2))
    axes[0].set_ylabel("second coordinate")
    return figure
