"""Which rows become exposed to membership attacks when the most exposed rows are removed (Carlini et al. 2022)."""
