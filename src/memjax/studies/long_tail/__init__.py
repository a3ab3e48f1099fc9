"""What a network pays for every rare example that the network does not memorise (Feldman 2020)."""
