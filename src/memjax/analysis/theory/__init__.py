"""What theory says without any training: capacities, exact learning coefficients, random activations, long tails."""
