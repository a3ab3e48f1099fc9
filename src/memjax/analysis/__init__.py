"""Numbers from finished sweeps: scalars of runs, intervals over seeds, fits, shapes, peaks, capacities, delays, predictions.

Needs numpy, scipy and xarray only (`hidden_markov` also hmmlearn); it neither trains nor looks at weights.
"""

from memjax.analysis.association.out_of_run import out_of_run
from memjax.analysis.association.partial_ranks import rank_correlation
from memjax.analysis.association.predict_gap import predict_gap
from memjax.analysis.association.ranks import mann_whitney, spearman, spearman_matrix
from memjax.analysis.banks.bank_size import bank_size
from memjax.analysis.banks.datamodeling_score import datamodeling_ceiling, linear_datamodeling_score
from memjax.analysis.banks.datamodels import datamodels
from memjax.analysis.banks.exposure import exposure
from memjax.analysis.banks.influence import influence
from memjax.analysis.banks.leave_one_out import leave_one_out
from memjax.analysis.banks.leave_one_out_score import leave_one_out_ceiling, leave_one_out_score
from memjax.analysis.banks.membership import membership
from memjax.analysis.banks.memorization import memorization
from memjax.analysis.banks.roc import roc
from memjax.analysis.base.easy_examples import easy_examples
from memjax.analysis.base.formatting import format_interval
from memjax.analysis.base.gini import gini
from memjax.analysis.base.intervals import mean_interval
from memjax.analysis.base.leave_out import jackknife
from memjax.analysis.base.margin_signature import margin_signature
from memjax.analysis.fits.curve_models import CurveModel
from memjax.analysis.fits.fitting import evaluate, fit
from memjax.analysis.fits.profiles import profile
from memjax.analysis.prediction.information import conditional_mutual_information
from memjax.analysis.prediction.kendall import granulated_kendall, kendall
from memjax.analysis.prediction.sign_error import robust_sign_error
from memjax.analysis.series.chains import effective_sample_size, r_hat
from memjax.analysis.series.hidden_markov import hidden_markov
from memjax.analysis.series.scalars import Scalar, area, first, gap, last, maximum, mean, minimum, rate
from memjax.analysis.shapes.description import Description, describe
from memjax.analysis.shapes.peaks import peak
from memjax.analysis.theory.capacity import (
    all_fitted,
    cover_probability,
    linearly_separable,
    memorized_bits,
    num_fitted,
    share_interval,
)
from memjax.analysis.theory.gradient_descent import gradient_descent_risk
from memjax.analysis.theory.leverage_null import leverage_null
from memjax.analysis.theory.linear_smoothers import effective_parameters, least_squares_terms
from memjax.analysis.theory.long_tail import long_tail, long_tail_error
from memjax.analysis.theory.ridgeless import random_features_risk, ridgeless_risk
from memjax.analysis.theory.rlct import deep_linear_rlct
from memjax.analysis.times.delays import delay
from memjax.analysis.times.events import plateaus, time_to_threshold
from memjax.analysis.times.growth import growth

__all__ = [
    "CurveModel",
    "Description",
    "Scalar",
    "all_fitted",
    "area",
    "bank_size",
    "conditional_mutual_information",
    "cover_probability",
    "datamodeling_ceiling",
    "datamodels",
    "deep_linear_rlct",
    "delay",
    "describe",
    "easy_examples",
    "effective_parameters",
    "effective_sample_size",
    "evaluate",
    "exposure",
    "first",
    "fit",
    "format_interval",
    "gap",
    "gini",
    "gradient_descent_risk",
    "granulated_kendall",
    "growth",
    "hidden_markov",
    "influence",
    "jackknife",
    "kendall",
    "last",
    "leave_one_out",
    "leave_one_out_ceiling",
    "leave_one_out_score",
    "least_squares_terms",
    "leverage_null",
    "linear_datamodeling_score",
    "linearly_separable",
    "long_tail",
    "long_tail_error",
    "mann_whitney",
    "margin_signature",
    "maximum",
    "mean",
    "mean_interval",
    "membership",
    "memorization",
    "memorized_bits",
    "minimum",
    "num_fitted",
    "out_of_run",
    "peak",
    "plateaus",
    "predict_gap",
    "profile",
    "r_hat",
    "random_features_risk",
    "rank_correlation",
    "rate",
    "ridgeless_risk",
    "robust_sign_error",
    "roc",
    "share_interval",
    "spearman",
    "spearman_matrix",
    "time_to_threshold",
]
