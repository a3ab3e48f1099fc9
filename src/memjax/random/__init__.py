"""Random numbers on the host: one independent stream per seed and purpose, and the order of minibatches."""

from memjax.random.many_streams import generators, keys
from memjax.random.streams import generator, key_data

__all__ = ["generator", "generators", "key_data", "keys"]
