"""Several scenarios in one pass: each has exactly the rows that it has alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulate_runs import PROJECT, ROOT, YEARS, clean_environment, query

from planwise.config import load_config, load_scenarios
from planwise.engine import QuietObserver
from planwise.simulation import Simulation, SimulationOptions
from planwise.warehouse.digests import TableDigest, database_digests
from planwise.warehouse.opening import reading

NAMES = ("baseline", "core_integrated", "tenure_match", "auto_enroll_all")


def run(census: Path, database: Path, *names: str) -> Path:
    base = load_config(ROOT / "config" / "simulation_config.yaml").with_overrides(
        years=YEARS, census_file=census
    )
    options = SimulationOptions(
        config=base,
        scenarios=tuple(
            each.with_overrides(years=YEARS, census_file=census)
            for each in load_scenarios(base, names)
        ),
        dbt_project=PROJECT,
        database=database,
        environ=clean_environment(),
    )
    Simulation(options, QuietObserver()).run()
    return database


def rows_of(database: Path, name: str) -> dict[str, TableDigest]:
    with reading(database) as connection:
        return database_digests(connection, name)


@pytest.fixture(scope="module")
def together(census: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them in one pass."""
    return run(census, tmp_path_factory.mktemp("together") / "simulation.duckdb", *NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_among_others_gives_what_it_gives_alone(
    census: Path, together: Path, tmp_path: Path, name: str
) -> None:
    alone = rows_of(run(census, tmp_path / "alone.duckdb", name), name)
    assert rows_of(together, name) == alone
    published = {table for table in alone if table.startswith("main.fct_")}
    assert len(published) >= 6
    assert all(alone[table].rows for table in published)


@pytest.mark.slow
def test_scenarios_that_share_draws_see_the_same_people(together: Path) -> None:
    # What happens to a person's work does not depend on the plan, so money is all that differs.
    moves = query(
        together,
        "select scenario_id, count(*), bit_xor(hash(employee_id, event_type, effective_date, "
        "amount_after_cents, level_after)) from fct_yearly_events where event_type in "
        "('hire', 'termination', 'promotion', 'raise') group by all order by all",
    )
    assert [row[0] for row in moves] == sorted(NAMES)
    assert len({row[1:] for row in moves}) == 1
    costs = query(
        together,
        "select distinct sum(net_employer_cost_cents) from fct_plan_cost group by scenario_id",
    )
    assert len(costs) == len(NAMES)
