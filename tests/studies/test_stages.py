"""The stages of a study: trained, saved, measured part by part, analysed, and made again without training."""

import csv
import dataclasses
import json
import shutil

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure as Drawn

import memjax as mj
from memjax import studies
from memjax.studies import Claim, Figure, Findings, Measured, Study, Sweep, Table
from memjax.studies.kit import near
from memjax.studies.kit.measured import measure_all

EXPERIMENT = mj.Experiment(steps=4, record_every=2, train_size=8, snapshots=(0, 4), model=mj.models.MLP(hidden=(4,)))


def norms(dataset):
    """Norm of all parameters at every snapshot, by the weights alone."""
    return mj.measure(
        dataset, [lambda snapshot: {"norm": np.sqrt(sum(np.square(w).sum() for w in leaves(snapshot.params)))}]
    )


def leaves(tree):
    return [array for layer in tree.values() for array in layer.values()]


def analyse(datasets):
    assert all("parameters" not in dataset for dataset in datasets.values())
    last = datasets["norms"]["norm"].isel(snapshot=-1).reset_coords(drop=True)
    l2 = datasets["runs"]["weight_l2"].isel(step=-1).reset_coords(drop=True)
    rows = tuple((str(seed), f"{float(last.sel(seed=seed)):.6g}") for seed in last["seed"].values)
    return Findings(
        claims=[Claim("norm from the weights over the recorded one", 1.0, last / l2, near(1.0, 1e-5), main=True)],
        tables={"norms": Table("Norms", ("seed", "norm"), rows)},
        figures={"norms": Figure(lambda: drawn(last), "Norms at the end.")},
        datasets={"ends": datasets["runs"][["weight_l2"]].isel(step=[-1])},
    )


def drawn(values):
    figure = Drawn(figsize=(3.0, 2.0))
    figure.subplots().plot(values)
    return figure


STUDY = Study(
    name="own",
    title="A study",
    question="Is the recorded norm that of the weights?",
    source="nowhere",
    scales={"small": "two seeds"},
    seeds={"small": 2},
    sweeps=lambda scale, seeds: {
        "runs": Sweep(EXPERIMENT, {"seed": range(seeds)}),
        "beside": Sweep(EXPERIMENT, {"seed": range(1)}),
    },
    analyse=analyse,
    measured=lambda scale: {"norms": Measured("runs", norms, by="seed")},
)
TEXTS = ("claims.json", "norms.csv", "published.csv", "report.md", "report.html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return studies.run(STUDY, tmp_path_factory.mktemp("study") / "out", progress=False)[0]


def test_a_study_leaves_data_claims_tables_figures_and_both_reports(folder):
    data = {"dataset.nc", "beside.nc", "norms.nc", "ends.nc"}
    assert {path.name for path in folder.iterdir()} == data | set(TEXTS) | {"norms.png", "norms.pdf"}
    found = json.loads((folder / "claims.json").read_text())
    assert [found[name] for name in ("study", "scale", "seeds")] == ["own", "small", 2]
    assert found["claims"][0]["verdict"] == "as published" and len(found["claims"][0]["runs"]["values"]) == 2
    assert found["answer"][0] == "Of 1 published statement that was compared, 1 came out as published."
    with open(folder / "published.csv", newline="") as file:
        assert [list(row) for row in csv.reader(file)] == found["tables"]["published"]["rows"]
    assert "memjax.studies.run(study, 'own-small-again', scale='small', seeds=2)" in (folder / "report.md").read_text()


def test_made_again_every_text_is_the_same(folder, monkeypatch, made_again):
    measured = (folder / "norms.nc").stat().st_mtime_ns
    monkeypatch.setattr("memjax.studies.kit.run.sweep", None)
    monkeypatch.setattr(mj, "measure", None)
    made_again(folder, STUDY)
    assert (folder / "norms.nc").stat().st_mtime_ns == measured


def test_made_again_what_is_missing_is_measured_on_the_snapshots(folder):
    before = xr.load_dataset(folder / "norms.nc", engine="h5netcdf")
    (folder / "norms.nc").unlink()
    studies.again(folder, study=STUDY)
    xr.testing.assert_identical(xr.load_dataset(folder / "norms.nc", engine="h5netcdf"), before)


def links(scale, datasets):
    """Sweeps of which each starts from the end of the one before; the third comes once the second is there."""
    made = {}
    for before, name in (("runs", "second"), ("second", "third")):
        if before in datasets:
            ends = {one.run["seed"]: one.start for one in mj.snapshots(datasets[before]) if one.step == 4}
            made[name] = Sweep(EXPERIMENT, {("seed", "start"): list(ends.items())})
    return made


@pytest.mark.slow
def test_sweeps_that_follow_one_another_are_trained_once_each_and_go_on(tmp_path, monkeypatch):
    trained = []

    def counted(experiment, over, **options):
        trained.append(experiment)
        return mj.sweep(experiment, over, **options)

    monkeypatch.setattr("memjax.studies.kit.run.sweep", counted)
    study = dataclasses.replace(STUDY, further=links)
    folder, _ = studies.run(study, tmp_path / "out", progress=False)
    assert len(trained) == 4
    runs, second, third = (mj.open(folder / f"{name}.nc") for name in ("dataset", "second", "third"))
    for before, after in ((runs, second), (second, third)):
        assert after["seed"].values.tolist() == [0, 1]
        np.testing.assert_array_equal(after["parameters"].sel(snapshot=0), before["parameters"].sel(snapshot=4))


class Killed(Exception):
    """What ends a run in the middle."""


def counting(monkeypatch, fail_at=None):
    """The same study, whose measure counts its calls and ends the run at one of them."""
    calls = []

    def compute(dataset):
        calls.append(dataset["seed"].values.tolist())
        if len(calls) == fail_at:
            raise Killed
        return norms(dataset)

    compute.__memjax_content__ = "norms"
    return calls, dataclasses.replace(STUDY, measured=lambda scale: {"norms": Measured("runs", compute, by="seed")})


def test_a_run_that_was_killed_while_measuring_goes_on_behind_its_last_part(tmp_path, monkeypatch):
    calls, dying = counting(monkeypatch, fail_at=2)
    with pytest.raises(Killed):
        studies.run(dying, tmp_path / "out", store=tmp_path / "store", seeds=3, progress=False)
    assert calls == [[0], [1]] and not (tmp_path / "out").exists()
    calls, living = counting(monkeypatch)
    folder, _ = studies.run(living, tmp_path / "out", store=tmp_path / "store", seeds=3, progress=False)
    assert calls == [[1], [2]] and not list(folder.glob("*.seed-*"))
    whole, _ = studies.run(living, tmp_path / "whole", seeds=3, progress=False)
    assert (folder / "norms.csv").read_text() == (whole / "norms.csv").read_text()


def test_without_a_store_the_folder_keeps_what_was_trained_and_measured(tmp_path, monkeypatch):
    calls, dying = counting(monkeypatch, fail_at=2)
    with pytest.raises(Killed):
        studies.run(dying, tmp_path / "out", seeds=3, progress=False)
    calls, living = counting(monkeypatch)
    studies.again(tmp_path / "out", study=living)
    assert calls == [[1], [2]] and (tmp_path / "out" / "claims.json").exists()


@pytest.mark.slow
def test_parts_of_other_networks_or_by_another_function_are_measured_again(tmp_path):
    runs = {"runs": mj.sweep(EXPERIMENT, {"seed": [0, 1]}, progress=False)}
    first = measure_all(STUDY, "small", runs, tmp_path)["norms"]["norm"]
    longer = mj.sweep(dataclasses.replace(EXPERIMENT, steps=6, snapshots=(0, 6)), {"seed": [0, 1]}, progress=False)
    second = measure_all(STUDY, "small", {"runs": longer}, tmp_path)["norms"]["norm"]
    assert not np.allclose(first.isel(snapshot=-1), second.isel(snapshot=-1))
    double = dataclasses.replace(
        STUDY, measured=lambda scale: {"norms": Measured("runs", lambda dataset: 2.0 * norms(dataset), by="seed")}
    )
    np.testing.assert_allclose(measure_all(double, "small", {"runs": longer}, tmp_path)["norms"]["norm"], 2.0 * second)


@pytest.mark.slow
def test_networks_without_a_recorded_loss_are_told_apart_by_their_other_records(tmp_path):
    runs = mj.sweep(dataclasses.replace(EXPERIMENT, measures=("accuracy",)), {"seed": [0]}, progress=False)
    study = dataclasses.replace(
        STUDY, measured=lambda scale: {"norms": Measured("runs", lambda dataset: dataset[["train_accuracy"]])}
    )
    first = measure_all(study, "small", {"runs": runs}, tmp_path)["norms"]
    others = runs.assign(train_accuracy=runs["train_accuracy"] + 1.0)
    second = measure_all(study, "small", {"runs": others}, tmp_path)["norms"]
    xr.testing.assert_equal(second["train_accuracy"], first["train_accuracy"] + 1.0)


def test_measured_by_seed_is_measured_at_once(tmp_path):
    runs = {"runs": mj.sweep(EXPERIMENT, {"seed": [0, 1, 2]}, progress=False)}
    whole = dataclasses.replace(STUDY, measured=lambda scale: {"norms": Measured("runs", norms)})
    parts, at_once = (
        measure_all(study, "small", runs, tmp_path / name) for name, study in (("a", STUDY), ("b", whole))
    )
    one, other = (found["norms"]["norm"].transpose("seed", "snapshot") for found in (parts, at_once))
    xr.testing.assert_equal(one, other)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path, folder: path / "none", "has no dataset.nc: give the folder that a study has made"),
        (lambda path, folder: saved(path), "is not the dataset of a study"),
    ],
)
def test_a_folder_that_no_study_made_is_refused(tmp_path, folder, make, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        studies.again(make(tmp_path, folder))


def saved(path):
    mj.save(mj.sweep(dataclasses.replace(EXPERIMENT, snapshots=()), {"seed": [0]}, progress=False), path / "dataset.nc")
    return path


def test_a_folder_that_lost_a_dataset_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "beside.nc").unlink()
    with pytest.raises(mj.InputError, match=r"lacks the dataset 'beside': put beside\.nc back into it"):
        studies.again(tmp_path / "copy", study=STUDY)


def test_the_folder_of_another_study_is_refused_and_one_that_exists_says_what_to_do(folder):
    with pytest.raises(mj.InputError, match="is of the study 'own', not of 'omnigrok'"):
        studies.again(folder, study=dataclasses.replace(STUDY, name="omnigrok"))
    with pytest.raises(mj.InputError, match=r"exists already.*without training, give it as --again"):
        studies.run(STUDY, folder)
