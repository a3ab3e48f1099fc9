"""What the study l2-memorization compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.kit import Claim, Columns, Estimate, Findings, Table, above, fitted, grid
from memjax.studies.l2_memorization import figures, numbers
from memjax.studies.l2_memorization.numbers import Laws

__all__ = ["PUBLISHED_LAW", "analyse", "claims", "tables"]

PUBLISHED_LAW = {"amplitude": 6.500, "exponent": 0.270, "offset": -9.636}
"""A, B and C of the published law A N^B + C."""

# R^2 is published as 1.000.
_ROUNDS_TO_ONE = 0.9995
# Mean gaps over 4 seeds of an independent program with the post's settings, by train size: the post gives no table.
_REFERENCE = {50: 9.15, 100: 12.87, 200: 17.56, 400: 23.16, 800: 30.05, 1600: 38.12, 3200: 40.47, 6400: 32.33,
              12_800: 26.56, 25_600: 22.49}  # fmt: skip


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of the one sweep."""
    runs = datasets["sweep"]
    gap = analysis.gap(runs["weight_l2"])
    laws, said = numbers.laws(gap), analysis.describe(gap).evidence
    shape, law = said["shape"].item(), said["law"].item() or "none"
    return Findings(
        claims=claims(numbers.peak(gap), laws, gap["train_size"].values.tolist()),
        tables=tables(gap, laws.ridge),
        figures=figures.all_figures(runs, gap, laws, PUBLISHED_LAW),
        note=f"The shape of the curve is judged: {shape}. Of ten laws for the rising branch AICc over seeds chooses: {law}. "
        f"{_NOTE}",
    )


def claims(peak: xr.Dataset, laws: Laws, sizes: list[int]) -> list[Claim]:
    """Published numbers beside ours: the peak of the gap, and the law of its rising branch."""
    noise = float(peak["noise"])
    return [
        Claim("train size of the largest gap", 3200, peak["location"], main=True),
        Claim("gap at the maximum", 40, peak["height"], remark='published as "near 40"'),
        Claim("gap at the maximum less the gap at the largest size", "inverted U", peak["over_last"], above(0.0), main=True),
        Claim(
            f"height of the maximum above the mean of the ends ({sizes[0]} and {sizes[-1]})",
            "25.763, above a baseline that is not stated",
            peak["over_ends"],
        ),
        Claim(
            "height of the maximum above the mean of the ends, over the noise of one run",
            "13.5 of a sigma that is not defined (25.763 / 13.5 = 1.91)",
            peak["over_ends"] / noise,
            remark=f"the noise of one run is {noise:.2f}",
        ),
        *_of_laws(laws),
    ]  # fmt: skip


def _of_laws(laws: Laws) -> list[Claim]:
    runs, exponent, alone = laws.rising.sizes["seed"], PUBLISHED_LAW["exponent"], "fitted to each seed alone"
    r_squared, of_mean = laws.alone["r_squared"], f"{float(laws.offset['r_squared']):.5f} of the mean over seeds"
    return [
        *(
            Claim(f"{name} of A N^B + C", published, fitted(laws.offset, name, runs), main=name == "exponent")
            for name, published in PUBLISHED_LAW.items()
        ),
        Claim("exponent of A N^B + C by its profile likelihood", exponent, _allowed(laws)),
        Claim(f"exponent of A N^B + C, {alone}", exponent, laws.alone["exponent"]),
        Claim(f"R^2 of A N^B + C, {alone}", 1.0, r_squared, above(_ROUNDS_TO_ONE), remark=of_mean),
        Claim("exponent of A N^B", "not given", fitted(laws.plain, "exponent", runs)),
        Claim("R^2 of A N^B", "not given", Estimate(float(laws.plain["r_squared"]), count=runs)),
    ]


def _allowed(laws: Laws) -> Estimate:
    """The exponent between the least and the largest one that the noise of the runs allows on the ridge."""
    inside = laws.ridge["exponent"].values[laws.ridge["inside"].values]
    low, high = (float(inside.min()), float(inside.max())) if inside.size else (np.nan, np.nan)
    best = float(laws.offset["exponent"])
    return Estimate(best, low, high, count=laws.rising.sizes["seed"] if np.isfinite(best) else 0)


def tables(gap: xr.DataArray, ridge: xr.Dataset) -> dict[str, Table]:
    """Gap by train size beside a second program's, and the exponents that an R^2 of 1.000 allows."""
    sizes = gap["train_size"].values.tolist()
    reference = xr.DataArray([_REFERENCE[size] for size in sizes], {"train_size": sizes}, "train_size")
    found = xr.Dataset({"gap": gap, "reference": reference, "difference": 100.0 * (gap / reference - 1.0)})
    perfect = ridge.isel(exponent=ridge["r_squared"].values >= _ROUNDS_TO_ONE)
    return {
        "gaps": grid(found, {"train_size": "train size"}, _OF_GAPS, title=_GAPS, note=_GAPS_NOTE, units={"difference": "%"}),
        "ridge": grid(perfect, {"exponent": "exponent B"}, _OF_RIDGE, title=_RIDGE, note=_RIDGE_NOTE),
    }  # fmt: skip


_OF_GAPS: Columns = {"reference": lambda one: float(one["reference"]), "gap": "gap", "difference": "difference"}
_OF_RIDGE: Columns = {
    "amplitude A": lambda one: float(one["amplitude"]),
    "offset C": lambda one: float(one["offset"]),
    "1 - R^2": lambda one: 1.0 - float(one["r_squared"]),
    "inside the profile interval": lambda one: "yes" if bool(one["inside"]) else "no",
}
_GAPS = "Gap of the L2 norm by train size"
_RIDGE = "Exponents whose R^2 is 1.000 to three digits, with the best amplitude and offset of each"
_NOTE = (
    "The gap is the L2 norm of all parameters after the last step less the norm before the first. Power laws are fitted "
    "on 50 to 1600 examples, to the mean gap over seeds unless said otherwise. Liu's post shows one run per size. Its "
    'sigma is not defined, so "13.5 sigma" cannot be checked: it stands beside the noise of our runs, from which the '
    "level of each seed is taken out."
)
_GAPS_NOTE = "The reference is the mean over 4 seeds of an independent program with the settings of Liu's post."
_RIDGE_NOTE = (
    "Six points and three parameters leave three degrees of freedom: an R^2 near 1 says that the curve is smooth, not that "
    "this law is true. Amplitude, exponent and offset trade off against each other. Published: 0.270 with 6.500 and -9.636."
)
