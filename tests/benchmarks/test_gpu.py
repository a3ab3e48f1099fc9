"""The first minutes on a GPU: sections fail alone, leave their results as they go, keep to the time; and a dry run passes."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.gpu import references, sections, table
from benchmarks.gpu.check_cases import CASES
from benchmarks.gpu.kernels import Event, read_events, summary
from benchmarks.gpu.predictions import PREDICTIONS
from benchmarks.gpu.sections import LATE, Section, Session

ROOT = Path(__file__).parents[2]


def fails():
    raise ValueError("no such kernel")


def test_a_failure_stops_nothing_and_results_are_on_disk_as_they_come(tmp_path):
    seen = []

    def look():
        seen.append(sections.read(tmp_path)["check"])
        return {"pass": True}

    def broken(session):
        yield "begun", lambda: 1
        raise OSError("the section itself")

    given = [
        Section("first", 1, lambda session: iter([("bad", fails), ("good", lambda: 2)])),
        Section("broken", 1, broken),
        Section("last", 1, lambda session: iter([("quick", lambda: 3), ("look", look)])),
    ]
    said = []
    results = sections.run(Session("check", tmp_path, 60), given, said.append)
    (held,) = seen
    assert "no such kernel" in held["first"]["parts"]["bad"]["error"]
    assert held["first"]["parts"]["good"]["value"] == 2
    assert held["last"]["parts"]["quick"]["value"] == 3
    assert held["broken"]["parts"]["begun"]["value"] == 1 and "the section itself" in held["broken"]["error"]
    assert all(own["device"] == sections.device_name() for own in held.values())
    assert sections.read(tmp_path)["check"] == json.loads(json.dumps(results))
    assert [line.split("] ")[1].split(":")[0] for line in said] == ["first", "broken", "last"]
    text = table.text("check", results)
    assert "1 of 1 checks hold" in text and "ERROR   first / bad: ValueError: no such kernel" in text


def test_results_of_the_other_command_stay(tmp_path):
    one = [Section("only", 1, lambda session: iter([("part", lambda: 1)]))]
    for command in ("check", "bench"):
        sections.run(Session(command, tmp_path, 60), one, lambda line: None)
    assert set(sections.read(tmp_path)) == {"check", "bench"}
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_what_there_is_no_time_for_is_said_and_shorter_sections_still_run(tmp_path):
    parts = lambda session: iter([("part", lambda: 1)])  # noqa: E731
    results = sections.run(Session("bench", tmp_path, 10), [Section("long", 60, parts), Section("short", 1, parts)])
    assert results["long"]["not run"] == LATE and results["long"]["parts"] == {}
    assert results["short"]["parts"]["part"]["value"] == 1
    # Sections that take longer than they should leave time to those after them.
    slow = Section("slow", 0.0, lambda session: iter([("first", lambda: sum(range(10**6))), ("second", lambda: 2)]))
    assert sections.run(Session("bench", tmp_path, 10), [slow])["slow"]["parts"]["second"] == {"not run": LATE}


@pytest.mark.parametrize("name", CASES)
def test_the_references_are_those_of_the_cases(name):
    held = references.load(name)
    assert {"start", "float32|train_loss", "float64|train_loss"} <= set(held)
    assert references.PATH.stat().st_size < 2**20


def test_references_of_another_case_are_refused(monkeypatch):
    monkeypatch.setitem(CASES, "MLP", CASES["SGLD"])
    with pytest.raises(ValueError, match=r"^refs\.npz is not of the case MLP"):
        references.load("MLP")


def test_kernels_are_read_from_the_streams_of_a_trace_alone(tmp_path):
    name = lambda kind, pid, tid, text: {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": text}}  # noqa: E731
    kernel = lambda pid, tid, text, ts, dur: {"ph": "X", "pid": pid, "tid": tid, "name": text, "ts": ts, "dur": dur}  # noqa: E731
    events = [
        name("process_name", 1, 0, "/device:GPU:0"),
        name("thread_name", 1, 7, "Stream #7(Compute)"),
        name("thread_name", 1, 8, "XLA Ops"),
        name("process_name", 2, 0, "/host:CPU"),
        name("thread_name", 2, 1, "tf_XLAEigen/1"),
        kernel(1, 7, "gemm", 10, 4),
        kernel(1, 7, "gemm", 12, 4),
        kernel(1, 7, "add", 18, 2),
        kernel(1, 8, "the same again", 10, 10),
        kernel(2, 1, "host", 0, 50),
    ]
    with gzip.open(tmp_path / "one.trace.json.gz", "wt") as file:
        json.dump({"traceEvents": events}, file)
    found = summary(read_events(tmp_path))
    assert found["kernels"] == [{"name": "gemm", "us": 8, "count": 2}, {"name": "add", "us": 2, "count": 1}]
    assert (found["span us"], found["busy us"], found["gap share"]) == (10, 8, 0.2)
    assert Event("add", 18, 2) in read_events(tmp_path)


def test_the_table_has_numbers_beside_what_was_expected_and_is_short():
    one = next(one for one in PREDICTIONS if one.part == "a" and one.keys == ("ms a step",))
    many = {f"part {i}": {"value": {"text": "x" * 300}} for i in range(500)}
    results = {
        "memjax": {"device": "a card", "seconds": 1.0, "parts": {"a": {"value": {"ms a step": 2.25}}}},
        "many": {"device": "a card", "seconds": 1.0, "parts": many},
    }
    text = table.text(one.command, results)
    assert "memjax, a: ms a step 2.5..3.5 2.25 estimated" in " ".join(text.split())
    assert len(text) <= 10_000


@pytest.mark.slow
def test_sections_of_a_dry_run_pass_on_a_cpu(tmp_path):
    command = [sys.executable, "-m", "benchmarks.gpu", "check", "--out", str(tmp_path), "--dry", "--only"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([*command, "machine", "bits"], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    results = json.loads((tmp_path / "results.json").read_text())["check"]
    assert not any("error" in part for own in results.values() for part in own["parts"].values())
    assert results["bits"]["parts"]["in a second process"]["value"]["resumed"]["pass"]
    assert "8 of 8 checks hold" in done.stdout
