"""How does L2 relate to test loss, and does warmup help when gradients conflict? The open questions of the L2 post."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.experiment import Experiment
from memjax.measures import batch_gradient_cosine
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.schedules import warmup
from memjax.studies import _l2_test_loss_figures as figures
from memjax.studies._l2_test_loss_relation import CORRELATIONS, Law, correlation_table, correlations, losses, shown
from memjax.studies._l2_test_loss_warmup import MEASURES, at_equal_rate, effect_rows, effect_table, effects
from memjax.studies.study import Findings, Study, Sweep, Table
from memjax.tasks import RandomLabels, from_arrays

__all__ = ["STUDY"]

_DIM, _CLASSES = 9, 17
_HIDDEN = {"quick": (50, 50), "paper": (100, 100)}
_SIZES = {"quick": tuple(100 * 2**i for i in range(6)), "paper": tuple(50 * 2**i for i in range(10))}
_TEST_SIZE = 1000
# At alpha = 0 the power law is the post's uniform one, so both are one sweep.
_ALPHAS = (0.0, 1.5)

_WARMUPS = {"quick": (0, 100, 400), "paper": (0, 50, 100, 200, 400)}
_PEAKS = {"quick": (1e-3, 1e-2), "paper": (3e-4, 1e-3, 3e-3, 1e-2)}
_WARMUP_SIZES = {"quick": (100, 400, 1600), "paper": (100, 400, 1600, 6400)}
_BATCH = 25


def _experiment(scale: str, **changes: Any) -> Experiment:
    settings: dict[str, Any] = {
        "task": RandomLabels(input_dim=_DIM, num_classes=_CLASSES, inputs="normal", labels="power", alpha=0.0),
        "model": MLP(hidden=_HIDDEN[scale], activation="relu", initializer="torch"),
        "optimizer": adam(1e-3),
        "loss": "cross_entropy",
        "steps": 1000,
        "record_every": 20,
        "test_size": _TEST_SIZE,
        "measures": ("loss", "weight_l2"),
    }
    return Experiment(**(settings | changes))


def _teacher(rows: int) -> Any:
    """Labels that can be learned: the largest of 17 fixed linear functions of the input, the same for every seed."""
    rng = np.random.default_rng(17)
    directions = rng.standard_normal((_DIM, _CLASSES))
    directions /= np.linalg.norm(directions, axis=0)
    x = rng.standard_normal((rows + _TEST_SIZE, _DIM), dtype=np.float32)
    y = (x @ directions).argmax(axis=1).astype(np.int32)
    return from_arrays(x[:rows], y[:rows], x_test=x[rows:], y_test=y[rows:])


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    over: dict[str | tuple[str, ...], Sequence[Any]]
    over = {"train_size": _SIZES[scale], "seed": tuple(range(seeds))}
    learnable = _experiment(scale, task=_teacher(2 * _SIZES[scale][-1]))
    warm = _experiment(
        scale,
        optimizer=adam(warmup(peak=1e-3, warmup_steps=0)),
        record_every=50,
        measures=("loss", "weight_l2", "gradient_cosine", batch_gradient_cosine(_BATCH)),
    )
    return {
        "random": Sweep(_experiment(scale), {"alpha": _ALPHAS, **over}),
        "teacher": Sweep(learnable, over),
        "warmup": Sweep(
            warm,
            {
                "warmup_steps": _WARMUPS[scale],
                "peak": _PEAKS[scale],
                "train_size": _WARMUP_SIZES[scale],
                "seed": tuple(range(seeds)),
            },
        ),
    }


def _analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    laws = _laws(datasets)
    found = {measure: correlations(laws, measure) for measure in ("weight_l2", "gap")}
    steps = datasets["warmup"]
    rates = xr.Dataset({name: at_equal_rate(steps[name]) for name in MEASURES})
    changes = {"steps": effects(steps), "rates": effects(rates)}
    return Findings(
        tables={
            "published": _claims(laws, found, changes),
            "l2": correlation_table(found["weight_l2"], "L2 norm"),
            "gap": correlation_table(found["gap"], "gap of the L2 norm"),
            "losses": losses(laws),
            "warmup_steps": effect_table(changes["steps"], "the same number of steps"),
            "warmup_rates": effect_table(changes["rates"], "the same summed learning rate"),
        },
        figures={
            "relation": figures.relation(laws),
            "correlations": figures.correlations(found["weight_l2"]),
            "cosine": figures.warmup(_scaled(rates["gradient_cosine"])),
            "loss": figures.warmup(rates["train_loss"]),
        },
        captions=figures.CAPTIONS,
    )


def _scaled(cosine: xr.DataArray) -> xr.DataArray:
    """Cosine in units in which N gradients that cancel have -1 at every train size N."""
    return (cosine * (cosine["train_size"] - 1)).assign_attrs(
        long_name="(N - 1) mean cosine between gradients of examples"
    )


def _laws(datasets: Mapping[str, xr.Dataset]) -> list[Law]:
    """The runs of every law of the labels, with the loss of the best guess that ignores the input."""
    laws = []
    for alpha in datasets["random"]["alpha"].values.tolist():
        chances = RandomLabels(num_classes=_CLASSES, labels="power", alpha=alpha).label_probabilities()
        name = "uniform random labels" if alpha == 0 else f"power-law random labels, alpha {alpha:g}"
        laws.append(Law(name, _runs(datasets["random"].sel(alpha=alpha, drop=True)), float(-chances @ np.log(chances))))
    labels = np.bincount(_teacher(10_000).y, minlength=_CLASSES) / (10_000 + _TEST_SIZE)
    chances = labels[labels > 0]
    laws.append(Law("labels of a linear teacher", _runs(datasets["teacher"]), float(-chances @ np.log(chances))))
    return laws


def _runs(dataset: xr.Dataset) -> xr.Dataset:
    runs = dataset[["train_loss", "test_loss", "weight_l2"]].reset_coords(drop=True)
    runs["gap"] = runs["weight_l2"] - analysis.first(runs["weight_l2"])
    return runs.isel(step=slice(1, None)).transpose("train_size", "seed", "step")


def _claims(laws: Sequence[Law], found: Mapping[str, Sequence[xr.Dataset]], changes: Mapping[str, xr.Dataset]) -> Table:
    rows = [
        (f"L2 and test loss: {law.name}, {CORRELATIONS[i].name}", "not answered", shown(one.isel(question=i)))
        for law, one in zip(laws, found["weight_l2"], strict=True)
        for i in (0, 2, 6)
    ]
    for name, compared in (("steps", "same steps"), ("rates", "same summed rate")):
        rows += effect_rows(changes[name], compared)
    note = f"{_verdict(laws, found)} {_CLAIMS_NOTE}"
    title = "The post's open questions beside what these runs say"
    return Table(title, ("question", "published", "ours [95% interval]"), tuple(rows), note)


def _verdict(laws: Sequence[Law], found: Mapping[str, Sequence[xr.Dataset]]) -> str:
    parts = []
    for law, one in zip(laws, found["weight_l2"], strict=True):
        pooled, apart, along = (_direction(one.isel(question=i)) for i in (0, 2, 6))
        parts.append(f"for {law.name} {pooled} over all runs, {apart} between seeds at one size, {along} along a run")
    return f"Where L2 is larger the test loss is, {'; '.join(parts)}."


def _direction(one: xr.Dataset) -> str:
    low, high = one["interval"].values
    return "higher" if low > 0.0 else "lower" if high < 0.0 else "not told apart"


_CLAIMS_NOTE = (
    "With random labels the test loss can only measure confidence: nothing can be learned, so it is least for the best guess "
    "that ignores the input and grows with the logits, and L2 is one more measure of how far the network has moved from that "
    "guess. A correlation there says nothing on generalisation; it can where labels can be learned. No correlation here says "
    "what causes what, and where a warmup lowers the test loss and raises the train loss, the run has only moved less far. "
    "Settings with more conflict differ in rate and size too."
)


STUDY = Study(
    name="l2-test-loss",
    title="How does L2 relate to test loss, and does warmup help when gradients conflict?",
    source='open questions of Ziming Liu, "How does memorization affect l2?" (blog post)',
    scales={
        "quick": "9-50-50-17, train sizes 100 to 3200; warmups of 0, 100 and 400 steps at two rates and three sizes: about "
        "a minute on 2 cores",
        "paper": "the post's 9-100-100-17, train sizes 50 to 25600; five warmups at four rates and four sizes: about 2 hours "
        "on 2 cores (estimated)",
    },
    seeds={"quick": 8, "paper": 8},
    sweeps=_sweeps,
    analyse=_analyse,
)
"""The post asks how L2 relates to test loss and whether warmup helps against conflicting gradients; it answers neither."""
