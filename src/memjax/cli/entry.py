"""The entry point: one file for each command, one sentence for each mistake, and exit codes."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

from memjax.cli import run, show, studies, study
from memjax.cli.output import discard_buffer, say
from memjax.cli.parser import parser
from memjax.errors import InputError

__all__ = ["main"]

# Exit code that a shell reports for a program that SIGPIPE ended.
_BROKEN_PIPE = 128 + 13
_COMMANDS = {"study": study.carry_out, "studies": studies.carry_out, "run": run.carry_out, "show": show.carry_out}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        Words after ``memjax``; None takes them from the process.

    Returns
    -------
    int
        Exit code: 0; 2 for an invalid request (one sentence on stderr); 130 after an interrupt; 141 if the reader of the
        output closes the pipe, as ``head`` does.

    Examples
    --------
    >>> main(["studies"])
    data-dimensionality  Which points does a network give a direction of their own?
    ...
    toy-double-descent   Toy double descent: superposition of data points, then of features
    ...
    0
    """
    try:
        try:
            return _main(arguments)
        except SystemExit:  # After the help text, which may still be in the buffer.
            if sys.stdout is not None:
                sys.stdout.flush()
            raise
    except BrokenPipeError:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                discard_buffer(stream)
        return _BROKEN_PIPE


def _main(arguments: Sequence[str] | None) -> int:
    options = parser().parse_args(arguments)
    try:
        with _terminated_as_interrupted():
            return _dispatch(options)
    except InputError as problem:
        print(f"memjax: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:
        print(f"memjax: {stopped or 'Stopped. A file is written whole or not at all.'}", file=sys.stderr)
        return 130


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Treat SIGTERM, which schedulers send before they kill, like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _dispatch(options: argparse.Namespace) -> int:
    if options.version:
        from importlib.metadata import version

        say(version("memjax"))
        return 0
    command = _COMMANDS.get(options.verb)
    if command is None:
        say(parser().format_help().rstrip())
        return 2
    return command(options)
