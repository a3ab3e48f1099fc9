"""Whether a number of a trained network tells which of two networks generalises better: scores of measures against the gap."""
