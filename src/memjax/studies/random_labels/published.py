"""Published curves over the level of label noise, on CIFAR-10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["ERRORS", "FACTORS", "MINUTES"]

ERRORS: Mapping[str, Sequence[float]] = {
    "1 x 512": (0.478, 0.569, 0.642, 0.708, 0.755, 0.800, 0.832, 0.857, 0.886, 0.894, 0.896),
    "3 x 512": (0.447, 0.544, 0.614, 0.674, 0.738, 0.793, 0.823, 0.853, 0.887, 0.896, 0.900),
    "Inception": (0.140, 0.287, 0.411, 0.517, 0.626, 0.713, 0.782, 0.848, 0.872, 0.896, 0.899),
}
"""Test error against noisy labels at levels 0, .1, ..., 1, read from figures of a re-run.

The repository of the re-run is david-inf/deep-learning-generalization.
"""
MINUTES: Mapping[str, Sequence[float]] = {
    "1 x 512": (1.45, 1.32, 1.51, 1.73, 1.81, 2.04, 1.72, 1.61, 1.67, 1.87, 1.83),
    "3 x 512": (0.37, 0.51, 0.71, 0.79, 1.72, 2.33, 2.55, 2.47, 2.21, 2.10, 2.01),
    "Inception": (8.0, 10.6, 12.7, 17.2, 25.3, 27.6, 36.1, 35.5, 38.4, 49.0, 54.6),
}
"""Minutes to fit of the same re-run, one run each."""
FACTORS: Mapping[str, Sequence[float]] = {
    name: [minutes / found[0] for minutes in found] for name, found in MINUTES.items()
}
"""Minutes to fit over those without noise."""
