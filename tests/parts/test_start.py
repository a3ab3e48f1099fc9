"""Runs that start from given parameters, shares of a task as train sizes, and the loss of the steps."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax import InputError
from memjax.optimizers import sgd

SPEC = mj.Experiment(
    model=mj.models.MLP(hidden=(6,)),
    train_size=20,
    steps=40,
    record_every=10,
    optimizer=sgd(0.3),
    snapshots=(0, 20, 40),
    measures=("loss", "weight_l2"),
)
PACKING = mj.Packing(width=32, runs=2)  # One packed shape, so that sweeps share their programs.


def sweep(over=None, **fields):
    """A sweep of what the file's experiment is otherwise."""
    return mj.sweep(dataclasses.replace(SPEC, **fields), over=over or {}, packing=PACKING)


@pytest.fixture(scope="module")
def whole():
    return sweep({"seed": [0, 1]})


def test_going_on_from_a_snapshot_is_the_run_that_was_not_interrupted(whole):
    halfway = {snapshot.run["seed"]: snapshot.start for snapshot in mj.snapshots(whole) if snapshot.step == 20}
    for seed, start in halfway.items():
        rest = sweep(steps=20, snapshots=(20,), start=start, seed=seed)
        # Plain descent has no state to lose; 1e-7 apart in float32.
        np.testing.assert_allclose(rest.train_loss, whole.train_loss.sel(seed=seed, step=[20, 30, 40]), rtol=2e-6)
        end = next(mj.snapshots(rest, using=(start,)))
        np.testing.assert_allclose(end.start.parameters, whole.parameters.sel(seed=seed, snapshot=40), atol=2e-6)


def test_starts_are_an_axis_named_by_run_and_step(whole):
    starts = [snapshot.start for snapshot in mj.snapshots(whole)]
    found = sweep({"start": starts[1:3]}, snapshots=(), steps=20)
    assert found.start.values.tolist() == ["seed=0, step=20", "seed=0, step=40"]
    np.testing.assert_allclose(found.weight_l2[:, 0], whole.weight_l2.sel(seed=0, step=[20, 40]), rtol=1e-6)


def test_a_start_of_another_network_is_refused(whole):
    start = next(mj.snapshots(whole)).start
    with pytest.raises(
        InputError, match=r"start is Start\('seed=0, step=0', 179 parameters.*not fit the 206 parameters"
    ):
        mj.sweep(mj.Experiment(**{**vars(SPEC), "model": mj.models.MLP(hidden=(7,)), "start": start}))
    with pytest.raises(InputError, match="does not fit the 179 parameters"):
        mj.sweep(mj.Experiment(**{**vars(SPEC), "start": mj.Start.of({"w": start.parameters})}))


@pytest.mark.parametrize("tree", [{}, {"w": np.array(["a"])}])
def test_a_start_needs_numbers(tree):
    with pytest.raises(InputError, match="tree of numbers"):
        mj.Start.of(tree)


def test_a_start_must_be_finite_and_of_its_class():
    with pytest.raises(InputError, match="'late' holds parameters that are not finite"):
        mj.Start.of([np.array([1.0, np.nan])], "late")
    with pytest.raises(InputError, match=r"start is .*: give snapshot\.start"):
        mj.Experiment(start={"w": np.zeros(3)})


@pytest.mark.parametrize("parameters", [[1.0, 2.0], np.zeros((2, 2)), np.array([np.nan])])
def test_a_start_made_by_hand_is_checked_too(parameters):
    with pytest.raises(InputError, match=r"flat array|not finite"):
        mj.Start(parameters, ((("w",), (2,)),))


def test_starts_are_equal_by_content_and_read_back_by_reference():
    one, same, other = (mj.Start.of({"w": np.arange(3.0) + shift}) for shift in (0, 0, 1e-9))
    assert one == same and hash(one) == hash(same) and one != other
    text = mj.Experiment(start=one).to_json()
    assert mj.Experiment.from_json(text, using=(same,)).start is same
    with pytest.raises(InputError, match="refers to"):
        mj.Experiment.from_json(text, using=(other,))


LINEAR = dict(model=mj.models.MLP(hidden=()), snapshots=())


@pytest.mark.slow
def test_the_loss_of_a_step_is_that_of_the_record_before_it():
    fields = dict(**LINEAR, steps=6, measures=("loss", "step_loss"))
    found, coarse = (sweep({"seed": [0, 1]}, record_every=every, **fields) for every in (1, 3))
    assert np.isnan(found.step_loss[:, 0]).all()
    np.testing.assert_allclose(found.step_loss[:, 1:], found.train_loss[:, :-1], rtol=1e-6)
    np.testing.assert_allclose(coarse.step_loss[:, 1], found.train_loss[:, :3].mean("step"), rtol=1e-6)


@pytest.mark.slow
def test_the_loss_of_minibatch_steps_averages_to_the_loss_where_nothing_moves():
    fields = dict(train_size=24, batch_size=8, steps=6, record_every=3, optimizer=sgd(0.0))
    found = sweep(**LINEAR, **fields, measures=("loss", "step_loss"))
    # Three batches of eight are the 24 examples.
    np.testing.assert_allclose(found.step_loss[1:], found.train_loss[1:], rtol=1e-6)


def test_a_share_is_of_the_examples_of_the_task():
    rng = np.random.default_rng(0)
    task = mj.tasks.from_arrays(rng.normal(size=(50, 3)), rng.integers(0, 3, 50))
    assert mj.Experiment(task=task, train_size=0.3, test_size=10).sizes() == (15, 10)


@pytest.mark.slow
def test_runs_of_a_share_are_those_of_as_many_examples():
    rng = np.random.default_rng(0)
    task = mj.tasks.from_arrays(rng.normal(size=(50, 3)), rng.integers(0, 3, 50))
    fields = dict(**LINEAR, task=task, steps=2, record_every=1, test_size=10, measures=("loss",))
    found, counts = (sweep({"train_size": sizes}, **fields) for sizes in ([0.2, 0.6], [10, 30]))
    np.testing.assert_array_equal(found.train_loss, counts.train_loss)


@pytest.mark.parametrize(
    ("share", "says"), [(0.0, "a share between 0 and 1"), (1.5, "a share"), (0.5, "with num_examples")]
)
def test_shares_that_mean_nothing_are_refused(share, says):
    with pytest.raises(InputError, match=says):
        mj.Experiment(train_size=share)


@pytest.mark.slow
def test_a_step_loss_by_another_name_is_one_and_a_measure_of_its_name_is_none():
    def step_loss(params, apply, examples):
        return params["layer_0"]["bias"].sum() * 0 + 7.0

    named = dataclasses.replace(mj.measures.step_loss, name="seen")
    found = sweep(**LINEAR, steps=4, record_every=2, measures=("loss", named, step_loss))
    assert np.isfinite(found.seen[1:]).all() and (found.step_loss == 7).all()


def test_snapshots_have_no_steps(whole):
    with pytest.raises(InputError, match="a snapshot has none"):
        mj.measure(whole, ["step_loss"])


def test_shares_of_any_float_are_shares():
    assert mj.Experiment(task=mj.tasks.ModularArithmetic(p=7), train_size=np.float32(0.5)).sizes() == (24, 25)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.array, jnp.float32])
def test_a_share_may_be_a_scalar_of_numpy_or_jax(kind):
    share = mj.Experiment(
        task=mj.tasks.ModularArithmetic(p=5), model=mj.models.EmbeddingMLP(), train_size=kind(0.5)
    ).train_size
    assert (type(share), share) == (float, 0.5)
