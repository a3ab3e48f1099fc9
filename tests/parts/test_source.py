"""Experiments and axes as Python source: what stands there makes the same again."""

import json

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax.experiment.axes import read_axes
from memjax.experiment.encode import encode, encoded_fields
from memjax.experiment.own import own_objects
from memjax.experiment.source import source
from memjax.experiment.written import encode_request
from memjax.experiment.written_out import experiment_source, over_source
from memjax.report.again import sweep_code
from memjax.results.schema import attributes


def cube(x):
    return x**3


def own_loss(outputs, targets):
    return (outputs[:, 0] - targets) ** 2


OPT, M = mj.optimizers, mj.models
EXPERIMENTS = {
    "defaults": mj.Experiment(),
    "numbers": mj.Experiment(steps=20, record_at=(1, 3), loss_scale=0.5, seed=2**40, snapshots=(7,), test_size=0),
    "nested": mj.Experiment(
        task=mj.tasks.RandomLabels(input_dim=3, num_classes=4),
        model=M.MLP(hidden=(5,), activation="tanh"),
        optimizer=OPT.sgd(learning_rate=mj.schedules.cosine(0.1), momentum=0.9),
        stop_when=mj.stopping.AtLeast("train_accuracy", 0.99),
        penalty=mj.penalties.L1(1e-4),
        keep_best=mj.stopping.Lowest("test_loss"),
        subset=mj.subsets.RandomShare(0.7),
    ),
    "wrapped": mj.Experiment(optimizer=OPT.averaged(OPT.adamw(1e-2, weight_decay=0.1), average_decay=0.9)),
    "measures": mj.Experiment(
        measures=(mj.measures.accuracy.on("train"), "weight_l2"),
        examples=("correct", mj.measures.by_example("loss", on=("data", "test"))),
    ),
    "own functions": mj.Experiment(model=M.MLP(hidden=(3,), activation=cube), loss=own_loss),
}


@pytest.mark.parametrize("case", EXPERIMENTS)
def test_the_source_of_an_experiment_makes_an_equal_one(case):
    spec = EXPERIMENTS[case]
    text = experiment_source(encoded_fields(spec))
    assert eval(text, {"mj": mj, "cube": cube, "own_loss": own_loss}) == spec


def test_what_is_at_its_default_is_left_out_and_own_objects_are_named():
    assert experiment_source(encoded_fields(mj.Experiment())) == "mj.Experiment()"
    fields = encoded_fields(EXPERIMENTS["own functions"])
    assert "hidden=(3,), activation=cube" in experiment_source(fields) and "learning_rate" not in experiment_source(
        fields
    )
    assert set(own_objects(fields)) == {"cube", "own_loss"}
    assert own_objects(fields)["cube"].endswith(":cube")


OVERS = {
    "ranges": {"seed": range(3, 9), "train_size": [50, 100]},
    "fractions": {"learning_rate": np.geomspace(1e-3, 1e-1, 4)},
    "together": {("train_size", "steps"): [(8, 10), (16, 20)], "hidden": [(3,), (4, 4)]},
    "parts": {"optimizer": [OPT.sgd(0.1), OPT.adam(0.01)], "model": [M.MLP(hidden=(4,)), M.MLP(hidden=(4, 4))]},
    "by name": {"learning_rate": {"constant": 0.1, "cosine": mj.schedules.cosine(0.1)}},
}


@pytest.mark.parametrize("case", OVERS)
def test_the_source_of_axes_makes_equal_axes(case):
    axes = read_axes(OVERS[case])
    request = encode_request(mj.Experiment(), axes)
    made = {"packing": {}, "versions": {}, "created": ""}
    over = json.loads(attributes(request.fields, request.axes, [], made)["over"])
    again = read_axes(eval(over_source(over), {"mj": mj}))
    assert [axis.names for axis in again] == [axis.names for axis in axes]
    assert [axis.rows for axis in again] == [axis.rows for axis in axes]
    for one, other in zip(axes, again, strict=True):
        assert {name: labels.tolist() for name, labels in one.coords().items()} == {
            name: labels.tolist() for name, labels in other.coords().items()
        }


def power(exponent):
    return lambda x: x**exponent


def test_functions_without_a_name_get_names_in_code_that_say_which_is_which():
    over = {
        "activation": [power(2), power(3), cube],
        "loss": {"own": own_loss, "half": lambda y, t: 0.5 * own_loss(y, t)},
    }
    spec = mj.Experiment(model=M.MLP(hidden=(3,)))
    request = encode_request(spec, read_axes(over))
    made = attributes(request.fields, request.axes, [], {"packing": {}, "versions": {}, "created": ""})
    code = sweep_code(xr.Dataset(attrs=made)).text
    assert code.splitlines()[2:7] == [
        f"# your_activation is your own: <power.<locals>.<lambda> of {__name__}, closed over exponent=2>",
        f"# your_activation_2 is your own: <power.<locals>.<lambda> of {__name__}, closed over exponent=3>",
        f"# cube is your own: {__name__}:cube",
        f"# own_loss is your own: {__name__}:own_loss",
        "# your_half is your own: <test_functions_without_a_name_get_names_in_code_that_say_which_is_which.<locals>.<lambda> "
        f"of {__name__}>",
    ]
    own = {"your_activation": power(2), "your_activation_2": power(3), "cube": cube, "own_loss": own_loss}
    made = {"mj": mj, **own, "your_half": over["loss"]["half"]}
    exec(code.replace("ds = mj.sweep(experiment, over)", ""), made)
    assert made["experiment"] == spec
    assert [f(2.0) for f in made["over"]["activation"]] == [4.0, 8.0, 8.0]
    assert made["over"]["loss"] == over["loss"]
    # Where a text is to be read, there is no code.
    assert source(encode(power(2))) == f"<power.<locals>.<lambda> of {__name__}, closed over exponent=2>"


def test_objects_get_names_of_their_fields_and_no_name_stands_for_two():
    task = mj.tasks.Arrays(np.zeros((6, 2)), np.arange(6) % 2, num_train=4)
    fields = encoded_fields(mj.Experiment(task=task, train_size=4, test_size=2, loss=own_loss))
    assert set(own_objects(fields)) == {"your_task", "own_loss"}
    twice = {"loss": {"reference": "a:over"}, "activation": {"reference": "b:f"}, "task": {"reference": "c:f"}}
    assert own_objects(twice) == {"over_2": "a:over", "f": "b:f", "f_2": "c:f"}


def test_functions_that_share_a_name_are_told_apart():
    lambdas = [{"reference": "m:<lambda>", "content": "1"}, {"reference": "m:<lambda>", "content": "2"}]
    wrapped = {"reference": "m:scaled(scale=2)"}
    names = own_objects({"activation": [*lambdas, lambdas[0]], "loss": wrapped})
    assert list(names) == ["your_activation", "your_activation_2", "your_loss"]


def test_what_an_object_says_of_itself_stays_one_comment():
    fields = {"loss": {"reference": "Two(\n  <function f at 0x7f01>)"}, "activation": {"reference": "m:Net.apply"}}
    attrs = {"experiment": json.dumps(fields), "over": "{}", "packing": "{}"}
    lines = sweep_code(xr.Dataset(attrs=attrs)).text.splitlines()
    assert lines[2:4] == ["# your_loss is your own: Two( <function f>)", "# apply is your own: m:Net.apply"]
    assert lines[5:7] == ["    loss=your_loss,", "    activation=apply,"]
