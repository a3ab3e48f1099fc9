"""memjax and its peers on the same work, in one session: python -m benchmarks.sweep_throughput."""
