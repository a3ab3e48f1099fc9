"""How runs are packed: groups that share a program, blocks of one shape, by a cost model and a memory budget."""
