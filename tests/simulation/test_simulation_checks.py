"""The checks stop a year that does not add up, and inputs that mean nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pytest
from simulation_inputs import Band, Level, Person, Scenario
from simulation_project import reference_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_project import Simulation


LEDGER = "update fct_yearly_events set"
RAISED = f"{LEDGER} amount_after_cents = amount_after_cents + 1"
HEADCOUNT = "update fct_headcount set"
BY_LEVEL = "update fct_headcount_by_level set"
OF_2023 = "where simulation_year = 2023"
OF_2024 = "where simulation_year = 2024"
RAISES = f"{OF_2024} and event_type = 'raise'"
LEAVERS = f"{OF_2024} and event_type = 'termination'"
RAISE_ON_THE_LAST_DAY = """
update fct_yearly_events as e set effective_date = t.effective_date
from fct_yearly_events as t
where t.event_type = 'termination' and e.event_type = 'raise' and e.employee_id = t.employee_id
    and t.simulation_year = 2024 and e.simulation_year = 2024
"""

HIRED_UNDER_AN_EARLIER_ID = f"""
update fct_yearly_events set employee_id = 'NH_2022_' || employee_id
{OF_2024} and starts_with(employee_id, 'NH_2024')
"""

DAMAGE = [
    ("replay_pay_rate", f"{RAISED} {RAISES}"),
    (
        "replay_chain",
        f"update fct_workforce_snapshot set annual_pay_rate_cents = 1 {OF_2023}",
    ),
    (
        "replay_prorated_pay",
        f"{LEDGER} effective_date = effective_date + 1 {RAISES} and month(effective_date) > 2",
    ),
    ("replay_chain", f"{LEDGER} amount_before_cents = 1 {LEAVERS}"),
    (
        "replay_dates",
        f"{LEDGER} effective_date = effective_date - 1 {LEAVERS} and month(effective_date) > 2",
    ),
    ("replay_dates", f"{LEDGER} birth_date = birth_date - 1 where event_type = 'hire'"),
    (
        "replay_level",
        f"{LEDGER} level_after = 5, level_before = 4 {OF_2024} and event_type = 'promotion'",
    ),
    ("replay_status", f"delete from fct_yearly_events {LEAVERS}"),
    ("replay_people", f"delete from fct_yearly_events {OF_2024} and event_type = 'hire'"),
    (
        "replay_people",
        f"delete from fct_workforce_snapshot {OF_2023} and detailed_status = 'new_hire_active'",
    ),
    ("replay_people", HIRED_UNDER_AN_EARLIER_ID),
    (
        "replay_people",
        f"delete from fct_workforce_snapshot {OF_2024} and hire_date < '2015-01-01'",
    ),
    (
        "duplicate_people",
        f"insert into fct_workforce_snapshot from fct_workforce_snapshot {OF_2024}",
    ),
    ("duplicate_events", f"insert into fct_yearly_events from fct_yearly_events {OF_2024}"),
    (
        "duplicate_events",
        (
            "insert into fct_yearly_events select * replace (event_id || ':copy' as event_id)"
            f" from fct_yearly_events {RAISES}"
        ),
    ),
    ("event_outside_year", f"{LEDGER} effective_date = effective_date + interval 1 year {RAISES}"),
    ("event_after_termination", RAISE_ON_THE_LAST_DAY),
    ("pay_not_positive", f"update fct_workforce_snapshot set annual_pay_rate_cents = 0 {OF_2024}"),
    ("headcount_identity", f"{HEADCOUNT} hires = hires + 1 {OF_2024}"),
    ("headcount_target", f"{HEADCOUNT} closing = closing + 1, hires = hires + 1 {OF_2024}"),
    (
        "headcount_plan",
        f"{HEADCOUNT} hires = hires + 1, new_hire_leavers = new_hire_leavers + 1 {OF_2024}",
    ),
    ("headcount_opening", f"{HEADCOUNT} closing = closing + 1 {OF_2023}"),
    ("level_identity", f"{BY_LEVEL} closing = closing + 1 {OF_2024}"),
    ("level_total", f"{BY_LEVEL} opening = opening + 1, closing = closing + 1 {OF_2024}"),
]


@pytest.mark.parametrize(("check", "damage"), DAMAGE)
def test_a_damaged_year_is_stopped(
    simulate: Callable[..., Simulation], damage: str, check: str
) -> None:
    people, scenarios = reference_inputs()
    simulation = simulate(people, scenarios[:1], years=[2023, 2024])
    assert simulation.rows("select outcome from check_year") == [("passed",)]
    (changed,) = simulation.rows(damage)[0]
    assert changed > 0
    message = rf"check_year failed for scenario baseline, replicate 1, year 2024: .*{check}: \d+"
    with pytest.raises(duckdb.InvalidInputException, match=message):
        simulation.model(2024, "check_year")


@pytest.mark.parametrize(
    ("check", "damage"),
    [
        ("replay_pay_rate", f"{RAISED} {OF_2023} and event_type = 'raise'"),
        ("replay_people", f"delete from fct_yearly_events {OF_2023} and event_type = 'hire'"),
    ],
)
def test_the_first_year_is_replayed_from_the_census(
    simulate: Callable[..., Simulation], damage: str, check: str
) -> None:
    people, scenarios = reference_inputs()
    simulation = simulate(people, scenarios[:1], years=[2023])
    simulation.rows(damage)
    with pytest.raises(duckdb.InvalidInputException, match=rf"year 2023: .*{check}: \d+"):
        simulation.model(2023, "check_year")


def test_the_message_names_an_employee(simulate: Callable[..., Simulation]) -> None:
    people, scenarios = reference_inputs()
    simulation = simulate(people, scenarios, years=[2023])
    simulation.rows(
        "update fct_workforce_snapshot set job_level = job_level + 1"
        " where employee_id = 'O''Brien' and scenario_id = 'shrinking'"
    )
    with pytest.raises(duckdb.InvalidInputException) as failure:
        simulation.model(2023, "check_year")
    assert "scenario shrinking, replicate 1, year 2023" in str(failure.value)
    assert "replay_level: 1, for example employee 'O'Brien'" in str(failure.value)


ONE = [Person("E1", date(1985, 1, 1), date(2015, 1, 1), 6_000_000)]
BAND = Band("all", 0, 999, Decimal(1), Decimal(1))
LEVEL = Level(1, Decimal(50_000), Decimal(60_000), Decimal("0.01"), Decimal("0.5"))


def two_bands(second_from: int) -> list[Band]:
    return [replace(BAND, high=5), replace(BAND, name="b", low=second_from)]


BAD_PARAMETERS = [
    ("growth_rate", "-1", "growth_rate must be above -1"),
    ("termination_rate", "1.00001", "termination_rate must be 0 to 1"),
    ("first_year_termination_rate", "0.98001", "must be 0 to 0.98"),
    ("promotion_base_rate", "-0.1", "promotion_base_rate must be 0 to 1"),
    ("growth_rate", "0.030001", "at most 5 decimals, got '0.030001'"),
    ("growth_rate", "3%", "expected a number .* got '3%'"),
    ("growth_rate", "", "expected a number .* got ''"),
    ("raise_cap_amount", "1.001", "at most 2 decimals"),
    ("promotion_max_age", "65.5", "at most 0 decimals"),
    ("grwth_rate", "0.03", r"no parameter grwth_rate \(test\)"),
    ("hire_level_shares", "market", "must be census or current, got market"),
]
BAD_SCENARIOS = [
    ([Scenario("Upper")], "scenario_id must be"),
    ([Scenario(), Scenario()], "more than once in inputs.scenarios"),
    ([], "inputs.scenarios is empty"),
    ([Scenario(census_date=date(2023, 1, 1))], "before 1 January of the first year 2023"),
    ([Scenario(age_bands=[replace(BAND, low=1)])], "dim_age_band: bands must start at 0"),
    ([Scenario(age_bands=[replace(BAND, high=65)])], "reach 120; see band all"),
    ([Scenario(tenure_bands=two_bands(6))], "see band b"),
    ([Scenario(tenure_bands=two_bands(4))], "see band b"),
    ([Scenario(age_bands=[replace(BAND, termination=Decimal(-1))])], "must not be negative"),
    ([Scenario(levels=[replace(LEVEL, level=2)])], "levels must be numbered 1, 2, 3"),
    ([Scenario(levels=[replace(LEVEL, high=Decimal(1))])], "level 1 needs 0 < min_pay"),
    ([Scenario(raise_months=[(4, Decimal("0.999999"))])], "share column must sum to exactly 1"),
    ([Scenario(raise_months=[(13, Decimal(1))])], "month must be 1 to 12"),
    ([Scenario(hire_ages=[(30, Decimal(2)), (31, Decimal(-1))])], "weight that is not negative"),
]
BAD_PEOPLE = [
    (ONE * 2, "employee 'E1' occurs more than once"),
    ([replace(ONE[0], pay_cents=0)], "employee 'E1' must occur once"),
    ([replace(ONE[0], job_level=6)], "a level that the scenario has"),
    ([replace(ONE[0], hire_date=date(2023, 1, 1))], "hired on or before the census date"),
    ([replace(ONE[0], birth_date=date(2015, 1, 1))], "a birth date before the hire date"),
    ([replace(ONE[0], employee_id="NH_2023_000001")], "reserved for simulated hires"),
]


@pytest.mark.parametrize(
    ("people", "scenarios", "message"),
    [
        *(
            (ONE, [Scenario(parameters={name: value})], text)
            for name, value, text in BAD_PARAMETERS
        ),
        *((ONE, scenarios, text) for scenarios, text in BAD_SCENARIOS),
        *((people, [Scenario()], text) for people, text in BAD_PEOPLE),
    ],
)
def test_the_foundation_refuses(
    simulate: Callable[..., Simulation],
    people: list[Person],
    scenarios: list[Scenario],
    message: str,
) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=message):
        simulate(people, scenarios, years=())


def test_every_parameter_says_where_it_came_from(simulate: Callable[..., Simulation]) -> None:
    simulation = simulate(ONE, [Scenario(parameters={"growth_rate": "0.1"})], years=())
    (sources,) = simulation.rows(
        "select json_extract_string(parameter_sources, ['$.growth_rate', '$.cola_rate'])"
        " from dim_scenario"
    )
    assert sources == (["test", "default"],)
    assert simulation.rows(
        "select growth_rate_e5, cola_rate_e5, raise_cap_amount_cents from dim_scenario"
    ) == [(10_000, 2_500, 25_000_000)]
