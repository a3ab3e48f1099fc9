"""The best network of a run: that of the best record, whatever trains beside it and whatever becomes of the run afterwards."""

import dataclasses

import numpy as np
import pytest

import memjax as mj
from memjax.stopping import AtMost, Highest, Lowest

SPEC = mj.Experiment(
    task=mj.tasks.RandomLabels(input_dim=9, num_classes=5),
    model=mj.models.MLP(hidden=(6,)),
    optimizer=mj.optimizers.adam(0.02),
    train_size=30,
    steps=60,
    record_every=5,
    measures=("loss", "accuracy"),
    keep_best=Lowest("test_loss"),
)
STEPS = tuple(range(0, 61, 5))
OVER = {"hidden": [(6,), (9,)], "seed": [0, 1, 2]}
PACKING = mj.Packing(width=30, runs=4, lanes=1, memory=10**9)


def changed(**fields):
    return dataclasses.replace(SPEC, **fields)


@pytest.fixture(scope="module")
def every():
    """A network at every record, of runs that keep no best one."""
    return mj.sweep(changed(keep_best=None, snapshots=STEPS), OVER, packing=PACKING)


@pytest.fixture(scope="module")
def kept():
    return mj.sweep(SPEC, OVER, packing=PACKING)


def test_the_best_network_is_the_snapshot_at_the_best_record(every, kept):
    assert mj.explain(SPEC, OVER, packing=PACKING).groups[0].widths == (9,), "The test needs a padded program."
    best = every.test_loss.argmin("step")
    assert len(set(best.values.ravel())) > 1 and (kept.best_step == best * 5).all()
    assert kept.best_step.dtype == np.int64 and kept.best_test_loss.units == "nats"
    assert (kept.best_test_loss == every.test_loss.min("step")).all()
    held = every.parameters.isel(snapshot=best).drop_vars("snapshot")
    assert np.array_equal(kept.best_parameters, held, equal_nan=True)
    assert (
        np.isnan(kept.best_parameters.sel(hidden="6")).any() and np.isfinite(kept.best_parameters.sel(hidden="9")).all()
    )
    assert (kept.test_loss.values == every.test_loss.values).all()


def test_the_networks_are_measured_like_snapshots(every, kept):
    best = mj.best(kept)
    found = mj.measure(best.isel(seed=[2, 0]), ["loss", "weight_l2"])
    own = kept.isel(seed=[2, 0])
    assert found.test_loss.dims == ("hidden", "seed") and found.best_step.equals(mj.best(own).best_step)
    # The record alone is another program than the loop: rounding of sums, 2e-7 measured.
    assert found.test_loss.values == pytest.approx(own.best_test_loss.values, rel=1e-6)
    steps = [snapshot.step for snapshot in mj.snapshots(best)]
    assert steps == kept.best_step.values.ravel().tolist()
    snapshot = next(mj.snapshots(best.sel(hidden=["6"], seed=[1])))
    tree = mj.params(best, {"hidden": "6", "seed": 1})["layer_0"]["kernel"]
    assert tree.shape == (9, 6) and (tree == snapshot.params["layer_0"]["kernel"]).all()
    assert mj.best(best) is best and mj.best(kept.sel(hidden="6", seed=0)).best_step.dims == ()


def test_a_run_alone_and_in_company_keeps_the_same_bits(kept):
    alone = mj.sweep(changed(model=mj.models.MLP(hidden=(9,)), seed=1), packing=PACKING)
    company = mj.sweep(
        changed(model=mj.models.MLP(hidden=(9,))), {"learning_rate": [0.5, 0.02], "seed": [1, 0]}, packing=PACKING
    ).sel(learning_rate=0.02, seed=1)
    for name in ("best_step", "best_test_loss", "best_parameters"):
        assert np.array_equal(alone[name], company[name]), name


def test_batched_runs_keep_them_too():
    # A snapshot between two records is no record.
    spec, packing = changed(snapshots=STEPS, record_at=STEPS[::4]), mj.Packing(schedule="batched", lanes=1)
    found = mj.sweep(spec, {"seed": [0, 1, 2]}, packing=packing)
    best = found.test_loss.idxmin("step")
    assert (found.best_step == best).all()
    assert np.array_equal(found.best_parameters, found.parameters.sel(snapshot=best))


def test_of_equal_records_the_first_counts_and_a_run_that_stops_or_diverges_keeps_its_best():
    # Above 2 / sharpness, gradient descent on a quadratic grows after it has fallen, until the loss is infinite.
    unstable = mj.Experiment(
        task=mj.tasks.TeacherStudent(input_dim=6, output_dim=1, hidden=()),
        model=mj.models.MLP(hidden=()),
        loss="mse",
        optimizer=mj.optimizers.sgd(0.7),
        train_size=12,
        steps=300,
        record_every=3,
        measures=("loss",),
        snapshots=tuple(range(0, 301, 3)),
        keep_best=Lowest("train_loss"),
        stop_when=AtMost("train_loss", 1e-3),
    )
    assert not Lowest("train_loss").better(0.5, 0.5) and not Highest("train_loss").better(0.5, 0.5)
    found = mj.sweep(unstable, {"learning_rate": [0.1, 0.6], "seed": [2, 3]}, packing=PACKING)
    assert found.status.values.tolist() == [["stopped"] * 2, ["diverged"] * 2]
    best = found.train_loss.argmin("step")
    # A stopped run has its last value at all records that follow, of which the first counts.
    assert (found.best_step == best * 3).all() and (found.best_step > 0).all()
    assert (found.best_step == found.stop_step).sel(learning_rate=0.1).all()
    assert (found.best_step < found.stop_step).sel(learning_rate=0.6).all()
    assert np.array_equal(found.best_parameters, found.parameters.isel(snapshot=best))


@pytest.mark.slow
def test_a_run_whose_variable_is_never_a_number_has_no_best_network():
    found = mj.sweep(changed(test_size=0, steps=5, measures=("loss",)), packing=PACKING)
    assert int(found.best_step) == -1 and np.isnan(found.best_test_loss) and np.isnan(found.best_parameters).all()
    assert [*mj.snapshots(mj.best(found))] == []
    with pytest.raises(mj.InputError, match="The dataset holds no best network of any of its runs"):
        mj.measure(mj.best(found), ["loss"])


@dataclasses.dataclass(frozen=True)
class Near:
    """A user's choice: the record at which the variable is nearest to a value, which can be swept."""

    variable: str = "train_accuracy"
    target: float = mj.traced(0.5)

    def better(self, value, best):
        return abs(value - self.target) < abs(best - self.target)


@pytest.mark.slow
def test_a_choice_of_ones_own_and_its_numbers_can_be_swept():
    found = mj.sweep(changed(keep_best=Near()), {"keep_best.target": [0.0, 0.5, 1.0]}, packing=PACKING)
    for run in (found.isel(target=i) for i in range(3)):
        away = abs(run.train_accuracy - float(run.target))
        # Right answers are counted in thirtieths, so that ties occur.
        assert int(run.best_step) == away.values.argmin() * 5
    with pytest.raises(mj.InputError, match=r"keep_best.better gave float32\[\]: it must give one truth value"):
        mj.explain(changed(keep_best=Wrong()))


class Wrong(Near):
    def better(self, value, best):
        return value - best


@pytest.mark.slow
def test_highest_and_lowest_on_an_axis_have_a_variable_each():
    found = mj.sweep(SPEC, {"keep_best": {"loss": Lowest("test_loss"), "right": Highest("train_accuracy")}})
    loss, right = (found.sel(keep_best=name) for name in ("loss", "right"))
    assert int(right.best_step) == right.train_accuracy.values.argmax() * 5 and np.isnan(right.best_test_loss)
    assert float(right.best_train_accuracy) == float(right.train_accuracy.max()) and np.isnan(loss.best_train_accuracy)
    assert int(loss.best_step) == loss.test_loss.values.argmin() * 5


def test_what_cannot_be_kept_is_refused(every):
    with pytest.raises(
        mj.InputError, match="keep_best watches 'accuracy', which is no number that the run records: use"
    ):
        mj.explain(changed(keep_best=Highest("accuracy")))
    with pytest.raises(mj.InputError, match=r"keep_best is 'test_loss': give memjax.stopping.Lowest or Highest"):
        changed(keep_best="test_loss")
    with pytest.raises(mj.InputError, match=r"Lowest.variable is 3: give the name of a recorded variable"):
        Lowest(3)
    with pytest.raises(
        mj.InputError, match=r"holds no best networks: name a recorded variable in Experiment\(keep_best"
    ):
        mj.best(every)
    with pytest.raises(mj.InputError, match="best got an object of type DataArray"):
        mj.best(every.test_loss)


def test_a_dataset_of_best_networks_says_so_where_snapshots_are_meant(kept):
    with pytest.raises(mj.InputError, match=r"but the best network of each run: give memjax.best\(dataset\)"):
        mj.measure(kept, ["loss"])
    with pytest.raises(mj.InputError, match="step is 5, but the best network of each run has a step of its own"):
        mj.params(mj.best(kept), step=5)


def test_the_memory_counts_the_networks_on_their_way_in_and_out():
    with_best, without = (mj.explain(spec, packing=PACKING).groups[0] for spec in (SPEC, changed(keep_best=None)))
    held = 4 * (4 * with_best.parameters[1] + 8)
    # On a CPU the host holds what goes in besides.
    assert with_best.bytes - without.bytes == 3 * held
