"""Images in a user's files: finding the files, reading their formats, and transforming the pixels."""
