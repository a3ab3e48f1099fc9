"""What the study grokking-phases compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax.studies.grokking_phases import figures
from memjax.studies.grokking_phases.numbers import PHASES, outcomes, shares, small_less_large
from memjax.studies.kit import Claim, Columns, Findings, Table, above, below, between, grid, time

__all__ = ["analyse", "claims", "tables"]

_RATE, _DECAY, _SCALE, _MAPS = "learning_rate", "weight_decay", "init_scale", ["adamw", "sgd"]


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of the five sweeps and of the frequencies of one of them."""
    runs = {name: one.rename(l2=_DECAY) if "l2" in one.dims else one for name, one in datasets.items()}
    frequencies, steps = runs.pop("frequencies")["frequencies"], runs["adamw"]["step"].values
    found = {name: outcomes(one) for name, one in runs.items()}
    found["widths"]["frequencies"] = frequencies.reset_coords(drop=True).where(found["widths"]["phase"] < 2)
    smaller = {name: small_less_large(runs[name]) for name in _MAPS}
    return Findings(claims(found, smaller), tables(found, steps), figures.all_figures(found), _NOTE)


def claims(found: Mapping[str, xr.Dataset], smaller: Mapping[str, xr.DataArray]) -> list[Claim]:
    """Published statements beside ours: those of Liu et al., of the dialogue, and of Rubin et al."""
    learnt = found["widths"]["frequencies"].mean(_RATE)
    half = {width: learnt.sel(embedding=width) / (width / 2) for width in learnt["embedding"].values.tolist()}
    gain, learns = "gain of test accuracy by a tenth of the rate and ten times the steps", "frequencies over width / 2"
    return [
        Claim("number of phases under AdamW", 4.0, shares(found["adamw"])["phases"], main=True),
        *(Claim(what, "above 0", ours, above(0.0)) for what, ours in _signs(found["adamw"], found["langevin"]).items()),
        *_of_rates(found["moduli"]["t_test"].isel(p=1), found["adamw"].isel({_DECAY: 0, _SCALE: 0})["phase"]),
        *(Claim(f"{one}: {gain}", "below 0", ours, below(0.0), main=one == "adamw") for one, ours in smaller.items()),
        *(Claim(f"width {width}: {learns}", "at most 1", ours, between(0.0, 1.0)) for width, ours in half.items()),
        *(Claim(what, "a question", ours, of="geometric") for what, ours in _open(found).items()),
    ]


def _signs(adam: xr.Dataset, noisy: xr.Dataset) -> dict[str, xr.DataArray]:
    fast = shares(adam.isel({_RATE: slice(adam.sizes[_RATE] // 2, None)}), _DECAY)
    change = (fast.isel({_DECAY: -1}, drop=True) - fast.isel({_DECAY: 0}, drop=True))[list(PHASES)]
    small, large = (shares(adam.isel({_SCALE: end}))["comprehension"] for end in (0, -1))
    order = xr.DataArray(np.arange(adam.sizes[_DECAY]), dims=_DECAY)
    at = [order.where(adam["phase"] == i).mean([_DECAY, _RATE, _SCALE]) for i in range(len(PHASES))]
    cold, hot = (shares(noisy.isel(temperature=part), _DECAY)["generalised"] for part in ([0], slice(1, None)))
    return {
        "fast rates: share memorised without decay, less with most": -change["memorisation"],
        "fast rates: share confused with most decay, less without": change["confusion"],
        "mean place on the axis of decays: grokking, less memorisation": at[1] - at[2],
        "mean place on the axis of decays: comprehension, less grokking": at[0] - at[1],
        "share of comprehension at the smallest initial scale, less at the largest": small - large,
        "share generalised by Langevin noise alone, less without noise": (hot - cold).isel({_DECAY: 0}),
        "share generalised by Langevin noise beside decay, less by decay": (hot - cold).isel({_DECAY: -1}),
    }


def _of_rates(times: xr.DataArray, free: xr.DataArray) -> list[Claim]:
    ends, best = times.isel({_RATE: [0, -1]}).min(_RATE) / times.min(_RATE), "steps to generalise at the better end"
    some, small = (free < 2).any(_RATE).astype(float), "seeds that generalise without decay from the smallest norm"
    late = f"{int((free < 2).sum())} of {free.size} runs do, {int((free == 1).sum())} of them late"
    return [
        Claim(f"{best} of the rates, over the best rate", "above 1", ends, above(1.0), of="geometric"),
        Claim(f"share of {small}", "above 0", some, above(0.0), of="share", remark=late, main=True),
    ]


def _open(found: Mapping[str, xr.Dataset]) -> dict[str, xr.DataArray]:
    adam, descent = (shares(found[name]) for name in _MAPS)
    first = {name: found[name]["t_test"].min([_RATE, _DECAY, _SCALE]) for name in _MAPS}
    p, width = (found[name]["t_test"].where(np.isfinite).idxmin(_RATE) for name in ("moduli", "widths"))
    return {
        "best rate at the largest modulus, over that at the smallest": p[{"p": -1}] / p[{"p": 0}],
        "best rate at the largest width, over the smallest": width[{"embedding": -1}] / width[{"embedding": 0}],
        "number of phases under descent with momentum": descent["phases"],
        "cells that generalise, descent over AdamW": descent["generalised"] / adam["generalised"],
        "steps of the first cell to generalise, descent over AdamW": first["sgd"] / first["adamw"],
    }


def tables(found: Mapping[str, xr.Dataset], steps: np.ndarray) -> dict[str, Table]:
    """Shares of the phases by initial scale and by temperature, and every cell of all sweeps."""
    both = xr.concat([shares(found[name], _SCALE) for name in _MAPS], "optimizer").assign_coords(optimizer=_MAPS)
    parts = {"shares": both, "noise": shares(found["langevin"], "temperature", _DECAY)}
    cells: Columns = {
        "phases by seed": lambda one: ", ".join(PHASES[i] for i in one["phase"].values),
        "steps to fit": time("t_train", steps, "geometric"),
        "to generalise": time("t_test", steps, "geometric"),
        "times the rate": lambda one: one["t_test"] * one[_RATE],
        "frequencies": "frequencies",
    }
    columns = {name: {str(key): str(key) for key in one} for name, one in parts.items()}
    return {name: _table(name, one, columns.get(name, cells)) for name, one in {**parts, **found}.items()}


def _table(name: str, one: xr.Dataset, columns: Columns) -> Table:
    rows = {str(dim): str(dim).replace("_", " ") for dim in one.dims if dim != "seed"}
    there = {head: column for head, column in columns.items() if callable(column) or column in one}
    return grid(one, rows, there, title=f"Cells of {name}", note=_CELLS)


_NOTE = (
    "A set is learned at an accuracy of 0.9; grokking is to learn the test set at least a hundredth of all steps later "
    "than the train set. Fast rates are the upper half, with the middle one. The dialogue of Vaintrob and Kaarel is known "
    "from a summary alone."
)
_CELLS = (
    'Numbers are means; times are geometric ones, of runs that get there. By "other by ratio" a run is late at twice the '
    "time to fit."
)
