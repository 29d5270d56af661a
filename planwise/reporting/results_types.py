"""The JSON results as types: what makes them is held to these, and so is their JSON Schema.

A text below a key is what an editor shows; docs/results.md says more.
"""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from planwise.census.values import CensusDict
from planwise.improvement import ImprovementClass
from planwise.values import SettingValue


class PluginFailureDict(TypedDict):
    """A failure of a plugin with which the run went on: ``--plugin-errors=warn``."""

    plugin: str
    distribution: str
    hook: str | None
    """None: it could not be imported."""
    problem: str
    off: Literal["all", "dispensable"]
    """What was off from then on: all of it, or the hooks that no result depends on."""


class SettingDict(TypedDict):
    """A DuckDB setting in force, and who chose it."""

    name: str
    value: SettingValue
    origin: str
    """``command line``, ``environment``, ``config`` or ``plugin NAME``."""
    reason: str


class RetuningDict(TypedDict):
    """A setting that was changed between two years."""

    after_year: int
    name: str
    before: SettingValue | None
    """None: DuckDB's default."""
    value: SettingValue
    reason: str
    wall_s: list[float]
    """Seconds of the year before the change, and of the one after it."""
    spilled_bytes: list[int]


class BaselineDict(TypedDict):
    """What improvement is quoted against, in milliseconds."""

    kind: Literal["configured", "measured"]
    foundation_setup_ms: float | None
    year_processing_ms: float | None
    total_simulation_ms: float | None
    arm: str | None
    """What was measured, such as ``per-year``; None of a configured one."""
    measured_at: str | None
    """When, ISO 8601; likewise."""


# A key is called `class`, which is no name in Python.
ImprovementDict = TypedDict("ImprovementDict", {"percent": float, "class": ImprovementClass})


class ModelDict(TypedDict):
    """One execution of a model."""

    unique_id: str
    name: str
    year: int | None
    wall_s: float
    cpu_s: float
    rows: int | None
    """Rows in its table afterwards, of all years; null for a view."""
    executed_by: str
    reason: str
    depends_on: list[str]
    spilled_bytes: int
    batch: int
    start_s: float | None


class StretchDict(TypedDict):
    """A stretch of the run, in seconds from its beginning."""

    start_s: float
    wall_s: float


class CheckpointDict(TypedDict):
    """The stored state of a year."""

    year: int
    codec: str
    tables: int
    rows: int
    raw_bytes: int
    stored_bytes: int
    compress_s: float
    restore_s: float
    ratio: float
    """``raw_bytes / stored_bytes``."""


class PhaseDict(TypedDict):
    """The foundation, or a year."""

    name: str
    year: int | None
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    rows: int
    bytes_read: int
    bytes_written: int
    batches: int
    models: list[ModelDict]
    checkpoint: CheckpointDict | None
    improvement: ImprovementDict | None
    start_s: float
    storing: StretchDict | None
    """When its state was stored, beside the next year."""


class SlowModelDict(TypedDict):
    """A model, all its runs together."""

    name: str
    wall_s: float
    runs: int
    share: float


class ProfileDict(TypedDict):
    """An execution of a model of which DuckDB's profile is kept, with ``--profile``."""

    unique_id: str
    year: int | None
    """None in the foundation."""
    wall_s: float
    file: str
    """The plan with times; DuckDB's JSON is beside it."""


class ScenarioDict(TypedDict):
    """What was simulated."""

    scenario_id: str
    replicate_id: int
    seed: int
    draws: str
    file: str | None


class ResultsDict(TypedDict):
    """The results of a run: docs/results.md."""

    schema_version: int
    """Raised when a key goes away or changes its meaning."""
    versions: dict[str, str | None]
    database: str
    """The finished DuckDB file."""
    checkpoints: str
    """The folder with the state of each year."""
    years: list[int]
    """The simulation years that finished."""
    requested_years: list[int]
    """The simulation years that were asked for."""
    resumed_years: list[int]
    """Those that an interrupted run, or the one that was branched from, had finished."""
    success_rate: float
    wall_s: float
    cpu_s: float
    parse_s: float
    peak_rss_bytes: int
    parsed_anew_because: list[str]
    uncached_because: str
    plugins: dict[str, bool]
    """Every installed plugin: on or off."""
    plugin_failures: list[PluginFailureDict]
    settings: list[SettingDict]
    retunings: list[RetuningDict]
    baseline: BaselineDict | None
    improvement: ImprovementDict | None
    foundation: PhaseDict
    year_phases: list[PhaseDict]
    slowest_models: list[SlowModelDict]
    profiles: list[ProfileDict]
    """The slowest first; empty without ``--profile``."""
    scenarios: list[ScenarioDict]
    headcount: list[dict[str, Any]]
    """The rows of ``fct_headcount``."""
    plan_cost: list[dict[str, Any]]
    """The rows of ``fct_plan_cost``."""
    census: CensusDict | None
    synthetic_census: int | None
    """People in the census if it was generated for want of one."""
    sections: dict[str, dict[str, Any]]
    """What each plugin adds to the report, by the section's key."""
