"""The slingshot mechanism (Thilak et al., 2022), and the rounding of the softmax (Prieto et al., 2025)."""
