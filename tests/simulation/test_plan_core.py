"""Core contributions, worked by hand: every formula, edges of bands, and their own conditions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from plan_cases import CLOSING, leaves_on, money_events, person, rows_by, still

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_project import Simulation


def test_none_and_flat(simulate: Callable[..., Simulation]) -> None:
    # nobody need be enrolled; who declined gets it too
    people = [
        person("open"),
        person("declined", deferral_rate_e5=0),
        person("enrolled", deferral_rate_e5=6_000),
        # .5 % of 100.99 is .50495
        person("poor", pay_cents=10_099),
        # 1.5 of a cent: half up
        person("half", pay_cents=300),
    ]
    flat = {"core_formula": "flat", "core_rate": "0.005"}
    scenarios = [still("none"), still("flat", parameters=flat)]
    simulation = simulate(people, scenarios, years=[2023])
    found = rows_by(simulation, "core_cents", 2023, "scenario_id, employee_id")
    assert {found["none", p.employee_id] for p in people} == {0}
    assert [found["flat", p.employee_id] for p in people] == [50_000, 50_000, 50_000, 50, 2]


def test_bands_of_service_at_their_edges(simulate: Callable[..., Simulation]) -> None:
    # completed years on 31 December 2023; 29 February 2020 is 3 years since 28 February
    hired = {
        "0": date(2022, 12, 31), "2": date(2021, 1, 1), "3": date(2020, 12, 31),
        "leap": date(2020, 2, 29), "5": date(2018, 1, 1), "6": date(2017, 12, 31),
        "20": date(2003, 1, 1),
    }  # fmt: skip
    people = [person(name, hire_date=day) for name, day in hired.items()]
    own = [(0, 3, "0"), (3, 999, "0.1")]
    scenarios = [
        still("default", parameters={"core_formula": "service"}),
        still("own", parameters={"core_formula": "service"}, core_tiers=own),
    ]
    simulation = simulate(people, scenarios, years=[2023])
    found = rows_by(simulation, "core_cents // 100", 2023, "scenario_id, employee_id")
    assert [found["default", name] for name in hired] == [
        1_000, 1_000, 2_000, 2_000, 2_000, 3_000, 3_000,
    ]  # fmt: skip
    assert [found["own", name] for name in hired] == [0, 0, *[10_000] * 5]


def test_service_of_a_leaver_ends_with_the_termination_date(
    simulate: Callable[..., Simulation],
) -> None:
    # Three years on 1 March 2023. 59 and 60 days of 100: 1 % of 5,900 and 2 % of 6,000
    before, on = leaves_on(date(2023, 2, 28)), leaves_on(date(2023, 3, 1))
    people = [
        person(name, pay_cents=3_650_000, hire_date=date(2020, 3, 1)) for name in (before, on)
    ]
    free = {"core_last_day": "none", "core_hours": "none", "core_formula": "service"}
    simulation = simulate(people, [still(parameters=CLOSING | free)], years=[2023])
    assert rows_by(simulation, "core_cents", 2023) == {before: 5_900, on: 12_000}


def test_points_are_age_and_service(simulate: Callable[..., Simulation]) -> None:
    # 45 on 31 December, hired for 4 and for 5 years
    people = [
        person("49", birth_date=date(1978, 12, 31), hire_date=date(2019, 1, 1)),
        person("50", birth_date=date(1978, 12, 31), hire_date=date(2018, 12, 31)),
        person("48", birth_date=date(1979, 1, 1), hire_date=date(2019, 1, 1)),
    ]
    tiers = [(0, 49, "0.01"), (49, 50, "0.02"), (50, 999, "0.03")]
    scenario = still(parameters={"core_formula": "points"}, core_tiers=tiers)
    simulation = simulate(people, [scenario], years=[2023])
    assert rows_by(simulation, "core_cents // 100", 2023) == {
        "48": 1_000, "49": 2_000, "50": 3_000,
    }  # fmt: skip


def test_integrated_around_the_wage_base(simulate: Callable[..., Simulation]) -> None:
    # 2 % of pay and 1 % of what is above 160,200, up to 330,000
    pays = {
        "base": 16_020_000,  # 3,204.00
        "above": 16_025_000,  # 3,205.00 and .50
        # 3,204.0050 and .0025: 3,204.0075, rounded once to 3,204.01
        "cents": 16_020_025,
        "high": 20_000_000,  # 4,000 and 398
        "limit": 33_000_000,  # 6,600 and 1,698
        "over": 40_000_000,
    }
    people = [person(name, pay_cents=pay) for name, pay in pays.items()]
    parameters = {
        "core_formula": "integrated", "core_rate": "0.02", "core_excess_rate": "0.01",
    }  # fmt: skip
    simulation = simulate(people, [still(parameters=parameters)], years=[2023])
    found = rows_by(simulation, "core_cents", 2023)
    assert [found[name] for name in pays] == [
        320_400, 320_550, 320_401, 439_800, 829_800, 829_800,
    ]  # fmt: skip


def test_the_conditions_of_core_are_not_those_of_the_match(
    simulate: Callable[..., Simulation],
) -> None:
    # 19 hours a week are 988 a year. The leaver works all of it: 31 December is the last day.
    leaver, part_timer = leaves_on(date(2023, 12, 31)), leaves_on(date(2023, 12, 31), "P")
    people = [
        person(leaver, deferral_rate_e5=6_000),
        person(part_timer, deferral_rate_e5=6_000, scheduled_hours=Decimal(19)),
    ]
    variants: dict[str, dict[str, str]] = {
        "default": {},
        "core_free": {"core_last_day": "none", "core_hours": "none"},
        "match_free": {"match_last_day": "none", "match_hours": "none"},
        "core_hours": {"core_last_day": "none"},
        "core_988": {"core_last_day": "none", "core_min_hours": "988"},
        "core_989": {"core_last_day": "none", "core_min_hours": "989"},
    }
    scenarios = [
        still(name, parameters=CLOSING | {"core_formula": "flat"} | more)
        for name, more in variants.items()
    ]
    simulation = simulate(people, scenarios, years=[2023])
    columns = "match_cents // 100, core_cents // 100"
    found = rows_by(simulation, columns, 2023, "scenario_id, employee_id")
    assert {name: (found[name, leaver], found[name, part_timer]) for name in variants} == {
        "default": ((0, 0), (0, 0)),
        "core_free": ((0, 1_000), (0, 1_000)),
        "match_free": ((3_000, 0), (3_000, 0)),
        "core_hours": ((0, 1_000), (0, 0)),
        "core_988": ((0, 1_000), (0, 1_000)),
        "core_989": ((0, 1_000), (0, 0)),
    }


def test_core_is_for_who_reaches_the_entry_date(simulate: Callable[..., Simulation]) -> None:
    # Turning 21 on 31 December 2023 and a day later; the pay of the whole year counts
    people = [
        person("in", birth_date=date(2002, 12, 31), hire_date=date(2022, 1, 1)),
        person("out", birth_date=date(2003, 1, 1), hire_date=date(2022, 1, 1)),
    ]
    scenario = still(parameters={"core_formula": "flat"})
    simulation = simulate(people, [scenario], years=[2023])
    assert rows_by(simulation, "is_eligible, core_cents", 2023) == {
        "in": (True, 100_000),
        "out": (False, 0),
    }
    assert money_events(simulation, "out") == []
