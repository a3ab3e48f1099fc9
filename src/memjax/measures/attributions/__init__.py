"""Attributions of one network: how much a row of its train set is said to move its value of an example, by gradients."""
