"""The name of what is stored."""

from __future__ import annotations

from typing import Final

CODEC: Final = "arrow-blocks+lz4"
"""Stands beside what is stored. Changed whenever the bytes mean something else."""
