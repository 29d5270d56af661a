"""The replay takes any year: pay and rates that change on any days, against a loop over days."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation_inputs import Person, Scenario
from simulation_project import Simulation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulation_project import Compiled

YEAR = 2024
DAYS = [date(YEAR, 1, 1) + timedelta(n) for n in range(366)]
SEQUENCE = {"escalation": 15, "promotion": 20, "raise": 30, "enrollment": 50, "opt_out": 60}
CENSUS_PAY = 7_300_001
CENSUS_RATE = 5_000


@dataclass(frozen=True)
class Change:
    """A new pay in cents, or a new deferral rate in 1e-5, from a day of the year on."""

    kind: str
    day: date
    pay_cents: int | None
    rate_e5: int | None


@dataclass(frozen=True)
class History:
    """The year of one person: hired in it or not, leaving in it or not, and what changes."""

    hired: date | None
    terminated: date | None
    changes: tuple[Change, ...]


@st.composite
def histories(draw: st.DrawFn) -> History:
    hired = draw(st.none() | st.sampled_from(DAYS))
    first = hired or DAYS[0]
    terminated = draw(st.none() | st.sampled_from([day for day in DAYS if day >= first]))
    days = st.sampled_from([d for d in DAYS if first <= d <= (terminated or DAYS[-1])])
    # A year brings one event of a kind, one election, and the opt-out not before it.
    kinds = draw(st.sets(st.sampled_from(["promotion", "raise"])))
    kinds_and_days = [(kind, draw(days)) for kind in sorted(kinds)]
    elections = draw(st.sampled_from([[], ["enrollment"], ["escalation"]]))
    elections += draw(st.sampled_from([[], ["opt_out"]]))
    kinds_and_days += zip(elections, sorted(draw(days) for _ in elections), strict=True)
    pay = st.integers(1, 10**12)
    rate = st.integers(0, 100_000)
    return History(
        hired,
        terminated,
        tuple(
            Change(kind, day, draw(pay), None)
            if kind in ("promotion", "raise")
            else Change(kind, day, None, draw(rate))
            for kind, day in sorted(kinds_and_days, key=lambda c: (c[1], SEQUENCE[c[0]]))
        ),
    )


def by_days(history: History) -> tuple[int, int | None, int, int]:
    """Pay and rate at the end, prorated pay and contribution, by a loop over days."""
    pay = CENSUS_PAY
    rate = None if history.hired else CENSUS_RATE
    prorated = deferred = Fraction(0)
    for day in DAYS:
        for change in history.changes:
            if change.day == day:
                pay = change.pay_cents or pay
                rate = rate if change.rate_e5 is None else change.rate_e5
        if (history.hired or day) <= day <= (history.terminated or day):
            prorated += Fraction(pay, len(DAYS))
            deferred += Fraction(pay * (rate or 0), len(DAYS) * 100_000)
    half_up = [int(amount + Fraction(1, 2)) for amount in (prorated, deferred)]
    return pay, rate, half_up[0], half_up[1]


def events(employee: str, history: History) -> list[tuple[object, ...]]:
    """The ledger of a person: type, date, sequence, pay, level and rate before and after."""
    rows: list[tuple[object, ...]] = []
    pay, rate = CENSUS_PAY, None if history.hired else CENSUS_RATE
    if history.hired:
        rows.append((employee, "hire", history.hired, 10, None, pay, None, 1, None, None))
    for c in history.changes:
        key = (employee, c.kind, c.day, SEQUENCE[c.kind])
        if c.pay_cents is None:
            rows.append((*key, None, None, None, None, rate, c.rate_e5))
            rate = c.rate_e5
        else:
            rows.append((*key, pay, c.pay_cents, 1, 1, None, None))
            pay = c.pay_cents
    if history.terminated:
        end = (employee, "termination", history.terminated, 90)
        rows.append((*end, pay, None, 1, None, None, None))
    return rows


def replay(simulation: Simulation) -> str:
    """The replay as a CTE: check_year begins with it, and what it does with it is cut off."""
    return (
        simulation.compiled.years[YEAR]["check_year"].split("), snapshot as not materialized (")[0]
        + ")"
    )


@pytest.fixture(scope="module")
def census(compiled: Compiled) -> Iterator[Simulation]:
    """Eight people of the census, who defer, and the foundation."""
    people = [
        Person(f"C{n}", date(1980, 1, 1), date(2010, 1, 1), CENSUS_PAY, 1, CENSUS_RATE)
        for n in range(8)
    ]
    scenario = Scenario(first_year=YEAR, census_date=date(YEAR - 1, 12, 31))
    simulation = Simulation(compiled, people, [scenario]).foundation()
    yield simulation
    simulation.close()


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(histories(), min_size=8, max_size=8))
def test_any_ledger_gives_the_pay_and_the_contribution_of_its_days(
    census: Simulation, drawn: list[History]
) -> None:
    people = {f"H{n}" if h.hired else f"C{n}": h for n, h in enumerate(drawn)}
    census.rows("delete from fct_yearly_events")
    rows = [row for name, history in people.items() for row in events(name, history)]
    if rows:
        census.connection.executemany(
            "insert into fct_yearly_events (scenario_id, replicate_id, simulation_year,"
            " employee_id, event_type, effective_date, event_sequence, amount_before_cents,"
            " amount_after_cents, level_before, level_after, rate_before_e5, rate_after_e5)"
            f" values ('baseline', 1, {YEAR}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    found = {
        name: (*figures, status == "terminated", links)
        for name, *figures, status, links in census.rows(
            f"{replay(census)} select employee_id, annual_pay_rate_cents, deferral_rate_e5,"
            " prorated_pay_cents, recomputed_contribution_cents, employment_status,"
            " broken_links + repeated_events"
            " from __dbt__cte__int_ledger_replay"
        )
    }
    for name, history in people.items():
        assert found.pop(name) == (*by_days(history), history.terminated is not None, 0)
    # The others of the census have no event: their year is one span.
    assert set(found.values()) <= {(*by_days(History(None, None, ())), False, 0)}


def test_every_column_of_the_replay_is_as_documented(census: Simulation) -> None:
    manifest = census.compiled.database.parent / "target" / "manifest.json"
    nodes = json.loads(manifest.read_text())["nodes"]
    found = census.rows(f"describe {replay(census)} from __dbt__cte__int_ledger_replay")
    documented = nodes["model.planwise_simulation.int_ledger_replay"]["columns"]
    assert [name for name, *_ in found] == list(documented)
