"""One real result for all tests here: two scenarios, three years."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from analysis_runs import CONFIG, RICH, run_planwise, write_census

from planwise.warehouse.opening import reading


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a census, a configuration, a scenario, and their result."""
    folder = tmp_path_factory.mktemp("simulated")
    (folder / "config" / "scenarios").mkdir(parents=True)
    (folder / "config" / "simulation_config.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "config" / "scenarios" / "rich.yaml").write_text(RICH, encoding="utf-8")
    write_census(folder / "census.csv")
    done = run_planwise(
        *("simulate", "--census", "census.csv", "--scenario", "baseline", "rich"), cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def database(simulated: Path) -> Path:
    """The result; not to be written to."""
    return simulated / "output" / "simulation.duckdb"


@pytest.fixture
def copied(database: Path, tmp_path: Path) -> Path:
    """A copy of the result, to be changed."""
    return Path(shutil.copy(database, tmp_path / "copied.duckdb"))


@pytest.fixture
def connection(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Opened as planwise opens it: DuckDB takes no other configuration in the same process."""
    with reading(database) as opened:
        yield opened
