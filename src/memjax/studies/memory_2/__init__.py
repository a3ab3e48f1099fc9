"""Memory 2: bits of random labels per parameter (Liu, "Memory 2 -- How many bits does each parameter store?")."""

from memjax.studies.memory_2.parts import BlockWithHead

__all__ = ["BlockWithHead"]
