"""Measures that a run records while it trains: functions of parameters, apply function and examples."""
