"""Fixtures of the simulation: the reference run of plain dbt, and databases made from its SQL."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import duckdb
import pytest
from plan_cases import with_years
from simulation_inputs import Person, Scenario, write_inputs
from simulation_project import (
    MACROS,
    MACROS_YEAR,
    YEARS,
    Compiled,
    Simulation,
    compiled_sql,
    dbt_year,
    in_order,
    reference_inputs,
    run_dbt,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Run the reference inputs with plain dbt, one process a step, and keep what it compiled."""
    folder = tmp_path_factory.mktemp("dbt")
    with duckdb.connect(str(folder / "simulation.duckdb")) as connection:
        write_inputs(connection, *reference_inputs())
    for arguments in (("seed",), ("run", "--select", "tag:foundation")):
        done = run_dbt(folder, *arguments)
        assert done.returncode == 0, done.stdout
    foundation = compiled_sql(folder, "foundation")
    years = {}
    for year in YEARS:
        done = dbt_year(folder, year, *(["--full-refresh"] if year == YEARS[0] else []))
        assert done.returncode == 0, done.stdout
        years[year] = compiled_sql(folder, "year")
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    incremental = {n["name"] for n in models if n["config"]["materialized"] == "incremental"}
    done = run_dbt(folder, "compile", "--quiet", *MACROS_YEAR, "--inline", MACROS)
    assert done.returncode == 0, done.stdout
    return Compiled(
        folder / "simulation.duckdb",
        in_order(foundation, models),
        {year: in_order(sql, models) for year, sql in years.items()},
        frozenset(incremental),
        done.stdout[done.stdout.index("select") :],
    )


@pytest.fixture(scope="session")
def later(compiled: Compiled, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The same with 2026 and 2027: the last year of published limits, and the first without."""
    return with_years(compiled, tmp_path_factory.mktemp("later"), 2026, 2027)


@pytest.fixture
def dbt_folder(compiled: Compiled, tmp_path: Path) -> Path:
    """A copy of the folder of the reference run, to break."""
    shutil.copytree(compiled.database.parent, tmp_path / "dbt")
    return tmp_path / "dbt"


@pytest.fixture
def simulate(compiled: Compiled) -> Callable[..., Simulation]:
    """``simulate(people, scenarios, years)`` runs foundation and years and gives the database."""

    def run(
        people: Sequence[Person],
        scenarios: Sequence[Scenario],
        years: Sequence[int] = YEARS,
        threads: int = 2,
    ) -> Simulation:
        simulation = Simulation(compiled, people, scenarios, threads).foundation()
        for year in years:
            simulation.year(year)
        return simulation

    return run
