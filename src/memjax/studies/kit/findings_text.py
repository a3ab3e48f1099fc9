"""Findings as plain text, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memjax.pages.text import as_text
from memjax.studies.kit.claims import answer

if TYPE_CHECKING:
    from memjax.studies.kit.study import Findings

__all__ = ["findings_text"]


def findings_text(findings: Findings) -> str:
    """All tables of findings, and at the end what the verdicts say."""
    said = ["\n".join(answer(findings.claims))] if findings.claims else []
    return "\n" + "\n\n".join([*map(as_text, findings.all_tables.values()), *said])
