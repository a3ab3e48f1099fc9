"""The house: imports go one way, and the loop stands in one place."""

import ast
from pathlib import Path

import memjax

ROOT = Path(memjax.__file__).parent
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py"))}

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
# Parts that import the studies or the command line.
OUTERMOST = {"cli", "studies", "__main__"}
LONGEST = 300


def part_of(name):
    return name.split("/")[0].removesuffix(".py")


def imported(text):
    """Parts of memjax, and packages, that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module == "memjax":
            names = [f"memjax.{alias.name}" for alias in node.names]
        for name in names:
            found |= {name.split(".")[0], *name.split(".")[1:2]} if name.startswith("memjax") else {name.split(".")[0]}
    return found


IMPORTS = {name: imported(text) for name, text in TEXTS.items()}


def test_imports_go_one_way():
    bad = {name: found & FORBIDDEN.get(part_of(name), set()) - {part_of(name)} for name, found in IMPORTS.items()}
    assert {name: found for name, found in bad.items() if found} == {}


def test_nothing_but_the_studies_and_the_command_line_imports_them():
    users = {name for name, found in IMPORTS.items() if {"cli", "studies"} & found}
    assert {name for name in users if part_of(name) not in OUTERMOST} == set()


def test_training_loops_stand_in_the_engine_only():
    assert {name for name, text in TEXTS.items() if "lax.scan" in text} == {"engine/loop.py"}


def test_files_are_short_enough_to_read_in_one_sitting():
    lengths = {name: len(text.splitlines()) for name, text in TEXTS.items()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
