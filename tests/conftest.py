"""Shared by all tests: no display, no compile cache of the user's, and one BLAS thread for each of the workers."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")
# Two workers with two BLAS threads each wait for one another on two cores: a rank test took 20 s instead of 1 s.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
