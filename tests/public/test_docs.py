"""Every Python example in the README and on the pages of docs/ runs and prints what it says."""

import doctest
import re
from pathlib import Path
from typing import Any

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


def test_the_example_of_grokking_groks_between_too_little_and_too_much_weight_decay(tmp_path, monkeypatch):
    # At a size for tests: the page states what 4,000 steps of all weight decays gave.
    (program,) = programs(ROOT / "docs" / "analysis-questions.md")
    small = program.replace("steps=4000", "steps=1000").replace("[0.0, 0.1, 0.3, 1.0, 2.0, 4.0]", "[0.0, 1.0, 4.0]")
    small = small.replace("range(4)", "range(2)")
    assert "steps=1000" in small and "[0.0, 1.0, 4.0]" in small and "range(2)" in small
    monkeypatch.chdir(tmp_path)
    made: dict[str, Any] = {}
    exec(compile(small, "analysis-questions.md", "exec"), made)
    train = made["analysis"].time_to_threshold(made["ds"].train_accuracy, 0.95)
    assert made["found"].outcome.values.tolist() == [["never"] * 2, ["reached"] * 2, ["never"] * 2]
    assert train.outcome.values.tolist() == [["reached"] * 2, ["reached"] * 2, ["never"] * 2]
    assert (made["found"].time[1] > 3 * train.time[1]).all()
    assert (tmp_path / "grokking.png").read_bytes().startswith(b"\x89PNG")


def test_the_site_opens_with_the_example_of_the_readme():
    assert programs(ROOT / "docs" / "index.md") == programs(ROOT / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]
