"""Sparse parities learned by online SGD (Barak et al., 2022)."""
