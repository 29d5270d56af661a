"""The limit of annual additions, worked by hand: what is cut, in which order, and what is not."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from plan_cases import CLOSING, NO_CONDITIONS, cell, leaves_on, money_events, person, rows_by, still

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_inputs import Scenario
    from simulation_project import Simulation

CORE_5 = {"core_formula": "flat", "core_rate": "0.05"}
COLUMNS = "contribution_cents // 100, match_cents // 100, core_cents // 100, catch_up_cents // 100"


def limited(room: int, elective: int = 20_000, catch_up: int = 1_000) -> Scenario:
    """Annual additions of at most ``room`` in a scenario of that name."""
    row = (elective, catch_up, catch_up, 300_000, 130_000, room, 140_000)
    return still(f"room_{room}", parameters=CORE_5, irs_limits=[(2022, *row), (2023, *row)])


def test_core_is_cut_first_then_match_then_the_employee(
    simulate: Callable[..., Simulation],
) -> None:
    # 6,000 deferred, 3,000 of match, 5,000 of core: 14,000
    rooms = (14_000, 13_999, 12_000, 9_000, 8_000, 6_000, 5_000, 0)
    scenarios = [limited(room) for room in rooms]
    simulation = simulate([person("E", deferral_rate_e5=6_000)], scenarios, years=[2023])
    found = rows_by(simulation, COLUMNS, 2023, "scenario_id")
    assert [found[f"room_{room}"][:3] for room in rooms] == [
        (6_000, 3_000, 5_000),
        (6_000, 3_000, 4_999),
        (6_000, 3_000, 3_000),
        (6_000, 3_000, 0),
        (6_000, 2_000, 0),
        (6_000, 0, 0),
        (5_000, 0, 0),
        (0, 0, 0),
    ]


def test_each_cut_is_an_event(simulate: Callable[..., Simulation]) -> None:
    simulation = simulate([person("E", deferral_rate_e5=6_000)], [limited(5_000)], years=[2023])
    assert money_events(simulation, "E") == [
        ("contribution", "deferral", 600_000, 500_000),
        # half of 6,000: a match is not recomputed after the employee's cut
        ("match", "simple", 300_000, 0),
        ("core", "flat", 500_000, 0),
        ("limit_cut", "annual_additions_core", 500_000, 0),
        ("limit_cut", "annual_additions_employee", 600_000, 500_000),
        ("limit_cut", "annual_additions_match", 300_000, 0),
    ]
    assert simulation.rows(
        "select employee_contributions_cents, match_cents, core_cents, employer_gross_cents"
        " from fct_plan_cost"
    ) == [(500_000, 0, 0, 0)]


def test_catch_up_is_outside_of_the_limit(simulate: Callable[..., Simulation]) -> None:
    # 6 % is 6,000, of which the limits allow 4,000 and 1,000 of catch-up; half of 5,000 is the
    # match. Without the catch-up that is 4,000 + 2,500 + 5,000 = 11,500.
    rooms = (11_500, 11_499, 5_000, 4_000, 3_000)
    scenarios = [limited(room, elective=4_000) for room in rooms]
    older = person("E", deferral_rate_e5=6_000, birth_date=date(1970, 1, 1))
    simulation = simulate([older], scenarios, years=[2023])
    found = rows_by(simulation, COLUMNS, 2023, "scenario_id")
    assert [found[f"room_{room}"] for room in rooms] == [
        (5_000, 2_500, 5_000, 1_000),
        (5_000, 2_500, 4_999, 1_000),
        (5_000, 1_000, 0, 1_000),
        (5_000, 0, 0, 1_000),
        # what is cut is not of the catch-up
        (4_000, 0, 0, 1_000),
    ]


def test_nobody_is_added_more_than_the_pay(simulate: Callable[..., Simulation]) -> None:
    people = [
        # all of 20,000: nothing is left for the match of 600
        person("100", pay_cents=2_000_000, deferral_rate_e5=100_000),
        # 19,600 and 400 of the 600
        person("98", pay_cents=2_000_000, deferral_rate_e5=98_000),
        # 19,400 and 600: just the pay
        person("97", pay_cents=2_000_000, deferral_rate_e5=97_000),
        # at 50, 20,000 are still below the 22,500 from which on it is catch-up
        person("old", pay_cents=2_000_000, deferral_rate_e5=100_000, birth_date=date(1970, 1, 1)),
        # 25,000 are 22,500 and 2,500 of catch-up; that leaves 2,500 for the match of 750
        person("more", pay_cents=2_500_000, deferral_rate_e5=100_000, birth_date=date(1970, 1, 1)),
    ]
    simulation = simulate(people, [still()], years=[2023])
    found = rows_by(simulation, COLUMNS, 2023)
    assert found == {
        "100": (20_000, 0, 0, 0),
        "98": (19_600, 400, 0, 0),
        "97": (19_400, 600, 0, 0),
        "old": (20_000, 0, 0, 0),
        "more": (25_000, 750, 0, 2_500),
    }


def test_pay_of_the_part_of_a_year_is_the_room_of_a_leaver(
    simulate: Callable[..., Simulation],
) -> None:
    # Gone on 10 January: 10 days of 1,000, all of it deferred, and a match of 300
    leaver = leaves_on(date(2023, 1, 10))
    scenario = still(parameters=CLOSING | NO_CONDITIONS)
    everything = person(leaver, pay_cents=36_500_000, deferral_rate_e5=100_000)
    simulation = simulate([everything], [scenario], years=[2023])
    assert money_events(simulation, leaver) == [
        ("contribution", "deferral", 1_000_000, 1_000_000),
        ("match", "simple", 30_000, 0),
        # the pay of the year is 10,000: no cut of it to 330,000
        ("limit_cut", "annual_additions_match", 30_000, 0),
    ]
    columns = "prorated_pay_cents, match_credited_cents, match_forfeited_cents"
    assert cell(simulation, leaver, columns, 2023) == (1_000_000, 0, 0)
