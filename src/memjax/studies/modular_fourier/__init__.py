"""Modular addition in Fourier modes (Nanda et al., 2023; Gromov, 2023)."""
