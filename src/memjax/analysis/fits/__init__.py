"""Which parameters of a law fit a curve, and how far those parameters are known."""
