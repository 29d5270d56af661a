"""Entry into the plan, voluntary enrolment and escalation on their days, worked by hand."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from plan_cases import ALWAYS, CLOSING, DRAWS, SEED, leaves_on, person, plan_events, rows_by, still
from simulation_project import Simulation
from simulation_rules import draw

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_inputs import Person
    from simulation_project import Compiled


def enrolled(name: str, since: date, rate: int = 2_000, **changes: object) -> Person:
    """Somebody whom the census has in the plan."""
    return person(name, deferral_rate_e5=rate, enrollment_date=since, **changes)


def test_first_escalation(later: Compiled) -> None:
    """The ninth of the worked cases of the rules."""
    people = [
        enrolled("january", date(2025, 1, 1)),
        enrolled("second", date(2025, 1, 2)),
        enrolled("march", date(2025, 3, 1)),
    ]
    scenario = still(year=2026, parameters={"escalation_rate": "0.01"})
    simulation = Simulation(later, people, [scenario]).foundation().year(2026).year(2027)
    first, next_year = date(2026, 1, 1), date(2027, 1, 1)
    assert plan_events(simulation, "january") == [
        ("escalation", first, "automatic_escalation", 2_000, 3_000),
        ("escalation", next_year, "automatic_escalation", 3_000, 4_000),
    ]
    for name in ("second", "march"):
        assert plan_events(simulation, name) == [
            ("escalation", next_year, "automatic_escalation", 2_000, 3_000)
        ]


def test_escalation_stops_at_the_cap(simulate: Callable[..., Simulation]) -> None:
    since = date(2020, 1, 1)
    people = [
        enrolled("A", since, 8_500),
        enrolled("B", since, 9_500),
        enrolled("C", since, 10_000),
        enrolled("D", since, 12_000),
        enrolled("E", since, 2_000, opt_out=True),
        enrolled("F", since, 0),
    ]
    scenarios = [
        still("default", parameters={"escalation_rate": "0.01"}),
        still("none"),
        still("steep", parameters={"escalation_rate": "0.5", "escalation_cap": "0.2"}),
    ]
    simulation = simulate(people, scenarios, years=[2023, 2024])
    found = {
        year: rows_by(simulation, "deferral_rate_e5", year, "scenario_id, employee_id")
        for year in (2023, 2024)
    }
    rates = {
        name: [[found[year][name, p.employee_id] for p in people] for year in (2023, 2024)]
        for name in ("default", "none", "steep")
    }
    as_they_were = [8_500, 9_500, 10_000, 12_000, 2_000, 0]
    assert rates == {
        "default": [
            [9_500, 10_000, 10_000, 12_000, 2_000, 0],
            [10_000, 10_000, 10_000, 12_000, 2_000, 0],
        ],
        "none": [as_they_were, as_they_were],
        "steep": [[20_000, 20_000, 20_000, 20_000, 2_000, 0]] * 2,
    }
    # in force from 1 January: 9.5 % of all of 100,000
    contributions = rows_by(simulation, "contribution_cents", 2023, "scenario_id, employee_id")
    assert contributions["default", "A"] == 950_000


def test_no_escalation_on_the_termination_date(simulate: Callable[..., Simulation]) -> None:
    first, second = leaves_on(date(2023, 1, 1)), leaves_on(date(2023, 1, 2))
    people = [enrolled(name, date(2020, 1, 1)) for name in (first, second)]
    scenario = still(parameters=CLOSING | {"escalation_rate": "0.01"})
    simulation = simulate(people, [scenario], years=[2023])
    assert rows_by(simulation, "deferral_rate_e5", 2023) == {first: 2_000, second: 3_000}


def test_entry_on_the_21st_birthday(simulate: Callable[..., Simulation]) -> None:
    people = [
        person("leap", birth_date=date(2004, 2, 29), hire_date=date(2022, 6, 1)),
        person("last", birth_date=date(2004, 12, 31), hire_date=date(2022, 6, 1)),
        person("next", birth_date=date(2005, 1, 1), hire_date=date(2022, 6, 1)),
        # the later of the two: hired at 20 and 364 days, or 21 already
        person("hire", birth_date=date(2002, 1, 1), hire_date=date(2024, 12, 31)),
    ]
    scenario = still(year=2025, enrollment_age_bands=ALWAYS)
    simulation = simulate(people, [scenario], years=[2025])
    columns = "plan_entry_date, is_eligible, enrollment_date"
    assert rows_by(simulation, columns, 2025) == {
        "leap": (date(2025, 2, 28), True, date(2025, 2, 28)),
        "last": (date(2025, 12, 31), True, date(2025, 12, 31)),
        "next": (date(2026, 1, 1), False, None),
        # eligible since the census; the draw is on 1 January
        "hire": (date(2024, 12, 31), True, date(2025, 1, 1)),
    }
    assert [kind for kind, *_ in plan_events(simulation, "hire")] == ["enrollment"]
    assert plan_events(simulation, "next") == []


def test_the_age_band_of_who_turns_50_on_29_february(later: Compiled) -> None:
    # 89 days after the hire: 27 and 28 February 2026, the 50th birthday of a 29 February 1976
    people = [
        person("27", birth_date=date(1976, 2, 29), hire_date=date(2025, 11, 30)),
        person("28", birth_date=date(1976, 2, 29), hire_date=date(2025, 12, 1)),
    ]
    scenario = still(
        year=2026, parameters={"eligibility_waiting_days": "89"},
        enrollment_age_bands=[(0, 50, "0", "0"), (50, 999, "1", "0")],
        enrollment_deferrals=[(0, 0, "0.05"), (50, 0, "0.07")],
    )  # fmt: skip
    simulation = Simulation(later, people, [scenario]).foundation().year(2026)
    assert rows_by(simulation, "plan_entry_date, deferral_rate_e5", 2026) == {
        "27": (date(2026, 2, 27), None),
        "28": (date(2026, 2, 28), 7_000),
    }


def test_the_voluntary_chance_is_of_age_and_pay(simulate: Callable[..., Simulation]) -> None:
    """Chances of the default tables, and the deferral of their cell, against the draw itself."""
    cells = [
        # age, pay, chance in 1e-5, deferral: 31 and 50,000 begin a band
        (30, 49_999, 21_000, 3_000), (30, 50_000, 30_000, 3_000), (31, 49_999, 38_500, 4_000),
        (45, 100_000, 63_250, 8_000), (46, 200_000, 87_500, 12_000), (56, 199_999, 92_000, 12_000),
        (56, 200_000, 100_000, 15_000),
    ]  # fmt: skip
    people, expected = [], {}
    for age, pay, chance, rate in cells:
        for number in range(12):
            name = f"{age}-{pay}-{number}"
            # the birthday is the day of the draw
            people.append(person(name, birth_date=date(2023 - age, 1, 1), pay_cents=100 * pay))
            happens = (2 * draw(SEED, DRAWS, 1, 2023, "voluntary", name) + 1) * 100_000
            expected[name] = rate if happens < chance << 54 else None
    scenario = still(enrollment_age_bands=(), enrollment_pay_bands=(), enrollment_deferrals=())
    simulation = simulate(people, [scenario], years=[2023])
    assert rows_by(simulation, "deferral_rate_e5", 2023) == expected
    assert None in expected.values()


def test_deferrals_are_kept_within_their_bounds(simulate: Callable[..., Simulation]) -> None:
    scenarios = [
        still(name, enrollment_age_bands=ALWAYS, enrollment_deferrals=[(0, 0, rate)])
        for name, rate in (("low", "0.001"), ("least", "0.01"), ("most", "0.15"), ("high", "0.5"))
    ]
    simulation = simulate([person("E")], scenarios, years=[2023])
    assert rows_by(simulation, "deferral_rate_e5", 2023, "scenario_id") == {
        "low": 1_000, "least": 1_000, "most": 15_000, "high": 15_000,
    }  # fmt: skip
