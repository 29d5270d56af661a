"""Parameters and tables of rules in force in one scenario, and the person that they meet."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from attrs import define

from planwise.analysis.figures import money, percent
from planwise.analysis.result_database import ResultDatabase, ScenarioInForce

_TABLES: Final = {
    "dim_job_level": ("level", "level_name", "merit_rate_e5"),
    "dim_irs_limit": (
        *("limit_year", "elective_cents", "catch_up_50_cents", "catch_up_60_63_cents"),
        *("compensation_cents", "annual_additions_cents", "ss_wage_base_cents", "is_estimated"),
    ),
    "dim_match_tier": ("band_min", "band_max", "tier_from_e5", "tier_to_e5", "match_rate_e5"),
    "dim_core_tier": ("band_min", "band_max", "core_rate_e5"),
    "dim_enrollment_age_band": ("min_age", "max_age", "voluntary_chance_e5", "opt_out_chance_e5"),
    "dim_enrollment_pay_band": (
        *("min_pay_cents", "max_pay_cents", "voluntary_mult_e5", "opt_out_mult_e5"),
    ),
}


_CATCH_UP_AGE: Final = 50
_HIGHER_AGES: Final = range(60, 64)


@define
class Situation:
    """What the rules of a person's year depend on.

    Attributes:
        snapshot: the person on 31 December.
        birth_date, hire_date: the person's.
        hours_per_week: scheduled.
        deferring_from, deferring_until: the first and the last day of the deferral of the year.
        pay_cents: the annual pay rate in force; None before the hire.
        rate_e5: the deferral of the year.
    """

    snapshot: Mapping[str, Any]
    birth_date: datetime.date
    hire_date: datetime.date
    hours_per_week: Decimal
    deferring_from: datetime.date
    deferring_until: datetime.date
    pay_cents: int | None
    rate_e5: int

    @property
    def year(self) -> int:
        """The simulation year."""
        return int(self.snapshot["simulation_year"])


class RuleTables:
    """What a scenario says, looked up for one person and year.

    Args:
        result: the database.
        scenario: the scenario.

    Attributes:
        values: its parameters, by column of ``dim_scenario``.
        rows: the rows of its tables of rules, by table.
        targets: the headcount that each year is to end with.

    Raises:
        WarehouseError: the result lacks a table of rules.
    """

    def __init__(self, result: ResultDatabase, scenario: ScenarioInForce) -> None:
        self.values = scenario.values
        self.rows: dict[str, list[dict[str, Any]]] = {}
        for table, columns in _TABLES.items():
            result.require(table, columns)
            self.rows[table] = result.records(
                f"select {', '.join(columns)} from main.{table} "  # noqa: S608  # constants
                f"where scenario_id = ? and replicate_id = ? order by {', '.join(columns)}",
                scenario.key,
            )
        result.require("fct_headcount", ("target",))
        self.targets: dict[int, int] = dict(
            result.query(
                "select simulation_year, target from main.fct_headcount "
                "where scenario_id = ? and replicate_id = ?",
                scenario.key,
            )
        )

    def rate(self, parameter: str) -> str:
        """A parameter that is a rate, in words."""
        return percent(self.values[f"{parameter}_e5"])

    def money(self, parameter: str) -> str:
        """A parameter that is an amount, in words."""
        return money(self.values[f"{parameter}_cents"])

    def band(self, table: str, low: str, high: str, value: int) -> Mapping[str, Any]:
        """The row of a table whose band holds a value; empty if none does."""
        return next((row for row in self.rows[table] if row[low] <= value < row[high]), {})

    def limits(self, situation: Situation) -> Mapping[str, Any]:
        """The limits of the year."""
        return next(
            row for row in self.rows["dim_irs_limit"] if row["limit_year"] == situation.year
        )

    def plan_pay(self, situation: Situation) -> int:
        """Pay of the year up to the compensation limit, in cents."""
        pay = int(situation.snapshot["prorated_pay_cents"])
        return min(pay, int(self.limits(situation)["compensation_cents"]))

    def room(self, situation: Situation) -> int:
        """What annual additions may come to, in cents: the limit, or the pay if that is less."""
        pay = int(situation.snapshot["prorated_pay_cents"])
        return min(pay, int(self.limits(situation)["annual_additions_cents"]))

    def catch_up(self, situation: Situation) -> int:
        """What may be deferred above the elective limit at the age of 31 December, in cents."""
        age = situation.snapshot["age_years"]
        if age < _CATCH_UP_AGE:
            return 0
        column = "catch_up_60_63_cents" if age in _HIGHER_AGES else "catch_up_50_cents"
        return int(self.limits(situation)[column])

    def failed_condition(self, source: str, situation: Situation) -> str | None:
        """Why match or core was not given, in words; None if its conditions hold."""
        left = situation.snapshot["termination_date"]
        if self.values[f"{source}_requires_last_day"] and left:
            return f"needs employment on 31 December, left on {left}"
        year = situation.year
        first = max(situation.hire_date, datetime.date(year, 1, 1))
        days = ((left or datetime.date(year, 12, 31)) - first).days + 1
        year_days = (datetime.date(year + 1, 1, 1) - datetime.date(year, 1, 1)).days
        least = self.values[f"{source}_min_hours"]
        hours = situation.hours_per_week * 52 * days
        if self.values[f"{source}_requires_hours"] and hours < least * year_days:
            return f"needs {least:,} hours of service, had {int(hours / year_days):,}"
        return None


def completed_years(start: datetime.date, end: datetime.date) -> int:
    """Completed years between two dates; 29 February has its day on the 28th in common years."""
    years = end.year - start.year
    return years if end >= anniversary(start, years) else years - 1


def anniversary(start: datetime.date, years: int) -> datetime.date:
    """The same day so many years later; 28 February for 29 February in a common year."""
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        return datetime.date(start.year + years, 2, 28)
