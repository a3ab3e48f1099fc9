"""Figures of finished sweeps: labelled numbers in, matplotlib axes out; nothing is computed here."""

from memjax.plots.curves import curve
from memjax.plots.fits import fit
from memjax.plots.runs import base_run
from memjax.plots.steps import trajectories
from memjax.plots.styles import style

__all__ = ["base_run", "curve", "fit", "style", "trajectories"]
