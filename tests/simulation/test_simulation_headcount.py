"""How many leave and are hired, against exact fractions and the worked cases."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from simulation_inputs import Scenario
from simulation_project import Simulation
from simulation_rules import headcount, largest_remainder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulation_project import Compiled

PLAN = [
    "opening", "target", "leavers_hired_last_year", "experienced_leavers", "hires",
    "new_hire_leavers", "reduction_in_force",
]  # fmt: skip


@pytest.fixture(scope="module")
def empty(compiled: Compiled) -> Iterator[Simulation]:
    simulation = Simulation(compiled, [], [Scenario()]).foundation()
    yield simulation
    simulation.close()


def plan(simulation: Simulation, cases: list[tuple[int, int, str, str, str]]) -> list[dict]:
    """What the model of the headcount makes of (N, P, g, t, n), each a scenario of one pass."""
    run = simulation.connection.execute
    run("create or replace table main.dim_scenario (scenario_id varchar, replicate_id integer,"
        " first_year integer, growth_rate_e5 bigint, termination_rate_e5 bigint,"
        " first_year_termination_rate_e5 bigint, hire_level_shares varchar)")  # fmt: skip
    run("create or replace table main.int_opening_workforce"
        " (scenario_id varchar, replicate_id integer, employee_id varchar,"
        " hired_last_year boolean)")  # fmt: skip
    for i, (opening, last_year, *given_rates) in enumerate(cases):
        rates = [int(Decimal(rate) * 100_000) for rate in given_rates]
        run(
            "insert into main.dim_scenario values (?, 1, 2023, ?, ?, ?, 'census')",
            [f"s{i}", *rates],
        )
        run("insert into main.int_opening_workforce"
            " select ?, 1, 'E' || p, p < ? from range(?) as people(p)",
            [f"s{i}", last_year, opening])  # fmt: skip
    simulation.model(2025, "int_headcount_plan")
    found = simulation.rows(f"select scenario_id, {', '.join(PLAN)} from main.int_headcount_plan")
    by_scenario = {row[0]: dict(zip(PLAN, row[1:], strict=True)) for row in found}
    return [by_scenario[f"s{i}"] for i in range(len(cases))]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ((1000, 0, "0.03", "0.12", "0.25"), (1030, 120, 200, 50)),
        ((1000, 150, "0.03", "0.12", "0.25"), (1030, 139, 226, 57)),
        ((50, 0, "0.03", "0.12", "0.25"), (52, 6, 11, 3)),
        # where doubles fail
        ((100, 0, "0", "0.29", "0.25"), (100, 29, 39, 10)),
        ((1, 0, "0", "1", "0.9"), (1, 1, 10, 9)),
        # nobody, everybody, and half rounded up
        ((0, 0, "0.03", "0.12", "0.25"), (0, 0, 0, 0)),
        ((10, 10, "-0.99999", "1", "0.98"), (0, 9, 0, 0)),
        ((50, 0, "0.01", "0", "0"), (51, 0, 1, 0)),
    ],
)
def test_headcount_of_the_worked_cases(empty: Simulation, case: tuple, expected: tuple) -> None:
    (found,) = plan(empty, [case])
    names = ("target", "experienced_leavers", "hires", "new_hire_leavers")
    assert tuple(found[name] for name in names) == expected


def e5(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda i: str(Decimal(i).scaleb(-5)))


people_and_recent = st.integers(0, 3000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
headcount_case = st.tuples(
    people_and_recent, e5(-99_999, 300_000), e5(0, 100_000), e5(0, 98_000)
).map(lambda c: (*c[0], *c[1:]))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases=st.lists(headcount_case, min_size=1, max_size=12))
@example(cases=[(3000, 3000, "3", "1", "0.98"), (1, 1, "-0.99999", "0", "0")])
def test_headcount_is_that_of_exact_fractions(empty: Simulation, cases: list) -> None:
    for case, found in zip(cases, plan(empty, cases), strict=True):
        opening, last_year, *rates = case
        expected = headcount(opening, last_year, *(Fraction(rate) for rate in rates))
        assert found == {"opening": opening, **expected}
        leaving = found["experienced_leavers"] + found["reduction_in_force"]
        closing = opening - leaving + found["hires"] - found["new_hire_leavers"]
        assert closing == found["target"]
        assert 0 <= found["leavers_hired_last_year"] <= last_year
        rest = found["experienced_leavers"] - found["leavers_hired_last_year"]
        assert 0 <= rest <= opening - last_year
        assert leaving <= opening
        # No hire of 31 December has to be taken for a leaver: so many are hired by 30 December.
        by_30_december = sum(
            1
            for k in range(1, found["hires"] + 1)
            if (2 * k - 1) * 365 // (2 * found["hires"]) < 364
        )
        assert found["new_hire_leavers"] <= by_30_december


def dealt(simulation: Simulation, hires: int, shares: list[int]) -> list[int]:
    run = simulation.connection.execute
    run("create or replace table main.int_headcount_plan as"
        " select 's' as scenario_id, 1 as replicate_id, ?::bigint as hires,"
        " 'census' as hire_level_shares", [hires])  # fmt: skip
    run("create or replace table main.int_opening_workforce"
        " (scenario_id varchar, replicate_id integer, job_level integer)")  # fmt: skip
    run("create or replace table main.dim_hire_level_share"
        " (scenario_id varchar, replicate_id integer, level integer,"
        " headcount bigint)")  # fmt: skip
    for level, share in enumerate(shares, start=1):
        run("insert into main.dim_hire_level_share values ('s', 1, ?, ?)", [level, share])
    simulation.model(2025, "int_hires_by_level")
    rows = simulation.rows("from main.int_hires_by_level order by level")
    places = [place for row in rows for place in range(row[5], row[6] + 1)]
    assert places == list(range(1, hires + 1))
    return [row[4] for row in rows]


def test_largest_remainder_of_the_worked_case(empty: Simulation) -> None:
    assert dealt(empty, 200, [600, 250, 100, 40, 10]) == [120, 50, 20, 8, 2]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(hires=st.integers(1, 2000), shares=st.lists(st.integers(0, 50), min_size=1, max_size=6))
@example(hires=1, shares=[1, 1, 1])
def test_largest_remainder(empty: Simulation, hires: int, shares: list[int]) -> None:
    if any(shares):
        assert dealt(empty, hires, shares) == largest_remainder(hires, shares)
