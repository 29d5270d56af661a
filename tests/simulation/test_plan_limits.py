"""Limits by law, worked by hand: elective and catch-up, compensation, estimated years, HCE."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from plan_cases import cell, money_events, person, rows_by, still
from simulation_project import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_project import Compiled

LIMITS = (
    "elective", "catch_up_50", "catch_up_60_63", "compensation", "hce", "annual_additions",
    "ss_wage_base",
)  # fmt: skip


def born_for(age: int, year: int, *, first: bool) -> date:
    """The first or last birth date of who is ``age`` on 31 December of ``year``."""
    return date(year - age, 1, 1) if first else date(year - age, 12, 31)


@pytest.mark.parametrize(
    ("year", "limits"),
    [
        # 22,500 and 7,500 from 50 on
        (2023, {49: 22_500, 50: 30_000, 59: 30_000, 60: 30_000, 63: 30_000, 64: 30_000}),
        # 23,000 and 7,500
        (2024, {49: 23_000, 50: 30_500, 61: 30_500, 64: 30_500}),
        # 23,500 and 7,500, from 60 to 63 11,250
        (2025, {49: 23_500, 50: 31_000, 59: 31_000, 60: 34_750, 63: 34_750, 64: 31_000}),
        # 24,500 and 8,000, from 60 to 63 11,250
        (2026, {49: 24_500, 50: 32_500, 59: 32_500, 60: 35_750, 63: 35_750, 64: 32_500}),
    ],
)
def test_elective_limit_by_age(later: Compiled, year: int, limits: dict[int, int]) -> None:
    """The seventh of the worked cases, with the ages around it; the age of 31 December counts."""
    people = [
        person(
            f"{age}{'first' if first else 'last'}", birth_date=born_for(age, year, first=first),
            deferral_rate_e5=80_000,
        )
        for age in limits
        for first in (True, False)
    ]  # fmt: skip
    simulation = Simulation(later, people, [still(year=year)]).foundation().year(year)
    found = rows_by(simulation, "contribution_cents // 100, catch_up_cents // 100", year)
    assert found == {
        f"{age}{end}": (limit, limit - limits[49])
        for age, limit in limits.items()
        for end in ("first", "last")
    }
    assert ("limit_cut", "elective", 8_000_000, 100 * limits[50]) in money_events(
        simulation, "50last", year
    )


def test_contributions_at_the_elective_limit(simulate: Callable[..., Simulation]) -> None:
    # 22.5 % of 100,000 is 22,500; of 100,000.03 it is 22,500.00675: a cent too much
    people = [
        person("exact", deferral_rate_e5=22_500),
        person("above", deferral_rate_e5=22_500, pay_cents=10_000_003),
        person("older", deferral_rate_e5=22_500, pay_cents=10_000_003, birth_date=date(1973, 1, 1)),
    ]
    simulation = simulate(people, [still()], years=[2023])
    found = rows_by(simulation, "contribution_cents, catch_up_cents", 2023)
    assert found == {"exact": (2_250_000, 0), "above": (2_250_000, 0), "older": (2_250_001, 1)}
    # the match takes the catch-up along: all above 6 % of pay here
    assert money_events(simulation, "exact") == [
        ("contribution", "deferral", 2_250_000, 2_250_000),
        ("match", "simple", 300_000, 300_000),
    ]
    assert money_events(simulation, "above") == [
        ("contribution", "deferral", 2_250_001, 2_250_000),
        ("match", "simple", 300_000, 300_000),
        ("limit_cut", "elective", 2_250_001, 2_250_000),
    ]


def test_catch_up_is_matched(simulate: Callable[..., Simulation]) -> None:
    # 5 % of 600,000 is 30,000: at 55 all of it. A match of 40 % to 10 % of 330,000 takes 30,000.
    tiers = [(0, 999, "0", "0.1", "0.4")]
    scenario = still(parameters={"match_formula": "custom"}, match_tiers=tiers)
    older = person(
        "older", birth_date=date(1968, 1, 1), pay_cents=60_000_000, deferral_rate_e5=5_000
    )
    simulation = simulate([older], [scenario], years=[2023])
    columns = "contribution_cents, catch_up_cents, match_cents"
    assert cell(simulation, "older", columns, 2023) == (3_000_000, 750_000, 1_200_000)


def test_pay_above_the_compensation_limit(simulate: Callable[..., Simulation]) -> None:
    people = [
        person(name, pay_cents=pay, deferral_rate_e5=rate)
        for name, pay, rate in (
            ("at", 33_000_000, 5_000),
            ("cent", 33_000_001, 5_000),
            ("three", 50_000_000, 3_000),
            ("six", 50_000_000, 6_000),
            ("none", 50_000_000, 0),
        )
    ]
    scenario = still(parameters={"core_formula": "flat", "core_rate": "0.02"})
    simulation = simulate(people, [scenario], years=[2023])
    columns = "contribution_cents, match_cents, core_cents"
    assert rows_by(simulation, columns, 2023) == {
        # 5 % is 16,500; half; 2 % of 330,000
        "at": (1_650_000, 825_000, 660_000),
        "cent": (1_650_000, 825_000, 660_000),
        # 3 % of 500,000: deferrals know no limit of pay; half of it, less than half of 19,800
        "three": (1_500_000, 750_000, 660_000),
        # 30,000, of which 22,500 are allowed; half of 6 % of 330,000
        "six": (2_250_000, 990_000, 660_000),
        "none": (0, 0, 660_000),
    }
    cuts = simulation.rows(
        "select employee_id, amount_before_cents, amount_after_cents, effective_date"
        " from fct_yearly_events where event_type = 'limit_cut' and reason = 'compensation'"
        " order by employee_id"
    )
    assert cuts == [
        (name, before, 33_000_000, date(2023, 12, 31))
        for name, before in (
            ("cent", 33_000_001), ("none", 50_000_000), ("six", 50_000_000), ("three", 50_000_000),
        )
    ]  # fmt: skip


def test_the_compensation_limit_is_that_of_a_whole_year_for_who_enters_late(
    simulate: Callable[..., Simulation],
) -> None:
    # Turning 40 on 1 July 2023, the age of entry: 184 days of 1,000 at 10 %, 18,400. Match and
    # core are of the year: 6 % of 330,000, 19,800, is more than that.
    late = person("late", pay_cents=36_500_000, birth_date=date(1983, 7, 1))
    young = person("young", pay_cents=36_500_000, birth_date=date(1984, 1, 1))
    scenario = still(
        parameters={"eligibility_min_age": "40", "core_formula": "flat"},
        enrollment_age_bands=[(0, 999, "1", "0")], enrollment_deferrals=[(0, 0, "0.1")],
    )  # fmt: skip
    simulation = simulate([late, young], [scenario], years=[2023])
    assert money_events(simulation, "late") == [
        ("contribution", "deferral", 1_840_000, 1_840_000),
        ("match", "simple", 920_000, 920_000),
        ("core", "flat", 330_000, 330_000),
        ("limit_cut", "compensation", 36_500_000, 33_000_000),
    ]
    # not eligible in 2023: nothing, and no cut of what is nothing
    assert money_events(simulation, "young") == []


def test_the_compensation_limit_is_not_one_of_the_days_employed(
    simulate: Callable[..., Simulation],
) -> None:
    # A hire of 2 July at 36,500 times 13.7: 500,050 a year, 1,370 a day, 183 days 250,710
    parameters = {
        "growth_rate": "1", "market_factor": "13.7", "core_formula": "flat",
        "auto_enrollment_scope": "none",
    }  # fmt: skip
    simulation = simulate([person("E")], [still(parameters=parameters)], years=[2023])
    assert money_events(simulation, "NH_2023_000001") == [("core", "flat", 250_710, 250_710)]


def test_estimated_limits_by_hand(simulate: Callable[..., Simulation]) -> None:
    simulation = simulate([], [still()], years=())
    columns = ", ".join(f"{limit}_cents // 100" for limit in LIMITS)
    rows = simulation.rows(
        f"select limit_year, {columns} from dim_irs_limit where limit_year in (2026, 2027, 2028)"
        " order by limit_year"
    )
    assert [list(row) for row in rows] == [
        [2026, 24_500, 8_000, 11_250, 360_000, 160_000, 72_000, 184_500],
        # i = .025: 612.50 in 500, 200 in 500, 281.25 in 500, 9,000 in 5,000, 4,000 in 5,000,
        # 1,800 in 1,000, 4,612.50 in 300 (15 steps)
        [2027, 25_000, 8_000, 11_250, 365_000, 160_000, 73_000, 189_000],
        # 1.025^2 - 1 = .050625: 1,240.31, 405, 569.53, 18,225, 8,100, 3,645, 9,340.31 (31 steps)
        [2028, 25_500, 8_000, 11_750, 375_000, 165_000, 75_000, 193_800],
    ]
    assert simulation.rows(
        "select is_estimated, min(limit_year), max(limit_year) from dim_irs_limit group by all"
        " order by all"
    ) == [(False, 2018, 2026), (True, 2027, 2300)]


def test_the_first_estimated_year_is_flagged_and_in_force(later: Compiled) -> None:
    people = [
        person("young", deferral_rate_e5=80_000),
        person("older", deferral_rate_e5=80_000, birth_date=date(1967, 12, 31)),
    ]
    simulation = Simulation(later, people, [still(year=2026)]).foundation().year(2026).year(2027)
    # 2027: 25,000, and 11,250 for who turns 60
    assert rows_by(simulation, "contribution_cents // 100", 2027) == {
        "young": 25_000, "older": 36_250,
    }  # fmt: skip
    assert simulation.rows(
        "select simulation_year, limits_estimated from fct_plan_cost order by simulation_year"
    ) == [(2026, False), (2027, True)]


def test_limits_that_a_scenario_estimates_by_other_rules(
    simulate: Callable[..., Simulation],
) -> None:
    table = [
        (2022, 20_000, 6_000, 6_000, 300_000, 130_000, 60_000, 140_000),
        (2023, 20_000, 6_000, 6_000, 300_000, 130_000, 60_000, 140_000),
    ]
    parameters = {"limit_index_rate": "0.1", "limit_step_elective": "700"}
    scenario = still(parameters=parameters, irs_limits=table)
    simulation = simulate([person("E", deferral_rate_e5=80_000)], [scenario], years=[2023, 2024])
    # 2,000 is 2 steps of 700
    found = simulation.rows(
        "select simulation_year, employee_contributions_cents, limits_estimated from fct_plan_cost"
        " order by simulation_year"
    )
    assert found == [(2023, 2_000_000, False), (2024, 2_140_000, True)]


def test_highly_compensated_from_the_cent_above_the_limit(
    simulate: Callable[..., Simulation],
) -> None:
    # 2022: 135,000, 2023: 150,000. A hire of 2 July 2022 was there for 183 of 365 days:
    # 269,262.30 * 183 / 365 is 135,000.0025, and of a cent more 135,000.0075, rounded 135,000.01.
    july = date(2022, 7, 2)
    people = [
        person("A", pay_cents=13_500_000),
        person("B", pay_cents=13_500_001),
        person("C", pay_cents=15_000_000),
        person("D", pay_cents=15_000_001),
        person("E", pay_cents=26_926_230, hire_date=july),
        person("F", pay_cents=26_926_231, hire_date=july),
        # one day of 2022
        person("G", pay_cents=50_000_000, hire_date=date(2022, 12, 31)),
    ]
    simulation = simulate(people, [still()], years=[2023, 2024])
    assert rows_by(simulation, "is_hce", 2023) == {
        "A": False, "B": True, "C": True, "D": True, "E": False, "F": True, "G": False,
    }  # fmt: skip
    assert rows_by(simulation, "is_hce", 2024) == {
        "A": False, "B": False, "C": False, "D": True, "E": True, "F": True, "G": True,
    }  # fmt: skip
    assert simulation.rows(
        "select simulation_year, hce_count from fct_plan_cost order by simulation_year"
    ) == [(2023, 4), (2024, 4)]


def test_a_hire_is_not_highly_compensated_in_the_year_of_hire(
    simulate: Callable[..., Simulation],
) -> None:
    # One hire of 2 July 2023 at 36,500 times 9.99: 364,635 a year, 183 days 182,817.82
    parameters = {"growth_rate": "1", "market_factor": "9.99"}
    simulation = simulate([person("E")], [still(parameters=parameters)], years=[2023, 2024])
    columns = "hire_date, annual_pay_rate_cents, is_hce"
    hired, pay, is_hce = cell(simulation, "NH_2023_000001", columns, 2023)
    assert (hired, pay, is_hce) == (date(2023, 7, 2), 36_463_500, False)
    assert cell(simulation, "NH_2023_000001", "is_hce", 2024) == (True,)
