"""`from_frame`: columns by name are the arrays that a user would take out of the table."""

import numpy as np
import pandas as pd
import pytest

from memjax import InputError
from memjax.tasks import from_arrays, from_frame

FRAME = pd.DataFrame(
    {"a": [1.0, 2.0, 3.0, 4.0], "kind": ["emu", "cat", "cat", "dog"], "b": [5.0, 6.0, 7.0, 8.0]}, index=list("wxyz")
)


def test_columns_by_name_are_the_task_of_their_arrays():
    parts = {"test": FRAME[["b", "kind", "a"]].iloc[[3, 1, 0]], "evaluation": {"late": FRAME.iloc[2:]}}
    task = from_frame(FRAME, "kind", ["b", "a"], **parts, num_classes=3)
    x = FRAME[["b", "a"]].to_numpy()
    codes = np.array([2, 0, 0, 1])
    given = {"x_test": x[[3, 1, 0]], "y_test": codes[[3, 1, 0]], "evaluation": {"late": (x[2:], codes[2:])}}
    wanted = from_arrays(x, codes, **given)
    assert task.class_names == ("cat", "dog", "emu")
    assert np.array_equal(task.pool, wanted.pool)
    for own, other in zip(task.draw(0, 4, 3), wanted.draw(0, 4, 3), strict=True):
        assert np.array_equal(own.x, other.x)
        assert np.array_equal(own.y, other.y)
    assert np.array_equal(task.evaluation_sets(0)["late"].y, codes[2:])


def test_without_columns_all_but_the_target_are_inputs_and_numbers_are_values():
    task = from_frame(FRAME.drop(columns="kind"), "b")
    assert np.array_equal(task.pool, FRAME[["a"]])
    assert set(task.draw(0, 4, 1).train.y.ravel()) == {5.0, 6.0, 7.0, 8.0}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (({"a": [1]}, "a"), r"frame is dict: give a table"),
        ((FRAME, "species"), r"frame has no column 'species': the columns are \['a', 'kind', 'b'\]"),
        ((FRAME, "kind", "a"), r"columns is 'a': give a list"),
        ((FRAME, "kind", ["a", "kind"]), r"columns holds the target 'kind'"),
        ((FRAME, "kind", ["a", "c"]), r"frame has no column 'c'"),
        ((pd.concat([FRAME, FRAME[["a"]]], axis=1), "kind", ["a"]), r"frame has 2 columns named 'a'"),
    ],
)
def test_what_is_no_column_is_said(given, sentence):
    with pytest.raises(InputError, match=sentence):
        from_frame(*given)


def test_a_further_table_must_have_the_columns():
    with pytest.raises(InputError, match=r"evaluation\['late'\] has no column 'b'"):
        from_frame(FRAME, "kind", evaluation={"late": FRAME[["a", "kind"]]})
    with pytest.raises(InputError, match=r"test is list: give a table"):
        from_frame(FRAME, "kind", test=[1])
