"""Figures of finished sweeps: labelled numbers in, matplotlib axes out; nothing is computed here."""

from memjax.plots.curves import curve, curves
from memjax.plots.fits import fit, ridge
from memjax.plots.panels import small_multiples
from memjax.plots.phases import phase_diagram
from memjax.plots.runs import base_run
from memjax.plots.steps import trajectories
from memjax.plots.styles import style

__all__ = ["base_run", "curve", "curves", "fit", "ridge", "phase_diagram", "small_multiples", "style", "trajectories"]
