"""Compiled programs on disk, which make the same command start faster when it is called again."""

from __future__ import annotations

import argparse

__all__ = ["start_cache"]


def start_cache(options: argparse.Namespace) -> None:
    """Keep compiled programs where the options say, unless they say not to."""
    from memjax.jax_settings import enable_compile_cache

    if not options.no_cache:
        enable_compile_cache(options.cache)
