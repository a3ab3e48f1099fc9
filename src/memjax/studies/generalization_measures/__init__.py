"""Which number of a trained network says how well the network generalises (Jiang et al. 2020, Dziugaite et al. 2020)."""
