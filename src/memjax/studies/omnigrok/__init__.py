"""Omnigrok: grokking and the norm of the weights (Liu et al., 2023)."""
