"""First minutes on a GPU: what holds there (`check`) and how fast it is (`bench`); see `benchmarks.gpu.__main__`."""
