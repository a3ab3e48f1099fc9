"""Lines on the standard output, and what is done when nobody reads them."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from memjax.errors import InputError

__all__ = ["discard_buffer", "say"]


def say(text: object) -> None:
    """Print a line and flush it."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as problem:
        discard_buffer(sys.stdout)
        raise InputError(f"The output cannot be written ({problem.strerror}).") from None


def discard_buffer(stream: Any) -> None:
    """Discard the buffer of a stream whose reader is gone: flushing it at exit would fail again."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
