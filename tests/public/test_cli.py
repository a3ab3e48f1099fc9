"""The command line as a user meets it."""

import dataclasses
import importlib
import signal
import subprocess
import sys
import time

import pytest

import memjax as mj
from memjax.cli import main
from memjax.engine.training import train_runs
from memjax.store.read import progress

SPEC = """
[experiment]
steps = 4
record_every = 2
train_size = 16
task = {type = "tasks.RandomLabels", input_dim = 3, num_classes = 4}
model = {type = "models.MLP", hidden = [5]}
optimizer = {type = "optimizers.sgd", learning_rate = 0.1}

[over]
train_size = [8, 16]
seed = {range = [2]}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.toml").write_text(SPEC)
    return tmp_path


def test_run_writes_what_sweep_returns(here, capsys):
    assert main(["--no-cache", "run", "spec.toml", "--out", "out"]) == 0
    ours = mj.open("out")
    direct = mj.sweep(
        mj.Experiment(
            steps=4,
            record_every=2,
            task=mj.tasks.RandomLabels(input_dim=3, num_classes=4),
            model=mj.models.MLP(hidden=(5,)),
            optimizer=mj.optimizers.sgd(0.1),
            train_size=16,
        ),
        over={"train_size": [8, 16], "seed": [0, 1]},
    )
    assert ours.drop_attrs().equals(direct.drop_attrs())
    assert mj.Experiment.from_json(ours.attrs["experiment"]) == mj.Experiment.from_json(direct.attrs["experiment"])
    assert capsys.readouterr().out.splitlines()[-1] == "Wrote out: dataset.nc, report.html"
    assert "4 runs of models.MLP(hidden=(5,))" in (here / "out/report.html").read_text()
    assert main(["show", "out"]) == 0
    shown = capsys.readouterr().out
    assert "4 runs: 4 finished" in shown and "axis train_size: 8, 16" in shown


MISTAKES = {
    "unknown axis": ("[over]\nlerning_rate = [1.0]", "no field 'lerning_rate'"),
    "empty axis": ("[over]\nseed = []", "'seed' has no values"),
    "negative size": ("[experiment]\ntrain_size = -1", "train_size is -1"),
    "fewer than no test examples": ("[experiment]\ntest_size = -1", "test_size is -1"),
    "one class": ('[experiment.task]\ntype = "tasks.RandomLabels"\nnum_classes = 1', "num_classes is 1"),
    "mse with labels": ('[experiment]\nloss = "mse"', "targets are class labels"),
    "batch too large": ("[experiment]\nbatch_size = 2000", "batch_size is 2000"),
    "record_every": ("[experiment]\nrecord_every = 7", "record_every is 7"),
    "unknown field": ("[experiment]\nlayers = 3", "takes no 'layers'. Did you mean hidden?"),
    "unknown type": ('[experiment.task]\ntype = "os.system"', "'os.system' is not known"),
    "unknown table": ("[sweep]\nseed = [1]", "['sweep'], which are not known"),
    "not TOML": ("= 3", "not valid TOML"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_in_a_spec_exits_with_2_and_writes_nothing(case, here, capsys):
    text, sentence = MISTAKES[case]
    (here / "spec.toml").write_text(text)
    assert main(["--no-cache", "run", "spec.toml", "--out", "out"]) == 2
    said = capsys.readouterr()
    assert sentence in said.err and said.err.startswith("memjax: ") and said.err.count("\n") == 1
    assert sorted(path.name for path in here.iterdir()) == ["spec.toml"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["study", "l2-memorisation"],
            "There is no study 'l2-memorisation'. Did you mean l2-memorization",
        ),
        (["study", "grokking"], "Did you mean grokking-phases or grokking-predictors? memjax studies lists all."),
        (["study", "zzz"], "There is no study 'zzz': use data-dimensionality, double-descent, "),
        (["run", "none.toml"], "The spec 'none.toml' cannot be read: No such file"),
        (["study", "l2-memorization", "--scale", "huge"], "has no scale 'huge': use quick or paper"),
        (["study", "l2-memorization", "--seeds", "0"], "seeds is 0: give at least 1"),
        (["study", "l2-memorization", "--out", "taken"], "'taken' exists already"),
        (["run", "spec.toml", "--out", "taken"], "'taken' exists already"),
        (["run", "none.toml", "--out", "out"], "cannot be read"),
        (["run", "spec.toml"], "give --out DIR, --store DIR, or --dry-run"),
        (["run", "spec.toml", "--store", "new", "--shard", "2/2"], "shard is (2, 2): give (i, n)"),
        (["run", "spec.toml", "--store", "new", "--shard", "one"], "--shard is 'one': give I/N"),
        (["run", "spec.toml", "--store", "new", "--shard", "0/2", "--out", "out"], "give --store only"),
        (["run", "spec.toml", "--out", "out", "--shard", "0/2"], "--out writes a whole dataset"),
        (["run", "spec.toml", "--out", "out", "--repair"], "repair needs a store"),
        (["run", "spec.toml", "--store", "."], "is no store and holds 'spec.toml'"),
        (["show", "none"], "There is no dataset at"),
        (["show", "taken"], "There is no dataset at 'taken/dataset.nc'"),
    ],
)
def test_a_mistake_on_the_line_exits_with_2_and_writes_nothing(words, sentence, here, capsys):
    (here / "taken").mkdir()
    assert main(["--no-cache", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert sorted(path.name for path in here.iterdir()) == ["spec.toml", "taken"]
    assert not list((here / "taken").iterdir())


@pytest.mark.slow
def test_the_command_keeps_its_programs_where_it_is_told(here):
    words = [sys.executable, "-m", "memjax", "--cache", "kept", "run", "spec.toml"]
    counts = []
    for out in ("first", "second"):
        done = subprocess.run([*words, "--out", out], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        counts.append(len([path for path in (here / "kept").iterdir() if path.name.endswith("-cache")]))
    assert counts[0] >= 3 and counts[1] == counts[0]
    assert mj.open("first").drop_attrs().equals(mj.open("second").drop_attrs())


@pytest.mark.slow
def test_shards_on_the_line_fill_a_store_that_opens_at_any_time(here, capsys):
    words = ["--no-cache", "run", "spec.toml", "--store", "kept"]
    assert main([*words, "--shard", "1/2"]) == 0
    first, second = (here / "kept/manifest-0000.json").read_text().count('"cells"'), mj.open("kept")
    assert first == 4 and (second.status == "finished").sum() == 2 and (second.status == "waiting").sum() == 2
    assert capsys.readouterr().out.startswith("2 of 4 runs finished, 0 running, 2 waiting; 2 of 4 blocks\n")
    assert main([*words, "--out", "out"]) == 0
    assert mj.open("out").drop_attrs().identical(mj.open("kept").drop_attrs())
    assert main(["show", "kept"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["4 of 4 runs finished, 0 running, 0 waiting; 4 of 4 blocks",
                                                         "in use by nobody"]  # fmt: skip


def test_a_damaged_part_is_named_and_trained_again_on_request(here, capsys):
    words = ["--no-cache", "run", "spec.toml", "--store", "kept"]
    assert main(words) == 0
    whole, part = mj.open("kept"), sorted((here / "kept/parts").iterdir())[-1]
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(mj.InputError, match=part.name):
        mj.open("kept")
    assert main(words) == 2
    assert part.name in capsys.readouterr().err
    assert main([*words, "--repair"]) == 0
    assert mj.open("kept").identical(whole)
    assert [path.name for path in (here / "kept/damaged").iterdir()] == [part.name]


@pytest.mark.long
def test_sigterm_stops_as_ctrl_c_does(here):
    """Schedulers send SIGTERM some seconds before they kill."""
    (here / "spec.toml").write_text(SPEC.replace("steps = 4", "steps = 400000"))
    process = subprocess.Popen(
        [sys.executable, "-m", "memjax", "--no-cache", "run", "spec.toml", "--store", "kept"],
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not list(here.glob("kept/manifest*")):
        time.sleep(0.01)
    time.sleep(2.0)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 130
    assert said == "memjax: Stopped. What was done is kept in 'kept': the same call goes on from there.\n"
    assert "in use by nobody" in progress(here / "kept")


@pytest.mark.long
def test_a_study_goes_on_from_its_stores(here, monkeypatch, capsys):
    from memjax import studies

    words = ["--no-cache", "study", "l2-memorization", "--seeds", "1", "--store", "kept"]
    small = mj.sweep
    monkeypatch.setattr(importlib.import_module("memjax.studies.kit.run"), "sweep", lambda e, over, **options: small(
        dataclasses.replace(e, steps=20), over, **options))  # fmt: skip
    assert main([*words, "--out", "first"]) == 0
    monkeypatch.setattr(train_runs, "execute", None)  # Nothing is left to execute.
    assert main([*words, "--out", "second"]) == 0
    assert mj.open("first").drop_attrs().identical(mj.open("second").drop_attrs())
    assert sorted(path.name for path in (here / "kept").iterdir()) == sorted(
        studies.find("l2-memorization").sweeps("quick", 1)
    )


def test_studies_are_listed(capsys):
    assert main(["studies"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert listed == mj.studies.names() and "l2-memorization" in listed


def test_all_reports_are_opened_as_one_page(here, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or len(opened) == 1)
    assert main(["studies", "--open"]) == 2
    assert "There is no report below 'runs': make one with memjax study NAME" in capsys.readouterr().err
    mj.report(mj.sweep(mj.Experiment(steps=2, record_every=1, train_size=8, measures=())), here / "mine" / "first")
    assert main(["studies", "--open", "--runs", "mine"]) == 0
    assert capsys.readouterr().out == "Wrote mine/index.html\n" and opened == [(here / "mine/index.html").as_uri()]
    assert '<a href="first/report.html">first</a>' in (here / "mine/index.html").read_text()
    assert main(["studies", "--open", "--runs", "mine"]) == 0
    assert f"No browser could be opened: open {opened[0]} yourself." in capsys.readouterr().out


SMALL = "[experiment]\nsteps = 2\nrecord_every = 1\n"
FILES = {
    "a byte order mark": ("spec.toml", b"\xef\xbb\xbf" + SMALL.encode(), 0, "1 run of networks"),
    "a byte order mark before JSON": (
        "spec.json",
        b'\xef\xbb\xbf{"experiment": {"steps": 10}}',
        0,
        "1 run of networks",
    ),
    "Windows line ends": ("spec.toml", SMALL.replace("\n", "\r\n").encode(), 0, "1 run of networks"),
    "UTF-16": ("spec.toml", SMALL.encode("utf-16"), 2, "'spec.toml' is in UTF-16: save it as UTF-8."),
    "Latin-1": ("spec.toml", b"# \xe9\n" + SMALL.encode(), 2, "'spec.toml' is no text in UTF-8: save it as UTF-8."),
    "a key twice": ("spec.json", b'{"experiment": {"steps": 2, "steps": 20}}', 2, "'steps' stands twice in one table"),
    "a table twice": ("spec.json", b'{"over": {}, "over": {"seed": [1]}}', 2, "'over' stands twice in one table"),
    "no number": ("spec.json", b'{"experiment": {"loss_scale": NaN}}', 2, "loss_scale is nan: give a finite number"),
    "1e10 cells": (
        "spec.toml",
        b"[over]\nseed = {range = [100000]}\ndata_seed = {range = [100000]}\n",
        2,
        "The axes have 100000 x 100000 = 10,000,000,000 cells, more than the 10,000,000 that a sweep may have",
    ),
    "a range of 1e11": (
        "spec.toml",
        b"[over]\nseed = {range = [100000000000]}\n",
        2,
        "The range [100000000000] of axis 'seed' has more than 10,000,000 values",
    ),
    "1e11 examples": (
        "spec.toml",
        SMALL.encode() + b"train_size = 100000000000\n",
        2,
        "The sweep needs about 1.6",
    ),
    "1e20 examples": (
        "spec.toml",
        SMALL.encode() + b"train_size = 100000000000000000000\n",
        2,
        "A run has 100000000000000000000 examples in one split, more than",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_what_a_spec_may_be_written_as_and_ask_for(case, here, capsys):
    name, content, code, sentence = FILES[case]
    (here / name).write_bytes(content)
    assert main(["run", name, "--dry-run"]) == code
    said = capsys.readouterr()
    assert sentence in (said.err if code else said.out) and said.err.count("\n") == (1 if code else 0)


def test_a_key_twice_in_the_json_of_an_experiment_is_refused():
    text = mj.Experiment().to_json()
    assert mj.Experiment.from_json("\ufeff" + text) == mj.Experiment()
    with pytest.raises(mj.InputError, match="not valid JSON: the key 'steps' stands twice in one table"):
        mj.Experiment.from_json(text.replace('"steps"', '"steps": 1, "steps"'))


@pytest.mark.parametrize(
    "words", [["--no-cache", "--cache", "a", "show", "no"], ["show", "--cache", "a", "no", "--no-cache"]]
)
def test_flags_of_all_verbs_stand_before_and_after_the_verb(words):
    from memjax.cli.parser import parser

    options = parser().parse_args(words)
    assert (options.no_cache, options.cache, options.version) == (True, "a", False)
    assert parser().parse_args(["show", "no"]).no_cache is False


def test_no_cache_after_the_verb_keeps_no_programs(here, monkeypatch):
    monkeypatch.setattr("memjax.jax_settings.enable_compile_cache", lambda folder: pytest.fail("the cache is on"))
    assert main(["run", "spec.toml", "--store", "runs", "--no-cache"]) == 0


# One process that imports memjax once and forks for every case: each child ends as a command does, at exit included.
READERS = """
import os, sys, warnings
from memjax.cli import main
warnings.simplefilter("ignore")

def gone():
    read, write = os.pipe()
    os.close(read)
    os.dup2(write, 1)

def full():
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)

def none():
    sys.stdout = None

sys.stdout.reconfigure(line_buffering=True)  # Nothing is left for a child to write once more.
for reader, *words in ((gone, "studies"), (gone, "--help"), (full,), (none, "--version")):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(write, 2)
        reader()
        sys.exit(main(words))
    os.close(write)
    said = open(read).read()
    print(reader.__name__, *words, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.strip())
"""


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /dev/full")
def test_output_that_nobody_takes_ends_in_no_traceback():
    done = subprocess.run([sys.executable, "-c", READERS], capture_output=True, text=True)
    reader, after_help, full, none = done.stdout.splitlines()
    assert reader == "gone studies 141 "
    # The help is written by argparse, which passes over what it cannot write at once.
    assert after_help in ("gone --help 141 ", "gone --help 0 ")
    assert full == "full 2 memjax: The output cannot be written (No space left on device)."
    assert none == "none --version 0 "


def test_no_verb_prints_help(capsys):
    assert main([]) == 2
    assert "study" in capsys.readouterr().out
