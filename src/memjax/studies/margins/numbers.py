"""How well margins predict the generalisation gap of the networks of a population, seed by seed."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from memjax import analysis
from memjax.studies.margins.runs import KNOBS
from memjax.studies.margins.signatures import LAYERS

__all__ = [
    "FITTED",
    "VARIANTS",
    "Variant",
    "beyond",
    "carried",
    "features",
    "knobs",
    "Scored",
    "permuted",
    "population",
    "scored",
    "scores",
]

FITTED = 0.99
"""Train accuracy from which a network counts as one that has fitted its train set."""
_PERMUTATIONS = 20

FloatArray = npt.NDArray[np.float64]


class Variant(NamedTuple):
    """Which numbers of a network predict its gap."""

    layers: tuple[str, ...] = LAYERS
    kind: str = "quartiles"
    scale: Literal["linear", "log"] = "log"
    normalized: bool = True


VARIANTS = {
    "all layers": Variant(),
    "input alone": Variant(("input",)),
    "first hidden layer alone": Variant(("layer_0",)),
    "second hidden layer alone": Variant(("layer_1",)),
    "moments": Variant(kind="moments"),
    "without logarithms": Variant(scale="linear"),
    "not normalised": Variant(normalized=False),
    "output margin alone": Variant(("output",), normalized=False),
}
"""Sets of features by name; all but one of their choices are those of the first."""


def population(runs: xr.Dataset, found: xr.Dataset) -> xr.Dataset:
    """Signatures, and ``train_accuracy``, ``test_accuracy`` and ``gap`` at the end, of every network.

    The gap is the first accuracy less the second, of networks that have fitted their train set; of the others it is NaN. They
    are left out because with noisy labels the two accuracies are about other labels: a network that does not fit the noise is
    wrong about train examples and right about test examples.
    """
    train, test = (runs[f"{split}_accuracy"].isel(step=-1, drop=True).astype(np.float64) for split in ("train", "test"))
    ends = {"train_accuracy": train, "test_accuracy": test, "gap": (train - test).where(train >= FITTED)}
    return found.drop_attrs().assign({name: value.reset_coords(drop=True) for name, value in ends.items()})


def features(networks: xr.Dataset, variant: Variant) -> xr.DataArray:
    """Features of a variant ``(..., layer, statistic)``, in units of the spread of the layer if normalised; no logarithms."""
    layers = list(variant.layers)
    made = networks["signature"].sel(kind=variant.kind, layer=layers, drop=True)
    return made / networks["spread"].sel(layer=layers) if variant.normalized else made


def knobs(networks: xr.Dataset, names: tuple[str, ...], crossed: bool = False) -> xr.DataArray:
    """What is known of a network without looking at it: 0 or 1 for every value of every knob but the first, ``(..., known)``.

    Parameters
    ----------
    networks
        Its ``gap`` has the dimensions of the networks.
    names
        Knobs that are known.
    crossed
        Whether every combination of values has a number of its own, instead of every value.

    Examples
    --------
    >>> networks = xr.Dataset(coords={"train_size": [50, 100], "label_noise": [0.0, 0.2]})
    >>> knobs(networks, ("train_size", "label_noise")).sel(train_size=100).values.tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    >>> knobs(networks, ("train_size", "label_noise"), crossed=True).sel(train_size=100).values.tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    sizes = [networks.sizes[name] for name in names]
    grid = np.meshgrid(*map(np.arange, sizes), indexing="ij")
    columns = [np.ravel_multi_index(list(grid), sizes)] if crossed else [*grid]
    flags = [column == value for column in columns for value in range(1, column.max() + 1)]
    labels = {name: networks[name].values for name in names}
    return xr.DataArray(np.stack(flags, -1).astype(np.float64), labels, (*names, "known"))


class Scored(NamedTuple):
    """All scores of one population.

    Attributes
    ----------
    variants
        Scores of `predict_gap` ``(variant, seed)``.
    null
        Those of all layers when the gaps are shuffled ``(seed,)``.
    everyone
        Those of all layers among all networks, with those that have not fitted their train set ``(seed,)``.
    data, knobs
        What all layers add to train size and label noise, and to all knobs ``(seed,)``, as `beyond` gives it.
    """

    variants: xr.Dataset
    null: xr.Dataset
    everyone: xr.Dataset
    data: xr.Dataset
    knobs: xr.Dataset


def scored(networks: xr.Dataset) -> Scored:
    """All scores of a population that `population` gives."""
    whole = Variant()
    names = xr.DataArray(list(VARIANTS), dims="variant", name="variant")
    made = [scores(networks, variant).drop_vars(["predicted", "reason"]) for variant in VARIANTS.values()]
    return Scored(
        variants=xr.concat(made, names, combine_attrs="override"),
        null=permuted(networks, whole),
        everyone=scores(networks, whole, networks["train_accuracy"] - networks["test_accuracy"]),
        data=beyond(networks, whole, knobs(networks, ("train_size", "label_noise"), crossed=True)),
        knobs=beyond(networks, whole, knobs(networks, KNOBS)),
    )


def scores(networks: xr.Dataset, variant: Variant, gap: xr.DataArray | None = None) -> xr.Dataset:
    """Scores of `memjax.analysis.predict_gap` for the networks of every seed by themselves, ``(seed,)``.

    The networks of a seed differ in their knobs, so that no fold sees another seed of a setting that is left out.

    Parameters
    ----------
    networks
        What `population` gives.
    variant
        Which features.
    gap
        Another gap, such as that of all networks.
    """
    x = features(networks, variant)
    return _by_seed(x, networks["gap"] if gap is None else gap, variant.scale)


def _by_seed(x: xr.DataArray, gap: xr.DataArray, scale: Literal["linear", "log"]) -> xr.Dataset:
    seeds = gap["seed"].values
    own = lambda seed: x.sel(seed=seed, drop=True) if "seed" in x.dims else x  # noqa: E731
    made = [analysis.predict_gap(own(seed), gap.sel(seed=seed, drop=True), scale=scale) for seed in seeds]
    return xr.concat(made, xr.DataArray(seeds, dims="seed", name="seed"), combine_attrs="override")


def permuted(networks: xr.Dataset, variant: Variant) -> xr.Dataset:
    """The scores when the gaps of a seed's networks are shuffled, means over 20 shuffles: their law knows of no margins."""
    drawn = [
        _by_seed(features(networks, variant), _shuffled(networks["gap"], draw), variant.scale)
        for draw in range(_PERMUTATIONS)
    ]
    names = ["r_squared", "adjusted_r_squared", "cross_validated_r_squared"]
    return xr.concat([one[names] for one in drawn], "draw").mean("draw")


def _shuffled(gap: xr.DataArray, draw: int) -> xr.DataArray:
    ordered = gap.transpose("seed", ...)
    rows = ordered.values.reshape(ordered.sizes["seed"], -1)
    mixed = rows.copy()
    for place, row in enumerate(rows):
        known = np.isfinite(row)
        mixed[place, known] = np.random.default_rng([draw, place]).permutation(row[known])
    return ordered.copy(data=mixed.reshape(ordered.shape))


def beyond(networks: xr.Dataset, variant: Variant, known: xr.DataArray) -> xr.Dataset:
    """What margins add to what is ``known`` of a network, such as `knobs` give, ``(seed,)``.

    Returns
    -------
    xarray.Dataset
        ``alone`` and ``both``, the cross-validated R^2 of the known numbers without and with the features, and ``added``, the
        share of the squared error of the former, out of fold, that the latter does not have.
    """
    x, gap = features(networks, variant), networks["gap"]
    flat = x.copy(data=np.log(x.values)).stack(feature=("layer", "statistic")).reset_index("feature", drop=True)
    wide = known.expand_dims({dim: gap[dim].values for dim in gap.dims if dim not in known.dims})
    both = xr.concat([wide.rename(known="feature"), flat], "feature", coords="minimal", compat="override")
    found = {"alone": _by_seed(known, gap, "linear"), "both": _by_seed(both, gap, "linear")}
    dims = [dim for dim in gap.dims if dim != "seed"]
    errors = {name: ((one["predicted"] - gap) ** 2).sum(dims) for name, one in found.items()}
    values = {name: one["cross_validated_r_squared"] for name, one in found.items()}
    return xr.Dataset(values | {"added": 1 - errors["both"] / errors["alone"]})


def carried(fitted: xr.Dataset, others: xr.Dataset, variant: Variant) -> xr.Dataset:
    """How well a regression on one population predicts another one, seed by seed.

    Returns
    -------
    xarray.Dataset
        ``r_squared``, about the mean gap of the other population, and ``rank``, Spearman's correlation of predicted and true
        gaps, ``(seed,)``.
    """
    from scipy.stats import spearmanr

    found = []
    for seed in fitted["seed"].values:
        (x, y), (at, gap) = (_columns(one.sel(seed=seed), variant) for one in (fitted, others))
        weights = np.linalg.lstsq(np.column_stack([np.ones(len(x)), x]), y, rcond=None)[0]
        made = np.column_stack([np.ones(len(at)), at]) @ weights
        left = np.square(gap - made).sum() / np.square(gap - gap.mean()).sum()
        found.append((1 - left, spearmanr(made, gap).statistic))
    values = np.array(found)
    labels = {"seed": fitted["seed"].values}
    return xr.Dataset({name: ("seed", values[:, i]) for i, name in enumerate(("r_squared", "rank"))}, labels)


def _columns(networks: xr.Dataset, variant: Variant) -> tuple[FloatArray, FloatArray]:
    """Features ``[n, k]`` and gaps ``[n]`` of the networks of a seed that have all of them."""
    x = (
        features(networks, variant)
        .stack(network=KNOBS, feature=("layer", "statistic"))
        .transpose("network", "feature")
        .values
    )
    x, y = np.log(x) if variant.scale == "log" else x, networks["gap"].stack(network=KNOBS).values
    known = np.isfinite(x).all(-1) & np.isfinite(y)
    return x[known], y[known]
