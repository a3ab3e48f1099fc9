"""Programs compiled for an H100 on a machine without one: kernels, traffic and memory; see `benchmarks.gpu.compiled.card`."""
