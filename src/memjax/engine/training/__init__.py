"""How blocks are run: on the lanes of this machine or by an executor, kept as they go."""
