"""What the study slingshot compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax.studies.kit import Claim, Columns, Findings, Table, above, between, grid, listed, time
from memjax.studies.slingshot import figures
from memjax.studies.slingshot.numbers import CALM, SPIKE, WINDOW, changes, events, generalisation

__all__ = ["analyse", "claims", "tables"]

_SWEEPS = ("eps", "exact", "optimizers", "modular")


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of all optimizers and both softmaxes."""
    found = {name: events(datasets[name]) for name in _SWEEPS}
    moved = changes(datasets["turns"], found["eps"].isel(eps=0))
    gain = generalisation(datasets["modular"], found["modular"])
    return Findings(
        claims=claims(found, moved, gain),
        tables=tables(found, gain),
        figures=figures.all_figures(datasets),
        note=_NOTE,
        datasets={"events": found["eps"]},
    )


def claims(found: Mapping[str, xr.Dataset], moved: xr.Dataset, gain: xr.Dataset) -> list[Claim]:
    """Published claims beside ours."""
    base, large = found["eps"].isel(eps=0), found["eps"].isel(eps=-1)
    plain, rms = (found["optimizers"].isel(optimizer=i) for i in (0, 1))
    own, exact = (gain["after"] - gain["before"]).transpose("loss", ...)
    per_run, learned = "slingshots per run", "addition: test accuracy at the end less that before the first slingshot"
    less = f"{learned}, less the same of the exact softmax"
    return [
        Claim(f"Adam: {per_run}", "several, in cycles", base["slingshots"], above(1.0), main=True),
        *_of_spikes(base, moved),
        _absent(f"SGD with momentum: {per_run}", plain),
        Claim(f"RMSProp: {per_run}", "some: it is adaptive", rms["slingshots"], above(0.0)),
        _absent(f"Adam, eps {float(large['eps']):g}: {per_run}", large),
        Claim(learned, "above 0", own, above(0.0)),
        Claim(less, "above 0", own - exact, above(0.0), main=True),
        Claim(f"Adam, exact softmax: {per_run}", "not given", found["exact"]["slingshots"].isel(loss=0)),
    ]


def _of_spikes(base: xr.Dataset, moved: xr.Dataset) -> list[Claim]:
    grows, turn = "growth of the last layer", "turn of the features between snapshots"
    more, turned = base["before"] - base["after"], moved["during"] - moved["apart"]
    return [
        Claim("Adam: spikes per run that are no slingshots", "not given", base["spikes"] - base["slingshots"]),
        Claim(f"{grows} in 1000 steps before the first slingshot", "fast", base["growth"]),
        Claim(f"{grows} in 1000 steps before a spike, all spikes", "fast", base["before"]),
        Claim(f"{grows} in 1000 steps after a spike, all spikes", "a plateau", base["after"]),
        Claim(f"{grows} before a spike less that after, all spikes", "above 0", more, above(0.0), main=True),
        Claim("largest loss of the first spike (nats)", "a spike", base["height"]),
        Claim(f"{turn} with a slingshot between", "a jump", moved["during"]),
        Claim(f"{turn} without a slingshot between", "less", moved["apart"]),
        Claim(f"{turn} with a slingshot, less that without", "above 0", turned, above(0.0)),
    ]


def _absent(what: str, one: xr.Dataset) -> Claim:
    """No slingshots; a run whose loss float32 never rounds to 0 had no occasion for any, and says nothing."""
    count, least = one["slingshots"], one["least_loss"]
    ready = (least == 0.0) | (count > 0.0)
    remark = "" if bool(ready.all()) else f"least loss {float(least.max()):.0e}, which is not rounded to 0"
    return Claim(what, "none", count.where(ready), between(0.0, 0.0), remark=remark)


def tables(found: Mapping[str, xr.Dataset], gain: xr.Dataset) -> dict[str, Table]:
    """Counts and times of every setting, and test accuracies of addition by seed."""
    columns: Columns = {
        "spikes": "spikes",
        "slingshots": "slingshots",
        "first at step": time("first", found["eps"]["step"], "geometric"),
        "growth before": "before",
        "growth after": "after",
        "least loss": lambda one: float(one["least_loss"].min()),
    }
    by_seed: Columns = {
        "first slingshot": lambda one: int(one["first"]) if np.isfinite(one["first"]) else "never",
        "float32: before": lambda one: float(one["before"][0]),
        "float32: at the end": lambda one: float(one["after"][0]),
        "exact: before": lambda one: float(one["before"][1]),
        "exact: at the end": lambda one: float(one["after"][1]),
    }
    names, parts = zip(*_settings(found).items(), strict=True)
    runs = listed({"setting": names}, parts, columns, title="By optimizer, eps and softmax", note=_RUNS_NOTE)
    accuracy = grid(gain, {"seed": "seed"}, by_seed, title="Test accuracy around a slingshot", note=_GAIN_NOTE)
    return {"runs": runs, "accuracy": accuracy}


def _settings(found: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Runs of every setting by seed, by the setting in words."""
    names = [str(name).partition("(")[0] for name in found["optimizers"]["optimizer"].values]
    return {
        **{f"labels: Adam, eps {eps:g}": found["eps"].sel(eps=eps) for eps in found["eps"]["eps"].values.tolist()},
        **{f"labels: {name}": found["optimizers"].isel(optimizer=i) for i, name in enumerate(names)},
        "labels: Adam, exact softmax": found["exact"].isel(loss=0),
        "addition: Adam, float32 softmax": found["modular"].isel(loss=0),
        "addition: Adam, exact softmax": found["modular"].isel(loss=1),
    }


_NOTE = (
    f"A spike is a loss of at least {SPIKE:g} nats after one of at most {CALM:g}; a slingshot is a spike before which the last "
    f"layer grows faster, over {WINDOW} records, than over as many after the spike. Because growth is part of this definition, "
    "whether growth is faster before is asked of all spikes, where the run goes on for both windows. Differences are taken "
    "within a run. Where the loss does not come to what float32 rounds to 0, having no slingshot is not comparable. Turn of "
    "features: one minus the cosine of the last hidden layer on the train inputs, once the labels are fitted. All rows but "
    "those on addition are of random labels. The exact softmax is the loss `cross_entropy_exact`: the same function, without "
    "the rounding of a loss below 1e-7 to zero."
)
_RUNS_NOTE = (
    "The growth of the last layer is in the window before a spike and in the one after it, as means over all spikes with "
    "both. Never means not within the steps of this scale: a larger eps postpones before it prevents. The least loss is "
    "of a record of any seed, a mean of 50 steps; 0 is what float32 rounds to."
)
_GAIN_NOTE = (
    "Numbers are test accuracies of addition modulo 23; both runs of a seed share initial parameters and train pairs. The "
    "initial scale, 0.25, was chosen of 1, 0.5 and 0.25 as the one at which the test set is learned at all."
)
