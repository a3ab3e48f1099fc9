"""What networks do with random labels and random inputs (Zhang et al. 2017, Arpit et al. 2017)."""
