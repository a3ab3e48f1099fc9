"""Banks: networks trained on random subsets of one data set, and what they say of single rows."""
