"""An experiment as text and as a table: short, complete, and safe to show."""

import dataclasses
import functools
import inspect
from html.parser import HTMLParser

import numpy as np
import pytest

import memjax as mj


def cube(x):
    return x**3


@pytest.mark.parametrize(
    "spec",
    [
        mj.Experiment(),
        mj.Experiment(steps=20, record_at=(1, 3), seed=2**40, test_size=0, loss_scale=0.5),
        mj.Experiment(
            task=mj.tasks.RandomLabels(num_classes=4),
            model=mj.models.MLP(hidden=(5,), activation=cube),
            optimizer=mj.optimizers.averaged(mj.optimizers.sgd(mj.schedules.cosine(0.1), momentum=0.9)),
            stop_when=mj.stopping.AtLeast("train_accuracy", 0.99),
            measures=("loss", mj.measures.BUILT_IN["accuracy"].on("train")),
        ),
    ],
)
def test_the_text_of_an_experiment_evaluates_to_an_equal_one(spec):
    assert eval(repr(spec), vars(mj) | {"cube": cube}) == spec


def test_the_text_leaves_out_what_was_not_chosen_and_says_what_cannot_be_typed():
    assert repr(mj.Experiment()) == "Experiment()"
    assert (
        repr(mj.Experiment(model=mj.models.MLP(bias=False), steps=20))
        == "Experiment(model=models.MLP(bias=False), steps=20)"
    )
    task = mj.tasks.Arrays(np.zeros((6, 2)), np.arange(6) % 2, num_train=4)
    assert f"task={task!r}" in repr(mj.Experiment(task=task, train_size=4, test_size=2))


def power(exponent):
    def inner(x):
        return x**exponent

    return inner


def test_a_function_without_a_name_is_not_taken_for_code():
    where, inner = (
        f"test_a_function_without_a_name_is_not_taken_for_code.<locals>.<lambda> of {__name__}",
        f"power.<locals>.inner of {__name__}",
    )
    here = inspect.currentframe().f_lineno
    shown = {
        f"<{where}:{here + 2}>": lambda x: x,
        f"<lambda of {__name__}:1>": eval("lambda x: x"),
        f"<{inner}:{power.__code__.co_firstlineno + 1}, closed over exponent=2>": power(2),
        f"<{inner}:{power.__code__.co_firstlineno + 1}, closed over exponent=3>": power(3),
    }
    for text, function in shown.items():
        spec = mj.Experiment(model=mj.models.MLP(activation=function))
        assert repr(spec) == f"Experiment(model=models.MLP(activation={text}))"
        assert "activation = " + text in Rows(spec._repr_html_()).rows[1]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mine(mj.Experiment):
    steps: int = 30
    grade: int


def test_an_object_that_holds_a_function_shows_no_address():
    spec = mj.Experiment(model=mj.models.MLP(activation=functools.partial(cube)))
    assert repr(spec) == "Experiment(model=models.MLP(activation=functools.partial(<function cube>)))"


def test_a_subclass_is_named_and_shows_what_was_chosen():
    assert repr(Mine(grade=3)) == "Mine(grade=3)" and eval(repr(Mine(grade=3, steps=20))) == Mine(grade=3, steps=20)
    text = Mine(grade=3, loss_scale=0.5)._repr_html_()
    assert text.startswith("<strong>Mine</strong>")
    bright = [row for row, faint in zip(Rows(text).rows, Rows(text).faint, strict=True) if not faint]
    assert bright == ["loss_scale0.5", "grade3"]


class Rows(HTMLParser):
    """Text of every row of a table, and whether the row or a part of it is faint."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.faint, self.tags = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append("")
            self.faint.append("opacity" in dict(attrs)["style"])

    def handle_data(self, data):
        if self.rows:
            self.rows[-1] += data


def test_the_table_has_every_field_and_those_at_their_defaults_are_faint():
    found = Rows(mj.Experiment(steps=20, model=mj.models.MLP(hidden=(5,)))._repr_html_())
    assert len(found.rows) == len(dataclasses.fields(mj.Experiment)) and found.rows[0].startswith(
        "tasktasks.RandomLabels("
    )
    bright = [row for row, faint in zip(found.rows, found.faint, strict=True) if not faint]
    assert bright[0].startswith("modelmodels.MLP(hidden = (5,), activation = 'relu'") and bright[1:] == ["steps20"]


def test_a_name_with_markup_stays_text():
    task = mj.tasks.Arrays(np.zeros((6, 2)), np.arange(6) % 2, num_train=4, class_names=("<script>", "b"))
    text = mj.Experiment(task=task, train_size=4, test_size=2)._repr_html_()
    assert "<script>" not in text and "&lt;script&gt;" in text
    assert not Rows(text).tags & {"script", "link", "img", "style"}
