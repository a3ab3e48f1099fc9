"""Measures of plain arrays, such as hidden activations; no experiment is needed."""
