"""Where the simulation is that comes with planwise: in a wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PLACES: Final = (
    Path(__file__).parents[1] / "_simulation" / "dbt",  # in a wheel
    Path(__file__).parents[2] / "dbt",  # in a checkout
)


def bundled_project() -> Path | None:
    """The folder of planwise's own dbt project; None where it was not installed."""
    return next((each for each in _PLACES if (each / "dbt_project.yml").is_file()), None)
