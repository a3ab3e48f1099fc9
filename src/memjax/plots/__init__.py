"""Figures of finished sweeps: labelled numbers in, matplotlib axes out; nothing is computed here."""

from memjax.plots.bar_charts import bars
from memjax.plots.curves import curve, curves
from memjax.plots.fits import fit, ridge
from memjax.plots.means import mean
from memjax.plots.multiples import small_multiples
from memjax.plots.parts import level, panels, plain_ticks
from memjax.plots.phases import category_map, phase_diagram
from memjax.plots.picture_grids import pictures
from memjax.plots.roc_curves import roc
from memjax.plots.runs import base_run
from memjax.plots.steps import trajectories
from memjax.plots.styles import style

__all__ = [
    "bars",
    "base_run",
    "category_map",
    "curve",
    "curves",
    "fit",
    "level",
    "mean",
    "panels",
    "phase_diagram",
    "pictures",
    "plain_ticks",
    "ridge",
    "roc",
    "small_multiples",
    "style",
    "trajectories",
]
