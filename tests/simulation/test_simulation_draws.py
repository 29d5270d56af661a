"""Draws: the same as hashlib's, spread evenly, and blind to row order, threads and neighbours."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulation_inputs import Scenario
from simulation_project import PROJECT, reference_inputs
from simulation_rules import anniversary, completed_years, draw, rounded, uniform

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_project import Compiled, Simulation

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
bits = st.integers(0, 2**53 - 1) | st.sampled_from([0, 2**52, 2**53 - 1])


@st.composite
def rows(draw: st.DrawFn) -> tuple[str, int, int, int, int, int, date, date]:
    last = date(2025, 2, 1)  # of the days of MACROS_YEAR that years are counted on, the first
    start = draw(
        st.dates(date(1900, 1, 1), last)
        | st.dates(last - timedelta(400), last)
        | st.just(date(2000, 2, 29))
    )
    end = start + timedelta(draw(st.integers(0, 36_600)))
    return (
        draw(text), draw(bits), draw(st.integers(1, 511)), draw(st.integers(0, 10**15)),
        draw(st.integers(0, 2**60)), draw(st.integers(1, 2**60)), start,
        draw(st.sampled_from([end, anniversary(start, end.year)])),
    )  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cases=st.lists(rows(), min_size=1, max_size=20, unique_by=lambda row: row[0]),
    seed=st.integers(-(2**63), 2**63 - 1),
    name=text,
    replicate=st.integers(0, 2**31 - 1),
)
def test_macros_are_what_python_computes(
    compiled: Compiled, cases: list[tuple], seed: int, name: str, replicate: int
) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table scenario as"
            " select ?::bigint as seed, ? as draws, ?::integer as replicate_id",
            [seed, name, replicate],
        )
        connection.execute(
            "create table people (person varchar, k bigint, n bigint, chance_e15 bigint,"
            " numerator hugeint, denominator hugeint, start_date date, end_date date)"
        )
        connection.executemany("insert into people values (?, ?, ?, ?, ?, ?, ?, ?)", cases)
        found = {row[0]: row for row in connection.execute(compiled.macros).fetchall()}
    for person, k, n, chance, numerator, denominator, start, end in cases:
        u = uniform(k)
        assert found[person] == (
            person,
            draw(seed, name, replicate, 2025, "leave", person),
            draw(seed, name, replicate, 0, "raise_month", person),
            [draw(seed, name, replicate, 2025, p, person) for p in ("hire_age", "hire_pay_12")],
            floor(u * n),
            floor(u * 10**6),
            u < Fraction(chance, 10**15),
            rounded(Fraction(numerator, denominator)),
            rounded(Fraction(k * n, 36_500_000)),
            completed_years(start, end),
            completed_years(start, date(2025, 2, 1)),
            completed_years(start, date(2025, 12, 31)),
        )


@pytest.mark.parametrize("purpose", ["leave", "promote"])
def test_draws_are_spread_evenly_and_apart(purpose: str) -> None:
    draws = [draw(42, "baseline", 1, 2025, purpose, f"E{i}") for i in range(20_000)]
    assert len(set(draws)) == len(draws)
    buckets = Counter(k * 20 >> 53 for k in draws)
    # 1,000 in each of 20: chi-square with 19 degrees of freedom stays below 44 in 999 of 1,000
    assert sum((buckets[i] - 1000) ** 2 for i in range(20)) / 1000 < 44
    other = [draw(42, "baseline", 1, 2026, purpose, f"E{i}") for i in range(20_000)]
    both = sum((a >> 52) == (b >> 52) for a, b in zip(draws, other, strict=True))
    assert abs(both - 10_000) < 300


def test_every_purpose_is_listed_for_readers() -> None:
    page = (PROJECT.parent / "docs" / "simulation.md").read_text(encoding="utf-8")
    macro = (PROJECT / "macros" / "draws.sql").read_text(encoding="utf-8")
    listed = macro.split("set purposes = {")[1].split("}")[0]
    purposes = [line.split("'")[1] for line in listed.splitlines() if "'" in line]
    assert len(purposes) == 12
    assert [p for p in [*purposes, "hire_pay_01"] if f"`{p}`" not in page] == []


def test_row_order_and_threads_change_nothing(simulate: Callable[..., Simulation]) -> None:
    people, scenarios = reference_inputs()
    expected = simulate(people, scenarios, threads=1).facts()
    assert simulate(people[::-1], scenarios[::-1], threads=4).facts() == expected


def test_scenarios_of_one_pass_give_what_each_gives_alone(
    simulate: Callable[..., Simulation],
) -> None:
    people, scenarios = reference_inputs()
    together = simulate(people, scenarios)
    for s in scenarios:
        alone = simulate(people, [s]).facts()
        assert alone == together.facts(s.scenario_id, s.replicate_id)


def test_scenarios_that_share_draws_see_the_same_people(
    simulate: Callable[..., Simulation],
) -> None:
    people, _ = reference_inputs()
    plan = {"match_formula": "stretch", "auto_enrollment_scope": "all_eligible"}
    base, shared = Scenario(), Scenario("shared", parameters=plan, draws="baseline")
    other = Scenario("other", parameters=plan)
    simulation = simulate(people, [base, shared, other])
    events = (
        "select simulation_year, employee_id, event_type, effective_date, amount_after_cents"
        " from fct_yearly_events where scenario_id = ?"
        " and event_type in ('hire', 'termination', 'promotion', 'raise') order by all"
    )
    assert simulation.rows(events, "shared") == simulation.rows(events, "baseline")
    assert simulation.rows(events, "other") != simulation.rows(events, "baseline")
    assert simulate(people, [shared]).facts() == simulation.facts("shared", 1)
    named = simulate(people, [Scenario(draws="baseline")])
    assert named.facts() == simulation.facts("baseline", 1)


def test_another_seed_gives_other_people_and_the_same_headcount(
    simulate: Callable[..., Simulation],
) -> None:
    people, _ = reference_inputs()
    one, other = Scenario(), Scenario(seed=43)
    first, second = simulate(people, [one]), simulate(people, [other])
    counts = (
        "select simulation_year, opening, hires, closing, target from fct_headcount order by all"
    )
    assert first.rows(counts) == second.rows(counts)
    leavers = (
        "select employee_id from fct_yearly_events where event_type = 'termination' order by all"
    )
    assert first.rows(leavers) != second.rows(leavers)
    assert first.facts() == simulate(people, [replace(one)]).facts()


def test_one_person_more_does_not_change_anybody_elses_draws(
    simulate: Callable[..., Simulation],
) -> None:
    people, scenarios = reference_inputs()
    newcomer = replace(people[50], employee_id="newcomer")
    months = (
        "select employee_id, raise_month from base_workforce"
        " where employee_id <> 'newcomer' order by all"
    )
    before = simulate(people, scenarios[:1], years=()).rows(months)
    assert simulate([*people, newcomer], scenarios[:1], years=()).rows(months) == before
