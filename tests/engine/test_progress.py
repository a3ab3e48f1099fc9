"""Progress with a clock of its own: what is counted, how long the rest takes, and how often a log gets a line."""

import io
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from memjax.engine.training import display, train_runs
from memjax.engine.training.display import Bar, Lines, Nowhere, display_of
from memjax.engine.training.keep import InMemory
from memjax.engine.training.pace import Pace
from memjax.engine.training.progress import Progress


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def block(runs, seconds, steps=100):
    return SimpleNamespace(runs=range(runs), seconds=seconds, program=SimpleNamespace(steps=steps))


def plan(*blocks):
    return SimpleNamespace(blocks=blocks, runs=[run for one in blocks for run in one.runs])


@pytest.fixture
def lines(capsys):
    def read():
        return [line.removeprefix("memjax: ") for line in capsys.readouterr().err.splitlines()]

    return read


def test_the_time_left_follows_from_work_and_not_from_blocks(lines):
    """The small block took 10 s, so the large one, nine times the work, takes 90 s."""
    clock, small, large = Clock(), block(5, 1.0), block(5, 9.0)
    with Progress(plan(small, large), True, clock=clock) as bar:
        clock.now = 30.0  # The first compile is no work.
        bar.compiled()
        clock.now = 40.0
        bar.steps(small, 100)
        bar.finished(small)
        clock.now = 100.0
        bar.steps(large, 50)
        clock.now = 115.0
        bar.steps(large, 50)
        bar.finished(large)
    assert lines() == [
        "0 of 10 runs done, compiling",
        "0 of 10 runs done, about 2 min left",
        "5 of 10 runs done, about 57 s left",
        "10 of 10 runs done in 2 min",
    ]


def test_what_a_store_had_counts_as_done_and_not_for_the_speed(lines):
    clock, left = Clock(), block(10, 10.0)
    bar = Progress(plan(left), True, done=30, clock=clock)
    with bar:
        bar.compiled()
        bar.resumed(left, 50)
        assert bar._pace.share == pytest.approx(35 / 40)
        clock.now = 20.0
        bar.steps(left, 25)
        # A quarter of the block took 20 s, and a quarter is left.
        assert bar._pace.left() == pytest.approx(20.0)
    assert lines()[:2] == ["30 of 40 runs done, compiling", "30 of 40 runs done, about 20 s left"]


def test_steps_that_are_done_again_and_steps_that_are_spared_are_counted_once():
    clock, failed, parts = Clock(), block(4, 8.0), [block(2, 4.0), block(2, 4.0)]
    bar = Progress(plan(failed), False, clock=clock)
    with bar:
        bar.compiled()
        clock.now = 10.0
        bar.steps(failed, 50)
        bar.steps(failed, -50)
        assert bar._pace.share == 0.0 and bar._pace.left() is None
        bar.steps(parts[0], 30)
        # The condition stopped these runs after 30 of 100 steps.
        bar.finished(parts[0])
        assert bar._pace.share == pytest.approx(0.5)
        bar.steps(parts[1], 100)
        bar.finished(parts[1])
        assert bar._pace.share == pytest.approx(1.0) and bar._pace.left() == pytest.approx(0.0)


def test_there_is_never_less_than_no_time_left():
    clock = Clock()
    pace = Pace(10.0, clock)
    pace.start()
    clock.now = 5.0
    pace.did(12.0)
    assert pace.left() == 0.0 and pace.share == 1.0
    assert Pace(0.0).share == 0.0 and Pace(0.0).left() is None


def test_a_log_gets_a_line_at_once_then_after_ten_seconds_then_one_a_minute(lines):
    clock = Clock()
    log = Lines(clock)
    for second in range(200):
        clock.now = float(second)
        log.show(0.0, f"{second}")
    log.end(1.0, "end")
    assert lines() == ["0", "10", "70", "130", "190", "end"]


def test_with_an_executor_a_log_gets_a_line_for_a_finished_block_at_most_every_ten_seconds(lines):
    """Such a block is seen only when it is finished, so a line a minute would leave most of them out."""
    clock, blocks = Clock(), [block(1, 1.0) for _ in range(12)]
    with Progress(plan(*blocks), True, clock=clock, elsewhere=True) as bar:
        bar.compiled()
        for i, one in enumerate(blocks):
            clock.now = 4.0 * (i + 1)
            bar.steps(one, 100)
            bar.finished(one)
    told = [line.partition(" of")[0] for line in lines()]
    # A line comes before the last block of its time is counted as finished: at 12, 24, 36 and 48 s, and at the end.
    assert told == ["0", "2", "5", "8", "11", "12"]


def test_only_an_executor_trains_elsewhere(monkeypatch):
    made = []
    monkeypatch.setattr(train_runs, "Progress", lambda *given, **named: made.append(named) or nullcontext())
    monkeypatch.setattr(train_runs, "execute", lambda *given: None)
    monkeypatch.setattr(train_runs, "execute_on", lambda *given: None)
    for executor in (object(), None):
        train_runs.train_plan(plan(), InMemory(), True, executor)
    assert made == [{"elsewhere": True}, {"elsewhere": False}]


def test_parts_that_have_the_same_id_one_after_the_other_are_all_counted():
    clock, part = Clock(), block(2, 4.0)
    bar = Progress(plan(block(4, 8.0), block(4, 8.0)), False, clock=clock)
    with bar:
        bar.compiled()
        for share in (0.25, 0.5):
            bar.steps(part, 50)
            bar.finished(part)  # A condition stopped the runs.
            assert bar._pace.share == pytest.approx(share)


def test_an_interrupt_says_what_was_done(lines):
    clock = Clock()
    with pytest.raises(KeyboardInterrupt), Progress(plan(block(3, 1.0)), True, clock=clock):
        clock.now = 120.0
        raise KeyboardInterrupt
    assert lines()[-1] == "stopped after 2 min, 0 of 3 runs done"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar_and_a_log_gets_lines_only_if_asked(monkeypatch, capsys):
    assert isinstance(display_of(None), Nowhere) and isinstance(display_of(True), Lines)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(display_of(False), Nowhere)
    bar = display_of(None)
    assert isinstance(bar, Bar)
    bar.show(0.25, "1 of 4 runs done, about 3 min left")
    bar.end(1.0, "4 of 4 runs done in 4 min")
    shown = sys.stderr.getvalue()
    assert " 25%|" in shown and "1 of 4 runs done, about 3 min left" in shown
    assert shown.rstrip().endswith("| 4 of 4 runs done in 4 min") and "100%|" in shown


def test_a_notebook_without_widgets_gets_a_bar_of_letters(monkeypatch):
    monkeypatch.setattr(display, "_in_notebook", lambda: True)
    monkeypatch.setattr(display.importlib.util, "find_spec", lambda name: None)
    assert display._tqdm().__module__ == "tqdm.std"
    monkeypatch.setattr(display.importlib.util, "find_spec", lambda name: name)
    assert display._tqdm().__module__ == "tqdm.notebook"
