"""Tables of the study margins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax.studies.kit import Table, listed
from memjax.studies.margins.losses import CHANGES
from memjax.studies.margins.numbers import FITTED, VARIANTS, Scored

__all__ = ["changes", "chosen", "known", "losses", "populations", "scores"]


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
    "Scores are of the networks of each seed by themselves, as means over seeds. Features are quartiles and fences of "
    "normalised margins in logarithms, where nothing else is said. Shuffled scores are means over 20 orders of the gaps."
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
    "Scores are cross-validated. Train size and label noise enter as a number for each combination, and all knobs as a "
    "number for every value of every knob, which add up. The share is negative where the margins make the prediction "
    "worse."
)


def losses(found: Mapping[str, xr.Dataset]) -> Table:
    """Test accuracies under every condition, by way to train."""
    columns: dict[str, Any] = {way: _accuracy(one, "test_accuracy") for way, one in found.items()}
    title = "Test accuracy by loss"
    return listed(
        _conditions(found), _places(found), columns, title=title, note=_LOSSES, units=dict.fromkeys(found, "%")
    )


_LOSSES = "Test accuracies are against true labels, and random labels are those of train examples."


def chosen(found: Mapping[str, xr.Dataset]) -> Table:
    """Settings that were chosen under every condition, and train accuracies with them."""
    columns: dict[str, Any] = {f"{way}: {_words(one)}": _settings(one) for way, one in found.items()}
    train = {f"{way}: train accuracy": _accuracy(one, "train_accuracy") for way, one in found.items()}
    title, units = "Settings of every loss", dict.fromkeys(train, "%")
    return listed(_conditions(found), _places(found), columns | train, title=title, note=_CHOSEN, units=units)


_CHOSEN = (
    "Settings have the highest mean test accuracy over three further seeds. Train accuracies are against the labels of the "
    "train set, with the random ones."
)
_SETTINGS = {"learning_rate": "rate", "l2": "decay", "gamma": "gamma"}


def _conditions(found: Mapping[str, xr.Dataset]) -> dict[str, list[str]]:
    first = next(iter(found.values()))
    return {
        "label noise": [f"{level:g}" for level in first["label_noise"].values],
        "train examples": [str(int(size)) for size in first["train_size"].values],
    }


def _places(found: Mapping[str, xr.Dataset]) -> list[int]:
    return list(range(next(iter(found.values())).sizes["condition"]))


def _accuracy(one: xr.Dataset, name: str) -> Any:
    return lambda place: 100 * one[name].isel(condition=place)


def _words(one: xr.Dataset) -> str:
    return ", ".join(word for name, word in _SETTINGS.items() if name in one)


def _settings(one: xr.Dataset) -> Any:
    return lambda place: ", ".join(f"{float(one[name][place]):g}" for name in _SETTINGS if name in one)


def changes(found: Mapping[str, xr.Dataset]) -> Table:
    """Test accuracies on changed inputs, by way to train."""
    words = {"gaussian": "Gaussian noise", "fgsm": "adversarial step"}
    rows = [(name, place, size) for name, sizes in CHANGES.items() for place, size in enumerate(sizes)]
    columns: dict[str, Any] = {way: _changed(one) for way, one in found.items()}
    heads = {"change": [words[name] for name, _, _ in rows], "size": [f"{size:g}" for _, _, size in rows]}
    units = dict.fromkeys(found, "%")
    return listed(heads, rows, columns, title="Test accuracy on changed inputs", note=_CHANGES, units=units)


_CHANGES = (
    "Networks are trained on all train examples with true labels. Sizes are in units of a pixel, from 0 to 1: the "
    "standard deviation of the noise, and the length of one step along the signs of a gradient."
)


def _changed(one: xr.Dataset) -> Any:
    return lambda row: 100 * one[row[0]].isel({f"{row[0]}_size": row[1]})
