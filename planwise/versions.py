"""Versions of what a run depends on, as installed."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

DISTRIBUTIONS: Final = ("planwise", "dbt-core", "dbt-duckdb", "duckdb", "pyarrow", "pluggy")


def installed_versions() -> dict[str, str | None]:
    """Python's version, and that of each distribution; None for one that is not installed."""
    return {
        "python": platform.python_version(),
        **{name: version_of(name) for name in DISTRIBUTIONS},
    }


def version_of(distribution: str) -> str | None:
    """Version of a distribution; None if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
