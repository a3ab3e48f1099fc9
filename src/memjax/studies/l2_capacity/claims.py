"""What the study l2-capacity compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.kit import Claim, Columns, Findings, Table, fitted, geometric, geometric_mean, grid, near
from memjax.studies.l2_capacity import figures, numbers

__all__ = ["analyse", "claims", "tables"]

_AGAINST: dict[str, tuple[str, float | str]] = {
    "predicted": ("predicted size 2 P / log2 C", 1.0),
    "measured": ("measured capacity", "1, if the capacity is what the networks have stored by then"),
}


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all networks."""
    runs = numbers.configurations(datasets)
    found = numbers.peaks(runs)
    at = numbers.at_budgets(runs, found)
    exponents = numbers.exponents(at)
    return Findings(
        claims=claims(at, exponents),
        tables=tables(at, exponents),
        figures=figures.all_figures(runs, found, at),
        note=f"{at.sizes['configuration']} networks. {_NOTE}",
    )


def claims(at: xr.Dataset, exponents: xr.Dataset) -> list[Claim]:
    """The hypothesis beside what was found over all networks, at the largest budget."""
    last, steps, seeds = at.isel(step=-1), at["step"].values.tolist(), at.sizes["seed"]
    after, all_networks = f"after {steps[-1]} steps", "configuration"
    stored, moves = geometric_mean(last["stored"], all_networks), geometric_mean(at["moved"], all_networks)
    what, remark = f"most bits stored per parameter, {after}", f"{_spread(last['stored'])}; 2 is assumed in the post"
    made = [Claim(what, numbers.BITS, stored, of="geometric", remark=remark)]
    for against, (size, said) in _AGAINST.items():
        exponent, ratio = exponents.isel(step=-1).sel(against=against), last[f"over_{against}"]
        ours, remark = geometric_mean(ratio, all_networks), f"{_spread(ratio)}; {_held(ratio)}"
        peak, grows = f"train size at the peak over the {size}, {after}", f"exponent of the peak in the {size}, {after}"
        made += [
            Claim(peak, said, ours, near(1.0), of="geometric", remark=remark, main=True),
            Claim(grows, said, fitted(exponent, "networks", seeds), near(1.0)),
            Claim(f"{grows}, with an interval over seeds alone", "not given", fitted(exponent, "seeds", seeds)),
        ]
    what = f"factor by which the peak moves from {steps[0]} to {steps[-1]} steps"
    said = "1, for 2 P / log2 C does not depend on the steps"
    return [*made, Claim(what, said, moves, near(1.0), of="geometric", main=True)]


def _spread(values: xr.DataArray) -> str:
    means = geometric_mean(values, "seed").dropna("configuration")
    if not means.size:
        return "no network has a peak inside the sizes"
    return f"{float(means.min()):.2f} to {float(means.max()):.2f} over the networks"


def _held(ratio: xr.DataArray) -> str:
    """In how many networks the interval of the ratio holds 1, exactly and with half a step of the grid granted."""
    summary = analysis.mean_interval(xr.apply_ufunc(np.log, ratio)).dropna("configuration")
    low, high = summary["mean_interval"].transpose("bound", ...).values
    # Sizes grow by the square root of 2.
    exact, coarse = (int(((low <= slack) & (high >= -slack)).sum()) for slack in (0.0, np.log(2.0) / 4.0))
    return f"1 is in the interval of {exact} of {low.size} networks, of {coarse} if half a step of the grid is granted"


def tables(at: xr.Dataset, exponents: xr.Dataset) -> dict[str, Table]:
    """Every network at the largest budget and at all of them, and all networks together at every budget."""
    first, last = at["step"].values[[0, -1]].tolist()
    own, late, seeds = at[list(_OF_BUDGET)].reset_coords(drop=True), "bits in the last tenth", at.sizes["seed"]
    together = own.map(geometric_mean, dim="configuration").expand_dims(configuration=["all networks"])
    return {
        "peaks": grid(
            at.isel(step=-1).assign(late=100.0 * at["late_change"].isel(step=-1)),
            {"configuration": "network"},
            {**_OF_NETWORK, f"moved from {first} to {last}": geometric("moved"), late: "late"},
            title=f"Where the gap peaks after {last} steps",
            note=_PEAKS_NOTE,
            units={late: "%"},
        ),
        "budgets": grid(
            xr.concat([own, together], "configuration"),
            {"configuration": "network", "step": "steps"},
            {head: geometric(name) for name, head in _OF_BUDGET.items()},
            title="Bits and peaks at smaller budgets, from the records of the same runs",
            note=_BUDGETS_NOTE,
        ),
        "exponents": grid(
            exponents,
            {"against": "exponent of the peak in the capacity", "step": "steps"},
            {
                "over networks": lambda one: fitted(one, "networks", seeds),
                "over seeds alone": lambda one: fitted(one, "seeds", seeds),
            },
            title="Does the peak grow in proportion to the capacity?",
            note="1 is growth in proportion. Both columns have the same slope, with different intervals.",
        ),
    }


_OF_BUDGET = {"stored": "bits per parameter", "over_predicted": "peak / prediction", "over_measured": "peak / measured"}
_OF_NETWORK: Columns = {
    "parameters": lambda one: int(one["parameters"]),
    "2 P / log2 C": lambda one: float(one["predicted"]),
    "peak on the grid": lambda one: fitted(one, "grid", one.sizes["seed"]),
    "peak": geometric("peak"),
    "measured capacity": geometric("measured"),
    "may be larger": lambda one: "yes" if bool(one["rising"]) else "no",
    "bits per parameter": geometric("stored"),
}
_NOTE = (
    "Numbers over all networks are geometric means. Exponents are slopes of log peak on log size over the networks. Their "
    "first interval takes the scatter of the networks about the line as noise, which is what the hypothesis is about; the "
    "other one only says how well these networks are known. Liu's post states the hypothesis for one network and no test "
    "of it. Widths, depths and class counts differ from the post's 100-100 with 17 classes; optimizer, rate, inputs and "
    "initial parameters are the post's."
)
_PEAKS_NOTE = (
    '"Peak" is the top of the parabola through the three sizes about the maximum, in the logarithm, of each seed: a geometric '
    'mean. "On the grid" is the maximum of the mean curve, with the range of its resampled location: sizes grow by the square '
    "root of 2, and nothing finer is seen there. The measured capacity is the number of examples worth the most bits stored at "
    "any size, N (ln C - train loss) / ln 2 over log2 C; it may be larger where the bits still rise at the largest size."
)
_BUDGETS_NOTE = (
    "The prediction is 2 bits per parameter, the same at every budget. The measured capacity is what the runs store by "
    "that step. All networks are those that have a peak inside the sizes in every seed; the others are not known."
)
