"""Settings of the local learning coefficient, and the words of its verdict."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["VERDICTS", "Settings"]

VERDICTS = ("ok", "not_converged", "negative", "unstable_step")
"""What ``llc_verdict`` says, by its number.

Examples
--------
>>> import numpy as np
>>> from memjax.measures import VERDICTS
>>> np.array(VERDICTS)[[0, 3]].tolist()  # of ds.llc_verdict.values.astype(int)
['ok', 'unstable_step']
"""


@dataclass(frozen=True)
class Settings:
    """Settings of an estimate; `memjax.measures.llc` explains each."""

    nbeta: tuple[float | None, ...]
    step_size: float | None
    localization: float
    draws: int
    burn_in: int
    thin: int
    chains: int
    batch_size: int | None
    seed: int
    safety: float
    most_r_hat: float
    traces: bool

    @property
    def labels(self) -> list[str]:
        """Names of the temperatures along the dimension ``nbeta``."""
        return ["n / log n" if one is None else f"{float(one)!r}".removesuffix(".0") for one in self.nbeta]
