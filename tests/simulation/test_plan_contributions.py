"""Contributions by the day, worked by hand: late entries, changes of pay, leap years, last days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from plan_cases import (
    ALWAYS,
    CLOSING,
    STILL,
    cell,
    leaves_on,
    money_events,
    person,
    plan_events,
    rows_by,
    still,
)
from simulation_inputs import Level

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_project import Simulation


def test_two_months_of_who_enters_in_november(simulate: Callable[..., Simulation]) -> None:
    # 1 December 2022 and 335 days is 1 November 2023: 61 days of 200 at 5 % are 610, half is 305
    late = person("late", pay_cents=7_300_000, hire_date=date(2022, 12, 1))
    waiting = still(parameters={"eligibility_waiting_days": "335"}, enrollment_age_bands=ALWAYS)
    simulation = simulate([late], [waiting], years=[2023, 2024])
    first = date(2023, 11, 1)
    assert plan_events(simulation, "late") == [
        ("eligibility", first, "entry_date", None, None),
        ("enrollment", first, "voluntary", None, 5_000),
    ]
    columns = "prorated_pay_cents, contribution_cents, match_cents, deferral_rate_e5"
    assert cell(simulation, "late", columns, 2023) == (7_300_000, 61_000, 30_500, 5_000)
    # the next year in full: 5 % of 73,000
    assert cell(simulation, "late", columns, 2024) == (7_300_000, 365_000, 182_500, 5_000)


def test_a_promotion_and_a_raise_in_one_year(simulate: Callable[..., Simulation]) -> None:
    # 73,000, from 1 February 20 % more, 87,600, from 1 July 5 % more, 91,980: 200, 240 and 252 a
    # day on 31, 150 and 184 days: 6,200 + 36,000 + 46,368 = 88,568.
    levels = [
        Level(1, Decimal(50_000), Decimal(80_000), Decimal(0), Decimal(0)),
        Level(2, Decimal(80_000), Decimal(500_000), Decimal("0.05"), Decimal(0)),
    ]
    sure = STILL | {"promotion_dial": "1000", "promotion_raise_spread": "0"}
    scenario = still(
        parameters=sure | {"eligibility_min_age": "40"}, levels=levels,
        raise_months=[(7, Decimal(1))], enrollment_age_bands=ALWAYS,
        enrollment_deferrals=[(0, 0, "0.1")],
    )  # fmt: skip
    # 40 on the day in 2023 on which they enter
    entries = {
        "all": date(2022, 12, 31), "january": date(2023, 1, 30), "february": date(2023, 2, 1),
        "june": date(2023, 6, 16), "july": date(2023, 7, 1), "last": date(2023, 12, 31),
    }  # fmt: skip
    people = [
        person(name, pay_cents=7_300_000, birth_date=day.replace(year=day.year - 40))
        for name, day in entries.items()
    ]
    simulation = simulate(people, [scenario], years=[2023])
    columns = "prorated_pay_cents, contribution_cents, match_cents"
    # 6 % of 88,568 is 5,314.08, half of it 2,657.04
    assert rows_by(simulation, columns, 2023) == {
        "all": (8_856_800, 885_680, 265_704),
        # 2 * 200 + 36,000 + 46,368 = 82,768
        "january": (8_856_800, 827_680, 265_704),
        # 82,368
        "february": (8_856_800, 823_680, 265_704),
        # 15 * 240 + 46,368 = 49,968, a tenth is 4,996.80, less than 6 % of the year: half of it
        "june": (8_856_800, 499_680, 249_840),
        "july": (8_856_800, 463_680, 231_840),
        # 25.20 and 12.60
        "last": (8_856_800, 2_520, 1_260),
    }


def test_a_voluntary_deferral_is_of_the_pay_after_a_raise_of_the_day(
    simulate: Callable[..., Simulation],
) -> None:
    # 99,000 and 5 % from 1 July on: 103,950. Entry on 30 June and on 1 July.
    levels = [Level(1, Decimal(1), Decimal(10**6), Decimal("0.05"), Decimal(0))]
    scenario = still(
        parameters={"eligibility_min_age": "40"}, levels=levels, raise_months=[(7, Decimal(1))],
        enrollment_age_bands=ALWAYS,
        enrollment_pay_bands=[(0, 100_000, "1", "1"), (100_000, 10**12, "1", "1")],
        enrollment_deferrals=[(0, 0, "0.01"), (0, 100_000, "0.09")],
    )  # fmt: skip
    people = [
        person("before", pay_cents=9_900_000, birth_date=date(1983, 6, 30)),
        person("on", pay_cents=9_900_000, birth_date=date(1983, 7, 1)),
    ]
    simulation = simulate(people, [scenario], years=[2023])
    assert rows_by(simulation, "deferral_rate_e5", 2023) == {"before": 1_000, "on": 9_000}


@pytest.mark.parametrize(
    ("year", "min_age", "entry", "contribution"),
    [
        # 200.00 a day; 5 % of 61,400 for the 307 days from 29 February on
        (2024, "40", date(2024, 2, 29), 307_000),
        # No 29th: 307 days from the 28th on. 73,200 * 307 / 365 is 61,568.2192; 5 % of it
        (2023, "39", date(2023, 2, 28), 307_841),
    ],
)
def test_entry_on_29_february(
    simulate: Callable[..., Simulation], year: int, min_age: str, entry: date, contribution: int
) -> None:
    leap = person("leap", pay_cents=7_320_000, birth_date=date(1984, 2, 29))
    scenario = still(
        year=year, parameters={"eligibility_min_age": min_age}, enrollment_age_bands=ALWAYS
    )
    simulation = simulate([leap], [scenario], years=[year])
    assert plan_events(simulation, "leap") == [
        ("eligibility", entry, "entry_date", None, None),
        ("enrollment", entry, "voluntary", None, 5_000),
    ]
    columns = "prorated_pay_cents, contribution_cents"
    assert cell(simulation, "leap", columns, year) == (7_320_000, contribution)


def test_a_hire_of_31_december_contributes_for_a_day(simulate: Callable[..., Simulation]) -> None:
    # 365 hires are one a day; 36,500 are 100.00 a day, 5 % of it 5.00
    people = [person(f"E{i:03d}") for i in range(365)]
    scenario = still(parameters={"growth_rate": "1"}, enrollment_age_bands=ALWAYS)
    simulation = simulate(people, [scenario], years=[2023])
    last, before = "NH_2023_000365", "NH_2023_000364"
    columns = "hire_date, enrollment_date, prorated_pay_cents, contribution_cents, match_cents"
    day = date(2023, 12, 31)
    assert cell(simulation, last, columns, 2023) == (day, day, 10_000, 500, 0)
    assert cell(simulation, before, columns, 2023)[2:] == (20_000, 1_000, 0)
    assert money_events(simulation, last) == [("contribution", "deferral", 500, 500)]
    # none of them has worked 1,000 hours, but all are in the plan
    assert simulation.rows("select headcount, eligible, participants from fct_plan_cost") == [
        (730, 730, 730)
    ]


def test_a_leaver_contributes_up_to_the_termination_date(
    simulate: Callable[..., Simulation],
) -> None:
    # 10 days, the last included, of 100: 6 % is 60; the first day: 6; all of the year: 2,190
    days = {
        leaves_on(day): amount
        for day, amount in (
            (date(2023, 1, 10), 6_000), (date(2023, 1, 1), 600), (date(2023, 12, 31), 219_000),
        )
    }  # fmt: skip
    people = [person(name, pay_cents=3_650_000, deferral_rate_e5=6_000) for name in days]
    simulation = simulate(people, [still(parameters=CLOSING)], years=[2023])
    assert rows_by(simulation, "contribution_cents", 2023) == days
    booked = simulation.rows(
        "select c.effective_date - t.effective_date from fct_yearly_events as c"
        " join fct_yearly_events as t using (employee_id)"
        " where c.event_type = 'contribution' and t.event_type = 'termination'"
    )
    assert booked == [(0,)] * 3


def test_nobody_enters_on_the_termination_date(simulate: Callable[..., Simulation]) -> None:
    # The 40th birthday and age of entry: the day before the last one, and the last one
    leaver, other = leaves_on(date(2023, 6, 30), "A"), leaves_on(date(2023, 6, 30), "B")
    scenario = still(
        parameters=CLOSING | {"eligibility_min_age": "40"}, enrollment_age_bands=ALWAYS
    )
    people = [
        person(leaver, pay_cents=3_650_000, birth_date=date(1983, 6, 29)),
        person(other, pay_cents=3_650_000, birth_date=date(1983, 6, 30)),
    ]
    simulation = simulate(people, [scenario], years=[2023])
    # two days of 100 at 5 %
    assert rows_by(simulation, "is_eligible, contribution_cents", 2023) == {
        leaver: (True, 1_000),
        other: (False, 0),
    }
    assert plan_events(simulation, other) == []
