"""The steps of a phase, as a user orders them: nodes of dbt, or a file of SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import frozen

Refresh = Literal["first", "always", "never"]


@frozen
class Stage:
    """One step of the foundation or of a year.

    Attributes:
        select: dbt selectors, any of which selects a node; empty for a step of SQL.
        nodes: unique ids of the nodes that are selected; empty until a graph is there.
        sql: a file of SQL, which gets the year as the bound value that is called like the step
            variable; None for a step of dbt.
        full_refresh: whether incremental models start anew: in the first year, always, or never.
        first_year_only: whether later years leave it out.
    """

    select: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    sql: Path | None = None
    full_refresh: Refresh = "first"
    first_year_only: bool = False

    def anew(self, *, first: bool) -> bool:
        """Whether incremental models start anew.

        Args:
            first: whether the year is the first, or it is the foundation.
        """
        return first if self.full_refresh == "first" else self.full_refresh == "always"
