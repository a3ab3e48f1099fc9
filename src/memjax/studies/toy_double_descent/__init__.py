"""Toy model of superposition and double descent (Henighan et al., 2023)."""
