"""Checks of the user's input: values, labelled arrays, file names, JSON, and suggestions for unknown names."""
