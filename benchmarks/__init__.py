"""Benchmarks: what each plugin is worth on this machine. See docs/benchmarks.md."""
