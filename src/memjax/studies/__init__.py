"""Studies: published experiments, a folder each, with the published numbers beside ours.

``kit/`` is what all studies are made with. Every other folder is a study: ``study.py`` says what is run, ``numbers.py``
what is computed from the records, ``claims.py`` what is compared, and ``figures.py`` what is drawn.
"""

from memjax.pages.table import Table
from memjax.studies.kit.claims import Claim
from memjax.studies.kit.find import find, names
from memjax.studies.kit.run import again, run
from memjax.studies.kit.study import Figure, Findings, Measured, Study, Sweep

__all__ = ["Claim", "Figure", "Findings", "Measured", "Study", "Sweep", "Table", "again", "find", "names", "run"]
