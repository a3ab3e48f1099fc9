"""The command line as a user meets it."""

import subprocess
import sys

import pytest

import memjax as mj
from memjax.cli import main

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
    capsys.readouterr()
    assert main(["show", "out"]) == 0
    shown = capsys.readouterr().out
    assert "4 runs: 4 finished" in shown and "axis train_size: 8, 16" in shown


MISTAKES = {
    "unknown axis": ("[over]\nlerning_rate = [1.0]", "no field 'lerning_rate'"),
    "empty axis": ("[over]\nseed = []", "'seed' has no values"),
    "negative size": ("[experiment]\ntrain_size = -1", "train_size is -1"),
    "no test examples": ("[experiment]\ntest_size = 0", "test_size is 0"),
    "one class": ('[experiment.task]\ntype = "tasks.RandomLabels"\nnum_classes = 1', "num_classes is 1"),
    "mse with labels": ('[experiment]\nloss = "mse"', "targets are class labels"),
    "batch too large": ("[experiment]\nbatch_size = 2000", "batch_size is 2000"),
    "record_every": ("[experiment]\nrecord_every = 7", "record_every is 7"),
    "unknown field": ("[experiment]\nlayers = 3", "fields of the experiment do not fit"),
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
        (["study", "l2-memorisation"], "There is no study 'l2-memorisation': use l2-memorization"),
        (["study", "l2-memorization", "--scale", "huge"], "has no scale 'huge': use quick or paper"),
        (["study", "l2-memorization", "--seeds", "0"], "seeds is 0: give at least 1"),
        (["study", "l2-memorization", "--out", "taken"], "'taken' exists already"),
        (["run", "spec.toml", "--out", "taken"], "'taken' exists already"),
        (["run", "none.toml", "--out", "out"], "cannot be read"),
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


def test_the_command_keeps_its_programs_where_it_is_told(here):
    words = [sys.executable, "-m", "memjax", "--cache", "kept", "run", "spec.toml"]
    counts = []
    for out in ("first", "second"):
        done = subprocess.run([*words, "--out", out], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        counts.append(len([path for path in (here / "kept").iterdir() if path.name.endswith("-cache")]))
    assert counts[0] >= 3 and counts[1] == counts[0]
    assert mj.open("first").drop_attrs().equals(mj.open("second").drop_attrs())


def test_studies_are_listed(capsys):
    assert main(["studies"]) == 0
    assert capsys.readouterr().out.startswith("l2-memorization  How does")


def test_no_verb_prints_help(capsys):
    assert main([]) == 2
    assert "study" in capsys.readouterr().out
