"""Measures of one snapshot, which run on the host after the training."""
