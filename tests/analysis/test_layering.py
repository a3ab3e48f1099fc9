import ast
from pathlib import Path

import pytest

import memjax.analysis
import memjax.plots

ALLOWED = {
    memjax.analysis: {"numpy", "xarray", "memjax.analysis", "memjax.checks.labelled"},
    memjax.plots: {"numpy", "xarray", "memjax.analysis", "memjax.checks.labelled", "memjax.plots"},
}
STANDARD = {"__future__", "collections", "contextlib", "dataclasses", "inspect", "math", "typing", "warnings"}


def _imported(nodes):
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _package(module):
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "memjax" else parts[0]


@pytest.mark.parametrize("package", ALLOWED, ids=lambda package: package.__name__)
def test_importing_is_cheap_and_looks_downwards_only(package):
    for file in Path(package.__file__).parent.rglob("*.py"):
        # Only the top level of a file: scipy and matplotlib may be imported inside functions.
        packages = {_package(module) for module in _imported(ast.parse(file.read_text()).body)}
        assert packages <= ALLOWED[package] | STANDARD, file.name


def test_analysis_never_imports_jax_or_plots_even_inside_functions():
    for file in Path(memjax.analysis.__file__).parent.rglob("*.py"):
        packages = {_package(module) for module in _imported(ast.walk(ast.parse(file.read_text())))}
        assert (
            packages <= {"numpy", "xarray", "scipy", "hmmlearn", "memjax.analysis", "memjax.checks.labelled"} | STANDARD
        ), file.name
