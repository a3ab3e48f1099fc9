"""How memorization affects the L2 norm (Liu, "How does memorization affect l2?")."""
