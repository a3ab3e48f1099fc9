"""Every paper that is named has an address, on one page, and every study links what it repeats."""

import importlib
import re
import sys
from pathlib import Path

import pytest

import memjax as mj
from memjax import studies

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "papers.md").read_text(encoding="utf-8")
NAMED = re.compile(r"(?:arXiv:|arxiv\.org/abs/)(\d{4}\.\d{4,5})|(?:doi:|doi\.org/)(10\.\d{4,9}/[\w./()-]*\w)")
ARXIV = re.compile(r"https://arxiv\.org/abs/\d{4}\.\d{4,5}")
DOI = re.compile(r"https://doi\.org/10\.\d{4,9}/\S*\w")
ADDRESS = re.compile(r"https://[\w.-]+\.\w+(/[\w.~-]+)*/?")


def papers(*texts):
    return {found[1] or found[2] for text in texts for found in NAMED.finditer(text)}


def named_elsewhere():
    docs = [page for page in (ROOT / "docs").rglob("*.md") if page.name != "papers.md" and "_build" not in page.parts]
    files = [*docs, *(ROOT / "docs" / "adding").glob("*.py"), *(ROOT / "src").rglob("*.py"), ROOT / "README.md"]
    return papers(*(path.read_text(encoding="utf-8") for path in files))


def test_the_page_has_every_paper_that_is_named_anywhere():
    missing = named_elsewhere() - papers(PAGE)
    assert not missing, (
        f"docs/papers.md lacks {sorted(missing)}: add a line with authors, title and where memjax uses it."
    )
    assert len(papers(PAGE)) > 60


def test_every_line_of_the_page_has_one_address_and_says_where_the_paper_is_used():
    lines = re.findall(r"^- .*(?:\n  .*)*", PAGE, flags=re.MULTILINE)
    for line in lines:
        outside = papers(line) | set(re.findall(r"\]\((https?:[^)]*)\)", line))
        assert len(outside) == 1, line
        assert re.search(r"\]\((?!http)[\w/-]+\.md\)|`mj\.", line), line


def test_every_name_on_the_page_is_public():
    for path in re.findall(r"`mj\.([\w.]+)`", PAGE):
        room, _, name = path.rpartition(".")
        assert name in (getattr(mj, room) if room else mj).__all__, path


@pytest.mark.parametrize("name", studies.names())
def test_a_study_links_what_it_repeats(name):
    addresses = studies.find(name).papers.values()
    assert addresses and all(map(is_well_formed, addresses)), f"{name}: give papers with an address."
    page = (ROOT / "docs" / "studies" / f"{name}.md").read_text(encoding="utf-8")
    assert re.search(r"\]\(https://", page), f"{name}.md links no source."


def test_addresses_on_the_pages_are_well_formed():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "studies").glob("*.md")]
    for page in pages:
        for address in re.findall(r"\]\((http[^)]*)\)", page.read_text(encoding="utf-8")):
            assert is_well_formed(address), f"{page.name}: {address}"


def is_well_formed(address):
    kind = ARXIV if "arxiv" in address.lower() else DOI if "doi.org" in address else ADDRESS
    return bool(kind.fullmatch(address.partition("#")[0]))


@pytest.fixture(scope="module")
def links():
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(ROOT / "docs" / "site"))
    yield importlib.import_module("links")
    sys.path.remove(str(ROOT / "docs" / "site"))


CASES = {
    "Lau et al. (2023, arXiv:2308.12108), and": "https://arxiv.org/abs/2308.12108",
    "see arXiv:0811.2501.": "https://arxiv.org/abs/0811.2501",
    "(Ninomiya 2015, doi:10.1007/s10463-014-0481-x).": "https://doi.org/10.1007/s10463-014-0481-x",
    "Kendall (1945, doi:10.1093/biomet/33.3.239) counts": "https://doi.org/10.1093/biomet/33.3.239",
    "(Cover 1965, doi:10.1109/PGEC.1965.264137),": "https://doi.org/10.1109/PGEC.1965.264137",
}


@pytest.mark.parametrize("text", CASES)
def test_the_site_makes_a_link_of_a_paper_and_leaves_the_text_as_it_is(links, text):
    parts = links.with_links(text)
    assert "".join(part.astext() for part in parts) == text
    assert [part["refuri"] for part in parts if hasattr(part, "attributes")] == [CASES[text]]
