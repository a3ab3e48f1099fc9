"""How does memorization affect L2? Random labels, ten train sizes: the norm grows, peaks, and falls again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from memjax import analysis
from memjax.experiment import Experiment
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.studies import _l2_memorization_figures as figures
from memjax.studies.study import Findings, Study, Sweep, Table
from memjax.tasks import RandomLabels

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["STUDY"]

_SIZES = tuple(50 * 2**i for i in range(10))
_QUICK = _SIZES[:8]
_RISING = slice(50, 1600)
_MEASURES = ("loss", "accuracy", "weight_l2", "layer_l2", "memorized_bits", "logit_margin")

# Mean gaps over 4 seeds of an independent prototype of the post's settings, one per size: the post gives no table.
_PROTOTYPE = (9.15, 12.87, 17.56, 23.16, 30.05, 38.12, 40.47, 32.33, 26.56, 22.49)
_EXPONENTS = np.round(np.arange(0.2, 0.4005, 0.005), 3)
_PUBLISHED_HEIGHT, _PUBLISHED_SIGMAS = 25.763, 13.5
_PUBLISHED_LAW = {"amplitude": 6.500, "exponent": 0.270, "offset": -9.636}


def _experiment() -> Experiment:
    return Experiment(
        task=RandomLabels(input_dim=9, num_classes=17, inputs="normal", labels="uniform"),
        model=MLP(hidden=(100, 100), activation="relu", initializer="torch"),
        optimizer=adam(1e-3),
        loss="cross_entropy",
        steps=1000,
        record_every=10,
        measures=_MEASURES,
    )


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    sizes = {"quick": _QUICK, "paper": _SIZES}[scale]
    return {"sweep": Sweep(_experiment(), {"train_size": sizes, "seed": tuple(range(seeds))})}


def _analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    dataset = datasets["sweep"]
    gap = analysis.gap(dataset["weight_l2"])
    rising = gap.sel(train_size=_RISING)
    laws = {offset: analysis.fit(rising, "offset power law" if offset else "power law") for offset in (True, False)}
    # Under another name the seeds are separate curves, each with a fit of its own.
    alone = analysis.fit(rising.rename(seed="run"), "offset power law")["exponent"]
    said, ridge = analysis.describe(gap), analysis.profile(rising, "offset power law", "exponent", values=_EXPONENTS)
    peak = analysis.peak(gap)
    return Findings(
        tables={
            "published": _claims(peak, laws, alone, gap["train_size"].values.tolist()),
            "meaning": _meaning(peak, ridge, said),
            "gaps": _gaps(gap),
        },
        figures={
            "base_run": figures.base_run(dataset),
            "trajectories": figures.trajectories(dataset),
            "gap": figures.gap(gap, laws[True]),
            "ridge": figures.ridge(rising, _PUBLISHED_LAW),
            "capacity": figures.capacity(dataset),
        },
        captions={
            "base_run": "Runs with 100 train and 100 test examples, mean over seeds: the labels are memorised, the test "
            "loss only grows.",
            "trajectories": "L2 norm of all parameters against step, by number of train examples.",
            "gap": "L2 norm after the last step minus the initial one, with 95% Student-t intervals over seeds, and the "
            "offset power law fitted on 50 to 1600 examples.",
            "ridge": "The offset power law with its exponent held at other values: offset and amplitude follow along a ridge "
            "on which the fit hardly changes. The square marks the published numbers.",
            "capacity": "Label information stored after the last step per parameter. The post explains the peak by a "
            "capacity of 2 bits per parameter; what these runs store is less, and 1000 steps is not convergence.",
        },
    )


def _claims(peak: xr.Dataset, laws: Mapping[bool, xr.Dataset], alone: xr.DataArray, ends: list[int]) -> Table:
    law, plain = laws[True], laws[False]
    shown = analysis.format_interval
    rows = [
        ("train size of the largest gap", "3200", f"{float(peak['location']):g} ({_agreement(peak)})"),
        ("gap at the maximum", "about 40", shown(float(peak["height"]), peak["height_interval"].values)),
        (
            f"height of the maximum above the mean of the ends ({ends[0]} and {ends[-1]})",
            "25.763 (its baseline is not stated)",
            shown(float(peak["rise_above_ends"]), peak["rise_above_ends_interval"].values),
        ),
        *(
            (
                f"power law A N^B + C, {name}",
                f"{published:.3f}",
                shown(float(law[name]), law[f"{name}_interval"].values),
            )
            for name, published in _PUBLISHED_LAW.items()
        ),
        (
            "the same exponent, fitted to each seed alone",
            "0.270",
            f"{float(alone.min()):.3f} to {float(alone.max()):.3f}",
        ),
        ("power law A N^B + C, R^2", "1.000", f"{float(law['r_squared']):.5f}"),
        ("power law A N^B, exponent", "not given", shown(float(plain["exponent"]), plain["exponent_interval"].values)),
        ("power law A N^B, R^2", "not given", f"{float(plain['r_squared']):.5f}"),
    ]
    return Table("Published numbers beside ours", ("quantity", "published", "ours [95% interval]"), tuple(rows), _NOTE)


_NOTE = (
    "Power laws are fitted to the mean gap on 50..1600 examples. What these numbers can mean stands in the next table."
)


def _meaning(peak: xr.Dataset, ridge: xr.Dataset, said: analysis.Description) -> Table:
    sigma = _PUBLISHED_HEIGHT / _PUBLISHED_SIGMAS
    held = ridge.sel(exponent=_PUBLISHED_LAW["exponent"], method="nearest")
    perfect = ridge["exponent"].values[ridge["r_squared"].values >= 0.9995]
    inside = ridge["exponent"].values[ridge["inside"].values]
    within = f"{perfect.min():.3f} to {perfect.max():.3f}" if perfect.size else "none"
    allowed = f"{inside.min():.3f} to {inside.max():.3f}" if inside.size else "none"
    height, law = float(peak["rise_above_ends"]), said.evidence["law"].item()
    rows = (
        ("sigma of the height", f"{_PUBLISHED_HEIGHT} / {_PUBLISHED_SIGMAS} = {sigma:.2f}, not defined",
         f"noise of one run {float(peak['noise']):.2f}, so {height:.1f} is {float(peak['rise_in_noise']):.0f} of it"),
        ("exponents whose R^2 is 1.000 to three digits", "0.270 (R^2 = 1.000)", within),
        ("exponents that the seeds allow (profile, 95%)", "not given", allowed),
        ("amplitude and offset with the exponent held at 0.270", "6.500 and -9.636",
         f"{float(held['amplitude']):.2f} and {float(held['offset']):.2f} (R^2 = {float(held['r_squared']):.5f})"),
        ("law of the rising branch, among ten by AICc over seeds", "offset power law", law or "none judged"),
        ("shape", "inverted U", said.evidence["shape"].item()),
    )  # fmt: skip
    return Table("What the published numbers can mean", ("question", "published", "ours"), rows, _MEANING)


_MEANING = (
    "Six points and three parameters leave three degrees of freedom: an R^2 near 1 says that the curve is smooth, not that "
    "this law is true, and a whole range of exponents reaches it, since amplitude, exponent and offset trade off against "
    'each other. The post shows one run per size; its sigma is not defined, so "13.5 sigma" cannot be checked, only compared '
    "with the noise of our runs, whose levels by seed are taken out."
)


def _agreement(peak: xr.Dataset) -> str:
    share = float(peak["agreement"])
    return "one seed" if np.isnan(share) else f"{share:.0%} of seeds by themselves"


def _gaps(gap: xr.DataArray) -> Table:
    reference = dict(zip(_SIZES, _PROTOTYPE, strict=True))
    interval = analysis.mean_interval(gap)
    rows = []
    for size in gap["train_size"].values.tolist():
        one = interval.sel(train_size=size)
        mean = float(one["mean"])
        rows.append(
            (
                str(size),
                f"{reference[size]:.2f}",
                analysis.format_interval(mean, one["mean_interval"].values),
                f"{mean / reference[size] - 1:+.1%}",
            )
        )
    note = "The reference is the mean over 4 seeds of an independent prototype of the post's settings; the post has no table."
    return Table(
        "Gap of the L2 norm by train size",
        ("train size", "reference", "ours [95% interval]", "difference"),
        tuple(rows),
        note,
    )


STUDY = Study(
    name="l2-memorization",
    title="How does memorization affect L2?",
    source='Ziming Liu, "How does memorization affect l2?" (blog post)',
    scales={
        "quick": "train sizes 50 to 6400 instead of 25600, 1000 steps",
        "paper": "the full published setting: ten train sizes 50 to 25600, 1000 steps",
    },
    seeds={"quick": 3, "paper": 4},
    sweeps=_sweeps,
    analyse=_analyse,
)
"""Ziming Liu's post: W_gap of a 9-100-100-17 MLP on random labels has an inverted U over the train size."""
