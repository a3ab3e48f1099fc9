"""Ungrokking: circuit efficiency and the critical data set size (Varma et al., 2023)."""
