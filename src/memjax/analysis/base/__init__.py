"""What every estimator is built on: labels of arrays, pairs of runs, noise between seeds, and intervals."""
