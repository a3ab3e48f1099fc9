"""What the study omnigrok compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from memjax.studies.kit import (
    Claim,
    Column,
    Estimate,
    Findings,
    Table,
    Within,
    above,
    below,
    between,
    estimate,
    geometric,
    grid,
    outcomes,
    ratio,
    time,
    within_records,
)
from memjax.studies.omnigrok import figures
from memjax.studies.omnigrok.numbers import LEARNED, crossings, delays, losses_at_norms, lowest

__all__ = ["analyse", "claims", "tables"]

_EARLIER = "5 to 9 in an earlier run of ours, which is not published"
_LARGE, _DECAY = 2.0, 0.05
_LATE = 2.0
_DELAYS = {_LARGE: ("much later: grokking", above(_LATE)), 1.0: ("no grokking", below(_LATE))}


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of the runs at held norms and at free ones."""
    held, free = losses_at_norms(datasets["norms"]), delays(datasets["free"])
    best = lowest(held)
    return Findings(
        claims=claims(held, best, free),
        tables=tables(held, free),
        figures=figures.all_figures(datasets["norms"], datasets["free"], float(best["location"])),
        note=_NOTE,
        datasets={"grokking": free},
    )


def claims(held: xr.Dataset, best: xr.Dataset, free: xr.Dataset) -> list[Claim]:
    """Published claims on the curves at held norms, and on the delay at free norms, beside ours."""
    return [*_of_curves(held, best), *_of_grokking(free, crossings(held, float(best["location"])))]


def _of_curves(held: xr.Dataset, best: xr.Dataset) -> list[Claim]:
    at, norms = float(best["location"]), held["norm"].values.tolist()
    lowest_at, (low, high) = held.sel(norm=at), best["location_interval"].values.tolist()
    shown = Estimate(at, low, high, count=held.sizes["seed"])
    up = held["test_loss"].sel(norm=norms[-1]) / lowest_at["test_loss"]
    down = held["train_loss"].sel(norm=norms[0]) / lowest_at["train_loss"]
    highest = held["train_loss"].sel(norm=slice(at, None)).max("norm", skipna=False)
    what = "norm with the lowest test loss"
    far, rises = "far above 1", above(1.0)
    return [
        Claim(what, "not at an end of U", shown, between(norms[1], norms[-2]), remark=_EARLIER, main=True),
        Claim(f"{what}, as the published code counts norms", "not given", lowest_at["published_l2"]),
        Claim(f"U: test loss at norm {norms[-1]:g} over the lowest", far, up, rises, "geometric"),
        Claim(f"L: train loss at norm {norms[0]:g} over the loss at norm {at:g}", far, down, rises, "geometric"),
        Claim(f"L: highest train loss at norms from {at:g} up", "about 0", highest, below(LEARNED)),
    ]


def _of_grokking(free: xr.Dataset, crossing: xr.DataArray) -> list[Claim]:
    large = free.sel(init_scale=_LARGE, weight_decay=_DECAY)
    start = large["start_norm"]
    what = f"norm at which a run from initial scale {_LARGE:g} learns its test set"
    never = free.sel(init_scale=_LARGE, weight_decay=0.0)
    return [
        *(_delay(free, scale) for scale in _DELAYS),
        Claim(what, "lower than at first", large["norm"], below(float(start.min())), remark=f"from {start.mean():.1f}"),
        Claim(
            f"{what}, over the norm at which U rises through that loss",
            1.0,
            large["norm"] / crossing,
            of="geometric",
            main=True,
        ),
        Claim(
            f"steps to learn the test set, initial scale {_LARGE:g} without weight decay",
            "not given",
            within_records(never["t_test"], free["step"]),
            of="geometric",
            remark=outcomes(never),
        ),
    ]


def _delay(free: xr.Dataset, scale: float) -> Claim:
    published, rule = _DELAYS[scale]
    one = free.sel(init_scale=scale, weight_decay=_DECAY)
    what = (
        f"initial scale {scale:g}, weight decay {_DECAY:g}: steps to learn the test set over steps to fit the train set"
    )
    return Claim(what, published, _later(one), rule, "geometric", remark=outcomes(one), main=scale == _LARGE)


def _later(one: xr.Dataset) -> Within:
    return ratio(within_records(one["t_test"], one["step"]), within_records(one["t_train"], one["step"]))


def tables(held: xr.Dataset, free: xr.Dataset) -> dict[str, Table]:
    """Losses by the norm that is held, and delays by initial scale and weight decay."""
    losses: dict[str, Column | str] = {
        "norm as published": "published_l2",
        "train loss": geometric("train_loss"),
        "test loss": geometric("test_loss"),
    }
    columns: dict[str, Column | str] = {
        "steps to fit the train set": time("t_train", free["step"], "geometric"),
        "steps to learn the test set": time("t_test", free["step"], "geometric"),
        "test over train": lambda one: estimate(_later(one), "geometric"),
        "norm at the end": "end_norm",
        "test loss at the end": geometric("end_test_loss"),
        "outcome": outcomes,
    }
    axes = {"init_scale": "initial scale", "weight_decay": "weight decay"}
    return {
        "norms": grid(held, {"norm": "norm"}, losses, title="Losses at the end by the norm that is held", note=_HELD),
        "grokking": grid(free, axes, columns, title="Delay without the constraint", note=_FREE),
    }


_NOTE = (
    "Every seed has its own teacher, data and initial parameters. The norm with the lowest test loss is one of those swept; "
    "its interval is from `memjax.analysis.peak`. The publication is read for the shape of the curves alone. Ratios and times "
    f"are geometric means. A split is learned when its loss is below {LEARNED:g}, and a run groks when the test set takes at "
    f"least {_LATE:g} times as long as the train set; these two numbers are ours."
)
_HELD = (
    "Losses are geometric means. The norm of all parameters is put back after every step; the published code squares and sums "
    "the kernel of the first layer twice, so its norm is larger."
)
_FREE = (
    f"Steps until the loss is below {LEARNED:g}, geometric means over the seeds that get there; AdamW, decoupled weight decay. "
    "Only the initial scale and the weight decay differ; data and directions of the initial parameters are the same."
)
