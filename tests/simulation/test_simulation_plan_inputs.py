"""Plans that mean nothing are refused, with the table, the row and what was expected."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pytest
from simulation_inputs import Person, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_project import Simulation

ONE = Person("E1", date(1985, 1, 1), date(2015, 1, 1), 6_000_000)
D = Decimal
NO_END = D(10**12)
ALL_TIERS = [(0, 999, D(0), D("0.04"), D(1))]
AGES = [(0, 40, D("0.5"), D("0.1")), (40, 999, D("0.6"), D("0.1"))]
PAYS = [(D(0), D(50_000), D(1), D(1)), (D(50_000), NO_END, D(1), D(1))]
GRID = [(a, p, D("0.05")) for a in (0, 40) for p in (D(0), D(50_000))]
LIMITS = [
    (year, 23_000, 7_500, 7_500, 345_000, 155_000, 69_000, 168_600) for year in range(2020, 2026)
]


def plan(**changes: object) -> Scenario:
    """A scenario with these parameters, and these tables where the value is a list."""
    tables = {name: rows for name, rows in changes.items() if isinstance(rows, list)}
    words = {name: str(value) for name, value in changes.items() if name not in tables}
    return Scenario(parameters=words, **tables)  # type: ignore[arg-type]  # rows fit their tables


def pay_bands(band: tuple[Decimal, Decimal, Decimal, Decimal]) -> Scenario:
    """One band of pay, and the deferrals that go with it."""
    deferrals = [(age, band[0], D("0.05")) for age in (0, 31, 46, 56)]
    return plan(enrollment_pay_bands=[band], enrollment_deferrals=deferrals)


def graded(formula: str, *bands: tuple[int, int]) -> Scenario:
    """A graded match with one tier in each of the bands."""
    tiers = [(low, high, D(0), D("0.04"), D(1)) for low, high in bands]
    return plan(match_formula=formula, match_tiers=tiers)


def tiers(*bounds: tuple[str, str]) -> Scenario:
    """A custom match with these tiers."""
    rows = [(0, 999, D(low), D(high), D("0.5")) for low, high in bounds]
    return plan(match_formula="custom", match_tiers=rows)


def steps(*vested: tuple[int, str], **words: str) -> Scenario:
    """A custom vesting schedule of the match."""
    rows = [("match", years, D(share)) for years, share in vested]
    return plan(match_vesting="custom", vesting_steps=rows, **words)


def limits(*years: int, **words: str) -> Scenario:
    """Limits of these years alone."""
    return plan(irs_limits=[(year, *LIMITS[0][1:]) for year in years], **words)


PARAMETERS = [
    ("eligibility_waiting_days", "3651", "must be 0 to 3650"),
    ("eligibility_waiting_days", "1.5", "at most 0 decimals, got '1.5'"),
    ("eligibility_waiting_days", "9999999999999999999", "below 1e5"),
    ("eligibility_min_age", "-1", "must be 0 to 99"),
    ("eligibility_min_age", "99999", "must be 0 to 99"),
    ("voluntary_deferral_min", "-0.1", "voluntary_deferral_min must be 0 to 1"),
    ("voluntary_deferral_max", "0.001", "must not be below voluntary_deferral_min"),
    ("auto_enrollment_scope", "everyone", "none, new_hires_only or all_eligible, got everyone"),
    ("auto_enrollment_days", "366", "must be 0 to 365"),
    ("auto_enrollment_rate", "0", "must be above 0 and at most 1"),
    ("auto_enrollment_rate", "1e-2", "expected a number .* got '1e-2'"),
    ("auto_enrollment_rate", "99999999999999", "below 1e13"),
    ("opt_out_window_days", "0", "must be 1 to 90"),
    ("escalation_rate", "-0.01", "must be 0 to 1"),
    ("escalation_cap", "1.00001", "must be 0 to 1"),
    ("match_formula", "Simple", "tenure_graded or points_graded, got Simple"),
    ("match_formula", "'; drop table x; --", "got '; drop table x; --"),
    ("match_last_day", "yes", "must be by_formula, required or none, got yes"),
    ("match_hours", "true", "must be by_formula, required or none, got true"),
    ("match_min_hours", "8785", "must be 0 to 8784"),
    ("match_vesting", "cliff_4", "graded_2_to_6 or custom, got cliff_4"),
    ("core_formula", "tiered", "points or integrated, got tiered"),
    ("core_last_day", "by_formula", "must be required or none, got by_formula"),
    ("core_hours", "", "must be required or none, got "),
    ("core_vesting", "by_formula", "graded_2_to_6 or custom, got by_formula"),
    ("core_rate", "2", "must be 0 to 1"),
    ("core_excess_rate", "2", "must be 0 to 1"),
    ("vesting_min_hours", "-1", "must be 0 to 8784"),
    ("vesting_full_age", "1000", "must be 0 to 999"),
    ("governmental", "yes", "expected true or false, got 'yes'"),
    ("governmental", "True", "expected true or false, got 'True'"),
    ("forfeiture_policy", "keep", "reduce, expenses or reallocate, got keep"),
    ("limit_index_rate", "-0.01", "must be 0 to 1"),
    ("limit_index_rate", "9999999999999", "must be 0 to 1"),
    ("limit_step_elective", "0", "limit_step_elective must be 1 to 1,000,000 in whole"),
    ("limit_step_hce", "0.50", "limit_step_hce must be 1 to 1,000,000 in whole"),
    ("limit_step_compensation", "1000001", "must be 1 to 1,000,000 in whole"),
]
TABLES = [
    # enrolment
    (
        plan(enrollment_age_bands=[(0, 30, D(0), D(0)), *AGES[1:]], enrollment_deferrals=GRID),
        "enrollment_age_bands: band 40 to 999: expected it to begin at 30, with no gap or overlap",
    ),
    (
        plan(enrollment_age_bands=[(0, 119, D(0), D(0))]),
        "enrollment_age_bands: band 0 to 119: expected it to end at 120 or later",
    ),
    (
        plan(enrollment_age_bands=[(0, 999, D("1.1"), D(0))]),
        "enrollment_age_bands: band 0 to 999: voluntary_chance must be 0 to 1",
    ),
    (
        pay_bands((D(1), NO_END, D(1), D(1))),
        "enrollment_pay_bands: band 1.00 to 1000000000000.00: expected it to begin at 0.00",
    ),
    (
        pay_bands((D(0), D("99.99"), D(1), D(1))),
        "enrollment_pay_bands: band 0.00 to 99.99: expected it to end at 1000000000000.00",
    ),
    (
        pay_bands((D(0), NO_END, D(1), D(-1))),
        "enrollment_pay_bands: band 0.00 to .*: opt_out_mult must be 0 to 9999",
    ),
    (
        plan(enrollment_age_bands=AGES),
        "enrollment_deferrals: expected one row for min_age 31, min_pay 0.00 only if a band",
    ),
    (
        plan(enrollment_deferrals=GRID, enrollment_age_bands=AGES),
        "min_age 0, min_pay 100000.00, a band of age and one of pay, and there is none",
    ),
    (
        plan(
            enrollment_deferrals=[*GRID, GRID[1]],
            enrollment_age_bands=AGES,
            enrollment_pay_bands=PAYS,
        ),
        "expected one row for min_age 0, min_pay 50000.00, got 2",
    ),
    (
        plan(
            enrollment_deferrals=[*GRID[:3], (*GRID[3][:2], D("1.5"))],
            enrollment_age_bands=AGES,
            enrollment_pay_bands=PAYS,
        ),
        "enrollment_deferrals: min_age 40, min_pay 50000.00: deferral_rate must be 0 to 1",
    ),
    # match
    (plan(match_formula="custom"), "match_tiers: match_formula custom needs rows, and there are"),
    (plan(match_formula="points_graded"), "match_formula points_graded needs rows"),
    (
        plan(match_tiers=ALL_TIERS),
        "match_tiers: expected no rows, as match_formula simple has its own, got 1",
    ),
    (
        plan(match_formula="none", match_tiers=ALL_TIERS),
        "match_tiers: expected no rows, as match_formula none has its own",
    ),
    (graded("custom", (0, 5), (5, 999)), "match_formula custom takes one band, 0 to 999, got 2"),
    (graded("tenure_graded", (1, 999)), "band 1 to 999: expected it to begin at 0,"),
    (
        graded("tenure_graded", (0, 5), (6, 999)),
        "match_tiers: band 6 to 999: expected it to begin at 5, with no gap or overlap",
    ),
    (graded("tenure_graded", (0, 5), (4, 999)), "band 4 to 999: expected it to begin at 5"),
    (graded("points_graded", (0, 5), (0, 999)), "band 0 to 999: expected it to begin at 5"),
    (graded("points_graded", (0, 200)), "band 0 to 200: expected it to end at 999"),
    (graded("points_graded", (0, 0)), "band 0 to 0: expected it to end above its beginning"),
    (
        tiers(("0", "0.03"), ("0.04", "0.05")),
        "band 0 to 999, tier 0.04000 to 0.05000: expected it to begin at 0.03000",
    ),
    (tiers(("0", "0.03"), ("0.02", "0.05")), "tier 0.02000 to 0.05000: expected it to begin"),
    (tiers(("0.01", "0.03")), "tier 0.01000 to 0.03000: expected it to begin at 0.00000"),
    (tiers(("0", "1.00001")), "tier 0.00000 to 1.00001: expected it to end at 1 at most"),
    (tiers(("0", "0.03"), ("0.03", "0.03")), "tier 0.03000 to 0.03000: expected it to end above"),
    (
        plan(match_formula="custom", match_tiers=[(0, 999, D(0), D(1), D("10.1"))]),
        "match_tiers: band 0 to 999, tier from 0.00000: match_rate must be 0 to 10",
    ),
    # core
    (plan(core_formula="points"), "core_tiers: core_formula points needs rows"),
    (
        plan(core_formula="flat", core_tiers=[(0, 999, D("0.01"))]),
        "core_tiers: expected no rows, as core_formula flat takes none, got 1",
    ),
    (
        plan(core_formula="points", core_tiers=[(0, 40, D("0.01")), (50, 999, D("0.02"))]),
        "core_tiers: band 50 to 999: expected it to begin at 40",
    ),
    (
        plan(core_formula="service", core_tiers=[(0, 999, D("1.01"))]),
        "core_tiers: band 0 to 999: core_rate must be 0 to 1",
    ),
    (
        plan(core_formula="integrated", core_rate="0.03", core_excess_rate="0.031"),
        "core_excess_rate of integrated must not exceed core_rate, nor 0.057",
    ),
    (
        plan(core_formula="integrated", core_rate="0.10", core_excess_rate="0.0571"),
        "core_excess_rate of integrated must not exceed core_rate, nor 0.057",
    ),
    # vesting
    (plan(match_vesting="custom"), "vesting_steps: match_vesting custom needs rows of money_sour"),
    (
        plan(vesting_steps=[("core", 0, D(1))]),
        "no rows of money_source core, as core_vesting is graded_2_to_6 and not custom, got 1",
    ),
    (
        plan(match_vesting="custom", vesting_steps=[("match", 1, D(1)), ("bonus", 0, D(1))]),
        "vesting_steps: money_source must be match or core, got 'bonus'",
    ),
    (
        steps((1, "0.9"), governmental="true"),
        "match, step at 1: expected the last step to be vested 1, got 0.90000",
    ),
    (steps((0, "0.5"), (1, "0.4"), (2, "1")), "step at 1: expected at least 0.50000, the step be"),
    (steps((0, "0.5"), (0, "1")), "match, step at 0: expected each number of years once"),
    (steps((100, "1"), governmental="true"), "step to 1.00000: service_years must be 0 to 99"),
    (steps((4, "1")), "after 3 years less than cliff_3 and after 2 years less than graded_2_to_6"),
    (
        steps((2, "0.2"), (3, "0.4"), (4, "0.5"), (5, "1")),
        "after 3 years less than cliff_3 and after 4 years less than graded_2_to_6",
    ),
    (
        plan(core_vesting="custom", core_formula="flat", vesting_steps=[("core", 7, D(1))]),
        "vesting_steps: core is vested later than the law allows",
    ),
    # limits
    (limits(2022, 2024), "irs_limits: the year 2023 is missing, between 2022 and 2024"),
    (limits(2022, 2023, 2023), "irs_limits: expected the year 2023 once"),
    (limits(2023), "the table begins with 2023; the first simulation year 2023 needs 2022 too"),
    (limits(*range(1899, 2023)), "irs_limits: year 1899: expected a year of 1900 to 2300"),
    (limits(-(2**31)), "irs_limits: year -2147483648: expected a year of 1900 to 2300"),
    (
        plan(irs_limits=[(2022, 20_500, *[10**9] * 6)]),
        "irs_limits: year 2022: .* limits of 0 to 500,000,000 in whole currency units",
    ),
    (
        plan(irs_limits=[(2022, *[10**15] * 7)]),
        "irs_limits: year 2022: .* limits of 0 to 500,000,000 in whole currency units",
    ),
    (
        plan(irs_limits=[(2022, D("20500.50"), *[10_000] * 6)]),
        "irs_limits: year 2022: .* in whole currency units",
    ),
    (
        replace(Scenario(), first_year=2018, census_date=date(2017, 12, 31)),
        "the table begins with 2018; the first simulation year 2018 needs 2017 too",
    ),
    # draws
    (Scenario(draws="../base"), r"draws must be 1 to 64 of a-z, 0-9, _ and -, .* got '../base'"),
]
PEOPLE = [
    (replace(ONE, deferral_rate_e5=-1), "'E1' must have a deferral rate of 0 to 1, if any"),
    (replace(ONE, deferral_rate_e5=100_001), "'E1' must have a deferral rate of 0 to 1"),
    (replace(ONE, scheduled_hours=D(-1)), "'E1' must have .* 0 to 168 hours a week"),
    (replace(ONE, scheduled_hours=D("168.01")), "'E1' must have .* 0 to 168 hours a week"),
]


@pytest.mark.parametrize(
    ("person", "scenario", "message"),
    [
        *((ONE, plan(**{name: value}), text) for name, value, text in PARAMETERS),
        *((ONE, scenario, text) for scenario, text in TABLES),
        *((person, Scenario(), text) for person, text in PEOPLE),
    ],
)
def test_a_plan_without_meaning_is_refused(
    simulate: Callable[..., Simulation], person: Person, scenario: Scenario, message: str
) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=message):
        simulate([person], [scenario], years=())


def test_the_message_names_the_scenario_among_others(simulate: Callable[..., Simulation]) -> None:
    bad = replace(limits(2022, 2024), scenario_id="broken")
    message = "scenario broken, replicate 1: irs_limits: the year 2023 is missing"
    with pytest.raises(duckdb.InvalidInputException, match=message):
        simulate([ONE], [Scenario(), bad], years=())


GOOD = [
    plan(match_formula="custom", match_tiers=ALL_TIERS),
    tiers(("0", "0.03"), ("0.03", "1")),
    graded("tenure_graded", (0, 5), (5, 999)),
    graded("points_graded", (0, 50), (50, 80), (80, 999)),
    plan(core_formula="service", core_tiers=[(0, 10, D(0)), (10, 999, D(1))]),
    plan(core_formula="integrated", core_rate="0.10", core_excess_rate="0.057"),
    plan(core_formula="flat", core_excess_rate="0.9"),  # it is integrated's alone
    steps((0, "1")),
    steps((3, "1")),
    steps((2, "0.2"), (3, "0.4"), (4, "0.6"), (5, "0.8"), (6, "1")),
    steps((1, "0.5"), (3, "1")),
    steps((9, "1"), governmental="true"),
    limits(2022),
    limits(2020, 2021, 2022, 2023),
    plan(irs_limits=[(2022, *[0] * 7)]),
    plan(
        enrollment_age_bands=AGES[::-1],
        enrollment_pay_bands=PAYS[::-1],
        enrollment_deferrals=GRID[::-1],
    ),
    plan(limit_step_elective="1", limit_index_rate="1"),
    plan(limit_index_rate="0"),
    Scenario(draws="another"),
    replace(Scenario(), first_year=2019, census_date=date(2018, 6, 30)),
]


def test_plans_with_a_meaning_pass_together(simulate: Callable[..., Simulation]) -> None:
    scenarios = [replace(s, scenario_id=f"s{i}") for i, s in enumerate(GOOD)]
    simulation = simulate([ONE], scenarios, years=())
    assert simulation.rows("from plan_problems") == []
    assert simulation.rows("select count(*) from check_foundation where outcome = 'passed'") == [
        (len(GOOD),)
    ]
