"""Memory 1: how many random labels a linear layer fits (Liu, "Memory 1 -- How much do linear layers memorize?")."""
