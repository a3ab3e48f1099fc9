"""Experiment: refused values and contradictions, settled seeds and sizes, and the checks of data and functions."""

import dataclasses
import json

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax import Experiment, InputError
from memjax.engine.program.output_shapes import check_functions
from memjax.errors import listing
from memjax.experiment.draw import check_targets
from memjax.experiment.rules import check_run
from memjax.random import generator, key_data
from memjax.tasks import RandomLabels, from_arrays
from memjax.types import Data

X = np.ones((2, 3), np.float32)
LABELS = np.zeros(2, np.int32)
VALUES = from_arrays(np.eye(6), np.linspace(0, 1, 12).reshape(6, 2))


@pytest.mark.parametrize("name", ["steps", "record_every", "train_size", "batch_size"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3", float("nan")])
def test_counts_are_whole_numbers_of_at_least_one(name, value):
    with pytest.raises(InputError, match=rf"{name} is .*: give a whole number of at least 1"):
        Experiment(**{name: value})


@pytest.mark.parametrize("value", [-1, 2.0, True, "3", float("nan")])
def test_there_may_be_no_test_examples_but_not_fewer(value):
    with pytest.raises(InputError, match=r"test_size is .*: give a whole number of at least 0"):
        Experiment(test_size=value)
    assert Experiment(test_size=0).sizes() == (1000, 0)


@pytest.mark.parametrize("name", ["seed", "data_seed", "init_seed"])
def test_seeds_are_whole_numbers_from_zero(name):
    assert getattr(Experiment(**{name: 0}), name) == 0
    for value in (-1, 0.5, True):
        with pytest.raises(InputError, match=rf"{name} is {value}: give a whole number of at least 0"):
            Experiment(**{name: value})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"task": RandomLabels}, r"task is <class .*: give an object of memjax\.tasks"),
        ({"task": None}, r"task is None"),
        ({"optimizer": "adam"}, r"optimizer is 'adam': make one with memjax\.optimizers"),
        ({"optimizer": mj.optimizers.adam}, r"optimizer is <function adam"),
        ({"model": 3}, r"The model 3 cannot be used"),
        ({"loss": "huber"}, r"The loss 'huber' is not known"),
        ({"loss_scale": float("nan")}, r"loss_scale is nan: give a finite number"),
        ({"measures": ("los",)}, r"The measure 'los' is not known"),
    ],
)
def test_bad_fields_have_their_sentence(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        Experiment(**fields)


@pytest.mark.parametrize(
    "fields", [{"loss_scale": None}, {"loss_scale": "1"}, {"snapshots": 5}, {"measures": 5}], ids=str
)
def test_a_field_of_the_wrong_type_is_an_input_error(fields):
    with pytest.raises(InputError, match=next(iter(fields))):
        Experiment(**fields)


def test_lists_become_tuples_so_that_experiments_are_hashable():
    spec = Experiment(snapshots=[0, 10], measures=["loss"])
    assert spec == Experiment(snapshots=(0, 10), measures=("loss",))
    assert hash(spec) == hash(Experiment(snapshots=(0, 10), measures=("loss",)))


def test_seeds_of_data_and_init_follow_seed_unless_given():
    assert (Experiment(seed=7).data_key, Experiment(seed=7).init_key) == (7, 7)
    apart = Experiment(seed=7, data_seed=0, init_seed=3)
    assert (apart.data_key, apart.init_key) == (0, 3)


def test_a_task_settles_the_sizes():
    assert Experiment(train_size=50).sizes() == (50, 50)
    assert Experiment(train_size=50, test_size=9).sizes() == (50, 9)
    held_out = from_arrays(np.eye(4), np.arange(4), x_test=np.eye(4)[:3], y_test=np.arange(3))
    assert Experiment(task=held_out, train_size=2).sizes() == (2, 3)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"steps": 12, "record_every": 5},
            r"record_every is 5, which does not divide steps = 12: use one of 1, 2, 3, 4, 6, 12",
        ),
        (
            {"snapshots": (1010,)},
            r"snapshots has the step 1010, which is not allowed: give whole numbers from 0 to steps = 1000\.",
        ),
        ({"snapshots": (-10,)}, r"snapshots has the step -10, which is not allowed"),
        ({"snapshots": ("end",)}, r"snapshots has the step 'end', which is not allowed"),
        ({"snapshots": (10.0,)}, r"snapshots has the step 10\.0, which is not allowed"),
        ({"snapshots": (True,), "record_every": 1}, r"snapshots has the step True, which is not allowed"),
        ({"snapshots": 10}, r"snapshots is 10: give a tuple"),
        ({"snapshots": np.array(10)}, r"snapshots is array\(10\): give a tuple"),
        ({"steps": 5}, r"record_every is 10, which does not divide steps = 5: use one of 1, 5\."),
        # Written at once, though nobody looks for all of its divisors.
        ({"steps": 10**18 + 9}, r"does not divide steps = 1000000000000000009: use one of 1, "),
        ({"steps": 720720, "record_every": 1001 * 17}, r"use one of (\d+, ){11}\d+\."),
    ],
)
def test_records_and_snapshots_that_do_not_fit_are_refused_where_they_are_typed(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        Experiment(**fields)
    if not isinstance(fields.get("snapshots"), np.ndarray):
        with pytest.raises(InputError, match=sentence):
            Experiment.from_json(json.dumps(fields))


@pytest.mark.parametrize(
    "steps", [[20, 0], range(0, 40, 20), np.array([0, 20, 20]), (np.int16(20), np.uint64(0))], ids=str
)
def test_snapshots_are_kept_as_whole_numbers_in_the_order_given(steps):
    kept = Experiment(snapshots=steps).snapshots
    assert kept == tuple(steps) and {type(step) for step in kept} == {int}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"batch_size": 51, "train_size": 50}, r"batch_size is 51, larger than train_size = 50"),
        ({"task": VALUES, "train_size": 6}, r"need 12 rows, but the arrays have 6"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused_by_the_sweep_which_may_vary_them(fields, sentence):
    spec = Experiment(**fields)
    with pytest.raises(InputError, match=sentence):
        check_run(spec)


def test_fields_at_their_limits_agree():
    check_run(Experiment(steps=12, record_every=12, snapshots=(0, 12), batch_size=50, train_size=50))
    assert Experiment(steps=1, record_every=1, snapshots=(0, 1)).snapshots == (0, 1)


@pytest.mark.parametrize(
    ("fields", "y", "sentence"),
    [
        ({"loss": "mse"}, LABELS, r"loss is 'mse', but the targets are class labels"),
        ({}, np.zeros((2, 17), np.float32), r"loss is 'cross_entropy', but the targets are float32 values"),
        ({}, np.array([0, 17]), r"Labels run from 0 to 17, but the task has 17 classes: labels must lie in 0\.\.16"),
        ({}, np.array([-1, 3]), r"Labels run from -1 to 3"),
    ],
)
def test_targets_that_do_not_fit_the_loss_are_an_input_error(fields, y, sentence):
    with pytest.raises(InputError, match=sentence):
        check_targets(Experiment(**fields), Data(X, y))


def test_targets_that_fit_pass():
    check_targets(Experiment(), Data(X, np.array([0, 16])))
    check_targets(Experiment(loss="mse", task=VALUES), Data(X, np.zeros((2, 2))))
    check_targets(Experiment(loss=lambda o, t: t), Data(X, LABELS))


class Normed(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(17)(nn.BatchNorm(use_running_average=True)(x))


def _pair(apply, params=None):
    return (lambda key, x: {"w": jnp.zeros((3, 17))} if params is None else params), apply


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"model": mj.models.MLP(outputs=3)},
            r"output has shape \[2, 3\] for 2 examples, but the task calls for \[2, 17\]",
        ),
        ({"model": _pair(lambda params, x: x @ params["v"])}, r"cannot be applied to inputs float32\[2, 3\]: .*v"),
        ({"model": _pair(lambda params, x: x, params={})}, r"The model has no parameters to train"),
        ({"model": Normed()}, r"keeps the collections \['batch_stats'\] beside its parameters"),
        (
            {"model": ((lambda key, x: x @ x), lambda params, x: x)},
            r"cannot draw parameters for inputs float32\[2, 3\]",
        ),
        (
            {"loss": lambda outputs, targets: outputs.mean()},
            r"gave shape \[\] for 2 examples: it must give one value per",
        ),
        ({"loss": lambda outputs, targets: 1.0}, r"gave shape \[\] for 2 examples"),
        ({"loss": lambda outputs: outputs}, r"cannot be applied to targets int32\[2\]"),
    ],
)
def test_functions_that_do_not_fit_are_an_input_error(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        check_functions(Experiment(**fields), X, LABELS)


def test_functions_that_fit_pass():
    check_functions(Experiment(), X, LABELS)
    check_functions(Experiment(model=_pair(lambda params, x: x @ params["w"])), X, LABELS)


def test_streams_differ_by_seed_and_by_purpose_and_repeat_exactly():
    draws = {
        (seed, purpose): generator(seed, purpose).random(4).tobytes() for seed in (0, 1, 2**70) for purpose in "ab"
    }
    assert len(set(draws.values())) == 6
    assert generator(0, "a").random(4).tobytes() == draws[0, "a"]
    keys = {key_data(seed, purpose).tobytes() for seed in (0, 1, 2**70) for purpose in ("init", "batches")}
    assert len(keys) == 6


def test_streams_are_the_numbers_they_were():
    """Published results depend on these: a change here must raise the schema version."""
    assert key_data(0, "init").tolist() == [3501147124, 3394689249]
    np.testing.assert_allclose(
        generator(0, "train inputs").random(2), [0.9517655295689231, 0.6625914207182937], rtol=1e-15
    )


def test_lists_read_as_english():
    assert [listing(words) for words in ([], ["a"], ["a", "b"], "abc")] == ["nothing", "a", "a or b", "a, b or c"]


def test_an_experiment_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Experiment().steps = 3


def test_a_refusal_of_the_model_itself_has_no_notes_of_jax():
    with pytest.raises(InputError) as found:
        mj.explain(Experiment(model=mj.models.EmbeddingMLP(), train_size=8))
    assert not hasattr(found.value, "__notes__")


def test_a_record_every_beyond_all_floats_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="does not divide steps = 1000: use one of"):
        Experiment(record_every=10**400)
