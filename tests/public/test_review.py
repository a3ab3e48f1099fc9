"""Mistakes that once went unnoticed: singular models beside padding, colliding names, wrong draws, swept values."""

import dataclasses
import json

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax.optimizers import adam, from_optax, sgd
from memjax.types import Data, Split

SMALL = dict(steps=4, record_every=2, train_size=20, model=mj.models.MLP(hidden=(3,)))


def spec(**fields):
    return mj.Experiment(**{**SMALL, **fields})


class Normed(nn.Module):
    """Divides by the norm of its input: singular at zero, where padding used to be."""

    @nn.compact
    def __call__(self, x):
        return nn.Dense(17)(x / jnp.linalg.norm(x, axis=-1, keepdims=True))


@pytest.mark.long
@pytest.mark.parametrize(
    ("schedule", "batch_size"),
    [
        ("streamed", None),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in (("batched", None), ("streamed", 8), ("batched", 8))),
    ],
)
def test_a_model_that_is_singular_at_zero_trains_beside_padding(schedule, batch_size):
    packing = mj.Packing(schedule=schedule, width=16, runs=2)
    ds = mj.sweep(spec(model=Normed(), batch_size=batch_size), over={"train_size": [20, 23]}, packing=packing)
    assert (ds.status == "finished").all()
    alone = mj.sweep(spec(model=Normed(), batch_size=batch_size), packing=mj.Packing(width=20))
    # Float32 rounding of four steps: measured 1.2e-7 over 6 seeds.
    np.testing.assert_allclose(ds.train_loss.sel(train_size=20), alone.train_loss, rtol=2e-6)


def test_a_measure_cannot_read_the_tiles_of_other_runs():
    def square(params, apply, examples):
        return jnp.square(examples.x).sum()

    with pytest.raises(mj.InputError, match=r"'square' cannot be computed: .*examples.mean"):
        mj.sweep(spec(measures=(square,)))


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A task that draws whatever it is told to."""

    split: str
    num_outputs: int = 2

    def draw(self, seed, train_size, test_size):
        x, y = np.ones((100, 3)), np.zeros(100, int)
        train = {
            "short": Data(x[:7], y[:7]),
            "uneven": Data(x[:train_size], y[:7]),
            "flat": Data(x[:train_size], np.ones(train_size)),
            "nothing": None,
        }[self.split]
        test = Data(x[:test_size], np.ones(test_size) if self.split == "flat" else y[:test_size])
        return 3 if train is None else Split(train, test)


@pytest.mark.parametrize(
    ("split", "fields", "sentence"),
    [
        ("short", {}, "Drawn.draw gave 7 inputs and 7 targets for the train split, where 20 were"),
        ("uneven", {}, "Drawn.draw gave 20 inputs and 7 targets"),
        ("nothing", {}, r"Drawn.draw gave no \(\(x, y\), \(x, y\)\)"),
    ],
)
def test_a_task_that_draws_something_else_is_refused(split, fields, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        mj.sweep(spec(task=Drawn(split), **fields))


def test_mse_does_not_broadcast_targets_against_outputs():
    with pytest.raises(mj.InputError, match=r"targets have shape \[2\] and outputs \[2, 1\].*y\[:, None\]"):
        mj.sweep(spec(task=Drawn("flat", num_outputs=1), loss="mse"))


@dataclasses.dataclass(frozen=True)
class Pooled:
    """A task whose indices are of another type, or beyond its pool."""

    offset: int = 0
    num_outputs: int = 2

    @property
    def pool(self):
        return np.eye(50)

    def draw(self, seed, train_size, test_size):
        rows = np.arange(train_size + test_size) + self.offset
        labels = rows % 2
        return (rows[:train_size], labels[:train_size]), (rows[train_size:], labels[train_size:])


@pytest.mark.slow
def test_pool_indices_of_any_whole_type_serve_and_ones_beyond_it_are_refused():
    assert (mj.sweep(spec(task=Pooled())).status == "finished").all()
    with pytest.raises(mj.InputError, match="whole number from 0 to 49"):
        mj.sweep(spec(task=Pooled(offset=20)))


@pytest.mark.parametrize("value", [None, True, float("nan"), 1e400, "a", [1.0]])
def test_a_swept_optimizer_number_is_checked_as_a_given_one(value):
    with pytest.raises(mj.InputError, match=r"adam.learning_rate is"):
        mj.sweep(spec(), over={"learning_rate": [value]})


def test_optimizer_mistakes_name_the_remedy():
    with pytest.raises(mj.InputError, match="give a momentum"):
        sgd(0.1, nesterov=True)
    with pytest.raises(
        mj.InputError, match=r"adam\.b1 is <function .*: only learning_rate may be a function of the step"
    ):
        adam(b1=lambda step: 0.1)


@pytest.mark.long
def test_whole_numbers_of_a_users_factory_stay_structure():
    import optax

    def repeated(learning_rate, times):
        return optax.chain(*[optax.scale(1.0)] * times, optax.sgd(learning_rate))

    ds = mj.sweep(spec(optimizer=from_optax(repeated, learning_rate=0.1, times=2)), over={"times": [1, 3]})
    np.testing.assert_array_equal(ds.train_loss.isel(times=0), ds.train_loss.isel(times=1))


def status(params, apply, examples):
    return jnp.float32(1)


def by_part(params, apply, examples):
    return {"a": jnp.float32(1)}


@pytest.mark.parametrize(
    ("measures", "over", "sentence"),
    [
        ((status,), {}, "would write 'status', the name of the result itself"),
        (("loss", mj.Measure(status, "test_loss")), {}, "would write 'test_loss', the name of another measure"),
        ((mj.Measure(status, "seed"),), {"seed": [0]}, "would write 'seed', the name of an axis"),
        (
            ("layer_l2", mj.Measure(by_part, "m", dims=("parameter",))),
            {},
            "'parameter', a name of the measure 'layer_l2'",
        ),
        ((mj.Measure(by_part, "m", dims=("step",)),), {}, "'step', a name of the result itself"),
        ((mj.Measure(by_part, "m", dims=("m",)),), {}, "'m' is the name of a measure and of a dimension"),
    ],
)
def test_names_that_collide_are_refused_before_training(measures, over, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        mj.sweep(spec(measures=measures), over=over)


@pytest.mark.slow
def test_measure_words_are_checked():
    with pytest.raises(mj.InputError, match="letters, digits and underscores"):
        mj.Measure(status, "norm a/b")
    with pytest.raises(mj.InputError, match="give a tuple of names"):
        mj.Measure(by_part, "m", dims="layer")
    values = mj.tasks.from_arrays(np.eye(40), np.eye(40)[:, :2])
    with pytest.raises(mj.InputError, match="'accuracy' needs class labels"):
        mj.sweep(spec(task=values, loss="mse", measures=("accuracy",)))
    assert mj.sweep(spec(task=values, loss="mse")).train_loss.units == "1"


@pytest.mark.slow
def test_a_run_whose_final_loss_is_not_finite_diverged_and_keeps_no_parameters():
    ds = mj.sweep(spec(optimizer=sgd(1e30), steps=2, record_every=1, snapshots=(0, 2)), over={"seed": [0]})
    assert ds.status.item() == "diverged"
    assert np.isfinite(ds.parameters.sel(snapshot=0)).all() and np.isnan(ds.parameters.sel(snapshot=2)).all()
    one = mj.sweep(spec(optimizer=sgd(1e30), steps=1, record_every=1))
    assert one.status.item() == "diverged"


def test_label_noise_of_arrays_is_in_the_provenance_and_shares_one_pool():
    from memjax.engine.plan.packing import Packing
    from memjax.engine.plan.plan import make_plan

    task = mj.tasks.from_arrays(np.eye(60), np.arange(60) % 3)
    noisy = dataclasses.replace(task, label_noise=0.3)
    assert spec(task=task).to_json() != spec(task=noisy).to_json()
    plan = make_plan(spec(task=task), {"label_noise": [0.0, 0.3], "seed": [0, 1]}, Packing())
    assert len({id(block.pool) for block in plan.blocks}) == 1
    assert len({block.key for block in plan.blocks}) == 1


@pytest.mark.long
def test_what_a_label_stands_for_is_in_the_file():
    ds = mj.sweep(spec(), over={"optimizer": [adam(1e-3), sgd(0.3, momentum=0.9)]})
    over = json.loads(ds.attrs["over"])
    assert over["optimizer"][1]["learning_rate"] == 0.3 and over["optimizer"][1]["momentum"] == 0.9


@pytest.mark.slow
def test_parameters_that_are_one_array_come_back_as_it():
    pair = (lambda key, x: jnp.ones((x.shape[1], 17)), lambda w, x: x @ w)
    ds = mj.sweep(spec(model=pair, snapshots=(0,)))
    np.testing.assert_array_equal(mj.params(ds), np.ones((9, 17)))


@pytest.mark.slow
def test_a_folder_that_comes_in_between_does_not_cost_the_sweep(tmp_path):
    from memjax.studies.kit.run import new_folder, save_folder

    ds = mj.sweep(spec())
    target = new_folder(tmp_path / "out")
    target.mkdir()
    (target / "other").touch()
    with pytest.raises(mj.InputError, match="what was written so far is in") as caught:
        save_folder(target, {"sweep": ds})
    kept = str(caught.value).split("is in '")[1].split("'")[0]
    assert mj.open(kept).equals(ds)


@pytest.mark.slow
def test_losses_of_different_units_share_one_axis_and_one_variable():
    def doubled(outputs, targets):
        return 2 * mj.losses.cross_entropy(outputs, targets)

    ds = mj.sweep(spec(), over={"loss": ["cross_entropy", doubled]})
    first = ds.train_loss.isel(step=0)
    # The same sum doubled: exact in float32.
    assert first.sel(loss="doubled") == 2 * first.sel(loss="cross_entropy")
    assert ds.train_loss.units == "1"
