"""What to run of which dbt project: its folder, variables, profile, and the steps of a year."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from planwise.rendered import frozen_mapping
from planwise.stages import Stage

STEP_VARIABLE: Final = "simulation_year"
"""The var that holds the year, unless the project says otherwise."""


@frozen
class ProjectSpec:
    """A dbt project, and how it is stepped through the years.

    Attributes:
        directory: the folder of ``dbt_project.yml``.
        step_variable: the var that holds the year.
        variables: further vars, the same in each year.
        profiles: the folder of the user's ``profiles.yml``: the project then runs in the database
            that the profile names. None: planwise writes a profile and builds a result of its own.
        target: the profile's target; None for its default.
        foundation: what runs once; None for seeds, models tagged ``foundation``, and what these
            depend on.
        year: what runs in each year; None for everything else.
        keep_intermediates: whether tables that the project does not keep are kept all the same.
    """

    directory: Path
    step_variable: str = STEP_VARIABLE
    variables: Mapping[str, Any] = field(factory=dict, converter=frozen_mapping)
    profiles: Path | None = None
    target: str | None = None
    foundation: tuple[Stage, ...] | None = None
    year: tuple[Stage, ...] | None = None
    keep_intermediates: bool = False

    def identity(self) -> dict[str, Any]:
        """What tells it from another way to step the same folder, as JSON-ready data.

        Raises:
            OSError: a script cannot be read; it may be outside of the folder.
        """
        stages = (*(self.foundation or ()), *(self.year or ()))
        scripts = sorted({each.sql for each in stages if each.sql is not None})
        return {
            "step": self.step_variable,
            "vars": dict(self.variables),
            "keep": self.keep_intermediates,
            "foundation": _steps(self.foundation),
            "year": _steps(self.year),
            "scripts": {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in scripts},
        }


def _steps(stages: Sequence[Stage] | None) -> list[dict[str, Any]] | None:
    if stages is None:
        return None
    return [
        {
            "select": list(each.select),
            "sql": None if each.sql is None else str(each.sql),
            "full_refresh": each.full_refresh,
            "first_year_only": each.first_year_only,
        }
        for each in stages
    ]
