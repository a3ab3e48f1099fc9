"""Faults done to a sweep with a store, for real, and what became of its numbers: python -m benchmarks.faults."""
