"""What a curve looks like: its shape and its law against the noise between seeds, in words, and its peak."""
