"""Pages that live outside ``docs/``: the changelog, how to contribute, and the notebooks."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
COPIED = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
TUTORIALS = DOCS / "tutorials"
# A link from a page out of ``docs/``, such as ``](../notebooks/a.ipynb)``.
LINK = re.compile(
    r"\]\((?P<up>(?:\.\./)+)(?P<file>notebooks/[\w.-]+|CHANGELOG\.md|CONTRIBUTING\.md)(?P<anchor>#[\w-]+)?\)"
)


def copy() -> None:
    """Copy these pages into the folder of the pages, where Sphinx looks for them."""
    for name, page in COPIED.items():
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        (DOCS / page).write_text(text, encoding="utf-8")
    shutil.rmtree(TUTORIALS, ignore_errors=True)
    TUTORIALS.mkdir()
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        text = re.sub(r"\]\(\.\./docs/", "](../", notebook.read_text(encoding="utf-8"))
        (TUTORIALS / notebook.name).write_text(text, encoding="utf-8")


def forget_pictures() -> None:
    """Remove the pages of pictures whose file has left the gallery: sphinx-gallery keeps them."""
    kept = {path.stem for path in (DOCS / "gallery").glob("*.py")} | {"index"}
    for page in (DOCS / "pictures").glob("*.rst"):
        if page.stem not in kept:
            page.unlink()


def lead_inside(app: Sphinx, page: str, source: list[str]) -> None:
    """Let the links of a page to these files lead to their copies, and links to the gallery to its pictures."""
    del app
    up = "../" * page.count("/")
    text = source[0].replace("](gallery/README.txt)", "](pictures/index.rst)")
    source[0] = LINK.sub(lambda found: f"]({up}{_copied(found['file'])}{found['anchor'] or ''})", text)


def _copied(file: str) -> str:
    return COPIED.get(file) or file.replace("notebooks/", "tutorials/")
