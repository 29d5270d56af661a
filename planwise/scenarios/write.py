"""Writing scenarios where the simulation reads them: the scenario tables of schema ``inputs``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from planwise.errors import UsageError, WarehouseError
from planwise.scenarios.values import Scenario, TableName

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

_Rows = list[tuple[Any, ...]]

# Columns and types of each table; the simulation reads them by these names. Money has two decimals,
# rates five, shares six; a table of rows replaces the whole default table of its scenario.
_SCENARIOS: Final = (
    "scenario_id VARCHAR, replicate_id INTEGER, seed BIGINT, first_year INTEGER, "
    "census_date DATE, draws VARCHAR"
)
_PARAMETERS: Final = "scenario_id VARCHAR, parameter VARCHAR, value VARCHAR, source VARCHAR"
_TABLES: Final[dict[TableName, str]] = {
    "age_bands": (
        "scenario_id VARCHAR, age_band VARCHAR, min_age INTEGER, max_age INTEGER, "
        "termination_mult DECIMAL(9,5), promotion_mult DECIMAL(9,5), source VARCHAR"
    ),
    "tenure_bands": (
        "scenario_id VARCHAR, tenure_band VARCHAR, min_years INTEGER, max_years INTEGER, "
        "termination_mult DECIMAL(9,5), promotion_mult DECIMAL(9,5), source VARCHAR"
    ),
    "levels": (
        "scenario_id VARCHAR, level INTEGER, level_name VARCHAR, min_pay DECIMAL(18,2), "
        "max_pay DECIMAL(18,2), merit_rate DECIMAL(7,5), new_hire_percentile DECIMAL(7,5), "
        "source VARCHAR"
    ),
    "raise_months": ("scenario_id VARCHAR, month INTEGER, share DECIMAL(9,6), source VARCHAR"),
    "hire_ages": "scenario_id VARCHAR, age INTEGER, weight DECIMAL(9,6), source VARCHAR",
    "enrollment_age_bands": (
        "scenario_id VARCHAR, min_age INTEGER, max_age INTEGER, voluntary_chance DECIMAL(7,5), "
        "opt_out_chance DECIMAL(7,5), source VARCHAR"
    ),
    "enrollment_pay_bands": (
        "scenario_id VARCHAR, min_pay DECIMAL(18,2), max_pay DECIMAL(18,2), "
        "voluntary_mult DECIMAL(9,5), opt_out_mult DECIMAL(9,5), source VARCHAR"
    ),
    "enrollment_deferrals": (
        "scenario_id VARCHAR, min_age INTEGER, min_pay DECIMAL(18,2), deferral_rate DECIMAL(7,5), "
        "source VARCHAR"
    ),
    "match_tiers": (
        "scenario_id VARCHAR, band_min INTEGER, band_max INTEGER, tier_from DECIMAL(7,5), "
        "tier_to DECIMAL(7,5), match_rate DECIMAL(7,5), source VARCHAR"
    ),
    "core_tiers": (
        "scenario_id VARCHAR, band_min INTEGER, band_max INTEGER, core_rate DECIMAL(7,5), "
        "source VARCHAR"
    ),
    "vesting_steps": (
        "scenario_id VARCHAR, money_source VARCHAR, service_years INTEGER, vested DECIMAL(7,5), "
        "source VARCHAR"
    ),
    "irs_limits": (
        "scenario_id VARCHAR, limit_year INTEGER, elective DECIMAL(18,2), "
        "catch_up_50 DECIMAL(18,2), catch_up_60_63 DECIMAL(18,2), compensation DECIMAL(18,2), "
        "hce DECIMAL(18,2), annual_additions DECIMAL(18,2), ss_wage_base DECIMAL(18,2), "
        "source VARCHAR"
    ),
}

_ROWS_PER_INSERT = 200


def write_scenarios(connection: duckdb.DuckDBPyConnection, scenarios: Sequence[Scenario]) -> None:
    """Replace all scenario tables of schema ``inputs`` by those of these scenarios.

    All of it is one transaction: the tables are either all new or all as before.

    Args:
        connection: a writable database with no transaction open.
        scenarios: at least one; those with the same ``scenario_id`` are replicates and differ in
            nothing but ``replicate_id``, ``seed`` and ``sources`` (the first one's are written).

    Raises:
        UsageError: no scenario, the same replicate twice, or replicates that differ otherwise.
        ValueError: a scenario whose levels are still to be derived from the census.
        WarehouseError: the database cannot be written.
    """
    distinct = _distinct(scenarios)
    tables: list[tuple[str, str, _Rows]] = [
        (
            "scenarios",
            _SCENARIOS,
            [
                (s.scenario_id, s.replicate_id, s.seed, s.first_year, s.census_date, _draws(s))
                for s in sorted(scenarios, key=lambda s: (s.scenario_id, s.replicate_id))
            ],
        ),
        (
            "scenario_parameters",
            _PARAMETERS,
            [
                (s.scenario_id, parameter, value, s.source(parameter))
                for s in distinct.values()
                for parameter, value in sorted(s.parameters.items())
            ],
        ),
    ]
    tables += [
        (
            f"scenario_{table}",
            columns,
            [
                (s.scenario_id, *attrs.astuple(row), s.source(table))
                for s in distinct.values()
                for row in s.tables.get(table, ())
            ],
        )
        for table, columns in _TABLES.items()
    ]
    _replace(connection, tables)


def _draws(scenario: Scenario) -> str:
    return scenario.draws or scenario.scenario_id


def _distinct(scenarios: Sequence[Scenario]) -> Mapping[str, Scenario]:
    """The first replicate of each scenario, by name in order."""
    if not scenarios:
        raise UsageError("no scenario to simulate; give at least one")
    seen: set[tuple[str, int]] = set()
    distinct: dict[str, Scenario] = {}
    for scenario in scenarios:
        name = scenario.scenario_id
        if scenario.derive_levels:
            raise ValueError(f"scenario {name}: settle_levels() comes before write_scenarios()")
        if (name, scenario.replicate_id) in seen:
            raise UsageError(
                f"scenario {name}, replicate {scenario.replicate_id} is given twice; "
                "give each a name or a replicate number of its own"
            )
        seen.add((name, scenario.replicate_id))
        first = distinct.setdefault(name, scenario)
        differ = [
            column
            for column in ("first_year", "census_date", "draws", "parameters", "tables")
            if getattr(first, column) != getattr(scenario, column)
        ]
        if differ:
            raise UsageError(
                f"scenario {name}: replicate {scenario.replicate_id} has other {differ[0]} than "
                f"replicate {first.replicate_id}; replicates differ in their seed only"
            )
    return dict(sorted(distinct.items()))


def _replace(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[tuple[str, str, _Rows]]
) -> None:
    import duckdb

    try:
        connection.execute("BEGIN TRANSACTION")
        try:
            connection.execute("CREATE SCHEMA IF NOT EXISTS inputs")
            for table, columns, rows in tables:
                connection.execute(f"CREATE OR REPLACE TABLE inputs.{table} ({columns})")
                for start in range(0, len(rows), _ROWS_PER_INSERT):
                    _insert(connection, table, rows[start : start + _ROWS_PER_INSERT])
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise WarehouseError(
            f"the scenarios cannot be written to the database: {reason}"
        ) from error


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: _Rows) -> None:
    """One statement for many rows; values are bound, names are the constants above."""
    row = f"({', '.join('?' * len(rows[0]))})"
    statement = f"INSERT INTO inputs.{table} VALUES {', '.join([row] * len(rows))}"  # noqa: S608 - see above
    connection.execute(statement, [value for values in rows for value in values])
