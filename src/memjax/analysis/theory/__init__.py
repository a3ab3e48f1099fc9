"""What theory says without any training: capacities, learning coefficients, long tails, least squares at every size."""
