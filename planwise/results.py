"""What a run leaves behind, as values. Units are in the names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from planwise.containment import PluginFailure
from planwise.improvement import Improvement
from planwise.profiles import ProfiledModel
from planwise.values import Baseline, BatchPlan, Metric, ModelNode, ReportSection, SettingValue

SCHEMA_VERSION: Final = 1
"""Version of the JSON results; raised when a key changes its meaning or goes away."""


@frozen
class ChosenSetting:
    """A DuckDB setting in force, who chose it, and why.

    Attributes:
        origin: ``command line``, ``environment``, ``config``, or ``plugin NAME``.
    """

    name: str
    value: SettingValue
    origin: str
    reason: str = ""


@frozen
class Retuning:
    """A setting that was changed between two years, and what that bought.

    Attributes:
        after_year: the year that the change follows from.
        name: the setting.
        before: its value until then; None for DuckDB's default.
        value: its value since.
        reason: why it was changed.
        wall_s: seconds of the year before the change, and of the one after it.
        spilled_bytes: the most that DuckDB held in temporary files while a model ran, likewise.
    """

    after_year: int
    name: str
    before: SettingValue | None
    value: SettingValue
    reason: str
    wall_s: tuple[float, float]
    spilled_bytes: tuple[int, int]


@frozen
class ModelRecord:
    """One execution of a model.

    Attributes:
        batch: the number of its batch in the phase, from 1.
        start_s: seconds from the run's beginning to its own; None if the executor does not tell.
    """

    unique_id: str
    name: str
    year: int | None
    wall_s: float
    cpu_s: float
    rows: int | None
    executed_by: str
    reason: str = ""
    depends_on: tuple[str, ...] = ()
    spilled_bytes: int = 0
    batch: int = 0
    start_s: float | None = None


@frozen
class Stretch:
    """A stretch of a run.

    Attributes:
        start_s: seconds from the run's beginning to its own.
        wall_s: its length.
    """

    start_s: float
    wall_s: float


@frozen
class CheckpointRecord:
    """The stored state of a year.

    Attributes:
        codec: the format of the largest table, such as ``parquet+lz4``; ``arrow`` uncompressed.
        raw_bytes: size as Arrow buffers.
        stored_bytes: size on disk.
        compress_s, restore_s: seconds for all tables; restoring is done once, as verification.
    """

    year: int
    codec: str
    tables: int
    rows: int
    raw_bytes: int
    stored_bytes: int
    compress_s: float
    restore_s: float

    @property
    def ratio(self) -> float:
        """How many times smaller than as Arrow buffers; 0 when nothing was stored."""
        return self.raw_bytes / self.stored_bytes if self.stored_bytes else 0.0


@frozen
class PhaseRecord:
    """The foundation or one year, finished.

    Attributes:
        start_s: seconds from the run's beginning to its own.
        storing: when the state of the year was stored, beside the year that follows, and its log
            was moved into the database file; None for the foundation.
    """

    name: str
    year: int | None
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    rows: int
    bytes_read: int
    bytes_written: int
    batches: int
    models: tuple[ModelRecord, ...]
    checkpoint: CheckpointRecord | None = None
    improvement: Improvement | None = None
    start_s: float = 0.0
    storing: Stretch | None = None

    @property
    def spilled_bytes(self) -> int:
        """The most that DuckDB held in temporary files while one of its models ran."""
        return max((model.spilled_bytes for model in self.models), default=0)


@frozen
class RunPlan:
    """What a run would do: nothing here has a side effect.

    Attributes:
        foundation, year: the batches of the foundation and of the first year.
        nodes: every executed node by unique id.
    """

    years: tuple[int, ...]
    pool_size: int
    settings: tuple[ChosenSetting, ...]
    foundation: BatchPlan
    year: BatchPlan
    nodes: Mapping[str, ModelNode] = field(repr=False)


@frozen
class RunResult:
    """A finished run.

    Attributes:
        wall_s: from the first to the last step of the pipeline.
        parse_s: seconds in dbt's parser, part of the foundation's wall time.
        parsed_anew_because: parts of the project that the year decides at parse time.
        uncached_because: why nothing rendered is kept between runs; empty if it is.
        retunings: settings that a tuner changed between two years.
        resumed_years: those of the years that an interrupted run, or another one, had finished.
        profiles: DuckDB's profiles of the slowest executions, where they were asked for.
        plugin_failures: failures of plugins with which the run went on.
    """

    years: tuple[int, ...]
    requested_years: tuple[int, ...]
    wall_s: float
    cpu_s: float
    parse_s: float
    peak_rss_bytes: int
    foundation: PhaseRecord
    year_phases: tuple[PhaseRecord, ...]
    settings: tuple[ChosenSetting, ...]
    sections: tuple[ReportSection, ...]
    baseline: Baseline | None
    improvement: Improvement | None
    parsed_anew_because: tuple[str, ...] = ()
    uncached_because: str = ""
    retunings: tuple[Retuning, ...] = ()
    resumed_years: tuple[int, ...] = ()
    profiles: tuple[ProfiledModel, ...] = ()
    plugin_failures: tuple[PluginFailure, ...] = ()

    @property
    def success_rate(self) -> float:
        """Share of the requested years that finished."""
        return len(self.years) / len(self.requested_years) if self.requested_years else 1.0

    @property
    def metrics(self) -> list[Metric]:
        """What the plugins keep with the run."""
        return [metric for section in self.sections for metric in section.metrics]

    @property
    def models(self) -> list[ModelRecord]:
        """Every execution of a model, in order."""
        return [m for phase in (self.foundation, *self.year_phases) for m in phase.models]


def slowest_models(result: RunResult, count: int = 5) -> list[Mapping[str, Any]]:
    """The models that took most wall time over the whole run.

    Args:
        result: the run.
        count: how many at the most.

    Returns:
        Per model: ``name``, ``wall_s`` in total, ``runs``, and ``share`` of all models' wall time.
    """
    totals: dict[str, tuple[float, int]] = {}
    for model in result.models:
        wall, runs = totals.get(model.name, (0.0, 0))
        totals[model.name] = (wall + model.wall_s, runs + 1)
    everything = sum(wall for wall, _ in totals.values())
    ranked = sorted(totals.items(), key=lambda item: (-item[1][0], item[0]))[:count]
    return [
        {"name": name, "wall_s": w, "runs": n, "share": w / everything if everything else 0.0}
        for name, (w, n) in ranked
    ]
