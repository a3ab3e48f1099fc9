"""The store: a folder of immutable files from which a sweep resumes and a Dataset is read, with no code in it."""
