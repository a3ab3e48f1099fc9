"""Studies: published experiments, one file each, with the published numbers beside ours."""

from memjax.studies.run import find, names, run
from memjax.studies.study import Findings, Study, Sweep, Table

__all__ = ["Findings", "Study", "Sweep", "Table", "find", "names", "run"]
