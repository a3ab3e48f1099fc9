"""How well single metrics of a run predict its test loss (a thread on the learning coefficient and grokking)."""
