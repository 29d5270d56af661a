"""What forfeitures do over three years, worked by hand: reduce, expenses and reallocate.

One person leaves on the last day of 2023 and forfeits 3,000.00 of core contributions; the others
stay. Nobody defers, so core is all there is.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from plan_cases import CLOSING, leaves_on, money_events, one_leaver, person, rows_by, still

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_inputs import Person, Scenario
    from simulation_project import Simulation

YEARS = (2023, 2024, 2025)
GIVER = leaves_on(date(2023, 12, 31))
COST = (
    "core_cents, forfeited_cents, forfeitures_available_cents, forfeitures_used_cents,"
    " forfeitures_carried_cents, employer_gross_cents, net_employer_cost_cents, reallocated_cents"
)


def giver(cents: int = 10_000_000) -> Person:
    """Leaves with two years of service, before a cliff of three."""
    return person(GIVER, pay_cents=cents, hire_date=date(2021, 7, 10))


def stayer(name: str, cents: int, **changes: object) -> Person:
    """Of a level that nobody leaves from."""
    return person(name, pay_cents=cents, job_level=2, **changes)


def policy(name: str, people: int, **changes: object) -> Scenario:
    """3 % of core for everybody, and one leaver of so many people."""
    parameters = one_leaver(people) | {
        "core_formula": "flat", "core_rate": "0.03", "core_vesting": "cliff_3",
        "core_last_day": "none", "core_hours": "none", "forfeiture_policy": name,
    }  # fmt: skip
    return still(name, parameters=parameters | changes.pop("parameters", {}), **changes)


def costs(simulation: Simulation) -> list[tuple]:
    """The columns of COST, a row a year, in whole currency units where they are whole."""
    rows = simulation.rows(f"select {COST} from fct_plan_cost order by simulation_year")
    return [tuple(cents // 100 if cents % 100 == 0 else cents / 100 for cents in r) for r in rows]


def test_reduce_lowers_the_cost_and_carries_the_rest(simulate: Callable[..., Simulation]) -> None:
    people = [giver(), stayer("A", 6_000_000), stayer("B", 3_000_000)]
    simulation = simulate(people, [policy("reduce", 3)], years=YEARS)
    assert costs(simulation) == [
        # 3,000 + 1,800 + 900
        (5_700, 3_000, 0, 0, 0, 5_700, 5_700, 0),
        # more than the 2,700 of the year: the cost is nothing, and 300 are left
        (2_700, 0, 3_000, 2_700, 300, 2_700, 0, 0),
        (2_700, 0, 300, 300, 0, 2_700, 2_400, 0),
    ]
    # 5,700 of a payroll of 190,000 is 3 %; then nothing, then 2,400 of 90,000: 2.66667 %
    assert simulation.rows(
        "select headcount, payroll_cents // 100, net_cost_share_e5 from fct_plan_cost"
        " order by simulation_year"
    ) == [(2, 190_000, 3_000), (2, 90_000, 0), (2, 90_000, 2_667)]


def test_expenses_take_all_and_leave_the_cost(simulate: Callable[..., Simulation]) -> None:
    people = [giver(), stayer("A", 6_000_000), stayer("B", 3_000_000)]
    simulation = simulate(people, [policy("expenses", 3)], years=YEARS)
    assert costs(simulation) == [
        (5_700, 3_000, 0, 0, 0, 5_700, 5_700, 0),
        (2_700, 0, 3_000, 3_000, 0, 2_700, 2_700, 0),
        (2_700, 0, 0, 0, 0, 2_700, 2_700, 0),
    ]


def test_reallocate_shares_by_pay(simulate: Callable[..., Simulation]) -> None:
    people = [giver(), stayer("A", 6_000_000), stayer("B", 3_000_000)]
    simulation = simulate(people, [policy("reallocate", 3)], years=YEARS)
    assert costs(simulation) == [
        (5_700, 3_000, 0, 0, 0, 5_700, 5_700, 0),
        (2_700, 0, 3_000, 3_000, 0, 2_700, 2_700, 3_000),
        (2_700, 0, 0, 0, 0, 2_700, 2_700, 0),
    ]
    # two thirds and one third; not of what is credited by the employer and may be forfeited
    columns = "reallocated_cents, core_cents, core_credited_cents"
    assert rows_by(simulation, columns, 2024) == {
        "A": (200_000, 180_000, 360_000),
        "B": (100_000, 90_000, 180_000),
    }
    assert money_events(simulation, "A", 2024) == [
        ("core", "flat", 180_000, 180_000),
        ("reallocation", "by_pay", 200_000, 200_000),
    ]


def test_the_last_cents_go_to_the_largest_remainder(simulate: Callable[..., Simulation]) -> None:
    # 3 % of 33,333.67 is 1,000.0101: 100,001 cents to share
    pool = giver(3_333_367)
    # 7, 2 and 1 tenths: 70,000.7, 20,000.2 and 10,000.1
    tenths = [stayer("A", 1_000_000), stayer("B", 2_000_000), stayer("C", 7_000_000)]
    # three equal parts of 33,333.67: two cents are left, for the smaller ids
    thirds = [stayer(name, 5_000_000) for name in "CAB"]
    found = []
    for people in (tenths, thirds):
        simulation = simulate([pool, *people], [policy("reallocate", 4)], years=YEARS[:2])
        shares = rows_by(simulation, "reallocated_cents", 2024)
        found.append([shares[name] for name in "ABC"])
    assert found == [[10_000, 20_000, 70_001], [33_334, 33_334, 33_333]]


def test_pay_counts_up_to_the_compensation_limit(simulate: Callable[..., Simulation]) -> None:
    # 2024: 345,000 of the 690,000, to 34,500: ten to one of 3,300.00, which are 3 % of 110,000
    people = [giver(11_000_000), stayer("A", 69_000_000), stayer("B", 3_450_000)]
    simulation = simulate(people, [policy("reallocate", 3)], years=YEARS[:2])
    assert rows_by(simulation, "reallocated_cents", 2024) == {"A": 300_000, "B": 30_000}


def test_with_nobody_to_give_to_it_is_carried(simulate: Callable[..., Simulation]) -> None:
    # 3 % below 3 years of service; the others have 3 in 2023 and 4 in 2024, which get nothing,
    # and in 2025 2 % again
    tiers = [(0, 3, "0.03"), (3, 5, "0"), (5, 999, "0.02")]
    scenario = policy("reallocate", 3, parameters={"core_formula": "service"}, core_tiers=tiers)
    people = [giver(), *(stayer(n, 5_000_000, hire_date=date(2020, 6, 1)) for n in "AB")]
    simulation = simulate(people, [scenario], years=YEARS)
    assert costs(simulation) == [
        (3_000, 3_000, 0, 0, 0, 3_000, 3_000, 0),
        (0, 0, 3_000, 0, 3_000, 0, 0, 0),
        (2_000, 0, 3_000, 3_000, 0, 2_000, 2_000, 3_000),
    ]
    assert rows_by(simulation, "reallocated_cents", 2025) == {"A": 150_000, "B": 150_000}


def test_who_gets_no_employer_money_gets_no_share(simulate: Callable[..., Simulation]) -> None:
    # A match instead of the core for the two who stay: only A defers, so all of it is A's.
    # B's contribution of 0 is none.
    parameters = {"core_formula": "points"}
    tiers = [(0, 50, "0.03"), (50, 999, "0")]
    old = {"birth_date": date(1960, 1, 1)}
    people = [
        giver(),
        stayer("A", 5_000_000, deferral_rate_e5=2_000, **old),
        stayer("B", 5_000_000, deferral_rate_e5=0, **old),
    ]
    scenario = policy("reallocate", 3, parameters=parameters, core_tiers=tiers)
    simulation = simulate(people, [scenario], years=YEARS[:2])
    columns = "match_cents, core_cents, reallocated_cents"
    assert rows_by(simulation, columns, 2024) == {"A": (50_000, 0, 300_000), "B": (0, 0, 0)}


def test_shares_fill_the_annual_additions_first(simulate: Callable[..., Simulation]) -> None:
    # 2,000 of A's share are 500 above the limit: 1,500 are given, and nothing of A's core of 1,800
    # fits. B gets its 1,000, and 500 of its core of 900. In 2025 500 are shared 333.33 and
    # 166.67: of A's core 1,166.67 fit, of B's all but 900 + 166.67 is below 1,500.
    limits = [
        (year, 20_000, 7_500, 7_500, 300_000, 130_000, room, 140_000)
        for year, room in ((2022, 60_000), (2023, 60_000), (2024, 1_500), (2025, 1_500))
    ]
    people = [giver(), stayer("A", 6_000_000), stayer("B", 3_000_000)]
    simulation = simulate(people, [policy("reallocate", 3, irs_limits=limits)], years=YEARS)
    assert costs(simulation) == [
        (5_700, 3_000, 0, 0, 0, 5_700, 5_700, 0),
        (500, 0, 3_000, 2_500, 500, 500, 500, 2_500),
        (2_066.67, 0, 500, 500, 0, 2_066.67, 2_066.67, 500),
    ]
    columns = "reallocated_cents, core_cents"
    assert rows_by(simulation, columns, 2024) == {"A": (150_000, 0), "B": (100_000, 50_000)}
    assert rows_by(simulation, columns, 2025) == {"A": (33_333, 116_667), "B": (16_667, 90_000)}
    assert money_events(simulation, "A", 2024) == [
        ("core", "flat", 180_000, 0),
        ("reallocation", "by_pay", 200_000, 150_000),
        ("limit_cut", "annual_additions_core", 180_000, 0),
    ]


def test_a_pool_that_the_last_leavers_left_is_carried_by_nobody(
    simulate: Callable[..., Simulation],
) -> None:
    # Everybody left in 2023: 3,000 are available in 2024, without pay, people or cost
    names = ("reduce", "expenses", "reallocate")
    scenarios = [policy(name, 3, parameters=CLOSING) for name in names]
    simulation = simulate([giver()], scenarios, years=YEARS[:2])
    assert simulation.rows(
        "select scenario_id, headcount, payroll_cents, forfeitures_available_cents,"
        " forfeitures_used_cents, forfeitures_carried_cents, net_employer_cost_cents,"
        " net_cost_share_e5, participation_rate_e5, average_deferral_e5"
        " from fct_plan_cost where simulation_year = 2024 order by scenario_id"
    ) == [
        ("expenses", 0, 0, 300_000, 300_000, 0, 0, 0, 0, 0),
        ("reallocate", 0, 0, 300_000, 0, 300_000, 0, 0, 0, 0),
        ("reduce", 0, 0, 300_000, 0, 300_000, 0, 0, 0, 0),
    ]
