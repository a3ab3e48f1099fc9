"""What the study identity-crisis compares."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from memjax.studies.identity_crisis import figures, tables
from memjax.studies.identity_crisis.layers import by_layers
from memjax.studies.identity_crisis.tables import named_digits
from memjax.studies.kit import Claim, Findings, above, below, between, near

__all__ = [
    "analyse",
    "attractor_claims",
    "conv_claims",
    "dense_claims",
    "exact_claims",
    "linear_claims",
    "stride_claims",
]

_DIGITS, _NOISY = "unseen digits", "noise"
_CLOSE = {"one_dense": 1e-3, "one_conv": 0.05}


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of images and of points."""
    found = {name: by_layers(datasets[f"{name}_responses"]) for name in ("dense", "conv", "wide")}
    losses = {name: by_layers(datasets[name])["train_loss"].isel(step=-1, drop=True) for name in found}
    depth = by_layers(datasets["depth_points"])
    count, linear, plane = (datasets[f"{name}_points"] for name in ("count", "linear", "plane"))
    strides = by_layers(datasets["strides_responses"])
    strides["loss"] = by_layers(datasets["strides"])["train_loss"].isel(step=-1, drop=True)
    grids = {name: datasets[f"{name}_grid"] for name in ("dense", "conv")}
    return Findings(
        claims=[
            *exact_claims({name: datasets[f"{name}_closed"] for name in _CLOSE}),
            *dense_claims(found["dense"]),
            *conv_claims(found["conv"]),
            *stride_claims(strides),
            *attractor_claims(depth, count, plane),
            *linear_claims(linear, plane),
        ],
        tables={
            "constant": tables.responses(found, losses, "constant"),
            "identity": tables.responses(found, losses, "identity"),
            "strides": tables.strides(strides),
            "points": tables.points(depth, count, {2: plane, 16: linear}),
        },
        figures=figures.all_figures(found, grids, strides, depth, plane, datasets["basins"]),
        note=_NOTE,
    )


def exact_claims(closed: Mapping[str, xr.Dataset]) -> list[Claim]:
    """How near one layer comes to its closed form."""
    titles = {"one_dense": "one dense layer", "one_conv": "one convolution"}
    return [
        Claim(
            f"{titles[name]}: distance of the trained weights from the closed form, over the way from the start",
            "0: derived",
            one["distance"],
            between(-_CLOSE[name], _CLOSE[name]),
            derived=True,
        )
        for name, one in closed.items()
    ]


def dense_claims(found: xr.Dataset) -> list[Claim]:
    """Whether dense networks drift to the constant with their depth, and what biases have to do with attraction."""
    constant, itself = (found[name].sel(group=_DIGITS) for name in ("constant", "likeness"))
    few, many = (int(found["layers"][end]) for end in (0, -1))
    least = found["jacobian_radius"].isel(layers=slice(1, None)).min("layers")
    return [
        Claim(
            f"dense, {_DIGITS}: correlation with the train image, {many} layers less {few}",
            "above 0: deeper is nearer to the constant",
            constant.isel(layers=-1) - constant.isel(layers=0),
            above(0.0),
            main=True,
        ),
        *_rather("dense", found, "above 0: rather the constant"),
        Claim(
            f"dense, {few} layer, {_DIGITS}: correlation of the output with the train image less that of the digits themselves",
            "neither the identity nor the constant",
            (constant - itself).isel(layers=0),
        ),
        Claim(
            "dense, 2 layers and more, without biases: least over depths of the largest |eigenvalue| at the train image",
            "1 or more: derived",
            least,
            above(0.99),
            derived=True,
        ),
    ]


def conv_claims(found: xr.Dataset) -> list[Claim]:
    """Whether shallow convolutions learn the identity, and deep ones the constant."""
    identity, constant = (found[name].sel(group=_DIGITS) for name in ("identity", "constant"))
    few, many = (int(found["layers"][end]) for end in (0, -1))
    rise = constant.isel(layers=-1) - constant.isel(layers=0)
    return [
        Claim(f"one convolution, {_DIGITS}: correlation with the input", 1.0, identity.isel(layers=0), near(1.0)),
        Claim(
            f"convolutions, {_DIGITS}: correlation with the train image, {many} layers less {few}",
            "above 0: deeper is nearer to the constant",
            rise,
            above(0.0),
            main=True,
        ),
        *_rather("convolutions", found, "above 0 in 20 layers: rather the constant"),
    ]


def _rather(network: str, found: xr.Dataset, published: str) -> list[Claim]:
    """Whether the deepest networks rather give the train image, for digits, which are like it, and for noise, which is not."""
    less = (found["constant"] - found["identity"]).isel(layers=-1)
    head = f"{network}, {int(found['layers'][-1])} layers"
    what = "correlation with the train image less that with the input"
    return [
        Claim(f"{head}, {group}: {what}", published, less.sel(group=group), above(0.0)) for group in (_DIGITS, _NOISY)
    ]


def stride_claims(found: xr.Dataset) -> list[Claim]:
    """Differences between networks with a stride of 2 and without, by depth; train losses differ, so nothing is asked."""
    made = found.assign(rather=found["constant"] - found["identity"])
    more = made.sel(stride=2) - made.sel(stride=1)
    return [
        Claim(
            f"{named_digits(count)}, {layers} layers, stride 2 less stride 1: {what}",
            f"not read; {side} 0 if downsampling memorises",
            more[name].sel(train_size=count, layers=layers),
        )
        for name, (what, side) in _STRIDED.items()
        for count in found["train_size"].values.tolist()
        for layers in found["layers"].values.tolist()
    ]


_STRIDED = {
    "rather": (f"{_DIGITS}, correlation with the train image less that with the input", "above"),
    "radius": ("largest |eigenvalue| at train images", "below"),
    "ended": (f"share of {_DIGITS} whose path ends at a train image", "above"),
}


def attractor_claims(depth: xr.Dataset, count: xr.Dataset, plane: xr.Dataset) -> list[Claim]:
    """Whether networks with biases contract at their train points, and whether more paths end there than of a linear one."""
    few, many = (int(depth["layers"][end]) for end in (0, -1))
    last = depth.isel(layers=-1)
    fall = (depth["radius"].isel(layers=-1) - depth["radius"].isel(layers=0)).mean("dims")
    return [
        *(claim for dims in depth["dims"].values.tolist() for claim in _contractive(dims, many, last.sel(dims=dims))),
        Claim(f"largest |eigenvalue| at train points, median over points, {many} layers less {few}, mean over dimensions",
              "below 0: deep networks contract", fall, below(0.0)),
        Claim("one point in 16 dimensions, 5 layers: share of runs in which the point is an attractor",
              "always", count["attractors"].isel(train_size=0), near(1.0)),
        Claim(f"5 points in 2 dimensions, {many} layers: share of starts whose path ends at a train point, less that of a "
              "linear autoencoder", "above 0: paths end at train points", last["ended"].sel(dims=2) - plane["ended"],
              above(0.0)),
    ]  # fmt: skip


def _contractive(dims: int, many: int, found: xr.Dataset) -> list[Claim]:
    """The publication speaks of train examples, and so of every one of them."""
    head = f"5 points in {dims} dimensions, {many} layers"
    return [
        Claim(f"{head}: share of train points that attract", "1: contractive at train examples", found["attractors"],
              near(1.0), main=dims == 16),
        Claim(f"{head}: largest |eigenvalue| at any train point", "below 1; no number was read", found["largest"]),
    ]  # fmt: skip


def linear_claims(found: xr.Dataset, plane: xr.Dataset) -> list[Claim]:
    """What is exact of a linear autoencoder of 16 dimensions, and of two, where the points leave no direction free."""
    head = "linear autoencoder"
    return [
        Claim(f"{head}: distance of the trained weights from the closed form, over the way from the start",
              "0: derived", found["distance"], between(-1e-3, 1e-3), derived=True),
        Claim(f"{head}: largest distance of an output from its train point, over the point's norm",
              "0: derived, so the eigenvalue along the data is 1", found["along"], between(-1e-3, 1e-3), derived=True),
        Claim(f"{head}: distance of the largest |eigenvalue| from the larger of 1 and that of the start off the data",
              "0: derived", found["off"], between(-1e-3, 1e-3), derived=True),
        Claim(f"{head} in 2 dimensions: share of starts whose path ends at a train point, less the share that starts there",
              "0: derived", plane["ended"] - plane["began"], between(-0.01, 0.01), derived=True),
    ]  # fmt: skip


_NOTE = (
    "The papers publish curves and pictures of images, and no table of them could be read, so statements on images are about "
    "signs. Derived: this follows for any network of the kind, as the page says. Every seed has its own train image or "
    "points, its own unseen digits or starts, and its own initial weights. Correlations are Pearson's over pixels."
)
