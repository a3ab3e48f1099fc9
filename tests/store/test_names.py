"""Names of stores and files: resolved once, with ~ for home, and refused in a sentence where no file can have them."""

import logging
import os
from pathlib import Path

import pytest

import memjax as mj
from memjax.checks.file_names import absolute, shown
from memjax.cli import main
from memjax.studies.kit.run import new_folder

SPEC = mj.Experiment(train_size=8, steps=1, record_every=1, model=mj.models.MLP(hidden=(2,)))
TEXT = """
[experiment]
train_size = 8
steps = 1
record_every = 1
model = {type = "models.MLP", hidden = [2]}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_a_relative_store_stays_where_it_was_though_the_process_moves(here):
    class Move(logging.Handler):
        def emit(self, record):
            os.chdir(here / "elsewhere")

    log, move = logging.getLogger("memjax"), Move()
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(move)
    try:
        ds = mj.sweep(SPEC, store="runs", progress=False)
    finally:
        log.removeHandler(move)
        log.setLevel(level)
    assert Path.cwd() == here / "elsewhere" and names(here / "elsewhere") == []
    assert mj.open("../runs").identical(ds)
    # What is given back is where the file is, also after another move.
    saved = mj.save(ds, "a.nc")
    os.chdir(here)
    assert mj.open(saved).drop_attrs().identical(ds.drop_attrs())


@pytest.mark.slow
def test_a_tilde_is_the_home_folder_wherever_a_name_is_taken(here, capsys):
    ds = mj.sweep(SPEC, store="~/runs", progress=False)
    assert mj.open("~/runs").identical(ds)
    assert mj.save(ds, "~/a.nc") == here / "home" / "a.nc" and mj.open("~/a.nc").identical(ds)
    assert new_folder("~/out") == here / "home" / "out"
    (here / "home" / "spec.toml").write_text(TEXT)
    assert main(["run", "~/spec.toml", "--cache", "~/cache", "--store", "~/more", "--out", "~/out"]) == 0
    assert main(["show", "~/more"]) == 0 and "1 of 1 runs finished" in capsys.readouterr().out
    assert names(here) == ["elsewhere", "home"]
    assert names(here / "home") == ["a.nc", "cache", "more", "out", "runs", "spec.toml"]


UNFIT = {
    "empty": ("", "give a name that is not empty"),
    "a NUL": ("a\0b", "holds no NUL character"),
    "a lone surrogate": ("a\ud800", "characters that no file name can hold"),
    "too long": ("q" * 256, r"which cannot be used \(File name too long\)"),
    "a path too long": ("q/" * 3000, r"which cannot be used \(File name too long\)"),
}
TAKES = {
    "store": lambda name: mj.sweep(SPEC, store=name, progress=False),
    "open": mj.open,
    "save": lambda name: mj.save(None, name),
    "out": new_folder,
    "images": lambda name: mj.tasks.Images(name or "\0").pool,
    "folder of images": lambda name: mj.tasks.Images("mnist", folder=name or "\0").pool,
    "cache": lambda name: mj.enable_compile_cache(name or "\0"),
}


@pytest.mark.parametrize("case", UNFIT)
@pytest.mark.parametrize("taker", TAKES)
def test_a_name_that_no_file_can_have_is_refused_in_a_sentence(here, case, taker):
    name, sentence = UNFIT[case]
    with pytest.raises(mj.InputError, match=sentence if name else "not empty|NUL") as problem:
        TAKES[taker](name)
    assert len(str(problem.value)) < 300 and names(here) == ["elsewhere", "home"]


def test_names_in_a_folder_that_may_not_be_searched_are_refused(here, monkeypatch):
    def refused(self, **options):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", refused)
        with pytest.raises(mj.InputError, match=r"store is 'locked/runs', which cannot be used \(Permission denied\)"):
            absolute("store", "locked/runs")


def test_a_folder_below_a_file_is_refused(here):
    (here / "file").write_text("")
    with pytest.raises(mj.InputError, match=r"cannot be written to .Not a directory|cannot be written to .File exists"):
        mj.sweep(SPEC, store="file/runs", progress=False)
    with pytest.raises(mj.InputError, match="is a file: give a folder"):
        mj.sweep(SPEC, store="file", progress=False)


def test_a_working_folder_that_is_gone_is_said(here):
    (here / "gone").mkdir()
    os.chdir(here / "gone")
    (here / "gone").rmdir()
    try:
        with pytest.raises(mj.InputError, match="the working folder cannot be found"):
            absolute("store", "runs")
        assert absolute("store", here / "runs") == here / "runs" and shown(here) == str(here)
    finally:
        os.chdir(here)


def test_a_name_is_taken_as_it_is_otherwise(here):
    # Two dots stay, for a link may lead elsewhere; a tilde counts at the beginning alone, and with a name that is known.
    assert absolute("store", "a/../b") == here / "a" / ".." / "b"
    assert absolute("store", "a/~") == here / "a" / "~"
    assert absolute("store", "~no-such-user/a") == here / "~no-such-user" / "a"
