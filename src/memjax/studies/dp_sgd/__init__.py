"""What a guarantee of differential privacy costs, and what the guarantee prevents (Abadi et al. 2016, Feldman 2020)."""
