"""Benchmarks: ways to run one simulation, held to the same tables and measured in pairs."""
