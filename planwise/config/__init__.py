"""The configuration file: read safely, checked whole, exact to the last decimal.

Importing this package loads neither pydantic nor yaml; the first use of one of its names does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planwise.config.load import Config, load_config
    from planwise.config.scenario_files import load_scenario, load_scenarios
    from planwise.config.scenario_folder import scenario_names

__all__ = ["Config", "load_config", "load_scenario", "load_scenarios", "scenario_names"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from planwise.config import load, scenario_files, scenario_folder

        homes = (load, scenario_files, scenario_folder)
        return next(getattr(home, name) for home in homes if hasattr(home, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
