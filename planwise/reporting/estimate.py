"""How long a run still takes: from what its phases took in the run before, and in this one."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import define, field, frozen

from planwise.errors import WarehouseError
from planwise.run_record import read_account

_NEAR = 0.1
"""A census is of the same size if it has no more than this share of people more or fewer."""


@frozen
class Durations:
    """What the phases of an earlier run took, in seconds.

    Attributes:
        foundation_s: the foundation.
        year_s: the median of its years.
    """

    foundation_s: float
    year_s: float


def earlier_durations(
    folder: Path, project: Path, people: int | None, scenarios: int
) -> Durations | None:
    """What the last finished run took, if it was one like this.

    Args:
        folder: the run's own, beside the database.
        project: the dbt project; a run of another one tells nothing.
        people: in the census; None for a project that reads none.
        scenarios: how many there are.
    """
    try:
        account = read_account(folder)
    except WarehouseError:
        return None
    details = account.details
    if details is None or details.resumed_years or details.circumstances.scenarios != scenarios:
        return None
    census = details.circumstances.census
    if details.circumstances.project != str(project.resolve()) or len(account.phases) < 2:
        return None
    if (census is None) != (people is None):
        return None
    if census is not None and people is not None and not _is_near(census["people"], people):
        return None
    foundation, *years = (phase.wall_s for phase in account.phases)
    return Durations(foundation, statistics.median(years))


def _is_near(before: int, people: int) -> bool:
    return abs(before - people) <= _NEAR * people


@define
class TimeLeft:
    """What is left of a run.

    Attributes:
        years: asked once, when the first models begin: those that are run, in order. A project
            that runs once is only known by then.
        earlier: asked once, then too: what an earlier run took.
        clock: gives seconds.
    """

    years: Callable[[], Sequence[int]]
    earlier: Callable[[], Durations | None]
    clock: Callable[[], float]
    _known: Durations | None = None
    _asked: bool = False
    _all: Sequence[int] = ()
    _took: list[float] = field(factory=list)
    _year: int | None = None
    _began_s: float = 0.0

    def phase_started(self, year: int | None, models: int) -> None:
        """A phase begins; of the foundation this is told once more when its models are known."""
        if models and not self._asked:
            self._known, self._all, self._asked = self.earlier(), self.years(), True
        if self._began_s == 0.0 or year != self._year:
            self._began_s = self.clock()
        self._year = year

    def phase_finished(self, year: int | None, wall_s: float) -> None:
        """A phase is done."""
        if year is not None:
            self._took.append(wall_s)

    def seconds(self) -> float | None:
        """Seconds until the last year ends; None where nothing is known to tell them from."""
        year_s = self._known.year_s if self._known else None
        if self._took:
            year_s = statistics.median(self._took)
        if year_s is None:
            return None
        here: float | None = year_s
        if self._year is None:
            here = self._known.foundation_s if self._known else None
        if here is None:
            return None
        later = sum(1 for each in self._all if self._year is None or each > self._year)
        return max(0.0, here - (self.clock() - self._began_s)) + later * year_s


def about(seconds: float | None) -> str:
    """Time left in words, such as ``about 3 min left``; nothing where it is unknown."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"
