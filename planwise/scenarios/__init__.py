"""Scenarios: named sets of parameters, written as rows that the simulation reads.

Importing this package loads nothing heavy; databases are passed in.
"""

from __future__ import annotations

from planwise.scenarios.defaults import (
    DefaultParameter,
    read_default_bands,
    read_default_levels,
    read_default_parameters,
)
from planwise.scenarios.describe import ParameterLine, describe_parameters
from planwise.scenarios.from_config import scenario_from_config
from planwise.scenarios.in_force import Setting, differing, settings_in_force
from planwise.scenarios.levels import levels_from_census, settle_levels
from planwise.scenarios.values import (
    AgeBand,
    CoreTier,
    EnrollmentAgeBand,
    EnrollmentDeferral,
    EnrollmentPayBand,
    HireAge,
    IrsLimit,
    Level,
    MatchTier,
    RaiseMonth,
    Scenario,
    TenureBand,
    VestingStep,
)
from planwise.scenarios.write import write_scenarios

__all__ = [
    "AgeBand",
    "CoreTier",
    "DefaultParameter",
    "EnrollmentAgeBand",
    "EnrollmentDeferral",
    "EnrollmentPayBand",
    "HireAge",
    "IrsLimit",
    "Level",
    "MatchTier",
    "ParameterLine",
    "RaiseMonth",
    "Scenario",
    "Setting",
    "TenureBand",
    "VestingStep",
    "describe_parameters",
    "differing",
    "levels_from_census",
    "read_default_bands",
    "read_default_levels",
    "read_default_parameters",
    "scenario_from_config",
    "settings_in_force",
    "settle_levels",
    "write_scenarios",
]
