"""What the oracles write down: people, the ledger, and the years that they make of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    from simulation_inputs import Person


@dataclass
class Employee:
    """A person as it goes through the years; ``person`` is the row of the census, if it has one."""

    employee_id: str
    birth: date
    hired: date
    level: int
    level_source: str
    pay: int
    raise_month: int
    person: Person | None = None
    left: date | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Event:
    """A row of the ledger; the fields that are not named here are those of its table."""

    simulation_year: int
    employee_id: str
    event_type: str
    effective_date: date
    event_sequence: int
    reason: str | None
    amount_before_cents: int | None = None
    amount_after_cents: int | None = None
    level_before: int | None = None
    level_after: int | None = None
    rate_before_e5: int | None = None
    rate_after_e5: int | None = None
    birth_date: date | None = None
    scheduled_hours_per_week: int | None = None


@dataclass
class PersonYear:
    """One person through one year, with the pay rate of each day that is paid."""

    who: Employee
    year: int
    is_hire: bool
    opening_level: int
    opening_pay: int
    pay: dict[date, int] = field(default_factory=dict)
    prorated: int = 0
    below: bool = False
    events: list[Event] = field(default_factory=list)

    def employed(self, day: date) -> bool:
        """Employed on a day: from the hire date, and before the termination date."""
        return self.who.hired <= day and (self.who.left is None or day < self.who.left)

    def happens(self, kind: str, day: date, sequence: int, reason: str, **more: Any) -> None:
        """Write an event into the ledger."""
        self.events.append(
            Event(self.year, self.who.employee_id, kind, day, sequence, reason, **more)
        )


@dataclass
class WorkforceYear:
    """What the workforce of one year was: people, then rows of the two tables of headcounts."""

    people: list[PersonYear] = field(default_factory=list)
    headcount: dict[str, int] = field(default_factory=dict)
    by_level: list[dict[str, int]] = field(default_factory=list)
