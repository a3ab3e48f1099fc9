"""The house: imports go one way, and the loop stands in one place."""

import ast
from pathlib import Path

import pytest

import memjax

ROOT = Path(memjax.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py"))

# What the open parts may not import, but themselves: they can be copied out and used without the house.
HOUSE = {
    "engine", "store", "tasks", "models", "measures", "analysis", "plots", "results", "resume", "sweep", "experiment",
    "studies", "cli",
}  # fmt: skip
# Parts that a part may not import, directly. Everything else follows: data flows one way.
FORBIDDEN = {
    "types": {"memjax"},
    "errors": {"memjax"},
    "tasks": HOUSE,
    "models": HOUSE,
    "measures": HOUSE,
    "engine": {"analysis", "plots", "store", "results", "resume", "sweep", "studies", "cli"},
    "store": {"analysis", "plots", "results", "resume", "sweep", "studies", "cli"},
    "analysis": HOUSE | {"jax"},
    "plots": HOUSE - {"analysis"} | {"jax"},
    "results": {"analysis", "plots", "resume", "sweep", "studies", "cli"},
    "resume": {"analysis", "plots", "sweep", "studies", "cli"},
    "sweep": {"analysis", "plots", "studies", "cli"},
}


def part_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path):
    """Parts of memjax, and packages, that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module == "memjax":
            names = [f"memjax.{alias.name}" for alias in node.names]
        for name in names:
            found |= {name.split(".")[0], *name.split(".")[1:2]} if name.startswith("memjax") else {name.split(".")[0]}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    own = part_of(path)
    bad = imported(path) & FORBIDDEN.get(own, set()) - {own}
    assert not bad, f"{path.relative_to(ROOT)} imports {sorted(bad)}"


def test_nothing_but_the_studies_and_the_command_line_imports_them():
    users = {part_of(path) for path in FILES if {"cli", "studies"} & imported(path)}
    assert users <= {"cli", "studies", "__main__"}


def test_training_loops_stand_in_the_engine_only():
    scans = {str(path.relative_to(ROOT)) for path in FILES if "lax.scan" in path.read_text()}
    assert scans == {"engine/loop.py"}


def test_files_are_short_enough_to_read_in_one_sitting():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}
