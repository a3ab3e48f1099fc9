"""Settings of estimators that sample around all snapshots of a sweep at once."""
