"""Small censuses and scenarios for the tests of the simulation, and how they enter a database.

The oracle and the SQL both start from these values; nothing here computes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

SCHEMA = """
create schema if not exists inputs;
create or replace table inputs.census (
    employee_id varchar, birth_date date, hire_date date, annual_compensation_cents bigint,
    job_level integer, deferral_rate_e5 integer, enrollment_date date, roth_rate_e5 integer,
    auto_escalation_opt_out boolean, scheduled_hours_per_week decimal(5, 2), department varchar,
    job_title varchar, gender varchar, ssn varchar, source_line bigint
);
create or replace table inputs.scenarios (
    scenario_id varchar, replicate_id integer, seed bigint, first_year integer, census_date date,
    draws varchar
);
create or replace table inputs.scenario_parameters (
    scenario_id varchar, parameter varchar, value varchar, source varchar
);
create or replace table inputs.scenario_age_bands (
    scenario_id varchar, age_band varchar, min_age integer, max_age integer,
    termination_mult decimal(9, 5), promotion_mult decimal(9, 5), source varchar
);
create or replace table inputs.scenario_tenure_bands (
    scenario_id varchar, tenure_band varchar, min_years integer, max_years integer,
    termination_mult decimal(9, 5), promotion_mult decimal(9, 5), source varchar
);
create or replace table inputs.scenario_levels (
    scenario_id varchar, level integer, level_name varchar, min_pay decimal(18, 2),
    max_pay decimal(18, 2), merit_rate decimal(7, 5), new_hire_percentile decimal(7, 5),
    source varchar
);
create or replace table inputs.scenario_raise_months (
    scenario_id varchar, month integer, share decimal(9, 6), source varchar
);
create or replace table inputs.scenario_hire_ages (
    scenario_id varchar, age integer, weight decimal(9, 6), source varchar
);
create or replace table inputs.scenario_enrollment_age_bands (
    scenario_id varchar, min_age integer, max_age integer, voluntary_chance decimal(7, 5),
    opt_out_chance decimal(7, 5), source varchar
);
create or replace table inputs.scenario_enrollment_pay_bands (
    scenario_id varchar, min_pay decimal(18, 2), max_pay decimal(18, 2),
    voluntary_mult decimal(9, 5), opt_out_mult decimal(9, 5), source varchar
);
create or replace table inputs.scenario_enrollment_deferrals (
    scenario_id varchar, min_age integer, min_pay decimal(18, 2), deferral_rate decimal(7, 5),
    source varchar
);
create or replace table inputs.scenario_match_tiers (
    scenario_id varchar, band_min integer, band_max integer, tier_from decimal(7, 5),
    tier_to decimal(7, 5), match_rate decimal(7, 5), source varchar
);
create or replace table inputs.scenario_core_tiers (
    scenario_id varchar, band_min integer, band_max integer, core_rate decimal(7, 5),
    source varchar
);
create or replace table inputs.scenario_vesting_steps (
    scenario_id varchar, money_source varchar, service_years integer, vested decimal(7, 5),
    source varchar
);
create or replace table inputs.scenario_irs_limits (
    scenario_id varchar, limit_year integer, elective decimal(18, 2), catch_up_50 decimal(18, 2),
    catch_up_60_63 decimal(18, 2), compensation decimal(18, 2), hce decimal(18, 2),
    annual_additions decimal(18, 2), ss_wage_base decimal(18, 2), source varchar
);
"""


@dataclass(frozen=True)
class Person:
    """One row of the census."""

    employee_id: str
    birth_date: date
    hire_date: date
    pay_cents: int
    job_level: int | None = None
    deferral_rate_e5: int | None = None
    enrollment_date: date | None = None
    department: str | None = None
    scheduled_hours: Decimal = Decimal(40)
    opt_out: bool = False


@dataclass(frozen=True)
class Band:
    """A band of age or tenure in completed years, with its multipliers."""

    name: str
    low: int
    high: int
    termination: Decimal
    promotion: Decimal


@dataclass(frozen=True)
class Level:
    """A job level with its pay band in whole currency units."""

    level: int
    low: Decimal
    high: Decimal
    merit: Decimal
    percentile: Decimal


@dataclass(frozen=True)
class Scenario:
    """One scenario and replicate; an empty table means the defaults, no draws its own.

    Rows of the plan's tables are in the order of the columns, without scenario and source.
    """

    scenario_id: str = "baseline"
    replicate_id: int = 1
    seed: int = 42
    first_year: int = 2023
    census_date: date = date(2022, 12, 31)
    parameters: Mapping[str, str] = field(default_factory=dict)
    age_bands: Sequence[Band] = ()
    tenure_bands: Sequence[Band] = ()
    levels: Sequence[Level] = ()
    raise_months: Sequence[tuple[int, Decimal]] = ()
    hire_ages: Sequence[tuple[int, Decimal]] = ()
    draws: str | None = None
    enrollment_age_bands: Sequence[tuple[int, int, Decimal, Decimal]] = ()
    enrollment_pay_bands: Sequence[tuple[Decimal, Decimal, Decimal, Decimal]] = ()
    enrollment_deferrals: Sequence[tuple[int, Decimal, Decimal]] = ()
    match_tiers: Sequence[tuple[int, int, Decimal, Decimal, Decimal]] = ()
    core_tiers: Sequence[tuple[int, int, Decimal]] = ()
    vesting_steps: Sequence[tuple[str, int, Decimal]] = ()
    irs_limits: Sequence[tuple[int, int, int, int, int, int, int, int]] = ()


PLAIN_TABLES = (
    "raise_months",
    "hire_ages",
    "enrollment_age_bands",
    "enrollment_pay_bands",
    "enrollment_deferrals",
    "match_tiers",
    "core_tiers",
    "vesting_steps",
    "irs_limits",
)


def write_inputs(
    connection: duckdb.DuckDBPyConnection, people: Sequence[Person], scenarios: Sequence[Scenario]
) -> None:
    """Create the tables of the schema ``inputs`` in the current catalog and fill them."""
    connection.execute(SCHEMA)
    _insert(
        connection,
        "census",
        [
            (
                p.employee_id, p.birth_date, p.hire_date, p.pay_cents, p.job_level,
                p.deferral_rate_e5, p.enrollment_date, None, p.opt_out, p.scheduled_hours,
                p.department, None, None, None, line,
            )
            for line, p in enumerate(people, start=2)
        ],
    )  # fmt: skip
    _insert(
        connection,
        "scenarios",
        [
            (
                s.scenario_id, s.replicate_id, s.seed, s.first_year, s.census_date,
                s.draws or s.scenario_id,
            )
            for s in scenarios
        ],
    )  # fmt: skip
    # The tables of overrides know scenarios, not replicates.
    for s in {s.scenario_id: s for s in scenarios}.values():
        name, source = s.scenario_id, "test"
        _insert(
            connection,
            "scenario_parameters",
            [(name, parameter, value, source) for parameter, value in s.parameters.items()],
        )
        for table, bands in (
            ("scenario_age_bands", s.age_bands),
            ("scenario_tenure_bands", s.tenure_bands),
        ):
            _insert(
                connection,
                table,
                [(name, b.name, b.low, b.high, b.termination, b.promotion, source) for b in bands],
            )
        _insert(
            connection,
            "scenario_levels",
            [
                (name, v.level, f"L{v.level}", v.low, v.high, v.merit, v.percentile, source)
                for v in s.levels
            ],
        )
        for table in PLAIN_TABLES:
            rows = [(name, *row, source) for row in getattr(s, table)]
            _insert(connection, f"scenario_{table}", rows)


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        values = ", ".join([f"({marks})"] * len(rows))
        connection.execute(
            f"insert into inputs.{table} values {values}", [value for row in rows for value in row]
        )
