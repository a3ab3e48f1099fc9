"""Overtraining: whether too many hidden units hurt when training stops in time, by leaving out single cases."""
