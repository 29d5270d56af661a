"""The oracle of the plan against cases that were worked by hand: it may not be wrong by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from plan_oracle_rules import (
    MATCH_TIERS,
    VESTING,
    Terms,
    cut_to,
    days_in,
    entry_date,
    escalated,
    estimated_limit,
    forfeited,
    match_amount,
    paid_days,
    shares_by_pay,
    vested,
    vesting_service,
    worked,
)
from simulation_inputs import Level, Person, Scenario
from simulation_oracle import Oracle, Row

STILL = {
    "growth_rate": "0", "termination_rate": "0", "first_year_termination_rate": "0",
    "promotion_dial": "0", "cola_rate": "0",
}  # fmt: skip
# One level without merit: pay never changes
FLAT_PAY = [Level(1, Decimal(1), Decimal(10**7), Decimal(0), Decimal("0.5"))]
NEVER = [(0, 999, "0", "0")]
ALWAYS = [(0, 999, "1", "1")]
ONE_PAY_BAND = [(0, 10**12, "1", "1")]


def still(**changes: Any) -> Scenario:
    """Nobody comes, goes or gets a raise; nobody enrols of their own will."""
    parameters = STILL | changes.pop("parameters", {})
    quiet = Scenario(
        first_year=2025, census_date=date(2024, 12, 31), parameters=parameters, levels=FLAT_PAY,
        enrollment_age_bands=NEVER, enrollment_pay_bands=ONE_PAY_BAND,
        enrollment_deferrals=[(0, 0, "0.05")],
    )  # fmt: skip
    return replace(quiet, **changes)


def person(**changes: Any) -> Person:
    """Somebody of 40 years, 10 of them here, paid 100,000."""
    someone = Person("E1", date(1985, 6, 15), date(2015, 3, 1), 10_000_000)
    return replace(someone, **changes)


def snapshots(scenario: Scenario, someone: Person, *years: int) -> list[Row]:
    """The rows of the one person, year by year."""
    oracle = Oracle(scenario, [someone])
    return [
        row
        for year in years
        for row in oracle.run(year).tables["fct_workforce_snapshot"]
        if row["employee_id"] == someone.employee_id
    ]


def ledger(scenario: Scenario, someone: Person, *years: int) -> list[tuple]:
    """Type, date, reason, rates and amounts of the events of the one person."""
    oracle = Oracle(scenario, [someone])
    return [
        (e["event_type"], e["effective_date"], e["reason"], e["rate_before_e5"],
         e["rate_after_e5"], e["amount_before_cents"], e["amount_after_cents"])
        for year in years
        for e in oracle.run(year).tables["fct_yearly_events"]
        if e["employee_id"] == someone.employee_id and e["event_type"] != "raise"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "amounts"),
    [
        ("none", (0, 0, 0, 0)),
        ("simple", (1_000, 2_000, 3_000, 3_000)),
        ("tiered", (2_000, 3_500, 4_000, 4_000)),
        ("stretch", (500, 1_000, 1_500, 2_500)),
        ("qaca", (1_500, 2_500, 3_500, 3_500)),
    ],
)
def test_match_on_100_000_at_2_4_6_and_10_percent(formula: str, amounts: tuple) -> None:
    tiers = [tier[2:] for tier in MATCH_TIERS[formula]]
    found = [match_amount(c * 100_000, 10_000_000, tiers) for c in (2, 4, 6, 10)]
    assert found == [100 * amount for amount in amounts]


@pytest.mark.parametrize(
    ("year", "age", "limit"),
    [(2026, 49, 24_500), (2026, 50, 32_500), (2026, 60, 35_750), (2026, 63, 35_750),
     (2026, 64, 32_500), (2026, 59, 32_500), (2024, 61, 30_500)],
)  # fmt: skip
def test_elective_limit_and_catch_up(year: int, age: int, limit: int) -> None:
    limits = Terms(Scenario()).limits(year)
    assert limits.elective + limits.catch_up(age) == 100 * limit


def test_limits_after_the_last_published_year() -> None:
    limits = Terms(Scenario()).limits(2027)
    assert limits.estimated
    # 24,500 * .025 is 612.50, one step of 500; 160,000 * .025 is 4,000, no step of 5,000
    assert (limits.elective, limits.hce) == (2_500_000, 16_000_000)
    assert (limits.compensation, limits.annual_additions) == (36_500_000, 7_300_000)
    assert limits.ss_wage_base == 18_900_000
    assert not Terms(Scenario()).limits(2026).estimated
    # two years are not twice one: 100 * 1.1^2 is 121
    assert [estimated_limit(100, 7, Fraction(1, 10), k) for k in (1, 2)] == [107, 121]


@pytest.mark.parametrize(
    ("hired", "passes"),
    [(date(2025, 7, 9), True), (date(2025, 7, 10), False), (date(2024, 7, 9), True)],
)
def test_hours_of_the_year_of_hire(hired: date, passes: bool) -> None:
    days = paid_days(hired, None, hired.year)
    assert worked(Decimal(40), days, 1000, days_in(hired.year)) is passes


@pytest.mark.parametrize(
    ("since", "rates"),
    [(date(2025, 1, 1), [2_000, 3_000, 4_000]), (date(2025, 3, 1), [2_000, 2_000, 3_000])],
)
def test_first_escalation(since: date, rates: list[int]) -> None:
    scenario = still(first_year=2026, census_date=date(2025, 12, 31))
    someone = person(deferral_rate_e5=2_000, enrollment_date=since)
    found = [row["deferral_rate_e5"] for row in snapshots(scenario, someone, 2026, 2027)]
    assert [2_000, *found] == rates


def test_escalation_ends_at_the_cap_and_leaves_what_is_above() -> None:
    step, cap = Fraction(1, 100), Fraction(1, 10)
    found = [escalated(r, step, cap) for r in (0, 9_500, 10_000, 12_000)]
    assert found == [0, 10_000, 10_000, 12_000]
    unwilling = person(deferral_rate_e5=2_000, opt_out=True)
    assert snapshots(still(), unwilling, 2025)[0]["deferral_rate_e5"] == 2_000


def test_graded_vesting_and_forfeiture() -> None:
    graded = VESTING["graded_2_to_6"]
    assert forfeited(500_000, vested(graded, 4, 40, 65)) == 200_000
    assert forfeited(500_000, vested(graded, 4, 65, 65)) == 0
    assert [vested(graded, n, 40, 65) for n in (0, 1, 2, 6, 30)] == [0, 0, Fraction(1, 5), 1, 1]
    assert [vested(VESTING["cliff_3"], n, 40, 65) for n in (2, 3)] == [0, 1]
    assert vested(VESTING["immediate"], 0, 20, 65) == 1


def test_vesting_service_counts_calendar_years_of_enough_hours() -> None:
    # 2022: hired too late for 1,000 hours; 2025: left too early; 2023 and 2024 count
    assert vesting_service(date(2022, 7, 10), date(2025, 6, 1), Decimal(40), 1000, 2025) == 2
    assert vesting_service(date(2022, 7, 9), date(2025, 7, 10), Decimal(40), 1000, 2025) == 4
    assert vesting_service(date(2022, 1, 1), None, Decimal(19), 1000, 2025) == 0


def test_entry_date() -> None:
    assert entry_date(date(1985, 1, 1), date(2025, 3, 1), 0, 21) == date(2025, 3, 1)
    assert entry_date(date(1985, 1, 1), date(2025, 3, 1), 90, 21) == date(2025, 5, 30)
    assert entry_date(date(2004, 2, 29), date(2020, 3, 1), 0, 21) == date(2025, 2, 28)


def test_cuts_take_core_first_then_match_then_the_employee() -> None:
    assert cut_to(100, 10, 20, 60, 10) == (10, 20, 60)
    assert cut_to(95, 10, 20, 60, 10) == (5, 20, 60)
    assert cut_to(75, 10, 20, 60, 10) == (0, 5, 60)
    assert cut_to(40, 10, 20, 60, 10) == (0, 0, 30)


def test_a_pool_is_shared_to_the_cent() -> None:
    assert shares_by_pay(100, {"b": 1, "a": 1, "c": 1}) == {"a": 34, "b": 33, "c": 33}
    assert shares_by_pay(7, {"a": 3, "b": 4}) == {"a": 3, "b": 4}
    assert shares_by_pay(7, {}) == {}


def test_a_year_of_contributions_over_a_raise() -> None:
    levels = [Level(1, Decimal(56000), Decimal(80000), Decimal("0.035"), Decimal("0.3"))]
    raised = still(parameters={"cola_rate": "0.025"}, levels=levels, raise_months=[(4, Decimal(1))])
    someone = person(pay_cents=6_000_000, deferral_rate_e5=6_000, opt_out=True)
    (row,) = snapshots(raised, someone, 2025)
    # 90 days of 60,000 and 275 of 63,600; 6 % of 62,712.3288 is 3,762.7397; half is 1,881.37
    assert row["prorated_pay_cents"] == 6_271_233
    assert (row["contribution_cents"], row["match_cents"]) == (376_274, 188_137)


def test_limits_on_high_pay() -> None:
    scenario = still(parameters={"core_formula": "integrated", "core_rate": "0.08",
                                 "core_excess_rate": "0.05", "escalation_rate": "0"})  # fmt: skip
    someone = person(birth_date=date(1973, 1, 1), pay_cents=50_000_000, deferral_rate_e5=15_000)
    assert ledger(scenario, someone, 2025) == [
        # 75,000 deferred; 23,500 and 7,500 of catch-up allowed
        ("contribution", date(2025, 12, 31), "deferral", None, None, 7_500_000, 3_100_000),
        # half of 6 % of 350,000
        ("match", date(2025, 12, 31), "simple", None, None, 1_050_000, 1_050_000),
        # 8 % of 350,000 and 5 % of the part above 176,100: 36,695; 36,000 fit in 70,000
        ("core", date(2025, 12, 31), "integrated", None, None, 3_669_500, 3_600_000),
        ("limit_cut", date(2025, 12, 31), "elective", None, None, 7_500_000, 3_100_000),
        ("limit_cut", date(2025, 12, 31), "compensation", None, None, 50_000_000, 35_000_000),
        ("limit_cut", date(2025, 12, 31), "annual_additions_core", None, None, 3_669_500,
         3_600_000),
    ]  # fmt: skip
    (row,) = snapshots(scenario, someone, 2025)
    assert (row["catch_up_cents"], row["is_hce"]) == (750_000, True)


def test_core_formulas() -> None:
    def core(formula: str, **tables: Any) -> int:
        parameters = {"core_formula": formula, "core_rate": "0.02"}
        (row,) = snapshots(still(parameters=parameters, **tables), person(), 2025)
        return row["core_cents"]

    # 10 years of service and 40 of age on 31 December 2025; nobody need be enrolled
    bands = [(0, 50, "0.01"), (50, 51, "0.07"), (51, 999, "0.09")]
    found = [core("none"), core("flat"), core("service"), core("points", core_tiers=bands)]
    assert found == [0, 200_000, 300_000, 700_000]


def test_a_graded_match_has_tiers_by_band() -> None:
    tiers = [(0, 10, "0", "1", "0.1"), (10, 999, "0", "0.02", "1"), (10, 999, "0.02", "0.1", "0.5")]
    scenario = still(parameters={"match_formula": "tenure_graded"}, match_tiers=tiers)
    (row,) = snapshots(scenario, person(deferral_rate_e5=4_000, opt_out=True), 2025)
    assert row["match_cents"] == 300_000


def test_a_match_needs_the_last_day_and_the_hours_unless_it_is_a_safe_harbour() -> None:
    part_time = person(deferral_rate_e5=4_000, opt_out=True, scheduled_hours=Decimal(19))
    found = [
        snapshots(still(parameters={"match_formula": formula}), part_time, 2025)[0]["match_cents"]
        for formula in ("simple", "stretch", "tiered", "qaca")
    ]
    assert found == [0, 0, 350_000, 250_000]


def test_automatic_enrolment_and_an_opt_out_of_the_next_year() -> None:
    auto = {"auto_enrollment_scope": "all_eligible", "auto_enrollment_days": "365",
            "opt_out_window_days": "1"}  # fmt: skip
    certain = [(0, 999, "0", "1")]
    scenario = still(parameters=auto, enrollment_age_bands=certain)
    # 1 January 2025 + 365 days is 1 January 2026, and the only day to leave 2 January
    assert ledger(scenario, person(), 2025) == []
    year = [e[:5] for e in ledger(scenario, person(), 2025, 2026)]
    assert year == [
        ("enrollment", date(2026, 1, 1), "automatic", None, 2_000),
        ("opt_out", date(2026, 1, 2), "opt_out", 2_000, 0),
        ("contribution", date(2026, 12, 31), "deferral", None, None),
        ("match", date(2026, 12, 31), "simple", None, None),
    ]
    contribution = ledger(scenario, person(), 2025, 2026)[2]
    # one day of 2 % of 100,000: 5.48
    assert contribution[5:] == (548, 548)
    pending = replace(scenario, parameters=scenario.parameters | {"auto_enrollment_days": "364"})
    first, second = snapshots(pending, person(), 2025, 2026)
    assert (first["opt_out_date"], first["has_opted_out"]) == (date(2026, 1, 1), False)
    assert (second["opt_out_date"], second["has_opted_out"]) == (date(2026, 1, 1), True)
    assert (second["contribution_cents"], second["enrollment_date"]) == (0, date(2025, 12, 31))


def test_people_of_the_census_enrol_voluntarily_on_the_first_day() -> None:
    scenario = still(enrollment_age_bands=ALWAYS, enrollment_deferrals=[(0, 0, "0.2")])
    declined = person(deferral_rate_e5=0)
    found = [ledger(scenario, someone, 2025)[0][:5] for someone in (person(), declined)]
    # kept at 15 %
    assert found == [
        ("enrollment", date(2025, 1, 1), "voluntary", None, 15_000),
        ("enrollment", date(2025, 1, 1), "voluntary", 0, 15_000),
    ]
    young = person(birth_date=date(2004, 5, 1), hire_date=date(2023, 1, 1))
    assert [e[:2] for e in ledger(scenario, young, 2025)[:2]] == [
        ("eligibility", date(2025, 5, 1)),
        ("enrollment", date(2025, 5, 1)),
    ]


def test_enrolment_dates_of_the_census() -> None:
    def found(**changes: Any) -> tuple:
        (row,) = snapshots(still(), person(deferral_rate_e5=1_000, **changes), 2025)
        return row["enrollment_date"], row["plan_entry_date"]

    hired = date(2015, 3, 1)
    assert found() == (hired, hired)
    assert found(enrollment_date=date(2010, 1, 1)) == (hired, hired)
    assert found(enrollment_date=date(2026, 1, 1)) == (date(2024, 12, 31), hired)
    assert found(birth_date=date(2005, 1, 1)) == (date(2024, 12, 31), date(2024, 12, 31))


def test_declined_and_older_people_are_not_enrolled_automatically() -> None:
    everybody = {"auto_enrollment_scope": "all_eligible"}
    declined = person(deferral_rate_e5=0)
    assert ledger(still(parameters=everybody), declined, 2025) == []
    assert ledger(still(), person(), 2025) == []
    (event, *_) = ledger(still(parameters=everybody), person(), 2025)
    # 45 days after 1 January
    assert event[:3] == ("enrollment", date(2025, 2, 15), "automatic")


def test_forfeitures_pay_for_the_next_year() -> None:
    leaving = STILL | {"termination_rate": "1", "first_year_termination_rate": "0"}
    people = [
        person(employee_id=f"E{i}", hire_date=date(2023, 12, 1), deferral_rate_e5=10_000)
        for i in range(4)
    ]
    costs: dict[str, list[Row]] = {}
    for policy in ("reduce", "expenses", "reallocate"):
        parameters = leaving | {
            "forfeiture_policy": policy, "match_last_day": "none", "match_hours": "none",
            "match_vesting": "cliff_3", "escalation_rate": "0",
        }  # fmt: skip
        scenario = still(
            first_year=2025, parameters=parameters, enrollment_age_bands=[(0, 999, "1", "0")]
        )
        oracle = Oracle(scenario, people)
        costs[policy] = [oracle.run(y).tables["fct_plan_cost"][0] for y in (2025, 2026)]
    for first, _ in costs.values():
        assert first["match_cents"] >= first["forfeited_cents"] > 0
        assert (first["forfeitures_available_cents"], first["forfeitures_used_cents"]) == (0, 0)
        assert first["net_employer_cost_cents"] == first["employer_gross_cents"]
    pool = costs["reduce"][0]["forfeited_cents"]
    reduced, spent, given = (costs[p][1] for p in ("reduce", "expenses", "reallocate"))
    gross = reduced["employer_gross_cents"]
    assert {r["forfeitures_available_cents"] for r in (reduced, spent, given)} == {pool}
    assert reduced["net_employer_cost_cents"] == gross - min(pool, gross)
    assert spent["net_employer_cost_cents"] == spent["employer_gross_cents"]
    assert (spent["forfeitures_used_cents"], spent["forfeitures_carried_cents"]) == (pool, 0)
    assert given["reallocated_cents"] == given["forfeitures_used_cents"] == pool


def test_highly_compensated_by_the_pay_of_the_year_before() -> None:
    # 2024: 155,000; hired on 2 July 2024, 183 of 366 days
    found = [
        snapshots(still(), person(pay_cents=pay, hire_date=hired), 2025)[0]["is_hce"]
        for pay, hired in (
            (15_500_000, date(2015, 1, 1)),
            (15_500_001, date(2015, 1, 1)),
            (30_000_000, date(2024, 7, 2)),
            (31_000_002, date(2024, 7, 2)),
        )
    ]
    assert found == [False, True, False, True]
