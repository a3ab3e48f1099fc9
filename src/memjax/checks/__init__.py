"""Whether what a user typed can be used: values, file names, JSON, and the name that was meant."""
