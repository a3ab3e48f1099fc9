"""The command line: ``memjax study``, ``studies``, ``run`` and ``show``. Each command is one call of the library.

``parser.py`` says what can be typed; ``entry.py`` calls one file for each command, and turns mistakes into exit codes.
"""

from memjax.cli.entry import main

__all__ = ["main"]
