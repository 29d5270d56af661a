"""The match, worked by hand: every formula, bands, rounding, and its two conditions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from plan_cases import ALWAYS, CLOSING, NO_CONDITIONS, cell, leaves_on, person, rows_by, still

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_project import Simulation

CUSTOM = [
    (0, 999, "0", "0.02", "0.3"), (0, 999, "0.02", "0.04", "0"), (0, 999, "0.04", "0.05", "2"),
]  # fmt: skip
BY_TENURE = [
    (0, 5, "0", "0.04", "0.5"), (5, 999, "0", "0.02", "1"), (5, 999, "0.02", "0.08", "0.5"),
]  # fmt: skip
BY_POINTS = [(0, 50, "0", "0.06", "0.25"), (50, 999, "0", "0.06", "0.75")]


def test_match_on_100_000_at_2_4_6_and_10_percent(simulate: Callable[..., Simulation]) -> None:
    """The sixth of the worked cases of the rules."""
    people = [person(f"E{p:02d}", deferral_rate_e5=1_000 * p) for p in (2, 4, 6, 10)]
    formulas = ("simple", "tiered", "stretch", "qaca")
    scenarios = [still(name, parameters={"match_formula": name}) for name in formulas]
    simulation = simulate(people, scenarios, years=[2023])
    found = rows_by(simulation, "match_cents", 2023, "scenario_id, employee_id")
    assert {f: [found[f, p.employee_id] // 100 for p in people] for f in formulas} == {
        "simple": [1_000, 2_000, 3_000, 3_000],
        "tiered": [2_000, 3_500, 4_000, 4_000],
        "stretch": [500, 1_000, 1_500, 2_500],
        "qaca": [1_500, 2_500, 3_500, 3_500],
    }


def test_every_formula_at_0_1_3_5_6_and_12_percent(simulate: Callable[..., Simulation]) -> None:
    percents = (0, 1, 3, 5, 6, 12)
    # On 31 December 2023: A has served 4 years, B 5; with an age of 45 that is 49 and 50 points.
    people = [
        person(
            f"{name}{p:02d}", deferral_rate_e5=1_000 * p, hire_date=hired,
            birth_date=date(1978, 1, 1),
        )
        for name, hired in (("A", date(2019, 1, 1)), ("B", date(2018, 12, 31)))
        for p in percents
    ]  # fmt: skip
    tables = {"custom": CUSTOM, "tenure_graded": BY_TENURE, "points_graded": BY_POINTS}
    formulas = ("none", "simple", "tiered", "stretch", "qaca", *tables)
    scenarios = [
        still(f, parameters={"match_formula": f}, match_tiers=tables.get(f, ())) for f in formulas
    ]
    simulation = simulate(people, scenarios, years=[2023])
    found = rows_by(simulation, "match_cents", 2023, "scenario_id, employee_id")
    amounts = {
        (f, name): [Decimal(found[f, f"{name}{p:02d}"]) / 100 for p in percents]
        for f in formulas
        for name in "AB"
    }
    everybody = {
        "none": [0, 0, 0, 0, 0, 0],
        # half of up to 6,000
        "simple": [0, 500, 1_500, 2_500, 3_000, 3_000],
        # all of up to 3,000 and half of the next 2,000
        "tiered": [0, 1_000, 3_000, 4_000, 4_000, 4_000],
        # a quarter of up to 12,000
        "stretch": [0, 250, 750, 1_250, 1_500, 3_000],
        # all of up to 1,000 and half of the next 5,000
        "qaca": [0, 1_000, 2_000, 3_000, 3_500, 3_500],
        # 30 % of up to 2,000, none of the next 2,000, twice the next 1,000
        "custom": [0, 300, 600, 2_600, 2_600, 2_600],
    }
    assert amounts == {(f, name): row for f, row in everybody.items() for name in "AB"} | {
        # half of up to 4,000; from 5 years all of up to 2,000 and half of the next 6,000
        ("tenure_graded", "A"): [0, 500, 1_500, 2_000, 2_000, 2_000],
        ("tenure_graded", "B"): [0, 1_000, 2_500, 3_500, 4_000, 5_000],
        # a quarter of up to 6,000; from 50 points three quarters
        ("points_graded", "A"): [0, 250, 750, 1_250, 1_500, 1_500],
        ("points_graded", "B"): [0, 750, 2_250, 3_750, 4_500, 4_500],
    }


def test_bands_of_a_leaver_are_of_the_termination_date(
    simulate: Callable[..., Simulation],
) -> None:
    # Both hired on 1 December 2018: 5 years on 1 December 2023. Leaving on 30 November is 4 years.
    early, late = leaves_on(date(2023, 11, 30)), leaves_on(date(2023, 12, 1))
    # Born on 31 December 1978: 45 at the end of the year, which counts; 49 and 50 points.
    people = [
        person(
            name, deferral_rate_e5=4_000, hire_date=date(2018, 12, 1),
            birth_date=date(1978, 12, 31), pay_cents=3_650_000,
        )
        for name in (early, late)
    ]  # fmt: skip
    scenarios = [
        still(f, parameters=CLOSING | NO_CONDITIONS | {"match_formula": f}, match_tiers=tiers)
        for f, tiers in (("tenure_graded", BY_TENURE), ("points_graded", BY_POINTS))
    ]
    simulation = simulate(people, scenarios, years=[2023])
    columns = "prorated_pay_cents, contribution_cents, match_cents"
    assert rows_by(simulation, columns, 2023, "scenario_id, employee_id") == {
        # 334 days of 100: 33,400, deferred 1,336; half of all of it, as it is 4 %
        ("tenure_graded", early): (3_340_000, 133_600, 66_800),
        # 335 days: 33,500, deferred 1,340; 670 in full and half of 670
        ("tenure_graded", late): (3_350_000, 134_000, 100_500),
        # a quarter, and three quarters
        ("points_graded", early): (3_340_000, 133_600, 33_400),
        ("points_graded", late): (3_350_000, 134_000, 100_500),
    }


def test_half_a_cent_is_rounded_up_once(simulate: Callable[..., Simulation]) -> None:
    people = [
        # 1 % of 33,333.33 is 333.3333: 333.33; half of that 166.665: 166.67
        person("half", pay_cents=3_333_333, deferral_rate_e5=1_000),
        # 12 % of 33,333.33 is 3,999.9996: 4,000.00; half of 6 % of pay is 999.9999: 1,000.00
        person("capped", pay_cents=3_333_333, deferral_rate_e5=12_000),
        # 4 % of 12.50 is .50; 6 % would be .75
        person("small", pay_cents=1_250, deferral_rate_e5=4_000),
    ]
    # .125 + .125 of .25 each would be .13 + .13; the sum .25 of both tiers is rounded, not each
    tiers = [(0, 999, "0", "0.02", "0.5"), (0, 999, "0.02", "0.04", "0.5")]
    custom = still("custom", parameters={"match_formula": "custom"}, match_tiers=tiers)
    simulation = simulate(people, [still("simple"), custom], years=[2023])
    found = rows_by(simulation, "contribution_cents, match_cents", 2023, "scenario_id, employee_id")
    assert found["simple", "half"] == (33_333, 16_667)
    assert found["simple", "capped"] == (400_000, 100_000)
    assert found["custom", "small"] == (50, 25)


@pytest.mark.parametrize(("year", "days"), [(2025, 365), (2024, 366)])
def test_hours_of_every_day_of_hire(
    simulate: Callable[..., Simulation], year: int, days: int
) -> None:
    """The eighth of the worked cases; a hire a day, as there are as many hires as days."""
    people = [person(f"E{i:03d}") for i in range(days)]
    scenario = still(year=year, parameters={"growth_rate": "1"}, enrollment_age_bands=ALWAYS)
    simulation = simulate(people, [scenario], years=[year])
    hires = simulation.rows(
        "select hire_date, contribution_cents, match_cents, vesting_service_years"
        " from fct_workforce_snapshot where detailed_status = 'new_hire_active' order by hire_date"
    )
    assert [hired.timetuple().tm_yday for hired, *_ in hires] == list(range(1, days + 1))
    assert all(contribution > 0 for _, contribution, *_ in hires)
    # 176 days from 9 July on: 40 * 52 * 176 is 366,080; 175 days are 364,000. 1,000 hours a year
    # ask for 365,000, and for 366,000 in a leap year.
    passes = {hired for hired, _, match, _ in hires if match > 0}
    assert (max(passes), len(passes)) == (date(year, 7, 9), days - 175)
    assert passes == {hired for hired, _, _, service in hires if service == 1}


def test_a_leaver_of_31_december_is_paid_and_gets_no_match_that_needs_the_last_day(
    simulate: Callable[..., Simulation],
) -> None:
    leaver = leaves_on(date(2023, 12, 31))
    scenarios = [
        still("simple", parameters=CLOSING),
        still("without", parameters=CLOSING | {"match_last_day": "none"}),
        still("tiered", parameters=CLOSING | {"match_formula": "tiered"}),
        still("asking", parameters=CLOSING | {"match_formula": "tiered",
                                              "match_last_day": "required"}),
    ]  # fmt: skip
    simulation = simulate([person(leaver, deferral_rate_e5=6_000)], scenarios, years=[2023])
    columns = "employment_status, prorated_pay_cents, contribution_cents, match_cents"
    paid = ("terminated", 10_000_000, 600_000)
    assert rows_by(simulation, columns, 2023, "scenario_id") == {
        "simple": (*paid, 0),
        "without": (*paid, 300_000),
        "tiered": (*paid, 400_000),
        "asking": (*paid, 0),
    }


def test_hours_that_a_match_needs(simulate: Callable[..., Simulation]) -> None:
    # 19 hours a week are 988 a year; 19.25 are 1,001
    people = [
        person("A", deferral_rate_e5=6_000, scheduled_hours=Decimal(19)),
        person("B", deferral_rate_e5=6_000, scheduled_hours=Decimal("19.25")),
    ]
    scenarios = [
        still("default"),
        still("none", parameters={"match_hours": "none"}),
        still("988", parameters={"match_min_hours": "988"}),
        still("989", parameters={"match_min_hours": "989"}),
        still("1002", parameters={"match_min_hours": "1002"}),
        still("qaca", parameters={"match_formula": "qaca"}),
        still("qaca_asked", parameters={"match_formula": "qaca", "match_hours": "required"}),
    ]
    simulation = simulate(people, scenarios, years=[2023])
    assert simulation.rows(
        "select scenario_id, list(match_cents // 100 order by employee_id)"
        " from fct_workforce_snapshot group by scenario_id order by scenario_id"
    ) == [
        ("1002", [0, 0]),
        ("988", [3_000, 3_000]),
        ("989", [0, 3_000]),
        ("default", [0, 3_000]),
        ("none", [3_000, 3_000]),
        ("qaca", [3_500, 3_500]),
        ("qaca_asked", [0, 3_500]),
    ]


def test_the_pay_of_the_whole_year_counts_for_who_enrols_late(
    simulate: Callable[..., Simulation],
) -> None:
    # Entry on 1 November, 335 days after the hire: 61 days of 200 at 30 % are 3,660. That is above
    # 6 % of the pay of the two months, 732, and below 6 % of 73,000, 4,380.
    late = person("late", pay_cents=7_300_000, hire_date=date(2022, 12, 1))
    scenario = still(
        parameters={"eligibility_waiting_days": "335", "voluntary_deferral_max": "0.3"},
        enrollment_age_bands=ALWAYS, enrollment_deferrals=[(0, 0, "0.3")],
    )  # fmt: skip
    simulation = simulate([late], [scenario], years=[2023])
    columns = "enrollment_date, contribution_cents, match_cents"
    assert cell(simulation, "late", columns, 2023) == (date(2023, 11, 1), 366_000, 183_000)
