"""What networks memorise of a data set, and who can tell (Feldman and Zhang 2020, Carlini et al. 2022, Park et al. 2023)."""
