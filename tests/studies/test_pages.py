"""Every study has a page and a test, and every number of a page stands in a committed file of a run."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from memjax import studies

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "studies"
SPEC = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
generate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate)
NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?"
INTERVAL = re.compile(rf"{NUMBER} \[{NUMBER}, {NUMBER}\]")


def committed(name):
    """Everything that the committed runs of a study say, as one text."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER / "claims").glob(f"{name}-*.json")))


@pytest.mark.parametrize("name", studies.names())
def test_a_study_has_a_page_a_test_and_a_committed_run(name):
    assert (FOLDER / f"{name}.md").exists() and (
        ROOT / "tests" / "studies" / f"test_{name.replace('-', '_')}.py"
    ).exists()
    first = next(iter(studies.find(name).scales))
    found = json.loads((FOLDER / "claims" / f"{name}-{first}.json").read_text(encoding="utf-8"))
    study = studies.find(name)
    assert (found["study"], found["title"], found["question"]) == (name, study.title, study.question)
    assert found["seeds"] == study.seeds[first] and any(claim["main"] for claim in found["claims"])


@pytest.mark.parametrize("page", generate.pages(), ids=lambda page: page.stem)
def test_tables_of_a_page_are_those_of_the_committed_runs(page):
    text = page.read_text(encoding="utf-8")
    assert generate.generated(text, page) == text, "run: python docs/studies/generate.py"


@pytest.mark.parametrize("name", studies.names())
def test_intervals_in_the_prose_of_a_page_stand_in_a_committed_run(name):
    text = " ".join((FOLDER / f"{name}.md").read_text(encoding="utf-8").split())
    found = committed(name)
    assert [interval for interval in INTERVAL.findall(text) if interval not in found] == []


@pytest.mark.parametrize("name", studies.names())
def test_a_page_reads_from_the_setting_with_its_source_to_the_claims(name):
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    order = ("## The setting\n", "](https://", "```\nmemjax study ", "](../figures/", "<!-- answer ", "<!-- claims ")
    places = [text.find(part) for part in order]
    assert -1 not in places and places == sorted(places)


@pytest.mark.parametrize("name", studies.names())
def test_every_figure_of_a_page_has_a_caption_in_a_sentence(name):
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    after = re.findall(r"^!\[.+\]\(\.\./figures/.+\)\n\n(.*(?:\n.+)*)", text, flags=re.MULTILINE)
    assert len(after) == text.count("![")
    verb = re.compile(r"\b(shows?|are|is|has|have|marks|holds?)\b")
    assert [caption for caption in after if not (verb.search(caption) and caption.rstrip("*").endswith("."))] == []


def test_marks_that_nobody_knows_are_refused():
    with pytest.raises(ValueError, match="the mark claims omnigrok is not known"):
        generate.generated("<!-- claims omnigrok -->\n<!-- end -->", FOLDER / "omnigrok.md")


def test_what_stands_between_marks_is_replaced_and_the_rest_is_kept():
    text = "before\n<!-- answer omnigrok quick -->\nold\n<!-- end -->\nafter 7 [6, 8]"
    made = generate.generated(text, FOLDER / "omnigrok.md")
    first = generate.run_of("omnigrok", "quick")["answer"][0]
    assert made.startswith(f"before\n<!-- answer omnigrok quick -->\n{first}\n\n") and made.endswith(
        "-->\nafter 7 [6, 8]"
    )


def test_an_answer_on_several_claims_is_a_list_of_them():
    made = generate.generated("<!-- answer omnigrok quick -->\n<!-- end -->", FOLDER / "omnigrok.md")
    assert (
        made.count("\n- ") == 3
        and "\n\nAs published:\n\n- norm with the lowest test loss is 7.0 [5.0, 7.0] (pub" in made
    )
    one = generate.generated("<!-- answer random-labels quick -->\n<!-- end -->", FOLDER / "random-labels.md")
    assert (
        "\nDifferent here: one hidden layer: steps to fit" in one
        and "in our notes of the paper; 1.26 in a re-run" in one
    )
