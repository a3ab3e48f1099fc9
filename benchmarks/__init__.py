"""Benchmarks: speed, memory, and checks against other libraries. Each prints a table and writes JSON beside itself."""
