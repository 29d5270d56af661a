"""Vesting and what a leaver forfeits, worked by hand: schedules, hours, birthdays, custom steps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from plan_cases import CLOSING, NO_CONDITIONS, leaves_on, money_events, person, rows_by, still

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_project import Simulation

# 1,000 hours at 40 a week: 176 days of a common year, the last of them 25 June
BEFORE, ON = date(2023, 6, 24), date(2023, 6, 25)
KEY = "scenario_id, employee_id"
LEAVING = CLOSING | NO_CONDITIONS | {"core_formula": "flat", "core_rate": "0.05"}


def hired_with(service: int) -> date:
    """A hire date that makes ``service`` years count before 2023: a hire of 9 July has the hours
    in the year of hire, one of 10 July has not."""
    return date(2023 - service, 7, 9) if service else date(2022, 7, 10)


def test_four_years_of_graded_vesting(simulate: Callable[..., Simulation]) -> None:
    """The tenth of the worked cases of the rules: 5,000.00 of employer money."""
    last = date(2023, 12, 31)
    young, old, almost = leaves_on(last, "A"), leaves_on(last, "B"), leaves_on(last, "C")
    people = [
        person(young, hire_date=date(2020, 1, 1)),
        # 65 on the last day, and the day after it
        person(old, hire_date=date(2020, 1, 1), birth_date=date(1958, 12, 31)),
        person(almost, hire_date=date(2020, 1, 1), birth_date=date(1959, 1, 1)),
    ]
    simulation = simulate(people, [still(parameters=LEAVING)], years=[2023])
    columns = (
        "vesting_service_years, core_vested_e5, core_cents, core_credited_cents,"
        " core_forfeited_cents, match_forfeited_cents"
    )
    assert rows_by(simulation, columns, 2023) == {
        young: (4, 60_000, 500_000, 500_000, 200_000, 0),
        old: (4, 100_000, 500_000, 500_000, 0, 0),
        almost: (4, 60_000, 500_000, 500_000, 200_000, 0),
    }
    assert money_events(simulation, young) == [
        ("core", "flat", 500_000, 500_000),
        ("forfeiture", "core", 500_000, 200_000),
    ]
    assert money_events(simulation, old) == [("core", "flat", 500_000, 500_000)]


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        # vested after 0, 1, 2, ... years of service, in percent
        ("immediate", [100, 100, 100, 100, 100, 100, 100, 100]),
        ("cliff_1", [0, 100, 100, 100, 100, 100, 100, 100]),
        ("cliff_2", [0, 0, 100, 100, 100, 100, 100, 100]),
        ("cliff_3", [0, 0, 0, 100, 100, 100, 100, 100]),
        ("graded_2_to_6", [0, 0, 20, 40, 60, 80, 100, 100]),
    ],
)
def test_schedules_on_the_day_before_and_on_the_day(
    simulate: Callable[..., Simulation], schedule: str, shares: list[int]
) -> None:
    leavers = {
        (service, day): leaves_on(day, f"S{service}-")
        for service in range(7)
        for day in (BEFORE, ON)
    }
    people = [
        person(name, hire_date=hired_with(service), deferral_rate_e5=6_000)
        for (service, _), name in leavers.items()
    ]
    parameters = LEAVING | {"match_vesting": schedule, "core_vesting": schedule}
    simulation = simulate(people, [still(parameters=parameters)], years=[2023])
    found = rows_by(simulation, "vesting_service_years, match_vested_e5, core_vested_e5", 2023)
    # On the 25th the year of the termination counts
    assert {key: found[name] for key, name in leavers.items()} == {
        (service, day): (years, 1_000 * shares[years], 1_000 * shares[years])
        for service, day in leavers
        for years in [service + (day == ON)]
    }
    kept = simulation.rows(
        "select match_cents, match_vested_e5, match_forfeited_cents from fct_workforce_snapshot"
    )
    # 100,000 * 175 / 365 is 47,945.21, the match of 6 % half of 2,876.71, rounded to the cent
    # with half a cent up: 1,438.36; of 176 days 48,219.18, 2,893.15 and 1,446.58
    forfeited = {
        (143_836, 0): 143_836, (143_836, 20_000): 115_069, (143_836, 40_000): 86_302,
        (143_836, 60_000): 57_534, (143_836, 80_000): 28_767, (143_836, 100_000): 0,
        (144_658, 0): 144_658, (144_658, 20_000): 115_726, (144_658, 40_000): 86_795,
        (144_658, 60_000): 57_863, (144_658, 80_000): 28_932, (144_658, 100_000): 0,
    }  # fmt: skip
    assert len(kept) == 14
    assert {(match, share): lost for match, share, lost in kept}.items() <= forfeited.items()


def test_the_schedule_of_the_match_is_that_of_its_formula(
    simulate: Callable[..., Simulation],
) -> None:
    # two years of service; core keeps its own schedule
    someone = person("E", hire_date=date(2021, 12, 31))
    tiers = [(0, 999, "0", "0.06", "0.5")]
    formulas = ("none", "simple", "tiered", "stretch", "qaca", "custom")
    scenarios = [
        still(f, parameters={"match_formula": f}, match_tiers=tiers if f == "custom" else ())
        for f in formulas
    ]
    scenarios.append(
        still("own", parameters={"match_formula": "tiered", "match_vesting": "cliff_3"})
    )
    simulation = simulate([someone], scenarios, years=[2023])
    columns = "vesting_service_years, match_vested_e5, core_vested_e5"
    graded, all_of_it = (2, 20_000, 20_000), (2, 100_000, 20_000)
    assert rows_by(simulation, columns, 2023, "scenario_id") == {
        "none": graded, "simple": graded, "stretch": graded, "custom": graded,
        "tiered": all_of_it, "qaca": all_of_it, "own": (2, 0, 20_000),
    }  # fmt: skip


def test_the_65th_birthday_of_a_leaver(simulate: Callable[..., Simulation]) -> None:
    # Born on 29 February 1960: 65 on 28 February 2025, as there is no 29th
    before, on = leaves_on(date(2025, 2, 27)), leaves_on(date(2025, 2, 28))
    late = leaves_on(date(2025, 3, 1), "N")
    leap = {"birth_date": date(1960, 2, 29), "hire_date": date(2024, 1, 1)}
    people = [
        person(before, **leap),
        person(on, **leap),
        # 65 on 31 December, but gone before
        person(late, birth_date=date(1960, 12, 31), hire_date=date(2024, 1, 1)),
    ]
    scenarios = [
        still("65", year=2025, parameters=LEAVING),
        still("64", year=2025, parameters=LEAVING | {"vesting_full_age": "64"}),
        still("999", year=2025, parameters=LEAVING | {"vesting_full_age": "999"}),
    ]
    simulation = simulate(people, scenarios, years=[2025])
    found = rows_by(simulation, "core_vested_e5", 2025, KEY)
    assert {s: [found[s, name] for name in (before, on, late)] for s in ("64", "65", "999")} == {
        "64": [100_000, 100_000, 100_000],
        "65": [0, 100_000, 0],
        "999": [0, 0, 0],
    }
    # 58 days of 100,000 at 5 %: 15,890.41 and 794.52, all of it lost
    lost = rows_by(simulation, "core_credited_cents, core_forfeited_cents", 2025, KEY)
    assert lost["65", before] == (79_452, 79_452)


def test_who_stays_is_as_old_as_on_31_december(simulate: Callable[..., Simulation]) -> None:
    people = [
        person("65", birth_date=date(1958, 12, 31), hire_date=date(2022, 1, 1)),
        person("64", birth_date=date(1959, 1, 1), hire_date=date(2022, 1, 1)),
    ]
    simulation = simulate(people, [still()], years=[2023])
    columns = "match_vested_e5, core_vested_e5, core_forfeited_cents"
    assert rows_by(simulation, columns, 2023) == {
        "65": (100_000, 100_000, 0),
        "64": (20_000, 20_000, 0),
    }


def test_custom_steps_of_each_source(simulate: Callable[..., Simulation]) -> None:
    steps = [
        ("match", 0, "0.1"), ("match", 1, "0.33333"), ("match", 3, "1"),
        ("core", 1, "0.25"), ("core", 2, "1"),
    ]  # fmt: skip
    parameters = LEAVING | {"match_vesting": "custom", "core_vesting": "custom"}
    leavers = {service: leaves_on(BEFORE, f"S{service}-") for service in range(5)}
    people = [
        person(name, hire_date=hired_with(service), pay_cents=3_650_000, deferral_rate_e5=6_000)
        for service, name in leavers.items()
    ]
    scenario = still(parameters=parameters, vesting_steps=steps)
    simulation = simulate(people, [scenario], years=[2023])
    columns = "match_vested_e5, core_vested_e5, match_forfeited_cents, core_forfeited_cents"
    found = rows_by(simulation, columns, 2023)
    # 17,500 of pay, 525.00 of match and 875.00 of core
    assert {service: found[name] for service, name in leavers.items()} == {
        0: (10_000, 0, 47_250, 87_500),
        # 52,500 * .66667 is 35,000.175
        1: (33_333, 25_000, 35_000, 65_625),
        2: (33_333, 100_000, 35_000, 0),
        3: (100_000, 100_000, 0, 0),
        4: (100_000, 100_000, 0, 0),
    }


def test_service_is_of_calendar_years_with_the_hours(simulate: Callable[..., Simulation]) -> None:
    part_time = {"scheduled_hours": Decimal(19)}
    people = [
        person("9 July", hire_date=date(2021, 7, 9)),
        person("10 July", hire_date=date(2021, 7, 10)),
        # of a leap year: 176 of 366 days
        person("9 July 2020", hire_date=date(2020, 7, 9)),
        person("10 July 2020", hire_date=date(2020, 7, 10)),
        # 988 hours a year
        person("19 hours", hire_date=date(2015, 1, 1), **part_time),
    ]
    scenarios = [
        still("1000"),
        still("988", parameters={"vesting_min_hours": "988"}),
        still("0", parameters={"vesting_min_hours": "0"}),
    ]
    simulation = simulate(people, scenarios, years=[2023, 2024])
    found = {
        year: rows_by(simulation, "vesting_service_years", year, "scenario_id, employee_id")
        for year in (2023, 2024)
    }
    assert {
        s: [[found[year][s, p.employee_id] for p in people] for year in (2023, 2024)]
        for s in ("1000", "988", "0")
    } == {
        "1000": [[3, 2, 4, 3, 0], [4, 3, 5, 4, 0]],
        # 2,080 * 175 is 364,000, more than 988 * 366
        "988": [[3, 3, 4, 4, 9], [4, 4, 5, 5, 10]],
        "0": [[3, 3, 4, 4, 9], [4, 4, 5, 5, 10]],
    }


def test_what_all_simulated_years_credited_is_forfeited(
    simulate: Callable[..., Simulation],
) -> None:
    # Three people alike, of whom one leaves each year; 31 December, if it is in 2024
    last = date(2024, 12, 31)
    people = [person(leaves_on(last, tag), hire_date=date(2021, 7, 10)) for tag in "ABC"]
    parameters = LEAVING | {"growth_rate": "-0.4", "termination_rate": "0.5"}
    simulation = simulate(people, [still(parameters=parameters)], years=[2023, 2024])
    # 5,000 of each year; 2022 to 2024 count, so 40 % is kept
    assert simulation.rows(
        "select termination_date, core_cents, core_credited_cents, vesting_service_years,"
        " core_vested_e5, core_forfeited_cents from fct_workforce_snapshot"
        " where simulation_year = 2024 and employment_status = 'terminated'"
    ) == [(last, 500_000, 1_000_000, 3, 40_000, 600_000)]
    # who stays keeps both years, and has lost nothing
    assert simulation.rows(
        "select core_credited_cents, core_forfeited_cents from fct_workforce_snapshot"
        " where simulation_year = 2024 and employment_status = 'active'"
    ) == [(1_000_000, 0)]


def test_contributions_of_the_employee_are_never_forfeited(
    simulate: Callable[..., Simulation],
) -> None:
    leaver = leaves_on(date(2023, 12, 31))
    someone = person(leaver, hire_date=date(2022, 7, 10), deferral_rate_e5=6_000)
    parameters = LEAVING | {"match_formula": "none"}
    simulation = simulate([someone], [still(parameters=parameters)], years=[2023])
    assert money_events(simulation, leaver) == [
        ("contribution", "deferral", 600_000, 600_000),
        ("core", "flat", 500_000, 500_000),
        ("forfeiture", "core", 500_000, 500_000),
    ]
