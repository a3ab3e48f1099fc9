"""Images in files of the user's own: where the files are, how each format is read, and what is done to the pixels."""
