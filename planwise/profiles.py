"""DuckDB's profiles of the statements that took longest: kept in memory, as light as ``values``."""

from __future__ import annotations

import heapq
import re
from typing import Final

from attrs import field, frozen

MOST: Final = 10
"""Profiles that a run keeps: of its slowest executions of models."""
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME: Final = 80


@frozen
class ProfiledModel:
    """An execution of a model of which a profile is kept.

    Attributes:
        unique_id: dbt's unique id.
        year: the simulation year, or None in the foundation.
        wall_s: seconds of the whole execution.
        file: where the plan is, relative to the run's folder; DuckDB's JSON is beside it.
        profile: of its longest statement, as DuckDB's JSON.
    """

    unique_id: str
    year: int | None
    wall_s: float
    file: str
    profile: str = field(repr=False)


class SlowestProfiles:
    """Keeps the profiles of the slowest executions, and no more."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, int, str, int | None, str]] = []
        self._seen = 0

    def add(self, unique_id: str, year: int | None, wall_s: float, profile: str) -> None:
        """Keep a profile, if its execution is among the slowest so far."""
        self._seen += 1  # differs in every entry, so that nothing after it is compared
        entry = (wall_s, -self._seen, unique_id, year, profile)
        if len(self._kept) < MOST:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)

    def kept(self) -> tuple[ProfiledModel, ...]:
        """Those that are kept, the slowest first."""
        ranked = sorted(self._kept, key=lambda each: each[:2], reverse=True)
        return tuple(
            ProfiledModel(
                name, year, wall_s, f"query_profiles/{_stem(rank, name, year)}.txt", profile
            )
            for rank, (wall_s, _, name, year, profile) in enumerate(ranked, start=1)
        )


def _stem(rank: int, unique_id: str, year: int | None) -> str:
    """A file's name without its ending; the rank makes it unique, whatever a model is called."""
    name = _ODD.sub("_", unique_id.rpartition(".")[2])[:_LONGEST_NAME]
    return f"{rank:02}-{'foundation' if year is None else year}-{name}"
