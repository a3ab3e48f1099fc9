"""An index page of all reports below a folder: what each study asked, and how many of its claims came out as published."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from memjax.checks.file_names import shown
from memjax.errors import InputError
from memjax.pages.blocks import Facts, Links, Picture, Report, Section, Text
from memjax.pages.html import page
from memjax.pages.table import Table
from memjax.pages.write import is_ours, write_page
from memjax.studies.kit.folder import CLAIMS_FILE
from memjax.studies.kit.verdict import AS_DERIVED, Verdict

__all__ = ["write_index"]

_REPORT, _INDEX = "report.html", "index.html"
_KEYS = {"study", "title", "question", "scale", "answer", "claims"}
# Largest width and height of a thumbnail in pixels, two for each of the screen's.
_WIDTH = 760
_VERDICTS = (
    Verdict.AS_PUBLISHED,
    AS_DERIVED,
    Verdict.DIFFERS,
    Verdict.NOT_TOLD_APART,
    Verdict.NO_INTERVAL,
    Verdict.NOT_KNOWN,
)


@dataclass(frozen=True)
class _Found:
    """A report of a study: its folder below that of the index, and what its claims file says."""

    folder: str
    said: Mapping[str, Any]
    thumbnail: bytes | None

    @property
    def counts(self) -> Counter[str]:
        """How many claims have which verdict."""
        return Counter(claim["verdict"] for claim in self.said["claims"])


def write_index(runs: Path) -> Path:
    """Write ``index.html`` in a folder with the reports of studies and sweeps in the folders below; returns the page.

    Pages that memjax did not write are no reports. The page names folders of studies whose claims file cannot be read.

    Raises
    ------
    InputError
        If there is no report, or a page of other origin has the name.
    """
    found = sorted(path for depth in ("*", "*/*") for path in runs.glob(f"{depth}/{_REPORT}"))
    ours = [path.parent for path in found if path.is_file() and is_ours(path)]
    studies = [_study(runs, folder) for folder in ours if (folder / CLAIMS_FILE).exists()]
    sweeps = [_name(runs, folder) for folder in ours if not (folder / CLAIMS_FILE).exists()]
    readable = [study for study in studies if not isinstance(study, str)]
    left_out = [_left_out(shown(runs / study)) for study in studies if isinstance(study, str)]
    if not readable and not sweeps:
        raise InputError(
            f"There is no report below {shown(runs)!r}: make one with memjax study NAME, or name the folder that has some with "
            f"--runs DIR.{''.join(f' {sentence}' for sentence in left_out)}"
        )
    pictures = {study.folder: study.thumbnail for study in readable if study.thumbnail}
    write_page(runs / _INDEX, page(_contents(runs, readable, sweeps, left_out), pictures))
    return runs / _INDEX


def _name(runs: Path, folder: Path) -> str:
    return folder.relative_to(runs).as_posix()


def _address(folder: str) -> str:
    """Address of a report on the page; a name such as ``a#b`` is quoted, for a browser would look for ``a``."""
    return f"{quote(folder)}/{_REPORT}"


def _study(runs: Path, folder: Path) -> _Found | str:
    """What a study has left in a folder; the name of the folder where its claims file cannot be read."""
    name = _name(runs, folder)
    try:
        said = json.loads((folder / CLAIMS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return name
    return _Found(name, said, _thumbnail(folder)) if _is_whole(said) else name


def _is_whole(said: Any) -> bool:
    """Whether a claims file says all that the page shows: it may be of an early version, or edited."""
    if not isinstance(said, dict) or not said.keys() >= _KEYS:
        return False
    lists = isinstance(said["answer"], list) and isinstance(said["claims"], list)
    return lists and all(isinstance(one, dict) and isinstance(one.get("verdict"), str) for one in said["claims"])


def _left_out(folder: str) -> str:
    return (
        f"The folder {folder!r} is left out, because its {CLAIMS_FILE} cannot be read or lacks something, such as the verdict "
        f"of a claim: make its report again with memjax study NAME --again {shlex.quote(folder)}."
    )


def _thumbnail(folder: Path) -> bytes | None:
    """A small copy of the first picture of a report, which names its pictures in ``report.md``."""
    # Pillow comes with matplotlib.
    from PIL import Image

    source = folder / "report.md"
    names = re.findall(r"\]\(<([^<>/]+\.png)>\)", source.read_text(encoding="utf-8")) if source.exists() else []
    first = next((folder / name for name in names if (folder / name).exists()), None)
    if first is None:
        return None
    small = io.BytesIO()
    with Image.open(first) as picture:
        picture.thumbnail((_WIDTH, _WIDTH))
        picture.save(small, format="png", optimize=True)
    return small.getvalue()


def _contents(runs: Path, studies: Sequence[_Found], sweeps: Sequence[str], left_out: Sequence[str]) -> Report:
    count = len(studies) + len(sweeps)
    lead = f"{count} {'report' if count == 1 else 'reports'} below {shown(runs)}."
    sections = [_section(found) for found in studies]
    if studies:
        sections.insert(0, Section("All studies", (_verdicts(studies),)))
    if sweeps:
        sections.append(Section("Sweeps", (Links(tuple((folder, _address(folder)) for folder in sweeps)),)))
    if left_out:
        sections.append(Section("What is not shown", (Text(tuple(left_out)),)))
    return Report("Reports", Text((lead,)), tuple(sections))


def _verdicts(studies: Sequence[_Found]) -> Table:
    """How many claims of each study have which verdict."""
    heads = [str(verdict) for verdict in _VERDICTS if any(found.counts[verdict] for found in studies)]
    rows = [(found.folder, str(found.said["scale"]), *(str(found.counts[head]) for head in heads)) for found in studies]
    return Table("Claims by their verdicts", ("folder", "scale", *heads), tuple(rows))


def _section(found: _Found) -> Section:
    said = found.said
    counts = ", ".join(f"{count} {verdict}" for verdict, count in found.counts.most_common())
    facts = (("Scale", str(said["scale"])), ("Claims", counts), ("Made", str(said.get("created", ""))[:10]))
    picture = (Picture(found.folder, f"first figure of the study {said['study']}", ""),) if found.thumbnail else ()
    return Section(
        str(said["title"]).rstrip("."),
        (
            Text((str(said["question"]), *map(str, said["answer"][:1]))),
            *picture,
            Facts(tuple((name, text) for name, text in facts if text)),
            Links((("The report", _address(found.folder)),)),
        ),
    )
