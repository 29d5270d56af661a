"""The dbt projects that come with the kit: small, stepped by year, run by plain dbt too."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

PROJECTS: Final = Path(__file__).parent / "projects"
SMALL: Final = "small"
"""The project of the fixture ``planwise_project``."""
EXECUTED: Final = (SMALL, "conditional_ref", "self_reference", "hooks", "ephemeral_chain")
"""What an executor is tried on."""
FAILING: Final = "failing_year"
"""A model fails in the second year, 2026."""
FAILS_WITH: Final = "no such year: 2026"
"""What DuckDB says then."""


def copied(name: str, target: Path) -> Path:
    """A copy of a project.

    Args:
        name: its folder in :data:`PROJECTS`.
        target: a folder that is made.
    """
    return Path(shutil.copytree(PROJECTS / name, target))
