"""The retirement plan's default tables and formulas in plain Python: exact fractions.

Written from the rules, not from the queries, so that the two can disagree. Money is in cents, rates
are fractions; a table's row is a tuple in the order of its columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from simulation_rules import anniversary, largest_remainder, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation_inputs import Scenario

DEFAULTS = {
    "eligibility_waiting_days": "0", "eligibility_min_age": "21",
    "voluntary_deferral_min": "0.01", "voluntary_deferral_max": "0.15",
    "auto_enrollment_scope": "new_hires_only", "auto_enrollment_days": "45",
    "auto_enrollment_rate": "0.02", "opt_out_window_days": "30",
    "escalation_rate": "0.01", "escalation_cap": "0.10",
    "match_formula": "simple", "match_last_day": "by_formula", "match_hours": "by_formula",
    "match_min_hours": "1000", "match_vesting": "by_formula",
    "core_formula": "none", "core_rate": "0.01", "core_excess_rate": "0.01",
    "core_last_day": "required", "core_hours": "required", "core_min_hours": "1000",
    "core_vesting": "graded_2_to_6", "vesting_min_hours": "1000", "vesting_full_age": "65",
    "forfeiture_policy": "reduce", "limit_index_rate": "0.025",
    "limit_step_elective": "500", "limit_step_catch_up_50": "500",
    "limit_step_catch_up_60_63": "500", "limit_step_compensation": "5000",
    "limit_step_hce": "5000", "limit_step_annual_additions": "1000",
    "limit_step_ss_wage_base": "300",
}  # fmt: skip
# min_age, max_age, chance of a voluntary enrolment, chance of an opt-out
AGE_BANDS = [
    (0, 31, "0.30", "0.10"), (31, 46, "0.55", "0.07"),
    (46, 56, "0.70", "0.05"), (56, 999, "0.80", "0.03"),
]  # fmt: skip
# min_pay, max_pay, multipliers of the two chances
PAY_BANDS = [
    (0, 50_000, "0.70", "1.20"), (50_000, 100_000, "1.00", "1.00"),
    (100_000, 200_000, "1.15", "0.70"), (200_000, 10**12, "1.25", "0.50"),
]  # fmt: skip
# min_age, min_pay, deferral
DEFERRALS = [
    (age, pay, f"0.{percent:02d}")
    for age, row in zip(
        (0, 31, 46, 56), ((3, 3, 4, 6), (4, 6, 8, 10), (5, 8, 10, 12), (6, 10, 12, 15)), strict=True
    )
    for pay, percent in zip((0, 50_000, 100_000, 200_000), row, strict=True)
]
# band_min, band_max, tier_from, tier_to, rate of the match
MATCH_TIERS: dict[str, list[tuple[Any, ...]]] = {
    "none": [],
    "simple": [(0, 999, "0", "0.06", "0.5")],
    "tiered": [(0, 999, "0", "0.03", "1"), (0, 999, "0.03", "0.05", "0.5")],
    "stretch": [(0, 999, "0", "0.12", "0.25")],
    "qaca": [(0, 999, "0", "0.01", "1"), (0, 999, "0.01", "0.06", "0.5")],
}
# band_min, band_max, rate
SERVICE_TIERS = [(0, 3, "0.01"), (3, 6, "0.02"), (6, 999, "0.03")]
# years of service, vested
VESTING = {
    "immediate": [(0, "1")],
    "cliff_1": [(1, "1")],
    "cliff_2": [(2, "1")],
    "cliff_3": [(3, "1")],
    "graded_2_to_6": [(2, "0.2"), (3, "0.4"), (4, "0.6"), (5, "0.8"), (6, "1")],
}
LIMIT_NAMES = (
    "elective", "catch_up_50", "catch_up_60_63", "compensation", "hce", "annual_additions",
    "ss_wage_base",
)  # fmt: skip
IRS_LIMITS = [
    (2018, 18500, 6000, 6000, 275000, 120000, 55000, 128400),
    (2019, 19000, 6000, 6000, 280000, 125000, 56000, 132900),
    (2020, 19500, 6500, 6500, 285000, 130000, 57000, 137700),
    (2021, 19500, 6500, 6500, 290000, 130000, 58000, 142800),
    (2022, 20500, 6500, 6500, 305000, 135000, 61000, 147000),
    (2023, 22500, 7500, 7500, 330000, 150000, 66000, 160200),
    (2024, 23000, 7500, 7500, 345000, 155000, 69000, 168600),
    (2025, 23500, 7500, 11250, 350000, 160000, 70000, 176100),
    (2026, 24500, 8000, 11250, 360000, 160000, 72000, 184500),
]


@dataclass(frozen=True)
class Limits:
    """The limits of a year, in cents."""

    elective: int
    catch_up_50: int
    catch_up_60_63: int
    compensation: int
    hce: int
    annual_additions: int
    ss_wage_base: int
    estimated: bool

    def catch_up(self, age: int) -> int:
        """What somebody of that age at the end of the year may add to the elective limit."""
        if 60 <= age <= 63:
            return self.catch_up_60_63
        return self.catch_up_50 if age >= 50 else 0


class Terms:
    """The plan as a scenario has it: its own values and tables, else the defaults."""

    def __init__(self, scenario: Scenario) -> None:
        self.values = DEFAULTS | dict(scenario.parameters)
        self.first_day = date(scenario.first_year, 1, 1)
        self.age_bands = list(scenario.enrollment_age_bands) or AGE_BANDS
        self.pay_bands = list(scenario.enrollment_pay_bands) or PAY_BANDS
        self.deferrals = {
            (age, Fraction(pay)): Fraction(rate)
            for age, pay, rate in (list(scenario.enrollment_deferrals) or DEFERRALS)
        }
        self.limit_rows = {row[0]: row[1:] for row in (list(scenario.irs_limits) or IRS_LIMITS)}
        self.match = self.word("match_formula")
        self.core = self.word("core_formula")
        safe_harbor = self.match in {"tiered", "qaca"}
        self.needs_last_day = {
            "match": self.settled("match_last_day", "none" if safe_harbor else "required")
            == "required",
            "core": self.word("core_last_day") == "required",
        }
        self.needs_hours = {
            "match": self.settled("match_hours", "none" if safe_harbor else "required")
            == "required",
            "core": self.word("core_hours") == "required",
        }
        usual = {"tiered": "immediate", "qaca": "cliff_2"}.get(self.match, "graded_2_to_6")
        schedules = {
            "match": self.settled("match_vesting", usual),
            "core": self.word("core_vesting"),
        }
        own = {
            source: [step[1:] for step in scenario.vesting_steps if step[0] == source]
            for source in schedules
        }
        self.vesting = {
            source: own[source] if schedule == "custom" else VESTING[schedule]
            for source, schedule in schedules.items()
        }
        self.match_tiers = list(scenario.match_tiers) or MATCH_TIERS[self.match]
        self.core_tiers = list(scenario.core_tiers) or SERVICE_TIERS

    def word(self, name: str) -> str:
        """A parameter that is a word."""
        return self.values[name]

    def number(self, name: str) -> Fraction:
        """A parameter that is a number."""
        return Fraction(self.values[name])

    def whole(self, name: str) -> int:
        """A parameter that is a whole number."""
        return int(self.values[name])

    def settled(self, name: str, usual: str) -> str:
        """A parameter that says `by_formula` unless the scenario says more."""
        return usual if self.values[name] == "by_formula" else self.values[name]

    def limits(self, year: int) -> Limits:
        """The year's row, or what the last one grows to by then."""
        last = max(self.limit_rows)
        if year <= last:
            return Limits(*(100 * int(value) for value in self.limit_rows[year]), estimated=False)
        rate = self.number("limit_index_rate")
        grown = [
            estimated_limit(int(value), self.whole(f"limit_step_{name}"), rate, year - last)
            for name, value in zip(LIMIT_NAMES, self.limit_rows[last], strict=True)
        ]
        return Limits(*(100 * value for value in grown), estimated=True)

    def match_of(self, contributions: int, pay: int, tenure: int, points: int) -> int:
        """The match by its formula, before conditions."""
        by = points if self.match == "points_graded" else tenure
        tiers = [t[2:] for t in self.match_tiers if self.single_band(t) or t[0] <= by < t[1]]
        return match_amount(contributions, pay, tiers)

    def single_band(self, tier: Sequence[Any]) -> bool:
        """Formulas that are not graded have one band, whatever the person."""
        assert self.match in {"tenure_graded", "points_graded"} or tuple(tier[:2]) == (0, 999)
        return self.match not in {"tenure_graded", "points_graded"}

    def core_of(self, pay: int, wage_base: int, tenure: int, points: int) -> int:
        """The core contribution by its formula, before conditions."""
        rate = self.number("core_rate")
        if self.core == "none":
            return 0
        if self.core == "flat":
            return rounded(rate * pay)
        if self.core == "integrated":
            excess = self.number("core_excess_rate") * max(0, pay - wage_base)
            return rounded(rate * pay + excess)
        by = points if self.core == "points" else tenure
        (rate,) = (Fraction(t[2]) for t in self.core_tiers if t[0] <= by < t[1])
        return rounded(rate * pay)

    def conditions_met(self, source: str, *, stayed: bool, weekly: Any, days: int, of: int) -> bool:
        """Whether the last-day and hours conditions of match or core hold."""
        hours = self.number(f"{source}_min_hours")
        return (stayed or not self.needs_last_day[source]) and (
            not self.needs_hours[source] or worked(weekly, days, hours, of)
        )


def estimated_limit(last: int, step: int, rate: Fraction, years: int) -> int:
    """The limit that many years after the last published, in whole currency units."""
    return last + step * math.floor(last * ((1 + rate) ** years - 1) / step)


def match_amount(contributions: int, pay: int, tiers: Sequence[Sequence[Any]]) -> int:
    """The match on a year's contributions and pay; a tier is (from, to, rate)."""
    total = Fraction(0)
    for low, high, rate in tiers:
        reached = min(Fraction(contributions), Fraction(high) * pay)
        total += Fraction(rate) * (reached - min(Fraction(contributions), Fraction(low) * pay))
    return rounded(total)


def worked(weekly: Any, days: int, hours: Fraction | int, days_of_year: int) -> bool:
    """Whether the hours of the days employed reach the hours of a full year's condition."""
    return Fraction(weekly) * 52 * days >= hours * days_of_year


def paid_days(hired: date, left: date | None, year: int) -> int:
    """Days of the year from hire to termination, both included."""
    start, end = max(hired, date(year, 1, 1)), min(left or date.max, date(year, 12, 31))
    return max(0, (end - start).days + 1)


def days_in(year: int) -> int:
    """365 or 366."""
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


def vesting_service(
    hired: date, left: date | None, weekly: Any, hours: Fraction | int, year: int
) -> int:
    """Calendar years from that of the hire on in which the hours were worked."""
    return sum(
        worked(weekly, paid_days(hired, left, y), hours, days_in(y))
        for y in range(hired.year, year + 1)
    )


def vested(steps: Sequence[Sequence[Any]], service: int, age: int, full_age: int) -> Fraction:
    """The vested share after that many years of service, at that age."""
    if age >= full_age:
        return Fraction(1)
    reached = [Fraction(share) for years, share in sorted(steps) if years <= service]
    return reached[-1] if reached else Fraction(0)


def forfeited(credited: int, share: Fraction) -> int:
    """What a leaver leaves behind of employer money."""
    return rounded(credited * (1 - share))


def escalated(rate: int, step: Fraction, cap: Fraction) -> int:
    """The deferral (1e-5) after an automatic escalation; above the cap it stays."""
    if not 0 < Fraction(rate, 10**5) < cap:
        return rate
    return int(min(cap, Fraction(rate, 10**5) + step) * 10**5)


def escalation_due(since: date, year: int) -> bool:
    """Enrolled on or before 1 January of the year before."""
    return since <= date(year - 1, 1, 1)


def entry_date(birth: date, hired: date, waiting_days: int, min_age: int) -> date:
    """The later of the end of the waiting period and the birthday."""
    waited = date.fromordinal(hired.toordinal() + waiting_days)
    return max(waited, anniversary(birth, birth.year + min_age))


def cut_to(room: int, core: int, match: int, employee: int, rest: int) -> tuple[int, int, int]:
    """Core, match and employee money after the limit of annual additions, cut in this order."""
    excess = max(0, core + match + employee + rest - room)
    after = []
    for amount in (core, match, employee):
        cut = min(amount, excess)
        excess -= cut
        after.append(amount - cut)
    return after[0], after[1], after[2]


def shares_by_pay(pool: int, pay: dict[str, int]) -> dict[str, int]:
    """A pool in whole cents by pay, the largest remainders first, ties to the smaller id."""
    people = sorted(pay)
    if not people:
        return {}
    return dict(zip(people, largest_remainder(pool, [pay[i] for i in people]), strict=True))
