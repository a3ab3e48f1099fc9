"""A study and its findings for people to read: a line of text, and a piece of HTML in a notebook."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Any

from memjax.pages.fragment import field_table, folded, paragraph
from memjax.studies.kit.claims import answer

__all__ = ["findings_html", "findings_line", "study_html", "study_line"]


def study_line(study: Any) -> str:
    """Name, question and scales of a study."""
    return f"<Study {study.name}: {study.question} Scales: {', '.join(study.scales)}>"


def study_html(study: Any) -> str:
    """Question, scales with their seeds, and papers of a study; and how to run it."""
    scales = [(name, escape(f"{text}; {_seeds(study.seeds[name])}"), False) for name, text in study.scales.items()]
    links = ", ".join(
        f'<a href="{escape(address)}">{escape(name)}</a>'
        for name, address in study.papers.items()
        if address.startswith(("https://", "http://"))
    )
    papers = [("papers", links, False)] if links else []
    run = [
        (
            "run it",
            f"<code>memjax.studies.run(memjax.studies.find({escape(repr(study.name))}), 'runs/mine')</code>",
            False,
        )
    ]
    return f"<strong>{escape(study.title)}</strong>{paragraph(study.question)}{field_table([*scales, *papers, *run])}"


def _seeds(count: int) -> str:
    return f"{count} {'seed' if count == 1 else 'seeds'}"


def findings_line(findings: Any) -> str:
    """How many claims have which verdict, and what else was made."""
    counts = Counter(claim.verdict_shown for claim in findings.claims)
    verdicts = f" ({', '.join(f'{count} {verdict}' for verdict, count in counts.most_common())})" if counts else ""
    made = f"{len(findings.all_tables)} tables, {len(findings.figures)} figures"
    return f"<Findings: {len(findings.claims)} claims{verdicts}, {made}>"


def findings_html(findings: Any) -> str:
    """The answer in sentences; claims and published values in a table that is folded."""
    said = "".join(map(paragraph, answer(findings.claims))) if findings.claims else ""
    if not findings.claims:
        return paragraph(findings_line(findings))
    rows = [
        (claim.what, escape(f"{claim.shown} (published: {claim.published_shown}; {claim.verdict_shown})"), False)
        for claim in findings.claims
    ]
    return said + folded(f"All {len(rows)} claims", field_table(rows))
