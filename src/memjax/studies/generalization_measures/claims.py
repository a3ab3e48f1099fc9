"""What the study generalization-measures compares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.generalization_measures import figures, numbers, survival, tables
from memjax.studies.generalization_measures.part import Part, part_of, title
from memjax.studies.kit import Claim, Estimate, Findings, above, below, fitted

__all__ = [
    "analyse",
    "baseline_claims",
    "error_claims",
    "norm_claims",
    "null_claims",
    "sharpness_claims",
    "survival_claims",
]

_GIVEN = "not given"
_NORMS = ("spectral norms", "spectral norms / margin")
_BEST = ("1 / σ², by size", "gradient variance")


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all data sets."""
    names = [name.removesuffix("_networks") for name in datasets if name.endswith("_networks")]
    parts = {name: part_of(datasets[f"{name}_networks"], datasets[f"{name}_coefficients"]) for name in names}
    claims = [
        *survival_claims(parts),
        *(claim for name, part in parts.items() for claim in _of_data(title(name), part)),
    ]
    found = {f"{name}_scores": part.scores for name, part in parts.items()}
    return Findings(claims, tables.all_tables(parts), figures.all_figures(parts), _NOTE, found)


def _of_data(name: str, part: Part) -> list[Claim]:
    return [
        *norm_claims(name, part.scores),
        *sharpness_claims(name, part.scores),
        *error_claims(name, part.errors),
        *baseline_claims(name, part.scores),
        *null_claims(name, part.null, part.runs["gap"]),
    ]


def survival_claims(parts: Mapping[str, Part]) -> list[Claim]:
    """How many measures pass the rule, which ones, and how many would by chance."""
    alive = survival.survives([part.checks for part in parts.values()]).sel(measure=[*numbers.MEASURES])
    names = [str(name) for name in alive["measure"].values[alive.values]]
    count = float(len(names))
    chance = survival.by_chance([part.null for part in parts.values()])
    share = analysis.share_interval(chance, "draw") * len(numbers.MEASURES)
    return [
        Claim(f"measures of {len(numbers.MEASURES)} that survive on all data sets", _GIVEN, Estimate(count, count, count),
              remark=", ".join(names) or "none", main=True),
        Claim(f"random measures among {len(numbers.MEASURES)} that would survive", _GIVEN,
              fitted(share, "share", chance.sizes["draw"])),
    ]  # fmt: skip


def norm_claims(name: str, scores: xr.Dataset) -> list[Claim]:
    """Whether measures that multiply spectral norms fall where the gap rises."""
    return [
        Claim(f"{name}: Kendall's tau of {measure}", "negative", _of(scores["tau"], measure), below(0.0), main=not i)
        for i, measure in enumerate(_NORMS)
    ]


def _of(values: xr.DataArray, measure: str) -> xr.DataArray:
    return values.sel(measure=measure, drop=True)


def sharpness_claims(name: str, scores: xr.Dataset) -> list[Claim]:
    """Whether the measures that are called the best score above the upper quartile of all others, and what they score."""
    found = []
    for measure in _BEST:
        tau = scores["tau"].sel(measure=[*numbers.MEASURES])
        others = tau.drop_sel(measure=measure).quantile(0.75, "measure").drop_vars("quantile")
        what = f"{name}: Kendall's tau of {measure}"
        found += [
            Claim(what, "positive", _of(tau, measure), above(0.0)),
            Claim(f"{what}, less the upper quartile of the other measures", "among the best",
                  _of(tau, measure) - others, above(0.0), main=measure == _BEST[0]),
        ]  # fmt: skip
    return found


def error_claims(name: str, errors: xr.Dataset) -> list[Claim]:
    """The least of the worst sign errors, beside the error of a coin, and what the gap itself has on other test rows."""
    worst = errors["worst"].sel(measure=[*numbers.MEASURES])
    best, ties = str(worst.idxmin("measure").item()), int((worst == worst.min()).sum())
    least, again = (
        fitted(errors.sel(measure=one), "worst", errors.attrs["seeds"]) for one in (best, numbers.OTHER_ROWS)
    )
    remark = best if ties == 1 else f"{ties} measures"
    what = f"{name}: least worst sign error of any measure"
    return [
        # Even the gap on other test rows has an error near that of a coin, so that no rule could fail.
        Claim(what, "no measure is robust", least, remark=remark),
        Claim(f"{name}: worst sign error of the {numbers.OTHER_ROWS}", _GIVEN, again),
    ]


def baseline_claims(name: str, scores: xr.Dataset) -> list[Claim]:
    """What the gap itself scores where it is measured again, and where the seed is another."""
    return [
        Claim(f"{name}: {text} of the {measure}", _GIVEN, _of(scores[score], measure))
        for measure in numbers.BASELINES
        for score, text in (("tau", "Kendall's tau"), ("information", "information"))
    ]


def null_claims(name: str, null: xr.Dataset, gap: xr.DataArray) -> list[Claim]:
    """The spread of Kendall's coefficient over random measures, whose law is known, and their information."""
    runs = gap.notnull().sum(numbers.hyperparameters(gap)).mean().item()
    exact = float(np.sqrt(2 * (2 * runs + 5) / (9 * runs * (runs - 1))))
    spread = null["tau"].std("draw", ddof=1)
    return [
        Claim(f"{name}: standard deviation of Kendall's tau of random numbers", round(exact, 4), spread, derived=True),
        Claim(f"{name}: information of random numbers, mean", _GIVEN, null["information"].mean("draw")),
    ]


_NOTE = (
    "The values of the publications could not be read, so their statements stand here in words. A measure that is called a "
    "good one has larger values where the gap is larger. Intervals of sign errors are percentiles of 200 draws of seeds with "
    "replacement."
)
