"""Write the tables of README and of the pages of studies from the committed files in ``claims/``.

``python docs/studies/generate.py`` replaces what stands between two marks in a page:

    <!-- claims edge-of-stability quick -->      the table of the claims
    <!-- table edge-of-stability quick rates --> another table of the same run
    <!-- answer edge-of-stability quick -->      what the verdicts say, in sentences
    <!-- overview -->                            a row for every study: its question, its first main claim, counts of verdicts
    <!-- end -->

A page may give a number with an interval in its text only if the number stands in one of these files.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

STUDIES = Path(__file__).resolve().parent
ROOT = STUDIES.parents[1]
_MARKED = re.compile(r"(<!-- (claims|table|answer|overview)((?: [\w-]+)*) -->\n).*?(<!-- end -->)", re.DOTALL)
_VERDICTS = ("as published", "differs", "not told apart")


def pages() -> list[Path]:
    """README and the pages of studies."""
    return [ROOT / "README.md", *sorted(STUDIES.glob("*.md"))]


def run_of(study: str, scale: str) -> dict[str, Any]:
    """The committed numbers of a study at a scale."""
    found: dict[str, Any] = json.loads((STUDIES / "claims" / f"{study}-{scale}.json").read_text(encoding="utf-8"))
    return found


def generated(text: str, page: Path) -> str:
    """A page with everything between marks written anew."""
    return _MARKED.sub(lambda found: f"{found[1]}{_block(found[2], found[3].split(), page)}\n{found[4]}", text)


def _block(kind: str, words: list[str], page: Path) -> str:
    match kind, words:
        case "claims", [study, scale]:
            return _table(run_of(study, scale)["tables"]["published"]["rows"])
        case "table", [study, scale, name]:
            return _table(run_of(study, scale)["tables"][name]["rows"])
        case "answer", [study, scale]:
            return "\n\n".join(_sentence(_escaped(text)) for text in run_of(study, scale)["answer"])
        case "overview", []:
            return _overview(page)
    raise ValueError(f"{page}: the mark {kind} {' '.join(words)} is not known.")


def _table(rows: list[list[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(_escaped(cell).replace("|", r"\|") for cell in line) + " |" for line in lines)


def _sentence(text: str) -> str:
    """A sentence of the answer; one that says the same of several claims is a list of these claims."""
    head, _, rest = text.partition(": ")
    # What stands as published may have a semicolon of its own, but no verb.
    claims = re.split(r"; (?=[^;]* is )", rest.removesuffix("."))
    return f"{head}:\n\n" + "\n".join(f"- {claim}" for claim in claims) if len(claims) > 1 else text


def _overview(page: Path) -> str:
    """A row for every study at its quick scale: its question, its first main claim, and counts of verdicts."""
    to_studies = "" if page.parent == STUDIES else "docs/studies/"
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((STUDIES / "claims").glob("*-quick.json"))]
    rows = [["study", "question", "claim", "published", "ours", "as published, differs, not told apart"]]
    rows += [_overview_row(found, to_studies) for found in runs]
    return _table(rows)


def _overview_row(found: dict[str, Any], to_studies: str) -> list[str]:
    claims = found["claims"]
    main = next((claim for claim in claims if claim["main"]), claims[0])
    asked = [claim for claim in claims if not claim.get("derived")]
    counts = [str(sum(claim["verdict"] == verdict for claim in asked)) for verdict in _VERDICTS]
    link = f"[{found['study']}]({to_studies}{found['study']}.md)"
    ours = main["ours"].partition("; ")[0]
    return [link, found["question"], main["what"], main["published_shown"], ours, ", ".join(counts)]


def _escaped(text: str) -> str:
    return re.sub(r"[\\`*<]", r"\\\g<0>", text)


if __name__ == "__main__":
    for path in pages():
        path.write_text(generated(path.read_text(encoding="utf-8"), path), encoding="utf-8")
