"""Looks at every installed plugin without a run: each in a process of its own."""
