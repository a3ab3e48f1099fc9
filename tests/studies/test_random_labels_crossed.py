"""The crossed sweeps of random-labels: rows and columns by hand, and settings that hold all combinations."""

import numpy as np
import pytest
import xarray as xr

from memjax.studies.random_labels import crossed, runs
from memjax.studies.random_labels.study import STUDY

STEPS = np.arange(0, 1001, 10)
LEVELS = [0.0, 0.5, 1.0]


def _runs(hidden, factor):
    """Curves that rise along a line and reach 0.997 at their own step, ten steps apart in three seeds."""
    law = np.array([1.0, 1.0, 2.0, 3.0])[:, None, None, None]
    level = np.array([1.0, 3.0, 5.0])[:, None, None]
    units = np.array([2.0, 1.0])[:, None]
    fitted = 40.0 * factor * law * level * units + np.array([-10.0, 0.0, 10.0])
    curves = np.minimum(0.997 * STEPS / fitted[..., None], 1.0)
    coords = {"task": list(runs.CROSSED), "label_noise": LEVELS, "hidden": hidden, "seed": range(3), "step": STEPS}
    return xr.Dataset({"train_accuracy": (tuple(coords), curves)}, coords)


def _made():
    return {"one": _runs(["8", "32"], 1.0), "three": _runs(["8-8-8", "32-32-32"], 2.0)}


def test_steps_to_fit_are_first_crossings_and_infinite_for_never():
    found = crossed.crossed(_made()["three"], 0.997)
    assert float(found["fitted"].sel(task="true labels", label_noise=0.0)[0, 1]) == pytest.approx(160.0)
    slow = found.sel(task="Gaussian inputs", label_noise=1.0).isel(hidden=0, seed=1)
    assert np.isinf(slow["fitted"]) and float(slow["train_accuracy"]) == pytest.approx(0.997 * 1000 / 2400)


def test_the_table_has_a_row_for_every_law_depth_and_width():
    table = crossed.crossed_table(_made(), 0.997)
    assert table.columns[:3] == ("pixels", "hidden layers", "units") and len(table.columns) == 3 + 2 * len(LEVELS)
    rows = {row[:3]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert len(rows) == 4 * 2 * 2 and ("true pixels", "three", "32") in rows
    one = rows["random pixels", "one", "8"]
    assert [one[f"steps to fit, q = {q:g}"] for q in LEVELS] == [
        "160 (150 to 170)",
        "480 (470 to 490)",
        "800 (790 to 810)",
    ]
    assert {one[f"train accuracy, q = {q:g}"] for q in LEVELS} == {"1"}
    slow = rows["Gaussian inputs", "three", "8"]
    assert slow["steps to fit, q = 1"] == "never" and slow["train accuracy, q = 1"] == "0.415 (0.414 to 0.417)"


def test_a_sweep_of_each_depth_holds_all_levels_laws_and_widths():
    parts = {name: part for name, part in STUDY.sweeps("quick", 4).items() if name.startswith("crossed_")}
    assert list(parts) == ["crossed_shallow", "crossed_deep"]
    for part, depth in zip(parts.values(), (1, 3), strict=True):
        assert part.over["hidden"] == [(8,) * depth, (32,) * depth] and part.over["label_noise"] == tuple(LEVELS)
        pixels = [task.pixels for task in part.over["task"].values()]
        assert pixels == ["true", "shuffled", "random", "gaussian"] and len(part.over["seed"]) == 3
        assert (part.experiment.train_size, part.experiment.test_size) == (120, 0)
