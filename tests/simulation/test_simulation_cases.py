"""Worked cases of the workforce, and the edges that the rules name."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pytest
from simulation_inputs import Band, Level, Person, Scenario
from simulation_project import Simulation
from simulation_rules import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulation_project import Compiled

WORKFORCE = "event_type in ('hire', 'termination', 'promotion', 'raise')"
"""Condition for the events of the workforce; those of the plan have tests of their own."""
MONEY = ("contribution", "match", "core", "reallocation", "limit_cut", "forfeiture")
QUIET = {"promotion_dial": "0"}
STILL = QUIET | {
    "growth_rate": "0", "termination_rate": "0", "first_year_termination_rate": "0",
}  # fmt: skip


def person(number: int, **changes: object) -> Person:
    """Somebody unremarkable: born in 1985, hired in 2015, staff pay."""
    plain = Person(f"E{number:05d}", date(1985, 6, 15), date(2015, 3, 1), 6_000_000)
    return replace(plain, **changes)


@pytest.mark.parametrize(
    ("pay", "level"),
    [
        (30_000, 1), (80_500, 1), (80_600, 2), (280_000, 4), (600_000, 5),
        (56_000, 1), (80_000, 1), (120_000, 2), (300_000, 5), (300_000.01, 5), (299_999.99, 4),
    ],
)  # fmt: skip
def test_level_of_a_pay_without_one(
    simulate: Callable[..., Simulation], pay: float, level: int
) -> None:
    people = [person(1, pay_cents=round(pay * 100))]
    simulation = simulate(people, [Scenario()], years=())
    rows = simulation.rows("select job_level, level_source from base_workforce")
    assert rows == [(level, "assumed")]


@pytest.mark.parametrize(("year", "prorated"), [(2025, 6_271_233), (2024, 6_270_492)])
def test_raise_on_1_april(simulate: Callable[..., Simulation], year: int, prorated: int) -> None:
    levels = [
        Level(1, Decimal(56000), Decimal(80000), Decimal("0.035"), Decimal("0.3")),
        Level(2, Decimal(81000), Decimal(120000), Decimal("0.015"), Decimal("0.4")),
    ]
    scenario = Scenario(
        first_year=year, census_date=date(year - 1, 12, 31), parameters=STILL, levels=levels,
        raise_months=[(4, Decimal(1))],
    )  # fmt: skip
    simulation = simulate([person(1)], [scenario], years=[year])
    assert simulation.rows(
        "select annual_pay_rate_cents, prorated_pay_cents, full_year_equivalent_cents"
        " from fct_workforce_snapshot"
    ) == [(6_360_000, prorated, 6_360_000)]


def test_no_raise_before_a_year_of_service(simulate: Callable[..., Simulation]) -> None:
    scenario = Scenario(parameters=STILL, raise_months=[(3, Decimal(1))])
    hired = [date(2022, 3, 1), date(2022, 3, 2), date(2020, 2, 29)]
    people = [person(i, hire_date=day) for i, day in enumerate(hired)]
    simulation = simulate(people, [scenario], years=[2023])
    rows = simulation.rows(
        f"select event_type, employee_id from fct_yearly_events where {WORKFORCE} order by all"
    )
    assert rows == [("raise", "E00000"), ("raise", "E00002")]


def test_promotion_comes_before_a_raise_of_the_same_day(
    simulate: Callable[..., Simulation],
) -> None:
    sure = STILL | {
        "promotion_dial": "1000", "promotion_raise": "0.2", "promotion_raise_spread": "0",
    }  # fmt: skip
    scenario = Scenario(parameters=sure, raise_months=[(2, Decimal(1))])
    simulation = simulate([person(1, pay_cents=7_500_000)], [scenario], years=[2023])
    assert simulation.rows(
        "select event_type, effective_date, amount_before_cents, amount_after_cents, level_before,"
        f" level_after from fct_yearly_events where {WORKFORCE}"
        " order by effective_date, event_sequence"
    ) == [
        ("promotion", date(2023, 2, 1), 7_500_000, 9_000_000, 1, 2),
        # 9,000,000 * (1 + .015 + .025): the merit of the level held on the day
        ("raise", date(2023, 2, 1), 9_000_000, 9_360_000, 2, 2),
    ]


def test_a_january_raise_comes_before_the_promotion(simulate: Callable[..., Simulation]) -> None:
    sure = STILL | {"promotion_dial": "1000", "promotion_raise_spread": "0"}
    scenario = Scenario(parameters=sure, raise_months=[(1, Decimal(1))])
    simulation = simulate([person(1, pay_cents=7_500_000)], [scenario], years=[2023])
    # 75,000 * (1 + .01 + .025) = 77,625; * 1.2 = 93,150
    assert simulation.rows(
        f"select event_type, amount_after_cents from fct_yearly_events where {WORKFORCE}"
        " order by effective_date"
    ) == [("raise", 7_762_500), ("promotion", 9_315_000)]
    days = 31 * 7_762_500 + (365 - 31) * 9_315_000
    prorated = simulation.rows("select prorated_pay_cents from fct_workforce_snapshot")
    assert prorated == [((2 * days + 365) // 730,)]


def test_pay_that_a_cap_leaves_below_the_new_band_is_flagged(
    simulate: Callable[..., Simulation],
) -> None:
    sure = STILL | {"promotion_dial": "1000", "promotion_raise_spread": "0"}
    scenario = Scenario(parameters=sure, raise_months=[(12, Decimal(1))])
    people = [person(1, pay_cents=5_000_000), person(2, pay_cents=6_500_000)]
    simulation = simulate(people, [scenario], years=[2023])
    rows = simulation.rows(
        "select e.amount_after_cents, e.reason, s.below_band from fct_yearly_events as e"
        " join fct_workforce_snapshot as s using (employee_id)"
        " where event_type = 'promotion' order by employee_id"
    )
    # 50,000 may rise by 30 % to 65,000, below 81,000; 65,000 is lifted from 78,000 to 81,000
    assert rows == [(6_500_000, "below_band", True), (8_100_000, "promotion", False)]


def test_nobody_is_promoted_from_the_highest_level(simulate: Callable[..., Simulation]) -> None:
    levels = [replace(LEVELS[0], merit=Decimal(0), percentile=Decimal(0))]
    scenario = Scenario(parameters=STILL | {"promotion_dial": "1000"}, levels=levels)
    simulation = simulate([person(1)], [scenario])
    kinds = simulation.rows(f"select distinct event_type from fct_yearly_events where {WORKFORCE}")
    assert kinds == [("raise",)]


def test_promotion_ends_at_the_birthday_of_its_limit(simulate: Callable[..., Simulation]) -> None:
    born = [date(1958, 2, 1), date(1958, 2, 2)]
    people = [person(i, birth_date=day) for i, day in enumerate(born)]
    sure = Scenario(parameters=STILL | {"promotion_dial": "1000"})
    simulation = simulate(people, [sure], years=[2023])
    promoted = "select employee_id from fct_yearly_events where event_type = 'promotion'"
    assert simulation.rows(promoted) == [("E00001",)]


def test_nothing_else_happens_on_the_termination_date(simulate: Callable[..., Simulation]) -> None:
    parameters = {"promotion_dial": "1000", "growth_rate": "-0.99", "termination_rate": "1"}
    scenario = Scenario(parameters=parameters, raise_months=[(2, Decimal(1))])
    simulation = simulate([person(i) for i in range(1500)], [scenario], years=[2023])
    events: dict[date, set[tuple[str, ...]]] = {}
    for day, kinds in simulation.rows(
        "select max(effective_date) filter (event_type = 'termination') as day,"
        " list(event_type order by event_type)"
        f" from fct_yearly_events where {WORKFORCE} group by employee_id"
    ):
        events.setdefault(day, set()).add(tuple(kinds))
    assert events[date(2023, 2, 1)] == {("termination",)}
    assert events[date(2023, 2, 2)] == {("promotion", "raise", "termination")}
    # Of the plan, only money that is booked for the whole time of employment.
    on_the_day = simulation.rows(
        "select distinct e.event_type from fct_yearly_events as e"
        " join fct_yearly_events as t using (employee_id, effective_date)"
        " where t.event_type = 'termination'"
    )
    assert {kind for (kind,) in on_the_day} <= {"termination", *MONEY}


def test_last_years_hires_of_a_census_of_29_february(simulate: Callable[..., Simulation]) -> None:
    hired = [date(2019, 2, 28), date(2019, 3, 1), date(2020, 2, 29)]
    people = [person(i, hire_date=day) for i, day in enumerate(hired)]
    simulation = simulate(people, [Scenario(census_date=date(2020, 2, 29))], years=[2023])
    rows = simulation.rows(
        "select employee_id from int_opening_workforce where hired_last_year order by all"
    )
    assert rows == [("E00001",), ("E00002",)]


@pytest.fixture(scope="module")
def turnover(compiled: Compiled) -> Iterator[Simulation]:
    """1,500 people who all leave within the year and are replaced."""
    people = [person(i) for i in range(1500)]
    parameters = QUIET | {"growth_rate": "0", "termination_rate": "1"}
    scenario = Scenario(parameters=parameters, raise_months=[(1, Decimal(1))])
    simulation = Simulation(compiled, people, [scenario]).foundation().year(2023)
    yield simulation
    simulation.close()


def test_who_leaves_on_31_december_is_paid_for_it_and_not_in_the_closing(
    turnover: Simulation,
) -> None:
    rows = turnover.rows(
        "select employment_status, prorated_pay_cents, annual_pay_rate_cents"
        " from fct_workforce_snapshot"
        " where termination_date = date '2023-12-31' and detailed_status = 'experienced_terminated'"
    )
    assert rows
    assert {(status, paid == rate) for status, paid, rate in rows} == {("terminated", True)}
    assert turnover.rows("select opening, experienced_leavers, closing from fct_headcount") == [
        (1500, 1500, 1500)
    ]


def test_who_leaves_on_1_january_is_paid_a_day_and_gets_no_raise_of_that_day(
    turnover: Simulation,
) -> None:
    rows = turnover.rows(
        "select prorated_pay_cents, annual_pay_rate_cents from fct_workforce_snapshot"
        " where termination_date = date '2023-01-01'"
    )
    assert set(rows) == {((2 * 6_000_000 + 365) // 730, 6_000_000)}


def test_hires_span_the_year_and_those_of_31_december_do_not_leave(turnover: Simulation) -> None:
    first, last, of_the_last_day, leaving = turnover.rows(
        "select min(hire_date), max(hire_date), count(*) filter (hire_date = date '2023-12-31'),"
        " count(*) filter (hire_date = date '2023-12-31' and termination_date is not null)"
        " from fct_workforce_snapshot where detailed_status like 'new_hire%'"
    )[0]
    assert (first, last) == (date(2023, 1, 1), date(2023, 12, 31))
    assert (of_the_last_day > 0, leaving) == (True, 0)


def test_leaving_days_are_spread_over_the_year(turnover: Simulation) -> None:
    months = Counter(
        month
        for (month,) in turnover.rows(
            "select month(termination_date) from fct_workforce_snapshot"
            " where detailed_status = 'experienced_terminated'"
        )
    )
    # 1,500 over 12 months: 125 each, standard deviation 11
    assert set(months) == set(range(1, 13))
    assert all(75 < count < 175 for count in months.values())


def test_no_people_give_zeros(simulate: Callable[..., Simulation]) -> None:
    simulation = simulate([], [Scenario()])
    counts = simulation.rows("select * exclude (scenario_id, replicate_id) from fct_headcount")
    assert sorted(counts) == [(year, *[0] * 11) for year in (2023, 2024, 2025)]
    assert simulation.rows("select count(*) from fct_yearly_events") == [(0,)]
    levels = simulation.rows("select sum(closing), count(*) from fct_headcount_by_level")
    assert levels == [(0, 15)]


def test_an_employer_that_shrinks_to_nothing(simulate: Callable[..., Simulation]) -> None:
    parameters = {
        "growth_rate": "-0.9",
        "termination_rate": "0",
        "first_year_termination_rate": "0",
    }
    simulation = simulate([person(i) for i in range(5)], [Scenario(parameters=parameters)])
    rows = simulation.rows(
        "select opening, reduction_in_force, closing from fct_headcount order by simulation_year"
    )
    assert rows == [(5, 4, 1), (1, 1, 0), (0, 0, 0)]


def test_without_weight_people_leave_last_and_by_id(simulate: Callable[..., Simulation]) -> None:
    bands = [("young", 0, 30, 1), ("old", 30, 999, 0)]
    scenario = Scenario(
        parameters={"growth_rate": "0", "termination_rate": "0.5"},
        age_bands=[Band(n, a, b, Decimal(m), Decimal(1)) for n, a, b, m in bands],
    )
    young = [person(i, birth_date=date(1999, 1, 1)) for i in (8, 9)]
    people = [person(i) for i in (3, 4, 5, 6)] + young
    simulation = simulate(people, [scenario], years=[2023])
    assert simulation.rows(
        "select employee_id from int_experienced_leavers order by employee_id"
    ) == [("E00003",), ("E00008",), ("E00009",)]


def test_bands_grow_by_the_cola_to_the_cent_each_year(simulate: Callable[..., Simulation]) -> None:
    levels = [Level(1, Decimal("100.01"), Decimal("200.03"), Decimal(0), Decimal(0))]
    scenario = Scenario(parameters=STILL | {"cola_rate": "0.005"}, levels=levels)
    simulation = simulate([person(1)], [scenario])
    # 100.01, 100.51005, 101.01255 and 200.03, 201.03015, 202.03515
    assert simulation.rows("select min_pay_cents, max_pay_cents from int_pay_band") == [
        (10101, 20204)
    ]


def test_a_year_without_the_one_before_it_is_an_error(simulate: Callable[..., Simulation]) -> None:
    simulation = simulate([person(1)], [Scenario()], years=[2023])
    with pytest.raises(duckdb.InvalidInputException, match="year 2025 needs year 2024"):
        simulation.year(2025)


def test_scenarios_start_in_their_own_years(simulate: Callable[..., Simulation]) -> None:
    early, late = Scenario("early"), Scenario("late", first_year=2025)
    simulation = simulate([person(i) for i in range(30)], [early, late])
    rows = simulation.rows(
        "select scenario_id, simulation_year, opening from fct_headcount order by all"
    )
    assert rows == [
        ("early", 2023, 30),
        ("early", 2024, 31),
        ("early", 2025, 32),
        ("late", 2025, 30),
    ]


def test_running_a_year_again_changes_nothing(simulate: Callable[..., Simulation]) -> None:
    people = [person(i, hire_date=date(2022, 12, 31) - timedelta(i * 40)) for i in range(60)]
    simulation = simulate(people, [Scenario()])
    before = simulation.facts()
    for year in (2024, 2025):
        simulation.year(year)
    assert simulation.facts() == before


def test_plan_fields_of_the_census_come_through_and_its_ssn_does_not(
    simulate: Callable[..., Simulation],
) -> None:
    someone = person(
        1, deferral_rate_e5=6_000, enrollment_date=date(2020, 5, 1), department="Ops",
        scheduled_hours=Decimal("37.50"), opt_out=True,
    )  # fmt: skip
    simulation = simulate([someone], [Scenario(parameters=STILL)])
    rows = simulation.rows(
        "select deferral_rate_e5, enrollment_date, department, scheduled_hours_per_week,"
        " auto_escalation_opt_out from fct_workforce_snapshot"
    )
    assert rows == [(6_000, date(2020, 5, 1), "Ops", Decimal("37.50"), True)] * 3
    columns = "select table_name from duckdb_columns() where column_name = 'ssn'"
    assert simulation.rows(columns + " and database_name = 'simulation'") == [("census",)]
