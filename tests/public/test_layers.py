"""The house: imports point down, the loop stands in one place, and what is public is what an open package exports."""

import ast
import functools
import importlib
import re
from pathlib import Path

import memjax

ROOT = Path(memjax.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# Rooms from the ground up. A room may import the rooms before it, and itself; rooms in one row may not import each other,
# but for the pairs in ALSO.
FLOORS = (
    ("errors", "types"),
    ("checks", "content", "pages", "random"),
    ("jax_settings", "fields"),
    ("examples", "losses", "schedules", "parameter_trees", "analysis"),
    ("tasks", "subsets", "stopping", "models", "optimizers", "penalties", "plots"),
    ("measures",),
    ("experiment",),
    ("engine.program",),
    ("engine.plan",),
    ("engine.training",),
    ("results",),
    ("store", "privacy"),
    ("explanation",),
    ("sweep", "explain", "measure"),
    ("studies.kit",),
    ("studies", "report"),
    ("cli",),
    ("__main__",),
)
ALSO = {("plots", "analysis")}
# Rooms that need no JAX, so that a figure is drawn and a table is made on any machine.
WITHOUT_JAX = {"analysis", "plots"}
MOST_LINES, MOST_ON_THE_GROUND = 300, 15


def room_of(module):
    """Room of a dotted name below memjax; the name of a package alone is what the package exports."""
    parts = module.split(".")
    if parts[:2] == ["studies", "kit"]:
        return "studies.kit"
    return ".".join(parts[:2]) if parts[0] == "engine" else parts[0]


@functools.cache
def imported(path):
    """Modules of memjax, and packages, that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in ("memjax", "memjax.engine"):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def rooms_imported(path):
    return {room_of(name.removeprefix("memjax.")) for name in imported(path) if name.startswith("memjax.")}


def test_imports_point_down():
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    up = []
    for path in FILES:
        if path.parent == ROOT and path.name == "__init__.py":
            continue
        own = room_of(module_of(path))
        assert own in floor or own == "engine", f"{own} stands on no floor: add it to FLOORS"
        for other in rooms_imported(path) - {own}:
            if floor[other] >= floor[own] and (own, other) not in ALSO:
                up.append(f"{module_of(path)} -> {other}")
    assert not up


def test_no_files_import_each_other_in_a_circle():
    modules = {f"memjax.{module_of(path)}": path for path in FILES if path.name != "__init__.py"}
    arrows = {name: [other for other in imported(path) if other in modules] for name, path in modules.items()}
    left = dict(arrows)
    # Whoever imports nobody that is left can be taken away; what stays at the end is a circle.
    while free := [name for name, others in left.items() if not any(other in left for other in others)]:
        for name in free:
            del left[name]
    assert sorted(left) == []


def test_numbers_and_figures_need_no_jax():
    users = {module_of(path) for path in FILES if room_of(module_of(path)) in WITHOUT_JAX and "jax" in imported(path)}
    assert users == set()


def test_training_loops_stand_in_the_engine_only():
    loops = re.compile(r"lax\.(scan|fori_loop|while_loop)[^)]*?\bone_(step|record)\b")
    assert {str(path.relative_to(ROOT)) for path in FILES if loops.search(path.read_text())} == {
        "engine/program/loop.py"
    }
    # A loop over the layers of a network is none over steps.
    assert [path.name for path in FILES if "lax.scan" in path.read_text()] == ["stacked_mlp.py"]


def test_files_are_short_enough_to_read_in_one_sitting():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_the_ground_floor_can_be_surveyed():
    assert len(list(ROOT.glob("*.py"))) <= MOST_ON_THE_GROUND


def test_public_is_what_a_package_exports_and_no_name_of_a_file_says_so_too():
    marked = [
        module_of(path)
        for path in FILES
        if path.name.startswith("_") and path.name not in ("__init__.py", "__main__.py")
    ]
    assert marked == []
    parts = ("losses", "measures", "models", "optimizers", "penalties", "schedules", "tasks")
    for name in ("analysis", "plots", "privacy", *parts):
        package = importlib.import_module(f"memjax.{name}")
        assert sorted(set(package.__all__)) == sorted(package.__all__)
        assert all(hasattr(package, exported) for exported in package.__all__)
