"""The results of a command as text, short enough for the end of a log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.gpu.predictions import PREDICTIONS, Prediction

__all__ = ["text"]

_MOST = 10_000
_WIDTH = 190
_LEGEND = (
    "a: ten sizes 50..25600 x 10 seeds. b: 4096 runs of 200. c: learning coefficients of 50 snapshots, 8 chains x 500 draws.\n"
    "Timed calls of a and b have 200 steps and a record every ten; 'warm s' is from the call to the Dataset."
)


def text(command: str, results: dict[str, Any]) -> str:
    """What passed and what failed, numbers beside what was expected, then a line per part."""
    blocks = [
        "\n".join(_verdicts(results)),
        _LEGEND if command == "bench" else "",
        "\n".join(_expected(command, results)),
        "\n".join(_lines(results)),
    ]
    whole = "\n\n".join(block for block in blocks if block)
    return whole if len(whole) <= _MOST else whole[: _MOST - 40] + "\n... the rest is in results.json"


def _verdicts(results: dict[str, Any]) -> list[str]:
    """How many of the checks hold, and those that do not."""
    verdicts = [
        (f"{section} / {' / '.join(keys[:-1])}", value)
        for section, own in results.items()
        for keys, value in _leaves(own)
        if keys[-1] == "pass"
    ]
    failed = [
        f"FAILED  {name.replace('parts / ', '').replace(' / value', '')}" for name, value in verdicts if not value
    ]
    broken = [
        f"ERROR   {section} / {keys[-2] if len(keys) > 1 else ''}: {str(value).strip().splitlines()[-1][:140]}"
        for section, own in results.items()
        for keys, value in _leaves(own)
        if keys[-1] in ("error", "ended")
    ]
    late = [
        f"NOT RUN {section} / {keys[-2] if len(keys) > 1 else ''}: {value}"
        for section, own in results.items()
        for keys, value in _leaves(own)
        if keys[-1] == "not run" or str(value).startswith("not run")
    ]
    head = f"{sum(bool(value) for _, value in verdicts)} of {len(verdicts)} checks hold" if verdicts else ""
    return [line for line in (head, *failed, *broken, *late) if line]


def _leaves(value: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All plain values inside of dicts, with their keys."""
    if not isinstance(value, dict):
        yield keys or ("",), value
        return
    for key, inner in value.items():
        yield from _leaves(inner, (*keys, str(key)))


def _expected(command: str, results: dict[str, Any]) -> list[str]:
    rows = [_row(one, results) for one in PREDICTIONS if one.command == command]
    return [f"{'number':58s} {'expected':>14s} {'found':>10s}", *(row for row in rows if row)]


def _row(one: Prediction, results: dict[str, Any]) -> str | None:
    found = results.get(one.section, {}).get("parts", {}).get(one.part, {}).get("value")
    for key in one.keys:
        # Keys of results that are in memory may be numbers; on the disk they are text.
        found = {str(name): value for name, value in found.items()}.get(key) if isinstance(found, dict) else None
    if not isinstance(found, int | float):
        return None
    name = f"{one.section}, {one.part}: {' '.join(one.keys)}"
    range_ = f"{one.low:g}" if one.low == one.high else f"{one.low:g}..{one.high:g}"
    return f"{name[:58]:58s} {range_:>14s} {found:10.4g}  {one.source}"


def _lines(results: dict[str, Any]) -> Iterator[str]:
    for section, own in results.items():
        yield f"{section} ({own['device']}, {own['seconds']:.0f} s){': ' + own['not run'] if 'not run' in own else ''}"
        for part, held in own["parts"].items():
            yield f"  {part}: {_short(held.get('value', held.get('error', held.get('not run'))))}"[:_WIDTH]


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_short(inner)}" for key, inner in value.items() if key not in _LEFT_OUT)
    if isinstance(value, float):
        return f"{value:.4g}"
    return " ".join(str(value).split())[:60]


_LEFT_OUT = ("warm calls s", "plan", "page", "parts", "samples", "memory", "versions")
