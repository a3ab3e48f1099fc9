"""One image that is its own target: the identity, a constant, or neither (Zhang et al. 2020; Radhakrishnan et al. 2020)."""

from memjax.studies.identity_crisis.parts import OneImage, Points

__all__ = ["OneImage", "Points"]
