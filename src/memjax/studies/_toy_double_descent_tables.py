"""Tables of the study toy-double-descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies._text import mean_shown
from memjax.studies._toy_double_descent_crossover import PUBLISHED, SIGNS, Pair
from memjax.studies._toy_double_descent_geometry import PENTAGON, random_spread
from memjax.studies.study import Table

__all__ = ["claims", "crossover", "polygons", "sizes"]

_POLYGON_SIZES = (3, 15)


def _log_shown(logs: xr.DataArray) -> str:
    """Geometric mean over data sets with its interval, of base-2 logarithms ``(seed,)``."""
    # One data set without a crossing leaves none: the others are no fair sample.
    if bool(logs.isnull().any()):
        return f"not inside the sizes for {int(logs.isnull().sum())} of {logs.size} data sets"
    summary = analysis.mean_interval(logs)
    return analysis.format_interval(2.0 ** float(summary["mean"]), 2.0 ** summary["mean_interval"].values)


def _interval_shown(one: xr.Dataset, name: str) -> str:
    return analysis.format_interval(float(one[name]), one[f"{name}_interval"].values)


def _small(runs: xr.Dataset) -> xr.Dataset:
    return runs.sel(train_size=slice(*_POLYGON_SIZES))


def claims(main: xr.Dataset, raw: xr.Dataset, crossed: xr.Dataset) -> Table:
    """Published claims beside ours, for the pair of n and S of the main sweep."""
    rows = [
        *_of_few_points(_small(main), _small(raw)),
        (
            "between: test loss at the bump",
            "a bump",
            _interval_shown(crossed, "bump_test_loss"),
            f"T (1 - S) = {_interval_shown(crossed, 'bump')}",
        ),
        ("between: bump over the higher end", "above 1", _interval_shown(crossed, "bump_ratio"), "geometric means"),
        ("between: bump less the higher end", "above 0", _plain_bump(main["test_loss"]), "arithmetic means"),
        *(
            (f"crossover T (1 - S): {sign}", f"about {PUBLISHED:g}", _log_shown(crossed[name]), "")
            for name, sign in SIGNS.items()
        ),
        *_of_many_points(main.isel(train_size=-1)),
    ]
    norm = main["weight_l2"]
    ratio = norm.max("train_size") / norm.isel(train_size=-1)
    rows.append(("largest norm over that at the largest T", "not given", mean_shown(ratio), ""))
    return Table("What is published, and here", ("claim", "published", "ours", "note"), tuple(rows), _CLAIMS_NOTE)


def _plain_bump(test_loss: xr.DataArray) -> str:
    """Height of the bump above the higher end, where the mean is not that of the logarithm."""
    top = analysis.peak(test_loss)
    return analysis.format_interval(float(top["prominence"]), top["prominence_interval"].values)


def _of_few_points(small: xr.Dataset, raw: xr.Dataset) -> list[tuple[str, ...]]:
    few = small["train_size"].values
    means = {name: mean_shown(small[name].mean("train_size")) for name in ("even", "spread_norm", "spread_angle")}
    drawn = mean_shown(raw["spread_norm"].mean("train_size"))
    return [
        ("few points: D_X T / m", "1", means["even"], f"median of points, T = {few[0]} to {few[-1]}"),
        ("few points: spread of norms", "0 (regular polygon)", means["spread_norm"], ""),
        (
            "few points: spread of angles",
            "0 (regular polygon)",
            means["spread_angle"],
            f"random directions: {random_spread(few).mean():.2f}",
        ),
        ("inputs not normalised: spread of norms", "no polygon", drawn, "the same data sets and initialisations"),
    ]


def _of_many_points(last: xr.Dataset) -> list[tuple[str, ...]]:
    return [
        ("many points: features held", f"{PENTAGON}", mean_shown(last["num_large"]), f"T = {int(last['train_size'])}"),
        ("many points: their D_f", "a little under 2/5", mean_shown(last["d_large"]), ""),
        (
            "many points: spread of their angles",
            "0 (pentagon)",
            mean_shown(last["spread_large"]),
            f"random directions: {random_spread(PENTAGON):.2f}",
        ),
    ]


_CLAIMS_NOTE = (
    "Means with 95% Student-t intervals over data sets; of each data set the initialisation with the least final train loss, "
    "chosen without a look at anything else. A spread is a standard deviation over its mean. Features held are those with a "
    "vector at least half as long as the longest. Crossings and the test loss at the bump are geometric means; a crossing lies "
    "between sizes, linear in the logarithm, and the bump is the size with the largest mean: that of several noisy ones, "
    "so a little high. D_X sums to m for all points without a preferred direction, so a mean of m / T is no sign of a polygon: "
    "its median and the spreads are. The published crossover comes without a rule for reading it: here are four."
)


def sizes(main: xr.Dataset, sparsity: float) -> Table:
    """Losses, norm and geometry by train size."""
    columns = {
        "train loss": main["train_loss"],
        "test loss": main["test_loss"],
        "norm": main["weight_l2"],
        "median D_X": main["d_x"].median("example"),
        "D_X T / m": main["even"],
        "largest D_f": main["d_f"].max("feature"),
        "share of five in D_f": main["five"],
    }
    rows = []
    for size in main["train_size"].values.tolist():
        cells = [mean_shown(values.sel(train_size=size)) for values in columns.values()]
        inits = float(main["inits_spread"].sel(train_size=size).mean())
        rows.append((f"{size}", f"{size * (1.0 - sparsity):.3g}", *cells, f"{inits:.2g}"))
    head = ("T", "T (1 - S)", *columns, "spread of inits")
    return Table("By number of points T", head, tuple(rows), _SIZES_NOTE)


_SIZES_NOTE = (
    "D_X T / m is of the median point; the share is that of the five largest D_f in the sum of all. The last column is the "
    "standard deviation of the final train loss over initialisations, mean of data sets: what choosing the best of them is "
    "for. A constant zero has a test loss of 1, for inputs have unit norm, but for the few without any feature."
)


def polygons(main: xr.Dataset, raw: xr.Dataset) -> Table:
    """How regular the polygons of few points are, with and without normalised inputs."""
    rows = []
    for size in _small(main)["train_size"].values.tolist():
        one, other = main.sel(train_size=size), raw.sel(train_size=size)
        cells = [mean_shown(part[f"spread_{what}"]) for what in ("norm", "angle") for part in (one, other)]
        rows.append(
            (f"{size}", mean_shown(one["train_loss"]), mean_shown(one["even"]), *cells, f"{random_spread(size):.2f}")
        )
    spreads = ("spread of norms", "not normalised", "spread of angles", "not normalised", "random angles")
    head = ("T", "train loss", "D_X T / m", *spreads)
    return Table("Polygons of few points, and without normalised inputs", head, tuple(rows), _POLYGONS_NOTE)


_POLYGONS_NOTE = (
    "A regular T-gon has D_X T / m = 1 and spreads of 0; T random directions have a spread of angles of about sqrt((T - 1) / "
    "(T + 1)). Where the train loss is zero nothing asks for more regularity, so the smallest T are not the most regular."
)


def crossover(crossed: Mapping[Pair, xr.Dataset]) -> Table:
    """Bump and crossings in units of T (1 - S), by number of features and sparsity."""
    rows = []
    for (n, sparsity), one in crossed.items():
        signs = [_log_shown(one[name]) for name in SIGNS]
        bump = [_interval_shown(one, name) for name in ("bump", "bump_test_loss")]
        rows.append((f"{n}", f"{sparsity:g}", f"{n * (1.0 - sparsity):g}", f"about {PUBLISHED:g}", *bump, *signs))
    spread = [_spread(np.log2(float(one["bump"])) for one in crossed.values()), ""]
    spread += [_spread(float(one[name].mean(skipna=False)) for one in crossed.values()) for name in SIGNS]
    rows.append(("largest / smallest", "", "", "", *spread))
    head = ("n", "S", "features per point", "published", "bump", "test loss there", *SIGNS.values())
    return Table("Where points give way to features", head, tuple(rows), _CROSSOVER_NOTE)


def _spread(logs: Iterable[float]) -> str:
    """Largest over smallest of numbers given as base-2 logarithms."""
    values = list(logs)
    return f"{2.0 ** (max(values) - min(values)):.2f}" if np.isfinite(values).all() else "not known"


_CROSSOVER_NOTE = (
    "All but the test loss are values of T (1 - S): in how many points a feature appears on average. If that decides, a "
    "column does not depend on n and S; its largest over its smallest value is in the last row. The bump is read on the sizes "
    "of the sweep, a factor of 1.4 to 2 apart. Pairs other than the first have fewer data sets and initialisations."
)
