"""Every Python example in the README and on the pages of docs/ runs and prints what it says."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *(page for room in ("", "adding", "studies") for page in sorted((ROOT / "docs" / room).glob("*.md"))),
]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples(page):
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page.name, str(page), 0)


WITH_EXAMPLES = [page for page in PAGES if examples(page).examples]
# Pages that compile so many programs that they take 5 s to 50 s each.
DEAR = {
    "banks.md",
    "engine.md",
    "examples.md",
    "measure.md",
    "measures.md",
    "models.md",
    "optimizers.md",
    "privacy.md",
    "results.md",
    "snapshot-measures.md",
    "stores.md",
    "sweep.md",
    "tasks.md",
}


def _case(page):
    return pytest.param(page, id=str(page.relative_to(ROOT)), marks=pytest.mark.slow if page.name in DEAR else ())


@pytest.mark.parametrize("page", [_case(page) for page in WITH_EXAMPLES])
def test_examples_of_a_page_run(page):
    failures: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(examples(page), out=failures.append)
    assert not failures, "".join(failures)


def test_most_pages_have_examples():
    assert len(WITH_EXAMPLES) >= 8 and {page.name for page in WITH_EXAMPLES} > DEAR


def programs(page):
    """Blocks that a reader copies as a whole."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [block for block in blocks if ">>>" not in block]


def test_the_first_example_of_the_readme_runs_and_leaves_a_picture(tmp_path, monkeypatch):
    # At a size for tests; .ci/package runs the example as it stands.
    (program,) = programs(ROOT / "README.md")
    small = program.replace("steps=1000", "steps=20").replace("1600, 3200, 6400", "").replace("range(3)", "range(2)")
    assert small.count("steps=20") == 1 and "6400" not in small and "range(2)" in small
    monkeypatch.chdir(tmp_path)
    exec(compile(small, "README.md", "exec"), {})
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_the_site_opens_with_the_example_of_the_readme():
    assert programs(ROOT / "docs" / "index.md") == programs(ROOT / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]
