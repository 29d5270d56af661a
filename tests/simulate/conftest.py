"""A small census, and the run that the others are held against."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from simulate_runs import SimulationOutcome, digests, simulation

from planwise.census import generate_census
from planwise.warehouse.digests import TableDigest

SEED = 42


@pytest.fixture(scope="session")
def census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 people."""
    file = tmp_path_factory.mktemp("census") / "census.csv"
    generate_census(200, SEED, file, date(2024, 12, 31))
    return file


@pytest.fixture(scope="session")
def reference(census: Path, tmp_path_factory: pytest.TempPathFactory) -> SimulationOutcome:
    """The default run: every plugin on, pool of 4."""
    database = tmp_path_factory.mktemp("reference") / "simulation.duckdb"
    return simulation(census, database).run()


@pytest.fixture(scope="session")
def reference_digests(reference: SimulationOutcome) -> dict[str, TableDigest]:
    """The digests of its tables."""
    return digests(reference.files.database)
