"""Sections of a session: each has a deadline, fails alone, and is on the disk as soon as a part of it has ended."""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["LATE", "Parts", "Section", "Session", "device_name", "read", "run"]

LATE = "not run: out of time"
_OVERRUN = 1.5
_LONGEST_ERROR = 1500

Parts = Iterator[tuple[str, Callable[[], Any]]]


@dataclass
class Session:
    """One call of `check` or of `bench`.

    Attributes
    ----------
    command
        ``check`` or ``bench``.
    out
        Folder of the results.
    budget
        Seconds that all sections may take together.
    tiny
        Whether this is a dry run on a CPU.
    begun
        Time of the start, of `time.monotonic`.
    """

    command: str
    out: Path
    budget: float
    tiny: bool = False
    begun: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds that are left of the budget."""
        return self.budget - (time.monotonic() - self.begun)


@dataclass(frozen=True)
class Section:
    """A named list of parts, each a function without arguments that gives plain data.

    Attributes
    ----------
    seconds
        Estimate for all parts on the GPU: the section is not begun with less left, and no part of it is begun when half as
        much again has passed.
    """

    name: str
    seconds: float
    parts: Callable[[Session], Parts]


def run(session: Session, sections: Iterable[Section], say: Callable[[str], None] = print) -> dict[str, Any]:
    """Run the sections in their order; the results of all, which are on the disk too."""
    results: dict[str, Any] = {}
    for section in sections:
        own: dict[str, Any] = {"device": device_name(), "seconds": 0.0, "parts": {}}
        results[section.name] = own
        _run_parts(session, section, own, lambda: _write(session, results))
        say(line(section.name, own))
    return results


def _run_parts(session: Session, section: Section, own: dict[str, Any], write: Callable[[], None]) -> None:
    """Run the parts of a section, each written down when it has ended."""
    begun = time.monotonic()
    # A dry run is there to run everything; its estimates are those of another machine.
    if session.left() < (1.0 if session.tiny else section.seconds):
        own["not run"] = LATE
        write()
        return
    try:
        for name, part in section.parts(session):
            late = session.left() <= 0 or (time.monotonic() - begun > _OVERRUN * section.seconds and not session.tiny)
            own["parts"][name] = {"not run": LATE} if late else _tried(part)
            own["seconds"] = round(time.monotonic() - begun, 2)
            write()
    except Exception:
        own["error"] = _last_words()
        own["seconds"] = round(time.monotonic() - begun, 2)
        write()


def _tried(part: Callable[[], Any]) -> dict[str, Any]:
    """The value of a part or its error, and its seconds."""
    begun = time.monotonic()
    try:
        found = {"value": part()}
    except Exception:
        found = {"error": _last_words()}
    return {**found, "seconds": round(time.monotonic() - begun, 2)}


def _last_words() -> str:
    return traceback.format_exc()[-_LONGEST_ERROR:]


def device_name() -> str:
    """The name of the device that JAX computes on."""
    import jax

    return jax.local_devices()[0].device_kind


def read(folder: Path) -> dict[str, Any]:
    """What a folder holds already: results of sections by command."""
    path = folder / "results.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _write(session: Session, results: dict[str, Any]) -> None:
    """Put the results beside those of the other command; a kill leaves the file as it was before or after."""
    whole = {**read(session.out), session.command: results}
    path = session.out / "results.json"
    draft = path.with_suffix(".draft")
    with open(draft, "w") as file:
        json.dump(whole, file, indent=1, default=str)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def line(name: str, own: dict[str, Any], most: int = 400) -> str:
    """One line on a section: its seconds and what its parts found."""
    found = {part: _short(held) for part, held in own["parts"].items()}
    text = own.get("not run") or own.get("error") or json.dumps(found, default=str)
    return f"[{own['seconds']:6.1f} s] {name}: {text[-most:] if 'error' in own else text[:most]}"


def _short(held: dict[str, Any]) -> Any:
    if "error" in held:
        return "ERROR " + held["error"].strip().splitlines()[-1][:160]
    return held.get("value", held.get("not run"))
