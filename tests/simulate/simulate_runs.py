"""Simulations in this process, as the command line composes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planwise.config import load_config
from planwise.engine import QuietObserver
from planwise.settings import cache_folder
from planwise.simulation import Simulation
from planwise.simulation_options import SimulationOptions, SimulationOutcome
from planwise.warehouse.digests import TableDigest, database_digests
from planwise.warehouse.opening import reading

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt"
BUILT_IN = ("batching", "compression", "monitoring", "precompile", "tuning")
YEARS = (2025, 2026)
CACHE = cache_folder(None, os.environ)
"""Where what is rendered is kept, for runs that need not show that they render it."""


def clean_environment() -> dict[str, str]:
    """The environment without what would change a run."""
    own = ("DUCKDB_", "DBT_", "PLANWISE_")
    return {key: value for key, value in os.environ.items() if not key.startswith(own)}


def simulation(
    census: Path,
    database: Path,
    *,
    years: tuple[int, ...] = YEARS,
    seed: int | None = None,
    pool_size: int | None = None,
    toggles: Mapping[str, bool] | None = None,
    dbt_project: Path = PROJECT,
    **options: Any,
) -> Simulation:
    """A simulation, ready to run."""
    config = load_config(None).with_overrides(
        years=years, seed=seed, census_file=census, pool_size=pool_size
    )
    return Simulation(
        SimulationOptions(
            config=config,
            dbt_project=dbt_project,
            database=database,
            toggles=toggles or {},
            environ=clean_environment(),
            **options,
        ),
        QuietObserver(),
    )


def digests(database: Path) -> dict[str, TableDigest]:
    """The digest of every table of a database."""
    with reading(database) as connection:
        return database_digests(connection)


def query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    """All rows of a query on a finished database."""
    with reading(database) as connection:
        return connection.execute(sql).fetchall()


__all__ = [
    "BUILT_IN",
    "CACHE",
    "PROJECT",
    "ROOT",
    "YEARS",
    "SimulationOutcome",
    "clean_environment",
    "digests",
    "query",
    "simulation",
]
