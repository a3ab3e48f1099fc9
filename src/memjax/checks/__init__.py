"""Whether what a user typed can be used: values, labelled arrays, file names, JSON, and the name that was meant."""
