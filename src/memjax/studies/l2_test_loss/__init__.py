"""How L2 relates to test loss, and whether warmup helps (open questions of Liu, "How does memorization affect l2?")."""
