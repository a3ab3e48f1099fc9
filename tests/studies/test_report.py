"""The report of a study: the same content as Markdown and as one HTML file that needs nothing else."""

import base64
import importlib
import io
import json
import re
import shlex
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure as Drawn
from matplotlib.image import imread

from memjax import studies
from memjax.cli.parser import parser
from memjax.errors import InputError
from memjax.pages.blocks import Code, numeric_columns
from memjax.pages.markdown import as_markdown
from memjax.pages.write import write_report
from memjax.studies import Claim, Figure, Findings, Study, Table
from memjax.studies.kit import above
from memjax.studies.kit.folder import write_claims, write_findings
from memjax.studies.kit.index import write_index
from memjax.studies.kit.report import describe

EVIL = """<script>alert("1")</script> & 'two' | `three` *four* [five](http://six)"""
VOID = {"meta", "img", "br", "hr", "link", "input"}
COMMAND = Code("On the command line", "sh", "memjax study <it> && 'again'")


class Page(HTMLParser):
    """What stands in a page: elements with their text, and whether every tag is closed in its order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.mistakes = [], [], []
        self.feed(text)
        self.close()
        self.mistakes += [f"<{element['tag']}> is not closed" for element in self.open]

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names) or None in dict(attrs).values():
            self.mistakes.append(f"attributes of <{tag}>: {attrs}")
        element = {"tag": tag, "text": "", "inside": [outer["tag"] for outer in self.open], **dict(attrs)}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1]["tag"] != tag:
            self.mistakes.append(f"</{tag}> closes nothing")
        else:
            self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag):
        return [element for element in self.elements if element["tag"] == tag]


def dataset(**attrs):
    status = np.array([["finished", "finished", "diverged"], ["finished", "diverged", "diverged"]])
    reason = np.where(status == "diverged", "the loss was NaN", "").astype(object)
    reason[0, 2] = "a parameter was not finite"
    own = {
        "experiment": json.dumps({"task": {"type": "tasks.T", "name": EVIL, "n": 3}, "steps": 10, "batch_size": None}),
        "axes": json.dumps({"train_size": [50, 100], "seed": list(range(90))}),
        "packing": json.dumps({"device": "cpu", "x64": False, "shapes": [{"schedule": "streamed", "runs": 1}]}),
        "versions": json.dumps({"memjax": "0.1.0", "jax": "9.9"}),
        "created": "2030-01-02T03:04:05+00:00",
    }
    ends = {"status": (("train_size", "seed"), status), "stop_reason": (("train_size", "seed"), reason)}
    return xr.Dataset(coords=ends, attrs=own | attrs)


def figure(label):
    drawn = Drawn(figsize=(3.0, 2.0))
    ax = drawn.subplots()
    ax.plot([0, 1], [1, 2])
    ax.set(xlabel="step", ylabel=label)
    return drawn


OURS = xr.DataArray([1.9, 2.0, 2.1], dims="seed")
FINDINGS = Findings(
    claims=[Claim(f"ratio {EVIL}", 1.5, OURS, main=True), Claim("slope", "above 1", OURS, above(1.0))],
    note=f"Note {EVIL}",
    tables={"more": Table("More", ("size", "gap", "text"), (("50", "9.1 [8.9, 9.3]", "a"), ("100", "nan", "7")), "")},
    figures={
        "loss": Figure(lambda: figure('"loss" <nats>'), f"Caption {EVIL}"),
        "gap": Figure(lambda: figure("gap"), "Caption of the gap"),
    },
)
STUDY = Study(
    name="evil",
    title=f"Title {EVIL}",
    question=f"Question {EVIL}?",
    source=f"Source {EVIL}",
    papers={f"Paper {EVIL}": 'https://example.org/"a"&b'},
    scales={"quick": "it's <quick>"},
    seeds={"quick": 3},
    sweeps=lambda scale, seeds: {},
    analyse=lambda datasets: FINDINGS,
)


def described(findings, datasets, command=COMMAND):
    alts = ['"loss" <nats> against step', "gap against step"][: len(findings.figures)]
    return describe(STUDY, "quick", 3, datasets, findings, findings.all_tables, alts, command)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    for name, drawn in FINDINGS.figures.items():
        drawn.draw().savefig(folder / f"{name}.png", dpi=200)
    write_report(folder, described(FINDINGS, {"a": dataset(), "b": dataset(created="never")}))
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_every_tag_is_closed_and_headings_go_in_order(folder, page):
    assert not page.mistakes
    assert (folder / "report.html").read_text(encoding="utf-8").startswith('<!DOCTYPE html>\n<html lang="en">')
    assert page.all("title")[0]["text"] == STUDY.title
    headings = [element for element in page.elements if element["tag"] in {"h1", "h2", "h3"}]
    assert [(element["tag"], element["text"]) for element in headings] == [
        ("h1", STUDY.title), ("h2", "Answer"), ("h2", "Numbers"), ("h2", "Further figures"), ("h2", "Published as"),
        ("h2", "Runs"), ("h2", "Settings and provenance of a"), ("h2", "Settings and provenance of b"), ("h2", "Make it again"),
    ]  # fmt: skip
    assert len({element["id"] for element in page.elements if "id" in element}) == 8


def test_nothing_is_loaded_from_outside_and_nothing_runs(folder, page):
    links = [element[key] for element in page.elements for key in ("src", "href", "action", "data") if key in element]
    paper = 'https://example.org/"a"&b'
    assert len(links) == 9 and all(
        link.startswith(("data:image/png;base64,", "#section-")) or link == paper for link in links
    )
    anchors = {link[1:] for link in links if link.startswith("#")}
    folded = {heading["id"] for heading in page.all("h2") if "summary" in heading["inside"]}
    assert len(folded) == 2 and anchors == {element["id"] for element in page.all("h2")} - folded
    tags = {element["tag"] for element in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "base", "form"}
    assert not [key for element in page.elements for key in element if key.startswith("on")]
    style = page.all("style")[0]["text"]
    assert "url(" not in style and "@import" not in style
    assert "@media print" in style and "prefers-color-scheme: dark" in style
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_question_setting_answer_and_the_main_figure_come_first(page):
    paragraphs = [element["text"] for element in page.all("p")]
    assert paragraphs[:4] == [
        STUDY.question,
        "Setting (quick scale, 3 seeds): it's <quick>.",
        "Of 2 published statements that were compared, 1 came out as published and 1 differs.",
        f"Different here: ratio {EVIL} is 2.00 [1.75, 2.25] (published: 1.5).",
    ]
    kinds = [element["tag"] for element in page.elements if element["tag"] in ("p", "h2", "img", "table")]
    assert kinds[:8] == ["p", "p", "h2", "p", "p", "img", "h2", "table"]
    assert page.all("a")[-1]["text"] == f"Paper {EVIL}"


def test_tables_say_what_they_hold_claims_first(page):
    captions = [element["text"] for element in page.all("caption")]
    assert captions[:2] == ["What is published, and here", "More"] and len(page.all("table")) == 8
    heads = [cell for cell in page.all("th") if cell["scope"] == "col"]
    assert [cell["text"] for cell in heads[:8]] == [
        "claim",
        "published",
        "ours",
        "single runs",
        "verdict",
        "size",
        "gap",
        "text",
    ]
    rows = [cell["text"] for cell in page.all("th") if cell["scope"] == "row"]
    assert rows[:4] == [f"ratio {EVIL}", "slope", "50", "100"]
    cells = page.all("td")
    assert [cell["text"] for cell in cells[:4]] == ["1.5", "2.00 [1.75, 2.25]", "1.90 to 2.10", "differs"]
    # Every table keeps its columns, in a region that scrolls.
    assert all(table["inside"][-1] == "div" for table in page.all("table"))
    regions = [division for division in page.all("div") if division.get("class") == "scroll"]
    assert [region["aria-label"] for region in regions] == captions and {region["tabindex"] for region in regions} == {
        "0"
    }
    assert next(text["text"] for text in page.all("p") if "note" in text.get("class", "")).startswith(f"Note {EVIL}")


def test_columns_of_numbers_are_aligned_as_numbers(page):
    assert [cell.get("class") for cell in page.all("td")[8:12]] == ["number", "short", "number", "short"]
    assert [cell.get("class") for cell in page.all("th")[7:10]] == ["number", "number", "short"]
    # A long first column would leave no room for the others beside it, so only a short one stays.
    firsts = [cell.get("class") for cell in page.all("th") if cell["scope"] == "row"]
    assert firsts[:3] == ["long", "long", "number stays"]
    counted = Table(
        "", ("a", "b"), (("1.0 [0.9, 1.1], never in 1 of 3", "-"), ("never in 3 of 3, not known in 1 of 4", "so 1"))
    )
    assert numeric_columns(counted) == (True, False)


def test_pictures_are_the_files_with_a_caption_and_words_for_those_who_cannot_see(folder, page):
    images = page.all("img")
    for image, name in zip(images, FINDINGS.figures, strict=True):
        data = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"), validate=True)
        assert data == (folder / f"{name}.png").read_bytes()
        height, width = imread(folder / f"{name}.png").shape[:2]
        assert (image["width"], image["height"]) == (str(round(width * 0.48)), str(round(height * 0.48)))
    assert [image["alt"] for image in images] == ['"loss" <nats> against step', "gap against step"]
    assert [element["text"] for element in page.all("figcaption")] == [f"Caption {EVIL}", "Caption of the gap"]


def test_settings_and_provenance_are_all_there(page):
    facts = dict(zip([e["text"] for e in page.all("dt")], [e["text"] for e in page.all("dd")], strict=True))
    assert (facts["Study"], facts["Scale"], facts["Seeds"]) == ("evil", "quick", "3")
    assert f"{STUDY.source}." in [element["text"] for element in page.all("p")]
    assert (
        facts["Runs of a"]
        == "6, of which 3 diverged, 3 finished; a parameter was not finite in 1; the loss was NaN in 2"
    )
    assert facts["Created"] == "never" and facts["Versions"] == "memjax 0.1.0, jax 9.9"
    assert facts["Device and packing"] == "device cpu, x64 False"
    assert facts["Shape of a block"] == "schedule streamed, runs 1"
    cells = [element["text"] for element in page.all("td")]
    assert "50, 100" in cells and "0, 1, 2, ..., 88, 89" in cells and f"mj.tasks.T(name={EVIL!r}, n=3)" in cells
    folded, command = page.all("pre")[0], page.all("pre")[-1]
    assert "details" in folded["inside"] and json.loads(folded["text"]) == json.loads(dataset().attrs["experiment"])
    assert command["text"] == COMMAND.text and "details" not in command["inside"]


def test_markdown_says_the_same(folder):
    text = (folder / "report.md").read_text(encoding="utf-8")
    escaped = r"""\<script>alert("1")\</script> & 'two' | \`three\` \*four\* [five\](http://six)"""
    assert text.startswith(f"# Title {escaped}\n")
    assert re.findall("^##+ (.*)", text, re.MULTILINE)[:4] == [
        "Answer",
        "Numbers",
        "What is published, and here",
        "More",
    ]
    in_a_cell = escaped.replace("|", r"\|")
    assert f"| ratio {in_a_cell} | 1.5 | 2.00 [1.75, 2.25] | 1.90 to 2.10 | differs |\n" in text
    assert f'- [Paper {escaped}](<https://example.org/"a"&b>)' in text
    assert "- Runs of a: 6, of which 3 diverged, 3 finished" in text and "- Created: never" in text
    assert '!["loss" \\<nats> against step](<loss.png>)' in text and f"\n\nCaption {escaped}\n" in text
    assert f"```sh\n{COMMAND.text}\n```" in text
    assert "<script" not in re.sub(r"```json.*?```", "", text, flags=re.DOTALL).replace(r"\<", "")


def test_code_in_markdown_cannot_end_its_fence(tmp_path):
    report = described(Findings(), {}, Code("Code", "", "a\n````\n# b"))
    write_report(tmp_path, report)
    text = (tmp_path / "report.md").read_text()
    assert text.endswith("## Make it again\n\nCode:\n\n`````\na\n````\n# b\n`````\n")
    # Nothing was found, and nothing stands under no heading.
    assert re.findall("^## (.*)", text, re.MULTILINE) == ["Published as", "Runs", "Make it again"]


def test_names_with_underscores_stay_readable_in_markdown():
    text = as_markdown(Table("train_size and _this_", ("a",), (("x & y &lt;",),)))
    assert text.startswith("### train_size and \\_this\\_\n") and "| x & y \\&lt; |" in text


def test_a_built_in_study_is_made_again_by_a_line_that_parses():
    run = importlib.import_module("memjax.studies.kit.run")
    study = studies.find("l2-memorization")
    line = run._command(study, "paper", 4).text
    assert line == "memjax study l2-memorization --scale paper --seeds 4 --out l2-memorization-paper-again"
    options = parser().parse_args(line.split()[1:])
    assert (options.name, options.scale, options.seeds) == ("l2-memorization", "paper", 4)


def test_a_study_and_its_findings_are_short_and_safe_to_show():
    assert repr(STUDY) == f"<Study evil: Question {EVIL}? Scales: quick>"
    shown = Page(STUDY._repr_html_())
    assert not shown.mistakes and not {element["tag"] for element in shown.elements} & {"script", "img"}
    assert [cell["text"] for cell in shown.all("th")] == ["quick", "papers", "run it"]
    assert shown.all("td")[0]["text"] == "it's <quick>; 3 seeds"
    assert [(link["href"], link["text"]) for link in shown.all("a")] == [('https://example.org/"a"&b', f"Paper {EVIL}")]
    assert repr(FINDINGS) == "<Findings: 2 claims (1 differs, 1 as published), 2 tables, 2 figures>"
    found = Page(FINDINGS._repr_html_())
    assert not found.mistakes and "script" not in {element["tag"] for element in found.elements}
    assert (
        found.all("p")[0]["text"]
        == "Of 2 published statements that were compared, 1 came out as published and 1 differs."
    )
    assert found.all("summary")[0]["text"] == "All 2 claims" and len(found.all("tr")) == 2


def test_the_index_page_counts_verdicts_and_leads_to_the_reports(tmp_path):
    for name, kept in (("evil-quick", 3), ("evil-paper", 1)):
        target = tmp_path / name
        target.mkdir()
        findings = Findings(claims=FINDINGS.claims, figures=dict(list(FINDINGS.figures.items())[: kept - 1]))
        write_claims(target, STUDY, findings, {}, {"scale": name[5:], "created": "2030-01-02T03:04:05+00:00"})
        write_findings(target, findings)
        write_report(target, described(findings, {"a": dataset()}))
    # What memjax did not write is none of its reports.
    for name, text in (("foreign", "<p>other</p>"), ("broken", "<p>other</p>")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.html").write_text(text)
    (tmp_path / "broken" / "claims.json").write_text("{")
    found = Page(write_index(tmp_path).read_text(encoding="utf-8"))
    assert not found.mistakes
    assert [link["href"] for link in found.all("a") if not link["href"].startswith("#")] == [
        "evil-paper/report.html",
        "evil-quick/report.html",
    ]
    assert [cell["text"] for cell in found.all("th")] == [
        "folder",
        "scale",
        "as published",
        "differs",
        "evil-paper",
        "evil-quick",
    ]
    assert [cell["text"] for cell in found.all("td")] == ["paper", "1", "1", "quick", "1", "1"]
    assert [text["text"] for text in found.all("p")].count(STUDY.question) == 2
    # The first figure of the report, made small; the other folder has none.
    (image,) = found.all("img")
    small = imread(io.BytesIO(base64.b64decode(image["src"].partition(",")[2])))
    whole = imread(tmp_path / "evil-quick" / "loss.png")
    assert small.shape[1] <= 760 and small.shape[0] / small.shape[1] == pytest.approx(
        whole.shape[0] / whole.shape[1], rel=0.02
    )
    assert write_index(tmp_path).exists()
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(InputError, match="was not written by memjax"):
        write_index(tmp_path)


def swept_report(folder):
    """The report of a sweep, of which the index asks only whether memjax wrote the page."""
    folder.mkdir()
    write_report(folder, described(Findings(), {}))


def test_addresses_on_the_index_page_are_quoted(tmp_path):
    for name in ("a#b", "50% off?", "c:d"):
        swept_report(tmp_path / name)
        swept_report(tmp_path / name / "in")
    for name in ("a#b", "c:d"):
        write_claims(tmp_path / name, STUDY, FINDINGS, {}, {"scale": "quick"})
    found = Page(write_index(tmp_path).read_text(encoding="utf-8"))
    links = [link["href"] for link in found.all("a") if not link["href"].startswith("#")]
    page = (tmp_path / "index.html").as_uri()
    led = {url2pathname(urlsplit(urljoin(page, link)).path) for link in links}
    assert len(links) == 6 and led == {str(path) for path in tmp_path.rglob("report.html")}


@pytest.mark.parametrize("lost", ["verdict", "claims", "answer", "json"])
def test_a_study_with_a_broken_claims_file_is_named_and_left_out(tmp_path, lost):
    folder = tmp_path / "it's old"
    swept_report(folder)
    with_claims(folder, lost)
    with pytest.raises(InputError, match=r"There is no report below .* The folder .*it's old.* is left out"):
        write_index(tmp_path)
    swept_report(tmp_path / "good")
    found = Page(write_index(tmp_path).read_text(encoding="utf-8"))
    assert [link["href"] for link in found.all("a") if not link["href"].startswith("#")] == ["good/report.html"]
    assert found.all("h2")[-1]["text"] == "What is not shown"
    text = found.all("p")[-1]["text"]
    assert text.startswith("The folder ") and "it's old" in text
    words = shlex.split(text.partition("memjax study NAME ")[2].removesuffix("."))
    assert words == ["--again", str(folder)]


def with_claims(folder, lost):
    """Write a claims file that lacks something."""
    write_claims(folder, STUDY, FINDINGS, {}, {"scale": "quick"})
    said = json.loads((folder / "claims.json").read_text())
    if lost == "verdict":
        del said["claims"][1]["verdict"]
    else:
        said[lost] = None
    (folder / "claims.json").write_text("{" if lost == "json" else json.dumps(said))


def test_the_page_of_someone_else_beside_a_claims_file_is_no_report(tmp_path):
    for name in ("other", "good"):
        swept_report(tmp_path / name)
        write_claims(tmp_path / name, STUDY, FINDINGS, {}, {"scale": "quick"})
    (tmp_path / "other" / "report.html").write_text("<p>other</p>")
    text = write_index(tmp_path).read_text(encoding="utf-8")
    assert "good/report.html" in text and "other" not in text


def test_files_that_begin_with_an_underscore_are_no_studies():
    assert all(not name.startswith(("-", "_")) and studies.find(name) for name in studies.names())
