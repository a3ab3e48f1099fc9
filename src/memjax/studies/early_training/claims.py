"""What the study early-training compares and shows."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from memjax.studies.early_training import figures
from memjax.studies.early_training.numbers import DEPARTED, departures, exponents, summary
from memjax.studies.kit import Claim, Columns, Findings, Table, above, grid, near, time

__all__ = ["MEASURED", "analyse", "claims", "tables"]

MEASURED = "_logits"
"""What follows the name of a sweep in the name of the dataset that is measured on its networks."""

# The claim is a formula for the limit of uniform outputs: the tolerance of all studies would not tell 1 - 1/K from 1.
_NEAR = 0.01
_MIDDLE = 17


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures from the logits of all networks."""
    measured = {name.removesuffix(MEASURED): part for name, part in datasets.items() if name.endswith(MEASURED)}
    found = summary(measured)
    return Findings(
        claims=claims(found),
        tables=tables(found),
        figures=figures.all_figures(found),
        note=_NOTE,
        datasets={"logits": found},
    )


def claims(found: xr.Dataset) -> list[Claim]:
    """The claim on the gradient at the smallest initial scale, task by task, and what follows from it."""
    start, of_sgd = _start(found), found.isel(net=(found["optimizer"] == "sgd").values, init_scale=0)
    tasks = [start.isel(net=i, init_scale=0) for i in range(start.sizes["net"])]
    steps = [of_sgd.isel(net=i) for i in range(of_sgd.sizes["net"])]
    what = "power of the spread of the logits that the deviation of single gradients follows before the first step"
    return [
        *(claim for task in tasks for claim in _of_gradients(task)),
        *(claim for net in steps if not net["task"].item().startswith("power") for claim in _of_first_step(net)),
        Claim(what, 1.0, exponents(start), main=True),
    ]


def _start(found: xr.Dataset) -> xr.Dataset:
    """Every task once, for what holds before the first step: the optimizers begin alike."""
    return found.isel(net=(found["optimizer"] == found["optimizer"][0]).values, snapshot=0, drop=True)


def _of_gradients(task: xr.Dataset) -> list[Claim]:
    name, claimed = task["task"].item(), _uniform(task)
    main = name.startswith("random") and int(task["classes"]) == _MIDDLE
    what = f"mean gradient in the {{}} logit before the first step, {name}"
    return [
        Claim(what.format(which), value, task[which], near(value, _NEAR), main=main and which == "correct")
        for which, value in claimed.items()
    ]


def _uniform(part: xr.Dataset) -> dict[str, float]:
    """Gradients at uniform outputs."""
    share = 1.0 / int(part["classes"])
    return {"correct": -(1.0 - share), "other": share}


def _alone(part: xr.Dataset) -> float:
    """Change of the other logits over that of the correct one, if examples share no weights."""
    return -1.0 / (int(part["classes"]) - 1)


def _of_first_step(net: xr.Dataset) -> list[Claim]:
    name, alone = f"in the first step of SGD, {net['task'].item()}", "what follows for an example by itself"
    others = f"change of the other logits over that of the correct logit {name}"
    return [
        Claim(f"change of the correct logit {name}", "above 0", net["correct_change"], above(0.0)),
        Claim(others, _alone(net), net["ratio"], remark=alone),
    ]


def tables(found: xr.Dataset) -> dict[str, Table]:
    """Gradients before the first step, changes in the first step, and how long the claim lasts."""
    gradients: Columns = {
        "predicted, correct": lambda part: _uniform(part)["correct"],
        "predicted, other": lambda part: _uniform(part)["other"],
        "correct": "correct",
        "other": "other",
        "spread of logits": "spread",
        "deviation x K": "deviation",
        "loss / ln K": "loss",
    }
    first: Columns = {
        "change of correct logit": "correct_change",
        "predicted other / correct": _alone,
        "other / correct": "ratio",
        "correlation with class shares": "marginal_correlation",
    }
    departure: Columns = {
        "steps to class shares (90%)": time("marginal_learned", found["snapshot"]),
        f"steps to {1 - DEPARTED:.0%} less gradient": time("departed", found["snapshot"]),
        "loss / ln K there": "loss",
    }
    scale, start, departs = {"init_scale": "init scale"}, _start(found).swap_dims(net="task"), departures(found)
    task, net, title = {"task": "task", **scale}, {"net": "net", **scale}, "How soon training departs from it"
    return {
        "gradients": grid(start, task, gradients, title="Before the first step", note=_GRADIENTS_NOTE),
        "first_step": grid(found, net, first, title="The first step", note=_FIRST_NOTE),
        "departure": grid(departs, net, departure, title=title, note=_DEPARTURE_NOTE),
    }


_NOTE = (
    "Claimed is the gradient of the loss at uniform outputs: softmax less label. Descent goes against it, so the correct "
    "logit rises by (1 - 1/K) for every 1/K that each other falls. Gradients are at the smallest initial scale, and their "
    f"claims ask for {_NEAR:.0%} of the value. Means over the other classes follow from the mean of the correct one, for the "
    "gradients of an example sum to zero. The change of the others over that of the correct logit is -1/(K - 1) if examples "
    "share no weights: a consequence of ours, not a claim of the dialogue. The text of the dialogue was not at hand: the claim "
    "is from a summary of it, with the sign that a gradient has."
)
_GRADIENTS_NOTE = (
    "Numbers are means over examples. The spread is the root mean square of the logits less each example's mean. The "
    "deviation is that of single gradients (example and class) from the prediction, as a root mean square, times K; to "
    "first order it is the spread. Random logits know nothing of the labels, so the mean gradient stays near the "
    "prediction even where single ones are far off it."
)
_FIRST_NOTE = (
    "Numbers are changes of logits, averaged over train examples. Examples share their weights, so a class that is "
    "frequent rises for all. The correlation is over classes, of the change of the mean logit with the share of the class "
    "among the labels."
)
_DEPARTURE_NOTE = (
    "Class shares: the Kullback-Leibler divergence from the mean prediction to them is down to a tenth of its first value. "
    f"Less gradient: its mean in the correct logit is {DEPARTED:.0%} of -(1 - 1/K). Between snapshots by interpolation."
)
