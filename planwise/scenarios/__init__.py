"""Scenarios: named sets of parameters, written as rows that the simulation reads.

Importing this package loads nothing heavy; databases are passed in.
"""

from __future__ import annotations

from planwise.scenarios.defaults import (
    DefaultParameter,
    read_default_levels,
    read_default_parameters,
)
from planwise.scenarios.describe import ParameterLine, describe_parameters
from planwise.scenarios.from_config import scenario_from_config
from planwise.scenarios.levels import levels_from_census, settle_levels
from planwise.scenarios.values import (
    AgeBand,
    HireAge,
    Level,
    RaiseMonth,
    Scenario,
    TenureBand,
)
from planwise.scenarios.write import write_scenarios

__all__ = [
    "AgeBand",
    "DefaultParameter",
    "HireAge",
    "Level",
    "ParameterLine",
    "RaiseMonth",
    "Scenario",
    "TenureBand",
    "describe_parameters",
    "levels_from_census",
    "read_default_levels",
    "read_default_parameters",
    "scenario_from_config",
    "settle_levels",
    "write_scenarios",
]
