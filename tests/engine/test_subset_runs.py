"""Runs on subsets: they are the runs on those rows as arrays of one's own, and the Dataset says what became of every row."""

import dataclasses

import numpy as np
import pytest

import memjax as mj
from memjax.engine.plan.plan import make_plan
from memjax.experiment.draw import draw_split

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 5)).astype(np.float32), RNG.integers(0, 3, 60)
TASK = mj.tasks.from_arrays(X, Y, label_noise=0.3)
SPEC = mj.Experiment(
    task=TASK,
    train_size="all",
    test_size=0,
    subset=mj.subsets.RandomShare(0.7),
    model=mj.models.MLP(hidden=(8,)),
    steps=12,
    record_every=4,
    examples=("correct", "log_odds", mj.measures.by_example("loss", on=("train", "held_out"), dtype="float16")),
    examples_at=(0, 8, 12),
    snapshots=(12,),
    data_seed=9,
)
PACKING = mj.Packing(lanes=2, memory=10**9)


@pytest.fixture(scope="module")
def swept():
    return mj.sweep(SPEC, over={"seed": range(6)}, packing=PACKING)


def test_a_subset_run_is_a_run_on_those_rows_as_own_arrays(swept):
    for seed in (0, 3):
        run = dataclasses.replace(SPEC, seed=seed)
        train = draw_split(run).train
        assert sorted(train.x) == swept.example.values[swept.train_count.sel(seed=seed) == 1].tolist()
        # As a task without noise, whose labels are the noisy ones.
        own = mj.tasks.from_arrays(X[train.x], train.y, num_classes=3)
        alone = mj.sweep(dataclasses.replace(run, task=own, subset=None, examples=(), examples_at=None))
        # Rows come in another order, so that sums round differently: 2e-7 measured.
        assert alone.train_loss.values == pytest.approx(swept.train_loss.sel(seed=seed).values, rel=2e-6)
        assert alone.weight_l2.values == pytest.approx(swept.weight_l2.sel(seed=seed).values, rel=2e-6)


def test_values_by_example_are_those_of_the_snapshot_and_their_means_the_records(swept):
    seen = swept.train_count.values == 1
    noisy = draw_split(dataclasses.replace(SPEC, subset=None)).train
    labels = np.empty(60, int)
    labels[noisy.x] = noisy.y
    assert (swept.corrupted.values == (labels != Y)).all() and 5 < (labels != Y).sum() < 25
    for run, snapshot in enumerate(mj.snapshots(swept)):
        outputs = np.asarray(snapshot.outputs(X), np.float64)
        right = outputs.argmax(1) == labels
        assert (swept.example_correct.values[run, -1] == right).all()
        chance = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
        odds = np.log(chance[range(60), labels] / (1 - chance[range(60), labels]))
        assert swept.example_log_odds.values[run, -1] == pytest.approx(odds, abs=2e-5)
        assert right[seen[run]].mean() == pytest.approx(float(swept.train_accuracy[run, -1]), abs=1e-6)
    losses = swept.train_example_loss
    assert losses.dtype == np.float16 and (np.isfinite(losses.values[:, 0]) == seen).all()
    # Rows that no run leaves out are not among the rows that are held out.
    rows = swept.held_out_example.values
    assert (np.isfinite(swept.held_out_example_loss.values[:, 0]) == ~seen[:, rows]).all()
    assert seen[:, np.setdiff1d(range(60), rows)].all()
    # float16 keeps eleven bits.
    assert losses.mean("train_example").values == pytest.approx(swept.train_loss.sel(step=[0, 8, 12]).values, rel=1e-3)


@pytest.mark.slow
def test_batched_and_permuted_runs_say_the_same_of_every_row(swept):
    batched = mj.sweep(SPEC, over={"seed": range(6)}, packing=mj.Packing(schedule="batched", runs=4))
    turned = mj.sweep(SPEC, over={"seed": [5, 2, 0]}, packing=PACKING)
    for name in ("train_count", "corrupted", "example_correct"):
        assert (batched[name] == swept[name]).all()
        assert (turned[name].values == swept[name].sel(seed=[5, 2, 0]).values).all()
    # Sums in another order: 5e-7 measured.
    assert batched.example_log_odds.values == pytest.approx(swept.example_log_odds.values, abs=5e-6)


def test_a_share_is_data_and_needs_no_program_of_its_own(swept):
    ds = mj.sweep(SPEC, over={"share": [0.2, 0.7, 1.0], "subset_seed": [0, 1]}, packing=PACKING)
    assert ds.train_count.sum("example").values.tolist() == [[12, 12], [42, 42], [60, 60]]
    blocks = make_plan(SPEC, {"share": [0.2, 0.7, 1.0], "subset_seed": [0, 1]}, PACKING).blocks
    assert len({block.program for block in blocks}) == 1
    # Subsets are nested in the share.
    assert (ds.train_count.sel(share=0.2) <= ds.train_count.sel(share=0.7)).all()


def test_runs_that_leave_out_a_row_share_their_initial_parameters_and_their_batches():
    fields = {"batch_size": 20, "steps": 6, "record_every": 1, "examples_at": None, "snapshots": (0,)}
    spec = dataclasses.replace(SPEC, subset=mj.subsets.LeaveOut(), **fields)
    ds = mj.sweep(spec, over={"left_out": [(), 4, 31], "seed": [0, 1]}, packing=PACKING)
    first = ds.parameters.isel(snapshot=0)
    assert (first == first.isel(left_out=0)).all()
    assert ds.train_count.sel(left_out="4").sum("example").values.tolist() == [59, 59]
    assert (ds.train_count.sel(left_out="31", example=31) == 0).all()
    # The batches of the first epoch agree but for one row, and so do the steps up to that row.
    losses = ds.train_loss.sel(seed=0)
    assert (losses[:, 0].values == pytest.approx(losses.values[0, 0], rel=0.05)) and losses.std("left_out")[1] > 0


def test_a_bank_of_halves_of_the_rest_has_values_of_every_row(tmp_path):
    nested = mj.subsets.Nested(mj.subsets.LeaveOut((4, 31)), mj.subsets.BalancedHalves())
    spec = dataclasses.replace(SPEC, subset=nested, examples_at=None, snapshots=())
    assert mj.Experiment.from_json(spec.to_json(), using=(TASK,)) == spec
    ds = mj.sweep(spec, over={"seed": range(4)}, packing=PACKING, store=tmp_path / "store")
    rest = np.setdiff1d(np.arange(60), [4, 31])
    assert (ds.train_count.sel(example=[4, 31]) == 0).all() and np.isfinite(ds.example_log_odds).all()
    assert (
        ds.train_count.sel(seed=[0, 2], example=rest) + ds.train_count.sel(seed=[1, 3], example=rest).values == 1
    ).all()
    assert mj.open(tmp_path / "store").drop_attrs().identical(ds.drop_attrs())
    # The rows are data: the same bank on other rows compiles nothing.
    over = {"left_out": [(), (4, 31)], "seed": range(4)}
    assert len({block.program for block in make_plan(spec, over, PACKING).blocks}) == 1


@pytest.mark.slow
def test_rows_planted_three_times_weigh_three_times():
    spec = dataclasses.replace(
        SPEC, subset=mj.subsets.Planted(rows=(4, 8), times=3), examples=("loss",), examples_at=None
    )
    ds = mj.sweep(spec, over={"times": [0, 1, 3]})
    assert ds.train_count.sel(example=4).values.tolist() == [0, 1, 3] and ds.train_count.dtype == np.uint8
    loss, count = ds.example_loss.isel(example_step=-1), ds.train_count
    mean = (loss * count).sum("example") / count.sum("example")
    assert mean.values == pytest.approx(ds.train_loss.isel(step=-1).values, rel=1e-5)
    # The more often a row is seen, the better it is fitted.
    assert (loss.sel(example=[4, 8]).diff("times") < 0).all()


@pytest.mark.slow
def test_data_sets_of_several_seeds_are_aligned_by_row():
    spec = dataclasses.replace(SPEC, train_size=20, subset=None, data_seed=None, examples_at=None)
    ds = mj.sweep(spec, over={"seed": [0, 1]})
    for seed in (0, 1):
        own = sorted(draw_split(dataclasses.replace(spec, seed=seed)).train.x)
        known = np.isfinite(ds.example_correct.sel(seed=seed).values[0])
        assert (
            ds.example.values[known].tolist() == own
            and ds.example.values[ds.train_count.sel(seed=seed) == 1].tolist() == own
        )


@pytest.mark.parametrize("task", [mj.tasks.ModularArithmetic(p=5), mj.tasks.RandomLabels(input_dim=4, num_classes=3)])
@pytest.mark.slow
def test_subsets_are_of_every_task(task):
    spec = dataclasses.replace(SPEC, task=task, train_size=20, test_size=None, data_seed=0, examples=("correct",))
    if isinstance(task, mj.tasks.ModularArithmetic):
        spec = dataclasses.replace(spec, model=mj.models.EmbeddingMLP(embedding=3, hidden=(4,)))
    ds = mj.sweep(dataclasses.replace(spec, examples_at=None), over={"seed": [0, 1]})
    assert ds.train_count.sum("example").values.tolist() == [14, 14] and ds.sizes["example"] == 20


@pytest.mark.slow
def test_a_diverged_run_has_no_values():
    spec = dataclasses.replace(SPEC, optimizer=mj.optimizers.sgd(1e30), examples=("correct", "loss"), snapshots=())
    with np.errstate(over="ignore"):
        ds = mj.sweep(spec)
    assert (
        ds.status == "diverged" and np.isnan(ds.example_correct.values).all() and np.isnan(ds.example_loss.values).all()
    )
