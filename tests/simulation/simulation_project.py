"""The dbt project as the tests use it.

dbt itself runs once a session, as plain processes in the project's folder: that is the reference.
The SQL that it compiled for each year is then executed directly on many small databases;
``test_simulation_dbt.py`` proves that this gives what dbt gives.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from simulation_inputs import Person, Scenario, write_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT = Path(__file__).resolve().parents[2] / "dbt"
YEARS = (2023, 2024, 2025)
FACTS = (
    "fct_yearly_events",
    "fct_workforce_snapshot",
    "fct_headcount",
    "fct_headcount_by_level",
    "fct_plan_cost",
    "fct_compensation_growth",
)

# Expressions that only macros write, for tests that compare them with Python.
MACROS_YEAR = ("--vars", '{"simulation_year": 2025}')
MACROS = """
select
    p.person,
    {{ draw('leave', 'p.person', 2025) }} as leave_draw,
    {{ draw('raise_month', 'p.person', 0) }} as raise_month_draw,
    {{ draws(['hire_age', 'hire_pay_12'], 'p.person', 's.draw_key') }} as two_draws,
    {{ uniform_below('p.k', 'p.n') }} as whole_days,
    {{ uniform_e6('p.k') }} as e6,
    {{ happens('p.k', 'p.chance_e15') }} as happens,
    {{ div_round('p.numerator', 'p.denominator') }} as quotient,
    {{ rate_of('p.k', 'p.n', '36500000') }} as part,
    {{ completed_years('p.start_date', 'p.end_date') }} as years,
    {{ completed_years_at_promotion('p.start_date') }} as years_at_promotion,
    {{ completed_years_at_year_end('p.start_date') }} as years_at_year_end
from people as p
cross join (select *, {{ draw_key(2025, 'scenario') }} as draw_key from scenario) as s
"""


@dataclass(frozen=True)
class Compiled:
    """What dbt wrote: the database of the reference run, the SQL of every model, and its DAG."""

    database: Path
    foundation: dict[str, str]
    years: dict[int, dict[str, str]]
    incremental: frozenset[str]
    macros: str


def run_dbt(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run plain dbt in the project's folder, writing only below ``folder``."""
    environment = os.environ | {
        "PLANWISE_DATABASE": str(folder / "simulation.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
    }
    return subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def dbt_year(folder: Path, year: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One simulation year with plain dbt."""
    variables = json.dumps({"simulation_year": year})
    return run_dbt(folder, "run", "--select", "tag:year", "--vars", variables, *arguments)


def reference_inputs() -> tuple[list[Person], list[Scenario]]:
    """A census with every kind of hostile id and date, under two scenarios and two replicates."""
    ids = ["O'Brien", "a|b", "日本", "é:ñ", '"quoted"', "x y", "%s", "{{ jinja }}", "-- sql", "Z"]
    people = [
        Person(
            employee_id=ids[i] if i < len(ids) else f"E{i:04d}",
            birth_date=date(2000, 2, 29) if i % 17 == 0 else date(1960, 1, 1) + timedelta(i * 97),
            hire_date=date(2020, 2, 29)
            if i % 13 == 0
            else date(2022, 12, 31) - timedelta(i * i % 4000),
            pay_cents=5_000_000 + i * 117_331 % 30_000_000,
            job_level=1 + i % 5 if i % 3 == 0 else None,
            deferral_rate_e5=None if i % 2 else i * 10,
        )
        for i in range(160)
    ]
    shrinking = {"growth_rate": "-0.2", "hire_level_shares": "current", "promotion_dial": "5"}
    return people, [
        Scenario(),
        Scenario(replicate_id=2, seed=43),
        Scenario("shrinking", parameters=shrinking, first_year=2023),
    ]


def compiled_sql(folder: Path, part: str) -> dict[str, str]:
    models = folder / "target" / "compiled" / "planwise_simulation" / "models" / part
    return {path.stem: path.read_text() for path in models.glob("*.sql")}


def in_order(sql: dict[str, str], models: list[dict]) -> dict[str, str]:
    """The models that have tables, each after those it refers to."""
    # Models only: a source may have a model's name, as those of the year before do.
    parents = {
        m["name"]: [n.split(".")[-1] for n in m["depends_on"]["nodes"] if n.startswith("model.")]
        for m in models
    }
    tables = {m["name"] for m in models if m["config"]["materialized"] != "ephemeral"}
    ordered: dict[str, str] = {}

    def add(name: str) -> None:
        for parent in parents.get(name, []):
            add(parent)
        if name in sql and name in tables:
            ordered.setdefault(name, sql[name])

    for name in sorted(sql):
        add(name)
    return ordered


class Simulation:
    """The compiled project on a database in memory."""

    def __init__(
        self,
        compiled: Compiled,
        people: Sequence[Person],
        scenarios: Sequence[Scenario],
        threads: int = 2,
    ) -> None:
        self.compiled = compiled
        self.connection = duckdb.connect(config={"threads": threads})
        # The name of the catalog is that of the reference database's file: compiled SQL has it.
        self.connection.execute("attach ':memory:' as simulation; use simulation")
        self.connection.execute(f"attach '{compiled.database}' as reference (read_only)")
        write_inputs(self.connection, people, scenarios)
        tables = self.connection.execute(
            "select table_name from duckdb_tables() where database_name = 'reference'"
            " and schema_name = 'main' and table_name like 'default_%'"
        ).fetchall()
        for (table,) in tables:
            self.connection.execute(f"create table main.{table} as from reference.main.{table}")
        for table in FACTS:
            self.connection.execute(
                f"create table main.{table} as from reference.main.{table} limit 0"
            )
        self.connection.execute("detach reference")

    def foundation(self) -> Simulation:
        """Build the foundation."""
        for name, sql in self.compiled.foundation.items():
            self.connection.execute(f"create or replace table main.{name} as {sql}")
        return self

    def year(self, year: int, until: str | None = None) -> Simulation:
        """Run a year, or its models up to and with one of them."""
        for name, sql in self.compiled.years[year].items():
            self.model(year, name, sql)
            if name == until:
                break
        return self

    def model(self, year: int, name: str, sql: str | None = None) -> None:
        """Run one model of a year as its materialisation says."""
        sql = sql or self.compiled.years[year][name]
        if name in self.compiled.incremental:
            self.connection.execute(f"delete from main.{name} where simulation_year = {year}")
            self.connection.execute(f"insert into main.{name} by name {sql}")
        else:
            self.connection.execute(f"create or replace table main.{name} as {sql}")

    def rows(self, query: str, *parameters: object) -> list[tuple]:
        """All rows of a query."""
        return self.connection.execute(query, parameters).fetchall()

    def facts(self, scenario: str | None = None, replicate: int | None = None) -> dict[str, list]:
        """Every published table, sorted; of one scenario and replicate if asked."""
        where = "" if scenario is None else " where scenario_id = ? and replicate_id = ?"
        bound = () if scenario is None else (scenario, replicate)
        return {
            table: self.rows(f"from main.{table}{where} order by all", *bound) for table in FACTS
        }

    def close(self) -> None:
        """Drop the database."""
        self.connection.close()
