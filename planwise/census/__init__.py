"""The census: reading it with an audit of every row, and making a synthetic one.

DuckDB, pyarrow and openpyxl are loaded when a census is read or made, not by this import.
"""

from __future__ import annotations

from planwise.census.distributions import LevelBand
from planwise.census.generation import generate_census
from planwise.census.loading import load_census
from planwise.census.values import (
    CensusOptions,
    CensusSummary,
    Example,
    check_census_date,
    default_census_date,
)

__all__ = [
    "CensusOptions",
    "CensusSummary",
    "Example",
    "LevelBand",
    "check_census_date",
    "default_census_date",
    "generate_census",
    "load_census",
]
