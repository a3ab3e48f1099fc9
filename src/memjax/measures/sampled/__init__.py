"""Estimators that take all snapshots of a sweep at once, for they train around them."""
