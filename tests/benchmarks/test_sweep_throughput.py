"""The comparison's own arithmetic: what counts as work, what is scaled up, what is refused, what is printed."""

import importlib.util
import sys

import numpy as np
import pytest
from benchmarks.sweep_throughput import __main__ as command
from benchmarks.sweep_throughput import (
    budget,
    check,
    flops,
    machine,
    peers,
    plot,
    session,
    summary,
    table,
    worker,
    works,
)
from benchmarks.sweep_throughput.report import Peak, Reading, Report, Row, facts_of, load, save

SMALL = works.grid("small", (50, 100), 4, steps=100)


def reading(first, second=None, programs=0, **more):
    return Reading(1.0, first, second, 0.5 * programs, programs, 0, 300.0, **more)


def row(peer, share, cold, warm=None, repeat=0, work="small", error=None):
    return Row(work, peer, repeat, 8, 100, share, cold, warm, error)


@pytest.fixture
def report():
    facts = {"gpu": None, "cpu": "a processor", "cores": 2, "versions": {"jax": "0"}, "date": "today"}
    scaling = works.grid("scale-seeds-1", (800,), 1, steps=100)
    rows = [
        row("memjax", 1.0, reading(4.0, 2.0, 3), reading(2.5, None, 3)),
        row("memjax", 1.0, reading(4.2, 2.2, 3), reading(2.5, None, 3), repeat=1),
        row("memjax", 1.0, reading(4.1, 2.4, 3), reading(2.5, None, 3), repeat=2),
        row("torch-eager", 0.25, reading(3.0, 2.5, others=1.4)),
        row("torch-func", 1.0, None, error="out of memory"),
        row("memjax", 1.0, reading(4.0, 1.0, 3, facts={"lanes": 2, "blocks": 1}), work="scale-seeds-1"),
    ]
    peaks = [
        Peak("small", i, {"numpy 2048": 0.1, "jax 2048": gflops}, 20.0) for i, gflops in enumerate((1.0, 2.0, 0.5))
    ]
    return Report(facts, {}, {work.name: facts_of(work) for work in (SMALL, scaling)}, peaks, rows)


def test_useful_operations_are_those_counted_by_hand():
    # 9 * 100 + 100 * 100 + 100 * 17 = 12600 products; backward has twice as many, less 900 for the input's gradient.
    one = works.grid("one", (50,), 1, steps=20)
    assert flops.useful_flops(one) == 2 * (3 * 12600 - 900) * 50 * 20 + 2 * 12600 * 3 * (50 + 50)
    assert flops.useful_flops(works.grid("two", (50,), 2, steps=20)) == 2 * flops.useful_flops(one)


def test_the_short_last_batch_of_an_epoch_counts_as_what_it_holds():
    assert flops.run_examples(300, 128, 5) == 128 + 128 + 44 + 128 + 128
    assert flops.run_examples(256, 128, 4) == 512


def test_minibatches_are_epochs_without_replacement():
    from benchmarks.sweep_throughput.peers._jax import batch_rows

    rows = batch_rows(np.random.default_rng(0), 300, 128, 10, 5).reshape(10, 128)
    assert (rows >= 0).sum(1).tolist() == [128, 128, 44] * 3 + [128]
    for epoch in (rows[:3], rows[3:6]):
        assert sorted(epoch[epoch >= 0].tolist()) == list(range(300))
    assert not np.array_equal(rows[:3], rows[3:6])


def test_a_part_keeps_every_size_and_spreads_over_the_runs():
    part = works.fewer(works.grid("d", (50, 100), 1, works.rates(8)), 2, 30)
    assert (part.sizes, part.steps) == ((50, 50, 100, 100), 30)
    assert part.learning_rates == pytest.approx([works.rates(8)[i] for i in (0, 4, 0, 4)])


@pytest.mark.parametrize(
    ("limit", "grain", "runs", "steps"),
    [
        (1000.0, 1, 4, 100),  # There is time for all of it.
        (2.0, 1, 2, 100),  # Half of the time: half of the runs.
        (2.0, 4, 4, 50),  # Half of the time, but only all runs are telling: half of the steps.
        (0.1, 1, 1, 10),  # No time: the least that shows anything.
    ],
)
def test_the_part_keeps_to_the_limit(limit, grain, runs, steps):
    # The whole takes two seconds a call, and there are two calls.
    part = budget.choose_part(SMALL, SMALL, 2.0, grain, limit)
    assert (part.sizes.count(50), part.steps) == (runs, steps)


def test_scaling_up_leaves_the_start_alone():
    half = works.fewer(SMALL, 2, 100)
    assert budget.share(SMALL, half) == 0.5
    assert budget.scaled(1.0, 5.0, 3.0, 0.5) == 1.0 + 5.0 + 3.0
    assert budget.scaled(1.0, 5.0, 3.0, 1.0) == 6.0
    tenth = works.fewer(SMALL, 4, 10)
    assert budget.share(SMALL, tenth) == pytest.approx((10 * 73800 + 2 * 2 * 25200) / (100 * 73800 + 11 * 2 * 25200))


def test_a_line_has_medians_ranges_and_ratios(report):
    ours, theirs = summary.lines(report, "small")
    assert (ours.cold, ours.warm, ours.steady) == (
        summary.Spread(pytest.approx(5.1), 5.0, pytest.approx(5.2)),
        summary.Spread(3.5, 3.5, 3.5),
        summary.Spread(2.2, 2.0, 2.4),
    )
    assert (theirs.estimated, theirs.warm, theirs.steady.median) == (True, None, 10.0)
    assert theirs.cold.median == 1.0 + 3.0 + 3 * 2.5
    assert (theirs.cold_ratio, theirs.steady_ratio) == (pytest.approx(11.5 / 5.1), pytest.approx(10.0 / 2.2))
    assert ours.peak_share == pytest.approx(flops.useful_flops(SMALL) / 2.2e9 / 1.0)


def test_where_a_second_call_was_not_made_the_one_with_a_filled_cache_stands_in():
    assert summary.steady_seconds(row("memjax", 1.0, reading(90.0, None, 3), reading(88.0, None, 3))) == 88.0


def test_a_stored_report_is_printed_and_drawn(report, tmp_path):
    save(report, tmp_path / "report.json")
    again = load(tmp_path / "report.json")
    assert again == report
    text = table.text(again)
    eager = next(line.split() for line in text.splitlines() if line.split()[:1] == ["torch-eager"])
    assert eager[1:4] == ["~11.5", "-", "~10.0"]
    assert "5.10 (5.00..5.20)" in text
    assert "Others kept up to 1.4 cores busy, so take with care: small torch-eager." in text
    assert "failed: small torch-func 0: out of memory" in text
    growth = next(line.split() for line in text.splitlines() if line.split()[:1] == ["seeds-1"])
    assert growth[1:] == ["1", "2", "1", "1.00", "12500.0", "1.00", "12500.0", "1.00"]
    plot.draw(again, tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 10_000


def test_show_measures_nothing(report, tmp_path, monkeypatch, capsys):
    save(report, tmp_path / "report.json")
    monkeypatch.setattr(session, "run", None)
    monkeypatch.setattr(sys, "argv", ["sweep_throughput", "--show", str(tmp_path / "report.json")])
    assert command.main() == 0
    assert "torch-eager" in capsys.readouterr().out
    assert (tmp_path / "report.png").exists()


def test_a_missing_peer_is_left_out_by_name(monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    options = command.read_options(["--quick"])
    assert command.present_peers(options) == ["memjax", "jax-loop", "jax-vmap-padded"]
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3 and all("pip install torch" in line for line in said)
    assert said[0].startswith("torch-func is left out")


def test_no_gpu_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(machine, "gpu_name", lambda: None)
    monkeypatch.setattr(sys, "argv", ["sweep_throughput", "--device", "gpu"])
    assert command.main() == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_scaling_works_are_memjax_alone():
    plan = command.make_plan(command.read_options([]), list(peers.PEERS))
    by_name = {work.name: names for work, names in plan.works}
    assert by_name["a1"] == tuple(peers.PEERS)
    assert by_name["scale-ten-sizes"] == ("memjax", "memjax-one-lane")
    assert by_name["scale-seeds-1"] == ("memjax",)


def test_memjax_gets_a_product_of_axes_where_the_work_is_one():
    from benchmarks.sweep_throughput.peers.memjax_sweep import axes

    product = axes(works.grid("d", (50, 100), 2, (1e-3, 1e-2)))
    assert product == {"train_size": [50, 100], "optimizer.learning_rate": [1e-3, 1e-2], "seed": [0, 1]}
    ragged = works.Work("ragged", (50, 100), (0, 1), (1e-3, 1e-3))
    assert list(axes(ragged).values()) == [[(50, 1e-3, 0), (100, 1e-3, 1)]]


def trained(work, last=1.0):
    shape = len(work.sizes), work.records
    loss = np.linspace(2.0, last, shape[1]) * np.ones(shape)
    return peers.Trained({name: loss.copy() for name in peers.RECORDS})


def test_records_of_no_training_are_refused():
    worker.check_trained(trained(SMALL), SMALL)
    for bad in (trained(SMALL, last=2.0), trained(SMALL, last=np.nan), trained(works.fewer(SMALL, 1, 100))):
        with pytest.raises(SystemExit):
            worker.check_trained(bad, SMALL)


def test_one_record_that_is_not_finite_is_refused():
    bad = trained(SMALL)
    bad.records["weight_l2"][0, -1] = np.nan
    with pytest.raises(SystemExit, match="weight_l2"):
        worker.check_trained(bad, SMALL)


def test_the_check_fails_where_a_peer_trains_something_else(monkeypatch):
    rng = np.random.default_rng(0)

    def finals(name, work, settings):
        shift = 0.5 if name == "torch-eager" else 0.0
        return {what: rng.normal(1.0 + shift, 0.1, len(work.sizes)) for what in ("train_loss", "l2_gap")}

    monkeypatch.setattr(check, "_finals", finals)
    said = []
    assert check.check(["memjax", "jax-loop"], peers.Settings("cpu", "highest"), said.append)
    assert not check.check(["jax-loop", "torch-eager"], peers.Settings("cpu", "highest"), said.append)
    assert sum("torch-eager" in line for line in said) == len(works.check_works())


def test_a_peer_that_trains_something_else_is_found():
    rng = np.random.default_rng(0)
    work = works.grid("check", (50, 100), 64)
    ours, theirs = ({"train_loss": rng.normal(1.0, 0.1, 128)} for _ in range(2))
    assert check.worst_difference(work, ours, theirs)[0] < 5.0
    theirs["train_loss"][64:] += 0.15
    worst, where = check.worst_difference(work, ours, theirs)
    assert worst > 5.0 and where == "train_loss, n = 100, rate 0.001"
