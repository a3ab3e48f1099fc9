"""The kit of studies: claims and their verdicts, estimates, tables, stages and reports. A study imports from here.

``study.py`` says what a study is. ``estimate.py``, ``within.py``, ``verdict.py`` and ``claims.py`` turn runs into claims that
hold or do not. ``grid.py`` and ``number_format.py`` make tables. ``run.py``, ``measured.py`` and ``folder.py`` are the stages.
``report/`` writes what was found.
"""

from memjax.pages.table import Table
from memjax.studies.kit.claims import Claim, claims_table
from memjax.studies.kit.estimate import Estimate, estimate, fitted
from memjax.studies.kit.grid import Column, Columns, columns_of, geometric, grid, listed, mean, outcomes, share, time
from memjax.studies.kit.number_format import text
from memjax.studies.kit.picture import label_text, picture
from memjax.studies.kit.study import Figure, Findings, Measured, Study, Sweep
from memjax.studies.kit.verdict import TOLERANCE, Verdict, above, below, between, near
from memjax.studies.kit.within import Within, at_own_time, beside_records, geometric_mean, ratio, within_records

__all__ = [
    "Claim",
    "Column",
    "Columns",
    "Estimate",
    "Figure",
    "Findings",
    "Measured",
    "Study",
    "Sweep",
    "TOLERANCE",
    "Table",
    "Verdict",
    "Within",
    "above",
    "at_own_time",
    "below",
    "beside_records",
    "between",
    "claims_table",
    "columns_of",
    "estimate",
    "fitted",
    "geometric",
    "geometric_mean",
    "grid",
    "label_text",
    "listed",
    "mean",
    "near",
    "outcomes",
    "picture",
    "ratio",
    "share",
    "text",
    "time",
    "within_records",
]
