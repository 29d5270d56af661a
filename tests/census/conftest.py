from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from planwise.census import CensusOptions, CensusSummary, load_census

CENSUS_DATE = datetime.date(2018, 6, 30)
Load = Callable[..., CensusSummary]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


@pytest.fixture
def load(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Load:
    """Load a census given as text, bytes or a path."""

    def load(content: str | bytes | Path, **options: Any) -> CensusSummary:
        path = content if isinstance(content, Path) else tmp_path / "census.csv"
        if not isinstance(content, Path):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        options.setdefault("census_date", CENSUS_DATE)
        return load_census(connection, CensusOptions(path, **options))

    return load
