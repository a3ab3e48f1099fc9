"""Conditions that stop a run: a recorded variable has reached a value, or has not improved for some records."""

from memjax.stopping.conditions import AtLeast, AtMost, NoGain

__all__ = ["AtLeast", "AtMost", "NoGain"]
