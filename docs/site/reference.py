"""Write the pages of the reference: one for every open package, and one for every public name."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from numpydoc.docscrape_sphinx import SphinxDocString
from objects import about_measure, about_scalar, call
from sphinx.pycode import ModuleAnalyzer

from memjax.analysis import Scalar
from memjax.measures import Measure
from public import Public, folder, helpers, home, names, packages, public

HELPERS = "helpers"
EXAMPLES = "\nExamples\n--------\n"
INTRODUCTION = """
Every name that memjax promises to keep has a page here, with its signature, its errors and an example. The pages are written
from the code, and the tests run the examples.

.. list-table::
   :class: summary
   :widths: 30 70

{rows}
"""
ABOUT_HELPERS = """
Parts that are added to memjax itself share these functions, and the skeletons in :doc:`/adding/README` import them. A part in a
project of your own may use them as well, but their names may change from one version to the next.
"""


def write(target: Path) -> None:
    """Write all pages into a folder, and remove pages of names that are gone."""
    target.mkdir(exist_ok=True)
    files = dict(pages())
    for old in set(target.glob("*.rst")) - {target / f"{page}.rst" for page in files}:
        old.unlink()
    for page, text in files.items():
        path = target / f"{page}.rst"
        # Sphinx reads a page again if its file is younger than the last build.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def pages() -> Iterator[tuple[str, str]]:
    """Every page of the reference: the name of its file without ending, and its text."""
    yield "index", _index()
    for package in packages():
        yield package, _package_page(package)
    yield HELPERS, _title("Helpers for parts") + ABOUT_HELPERS + _summary(helpers())
    for name in (*public(), *helpers()):
        yield page_of(name), _name_page(name)


def page_of(name: Public) -> str:
    """File of a name's page. Names that differ in case alone get two files on every file system."""
    twins = [other for other in public() if other.path.lower() == name.path.lower()]
    return f"{name.path}-class" if len(twins) > 1 and inspect.isclass(name.value) else name.path


def _index() -> str:
    rows = [_row(f":doc:`{package}`", _first_sentence(_module_doc(package))) for package in packages()]
    rows += [_row(f":doc:`{HELPERS}`", "Functions that the skeletons of parts import.")]
    return _title("Reference") + INTRODUCTION.format(rows="\n".join(rows)) + _toctree([*packages(), HELPERS])


def _package_page(package: str) -> str:
    text = _title(package) + f"\n.. py:module:: {package}\n\n{_module_doc(package)}\n"
    groups = [(inner, list(group)) for inner, group in groupby(sorted(names(package), key=folder), key=folder)]
    if len(groups) == 1:
        return text + _summary(groups[0][1])
    return text + "".join(_group(package, inner, group) for inner, group in groups)


def _group(package: str, inner: str, members: list[Public]) -> str:
    if not inner:
        return _title("General", "-") + _summary(members)
    about = _first_sentence(_module_doc(f"{package}.{inner}"))
    return _title(inner.replace("_", " ").capitalize(), "-") + f"\n{about}\n" + _summary(members)


def _summary(members: Iterable[Public]) -> str:
    members = sorted(members, key=lambda name: name.name.lower())
    rows = [_row(f":py:obj:`{name.name} <{name.path}>`", _first_sentence(_doc(name))) for name in members]
    head = "\n.. list-table::\n   :class: summary\n   :widths: 30 70\n\n"
    return head + "\n".join(rows) + "\n"


def _row(first: str, second: str) -> str:
    return f"   * - {first}\n     - {second}"


def _toctree(entries: Iterable[str]) -> str:
    return "\n.. toctree::\n   :hidden:\n\n" + "".join(f"   {entry}\n" for entry in entries)


def _title(text: str, line: str = "=") -> str:
    return f"\n{text}\n{line * len(text)}\n"


def _name_page(name: Public) -> str:
    own = home(name)
    # The side bar has packages alone: otherwise every name would stand in the bar of every page.
    up = HELPERS if name in helpers() else name.package
    head = f":orphan:\n{_title(name.path)}\nA part of :doc:`{up}`.\n\n.. py:currentmodule:: {name.package}\n\n"
    if own != name:
        return head + f".. py:data:: {name.name}\n\n   The same as :py:obj:`{own.path}`.\n"
    return head + _entry(name) + _guide(name)


def _entry(name: Public) -> str:
    if not name.is_code:
        return _object(name)
    if inspect.isclass(name.value):
        return f".. autoclass:: {name.path}\n   :members:\n"
    return f".. autofunction:: {name.path}\n" + _gallery(name)


def _object(name: Public) -> str:
    """The entry of an object: how it is used, and the string below its assignment, which is written as docstrings are."""
    first, about = f".. py:data:: {name.name}\n", ""
    if isinstance(name.value, Scalar):
        first, about = f".. py:function:: {name.name}{call(name.value)}\n", about_scalar(name.name)
    if isinstance(name.value, Measure):
        first, about = first + "   :type: memjax.measures.Measure\n", about_measure(name.value)
    text, rule, examples = _doc(name).partition(EXAMPLES)
    parts = text, about, str(SphinxDocString(rule + examples))
    return f"{first}\n" + _indented("\n\n".join(part.strip() for part in parts if part.strip()))


def _guide(name: Public) -> str:
    """A link to the pages that the docstring names by their files."""
    pages = re.findall(r"``docs/([\w/]+)\.md``", _doc(name))
    return "".join(f"\n.. seealso:: :doc:`/{page}`\n" for page in dict.fromkeys(pages))


def _gallery(name: Public) -> str:
    """The pictures of a plot function: the examples of the gallery that call the function."""
    return f"\n.. minigallery:: {name.path}\n" if name.package == "memjax.plots" else ""


def _indented(text: str) -> str:
    return "".join(f"   {line}\n" if line else "\n" for line in text.splitlines())


def _doc(name: Public) -> str:
    """The docstring of an object; of data, the string below its assignment."""
    if name.is_code:
        return inspect.getdoc(name.value) or ""
    return "\n".join(ModuleAnalyzer.for_module(name.source).find_attr_docs().get(("", name.name), []))


def _module_doc(module: str) -> str:
    return inspect.getdoc(importlib.import_module(module)) or ""


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=[.])\s+(?=[A-Z`])", paragraph)[0]
