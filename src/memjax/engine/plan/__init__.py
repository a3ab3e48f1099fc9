"""How runs are packed: into groups that share a program, then into blocks of one shape, within a memory budget."""
