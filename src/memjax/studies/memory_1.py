"""Memory 1: how many random labels a linear layer fits, how sharp its loss gets, and Cover's law for two classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.analysis import all_fitted, cover_probability, linearly_separable, num_fitted, share_interval
from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.studies import _memory_1_figures as figures
from memjax.studies._text import mean_shown
from memjax.studies.study import Findings, Study, Sweep, Table
from memjax.tasks import RandomLabels

__all__ = ["STUDY"]

_DIMS = (10, 20, 30, 40)
# The post ends at 400, where a layer of 40 inputs still fits almost everything if it is given the steps.
_LAST_SIZE = 400
_SIZES = {"quick": (*range(25, 401, 25), 450, 500), "paper": (*range(5, 401, 5), *range(420, 501, 20))}
_STEPS = {"quick": 2000, "paper": 10_000}
_EARLY = 20
_PUBLISHED_SHARPNESS = {40: ".33 at N = 175"}

_COVER_DIMS = (10, 20)
_COVER_SIZES = (10, 15, 18, 20, 22, 25, 30, 35, 40, 45, 50, 60)
# A share needs far more seeds than a mean, and these runs cost next to nothing.
_COVER_SEEDS = {"quick": 25, "paper": 100}


def _layer(classes: int, rate: float, *, bias: bool, steps: int, records: int) -> Experiment:
    return Experiment(
        task=RandomLabels(num_classes=classes, inputs="normal", labels="uniform"),
        model=MLP(hidden=(), bias=bias, initializer="torch"),
        optimizer=adam(rate),
        loss="cross_entropy",
        steps=steps,
        record_every=steps // records,
        test_size=1,
        measures=("loss", "accuracy", *(("sharpness",) if classes > 2 else ())),
    )


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    steps = _STEPS[scale]
    over: dict[str | tuple[str, ...], Sequence[Any]] = {
        "input_dim": _DIMS,
        "train_size": _SIZES[scale],
        "seed": tuple(range(seeds)),
    }
    return {
        "linear": Sweep(_layer(40, 0.01, bias=True, steps=steps, records=10), over),
        "early": Sweep(_layer(40, 0.01, bias=True, steps=100, records=10), over),
        "two_classes": Sweep(
            _layer(2, 0.1, bias=False, steps=steps, records=10),
            {"input_dim": _COVER_DIMS, "train_size": _COVER_SIZES, "seed": range(_COVER_SEEDS[scale] * seeds)},
        ),
    }


def _analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    linear, early, two = datasets["linear"], datasets["early"], datasets["two_classes"]
    fitted = num_fitted(linear["train_accuracy"], linear["train_size"])
    soon = num_fitted(early["train_accuracy"], early["train_size"])
    cover = _cover(two)
    return Findings(
        tables={
            "capacity": _capacity(fitted),
            "steps": _by_steps(soon, fitted),
            "sharpness": _sharpness(early["sharpness"], linear["sharpness"]),
            "cover": _cover_table(cover),
        },
        figures={
            "fitted": figures.fitted([soon.sel(step=_EARLY), fitted.isel(step=-1)]),
            "steps": figures.steps([_largest(soon), _largest(fitted)]),
            "sharpness": figures.sharpness([early["sharpness"].sel(step=_EARLY), linear["sharpness"].isel(step=-1)]),
            "cover": figures.cover(cover),
        },
        captions=figures.CAPTIONS,
    )


def _largest(fitted: xr.DataArray) -> xr.DataArray:
    """Largest number fitted at each step: each seed's, at the train size where the mean over seeds is largest."""
    mean = fitted.isel(step=slice(1, None)).mean("seed")
    return fitted.sel(step=mean["step"], train_size=mean["train_size"][mean.argmax("train_size")]).drop_vars(
        "train_size"
    )


def _capacity(fitted: xr.DataArray) -> Table:
    rows = []
    largest, steps = _largest(fitted), fitted["step"].values
    late = steps[np.searchsorted(steps, 0.9 * steps[-1])]
    for dim in fitted["input_dim"].values.tolist():
        end = fitted.sel(input_dim=dim).isel(step=-1)
        most = largest.sel(input_dim=dim)
        share = all_fitted(end / end["train_size"], end["train_size"]).mean("seed")
        whole = end["train_size"].where(share >= 0.5).max()
        before = fitted.sel(input_dim=dim, step=late, train_size=_best_size(end))
        rows.append(
            (
                str(dim),
                f"about {4 * dim}",
                f"{mean_shown(most.isel(step=-1))} at N = {_best_size(end)}",
                mean_shown(most.isel(step=-1) / dim),
                "none" if np.isnan(whole) else f"{float(whole):g}",
                mean_shown(end.sel(train_size=_LAST_SIZE)),
                f"{float((most.isel(step=-1) - before).mean()):+.1f}",
            )
        )
    head = ("n", "published", "most fitted", "most fitted / n", "all fitted up to N", f"fitted at N = {_LAST_SIZE}")
    title = f"Random labels of 40 classes fitted after {steps[-1]} steps"
    return Table(title, (*head, f"gained since step {late}"), tuple(rows), _CAPACITY_NOTE)


def _best_size(end: xr.DataArray) -> int:
    return int(end["train_size"][int(end.mean("seed").argmax("train_size"))])


_CAPACITY_NOTE = (
    '"Most fitted" is the largest mean over seeds of N times the train accuracy, with a 95% Student-t interval that does '
    'not know that the N was chosen; "all fitted up to" is the largest N at which at least half of the seeds have every '
    "label right. Published are the optimizer (Adam, 0.01), 40 classes and the sizes up to 400; the capacities are the "
    "post's own rough reading of its figure. Neither the number of steps nor the initial parameters are in its text: "
    "ours are full batch, PyTorch's initial parameters, and biases as in torch.nn.Linear."
)


def _by_steps(soon: xr.DataArray, fitted: xr.DataArray) -> Table:
    largest = xr.concat([_largest(soon), _largest(fitted)], "step").drop_duplicates("step")
    shown = [step for step in (10, 20, 50, 100) if step in soon["step"].values]
    shown += [int(fitted["step"][at]) for at in (1, fitted.sizes["step"] // 2, -1)]
    rows = [
        (str(dim), *(mean_shown(largest.sel(input_dim=dim, step=step) / dim) for step in shown))
        for dim in largest["input_dim"].values.tolist()
    ]
    note = (
        "The published ratio is about 4 for every n; the text of the post does not say after how many steps. A ratio that "
        "still grows from one column to the next is no constant of the layer."
    )
    return Table("Most labels fitted per input dimension, by steps", ("n", *map(str, shown)), tuple(rows), note)


def _sharpness(early: xr.DataArray, late: xr.DataArray) -> Table:
    records = [early.sel(step=_EARLY), early.isel(step=-1), late.isel(step=1), late.isel(step=-1)]
    rows = [
        (str(dim), _PUBLISHED_SHARPNESS.get(dim, "not given"), *(_peak(one.sel(input_dim=dim)) for one in records))
        for dim in late["input_dim"].values.tolist()
    ]
    note = (
        "Largest eigenvalue of the Hessian of the mean train loss, in nats. Read from a figure of the post, which draws "
        "n = 40 alone and does not say after how many steps. In brackets: the share of seeds whose own maximum is at that N."
    )
    head = ("n", "published", *(f"ours at step {int(one['step'])}" for one in records))
    return Table("Largest sharpness over the train sizes", head, tuple(rows), note)


def _peak(sharpness: xr.DataArray) -> str:
    top = analysis.peak(sharpness)
    height = analysis.format_interval(float(top["height"]), top["height_interval"].values)
    agreement = float(top["agreement"])
    seeds = "" if np.isnan(agreement) else f" ({agreement:.0%})"
    return f"{height} at N = {float(top['location']):g}{seeds}"


def _cover(two: xr.Dataset) -> xr.Dataset:
    """Cover's probability, the share of seeds that can be separated at all, and the share that training separated."""
    separable, end = _separable(two), two["train_accuracy"].isel(step=[-2, -1])
    trained = all_fitted(end, end["train_size"])
    done = trained.isel(step=-1)
    return xr.Dataset(
        {
            "law": cover_probability(two["train_size"], two["input_dim"]).transpose("input_dim", "train_size"),
            "separable": share_interval(separable)["share"],
            "separable_interval": share_interval(separable)["share_interval"],
            "trained": share_interval(done)["share"],
            "trained_interval": share_interval(done)["share_interval"],
            "missed": ((separable == 1) & (done != 1)).sum("seed"),
            "impossible": ((separable == 0) & (done == 1)).sum("seed"),
            "late": (done - trained.isel(step=0)).sum("seed"),
        }
    )


def _separable(two: xr.Dataset) -> xr.DataArray:
    """Whether a hyperplane separates the very examples of each run: a linear program, whatever training finds."""
    over = two["train_accuracy"].isel(step=-1, drop=True)
    found = xr.zeros_like(over)
    for dim in over["input_dim"].values.tolist():
        task = RandomLabels(input_dim=dim, num_classes=2)
        for seed in over["seed"].values.tolist():
            # Train sets are nested: the smaller ones are the beginning of the largest.
            train = task.draw(seed, int(over["train_size"].max()), 1).train
            flags = [linearly_separable(train.x[:size], train.y[:size]) for size in over["train_size"].values]
            found.loc[{"input_dim": dim, "seed": seed}] = xr.DataArray(np.array(flags, float), dims="train_size")
    return found


def _cover_table(cover: xr.Dataset) -> Table:
    rows = []
    for dim in cover["input_dim"].values.tolist():
        for size in cover["train_size"].values.tolist():
            one = cover.sel(input_dim=dim, train_size=size)
            shares = [_share(one, name) for name in ("separable", "trained")]
            counts = [f"{int(one[name])}" for name in ("missed", "impossible", "late")]
            rows.append((str(dim), str(size), f"{float(one['law']):.4f}", *shares, *counts))
    head = ("n", "N", "Cover's P(N, n)", "separable", "fitted", "missed", "impossible", "fitted in the last tenth")
    return Table("Two classes: share of seeds in which all N labels are fitted", head, tuple(rows), _COVER_NOTE)


def _share(one: xr.Dataset, name: str) -> str:
    low, high = one[f"{name}_interval"].values
    return f"{float(one[name]):.3f} [{low:.3f}, {high:.3f}]"


_COVER_NOTE = (
    "Exact 95% intervals (Clopper-Pearson). A softmax over two logits without biases is one hyperplane through the origin, "
    'so the law holds with n as it stands; with biases it would be P(N, n + 1). "Separable" asks a linear program about '
    'the very examples of each run: it differs from the law by chance alone. "Missed" counts seeds that are separable but '
    'not fitted, what training still owes; "impossible" must be 0. Adam at 0.1, our choice: the post has no two classes.'
)

STUDY = Study(
    name="memory-1",
    title="Memory 1: how much does a linear layer memorize?",
    source='Ziming Liu, "Memory 1 -- How much do linear layers memorize?" (blog post, 2026)',
    scales={
        "quick": "18 train sizes to 500, 2000 steps",
        "paper": "the published sizes 5, 10, ..., 400 and five beyond, 10,000 steps",
    },
    seeds={"quick": 4, "paper": 8},
    sweeps=_sweeps,
    analyse=_analyse,
)
"""A linear layer fits about 4 n random labels, says the post, and is sharpest near its capacity."""
