"""What happened to one person in a scenario, year by year, and by which rule."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from attrs import define, frozen

from planwise.analysis.figures import in_words, money, percent
from planwise.analysis.result_database import ResultDatabase, ScenarioInForce, shown
from planwise.analysis.rule_tables import Situation
from planwise.analysis.rule_words import RuleWords
from planwise.census.values import printable
from planwise.errors import UsageError

_PERSON: Final = (
    *("employee_id", "birth_date", "hire_date", "termination_date", "employment_status"),
    *("job_level", "annual_pay_rate_cents", "department", "job_title", "gender"),
    *("scheduled_hours_per_week", "raise_month", "level_source"),
)
SNAPSHOT_COLUMNS: Final = (
    *("simulation_year", "employment_status", "detailed_status", "termination_date", "age_years"),
    *("age_band", "tenure_years", "tenure_band", "job_level", "annual_pay_rate_cents"),
    *("prorated_pay_cents", "full_year_equivalent_cents", "below_band", "plan_entry_date"),
    *("is_eligible", "deferral_rate_e5", "enrollment_date", "enrollment_source", "has_declined"),
    *("has_opted_out", "opt_out_date", "is_hce", "contribution_cents", "catch_up_cents"),
    *("match_cents", "core_cents", "reallocated_cents", "vesting_service_years"),
    *("match_vested_e5", "core_vested_e5", "match_credited_cents", "core_credited_cents"),
    *("match_forfeited_cents", "core_forfeited_cents", "auto_escalation_opt_out"),
)
_EVENT: Final = (
    *("simulation_year", "event_id", "event_type", "effective_date", "event_sequence", "reason"),
    *("amount_before_cents", "amount_after_cents", "level_before", "level_after"),
    *("rate_before_e5", "rate_after_e5"),
)
_OPENING: Final = (
    *("job_level", "annual_pay_rate_cents", "deferral_rate_e5", "enrollment_date"),
    *("enrollment_source", "has_declined", "plan_entry_date"),
)
_SIMILAR: Final = 3
"""Ids that are offered for one that is not there."""


@frozen
class HistoryEvent:
    """An event of the ledger.

    Attributes:
        values: its columns.
        before, after: what it changed, in words; empty where there is nothing to say.
        rule: what made it, in words, with the parameters of the scenario.
    """

    values: Mapping[str, Any]
    before: str
    after: str
    rule: str


@frozen
class PersonYear:
    """A year of a person.

    Attributes:
        year: the simulation year.
        events: in the order in which they apply.
        snapshot: the person on 31 December; see :data:`SNAPSHOT_COLUMNS`.
        notes: why employer money stayed away.
    """

    year: int
    events: Sequence[HistoryEvent]
    snapshot: Mapping[str, Any]
    notes: Sequence[str]


@frozen
class PersonHistory:
    """A person in a scenario.

    Attributes:
        scenario: the scenario.
        person: who it is, at the end.
        opening: what the census says of pay and plan; None for a hire of the simulation.
        years: the years in which the person was employed.
    """

    scenario: ScenarioInForce
    person: Mapping[str, Any]
    opening: Mapping[str, Any] | None
    years: Sequence[PersonYear]

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "scenario_id": self.scenario.scenario_id,
            "replicate_id": self.scenario.replicate_id,
            "person": _plain(self.person),
            "census": None if self.opening is None else _plain(self.opening),
            "years": [
                {
                    "simulation_year": year.year,
                    "events": [{**_plain(each.values), "rule": each.rule} for each in year.events],
                    "snapshot": _plain(year.snapshot),
                    "notes": list(year.notes),
                }
                for year in self.years
            ],
        }


def person_history(
    result: ResultDatabase, scenario: ScenarioInForce, employee_id: str
) -> PersonHistory:
    """The history of a person.

    Args:
        result: the database.
        scenario: the scenario.
        employee_id: the person.

    Raises:
        UsageError: there is no such person; ids like it are named.
        WarehouseError: the result has no plan.
    """
    result.require("fct_workforce_snapshot", {*_PERSON, *SNAPSHOT_COLUMNS})
    result.require("fct_yearly_events", _EVENT)
    snapshots = _rows(result, scenario, "fct_workforce_snapshot", employee_id, SNAPSHOT_COLUMNS)
    if not snapshots:
        raise UsageError(_unknown(result, scenario, employee_id))
    person = _rows(result, scenario, "fct_workforce_snapshot", employee_id, _PERSON)[-1]
    events = _rows(result, scenario, "fct_yearly_events", employee_id, _EVENT)
    opening = None
    if "base_workforce" in result.columns:
        result.require("base_workforce", _OPENING)
        found = _rows(result, scenario, "base_workforce", employee_id, _OPENING)
        opening = found[0] if found else None
    state = _State.at_the_start(person, opening)
    rules = RuleWords(result, scenario)
    years = [
        _year(rules, state, snapshot, [e for e in events if _year_of(e) == _year_of(snapshot)])
        for snapshot in snapshots
    ]
    return PersonHistory(scenario, person, opening, years)


@define
class _State:
    """Pay and deferral as the events have left them."""

    birth_date: datetime.date
    hire_date: datetime.date
    hours_per_week: Decimal
    pay_cents: int | None = None
    rate_e5: int = 0

    @classmethod
    def at_the_start(cls, person: Mapping[str, Any], opening: Mapping[str, Any] | None) -> _State:
        state = cls(person["birth_date"], person["hire_date"], person["scheduled_hours_per_week"])
        if opening is not None:
            state.pay_cents = opening["annual_pay_rate_cents"]
            state.rate_e5 = opening["deferral_rate_e5"] or 0
        return state


def _year(
    rules: RuleWords,
    state: _State,
    snapshot: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
) -> PersonYear:
    year = _year_of(snapshot)
    situation = Situation(
        snapshot,
        state.birth_date,
        state.hire_date,
        state.hours_per_week,
        deferring_from=max(state.hire_date, datetime.date(year, 1, 1)),
        deferring_until=snapshot["termination_date"] or datetime.date(year, 12, 31),
        pay_cents=state.pay_cents,
        rate_e5=state.rate_e5,
    )
    told = []
    for event in events:
        kind = event["event_type"]
        if kind in ("hire", "promotion", "raise"):
            state.pay_cents = situation.pay_cents = event["amount_after_cents"]
        if kind in ("enrollment", "escalation"):
            state.rate_e5 = situation.rate_e5 = event["rate_after_e5"]
        if kind == "enrollment":
            situation.deferring_from = event["effective_date"]
        if kind == "opt_out":
            # What was deferred before stays in force for the contribution of the year.
            state.rate_e5 = 0
            situation.deferring_until = event["effective_date"] - datetime.timedelta(days=1)
        told.append(HistoryEvent(event, *_change(event), rules.of_event(event, situation)))
    return PersonYear(year, told, snapshot, rules.of_absence(situation))


def _change(event: Mapping[str, Any]) -> tuple[str, str]:
    """What an event changed, in words."""
    kind = event["event_type"]
    before, after = event["amount_before_cents"], event["amount_after_cents"]
    if kind in ("enrollment", "escalation", "opt_out"):
        return (
            _or("no election", event["rate_before_e5"], percent),
            _or("", event["rate_after_e5"], percent),
        )
    if kind in ("hire", "promotion", "termination"):
        sides = ((event["level_before"], before), (event["level_after"], after))
        first, second = (
            "" if amount is None else f"level {level}, {money(amount)}" for level, amount in sides
        )
        return first, second
    return _or("", before if before != after else None, money), _or("", after, money)


def _or(absent: str, value: int | None, words: Any) -> str:
    return absent if value is None else str(words(value))


def _rows(
    result: ResultDatabase,
    scenario: ScenarioInForce,
    table: str,
    employee_id: str,
    columns: Sequence[str],
) -> list[dict[str, Any]]:
    order = {
        "fct_workforce_snapshot": "simulation_year",
        "fct_yearly_events": "simulation_year, effective_date, event_sequence, event_id",
        "base_workforce": "employee_id",
    }[table]
    return result.records(
        f"select {', '.join(columns)} from main.{table} "  # noqa: S608  # constants
        f"where scenario_id = ? and replicate_id = ? and employee_id = ? order by {order}",
        [*scenario.key, employee_id],
    )


def _unknown(result: ResultDatabase, scenario: ScenarioInForce, employee_id: str) -> str:
    """One line for an id that is not there: those most like it, and how many there are."""
    people = result.query(
        "select count(distinct employee_id) from main.fct_workforce_snapshot "
        "where scenario_id = ? and replicate_id = ?",
        scenario.key,
    )[0][0]
    most = max(1, min(len(employee_id) // 3, 3))
    close = result.query(
        "select employee_id, levenshtein(lower(employee_id), lower(?)) as distance "
        "from main.fct_workforce_snapshot where scenario_id = ? and replicate_id = ? "
        "group by employee_id having distance <= ? order by distance, employee_id limit ?",
        [employee_id[:200], *scenario.key, most, _SIMILAR],
    )
    hint = f"did you mean {shown([row[0] for row in close])}? " if close else ""
    return (
        f"{result.path}: scenario {scenario.scenario_id} has no employee "
        f"'{printable(employee_id)}'; {hint}it has {people:,} people"
    )


def _year_of(row: Mapping[str, Any]) -> int:
    return int(row["simulation_year"])


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, datetime.date | Decimal) else value
        for name, value in values.items()
    }


def snapshot_in_words(snapshot: Mapping[str, Any], scenario: ScenarioInForce) -> str:
    """The person on 31 December, or at the end, in one line."""
    left = snapshot["termination_date"]
    rate = snapshot["deferral_rate_e5"]
    parts = [
        f"left on {left}" if left else "active",
        f"level {snapshot['job_level']}",
        f"pay rate {money(snapshot['annual_pay_rate_cents'])}",
        f"paid {money(snapshot['prorated_pay_cents'])}",
        "not eligible" if not snapshot["is_eligible"] else f"deferral {_or('none', rate, percent)}",
        f"contributions {money(snapshot['contribution_cents'])}",
    ]
    for source in ("match", "core"):
        if scenario.values[f"{source}_formula"] == "none":
            continue
        amount = money(snapshot[f"{source}_cents"])
        credited = money(snapshot[f"{source}_credited_cents"])
        vested = in_words("vested_e5", snapshot[f"{source}_vested_e5"])
        parts.append(f"{source} {amount} (credited so far {credited}, vested {vested})")
    if snapshot["reallocated_cents"]:
        parts.append(f"reallocated {money(snapshot['reallocated_cents'])}")
    if snapshot["is_hce"]:
        parts.append("highly compensated")
    return ", ".join(parts)
