"""Tables of the study margins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax.studies.kit import Table, listed
from memjax.studies.margins.losses import CHANGES
from memjax.studies.margins.numbers import FITTED, VARIANTS, Scored

__all__ = ["changes", "known", "losses", "populations", "scores"]


def scores(found: Mapping[str, Scored]) -> Table:
    """A row for every set of features and population."""
    names = [*VARIANTS, "all layers, shuffled gaps"]
    parts = [_of_variant(one, name) for name in names for one in found.values()]
    columns: Mapping[str, Any] = {
        "features": lambda part: int(part["num_features"].isel(seed=0)) if "num_features" in part else "-",
        "adjusted R^2": "adjusted_r_squared",
        "cross-validated R^2": "cross_validated_r_squared",
    }
    heads = {"features of": [name for name in names for _ in found], "population": [*found] * len(names)}
    return listed(heads, parts, columns, title="How well margins predict the gap", note=_SCORES)


_SCORES = (
    "Scores of the networks of each seed by themselves; means over seeds. Quartiles and fences of normalised margins in "
    "logarithms, where nothing else is said. Shuffled: means over 20 orders of the gaps."
)


def _of_variant(found: Scored, name: str) -> xr.Dataset:
    return found.variants.sel(variant=name, drop=True) if name in VARIANTS else found.null


def populations(networks: Mapping[str, xr.Dataset], found: Mapping[str, Scored]) -> Table:
    """Numbers of networks, their gaps, and what changes with those that have not fitted."""
    parts = [(one, found[name]) for name, one in networks.items()]
    columns: Mapping[str, Any] = {
        "networks of a seed": lambda part: part[0]["gap"].isel(seed=0).size,
        "have fitted": lambda part: part[0]["gap"].notnull().sum(_but_seed(part[0])),
        "least gap": lambda part: part[0]["gap"].min(_but_seed(part[0])),
        "mean gap": lambda part: part[0]["gap"].mean(_but_seed(part[0])),
        "largest gap": lambda part: part[0]["gap"].max(_but_seed(part[0])),
        "adjusted R^2, with all networks": lambda part: part[1].everyone["adjusted_r_squared"],
        "cross-validated R^2, with all networks": lambda part: part[1].everyone["cross_validated_r_squared"],
    }
    return listed({"population": [*networks]}, parts, columns, title="The networks", note=_POPULATIONS)


_POPULATIONS = (
    f"Gap: train accuracy less test accuracy of networks with a train accuracy of at least {FITTED:g}. All other scores are of "
    "these networks."
)


def _but_seed(networks: xr.Dataset) -> list[str]:
    return [str(dim) for dim in networks["gap"].dims if dim != "seed"]


def known(found: Mapping[str, Scored]) -> Table:
    """Cross-validated scores of what is known of a network beforehand, without and with its margins."""
    words = {"train size and label noise": "data", "all knobs": "knobs"}
    parts = [getattr(one, name) for one in found.values() for name in words.values()]
    columns: Mapping[str, Any] = {
        "R^2 of what is known": "alone",
        "R^2 with margins": "both",
        "share of the error that margins take": "added",
    }
    heads = {"population": [name for name in found for _ in words], "known": [*words] * len(found)}
    return listed(heads, parts, columns, title="What margins add to what is known beforehand", note=_KNOWN)


_KNOWN = (
    "Cross-validated. Train size and label noise: a number for each combination. All knobs: a number for every value of every "
    "knob, which add up. The share is negative where the margins make the prediction worse."
)


def losses(found: Mapping[str, xr.Dataset]) -> Table:
    """Test accuracies under every condition, by way to train, with the settings that were chosen."""
    first = next(iter(found.values()))
    count = first.sizes["condition"]
    columns: dict[str, Any] = {way: _accuracy(one) for way, one in found.items()}
    columns |= {f"settings, {way}": _settings(one) for way, one in found.items()}
    heads = {
        "label noise": [f"{level:g}" for level in first["label_noise"].values],
        "train examples": [str(int(size)) for size in first["train_size"].values],
    }
    units = dict.fromkeys(found, "%")
    return listed(heads, list(range(count)), columns, title="Test accuracy by loss", note=_LOSSES, units=units)


_LOSSES = (
    "Settings have the highest mean test accuracy over three further seeds. They are the learning rate, and the weight decay "
    "of the cross-entropy or the gamma of the large margin."
)


def _accuracy(one: xr.Dataset) -> Any:
    return lambda place: 100 * one["test_accuracy"].isel(condition=place)


def _settings(one: xr.Dataset) -> Any:
    names = [name for name in ("learning_rate", "l2", "gamma") if name in one]
    return lambda place: ", ".join(f"{float(one[name][place]):g}" for name in names)


def changes(found: Mapping[str, xr.Dataset]) -> Table:
    """Test accuracies on changed inputs, by way to train."""
    words = {"gaussian": "Gaussian noise", "fgsm": "adversarial step"}
    rows = [(name, place, size) for name, sizes in CHANGES.items() for place, size in enumerate(sizes)]
    columns: dict[str, Any] = {way: _changed(one) for way, one in found.items()}
    heads = {"change": [words[name] for name, _, _ in rows], "size": [f"{size:g}" for _, _, size in rows]}
    units = dict.fromkeys(found, "%")
    return listed(heads, rows, columns, title="Test accuracy on changed inputs", note=_CHANGES, units=units)


_CHANGES = (
    "Networks on all train examples with true labels. Sizes are in units of a pixel, from 0 to 1: the standard deviation of "
    "the noise, and the length of one step along the signs of a gradient."
)


def _changed(one: xr.Dataset) -> Any:
    return lambda row: 100 * one[row[0]].isel({f"{row[0]}_size": row[1]})
