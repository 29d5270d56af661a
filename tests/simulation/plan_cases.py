"""People and scenarios of the worked cases of the plan, in which only what a case is about happens.

Nobody comes, goes, enrols or gets a raise unless a case asks for it; hires, where there are any,
are enrolled automatically as by default. What is drawn is settled by the id: ``leaves_on`` and
``opts_out_after`` look for one whose draw says what the case needs.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING

from simulation_inputs import Level, Person, Scenario
from simulation_project import compiled_sql, in_order, run_dbt
from simulation_rules import draw

if TYPE_CHECKING:
    from pathlib import Path

    from simulation_project import Compiled, Simulation

SEED, DRAWS = 42, "cases"
STILL = {
    "growth_rate": "0", "termination_rate": "0", "first_year_termination_rate": "0",
    "promotion_dial": "0", "cola_rate": "0", "escalation_rate": "0", "new_hire_pay_spread": "0",
}  # fmt: skip
# Two levels without merit: pay never changes, and hires get 36,500, which is 100.00 a day
FLAT_PAY = [
    Level(1, Decimal(36_500), Decimal(500_000), Decimal(0), Decimal(0)),
    Level(2, Decimal(500_000), Decimal(10**7), Decimal(0), Decimal(0)),
]
# Everybody leaves in the first year, as the headcount ends at 0
CLOSING = {"growth_rate": "-0.99999"}
NEVER = [(0, 999, "0", "0")]
ALWAYS = [(0, 999, "1", "0")]
ALWAYS_OUT = [(0, 999, "0", "1")]
NO_CONDITIONS = {
    "match_last_day": "none", "match_hours": "none", "core_last_day": "none", "core_hours": "none",
}  # fmt: skip


def still(name: str = "baseline", year: int = 2023, **changes: object) -> Scenario:
    """A scenario from ``year`` on without any movement; ``parameters`` come on top of STILL."""
    parameters = STILL | changes.pop("parameters", {})
    quiet = Scenario(
        name, seed=SEED, draws=DRAWS, first_year=year, census_date=date(year - 1, 12, 31),
        parameters=parameters, levels=FLAT_PAY, enrollment_age_bands=NEVER,
        enrollment_pay_bands=[(0, 10**12, "1", "1")], enrollment_deferrals=[(0, 0, "0.05")],
    )  # fmt: skip
    return replace(quiet, **changes)


def person(employee_id: str, **changes: object) -> Person:
    """Somebody born in 1985, hired in 2015, of level 1, paid 100,000, without an election."""
    plain = Person(employee_id, date(1985, 6, 15), date(2015, 3, 1), 10_000_000, job_level=1)
    return replace(plain, **changes)


def one_leaver(people: int) -> dict[str, str]:
    """Of ``people``, all hired more than a year ago, one leaves in the first year, then nobody.

    It is one of level 1, if the others are of level 2, whose chance is nothing. A share of people
    in [1/n, 1/(n - 1)) is one of n and none of n - 1, and half of it as much for the headcount.
    """
    share = (Decimal(1) / people + Decimal(1) / (people - 1)) / 2
    return {
        "termination_rate": f"{share:.5f}", "growth_rate": f"{-share / 2:.5f}",
        "termination_level_step": "1", "termination_level_floor": "0",
    }  # fmt: skip


def leaves_on(day: date, tag: str = "L") -> str:
    """An id, beginning with ``tag``, whose termination date is ``day`` if it leaves in its year."""
    days = (date(day.year + 1, 1, 1) - date(day.year, 1, 1)).days
    return _drawn(tag, day.year, "leave_day", days, (day - date(day.year, 1, 1)).days)


def opts_out_after(days: int, year: int, window: int = 30, tag: str = "O") -> str:
    """An id whose opt-out day is ``days`` after an automatic enrolment of ``year``."""
    return _drawn(tag, year, "opt_out_day", window, days - 1)


def _drawn(tag: str, year: int, purpose: str, below: int, wanted: int) -> str:
    for number in count():
        employee_id = f"{tag}{number:05d}"
        if (2 * draw(SEED, DRAWS, 1, year, purpose, employee_id) + 1) * below >> 54 == wanted:
            return employee_id
    raise AssertionError


def rows_by(simulation: Simulation, columns: str, year: int, key: str = "employee_id") -> dict:
    """Columns of the snapshot of a year; ``key`` may be two columns. One column gives its value."""
    width = key.count(",") + 1
    rows = simulation.rows(
        f"select {key}, {columns} from fct_workforce_snapshot where simulation_year = ?", year
    )
    found = {}
    for row in rows:
        name, values = row[:width], row[width:]
        found[name if width > 1 else name[0]] = values if len(values) > 1 else values[0]
    assert len(found) == len(rows)
    return found


def cell(simulation: Simulation, employee_id: str, columns: str, year: int) -> tuple:
    """Columns of the one row that a person has in the snapshot of a year."""
    (row,) = simulation.rows(
        f"select {columns} from fct_workforce_snapshot"
        " where employee_id = ? and simulation_year = ?",
        employee_id, year,
    )  # fmt: skip
    return row


def money_events(simulation: Simulation, employee_id: str, year: int = 2023) -> list[tuple]:
    """Type, reason and amounts of a person's money events of a year, as they apply."""
    return simulation.rows(
        "select event_type, reason, amount_before_cents, amount_after_cents from fct_yearly_events"
        " where employee_id = ? and simulation_year = ? and event_sequence > 100"
        " order by event_sequence, event_id",
        employee_id, year,
    )  # fmt: skip


def plan_events(simulation: Simulation, employee_id: str) -> list[tuple]:
    """Type, date, reason and rates of a person's events in the plan other than money, all years."""
    return simulation.rows(
        "select event_type, effective_date, reason, rate_before_e5, rate_after_e5"
        " from fct_yearly_events where employee_id = ?"
        " and event_type in ('eligibility', 'enrollment', 'opt_out', 'escalation')"
        " order by effective_date, event_sequence",
        employee_id,
    )


def with_years(compiled: Compiled, folder: Path, *years: int) -> Compiled:
    """The compiled project with the SQL of further years, made on a copy of its database."""
    shutil.copy(compiled.database, folder / compiled.database.name)
    more = {}
    for year in years:
        variables = json.dumps({"simulation_year": year})
        done = run_dbt(folder, "compile", "--select", "tag:year", "--vars", variables)
        assert done.returncode == 0, done.stdout
        manifest = json.loads((folder / "target" / "manifest.json").read_text())
        models = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
        more[year] = in_order(compiled_sql(folder, "year"), models)
    return replace(compiled, years=compiled.years | more)
