"""How single points are memorised: in which order, in how many dimensions, and by which gradients."""

from memjax.studies.memorizing_circuits.parts import LinearisedMLP, first_residue, gaussian

__all__ = ["LinearisedMLP", "first_residue", "gaussian"]
