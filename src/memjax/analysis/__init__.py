"""Numbers from finished sweeps: summaries of runs, intervals over seeds, power laws, peaks, descriptions.

Needs numpy, scipy and xarray only; it neither trains nor looks at weights.
"""

from memjax.analysis.description import Description, describe
from memjax.analysis.formatting import format_interval
from memjax.analysis.intervals import mean_interval
from memjax.analysis.peaks import peak
from memjax.analysis.power_law import evaluate_power_law, fit_power_law
from memjax.analysis.summaries import first, gap, last, maximum

__all__ = [
    "Description",
    "describe",
    "evaluate_power_law",
    "first",
    "fit_power_law",
    "format_interval",
    "gap",
    "last",
    "maximum",
    "mean_interval",
    "peak",
]
