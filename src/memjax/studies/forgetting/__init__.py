"""Which rows are learnt and forgotten again in training (Toneva et al. 2019, Pleiss et al. 2020, Paul et al. 2021)."""

from memjax.studies.forgetting.parts import wrong

__all__ = ["wrong"]
