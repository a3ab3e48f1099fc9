"""Where progress is shown: a bar in a terminal or a notebook, lines in any other log, or nowhere."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["Bar", "Display", "Lines", "Nowhere", "display_of"]

_BETWEEN_LOOKS, _FIRST_LINE, _BETWEEN_LINES = 0.2, 10.0, 60.0


class Display(Protocol):
    """Shows how far some work is."""

    def show(self, share: float, text: str) -> None:
        """Show the share of the work that is done, from 0 to 1, and a text, if it is time to."""
        ...

    def end(self, share: float, text: str) -> None:
        """Show the last share and text, whatever the time."""
        ...


class Nowhere:
    """Shows nothing."""

    def show(self, share: float, text: str) -> None:
        """Show nothing."""

    def end(self, share: float, text: str) -> None:
        """Show nothing."""


class Lines:
    """Writes lines on stderr: the first at once, the second after ten seconds, then one a minute, and a last one.

    Parameters
    ----------
    clock
        Gives the time in seconds.
    often
        Whether later lines are ten seconds apart, and not a minute.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, often: bool = False) -> None:
        self._clock = clock
        self._next = clock()
        self._wait, self._later = _FIRST_LINE, _FIRST_LINE if often else _BETWEEN_LINES

    def show(self, share: float, text: str) -> None:
        """Write the text, if it is time to."""
        now = self._clock()
        if now >= self._next:
            self.end(share, text)
            self._next, self._wait = now + self._wait, self._later

    def end(self, share: float, text: str) -> None:
        """Write the text."""
        del share
        print(f"memjax: {text}", file=sys.stderr, flush=True)


class Bar:
    """A bar on stderr, or a widget in a notebook.

    Parameters
    ----------
    leave
        Whether the bar stays when it has ended.
    clock
        Gives the time in seconds.
    """

    def __init__(self, leave: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        # A terminal is as wide as its window, and a notebook shows a bar of its own.
        look: dict[str, Any] = {"bar_format": "{percentage:3.0f}%|{bar}| {desc}", "dynamic_ncols": True}
        self._bar = _tqdm()(total=1.0, leave=leave, **look)
        self._clock = clock
        self._next = clock()

    def show(self, share: float, text: str) -> None:
        """Draw the bar again, if it is time to."""
        now = self._clock()
        if now >= self._next:
            self._draw(share, text)
            self._next = now + _BETWEEN_LOOKS

    def end(self, share: float, text: str) -> None:
        """Draw the bar for the last time."""
        self._draw(share, text)
        self._bar.close()

    def _draw(self, share: float, text: str) -> None:
        self._bar.n = share
        self._bar.set_description_str(text)


def display_of(
    wanted: bool | None, leave: bool = True, clock: Callable[[], float] = time.monotonic, often: bool = False
) -> Display:
    """What shows progress: a bar if someone may be watching, otherwise lines, but these only if they are ``wanted``.

    ``often`` is as for `Lines`.

    Examples
    --------
    >>> type(display_of(False)).__name__
    'Nowhere'
    """
    if wanted is False:
        return Nowhere()
    if _in_notebook() or _in_terminal():
        return Bar(leave, clock)
    return Lines(clock, often) if wanted else Nowhere()


def _tqdm() -> Any:
    if _in_notebook() and importlib.util.find_spec("ipywidgets"):
        from tqdm.notebook import tqdm as widget

        return widget
    from tqdm import tqdm

    return tqdm


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"


def _in_terminal() -> bool:
    return bool(getattr(sys.stderr, "isatty", lambda: False)())
