"""The history of a person in the terminal: a line an event, unwrapped, fit to be searched."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from planwise.analysis.figures import money, percent
from planwise.analysis.person_history import HistoryEvent, PersonHistory, snapshot_in_words
from planwise.census.values import printable

_LONGEST = 300


def print_history(console: Console, history: PersonHistory) -> None:
    """Print who the person is, each year's events, and the end of each year."""
    for line in header_lines(history):
        _print(console, line)
    for year in history.years:
        _print(console, "")
        _print(console, str(year.year))
        changes = [_change(event) for event in year.events]
        width = max((len(change) for change in changes), default=0)
        for event, change in zip(year.events, changes, strict=True):
            day = event.values["effective_date"]
            kind = str(event.values["event_type"]).replace("_", " ")
            _print(console, f"  {day}  {kind:<12}  {change:<{width}}  {event.rule}")
        _print(
            console, f"  {year.year}-12-31  {snapshot_in_words(year.snapshot, history.scenario)}"
        )
        for note in year.notes:
            _print(console, f"              {note}")


def header_lines(history: PersonHistory) -> list[str]:
    """Who the person is, in a few lines."""
    person, opening = history.person, history.opening
    facts = [
        f"born {person['birth_date']}",
        f"hired {person['hire_date']}",
        f"level {person['job_level']}",
        *(printable(str(person[name])) for name in ("job_title", "department") if person[name]),
        f"{person['scheduled_hours_per_week']} hours a week",
    ]
    if person["termination_date"]:
        facts.append(f"left on {person['termination_date']}")
    lines = [
        f"{printable(str(person['employee_id']), 100)}: {', '.join(facts)}",
        f"scenario {history.scenario.scenario_id}, replicate {history.scenario.replicate_id}",
    ]
    if opening is None:
        lines.append("not in the census: hired in the simulation")
    else:
        census_date = history.scenario.values["census_date"]
        rate = opening["deferral_rate_e5"]
        election = (
            f"deferral {percent(rate)} since {opening['enrollment_date']}"
            if rate
            else ("no election" if rate is None else "declined (deferral 0 %)")
        )
        pay = money(opening["annual_pay_rate_cents"])
        lines.append(
            f"census of {census_date}: level {opening['job_level']}, pay {pay}, {election}"
        )
    return lines


def _change(event: HistoryEvent) -> str:
    if event.before and event.after:
        return f"{event.before} -> {event.after}"
    if event.before:
        return f"{event.before} ->"
    return event.after


def _print(console: Console, line: str) -> None:
    """A line that no content can style, wrap or break."""
    console.print(Text(printable(line, _LONGEST * 2)), soft_wrap=True)
