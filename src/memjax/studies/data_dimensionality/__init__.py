"""Maximal data dimensionality (Hobbhahn, 2023, after Olah)."""
