import ast
from pathlib import Path

import pytest

import memjax.analysis
import memjax.plots

CHECKS = {"memjax.checks.labelled", "memjax.checks.shares"}
ALLOWED = {
    memjax.analysis: {"numpy", "xarray", "memjax.analysis", *CHECKS},
    memjax.plots: {"numpy", "xarray", "memjax.analysis", *CHECKS, "memjax.plots"},
}
ANALYSIS = Path(memjax.analysis.__file__).parent
STANDARD = {
    "functools",
    "__future__",
    "collections",
    "contextlib",
    "dataclasses",
    "inspect",
    "itertools",
    "math",
    "typing",
    "warnings",
}
# Families of memjax.analysis that a family builds on, beside base.
BUILDS_ON = {"shapes": {"fits"}, "banks": {"association"}}


def _imported(nodes):
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _package(module):
    if module in CHECKS:
        return module
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
        assert packages <= {"numpy", "xarray", "scipy", "hmmlearn", "sklearn", "memjax.analysis", *CHECKS} | STANDARD, (
            file.name
        )


@pytest.mark.parametrize("family", sorted(path.name for path in ANALYSIS.iterdir() if (path / "__init__.py").exists()))
def test_families_build_on_base_and_not_on_each_other(family):
    allowed = {family, "base"} | BUILDS_ON.get(family, set())
    for file in (ANALYSIS / family).glob("*.py"):
        modules = [module.split(".") for module in _imported(ast.walk(ast.parse(file.read_text())))]
        used = {parts[2] for parts in modules if parts[:2] == ["memjax", "analysis"]}
        assert used <= allowed, file.name


def test_plots_use_public_names_of_analysis_only():
    for file in Path(memjax.plots.__file__).parent.glob("*.py"):
        modules = set(_imported(ast.walk(ast.parse(file.read_text()))))
        assert not {module for module in modules if module.startswith("memjax.analysis.")}, file.name
