"""Whether the L2 gap peaks where the data meet the capacity (a hypothesis of Liu, "How does memorization affect l2?")."""
