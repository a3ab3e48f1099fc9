"""What the study toy-double-descent compares and shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import itemgetter

import xarray as xr

from memjax import analysis
from memjax.studies.kit import Claim, Columns, Findings, Table, above, below, estimate, grid, listed, near, text
from memjax.studies.toy_double_descent import figures, numbers
from memjax.studies.toy_double_descent.numbers import PENTAGON, SIGNS, Crossover, Pair, pair_of, random_spread

__all__ = ["MEASURED", "analyse", "claims", "tables"]

MEASURED = "_geometry"
"""What follows the name of a sweep in the name of the dataset that is measured on its networks."""

_LARGEST_POLYGON = 15
_CROSSOVER = 10.0
_ASKED = "asked: below the {:.2f} of random directions"


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures from the best runs of all sweeps."""
    found = {name: part.rename(data_seed="seed") for name, part in datasets.items() if name.endswith(MEASURED)}
    main, raw = found[f"sizes{MEASURED}"], found.pop(f"unnormalized{MEASURED}")
    pairs = {pair_of(runs): runs for runs in found.values()}
    crossed = {pair: numbers.crossover(runs, pair) for pair, runs in pairs.items()}
    return Findings(
        claims=claims(main, raw, crossed[pair_of(main)]),
        tables=tables(main, raw, crossed),
        figures=figures.all_figures(main, raw, numbers.loads_of(pairs)),
        note=_NOTE,
    )


def claims(main: xr.Dataset, raw: xr.Dataset, crossed: Crossover) -> list[Claim]:
    """Published claims beside ours, from best runs with inputs of unit norm and as drawn, and from crossings of the first."""
    return [*_of_few_points(_few(main), _few(raw)), *_between(main, crossed), *_of_many_points(main)]


def _few(runs: xr.Dataset) -> xr.Dataset:
    return runs.sel(train_size=slice(_LARGEST_POLYGON))


def _of_few_points(small: xr.Dataset, raw: xr.Dataset) -> list[Claim]:
    few = small["train_size"].values
    even, norms, angles = (small[name].mean("train_size") for name in ("even", "spread_norm", "spread_angle"))
    drawn, random = raw["spread_norm"].mean("train_size"), float(random_spread(few).mean())
    name, regular = f"T = {few[0]} to {few[-1]} points", "0: a regular polygon"
    ratio = f"{name}: spread of norms with inputs as drawn, over that with inputs of unit norm"
    asked, own = _ASKED.format(random), f"as drawn {text(estimate(drawn))}"
    return [
        Claim(f"{name}: median D_X over m / T", 1.0, even, main=True),
        Claim(f"{name}: spread of the norms of hidden vectors", regular, norms),
        Claim(f"{name}: spread of the angles between hidden vectors", regular, angles, below(random), remark=asked),
        Claim(ratio, "above 1: no polygon", drawn / norms, above(1.0), "geometric", remark=own),
    ]


def _between(main: xr.Dataset, crossed: Crossover) -> list[Claim]:
    bump, at = "test loss at its bump", "T (1 - S) at the"
    difference = numbers.of_peak(analysis.peak(main["test_loss"]), "prominence", main.sizes["seed"])
    ratio, higher, means = crossed["bump_ratio"], "that at the higher end", "geometric means"
    norm = main["weight_l2"].max("train_size") / main["weight_l2"].isel(train_size=-1)
    return [
        Claim(bump, "a bump", crossed["bump_test_loss"], remark="geometric mean"),
        Claim(f"{bump} over {higher}", "above 1", ratio, above(1.0), remark=means, main=True),
        Claim(f"{bump} less {higher}", "above 0", difference, above(0.0)),
        Claim(f"{at} bump of the test loss", _CROSSOVER, crossed["bump"]),
        *(Claim(f"{at} crossover, read from: {sign}", _CROSSOVER, crossed[name]) for name, sign in SIGNS.items()),
        Claim("largest norm over that at the largest T", "not given", norm),
    ]


def _of_many_points(main: xr.Dataset) -> list[Claim]:
    last, random = main.isel(train_size=-1), float(random_spread(PENTAGON))
    name, share, spread = f"T = {int(last['train_size'])} points", 2.0 / PENTAGON, last["spread_large"]
    little, asked = replace(near(share), high=share), _ASKED.format(random)
    held = f"{name}: spread of the angles between the features held"
    return [
        Claim(f"{name}: number of features held", float(PENTAGON), last["num_large"], main=True),
        Claim(f"{name}: mean D_f of the features held", f"a little under {share:g}", last["d_large"], little),
        Claim(held, "0: a regular pentagon", spread, below(random), remark=asked),
    ]


def tables(main: xr.Dataset, raw: xr.Dataset, crossed: Mapping[Pair, Crossover]) -> dict[str, Table]:
    """Geometry by number of points, regularity of the polygons, and crossovers by n and S."""
    pair, few, drawn = pair_of(main), _few(main), _few(raw)
    both = few.assign({f"raw_{name}": drawn[name] for name in ("spread_norm", "spread_angle")})
    sizes: Columns = {
        "T (1 - S)": lambda part: numbers.load(float(part["train_size"]), pair),
        "train loss": "train_loss",
        "test loss": "test_loss",
        "norm": "weight_l2",
        "median D_X": "median_d_x",
        "D_X T / m": "even",
        "largest D_f": "largest_d_f",
        "share of five in D_f": "five",
        "spread of inits": lambda part: float(part["inits_spread"].mean()),
    }
    polygons: Columns = {
        "train loss": "train_loss",
        "D_X T / m": "even",
        "spread of norms": "spread_norm",
        "norms, inputs as drawn": "raw_spread_norm",
        "spread of angles": "spread_angle",
        "angles, inputs as drawn": "raw_spread_angle",
        "random angles": lambda part: float(random_spread(part["train_size"])),
    }
    rows, title = {"train_size": "T"}, "Polygons of few points, and without normalised inputs"
    return {
        "sizes": grid(main, rows, sizes, title="By number of points T", note=_SIZES_NOTE),
        "polygons": grid(both, rows, polygons, title=title, note=_POLYGONS_NOTE),
        "crossover": _crossovers(crossed),
    }


def _crossovers(crossed: Mapping[Pair, Crossover]) -> Table:
    found, names = list(crossed.values()), {"bump": "bump", "bump_test_loss": "test loss there", **SIGNS}
    pairs = {
        "n": [f"{n}" for n, _ in crossed],
        "S": [f"{sparsity:g}" for _, sparsity in crossed],
        "features per point": [f"{n * (1.0 - sparsity):g}" for n, sparsity in crossed],
    }
    columns = {head: itemgetter(name) for name, head in names.items()}
    table = listed(pairs, found, columns, title="Where points give way to features", note=_CROSSOVER_NOTE)
    factors = ("" if name == "bump_test_loss" else _factor(found, name) for name in names)
    return replace(table, rows=(*table.rows, ("largest / smallest", "", "", *factors)))


def _factor(crossed: Iterable[Crossover], name: str) -> str:
    """Largest over smallest, where every data set has a value."""
    found = [one[name] for one in crossed]
    values = [one.value for one in found]
    return "not known" if any(one.never or one.unknown for one in found) else f"{max(values) / min(values):.2f}"


_NOTE = (
    "Seeds are data sets; of each data set the initialisation with the least final train loss is taken, chosen without a look "
    "at anything else. A spread is a standard deviation over its mean. Features held have a vector at least half as long as "
    "the longest. A crossing lies between sizes, linear in the logarithm: geometric means. The bump is the size with the "
    "largest mean of several noisy ones, so its test loss is a little high. D_X sums to m for all points without a preferred "
    "direction, so a mean of m / T is no sign of a polygon: the median and the spreads are. The published crossover comes "
    "without a rule for reading it: here are four."
)
_SIZES_NOTE = (
    "D_X T / m is of the median point; the share is that of the five largest D_f in the sum of all. The last column is the "
    "standard deviation of the final train loss over initialisations, mean of data sets. A constant zero has a test loss of 1, "
    "for inputs have unit norm, but for the few without any feature."
)
_POLYGONS_NOTE = (
    "A regular T-gon has D_X T / m = 1 and spreads of 0; T random directions have a spread of angles of about sqrt((T - 1) / "
    "(T + 1)). Where the train loss is zero nothing asks for more regularity, so the smallest T are not the most regular."
)
_CROSSOVER_NOTE = (
    "All but the test loss are values of T (1 - S), in how many points a feature appears on average; about 10 is published. "
    "If that decides, a column does not depend on n and S. The bump is read on the sizes of the sweep, a factor of 1.4 to 2 "
    "apart. Pairs other than the first have fewer data sets and initialisations."
)
