"""Shared by all tests: no display, and no compile cache of the user's."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")
