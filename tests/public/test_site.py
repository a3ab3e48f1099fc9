"""The gallery draws everything, pages outside docs/ are found, and the check of the built site finds what is broken."""

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest

import memjax as mj

DOCS = Path(__file__).parents[2] / "docs"
GALLERY = sorted((DOCS / "gallery").glob("*.py"))


@pytest.fixture(scope="module", autouse=True)
def path_of_the_site():
    sys.path.insert(0, str(DOCS / "site"))
    yield
    sys.path.remove(str(DOCS / "site"))


def called(path):
    """Names of memjax.plots that a file of the gallery calls."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {call.removeprefix("mj.plots.") for call in calls if call.startswith("mj.plots.")}


def test_every_plot_function_is_called_by_a_picture_of_the_gallery():
    missing = set(mj.plots.__all__) - set.union(*map(called, GALLERY))
    assert not missing, f"Draw {sorted(missing)} in a file of docs/gallery."


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_a_picture_has_a_title_and_uses_public_names_alone(path):
    text = path.read_text(encoding="utf-8")
    title, line, *about = ast.get_docstring(ast.parse(text)).splitlines()
    assert len(title) == len(line) and set(line) == {"="} and "".join(about).endswith(".")
    for name in re.findall(r"\bmj((?:\.\w+)+)", text):
        room, _, last = name.lstrip(".").rpartition(".")
        assert last in (getattr(mj, room) if room else mj).__all__, name
    assert set(re.findall(r"^(?:from|import) .*memjax.*", text, flags=re.MULTILINE)) == {"import memjax as mj"}


SITES = {
    "fine": ('<a href="b.html#there">b</a><a href="https://example.org">out</a><img src="data:image/png;base64,">', []),
    "no file": ('<a href="gone.html">b</a>', ["a.html links gone.html, which leads nowhere."]),
    "no anchor": ('<a href="b.html#gone">b</a>', ["a.html links b.html#gone, which leads nowhere."]),
    "no own anchor": ('<a href="#gone">b</a>', ["a.html links #gone, which leads nowhere."]),
    "no picture": ('<img src="gone.png">', ["a.html links gone.png, which leads nowhere."]),
    "script": (
        '<script src="https://cdn.example.org/x.js"></script>',
        ["a.html loads https://cdn.example.org/x.js from a network."],
    ),
    "style": (
        '<link rel="stylesheet" href="//example.org/x.css">',
        ["a.html loads //example.org/x.css from a network."],
    ),
}


@pytest.mark.parametrize("case", SITES)
def test_the_check_finds_broken_links_and_what_comes_from_a_network(case, tmp_path):
    check = importlib.import_module("check")
    page, wanted = SITES[case]
    (tmp_path / "a.html").write_text(page)
    (tmp_path / "b.html").write_text('<p id="there">b</p>')
    assert list(check.faults(tmp_path)) == wanted


def test_a_style_sheet_loads_nothing_from_a_network(tmp_path):
    check = importlib.import_module("check")
    (tmp_path / "own.css").write_text("@font-face { src: url(own.woff2) }")
    (tmp_path / "far.css").write_text("@import url(https://example.org/font.css);")
    assert list(check.faults(tmp_path)) == ["far.css loads something from a network."]


LINKS = {
    ("banks", "[n](../notebooks/a_b.ipynb)"): "[n](tutorials/a_b.ipynb)",
    ("studies/margins", "[n](../../notebooks/a.ipynb)"): "[n](../tutorials/a.ipynb)",
    ("stability", "[c](../CHANGELOG.md#v0-2)"): "[c](changelog.md#v0-2)",
    ("index", "[g](gallery/README.txt), [s](sweep.md)"): "[g](pictures/index.rst), [s](sweep.md)",
    ("adding/task", "[t](../tasks.md)"): "[t](../tasks.md)",
}


@pytest.mark.parametrize(("page", "text"), LINKS)
def test_links_to_files_outside_the_pages_lead_to_their_copies(page, text):
    pytest.importorskip("sphinx")
    source = [text]
    importlib.import_module("outside").lead_inside(None, page, source)
    assert source == [LINKS[page, text]]
