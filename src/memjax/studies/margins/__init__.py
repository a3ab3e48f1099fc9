"""Margins: whether distances to the decision border predict generalisation, and whether training for them helps."""
