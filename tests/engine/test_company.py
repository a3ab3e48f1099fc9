"""A run does not depend on its company: not on its neighbours, its place, the packing, or what lies in the padding."""

import dataclasses

import jax
import numpy as np
import pytest

import memjax as mj
from memjax.engine.plan.packing import Packing
from memjax.engine.plan.plan import make_plan
from memjax.engine.program.segments import segments
from memjax.engine.training import block as train
from memjax.engine.training.execute import DevicePools
from memjax.engine.training.prepare import prepare

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=5, num_classes=7),
    model=mj.models.MLP(hidden=(16,)),
    steps=60,
    record_every=10,
    train_size=40,
    measures=("loss", "accuracy", "weight_l2", "gradient_norm"),
)
SLOW = pytest.mark.slow
# One packed shape for each schedule, whose programs several tests share.
FOUR = {schedule: mj.Packing(schedule=schedule, width=16, runs=4) for schedule in ("streamed", "batched")}
ALL = ("train_loss", "test_loss", "train_accuracy", "weight_l2", "gradient_norm")

# Largest relative difference of any record between the packings below over 10 seeds and 60 steps: 3.1e-7, the last bits of
# float32, which training has had little time to amplify.
RTOL = 3e-6


def records(dataset, **run):
    return {name: dataset[name].sel(**run).values for name in ALL}


def assert_close(first, second):
    for name in ALL:
        np.testing.assert_allclose(first[name], second[name], rtol=RTOL, atol=RTOL, err_msg=name)


def assert_same_bits(first, second):
    for name in ALL:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.fixture(scope="module")
def alone():
    return records(mj.sweep(SPEC, over={"seed": [3]}), seed=3)


def test_a_run_is_the_same_alone_and_among_a_hundred(alone):
    crowd = mj.sweep(SPEC, over={"seed": range(100)})
    assert_close(alone, records(crowd, seed=3))
    assert not np.allclose(crowd.weight_l2.sel(seed=3), crowd.weight_l2.sel(seed=4), rtol=1e-3)


@SLOW
def test_a_run_is_the_same_beside_other_sizes(alone):
    mixed = mj.sweep(SPEC, over={"train_size": [7, 40, 90, 333], "seed": [3, 8]})
    assert_close(alone, records(mixed, train_size=40, seed=3))


@pytest.mark.parametrize(
    "packing",
    [
        pytest.param(mj.Packing(schedule="streamed", width=16, runs=3, lanes=1), marks=SLOW),
        pytest.param(mj.Packing(schedule="streamed", width=64, runs=1, lanes=2), marks=SLOW),
        pytest.param(mj.Packing(schedule="batched", width=16, runs=2, lanes=1), marks=SLOW),
        mj.Packing(schedule="batched", width=7, runs=6, lanes=2),
    ],
    ids=str,
)
def test_the_packing_changes_a_run_by_rounding_only(alone, packing):
    # Twenty-seven runs in blocks that do not divide them, so that there are unused tiles and repeated runs as well.
    mixed = mj.sweep(SPEC, over={"train_size": [7, 40, 90], "seed": range(9)}, packing=packing)
    assert_close(alone, records(mixed, train_size=40, seed=3))


@pytest.mark.slow
def test_permuted_runs_of_one_packed_shape_have_the_same_bits():
    forward = mj.sweep(SPEC, over={"seed": [0, 1, 2, 3, 4, 5]}, packing=FOUR["streamed"])
    backward = mj.sweep(SPEC, over={"seed": [5, 4, 3, 2, 1, 0]}, packing=FOUR["streamed"])
    for seed in range(6):
        assert_same_bits(records(forward, seed=seed), records(backward, seed=seed))


@pytest.mark.parametrize("schedule", ["streamed", pytest.param("batched", marks=SLOW)])
def test_neighbours_of_one_packed_shape_do_not_change_a_bit(schedule):
    first = mj.sweep(SPEC, over={"seed": [3, 4, 5, 6]}, packing=FOUR[schedule])
    second = mj.sweep(SPEC, over={"seed": [3, 14, 15, 16]}, packing=FOUR[schedule])
    assert_same_bits(records(first, seed=3), records(second, seed=3))


@pytest.mark.parametrize(
    ("batch_size", "schedule"),
    [
        (16, "streamed"),
        *(pytest.param(*case, marks=SLOW) for case in ((None, "streamed"), (None, "batched"), (16, "batched"))),
    ],
)
def test_a_diverging_run_is_marked_and_its_neighbours_do_not_change_a_bit(schedule, batch_size, caplog):
    spec = mj.Experiment.from_json(SPEC.to_json())
    packing = FOUR[schedule]
    base = {"batch_size": [batch_size]} if batch_size else {}
    calm = mj.sweep(spec, over={**base, "learning_rate": [1e-3, 2e-3, 3e-3, 4e-3]}, packing=packing)
    wild = mj.sweep(spec, over={**base, "learning_rate": [1e-3, 1e30, 3e-3, 4e-3]}, packing=packing)
    for rate in (1e-3, 3e-3, 4e-3):
        assert_same_bits(records(calm, learning_rate=rate), records(wild, learning_rate=rate))
    bad = wild.sel(learning_rate=1e30)
    # Adam's first step is finite at any rate; the loss after it is not, so the run stops with one step done.
    assert bad.status.item() == "diverged" and bad.stop_step.item() == 1
    assert np.isfinite(bad.train_loss.isel(step=0)).all() and np.isnan(bad.train_loss.isel(step=slice(1, None))).all()
    assert (wild.status.sel(learning_rate=1e-3) == "finished").all()
    assert "1 of 4 runs diverged" in caplog.text


def packed_run(fill, batch_size, pool, schedule="streamed"):
    """Final parameters of a block of two ragged runs with everything that is padding set to ``with_numbers``."""
    rng = np.random.default_rng(0)
    arrays = mj.tasks.from_arrays(rng.normal(size=(60, 5)).astype(np.float32), rng.integers(0, 7, 60))
    spec = mj.Experiment(
        task=arrays if pool else SPEC.task,
        model=SPEC.model,
        steps=20,
        record_every=10,
        batch_size=batch_size,
        test_size=9,
    )
    block = make_plan(spec, {"train_size": [21, 30]}, Packing(schedule=schedule, width=16, runs=3)).blocks[0]
    device = jax.local_devices()[0]
    compiled, on_device = train.compile_for(block, device), DevicePools().get(block, device)
    _, data, state = train._begun(block, compiled, device, on_device, None, prepare(block))
    filled = [_fill_padding(tiles, fill, pool) for tiles in (data.train, data.test)]
    data = data._replace(train=filled[0], test=filled[1])
    (whole, *_) = segments(block.program.record_at, (), block.records, 0)
    rows, none = train._rows(block, [None] * 3, [whole], device), train._no_steps(block, device)
    state, _, found = compiled.segment(data, state, none, rows, train._length(block, whole.lengths))
    return jax.tree.map(np.asarray, (state.params, found))


def _fill_padding(tiles, fill, pool):
    x, y = np.array(tiles.x), np.array(tiles.y)
    padding = np.ones(x.shape[:2], bool)
    for first, size in zip(tiles.first, tiles.size, strict=True):
        padding.reshape(-1)[first * x.shape[1] :][:size] = False
    assert padding.any()
    x[padding] = 59 if pool else fill
    y[padding] = 10**6
    return tiles._replace(x=x, y=y)


@pytest.mark.parametrize(
    ("batch_size", "pool"),
    [
        (None, False),
        pytest.param(None, True, marks=SLOW),
        pytest.param(8, False, marks=SLOW),
        pytest.param(8, True, marks=SLOW),
    ],
    ids=["None-rows", "None-pool", "8-rows", "8-pool"],
)
def test_what_lies_in_the_padding_changes_no_bit(batch_size, pool):
    clean, dirty = (packed_run(fill, batch_size, pool) for fill in (0.0, np.nan))
    jax.tree.map(np.testing.assert_array_equal, clean, dirty)


@SLOW
@pytest.mark.parametrize("batch_size", [None, 8])
def test_what_lies_in_the_padding_of_a_batched_run_changes_no_bit(batch_size):
    """Padding of a batched run is its first example, so that nothing needs to be chosen in a step: any numbers do as well."""
    one, other = (packed_run(fill, batch_size, False, "batched") for fill in (0.0, 5.0))
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_data_and_initial_parameters_are_exactly_the_same_in_any_company():
    kept, company = dataclasses.replace(SPEC, snapshots=(0,)), {"train_size": [35, 40], "seed": [1, 2, 3]}
    one = mj.sweep(kept, over={"seed": [3]})
    many = mj.sweep(kept, over=company, packing=FOUR["streamed"]).sel(train_size=40)
    np.testing.assert_array_equal(one.parameters.sel(seed=3).values, many.parameters.sel(seed=3).values)
    assert_close(records(one, seed=3), records(many, seed=3))


def test_smaller_runs_are_nested_in_larger_ones():
    sizes = [SPEC.task.draw(5, size, size) for size in (50, 100)]
    for small, large in zip(sizes[0], sizes[1], strict=True):
        np.testing.assert_array_equal(small.x, large.x[:50])
        np.testing.assert_array_equal(small.y, large.y[:50])


@pytest.mark.slow
def test_a_measure_that_applies_the_model_elsewhere_does_not_get_the_shared_outputs():
    """Measures of one pass share the outputs at the run's own parameters and inputs, and only those."""

    def doubled(params, apply, tile):
        return apply(jax.tree.map(lambda leaf: 2 * leaf, params), tile.x)[:, 0]

    def negated(params, apply, tile):
        return apply(params, -tile.x)[:, 0]

    def plain(params, apply, tile):
        return apply(params, tile.x)[:, 0]

    measures = tuple(mj.Measure(one, one.__name__, per_example=True) for one in (plain, doubled, negated))
    spec = dataclasses.replace(SPEC, measures=measures, train_size=21, steps=10, snapshots=(10,))
    dataset = mj.sweep(spec, packing=mj.Packing(width=16))
    params, model = mj.params(dataset, step=10), dataclasses.replace(spec.model, outputs=spec.task.num_outputs)
    (x, _), _ = spec.task.draw(spec.data_key, 21, 21)
    outputs = jax.jit(model.apply)
    expected = {
        "plain": outputs(params, x),
        "doubled": outputs(jax.tree.map(lambda leaf: 2 * np.asarray(leaf), params), x),
        "negated": outputs(params, -x),
    }
    for name, outputs in expected.items():
        # Means of 21 float32 outputs of order 1; measured 6e-8.
        np.testing.assert_allclose(dataset[name].values[-1], np.asarray(outputs)[:, 0].mean(), atol=1e-6)


def test_a_lane_works_under_the_settings_its_sweep_was_called_under():
    """JAX keeps what a context manager set per thread, and programs are traced in lanes."""
    seen = set()

    def spy(params, apply, tile):
        config = jax.config
        seen.add((config.jax_enable_x64, config.jax_default_matmul_precision, config.jax_numpy_rank_promotion))
        return apply(params, tile.x)[:, 0]

    model = mj.models.MLP(hidden=())
    spec = dataclasses.replace(SPEC, model=model, measures=(mj.Measure(spy, "spy", per_example=True),), steps=10)
    with jax.default_matmul_precision("highest"), jax.numpy_rank_promotion("allow"), jax.enable_x64(True):
        mj.sweep(spec, over={"seed": range(2)})
    assert seen == {(True, "highest", "allow")}


def test_a_batched_sweep_may_record_nothing():
    spec = dataclasses.replace(SPEC, measures=(), snapshots=(60,))
    kept = [mj.sweep(spec, packing=mj.Packing(schedule=schedule)).parameters for schedule in ("streamed", "batched")]
    np.testing.assert_allclose(*kept, rtol=1e-4, atol=1e-5)


def test_a_measure_sees_the_number_of_tiles_as_an_array_in_both_schedules():
    def tiles(params, apply, examples):
        return examples.num_tiles.astype(np.float32)

    spec = dataclasses.replace(SPEC, measures=(tiles,), steps=10, train_size=40)
    found = [
        mj.sweep(spec, packing=mj.Packing(schedule=schedule, width=16)).tiles.values
        for schedule in ("streamed", "batched")
    ]
    assert [values.tolist() for values in found] == [[3, 3], [1, 1]]
