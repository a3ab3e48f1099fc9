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

_DIGITS = "unseen digits"
_CLOSE = {"one_dense": 1e-3, "one_conv": 0.05}


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of images and of points."""
    found = {name: by_layers(datasets[f"{name}_responses"]) for name in ("dense", "conv", "wide")}
    losses = {name: by_layers(datasets[name])["train_loss"].isel(step=-1, drop=True) for name in found}
    points = {name: datasets[f"{name}_points"] for name in ("depth", "width", "count")}
    depth, linear = by_layers(points["depth"]), datasets["linear_points"]
    strides = by_layers(datasets["strides_responses"])
    strides["loss"] = by_layers(datasets["strides"])["train_loss"].isel(step=-1, drop=True)
    grids = {name: datasets[f"{name}_grid"] for name in ("dense", "conv")}
    return Findings(
        claims=[
            *exact_claims({name: datasets[f"{name}_closed"] for name in _CLOSE}),
            *dense_claims(found["dense"]),
            *conv_claims(found["conv"]),
            *stride_claims(strides),
            *attractor_claims(depth, points["count"]),
            *linear_claims(linear),
        ],
        tables={
            "constant": tables.responses(found, losses, "constant"),
            "identity": tables.responses(found, losses, "identity"),
            "strides": tables.strides(strides),
            "points": tables.points(depth, by_layers(points["width"], "width"), points["count"]),
        },
        figures=figures.all_figures(found, grids, strides, depth, datasets["basins"]),
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
        )
        for name, one in closed.items()
    ]


def dense_claims(found: xr.Dataset) -> list[Claim]:
    """Whether dense networks drift to the constant with their depth, and what biases have to do with attraction."""
    identity, constant = (found[name].sel(group=_DIGITS) for name in ("identity", "constant"))
    few, many = (int(found["layers"][end]) for end in (0, -1))
    last = {"layers": -1}
    least = found["jacobian_radius"].isel(layers=slice(1, None)).min("layers")
    return [
        Claim(
            f"dense, {_DIGITS}: correlation with the train image, {many} layers less {few}",
            "above 0: deeper is nearer to the constant",
            constant.isel(last) - constant.isel(layers=0),
            above(0.0),
            main=True,
        ),
        Claim(
            f"dense, {many} layers, {_DIGITS}: correlation with the train image less that with the input",
            "above 0: rather the constant",
            (constant - identity).isel(last),
            above(0.0),
        ),
        Claim(
            "dense, 2 layers and more, without biases: least over depths of the largest |eigenvalue| at the train image",
            "1 or more: derived",
            least,
            above(0.99),
        ),
    ]


def conv_claims(found: xr.Dataset) -> list[Claim]:
    """Whether shallow convolutions learn the identity, and deep ones the constant."""
    identity, constant = (found[name].sel(group=_DIGITS) for name in ("identity", "constant"))
    few, many = (int(found["layers"][end]) for end in (0, -1))
    less = constant - identity
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
        Claim(
            f"convolutions, {many} layers, {_DIGITS}: correlation with the train image less that with the input",
            "above 0 in 20 layers: rather the constant",
            less.isel(layers=-1),
            above(0.0),
        ),
    ]


def stride_claims(found: xr.Dataset) -> list[Claim]:
    """Whether networks with a stride of 2 rather give their train images than networks without, and draw paths to them."""
    mean = found.assign(rather=found["constant"] - found["identity"]).mean("layers")
    more = mean.sel(stride=2) - mean.sel(stride=1)
    return [
        Claim(
            f"{named_digits(count)}, stride 2 less stride 1: {_STRIDED[name]}",
            f"not read; {'below' if rule == below(0.0) else 'above'} 0 if downsampling memorises",
            more[name].sel(train_size=count),
            rule,
        )
        for count in found["train_size"].values.tolist()
        for name, rule in (("rather", above(0.0)), ("radius", below(0.0)), ("ended", above(0.0)))
    ]


_STRIDED = {
    "rather": f"{_DIGITS}, correlation with the train image less that with the input",
    "radius": "largest |eigenvalue| at train images",
    "ended": f"share of {_DIGITS} whose path ends at a train image",
}


def attractor_claims(depth: xr.Dataset, count: xr.Dataset) -> list[Claim]:
    """Whether networks with biases contract at their train points, and whether paths end there."""
    many = int(depth["layers"][-1])
    claims = [
        Claim(
            f"5 points in {dims} dimensions, {many} layers: largest |eigenvalue| at train points, median over points",
            "below 1: contractive",
            depth["radius"].sel(dims=dims).isel(layers=-1),
            below(1.0),
            main=dims == 16,
        )
        for dims in depth["dims"].values.tolist()
    ]
    fall = (depth["radius"].isel(layers=-1) - depth["radius"].isel(layers=0)).mean("dims")
    few = int(depth["layers"][0])
    return [
        *claims,
        Claim(f"largest |eigenvalue| at train points, {many} layers less {few}, mean over dimensions",
              "below 0: deep networks contract", fall, below(0.0)),
        Claim("one point in 16 dimensions, 5 layers: share of runs in which the point is an attractor",
              "always", count["attractors"].isel(train_size=0), near(1.0)),
        Claim(f"5 points in 2 dimensions, {many} layers: share of starts whose path ends at a train point",
              "above 0: paths end at train points", depth["ended"].sel(dims=2).isel(layers=-1), above(0.0)),
    ]  # fmt: skip


def linear_claims(found: xr.Dataset) -> list[Claim]:
    """What is exact of a linear autoencoder."""
    return [
        Claim("linear autoencoder: distance of the trained weights from the closed form, over the way from the start",
              "0: derived", found["distance"], between(-1e-3, 1e-3)),
        Claim("linear autoencoder: largest distance of the largest |eigenvalue| from 1", "0: derived", found["off"],
              between(-1e-3, 1e-3)),
        Claim("linear autoencoder: share of starts whose path ends at a train point", "0: derived", found["ended"],
              between(-0.01, 0.01)),
    ]  # fmt: skip


_NOTE = (
    "The papers publish curves and pictures of images, and no table of them could be read, so statements on images are about "
    "signs. Derived: this follows for any network of the kind, as the page says. Every seed has its own train image or "
    "points, its own unseen digits or starts, and its own initial weights. Correlations are Pearson's over pixels."
)
