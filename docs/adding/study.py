# A study to copy. In a project of your own: put the file anywhere, and call memjax.studies.run(STUDY, "runs/label-noise").
# In memjax: copy it to src/memjax/studies/label_noise/study.py, beside an __init__.py that has a docstring alone. No line is
# added elsewhere, but for the name in the doctest of src/memjax/studies/kit/find.py.
"""Whether random labels are fitted as well as true ones, how much later, and what becomes of the test error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from memjax import analysis, plots
from memjax.experiment import Experiment
from memjax.measure import measure
from memjax.models import MLP
from memjax.optimizers import sgd
from memjax.studies.kit import (
    Claim,
    Columns,
    Figure,
    Findings,
    Measured,
    Study,
    Sweep,
    Table,
    above,
    grid,
    near,
    ratio,
    time,
    within_records,
)
from memjax.tasks import MNIST1D

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawn

__all__ = ["STUDY"]

# 1. What is trained: settings by scale, and sweeps over whatever is varied, with the seeds as the last axis.

_STEPS = {"quick": 1000, "paper": 20_000}
_SIZES = {"quick": 200, "paper": 4000}
_SHARES = {"quick": (0.0, 0.5, 1.0), "paper": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)}


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    steps = _STEPS[scale]
    experiment = Experiment(
        task=MNIST1D(),
        model=MLP(hidden=(100,)),
        optimizer=sgd(0.1, momentum=0.9),
        steps=steps,
        record_every=steps // 100,
        train_size=_SIZES[scale],
        test_size=1000,
        measures=("loss", "accuracy"),
        snapshots=(steps,),
    )
    return {"runs": Sweep(experiment, {"label_noise": _SHARES[scale], "seed": tuple(range(seeds))})}


# 2. What needs the weights. It is saved, and the analysis is given these numbers in place of networks.


def _sharpness(runs: xr.Dataset) -> xr.Dataset:
    return measure(runs, ["sharpness"])[["sharpness"]].isel(snapshot=-1, drop=True)


def _measured(scale: str) -> Mapping[str, Measured]:
    return {"sharpness": Measured("runs", _sharpness)}


# 3. What is computed from records: datasets in, datasets out. In a folder of its own this part is numbers.py.


def fits(runs: xr.Dataset) -> xr.Dataset:
    """When the train set is fitted (accuracy 0.99; infinite for never), the last train accuracy, and the last test error.

    Parameters
    ----------
    runs
        ``train_accuracy`` and ``test_accuracy`` by ``label_noise``, ``seed`` and ``step``.
    """
    train, test = (runs[f"{split}_accuracy"].reset_coords(drop=True) for split in ("train", "test"))
    last = {"train_accuracy": train.isel(step=-1, drop=True), "test_error": 1.0 - test.isel(step=-1, drop=True)}
    return xr.Dataset({"fitted": analysis.time_to_threshold(train, 0.99)["time"], **last}).drop_attrs()


# 4. What is compared: one value of each seed, and a rule that says what would count as published. This part is claims.py.


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures."""
    found, steps = fits(datasets["runs"]), datasets["runs"]["step"].values
    found["sharpness"] = datasets["sharpness"]["sharpness"].reset_coords(drop=True)
    figure = Figure(partial(noise, found), "Test error and steps to fit, by share of random labels; points are seeds.")
    return Findings(claims(found, steps), tables(found, steps), {"noise": figure}, note=_NOTE)


def claims(found: xr.Dataset, steps: np.ndarray) -> list[Claim]:
    """Published statements beside ours: a number, two that say on which side it lies, and one without a number."""
    first, last = found.isel(label_noise=0, drop=True), found.isel(label_noise=-1, drop=True)
    late, early = (within_records(part["fitted"], steps) for part in (last, first))
    rises, sharp = found["test_error"].diff("label_noise").min("label_noise"), last["sharpness"] / first["sharpness"]
    return [
        Claim("train accuracy on random labels", 1.0, last["train_accuracy"], near(1.0, 0.01), main=True),
        Claim("steps to fit random labels over true ones", "above 1", ratio(late, early), above(1.0), of="geometric"),
        Claim("least rise of the test error from one share of random labels to the next", "above 0", rises, above(0.0)),
        Claim("sharpness with random labels over true ones", "not given", sharp, of="geometric"),
    ]


def tables(found: xr.Dataset, steps: np.ndarray) -> dict[str, Table]:
    """A row for every share of random labels."""
    columns: Columns = {
        "steps to fit": time("fitted", steps, "geometric"),
        "test error": "test_error",
        "sharpness": "sharpness",
    }
    return {"shares": grid(found, {"label_noise": "share"}, columns, title="By share of random labels")}


_NOTE = "A label is replaced with the probability of the share by one of all ten classes. Test labels are true."


# 5. What is drawn. This part is figures.py.


@plots.style()
def noise(found: xr.Dataset) -> Drawn:
    """Test error and time to fit against the share of random labels."""
    figure, axes = plots.panels(1, 2)
    plots.curve(found["test_error"], x="label_noise", ax=axes[0], name="test error")
    plots.curve(found["fitted"], x="label_noise", ax=axes[1], name="steps to fit")
    return figure


# 6. What a reader is told, and the functions above by what they do.

STUDY = Study(
    name="label-noise",
    title="Random labels are fitted like true ones, and cost test error",
    question="Does a network that generalises fit random labels too, and what do they cost?",
    source='C. Zhang et al., "Understanding deep learning requires rethinking generalization" (ICLR 2017)',
    papers={"Zhang et al. 2017, arXiv:1611.03530": "https://arxiv.org/abs/1611.03530"},
    scales={"quick": "200 signals, three shares: seconds", "paper": "4000 signals, six shares: minutes"},
    seeds={"quick": 4, "paper": 5},
    sweeps=_sweeps,
    measured=_measured,
    analyse=analyse,
)
"""Train accuracy, time to fit and test error by the share of random labels."""
