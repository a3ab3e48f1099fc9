"""What the study memory-1 compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax.studies.kit import Claim, Column, Columns, Findings, Table, grid, share
from memjax.studies.memory_1 import figures, numbers
from memjax.studies.memory_1.numbers import EARLY

__all__ = ["analyse", "claims", "tables"]

_RATIO = 4
# Published largest sharpness, and its train size, by the number of inputs.
_SHARPEST = {40: (0.33, 175.0)}
_MOST_STEPS = (10, EARLY, 50, 100)


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of the three sweeps and of what was found to be separable."""
    linear, early = datasets["linear"], datasets["early"]
    right = numbers.fitted(linear)
    ratio = _ratios(numbers.fitted(early), right)
    sharpest = numbers.sharpest(early["sharpness"], linear["sharpness"])
    cover = numbers.cover(datasets["two_classes"], datasets["separable"]["separable"])
    return Findings(
        claims=claims(numbers.capacity(right), ratio, sharpest, cover),
        tables=tables(right, ratio, sharpest, cover),
        figures=figures.all_figures(early, linear, ratio, cover),
        note=_NOTE,
    )


def _ratios(soon: xr.DataArray, right: xr.DataArray) -> xr.DataArray:
    """Most labels fitted per input at every record of both sweeps, ``(input_dim, seed, step)``."""
    both = xr.concat([numbers.largest(soon), numbers.largest(right)], "step").drop_duplicates("step")
    return (both / both["input_dim"]).assign_attrs(long_name="most examples fitted / n")


def claims(capacity: xr.Dataset, ratio: xr.DataArray, sharpest: xr.Dataset, cover: xr.Dataset) -> list[Claim]:
    """Published numbers beside ours: labels fitted, the largest sharpness, and Cover's law at N = 2 n."""
    dims, last, most, soon = capacity["input_dim"].values.tolist(), int(ratio["step"][-1]), [], []
    for dim in dims:
        one, main = capacity.sel(input_dim=dim), dim == dims[-1]
        name, remark = (
            f"most labels fitted by a layer of {dim} inputs, after {last} steps",
            f"at N = {int(one['at_size'])}",
        )
        most.append(Claim(name, float(_RATIO * dim), one["most"], remark=remark, main=main))
        name = f"most labels fitted over n, n = {dim}, after {EARLY} steps"
        soon.append(Claim(name, float(_RATIO), ratio.sel(input_dim=dim, step=EARLY), main=main))
    sharp = [claim for dim in dims if dim in _SHARPEST for claim in _sharp(sharpest.sel(input_dim=dim))]
    law = [claim for dim in cover["input_dim"].values.tolist() for claim in _cover(cover.sel(input_dim=dim))]
    return [*most, *soon, *sharp, *law]


def _sharp(one: xr.Dataset) -> list[Claim]:
    dim, made = int(one["input_dim"]), []
    height, size = _SHARPEST[dim]
    for step in one["step"].values.tolist():
        at, name = one.sel(step=step), f"largest sharpness over the train sizes, n = {dim}, after {step} steps"
        made.append(Claim(name, height, at["height"], remark=f"at N = {int(at['at_size'])}"))
        made.append(Claim(f"train size of the {name}", size, at["own_size"]))
    return made


def _cover(one: xr.Dataset) -> list[Claim]:
    """Shares where Cover's law says one half, at N = 2 n."""
    dim = int(one["input_dim"])
    if 2 * dim not in one["train_size"]:
        return []
    at, name = one.sel(train_size=2 * dim), f"two classes, n = {dim}, N = {2 * dim}: share of label sets that"
    law, missed = float(at["law"]), f"{int(at['missed'].sum())} missed"
    return [
        Claim(f"{name} a hyperplane separates", law, at["separable"], of="share"),
        Claim(f"{name} training fits", law, at["trained"], of="share", remark=missed),
    ]


def tables(right: xr.DataArray, ratio: xr.DataArray, sharpest: xr.Dataset, cover: xr.Dataset) -> dict[str, Table]:
    """Capacity by input dimension, labels fitted by step, the largest sharpness by step, and Cover's law by size."""
    steps, inputs = right["step"].values, {"input_dim": "n"}
    late = int(steps[np.searchsorted(steps, 0.9 * steps[-1])])
    shown = [step for step in _MOST_STEPS if step in ratio["step"]]
    shown += [int(steps[at]) for at in (1, steps.size // 2, -1)]
    of_capacity, of_steps = (
        {**_OF_CAPACITY, f"gained since step {late}": "gained"},
        {str(at): _at_step(at) for at in shown},
    )
    by_step, sizes = ratio.to_dataset(name="ratio"), inputs | {"train_size": "N"}
    return {
        "capacity": grid(numbers.capacity(right), inputs, of_capacity, title=_CAPACITY.format(steps[-1]), note=_WHOLE),
        "steps": grid(by_step, inputs, of_steps, title="Most labels fitted per input dimension, by steps", note=_GROWS),
        "sharpness": grid(sharpest, inputs | {"step": "step"}, _OF_SHARPNESS, title=_SHARP, note=_EIGENVALUE),
        "cover": grid(cover, sizes, _OF_COVER, title=_COVER, note=_COVER_NOTE),
    }


def _at_step(step: int) -> Column:
    return lambda one: one["ratio"].sel(step=step)


_OF_CAPACITY: Columns = {
    "most fitted at N": lambda one: int(one["at_size"]),
    "all fitted up to N": lambda one: "none" if np.isnan(one["whole"]) else int(one["whole"]),
    "fitted at N = 400": "beyond",
}
_OF_SHARPNESS: Columns = {
    "largest sharpness": "height",
    "at N": lambda one: int(one["at_size"]),
    "seeds whose own maximum is there": share("there"),
}
_OF_COVER: Columns = {
    "Cover's P(N, n)": lambda one: float(one["law"]),
    "separable": share("separable"),
    "fitted": share("trained"),
    "missed": lambda one: int(one["missed"].sum()),
    "impossible": lambda one: int(one["impossible"].sum()),
    "fitted in the last tenth": lambda one: int(one["late"].sum()),
}
_CAPACITY = "Random labels of 40 classes fitted after {} steps"
_WHOLE = '"All fitted up to" is the largest N at which at least half of the seeds have every label right.'
_GROWS = "A ratio that still grows from one column to the next is no constant of the layer."
_SHARP = "Largest sharpness over the train sizes"
_EIGENVALUE = "Numbers are the largest eigenvalue of the Hessian of the mean train loss, in nats."
_COVER = "Two classes: share of seeds in which all N labels are fitted"
_NOTE = (
    '"Most labels fitted" is the largest mean over seeds of N times the train accuracy; its interval does not know that N was '
    "chosen. Published are the optimizer (Adam, 0.01), 40 classes and the sizes up to 400; the capacities of about 4 n are the "
    "post's own rough reading of its figure, and the sharpness is read from another one, which draws n = 40 alone. Neither the "
    "number of steps nor the initial parameters are in its text: ours are full batch, PyTorch's initial parameters, and biases "
    "as in torch.nn.Linear. Liu's post has no two classes: Adam at 0.1 is our choice."
)
_COVER_NOTE = (
    "Exact 95% intervals (Clopper-Pearson). A softmax over two logits without biases is one hyperplane through the origin, "
    'so the law holds with n as it stands; with biases it would be P(N, n + 1). "Separable" asks a linear program about the '
    'very examples of each run: it differs from the law by chance alone. "Missed" are separable and not fitted, what training '
    'still owes; "impossible", fitted and not separable, must be 0.'
)
