"""Axes: labels, refusals, and the experiment of every cell whatever the order of the axes."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memjax import Experiment, InputError, traced
from memjax.experiment.axes import cells, read_axes
from memjax.models import MLP, Transformer
from memjax.optimizers import adam, adamw, constant, cosine, linear, sgd, warmup_cosine
from memjax.tasks import ModularArithmetic, RandomLabels


@dataclasses.dataclass(frozen=True)
class Core:
    scale: float = traced(1.0)


@dataclasses.dataclass(frozen=True)
class Shell:
    core: object = Core()


@dataclasses.dataclass(frozen=True)
class Holder:
    """A model that holds others, to be found at two depths."""

    inner: object = Core()

    def init(self, key, x):
        return {"w": jnp.zeros((x.shape[1], 2))}

    def apply(self, params, x):
        return x @ params["w"]


def _runs(over, base=None):
    return dict(cells(base or Experiment(), read_axes(over)))


def _orders(over):
    return [dict(order) for order in itertools.permutations(over.items())]


def _labels(values):
    (axis,) = read_axes({"model.thing": values})
    return axis.coords()["thing"].tolist()


def test_the_product_is_in_the_order_of_the_axes_the_last_fastest():
    runs = _runs({"train_size": [50, 100], "seed": range(3)})
    assert list(runs) == list(itertools.product(range(2), range(3)))
    assert [(r.train_size, r.seed) for r in runs.values()] == [(n, s) for n in (50, 100) for s in range(3)]


def test_no_axes_is_one_run():
    assert _runs({}) == {(): Experiment()}


@pytest.mark.parametrize("over", _orders({"optimizer": [adam(), adamw(b1=0.5)], "learning_rate": [0.1, 0.2]}))
def test_a_field_inside_a_swept_object_is_set_in_either_order(over):
    got = {(r.optimizer.name, r.optimizer.hyperparameters["learning_rate"]) for r in _runs(over).values()}
    assert got == set(itertools.product(["adam", "adamw"], [0.1, 0.2]))
    assert {r.optimizer.hyperparameters["b1"] for r in _runs(over).values()} == {0.9, 0.5}


@pytest.mark.parametrize(
    "over", _orders({"model": [MLP(activation="relu"), MLP(activation="tanh")], "hidden": [(4,), (8, 8)]})
)
def test_a_width_inside_a_swept_model_is_set_in_either_order(over):
    got = {(r.model.activation, r.model.hidden) for r in _runs(over).values()}
    assert got == set(itertools.product(["relu", "tanh"], [(4,), (8, 8)]))


@pytest.mark.parametrize(
    "over", _orders({"optimizer": [sgd(), adam()], "learning_rate": [cosine(), linear()], "peak": [0.1, 0.2]})
)
def test_three_levels_are_set_from_the_outside_in(over):
    got = {
        (
            r.optimizer.name,
            type(r.optimizer.hyperparameters["learning_rate"]),
            r.optimizer.hyperparameters["learning_rate"].peak,
        )
        for r in _runs(over).values()
    }
    assert got == set(itertools.product(["sgd", "adam"], [cosine, linear], [0.1, 0.2]))


@pytest.mark.parametrize("over", _orders({"model": [Holder()], "inner": [Core(1.0), Core(2.0)], "scale": [5.0, 6.0]}))
def test_levels_that_only_the_swept_object_has_are_set_from_the_outside_in(over):
    assert {r.model.inner.scale for r in _runs(over).values()} == {5.0, 6.0}


def test_a_name_is_resolved_anew_where_swept_objects_nest_differently():
    runs = _runs({"model": [Holder(Core()), Holder(Shell())], "scale": [5.0, 6.0]})
    assert [r.model.inner.scale for r in list(runs.values())[:2]] == [5.0, 6.0]
    assert [r.model.inner.core.scale for r in list(runs.values())[2:]] == [5.0, 6.0]


def test_a_field_that_only_some_swept_objects_have_is_an_input_error():
    with pytest.raises(InputError, match=r"no field 'weight_decay'"):
        _runs({"optimizer": [adamw(), sgd()], "weight_decay": [0.1]})


def test_a_tuple_axis_moves_its_fields_together():
    over = {("train_size", "optimizer.learning_rate"): [(50, 0.1), (100, 0.2)], "seed": [3]}
    runs = _runs(over)
    assert [(r.train_size, r.optimizer.hyperparameters["learning_rate"], r.seed) for r in runs.values()] == [
        (50, 0.1, 3),
        (100, 0.2, 3),
    ]
    axis = read_axes(over)[0]
    assert axis.dim == "train_size"
    coords = {name: labels.tolist() for name, labels in axis.coords().items()}
    assert coords == {"train_size": [50, 100], "learning_rate": [0.1, 0.2]}


def test_a_tuple_axis_with_an_object_and_a_field_inside_it():
    for names in (("optimizer", "learning_rate"), ("learning_rate", "optimizer")):
        rows = [(adam(), 0.1), (sgd(), 0.2)]
        rows = rows if names[0] == "optimizer" else [row[::-1] for row in rows]
        got = [(r.optimizer.name, r.optimizer.hyperparameters["learning_rate"]) for r in _runs({names: rows}).values()]
        assert got == [("adam", 0.1), ("sgd", 0.2)]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([0.1, 0.25], [0.1, 0.25]),
        (range(2, 5), [2, 3, 4]),
        (np.array([4, 8]), [4, 8]),
        (jnp.array([4, 8]), [4, 8]),
        ((n for n in (1, 2)), [1, 2]),
        ([False, True], [False, True]),
        (["relu", "tanh"], ["relu", "tanh"]),
        ([None, 3], ["None", "3"]),
        ([(), (100,), (100, 50)], ["none", "100", "100-50"]),
        ([[4], [4, 4]], ["4", "4-4"]),
        ([adam(), sgd()], ["adam", "sgd"]),
        ([jnp.tanh, jnp.sin], ["tanh", "sin"]),
        ([MLP(), RandomLabels()], ["MLP", "RandomLabels"]),
        ([adam(1.0), adam(2.0)], [repr(adam(1.0)), repr(adam(2.0))]),
        ([cosine(1.0), cosine(2.0)], [repr(cosine(1.0)), repr(cosine(2.0))]),
        ([1, "1"], ["1", "'1'"]),
        ([0.1, warmup_cosine()], ["0.1", "warmup_cosine"]),
    ],
)
def test_labels_are_numbers_or_readable_words(values, labels):
    assert _labels(values) == labels


def test_numeric_labels_keep_their_kind():
    assert read_axes({"seed": range(3)})[0].coords()["seed"].dtype.kind == "i"
    assert read_axes({"learning_rate": [1, 0.5]})[0].coords()["learning_rate"].dtype.kind == "f"
    assert read_axes({"bias": [True, False]})[0].coords()["bias"].dtype.kind == "b"


def test_values_reach_the_experiment_as_python_numbers_and_tuples():
    (run,) = _runs({"seed": np.array([7]), "hidden": [[3, 4]], "learning_rate": [np.float32(0.5)]}).values()
    assert type(run.seed) is int and run.model.hidden == (3, 4)
    assert type(run.optimizer.hyperparameters["learning_rate"]) is float


class Thing:
    def __repr__(self):
        return "thing"


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"seed": []}, r"The axis 'seed' has no values: give at least one"),
        ({"seed": [1, 2, 1]}, r"The axis 'seed' has repeated values \[.*\]: give each once"),
        ({"seed": [1, True]}, r"The axis 'seed' has repeated values"),
        ({"seed": [1, 1.0]}, r"The axis 'seed' has repeated values"),
        ({"activation": ["relu", "relu"]}, r"values that read the same"),
        ({"model": [Thing(), Thing()]}, r"The axis 'model' has values that read the same, \['thing', 'thing'\]"),
        ({"activation": "relu"}, r"The axis 'activation' has the values 'relu': give a list of values"),
        ({"seed": 3}, r"The axis 'seed' has the values 3: give a list of values"),
        ({"seed": None}, r"The axis 'seed' has the values None: give a list"),
        (
            {("seed", "train_size"): [(0, 50), (1,)]},
            r"\['seed', 'train_size'\] move together, but got \(1,\): give a tuple",
        ),
        ({("seed", "train_size"): [3]}, r"move together, but got 3: give a tuple of 2 values"),
        ({("seed", "train_size"): ["ab"]}, r"move together, but got 'ab'"),
        ({("seed", "train_size"): [(0, 50, 9)]}, r"give a tuple of 2 values"),
        ({"seed": [0], ("train_size", "seed"): [(50, 1)]}, r"Two axes would both be labelled 'seed'"),
        ({"step": [20]}, r"labelled 'step', which counts the updates of a run: their number is the field steps"),
        ({"learning_rate": [0.1], "optimizer.learning_rate": [0.2]}, r"both be labelled 'learning_rate'"),
        ({("seed", "seed"): [(0, 1)]}, r"'seed'"),
        ({("learning_rate", "optimizer.learning_rate"): [(0.1, 0.2)]}, r"'learning_rate'"),
        ({(): [()]}, r"name"),
        ({3: [1]}, r"3"),
        ({"seed": np.array(3)}, r"The axis 'seed' has the values"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_bad_axis_has_its_sentence(over, sentence):
    with pytest.raises(InputError, match=sentence):
        read_axes(over)


def test_an_unknown_or_ambiguous_name_is_an_input_error():
    with pytest.raises(InputError, match=r"no field 'trainsize' to sweep\. Did you mean train_size"):
        _runs({"trainsize": [1]})


def test_a_bad_value_is_the_experiments_own_error():
    with pytest.raises(InputError, match=r"train_size is 0: give a whole number"):
        _runs({"train_size": [0, 1]})
    with pytest.raises(InputError, match=r"optimizer is 'adam': make one"):
        _runs({"optimizer": ["adam"]})


def test_a_constant_schedule_is_a_label_of_its_own():
    assert _labels([constant(), cosine()]) == ["constant", "cosine"]


def test_big_seeds_keep_every_digit_in_their_label():
    assert _labels([1, 2**63 + 1]) == [1, 2**63 + 1]


def test_fields_that_move_together_may_repeat_their_values():
    rows = [(0, "relu", None), (1, "relu", (4,)), (2, "tanh", (4,))]
    (axis,) = read_axes({("seed", "activation", "hidden"): rows})
    coords = {name: labels.tolist() for name, labels in axis.coords().items()}
    assert axis.dim == "seed"
    assert coords == {"seed": [0, 1, 2], "activation": ["relu", "relu", "tanh"], "hidden": ["None", "4", "4"]}
    (axis,) = read_axes({("activation", "seed"): [("relu", 0), ("relu", 1)]})
    assert list(axis.coords()) == ["seed", "activation"], "the field whose values all differ is the dimension"


def test_points_of_a_lattice_are_numbered_in_the_order_given():
    points = [(1e-3, 0.0), (1e-3, 1e-2), (1e-2, 0.0), (1e-2, 1e-2)]
    (axis,) = read_axes({("learning_rate", "l2"): points})
    coords = {name: labels.tolist() for name, labels in axis.coords().items()}
    assert coords == {
        "learning_rate_l2": [0, 1, 2, 3],
        "learning_rate": [1e-3, 1e-3, 1e-2, 1e-2],
        "l2": [0.0, 1e-2, 0.0, 1e-2],
    }
    with pytest.raises(InputError, match=r"has the values \(0.001, 0.0\) more than once"):
        read_axes({("learning_rate", "l2"): [*points, points[0]]})


def test_values_may_be_named():
    (axis,) = read_axes({"learning_rate": {"constant": 0.1, "cosine": cosine(0.1)}})
    assert {name: labels.tolist() for name, labels in axis.coords().items()} == {
        "learning_rate": ["constant", "cosine"]
    }
    (axis,) = read_axes({("learning_rate", "l2"): {"small": (0.1, 0.0), "large": (0.1, 1.0)}})
    assert {name: labels.tolist() for name, labels in axis.coords().items()} == {
        "learning_rate_l2": ["small", "large"],
        "learning_rate": [0.1, 0.1],
        "l2": [0.0, 1.0],
    }
    for bad in ({3: 0.1}, {"": 0.1}):
        with pytest.raises(InputError, match="give every value a name that is text"):
            read_axes({"learning_rate": bad})


def _power(exponent):
    return lambda x: x**exponent


def test_functions_are_labelled_without_addresses_and_told_apart_by_what_they_hold():
    assert _labels([_power(2), _power(3)]) == ["<lambda>(exponent=2)", "<lambda>(exponent=3)"]
    partials = [functools.partial(max, 0), functools.partial(max, 1, key=abs)]
    assert _labels(partials) == ["max(0)", "max(1, key=<built-in function abs>)"]
    first, second = _labels([_power([2]), _power([3])])
    assert first != second and first.startswith("<lambda>-") and _labels([_power([3]), _power([2])]) == [second, first]
    with pytest.raises(InputError, match="values that read the same"):
        read_axes({"activation": [_power([2]), _power([2])]})


def test_a_value_from_inside_of_jit_is_an_input_error():
    for values in (lambda rate: [rate], lambda rate: jnp.stack([rate, rate])):
        with pytest.raises(InputError, match=r"'learning_rate' has a value that is being traced .*outside of jax.jit"):
            jax.jit(lambda rate, values=values: read_axes({"learning_rate": values(rate)}))(1e-3)


def _apply(params, x):
    return x @ params


TOGETHER = {
    "steps, records and snapshots": (
        Experiment(),
        {("steps", "record_every", "snapshots"): [(12, 4, (4, 12)), (9, 3, (9,))]},
        lambda run: (run.steps, run.record_every, run.snapshots),
    ),
    "steps and records on axes of their own": (
        Experiment(),
        {"record_every": [4, 12], "steps": [12, 24]},
        lambda run: (run.record_every, run.steps),
    ),
    "a width and its heads": (
        Experiment(model=Transformer(width=8, heads=4)),
        {("width", "heads"): [(15, 5), (9, 3)]},
        lambda run: (run.model.width, run.model.heads),
    ),
    "a share of a task without examples to share": (
        Experiment(task=ModularArithmetic(p=5), train_size=0.5),
        {("task", "train_size"): [(RandomLabels(), 7), (ModularArithmetic(p=7), 0.25)]},
        lambda run: (run.task, run.train_size),
    ),
    "a momentum and what needs it": (
        Experiment(optimizer=sgd(0.1)),
        {("nesterov", "momentum"): [(True, 0.5), (False, None)]},
        lambda run: tuple(run.optimizer.hyperparameters[name] for name in ("nesterov", "momentum")),
    ),
    "a pair of functions and one of them": (
        Experiment(),
        {"model": [(lambda key, x: x[0], _apply)], "apply_fn": [_apply, jnp.dot]},
        lambda run: ((run.model.init_fn, _apply), run.model.apply_fn),
    ),
}


@pytest.mark.parametrize("case", TOGETHER)
def test_fields_that_fit_together_are_put_in_together(case):
    """None of them fits those of the experiment, with which it would meet if they were put in one by one."""
    base, over, read = TOGETHER[case]
    found = [read(run) for run in _runs(over, base).values()]
    rows = itertools.product(*(values for values in over.values()))
    assert found == [row if len(over) > 1 else row[0] for row in rows]


def test_a_cell_whose_fields_do_not_fit_together_is_refused():
    with pytest.raises(InputError, match=r"record_every is 5, which does not divide steps = 12"):
        _runs({"steps": [10, 12], "record_every": [5]})
    with pytest.raises(InputError, match=r"optimizer is 'adam': make one with memjax\.optimizers"):
        _runs({"optimizer": ["adam"], "b1": [0.5]})
