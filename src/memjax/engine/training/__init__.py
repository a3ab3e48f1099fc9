"""How blocks are trained: on the lanes of this machine or by an executor, with results saved on the way."""
