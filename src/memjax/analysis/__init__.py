"""Numbers from finished sweeps: scalars of runs, intervals over seeds, fits, shapes, peaks, capacities.

Needs numpy, scipy and xarray only; it neither trains nor looks at weights.
"""

from memjax.analysis.capacity import (
    all_fitted,
    cover_probability,
    linearly_separable,
    memorized_bits,
    num_fitted,
    share_interval,
)
from memjax.analysis.curve_models import CurveModel
from memjax.analysis.description import Description, describe
from memjax.analysis.events import plateaus, time_to_threshold
from memjax.analysis.fitting import evaluate, fit
from memjax.analysis.formatting import format_interval
from memjax.analysis.intervals import mean_interval
from memjax.analysis.leverage_null import leverage_null
from memjax.analysis.peaks import peak
from memjax.analysis.profiles import profile
from memjax.analysis.ranks import mann_whitney, spearman, spearman_matrix
from memjax.analysis.scalars import Scalar, area, first, gap, last, maximum, mean, minimum, rate

__all__ = [
    "CurveModel",
    "Description",
    "Scalar",
    "all_fitted",
    "area",
    "cover_probability",
    "describe",
    "evaluate",
    "first",
    "fit",
    "format_interval",
    "gap",
    "last",
    "leverage_null",
    "linearly_separable",
    "mann_whitney",
    "maximum",
    "mean",
    "mean_interval",
    "memorized_bits",
    "minimum",
    "num_fitted",
    "peak",
    "plateaus",
    "profile",
    "rate",
    "share_interval",
    "spearman",
    "spearman_matrix",
    "time_to_threshold",
]
