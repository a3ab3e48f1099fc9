"""What the study random-labels compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax.studies.kit import (
    Claim,
    Findings,
    Within,
    above,
    below,
    beside_records,
    between,
    geometric_mean,
    near,
    ratio,
    within_records,
)
from memjax.studies.random_labels import by_class, crossed, easy, figures, further, growth, numbers, tables
from memjax.studies.random_labels.runs import FITTED, LAWS, NETWORKS

__all__ = ["MIXED", "analyse", "arpit_claims", "chance", "law_claims", "level_claims"]

MIXED = (0.2, 0.4, 0.6, 0.8)
"""Levels at which the clean-labelled and the corrupted part are compared."""
NAMES = {"shallow": "one hidden layer", "deep": "three hidden layers"}
_LAYERS = {"shallow": "one", "deep": "three"}
_NOT_READ = None


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all sweeps, and of what was measured on the networks."""
    found = {name: numbers.levels(datasets[name], datasets[f"{name}_tested"]) for name in NETWORKS}
    records = datasets["shallow"]["step"].values
    by_law = laws(datasets["laws"])
    mixed, ratios = numbers.parts(datasets["shallow"].sel(label_noise=list(MIXED))), datasets["critical"]
    held = numbers.widths(datasets["widths"])
    braked = {name: numbers.braked(datasets[name]) for name in ("dropouts", "decays")}
    matrix, right = datasets["classes"]["class_sensitivity"], easy.easy(datasets["epoch"])
    times, at, exponents = _growth(datasets)
    test_size = int(datasets["shallow_tested"].attrs["test_size"])
    return Findings(
        claims=[
            *level_claims(found, records, test_size),
            *law_claims(by_law, datasets["laws"]["step"].values, test_size),
            *arpit_claims(mixed, records, held, by_law),
            *critical_claims(ratios["critical_sample_ratio"]),
            *by_class.class_claims(matrix),
            *easy.easy_claims(right),
            *growth.growth_claims(exponents),
            *braked_claims(braked),
        ],
        tables=tables.all_tables(found, records, by_law, datasets["laws"]["step"].values, mixed, held, ratios, braked)
        | {"classes": by_class.classes_table(matrix), "easy": easy.easy_table(right)}
        | growth.growth_tables(times, at, exponents)
        | {"crossed": crossed.crossed_table({_LAYERS[name]: datasets[f"crossed_{name}"] for name in NETWORKS}, FITTED)},
        figures=figures.all_figures(found, datasets, held, by_law, ratios["critical_sample_ratio"])
        | further.further_figures(matrix, easy.ranked(right), times, at),
        note=_NOTE,
    )


def _growth(
    datasets: Mapping[str, xr.Dataset],
) -> tuple[dict[str, xr.DataArray], dict[str, np.ndarray], dict[str, xr.DataArray]]:
    """Times to fit by number of examples and by width, the steps of their records, and the exponents."""
    runs = {"train_size": datasets["sizes"], "width": datasets["widths"]}
    times = {dim: growth.times_to_fit(one, FITTED) for dim, one in runs.items()}
    records = {dim: one["step"].values for dim, one in runs.items()}
    found = {dim: growth.exponents(times[dim], float(records[dim][-1]), dim) for dim in runs}
    common = growth.where_all_fitted(times["width"], "width")
    found["common"] = growth.exponents(common, float(records["width"][-1]), "width")
    return times, records, found


def laws(runs: xr.Dataset) -> xr.Dataset:
    """Steps to fit, accuracies at the end, and sensitivities, by law."""
    train, test = (runs[f"{split}_accuracy"].reset_coords(drop=True) for split in ("train", "test"))
    last = {"train_accuracy": train.isel(step=-1, drop=True), "test_accuracy": test.isel(step=-1, drop=True)}
    found = numbers.sensitivity(runs).assign(last | {"fitted": numbers.time_of(train, FITTED)})
    return found.drop_attrs()


def chance(test_size: int) -> tuple[float, float]:
    """Central 95% of the accuracy of guesses among ten classes on so many test examples, by the normal approximation.

    Examples
    --------
    >>> [round(end, 3) for end in chance(900)]
    [0.08, 0.12]
    """
    half = 1.96 * float(np.sqrt(0.1 * 0.9 / test_size))
    return 0.1 - half, 0.1 + half


def level_claims(found: Mapping[str, xr.Dataset], records: np.ndarray, test_size: int) -> list[Claim]:
    """Zhang et al.: random labels are fitted, fitting slows down by a small factor, and test error rises."""
    return [claim for name in NETWORKS for claim in _of_network(NAMES[name], found[name], records, test_size, name)]


def _of_network(text: str, one: xr.Dataset, records: np.ndarray, test_size: int, name: str) -> list[Claim]:
    first, last = one.sel(label_noise=0.0, drop=True), one.sel(label_noise=1.0, drop=True)
    slower = numbers.slowdown(one["fitted"], records, "label_noise", 1.0, 0.0)
    rises = one["noisy_error"].sel(label_noise=list(_EVERY_OTHER)).diff("label_noise").min("label_noise")
    slowest = one["fitted"].idxmax("label_noise")
    main, rerun = name == "shallow", {"shallow": "1.26", "deep": "5.4"}[name]
    factor = f"a small constant factor: 1 to 3.5 in our notes of the paper; {rerun} in a re-run, minutes"
    longest = {"shallow": "0.5 in a re-run", "deep": "0.6 in a re-run"}[name]
    article = "0.89 (Inception; an article gives this number for random labels)"
    return [
        Claim(f"{text}: train accuracy, random labels", "99 to 100%", last["train_accuracy"], near(1.0, 0.01), main=main),
        Claim(f"{text}: test accuracy, random labels", "0.1, chance", 1 - last["clean_error"], between(*chance(test_size)),
              main=main),
        Claim(f"{text}: test accuracy, true labels", article, 1 - first["clean_error"]),
        Claim(f"{text}: steps to fit random labels over true ones, slower at all", "above 1", slower, above(1.0),
              of="geometric"),
        Claim(f"{text}: steps to fit random labels over true ones", factor, slower, between(1.0, 3.5), of="geometric",
              main=main),
        Claim(f"{text}: level of label noise that takes longest to fit", longest, slowest),
        Claim(f"{text}: least rise of the noisy test error over 0.2 of label noise", "above 0", rises, above(0.0)),
        Claim(f"{text}: noisy test accuracy less (1 - q) clean + q / 10", "0, an identity of means",
              one["identity"].mean("label_noise"), between(-0.005, 0.005), derived=True),
    ]  # fmt: skip


_EVERY_OTHER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def law_claims(found: xr.Dataset, records: np.ndarray, test_size: int) -> list[Claim]:
    """Zhang et al.: inputs of every law are fitted, and nothing is learnt from noise."""
    claims = [
        Claim(
            "least train accuracy of the five laws", "99 to 100%", found["train_accuracy"].min("task"), near(1.0, 0.01)
        )
    ]
    for name in (name for name in LAWS if name != "true labels"):
        slower = numbers.slowdown(found["fitted"], records, "task", name, "true labels")
        claims.append(Claim(f"{name}: steps to fit over those of true labels", _NOT_READ, slower, of="geometric"))
    gaussian = found["test_accuracy"].sel(task="Gaussian inputs", drop=True)
    guess = Claim("Gaussian inputs: test accuracy", "0.1, chance", gaussian, between(*chance(test_size)))
    random = Claim(
        "random pixels: test accuracy", _NOT_READ, found["test_accuracy"].sel(task="random pixels", drop=True)
    )
    return [*claims, guess, random]


def arpit_claims(mixed: xr.Dataset, records: np.ndarray, held: xr.DataArray, found: xr.Dataset) -> list[Claim]:
    """Arpit et al.: true labels come first, noise needs more units, and few examples of real data matter."""
    less = {name: held.sel(task="true labels", drop=True) - held.sel(task=name, drop=True) for name in _NOISE}
    gini = found["gini"]
    return [
        Claim("steps to learn the corrupted part over the clean one, levels 0.2 to 0.8", "above 1", _later(mixed, records),
              above(1.0), of="geometric", main=True),
        Claim("steps to learn the corrupted part over the step of the highest test accuracy, levels 0.2 to 0.8", "above 1",
              _after_peak(mixed, records), above(1.0), of="geometric"),
        Claim("accuracy on the corrupted part at the highest test accuracy, levels 0.2 to 0.8",
              "below 0.5: the highest comes first", mixed["at_peak"].mean("label_noise"), below(0.5), main=True),
        Claim("highest test accuracy less the last, levels 0.2 to 0.8", "above 0", mixed["lost"].mean("label_noise"),
              above(0.0)),
        *(Claim(f"train accuracy with true labels less {name}, mean over widths", "above 0", one.mean("width"), above(0.0))
          for name, one in less.items()),
        *(Claim(f"Gini coefficient of the loss sensitivity, true labels less {name}", "above 0",
                gini.sel(task="true labels", drop=True) - gini.sel(task=name, drop=True), above(0.0),
                main=name == "random labels") for name in _NOISE),
    ]  # fmt: skip


_NOISE = ("random labels", "Gaussian inputs")


def _later(mixed: xr.Dataset, records: np.ndarray) -> Within:
    """Geometric mean over levels of the quotient of two times, seed by seed."""
    found = ratio(*(within_records(mixed[name], records) for name in ("corrupted", "clean")))
    return Within(*(geometric_mean(part, "label_noise", skipna=False) for part in found))


def _after_peak(mixed: xr.Dataset, records: np.ndarray) -> Within:
    """Geometric mean over levels of the time of the corrupted part over that of the highest test accuracy, seed by seed."""
    found = ratio(within_records(mixed["corrupted"], records), beside_records(mixed["peak"], records))
    return Within(*(geometric_mean(part, "label_noise", skipna=False) for part in found))


def critical_claims(found: xr.DataArray) -> list[Claim]:
    """Arpit et al.: more inputs are critical with random labels, and more of them the longer they are trained on."""
    claims = []
    for radius in found["radius"].values.tolist():
        one = found.sel(radius=radius, drop=True)
        true, random = (one.sel(task=name, drop=True) for name in ("true labels", "random labels"))
        box = f"critical sample ratio, radius {radius:g}"
        more, rise = (random - true).isel(snapshot=-1), random.isel(snapshot=-1) - random.isel(snapshot=0)
        claims += [
            Claim(f"{box}: random labels less true ones at the end", "above 0", more, above(0.0)),
            Claim(f"{box}: rise in training on random labels", "above 0", rise, above(0.0)),
        ]
    return claims


def braked_claims(found: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Arpit et al.: dropout hinders the fit of noise most, at an equal accuracy on clean labels."""
    drop, decay = (found[name]["corrupted"] for name in ("dropouts", "decays"))
    none, most = drop.isel(dropout=0, drop=True), drop.isel(dropout=-1, drop=True)
    what = "accuracy on the corrupted part when the clean part is at 95%, label noise 0.4"
    lightest = none - decay.isel(l2=-1, drop=True)
    return [
        Claim(f"{what}: no dropout less the most dropout", "above 0", none - most, above(0.0)),
        Claim(f"{what}: no weight decay less the most weight decay", _NOT_READ, lightest),
        Claim(
            f"{what}: the most weight decay less the most dropout",
            "above 0",
            decay.isel(l2=-1, drop=True) - most,
            above(0.0),
        ),
    ]


_NOTE = (
    "A level q of label noise replaces a train label with the probability q by one of all ten classes. A clean test error is "
    "against true test labels, a noisy one against test labels with the same noise. A run stops at a train accuracy of 0.997. "
    "Published numbers are of CIFAR-10, and of other networks."
)
