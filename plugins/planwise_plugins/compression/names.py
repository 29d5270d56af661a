"""The names that a codec is made of: ``<layout>+<frame>``, such as ``parquet+lz4``."""

from __future__ import annotations

from typing import Final

PARQUET: Final = "parquet"
ARROW: Final = "arrow"
LZ4: Final = "lz4"
ZSTD: Final = "zstd"
