"""Automatic enrolment and the opt-out of it on their days, worked by hand."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from plan_cases import (
    ALWAYS,
    ALWAYS_OUT,
    CLOSING,
    cell,
    leaves_on,
    opts_out_after,
    person,
    plan_events,
    rows_by,
    still,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_inputs import Scenario
    from simulation_project import Simulation

EVERYBODY = {"auto_enrollment_scope": "all_eligible"}
STATE = "deferral_rate_e5, enrollment_date, enrollment_source, has_opted_out, opt_out_date"


def waiting(**changes: object) -> Scenario:
    """Everybody eligible is enrolled automatically, 365 days and 45 after the hire."""
    more = {"eligibility_waiting_days": "365"} | changes.pop("parameters", {})
    return still(parameters=EVERYBODY | more, **changes)


def test_automatic_enrolment_on_the_45th_day(simulate: Callable[..., Simulation]) -> None:
    soon = opts_out_after(7, 2023)
    people = [
        # eligible long since: 45 days from 1 January
        person("old"),
        # entry on 16 and 17 November 2023, 365 days after the hire
        person(soon, hire_date=date(2022, 11, 16), pay_cents=3_650_000),
        person("across", hire_date=date(2022, 11, 17), pay_cents=3_660_000),
    ]
    simulation = simulate(people, [waiting()], years=[2023, 2024])
    assert rows_by(simulation, STATE + ", contribution_cents", 2023) == {
        # 15 February; 320 of 365 days of 100,000 at 2 %: 1,753.42
        "old": (2_000, date(2023, 2, 15), "automatic", False, None, 175_342),
        # 31 December: one day of 100; the day on which to opt out, or not, is still to come
        soon: (2_000, date(2023, 12, 31), "automatic", False, date(2024, 1, 7), 200),
        "across": (None, None, None, False, None, 0),
    }
    assert cell(simulation, soon, STATE, 2024)[3:] == (False, None)
    # 1 January 2024: the whole year, 2 % of 36,600
    assert cell(simulation, "across", STATE + ", contribution_cents", 2024) == (
        2_000, date(2024, 1, 1), "automatic", False, None, 73_200,
    )  # fmt: skip
    assert plan_events(simulation, "across") == [
        ("eligibility", date(2023, 11, 17), "entry_date", None, None),
        ("enrollment", date(2024, 1, 1), "automatic", None, 2_000),
    ]


def test_new_hires_are_enrolled_45_days_after_the_hire(
    simulate: Callable[..., Simulation],
) -> None:
    # a hire a day, and the people of the census, who are not new
    people = [person(f"E{i:03d}") for i in range(365)]
    simulation = simulate(people, [still(parameters={"growth_rate": "1"})], years=[2023])
    rows = simulation.rows(
        "select hire_date, enrollment_date - hire_date, contribution_cents"
        " from fct_workforce_snapshot where employee_id like 'NH%' order by hire_date"
    )
    days = [after for _, after, _ in rows]
    # up to that of 16 November
    assert days == [45] * 320 + [None] * 45
    # 100 a day at 2 %: 320 days of the first, one of the last
    assert [amount for *_, amount in rows] == [200 * k for k in range(320, 0, -1)] + [0] * 45
    assert simulation.rows(
        "select count(enrollment_date) from fct_workforce_snapshot where employee_id like 'E%'"
    ) == [(0,)]


def test_scopes(simulate: Callable[..., Simulation]) -> None:
    # Four people and a hire of 2 July: 183 days into the year, enrolled on 16 August
    people = [person("open"), person("enrolled", deferral_rate_e5=6_000)]
    people += [person("declined", deferral_rate_e5=0), person("other")]
    scenarios = [
        still(scope, parameters={"growth_rate": "0.25", "auto_enrollment_scope": scope})
        for scope in ("none", "new_hires_only", "all_eligible")
    ]
    simulation = simulate(people, scenarios, years=[2023])
    rows = simulation.rows(
        "select scenario_id, employee_id, enrollment_date from fct_workforce_snapshot"
        " where enrollment_source = 'automatic' order by all"
    )
    winter, summer = date(2023, 2, 15), date(2023, 8, 16)
    assert rows == [
        ("all_eligible", "NH_2023_000001", summer),
        ("all_eligible", "open", winter),
        ("all_eligible", "other", winter),
        ("new_hires_only", "NH_2023_000001", summer),
    ]
    # the one who declined is eligible and takes no part
    declined = rows_by(simulation, "has_declined, is_eligible", 2023, "scenario_id, employee_id")
    assert {declined[s.scenario_id, "declined"] for s in scenarios} == {(True, True)}


def test_who_declined_may_enrol_voluntarily(simulate: Callable[..., Simulation]) -> None:
    scenario = still(parameters=EVERYBODY, enrollment_age_bands=ALWAYS)
    simulation = simulate([person("E", deferral_rate_e5=0)], [scenario], years=[2023])
    assert plan_events(simulation, "E") == [("enrollment", date(2023, 1, 1), "voluntary", 0, 5_000)]


def test_no_automatic_enrolment_on_the_termination_date(
    simulate: Callable[..., Simulation],
) -> None:
    on, after = leaves_on(date(2023, 2, 15)), leaves_on(date(2023, 2, 16))
    people = [person(name, pay_cents=3_650_000) for name in (on, after)]
    simulation = simulate(people, [still(parameters=CLOSING | EVERYBODY)], years=[2023])
    # two days of 100 at 2 %
    assert rows_by(simulation, "deferral_rate_e5, contribution_cents", 2023) == {
        on: (None, 0),
        after: (2_000, 400),
    }


def test_an_opt_out_30_days_later_in_the_next_year(simulate: Callable[..., Simulation]) -> None:
    # Entry on 26 October and 45 days is 10 December; 30 days later is 9 January
    late = opts_out_after(30, 2023)
    people = [person(late, hire_date=date(2022, 10, 26), pay_cents=3_650_000)]
    scenario = waiting(
        parameters={"match_min_hours": "0", "escalation_rate": "0.01"},
        enrollment_age_bands=ALWAYS_OUT,
    )
    simulation = simulate(people, [scenario], years=[2023, 2024, 2025])
    money = ", contribution_cents, match_cents"
    # pending: 22 days of December at 100 and 2 %
    start, day = date(2023, 12, 10), date(2024, 1, 9)
    assert cell(simulation, late, STATE + money, 2023) == (
        2_000, start, "automatic", False, day, 4_400, 2_200,
    )  # fmt: skip
    # 8 days of January, of 366: 8 * 36,500 * .02 / 366 is 15.956; the money stays
    assert cell(simulation, late, STATE + money, 2024) == (
        0, start, "automatic", True, day, 1_596, 798,
    )  # fmt: skip
    # never again: no escalation, no draw, no automatic enrolment
    assert cell(simulation, late, STATE + money, 2025) == (
        0, start, "automatic", True, day, 0, 0,
    )  # fmt: skip
    assert cell(simulation, late, "match_credited_cents", 2025) == (2_998,)
    assert plan_events(simulation, late) == [
        ("eligibility", date(2023, 10, 26), "entry_date", None, None),
        ("enrollment", start, "automatic", None, 2_000),
        ("opt_out", day, "opt_out", 2_000, 0),
    ]


def test_opt_outs_1_and_30_days_after(simulate: Callable[..., Simulation]) -> None:
    # enrolled on 15 February
    soon, late = opts_out_after(1, 2023), opts_out_after(30, 2023)
    people = [person(name, pay_cents=3_650_000) for name in (soon, late)]
    scenarios = [
        still("out", parameters=EVERYBODY, enrollment_age_bands=ALWAYS_OUT),
        still("stay", parameters=EVERYBODY),
        # a chance of one half of 2 * .5, which is 1, and of more than 1
        still(
            "capped", parameters=EVERYBODY, enrollment_age_bands=ALWAYS_OUT,
            enrollment_pay_bands=[(0, 10**12, "1", "7")],
        ),
    ]  # fmt: skip
    simulation = simulate(people, scenarios, years=[2023])
    columns = "deferral_rate_e5, opt_out_date, contribution_cents"
    found = rows_by(simulation, columns, 2023, "scenario_id, employee_id")
    for name in ("out", "capped"):
        assert found[name, soon] == (0, date(2023, 2, 16), 200)
        assert found[name, late] == (0, date(2023, 3, 17), 6_000)
    # a day that came and changed nothing is forgotten: 320 days
    assert found["stay", soon] == found["stay", late] == (2_000, None, 64_000)
    assert simulation.rows(
        "select scenario_id, eligible, participants, participation_rate_e5 from fct_plan_cost"
        " order by scenario_id"
    ) == [("capped", 2, 0, 0), ("out", 2, 0, 0), ("stay", 2, 2, 100_000)]


def test_who_leaves_on_the_opt_out_day_does_not_opt_out(
    simulate: Callable[..., Simulation],
) -> None:
    # the day after 15 February; leaving on it, or a day later
    on, after = leaves_on(date(2023, 2, 16)), leaves_on(date(2023, 2, 17))
    people = [person(name, pay_cents=3_650_000) for name in (on, after)]
    scenario = still(
        parameters=CLOSING | EVERYBODY | {"opt_out_window_days": "1"},
        enrollment_age_bands=ALWAYS_OUT,
    )
    simulation = simulate(people, [scenario], years=[2023])
    columns = "deferral_rate_e5, has_opted_out, contribution_cents"
    assert rows_by(simulation, columns, 2023) == {
        on: (2_000, False, 400),
        after: (0, True, 200),
    }
