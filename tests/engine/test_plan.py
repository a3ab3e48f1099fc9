"""The plan: tile classes, memory under a budget, and what `explain` says against what a sweep does."""

import dataclasses
import itertools
import logging
import re

import jax
import numpy as np
import pytest

import memjax as mj
from memjax.engine.plan import cost
from memjax.engine.plan.cost import work_of
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.plan import make_plan
from memjax.engine.plan.widths import LEAST_SAVED

SIZES = [50 * 2**k for k in range(10)]
POST = mj.Experiment(task=mj.tasks.RandomLabels(input_dim=9, num_classes=17))
DESCENT = mj.optimizers.sgd(0.1)  # Its programs compile in less time than Adam's.


def shapes(over, packing=None, **fields):
    plan = make_plan(dataclasses.replace(POST, **fields), over, packing or Packing())
    return plan, {block.shape for block in plan.blocks}


def test_a_class_of_tiles_more_only_where_it_saves_its_compile():
    short, few = shapes({"train_size": SIZES, "seed": range(2)}, steps=100)
    long, many = shapes({"train_size": SIZES, "seed": range(64)}, steps=1000)
    assert len(few) == 1
    assert 2 <= len(many) <= 5
    one_class = sum(
        block.seconds
        for width in {shape.width for shape in many}
        for block in make_plan(POST, {"train_size": SIZES, "seed": range(64)}, Packing(width=width)).blocks
    ) / len(many)
    assert sum(block.seconds for block in long.blocks) + LEAST_SAVED * len(many) < one_class
    assert {run.index for run in short.runs} == {(i, j) for i in range(10) for j in range(2)}


def test_the_same_call_gives_the_same_plan():
    over = {"train_size": SIZES, "seed": range(8)}
    first, second = (make_plan(POST, over, Packing()) for _ in range(2))
    assert first.blocks == second.blocks


def test_work_is_that_of_the_matrix_products():
    """Twice 9x100 + 100x100 + 100x17, three times over, but for the gradient of the input."""
    block = make_plan(POST, {}, Packing()).blocks[0]
    products = 2 * (3 * (9 * 100 + 100 * 100 + 100 * 17) - 9 * 100)
    # The rest is what is not a product: 1.6% here.
    assert 1.0 <= work_of(block.program).flops / products < 1.03


def test_minibatches_cost_by_their_batch_not_by_the_train_set():
    seconds = [make_plan(dataclasses.replace(POST, batch_size=32, train_size=n, test_size=32, record_every=1000), {},
                         Packing()).blocks[0].seconds for n in (64, 6400)]  # fmt: skip
    assert seconds[1] < 1.1 * seconds[0]


@pytest.mark.parametrize("budget", [330_000_000, 600_000_000, 3_000_000_000])
def test_a_plan_stays_under_its_budget(budget):
    big = mj.tasks.RandomLabels(input_dim=1000, num_classes=17)
    plan = make_plan(
        dataclasses.replace(POST, task=big, train_size=2000), {"seed": range(64)}, Packing(memory=budget, lanes=8)
    )
    assert plan.memory.added <= budget
    assert plan.lanes == 8 if budget > 1e9 else plan.lanes < 8


@pytest.mark.parametrize("budget", [400_000_000, 700_000_000])
def test_a_batched_plan_is_split_to_stay_under_its_budget(budget):
    packing = Packing(schedule="batched", lanes=1, memory=budget)
    plan = make_plan(POST, {"train_size": SIZES, "seed": range(10)}, packing)
    assert plan.memory.added <= budget
    whole = make_plan(POST, {"train_size": SIZES, "seed": range(10)}, dataclasses.replace(packing, memory=10**12))
    assert len(whole.blocks) < len(plan.blocks)


@pytest.mark.parametrize("sizes", [[10, 20_000], [20_000, 10]])
def test_a_batched_plan_has_room_for_the_largest_test_split_of_a_block(sizes):
    packing = Packing(schedule="batched", lanes=1, memory=10**9)
    plan = make_plan(dataclasses.replace(POST, steps=20), {"test_size": sizes, "seed": range(100)}, packing)
    assert plan.memory.added <= packing.memory
    # Runs of both sizes in one block would be padded to two thousand times the work of half of them.
    long = make_plan(dataclasses.replace(POST, record_every=1), {"test_size": sizes, "seed": range(100)}, packing)
    assert len({block.shape.test_tiles // block.shape.runs for block in long.blocks}) == 2


def test_what_cannot_fit_is_refused_with_the_numbers():
    with pytest.raises(mj.InputError, match=r"needs about 0\.\d+ GB .* budget of 0\.01 GB.*Packing\(memory=bytes\)"):
        mj.sweep(POST, packing=Packing(memory=10_000_000))


@pytest.fixture
def one_accelerator(monkeypatch):
    """A plan as for one GPU; counts its work on the CPU that is there."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(jax, "local_device_count", lambda: 1)


def test_lanes_on_one_accelerator_share_its_memory_with_the_pool(one_accelerator):
    rng = np.random.default_rng(0)
    task = mj.tasks.from_arrays(rng.normal(size=(50_000, 50)).astype(np.float32), rng.integers(0, 3, 50_000))
    spec = mj.Experiment(task=task, train_size=100, test_size=50, steps=10)
    pool, budget = 50_000 * 50 * 4, 150_000_000
    for lanes in (1, 2):
        plan = make_plan(spec, {"seed": range(1024)}, Packing(schedule="batched", lanes=lanes, memory=budget))
        at_work = sorted((block.bytes for block in plan.blocks), reverse=True)[:lanes]
        # More than half of it, or the division would be too fine.
        assert 0.5 * (budget - pool) < sum(at_work) <= budget - pool


def test_a_batched_block_has_room_for_a_smaller_run_with_a_larger_test_split(one_accelerator):
    over = {("train_size", "test_size"): [(100, 10), (90, 20_000)], "seed": range(100)}
    plan = make_plan(
        dataclasses.replace(POST, steps=20), over, Packing(schedule="batched", lanes=1, memory=300_000_000)
    )
    assert len({block.shape for block in plan.blocks}) == 1
    assert max(block.bytes for block in plan.blocks) <= 300_000_000


@pytest.mark.parametrize("schedule", ["streamed", "batched"])
def test_float64_takes_twice_the_memory_also_after_float32(schedule):
    spec = mj.Experiment(task=mj.tasks.ModularArithmetic(p=7), model=mj.models.EmbeddingMLP(), train_size=20)

    def held():
        plan = make_plan(spec, {"seed": range(4)}, Packing(schedule=schedule, lanes=1, runs=4, width=32))
        return sum(block.bytes for block in plan.blocks)

    narrow = held()
    with jax.enable_x64(True):
        # Labels and masks take what they took.
        assert 1.6 * narrow < held() < 2.1 * narrow


def test_memory_grows_with_data_parameters_records_and_snapshots():
    def parts(**fields):
        return make_plan(dataclasses.replace(POST, **fields), {}, Packing()).memory

    plain = parts()
    wide = mj.tasks.RandomLabels(input_dim=900, num_classes=17)
    assert parts(task=wide).blocks > plain.blocks + 2 * 2 * 1000 * 891 * 4
    assert parts(model=mj.models.MLP(hidden=(1000, 1000))).blocks > plain.blocks + 4 * 3 * 1_000_000 * 4
    assert parts(record_every=1).results > 9 * plain.results
    assert parts(snapshots=(0, 1000)).results > plain.results + 2 * 12_817 * 4


def test_a_pool_counts_once_however_many_runs_point_into_it():
    rng = np.random.default_rng(0)
    task = mj.tasks.from_arrays(rng.normal(size=(5000, 50)).astype(np.float32), rng.integers(0, 3, 5000))
    plan = make_plan(mj.Experiment(task=task, train_size=100, test_size=50), {"seed": range(20)}, Packing())
    assert plan.memory.pools == 5000 * 50 * 4


def test_explain_says_what_the_sweep_then_does():
    spec = dataclasses.replace(POST, steps=20, model=mj.models.MLP(hidden=(8,)), measures=("loss",), optimizer=DESCENT)
    over = {"train_size": [20, 70], "seed": range(3), "hidden": [(), (16,)]}
    said = mj.explain(spec, over)
    did = mj.sweep(spec, over).attrs["packing"]
    did = did if isinstance(did, dict) else __import__("json").loads(did)
    assert said.lanes == did["lanes"]
    assert sum(group.blocks for group in said.groups) == did["blocks"]
    assert {group.shape[:4] for group in said.groups} == {
        tuple(shape[key] for key in ("runs", "width", "train_tiles", "test_tiles")) for shape in did["shapes"]
    }
    assert said.runs == 12
    assert sum(group.examples for group in said.groups) == 2 * 3 * (20 + 70)


def test_explain_counts_padding_and_operations():
    said = mj.explain(POST, {"seed": [0]}, packing=Packing(width=300, runs=1))
    assert said.groups[0].waste == pytest.approx(1 - 1000 / 1200)
    gradient = work_of(make_plan(POST, {}, Packing()).blocks[0].program).flops
    assert said.flops == pytest.approx(gradient * (1000 * 1000 + 2 * 1000 * 101 / 3))


def test_explain_prints_a_page_and_refuses_what_a_sweep_refuses():
    said = mj.explain(POST, {"seed": range(4)})
    costs, details = str(said).split("\n\nHow the runs are packed\n")
    head, time, memory, place = costs.splitlines()
    assert head == "4 runs of networks with 12,817 parameters"
    assert re.fullmatch(r"time    about .*: .* to compile 1 program, .* to train", time)
    assert re.fullmatch(
        r"memory  about .*B more than the .*B that this process takes now; the sweep may take .*B", memory
    )
    # What a user need not know to read the costs stands behind them, folded in a notebook.
    assert not re.search("lane|block|tile|padding", costs) and "highest precision" in place
    for wanted in ("lane", "tiles of", "padding", "operations", "a block"):
        assert re.search(wanted, details), wanted
    shown = said._repr_html_()
    assert shown.index("to train") < shown.index("<details>") < shown.index("tiles of") and "<script" not in shown
    with pytest.raises(mj.InputError, match="record_every"):
        mj.explain(dataclasses.replace(POST, record_every=7))
    with pytest.raises(mj.InputError, match=r"memjax\.Experiment"):
        mj.explain("post")


def test_dry_run_prints_the_plan_and_writes_nothing(tmp_path, capsys):
    from memjax.cli import main

    spec = tmp_path / "spec.toml"
    spec.write_text("[experiment]\nsteps = 20\n[over]\nseed = [0, 1, 2]\n")
    assert main(["--no-cache", "run", str(spec), "--dry-run"]) == 0
    assert "3 runs of networks" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["spec.toml"]
    assert main(["--no-cache", "run", str(spec)]) == 2
    assert "--dry-run" in capsys.readouterr().err


def test_a_run_with_several_cores_to_itself_gets_tiles_wide_enough_to_share_them(monkeypatch):
    monkeypatch.setattr("memjax.engine.plan.plan.default_lanes", lambda: 4)
    alone, busy = (
        make_plan(dataclasses.replace(POST, train_size=25600), {"seed": range(n)}, Packing()) for n in (1, 4)
    )
    assert alone.blocks[0].shape.width == 6400
    assert busy.blocks[0].shape.width <= 512
    small = make_plan(dataclasses.replace(POST, train_size=100), {}, Packing())
    assert small.blocks[0].shape.width <= 128


@dataclasses.dataclass(frozen=True)
class Noting:
    """A task that notes the sizes that were drawn, and may serve some of them only."""

    served: object = None
    drawn: list = dataclasses.field(default_factory=list, compare=False)
    num_outputs = 4

    def draw(self, seed, train_size, test_size):
        self.drawn.append((train_size, test_size))
        if self.served and (train_size, test_size) != self.served:
            raise MemoryError("no room") if self.served == "none" else ValueError("another size")
        return mj.tasks.RandomLabels(3, 4).draw(seed, train_size, test_size)


def test_a_plan_draws_few_examples_and_memory_is_looked_at_before_all():
    task = Noting()
    with pytest.raises(mj.InputError, match=r"The sweep needs about .* GB of memory, more than the budget"):
        mj.explain(mj.Experiment(task=task, train_size=10**11, test_size=100))
    # A few for the size of a row, then a sample, and two small draws that show the task to be a function of its seed.
    assert task.drawn == [(2, 2), (4096, 100), (64, 100), (64, 100)]


def test_a_task_that_serves_no_other_sizes_is_planned_with_its_own():
    task = Noting(served=(50, 20))
    assert mj.explain(mj.Experiment(task=task, train_size=50, test_size=20)).runs == 1
    assert task.drawn == [(2, 2), (50, 20), (50, 20), (50, 20)]


def test_examples_that_do_not_fit_while_they_are_drawn_are_refused_in_a_sentence():
    with pytest.raises(
        mj.InputError, match="The 50 train and 20 test examples of a run take more memory than there is"
    ):
        mj.explain(mj.Experiment(task=Noting(served="none"), train_size=50, test_size=20))


@pytest.mark.parametrize("call", [mj.explain, mj.sweep], ids=["explain", "sweep"])
def test_more_cells_than_a_sweep_may_have_are_refused_by_their_number(call, monkeypatch):
    many = range(100_000)
    with pytest.raises(
        mj.InputError, match="have 100000 x 100000 = 10,000,000,000 cells, more than the 10,000,000 that"
    ):
        call(POST, {"seed": many, "data_seed": many})
    # An axis that never ends is read no further than it may go.
    monkeypatch.setattr("memjax.experiment.axes.MOST_CELLS", 100)
    with pytest.raises(mj.InputError, match="The axis 'seed' has more than 100 values: give fewer"):
        call(POST, {"seed": itertools.count()})
    assert mj.explain(POST, {"seed": range(10), "data_seed": range(10)}).runs == 100


def test_the_cells_of_a_store_and_a_call_together_are_counted(tmp_path, monkeypatch):
    fields = dict(model=mj.models.MLP(hidden=()), measures=("loss",), optimizer=DESCENT)
    spec = dataclasses.replace(POST, train_size=8, steps=1, record_every=1, **fields)
    mj.sweep(spec, {"seed": [0], "data_seed": [0]}, store=tmp_path / "store", progress=False)
    monkeypatch.setattr("memjax.experiment.axes.MOST_CELLS", 3)
    with pytest.raises(mj.InputError, match=r"axes of the store, with the values of this call, have 2 x 2 = 4 cells"):
        mj.sweep(spec, {"seed": [1], "data_seed": [1]}, store=tmp_path / "store", progress=False)


def test_planning_that_takes_long_is_shown_and_short_planning_is_not(monkeypatch, capsys, caplog):
    over = {"hidden": [(2,), (3,)], "seed": range(2)}
    with caplog.at_level(logging.INFO, "memjax"):
        mj.explain(POST, over, progress=True)
        assert not capsys.readouterr().err and not caplog.text
        monkeypatch.setattr("memjax.engine.training.progress._PATIENCE", 0.0)
        monkeypatch.setattr("memjax.engine.training.progress._BETWEEN_LOGS", 0.0)
        mj.explain(POST, over, progress=False)
        assert not capsys.readouterr().err
        told = [record.getMessage() for record in caplog.records]
    assert [re.sub(r"after \d+ s", "after", line) for line in told] == [
        f"Planning, {done} of 4 runs after, {programs} programs." for done, programs in ((1, 1), (2, 1), (3, 2), (4, 2))
    ]
    mj.explain(POST, over, progress=True)
    shown = capsys.readouterr().err
    assert re.fullmatch(r"memjax: planning, 1 of 4 .*\nmemjax: planning, 4 of 4 runs after \d+ s, 2 programs\n", shown)


def test_the_work_of_many_programs_is_counted_once_each():
    # The plan asks for it several times, in order: a cache of fewer would forget each before it is asked for again.
    assert cost._counted.cache_parameters()["maxsize"] >= 4096


def test_a_plan_reads_runs_that_differ_in_their_seeds_once(monkeypatch):
    from memjax.engine.plan import groups

    read = []
    program_of = groups.program_of
    monkeypatch.setattr(groups, "program_of", lambda run, *rest: read.append(run) or program_of(run, *rest))
    blocks = make_plan(POST, {"seed": range(9), "train_size": [6, 7]}, Packing(lanes=1)).blocks
    assert sum(len(block.runs) for block in blocks) == 18
    assert [run.train_size for run in read] == [6, 7]
