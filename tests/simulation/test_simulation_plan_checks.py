"""Whatever is done to the plan's ledger, people or cost, a check finds it and names it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pytest
from simulation_inputs import Scenario
from simulation_project import Simulation, reference_inputs
from test_simulation_checks import DAMAGE as WORKFORCE_DAMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulation_project import Compiled

# A plan in which everything happens to somebody within two years: limits so low that each of them
# cuts; an entry date that hires reach within the year; an opt-out from every automatic enrolment;
# leavers who get money and lose it.
BUSY = {
    "eligibility_waiting_days": "60",
    "eligibility_min_age": "23",
    "auto_enrollment_scope": "all_eligible",
    "auto_enrollment_rate": "0.08",
    "core_formula": "flat",
    "core_rate": "0.03",
    "core_last_day": "none",
    "match_last_day": "none",
    "match_hours": "none",
    "core_hours": "none",
    "termination_rate": "0.3",
    "forfeiture_policy": "reallocate",
}
LIMITS = [(y, 7_000, 1_000, 2_000, 150_000, 100_000, 6_500, 60_000) for y in (2022, 2023, 2024)]
CHANCES = [(0, 999, Decimal("0.3"), Decimal(1))]
DEFERRALS = [(0, Decimal(pay), Decimal("0.07")) for pay in (0, 50_000, 100_000, 200_000)]

OF_2023 = "where simulation_year = 2023"
OF_2024 = "where simulation_year = 2024"
LEDGER = "update fct_yearly_events set"
PEOPLE = "update fct_workforce_snapshot set"
COST = "update fct_plan_cost set"
GROWTH = "update fct_compensation_growth set"
LATER = "effective_date = effective_date + 1"
MORE = "amount_after_cents = amount_after_cents + 1"


def event(kind: str, reason: str | None = None, where: str = OF_2024) -> str:
    return f"{where} and event_type = '{kind}'" + (f" and reason = '{reason}'" if reason else "")


def copied(kind: str, of: str, changes: str) -> str:
    """An event of 2024 made from those of somebody, under an id of its own."""
    return (
        "insert into fct_yearly_events select * replace ("
        f"event_id || ':copy' as event_id, 2024 as simulation_year, '{kind}' as event_type,"
        f" {changes}) from fct_yearly_events {of}"
    )


ELIGIBLE_ENROLLED = """
update fct_yearly_events as e set effective_date = i.effective_date - 1
from fct_yearly_events as i
where e.simulation_year = 2024 and e.event_type = 'enrollment' and i.simulation_year = 2024
    and i.event_type = 'eligibility' and i.employee_id = e.employee_id
    and i.scenario_id = e.scenario_id
"""
ON_THE_LAST_DAY = """
update fct_yearly_events as e set effective_date = t.effective_date
from fct_yearly_events as t
where t.event_type = 'termination' and e.event_type = 'eligibility'
    and e.employee_id = t.employee_id and e.scenario_id = t.scenario_id
    and t.simulation_year = 2024 and e.simulation_year = 2024
"""
MONEY_OF_WHO_HAS_LEFT = copied(
    "match",
    "where simulation_year = 2023 and event_type = 'termination'",
    "date '2024-12-31' as effective_date, 120 as event_sequence,"
    " 100 as amount_before_cents, 100 as amount_after_cents",
)

LEDGER_DAMAGE = [
    ("replay_eligibility", f"delete from fct_yearly_events {event('eligibility')}"),
    ("replay_eligibility", f"{LEDGER} {LATER} {event('eligibility')}"),
    ("replay_eligibility", f"{PEOPLE} is_eligible = false {OF_2024} and is_eligible"),
    ("replay_eligibility", f"{PEOPLE} plan_entry_date = plan_entry_date - 1 {OF_2024}"),
    ("replay_enrollment", f"{LEDGER} {LATER} {event('enrollment')}"),
    ("replay_enrollment", f"{LEDGER} reason = 'automatic' {event('enrollment', 'voluntary')}"),
    ("replay_enrollment", f"{PEOPLE} has_declined = not has_declined {OF_2024}"),
    ("replay_enrollment", f"{PEOPLE} enrollment_date = null {OF_2024}"),
    (
        "replay_enrollment",
        f"{PEOPLE} auto_escalation_opt_out = not auto_escalation_opt_out {OF_2024}",
    ),
    ("replay_opt_out", f"delete from fct_yearly_events {event('opt_out')}"),
    ("replay_opt_out", f"{PEOPLE} has_opted_out = false {OF_2023} and has_opted_out"),
    ("replay_opt_out", f"{PEOPLE} opt_out_date = opt_out_date + 1 {OF_2024} and has_opted_out"),
    ("replay_deferral", f"{LEDGER} rate_after_e5 = rate_after_e5 + 1 {event('escalation')}"),
    ("replay_deferral", f"delete from fct_yearly_events {event('escalation')}"),
    ("replay_deferral", f"{PEOPLE} deferral_rate_e5 = null {OF_2024}"),
    ("replay_chain", f"{LEDGER} rate_before_e5 = 1 {event('enrollment')}"),
    ("replay_chain", f"{LEDGER} rate_before_e5 = null {event('opt_out')}"),
    ("replay_contribution", f"{LEDGER} {MORE} {event('contribution')}"),
    ("replay_contribution", f"delete from fct_yearly_events {event('contribution')}"),
    (
        "replay_deferral_days",
        f"{LEDGER} amount_before_cents = amount_before_cents + 1 {event('contribution')}",
    ),
    ("replay_deferral_days", f"{LEDGER} {LATER} {event('enrollment')}"),
    ("replay_deferral_days", f"{LEDGER} effective_date = effective_date - 1 {event('opt_out')}"),
    ("replay_deferral_days", f"{LEDGER} rate_after_e5 = 9999 {event('escalation')}"),
    ("replay_deferral_days", f"{LEDGER} {LATER} {event('raise')}"),
    ("replay_match", f"{LEDGER} {MORE} {event('match')}"),
    ("replay_match", f"delete from fct_yearly_events {event('match')}"),
    ("replay_core", f"{LEDGER} {MORE} {event('core')}"),
    ("replay_reallocation", f"{LEDGER} {MORE} {event('reallocation')}"),
    ("replay_people", MONEY_OF_WHO_HAS_LEFT),
    *(
        ("replay_cuts", f"{LEDGER} {MORE} {event('limit_cut', reason)}")
        for reason in (
            "elective",
            "annual_additions_core",
            "annual_additions_match",
            "annual_additions_employee",
        )
    ),
    ("replay_cuts", f"delete from fct_yearly_events {event('limit_cut', 'elective')}"),
    (
        "replay_cuts",
        (
            f"{LEDGER} amount_before_cents = amount_before_cents + 1"
            f" {event('limit_cut', 'compensation')}"
        ),
    ),
    ("replay_credited", f"{PEOPLE} match_credited_cents = match_credited_cents + 1 {OF_2023}"),
    ("replay_credited", f"{PEOPLE} core_credited_cents = core_credited_cents - 1 {OF_2024}"),
    ("replay_credited", f"{LEDGER} {MORE} {event('match')}"),
    ("replay_forfeited", f"{LEDGER} {MORE} {event('forfeiture', 'match')}"),
    ("replay_forfeited", f"{LEDGER} amount_before_cents = 1 {event('forfeiture', 'core')}"),
    ("replay_forfeited", f"delete from fct_yearly_events {event('forfeiture', 'core')}"),
    ("enrollment_before_eligibility", ELIGIBLE_ENROLLED),
    ("enrollment_before_eligibility", f"delete from fct_yearly_events {event('eligibility')}"),
    (
        "two_open_enrollments",
        copied("enrollment", event("escalation"), "'voluntary' as reason"),
    ),
    (
        "election_after_opt_out",
        copied(
            "enrollment",
            event("opt_out"),
            "effective_date + 1 as effective_date, 700 as rate_after_e5",
        ),
    ),
    (
        "election_after_opt_out",
        copied(
            "escalation",
            event("opt_out", where=OF_2023),
            "date '2024-01-01' as effective_date, 15 as event_sequence, 700 as rate_after_e5",
        ),
    ),
    (
        "escalation_not_due",
        (
            f"{PEOPLE} enrollment_date = enrollment_date + 1 {OF_2023}"
            " and enrollment_date = date '2023-01-01'"
        ),
    ),
    ("escalation_not_due", f"{LEDGER} event_type = 'escalation' {event('enrollment')}"),
    ("opt_out_not_automatic", f"{LEDGER} reason = 'voluntary' {event('enrollment', 'automatic')}"),
    ("event_after_termination", ON_THE_LAST_DAY),
    (
        "event_after_termination",
        f"{LEDGER} {LATER} {event('contribution')} and month(effective_date) < 12",
    ),
    ("event_after_termination", MONEY_OF_WHO_HAS_LEFT),
    ("booking_date", f"{LEDGER} effective_date = effective_date - 1 {event('match')}"),
    ("booking_date", f"{LEDGER} {LATER} {event('limit_cut')}"),
    ("escalation_date", f"{LEDGER} {LATER} {event('escalation')}"),
]

MONEY_DAMAGE = [
    ("contribution_above_limit", f"{PEOPLE} contribution_cents = 1000001 {OF_2024}"),
    ("contribution_above_limit", f"{PEOPLE} catch_up_cents = 1 {OF_2024} and age_years < 50"),
    ("contribution_above_pay", f"{PEOPLE} contribution_cents = prorated_pay_cents + 1 {OF_2024}"),
    (
        "catch_up",
        f"{PEOPLE} catch_up_cents = catch_up_cents - 1 {OF_2024} and catch_up_cents > 0",
    ),
    ("catch_up", f"{LEDGER} {MORE} {event('limit_cut', 'annual_additions_employee')}"),
    ("annual_additions", f"{PEOPLE} core_cents = prorated_pay_cents + 1 {OF_2024}"),
    ("annual_additions", f"{PEOPLE} reallocated_cents = 900001 {OF_2024}"),
    ("money_below_zero", f"{PEOPLE} reallocated_cents = -1 {OF_2024}"),
    ("money_below_zero", f"{PEOPLE} match_cents = null {OF_2024}"),
    ("money_of_ineligible", f"{PEOPLE} is_eligible = false {OF_2024} and core_cents > 0"),
    (
        "match_without_contribution",
        f"{PEOPLE} contribution_cents = 0 {OF_2024} and match_cents > 0",
    ),
    ("compensation_cut", f"delete from fct_yearly_events {event('limit_cut', 'compensation')}"),
    ("compensation_cut", f"{LEDGER} {MORE} {event('limit_cut', 'compensation')}"),
    ("compensation_cut", f"{PEOPLE} prorated_pay_cents = 15000001 {OF_2024} and is_eligible"),
    ("vested_share", f"{PEOPLE} match_vested_e5 = 100001 {OF_2024}"),
    ("vested_share", f"{PEOPLE} core_vested_e5 = -1 {OF_2024}"),
    ("vested_share", f"{PEOPLE} core_vested_e5 = null {OF_2024}"),
    ("vesting_service", f"{PEOPLE} vesting_service_years = 99 {OF_2024}"),
    ("credited", f"{PEOPLE} match_credited_cents = match_cents - 1 {OF_2024}"),
    (
        "forfeiture_without_leaving",
        f"{PEOPLE} core_forfeited_cents = 1 {OF_2024} and termination_date is null",
    ),
    (
        "forfeiture_amount",
        (
            f"{PEOPLE} match_forfeited_cents = match_forfeited_cents + 1 {OF_2024}"
            " and termination_date is not null"
        ),
    ),
    ("cost_of_scenario", f"delete from fct_plan_cost {OF_2024}"),
    *(
        ("cost_money", f"{COST} {column} = {column} + 1 {OF_2024}")
        for column in (
            "employee_contributions_cents",
            "match_cents",
            "core_cents",
            "reallocated_cents",
            "forfeited_cents",
        )
    ),
    ("cost_money", f"{LEDGER} {MORE} {event('core')}"),
    *(
        ("cost_people", f"{COST} {column} = {column} + 1 {OF_2024}")
        for column in ("headcount", "eligible", "participants", "hce_count")
    ),
    ("cost_catch_up", f"{COST} catch_up_cents = catch_up_cents + 1 {OF_2024}"),
    ("cost_payroll", f"{COST} payroll_cents = payroll_cents + 1 {OF_2024}"),
    ("cost_net", f"{COST} employer_gross_cents = employer_gross_cents + 1 {OF_2024}"),
    ("cost_net", f"{COST} net_employer_cost_cents = net_employer_cost_cents - 1 {OF_2024}"),
    ("pool_opening", f"{COST} forfeited_cents = forfeited_cents - 1 {OF_2023}"),
    (
        "pool_closing",
        f"{COST} forfeitures_carried_cents = forfeitures_carried_cents - 1 {OF_2024}",
    ),
    (
        "pool_use",
        (
            f"{COST} forfeitures_used_cents = forfeitures_used_cents - 1,"
            f" forfeitures_carried_cents = forfeitures_carried_cents + 1 {OF_2024}"
        ),
    ),
    ("growth_people", f"{GROWTH} new_hires = new_hires + 1 {OF_2024}"),
    ("growth_pay", f"{GROWTH} average_pay_cents = average_pay_cents + 1 {OF_2024}"),
]


@pytest.fixture(scope="module")
def busy(compiled: Compiled) -> Iterator[Simulation]:
    """Two years of the busy plan; tests change it in a transaction that is never committed."""
    people, _ = reference_inputs()
    scenario = Scenario(
        parameters=BUSY,
        irs_limits=LIMITS,
        enrollment_age_bands=CHANCES,
        enrollment_deferrals=DEFERRALS,
    )
    simulation = Simulation(compiled, people, [scenario]).foundation()
    yield simulation.year(2023).year(2024)
    simulation.close()


@pytest.mark.parametrize(
    ("model", "check", "damage"),
    [
        *(("check_year", check, damage) for check, damage in LEDGER_DAMAGE),
        *(("check_plan", check, damage) for check, damage in MONEY_DAMAGE),
    ],
)
def test_a_damaged_plan_is_stopped(busy: Simulation, model: str, check: str, damage: str) -> None:
    assert busy.rows(f"select simulation_year, outcome from {model}") == [(2024, "passed")]
    busy.rows("begin")
    try:
        (changed,) = busy.rows(damage)[0]
        assert changed > 0
        message = rf"{model} failed for scenario baseline, replicate 1, year 2024: .*{check}: \d+"
        with pytest.raises(duckdb.InvalidInputException, match=message):
            busy.model(2024, model)
    finally:
        busy.rows("rollback")


def test_every_check_has_been_seen_to_fail(busy: Simulation) -> None:
    described = {
        model: {name for name, *_ in busy.rows(f"describe {model}")}
        - {"scenario_id", "replicate_id", "simulation_year", "outcome"}
        for model in ("check_year", "check_plan")
    }
    seen = {check for check, _ in WORKFORCE_DAMAGE + LEDGER_DAMAGE}
    assert described == {"check_year": seen, "check_plan": {check for check, _ in MONEY_DAMAGE}}


def test_the_message_names_the_person_whose_money_is_wrong(busy: Simulation) -> None:
    busy.rows("begin")
    busy.rows(f"{PEOPLE} match_vested_e5 = 100001 {OF_2024} and employee_id = 'O''Brien'")
    try:
        with pytest.raises(duckdb.InvalidInputException) as failure:
            busy.model(2024, "check_plan")
    finally:
        busy.rows("rollback")
    assert "vested_share: 1, for example employee 'O'Brien'" in str(failure.value)


@pytest.mark.parametrize("policy", ["reduce", "expenses"])
def test_the_pool_is_used_as_the_policy_says(compiled: Compiled, policy: str) -> None:
    people, _ = reference_inputs()
    scenario = Scenario(parameters=BUSY | {"forfeiture_policy": policy})
    simulation = Simulation(compiled, people, [scenario]).foundation().year(2023).year(2024)
    assert simulation.rows("select outcome from check_plan") == [("passed",)]
    simulation.rows(
        f"{COST} forfeitures_used_cents = 0,"
        f" forfeitures_carried_cents = forfeitures_available_cents {OF_2024}"
    )
    with pytest.raises(duckdb.InvalidInputException, match=r"pool_use: 1"):
        simulation.model(2024, "check_plan")
    simulation.close()
