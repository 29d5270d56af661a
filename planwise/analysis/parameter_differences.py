"""What differs in the rules of two scenarios: parameters with their sources, and whole tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen

from planwise.analysis.figures import column_name, in_words
from planwise.analysis.result_database import ResultDatabase, ScenarioInForce

_Row = tuple[Any, ...]

NOT_RULES: Final = frozenset(
    {"scenario_id", "replicate_id", "seed", "first_year", "census_date", "draws"}
)
"""Columns of ``dim_scenario`` that are no parameter."""

RESOLVED: Final = MappingProxyType(
    {
        "match_requires_last_day": "match_last_day",
        "match_requires_hours": "match_hours",
        "core_requires_last_day": "core_last_day",
        "core_requires_hours": "core_hours",
        "match_vesting_schedule": "match_vesting",
    }
)
"""Columns that follow from a parameter, by_formula resolved, and which one."""

RULE_TABLES: Final[Mapping[str, tuple[str, Sequence[str]]]] = MappingProxyType(
    {
        "age_bands": (
            "dim_age_band",
            ("age_band", "min_age", "max_age", "termination_mult_e5", "promotion_mult_e5"),
        ),
        "tenure_bands": (
            "dim_tenure_band",
            ("tenure_band", "min_years", "max_years", "termination_mult_e5", "promotion_mult_e5"),
        ),
        "levels": (
            "dim_job_level",
            (
                *("level", "level_name", "min_pay_cents", "max_pay_cents"),
                *("merit_rate_e5", "new_hire_percentile_e5"),
            ),
        ),
        "raise_months": ("dim_raise_month", ("month", "share_e6")),
        "hire_ages": ("dim_hire_age", ("age", "weight_e6")),
        "enrollment_age_bands": (
            "dim_enrollment_age_band",
            ("min_age", "max_age", "voluntary_chance_e5", "opt_out_chance_e5"),
        ),
        "enrollment_pay_bands": (
            "dim_enrollment_pay_band",
            ("min_pay_cents", "max_pay_cents", "voluntary_mult_e5", "opt_out_mult_e5"),
        ),
        "enrollment_deferrals": (
            "dim_enrollment_deferral",
            ("min_age", "min_pay_cents", "deferral_rate_e5"),
        ),
        "match_tiers": (
            "dim_match_tier",
            ("band_min", "band_max", "tier_from_e5", "tier_to_e5", "match_rate_e5"),
        ),
        "core_tiers": ("dim_core_tier", ("band_min", "band_max", "core_rate_e5")),
        "vesting_steps": ("dim_vesting_step", ("money_source", "service_years", "vested_e5")),
        "irs_limits": (
            "dim_irs_limit",
            (
                *("limit_year", "elective_cents", "catch_up_50_cents", "catch_up_60_63_cents"),
                *("compensation_cents", "hce_cents", "annual_additions_cents"),
                "ss_wage_base_cents",
            ),
        ),
    }
)
"""Tables of rules: the table of the database and the columns that are given, not derived."""


@frozen
class ParameterDifference:
    """A parameter with another value in B than in A.

    Attributes:
        name: as in the configuration.
        column: the column of ``dim_scenario``, whose end is its unit.
        a, b: its values.
        source_a, source_b: where they came from.
    """

    name: str
    column: str
    a: Any
    b: Any
    source_a: str
    source_b: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "parameter": self.name,
            "column": self.column,
            "a": self.a,
            "b": self.b,
            "source_a": self.source_a,
            "source_b": self.source_b,
        }


@frozen
class TableDifference:
    """A table of rules with other rows in B than in A.

    Attributes:
        name: as in the configuration.
        columns: its columns, whose ends are their units.
        only_a, only_b: the rows that one of them has alone.
        source_a, source_b: where the rows came from.
    """

    name: str
    columns: Sequence[str]
    only_a: Sequence[tuple[Any, ...]]
    only_b: Sequence[tuple[Any, ...]]
    source_a: str
    source_b: str

    def row_in_words(self, row: tuple[Any, ...]) -> str:
        """A row as ``column value, column value``."""
        return ", ".join(
            f"{column_name(column).replace('_', ' ')} {in_words(column, value)}"
            for column, value in zip(self.columns, row, strict=True)
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "table": self.name,
            "only_a": [dict(zip(self.columns, row, strict=True)) for row in self.only_a],
            "only_b": [dict(zip(self.columns, row, strict=True)) for row in self.only_b],
            "source_a": self.source_a,
            "source_b": self.source_b,
        }


def parameters_in_force(scenario: ScenarioInForce) -> list[tuple[str, str, Any, str]]:
    """Every parameter: its name, its column, its value, and where that came from."""
    return [
        (column_name(column), column, value, _source(scenario, column_name(column)))
        for column, value in scenario.values.items()
        if column not in NOT_RULES
    ]


def parameter_differences(a: ScenarioInForce, b: ScenarioInForce) -> list[ParameterDifference]:
    """The parameters that differ, in the order of ``dim_scenario``."""
    theirs = {column: (value, source) for _, column, value, source in parameters_in_force(b)}
    return [
        ParameterDifference(name, column, value, theirs[column][0], source, theirs[column][1])
        for name, column, value, source in parameters_in_force(a)
        if column in theirs and value != theirs[column][0]
    ]


def table_differences(
    result: ResultDatabase, a: ScenarioInForce, b: ScenarioInForce
) -> list[TableDifference]:
    """The tables of rules that differ.

    Sources alone make no difference; neither do limits that are estimated: they follow from the
    rows that are given and from parameters.
    """
    found = []
    for name, (table, columns) in RULE_TABLES.items():
        if table not in result.columns:
            continue
        result.require(table, columns)
        listed = ", ".join(columns)
        given = "not is_estimated" if "is_estimated" in result.columns[table] else "true"
        rows, sources = [], []
        for scenario in (a, b):
            read = result.query(
                f"select source, {listed} from main.{table} "  # noqa: S608  # constants
                f"where scenario_id = ? and replicate_id = ? and {given} order by {listed}",
                scenario.key,
            )
            rows.append([row[1:] for row in read])
            sources.append(", ".join(sorted({row[0] for row in read})) or "no rows")
        if rows[0] != rows[1]:
            only = [
                [row for row in mine if row not in set(other)] for mine, other in (rows, rows[::-1])
            ]
            found.append(TableDifference(name, columns, only[0], only[1], sources[0], sources[1]))
    return found


def _alone(a: list[_Row], b: list[_Row]) -> tuple[list[_Row], list[_Row]]:
    """The rows that one side has and the other has not."""
    in_a, in_b = set(a), set(b)
    return [row for row in a if row not in in_b], [row for row in b if row not in in_a]


def _source(scenario: ScenarioInForce, name: str) -> str:
    if name in RESOLVED:
        return f"follows from {RESOLVED[name]}"
    return scenario.sources.get(name, "unknown")
