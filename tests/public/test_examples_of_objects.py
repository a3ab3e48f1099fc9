"""Objects have docstrings below their assignments, which doctest does not see: here the examples in these texts run."""

import ast
import doctest
import importlib
import itertools
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"


def docstrings(path):
    """Name and text of every string that stands below the assignment of one name at the top of a file."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for above, below in itertools.pairwise(body):
        if isinstance(above, ast.Assign | ast.AnnAssign) and isinstance(below, ast.Expr):
            target = above.target if isinstance(above, ast.AnnAssign) else above.targets[0]
            if isinstance(target, ast.Name) and isinstance(below.value, ast.Constant):
                yield target.id, below.value


def found():
    """Module, text and line of every example of an object, by the path of the object."""
    for path in sorted(SRC.rglob("*.py")):
        inner = path.parent if path.name == "__init__.py" else path.with_suffix("")
        module = ".".join(inner.relative_to(SRC).parts)
        for name, text in docstrings(path):
            if ">>>" in str(text.value):
                yield f"{module}.{name}", (module, text.value, text.lineno)


EXAMPLES = dict(found())
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def failures(name, module, text, line):
    """What the examples of a text print that they should not."""
    example = doctest.DocTestParser().get_doctest(text, dict(vars(importlib.import_module(module))), name, module, line)
    lines = []
    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=lines.append)
    return "".join(lines)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_an_object_prints_what_it_says(name):
    told = failures(name, *EXAMPLES[name])
    assert not told, told


def test_a_wrong_example_is_told():
    assert "Expected:\n    3\nGot:\n    2" in failures("two", "memjax", ">>> 1 + 1\n3\n", 1)


def test_the_measures_and_the_scalars_have_examples():
    assert {"memjax.analysis.series.scalars.gap", "memjax.measures.recorded.sharpness.sharpness"} <= set(EXAMPLES)
