"""Tables of the study double-descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from memjax.studies.double_descent import numbers
from memjax.studies.double_descent.random_features import KINDS, RIDGES
from memjax.studies.kit import Table, estimate, grid

__all__ = ["diabetes", "features", "reuse", "samples", "widths"]


def features(found: xr.Dataset) -> Table:
    """Errors and effective parameters by kind and number of features."""
    chosen = found.sel(ratio=[0.1, 0.5, 0.9, 1.0, 1.1, 2.0, 10.0])
    free = chosen.sel(ridge=0.0, drop=True)
    free["held_error"] = chosen["test_error"].sel(ridge=0.1, drop=True)
    columns: Mapping[str, Any] = {
        "test loss (geometric)": lambda part: estimate(part["test_loss"], "geometric"),
        "test error": "test_error",
        "test error, ridge 0.1": "held_error",
        "parameters on test inputs / n (geometric)": lambda part: estimate(part["test_used"], "geometric"),
        "parameters on train inputs / n": "train_used",
    }
    return grid(free, {"features": "features", "ratio": "N / n"}, columns, title="Random features", note=_FEATURES)


_FEATURES = (
    f"Least squares of one-hot labels on {' and '.join(KINDS)} features, without a ridge unless one is given "
    f"(ridges that were fitted: {', '.join(f'{ridge:g}' for ridge in RIDGES)}). Parameters: effective ones of Curth et al."
)


def widths(width: xr.Dataset, decay: xr.Dataset) -> Table:
    """Errors at the end by width, with and without noise, at the best record and with weight decay."""
    clean, noisy = (width.isel(label_noise=i, drop=True) for i in (0, -1))
    held = decay["last_test"].isel(weight_decay=-1, drop=True)
    joined = xr.Dataset(
        {
            "clean": clean["last_test"],
            "train": noisy["last_train"],
            "noisy": noisy["last_test"],
            "best": noisy["best_test"],
            "held": held,
        }
    )
    columns: Mapping[str, Any] = {
        "true labels: test error": "clean",
        "20% wrong: train error": "train",
        "test error": "noisy",
        "at the best record": "best",
        f"weight decay {float(decay['weight_decay'][-1]):g}": "held",
    }
    return grid(joined, {"width": "width"}, columns, title="Networks by width", note=_WIDTHS)


_WIDTHS = (
    "Errors are those at the end of training. Train errors are of the labels that were trained on, and test labels are "
    "true."
)


def reuse(chain: xr.Dataset) -> Table:
    """Errors at the end of fresh networks and of those that start from narrower ones."""
    clean, noisy = (chain.isel(label_noise=i, drop=True) for i in (0, -1))
    joined = noisy.assign(clean=clean["test"], fresh_clean=clean["fresh_test"])
    columns: Mapping[str, Any] = {
        "true labels: fresh": "fresh_clean",
        "true labels: reused": "clean",
        "20% wrong: fresh": "fresh_test",
        "20% wrong: reused": "test",
        "20% wrong, train: fresh": "fresh_train",
        "20% wrong, train: reused": "train",
    }
    return grid(joined, {"width": "width"}, columns, title="Networks with reused weights", note=_REUSE)


_REUSE = (
    "Numbers are test errors at the end of training, and train errors in the last two columns. Where weights are reused, "
    "a network starts with the last parameters of the network of the width in the row above, and its further units start "
    "with a draw of their own."
)


def samples(found: xr.Dataset) -> Table:
    """Hump in examples and effective model complexity by width, with noisy labels."""
    found = found.isel(label_noise=-1, drop=True)
    tall = numbers.hump(found["last_test"], "train_size")
    joined = xr.Dataset({**tall, "complexity": numbers.complexity(found["last_train"])})
    columns: Mapping[str, Any] = {
        "height of the hump": "height",
        "train size of the peak": "place",
        "effective model complexity": "complexity",
    }
    return grid(joined, {"width": "width"}, columns, title="Networks by examples, 20% wrong labels", note=_SAMPLES)


_SAMPLES = (
    "The effective model complexity is the largest train size of the sweep at which the train error is at most 0.1."
)


def diabetes(found: xr.Dataset) -> Table:
    """Test loss and the three factors by train size."""
    chosen = found.sel(train_size=[size for size in (2, 5, 8, 10, 12, 15, 20, 39) if size in found["train_size"]])
    losses: dict[str, Any] = {
        f"test loss without {ablation}" if ablation != "none" else "test loss": (
            lambda part, ablation=ablation: estimate(part["loss"].sel(ablation=ablation), "geometric")
        )
        for ablation in found["ablation"].values.tolist()
    }
    columns = {
        **losses,
        "smallest singular value": "smallest",
        "test inputs along it": "along",
        "residuals along it": "residual",
    }
    return grid(chosen, {"train_size": "rows"}, columns, title="The three factors", note=_DIABETES)


_DIABETES = (
    "Numbers are medians over 50 random train sets of a seed. Losses are of targets of variance 1, as geometric means "
    "over seeds."
)
