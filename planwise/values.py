"""The frozen value types that cross the hooks.

Everything a plugin is given or gives back is one of these. They import nothing heavy: a plugin
author pays for ``attrs`` and no more. Units are in the names: ``_s`` seconds, ``_bytes`` bytes,
``_ms`` milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen

from planwise.errors import ProjectError
from planwise.profiles import ProfiledModel
from planwise.rendered import CompiledNode, frozen_mapping, texts, whole_numbers

SettingValue = str | int | float | bool
"""What a DuckDB setting or a plugin option may hold."""

Phase = Literal["foundation", "year"]
MetricKind = Literal["run", "phase", "batch", "model", "checkpoint"]


def _batches(values: Iterable[Batch]) -> tuple[Batch, ...]:
    return tuple(values)


def _results(values: Iterable[ModelResult]) -> tuple[ModelResult, ...]:
    return tuple(values)


def _not_offered(*_: Any) -> Any:
    """What a request that was made by hand, in a test say, has in place of the kernel's ways."""
    raise ProjectError("this request was made without a database and a project behind it")


@frozen
class Machine:
    """What this process may use of the machine, container limits counted.

    Attributes:
        cores: CPU cores granted to the process (affinity and cgroup quota).
        memory_total_bytes: the lower of physical memory and the container's limit.
        memory_available_bytes: what is really free for this process now, with other processes
            and the container's limit counted.
        temp_directory: where DuckDB may spill; the folder of the database unless set otherwise.
        temp_free_bytes: free space there.
    """

    cores: int
    memory_total_bytes: int
    memory_available_bytes: int
    temp_directory: Path
    temp_free_bytes: int


@frozen
class Setting:
    """One DuckDB setting that a tuner asks for.

    Attributes:
        name: DuckDB's name of a global setting, such as ``memory_limit``.
        value: its value, in a form that DuckDB's SET takes.
        reason: one short sentence for the report: why this value on this machine.
    """

    name: str
    value: SettingValue
    reason: str = ""


@frozen
class YearObservation:
    """What was seen of a finished year, for the tuner.

    Attributes:
        year: the simulation year.
        wall_s: wall time of its models.
        cpu_s: CPU time of the process during it.
        peak_rss_bytes: the process's peak resident size so far.
        spilled_bytes: the most that DuckDB held in temporary files while a model of the year ran,
            as far as executors measure it; of the whole database, not of the model alone.
    """

    year: int
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    spilled_bytes: int = 0


@frozen
class TuneRequest:
    """The question that ``db_tune`` answers.

    Attributes:
        machine: what may be used.
        pool_size: how many models may run at once.
        fixed: settings that the user chose (flag, environment, config); they win whatever a
            plugin answers.
        observed: the year before, or None before the database opens.
        keep_order: whether the models may depend on the order of rows: of those that planwise did
            not write nobody knows that they do not.
    """

    machine: Machine
    pool_size: int
    fixed: Mapping[str, SettingValue] = field(factory=dict, converter=frozen_mapping)
    observed: YearObservation | None = None
    keep_order: bool = False


@frozen
class ModelNode:
    """A node that is executed: a model, seed or snapshot (ephemeral models are folded in).

    Attributes:
        unique_id: dbt's unique id.
        name: the short name, for people.
        depends_on: unique ids of executed nodes that must be done before; ephemeral models in
            between are looked through.
        resource_type: ``model``, ``seed`` or ``snapshot``.
        materialized: dbt's materialisation.
        relation: (schema, identifier) of the table it makes.
        tags: dbt's tags.
        keep: whether its table belongs to the result. Where not, nothing reads it once its year is
            over: the project says so, with ``meta: {planwise: {keep: false}}``.
    """

    unique_id: str
    name: str
    depends_on: tuple[str, ...] = ()
    resource_type: str = "model"
    materialized: str = "table"
    relation: tuple[str, str] = ("main", "")
    tags: tuple[str, ...] = ()
    keep: bool = True


@frozen
class PlanRequest:
    """The question that ``plan_batches`` answers.

    Attributes:
        nodes: every node to run, by unique id. Dependencies on nodes outside are already done.
        pool_size: how many models may run at once; no batch may hold more.
        durations: seconds that a node took when it last ran, by unique id; empty when unknown.
    """

    nodes: Mapping[str, ModelNode] = field(converter=frozen_mapping)
    pool_size: int
    durations: Mapping[str, float] = field(factory=dict, converter=frozen_mapping)


@frozen
class Batch:
    """Nodes that do not depend on one another and may run at once.

    Attributes:
        nodes: unique ids; the order is the order in which they are started.
    """

    nodes: tuple[str, ...] = field(converter=texts)


@frozen
class BatchPlan:
    """All batches in the order in which they run."""

    batches: tuple[Batch, ...] = field(converter=_batches)


@frozen
class BatchRequest:
    """The question that ``execute_batch`` answers.

    Attributes:
        nodes: the nodes of the batch, in the plan's order.
        phase: ``foundation`` (once) or ``year``.
        year: the simulation year, or None in the foundation.
        full_refresh: whether incremental models start anew (the first year).
        variables: dbt's ``--vars`` of this run.
        pool_size: how many models may run at once.
        project: the folder of the dbt project.
        connect: gives a cursor that reads the run's database, as a context manager; cursors may be
            used from several threads at once, one thread each. None of them sees what the open
            transaction wrote, and none writes but temporary tables of its own.
        transaction: calls a function with the cursor of the phase's one transaction, which is begun
            when it is first asked for, and gives what the function gives. The function runs in a
            thread where Ctrl-C interrupts its statements; it neither commits nor rolls back (the
            kernel does, at the end of the phase, or where dbt cannot run in it), nor closes the
            cursor, nor changes settings. If it raises, the phase is rolled back and fails.
        compiled: a node of the batch as dbt renders it for this step; waits until it is rendered.
        stage: the number of the phase's stage that the batch belongs to, from 0.
        run_by_dbt: lets dbt run some nodes of the batch, each once, as it does without a provider.

    The ways to the database and to dbt end with the batch; so does the cursor.
    """

    nodes: tuple[ModelNode, ...]
    phase: Phase
    year: int | None
    full_refresh: bool
    variables: Mapping[str, Any] = field(converter=frozen_mapping)
    pool_size: int
    project: Path
    connect: Callable[[], AbstractContextManager[Any]] = field(repr=False)
    transaction: Callable[[Callable[[Any], Any]], Any] = field(default=_not_offered, repr=False)
    compiled: Callable[[str], CompiledNode] = field(default=_not_offered, repr=False)
    run_by_dbt: Callable[[Sequence[str]], BatchResult] = field(default=_not_offered, repr=False)
    stage: int = 0


@frozen
class ModelResult:
    """What came of one node.

    Attributes:
        unique_id: the node.
        wall_s: seconds from its start to its end.
        cpu_s: CPU seconds of the whole process in that span (models that run at the same time
            share it).
        executed_by: who ran it, for the report: ``dbt`` or the plugin's own word.
        reason: why that one, in a sentence, for ``planwise explain``.
        rows: rows of the table that it made or changed, if the executor knows them.
        peak_rss_bytes: the process's peak resident size when it ended.
        bytes_read, bytes_written: what the process read and wrote on storage in that span.
        spilled_bytes: the most that DuckDB held in temporary files while it ran, if the executor
            knows; of the whole database, so temporary tables that were evicted before count too.
        started_s: reading of ``time.perf_counter()`` when it began, for the timeline of a report;
            None if the executor does not tell.
        profile: of its longest statement, as DuckDB's JSON, where the run asks for profiles.
    """

    unique_id: str
    wall_s: float
    cpu_s: float = 0.0
    executed_by: str = "dbt"
    peak_rss_bytes: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    reason: str = ""
    rows: int | None = None
    spilled_bytes: int = 0
    started_s: float | None = None
    profile: str = field(default="", repr=False)


@frozen
class BatchResult:
    """The answer of ``execute_batch``: one result per node of the batch, each a success.

    A node that fails is an exception (``PlanwiseError``), never a result.
    """

    results: tuple[ModelResult, ...] = field(converter=_results)


@frozen
class StateTable:
    """One table of a finished year's state.

    Attributes:
        name: ``schema.table``.
        year: the year that finished; -1 for state that belongs to none.
        table: a ``pyarrow.Table``. Typed loosely, so that naming this type costs no import.
    """

    name: str
    year: int
    table: Any = field(repr=False)


@frozen
class CompressedState:
    """A state table as bytes.

    Attributes:
        codec: the format's name, such as ``parquet+lz4``. Reading needs a plugin that knows it.
        payload: the bytes.
        raw_bytes: size of the same data as Arrow buffers; what the ratio is quoted against.
    """

    codec: str
    payload: bytes = field(repr=False)
    raw_bytes: int


@frozen
class Metric:
    """A boundary that was passed: a phase, batch, model or checkpoint ended.

    Attributes:
        kind: what ended.
        name: its name: ``foundation``, ``year 2026``, a model's unique id, a table's name.
        year: the simulation year, or None.
        wall_s, cpu_s: wall time, and CPU time of the process in that span.
        rss_bytes, peak_rss_bytes: resident size at the end, and its peak in the process so far.
        rows: rows written, where that is known.
        bytes_read, bytes_written: what the process read and wrote on storage in that span.
        values: further figures, such as ``ratio`` of a checkpoint.
        started_s: reading of ``time.perf_counter()`` when it began, or None if that is not known.
    """

    kind: MetricKind
    name: str
    year: int | None
    wall_s: float
    cpu_s: float = 0.0
    rss_bytes: int = 0
    peak_rss_bytes: int = 0
    rows: int | None = None
    bytes_read: int = 0
    bytes_written: int = 0
    values: Mapping[str, float] = field(factory=dict, converter=frozen_mapping)
    started_s: float | None = None


@frozen
class PluginOption:
    """An option of a plugin: a flag, and a key under ``plugins.<plugin>`` in the config.

    Attributes:
        name: lower case words joined by ``_``; the flag is ``--<plugin>-<name>``.
        default: used when nobody set it; its type is the option's type unless it is None.
        help: one sentence for ``--help``.
        type: ``str``, ``int``, ``float`` or ``bool``.
        choices: the values allowed, or empty for any.
    """

    name: str
    default: SettingValue | None
    help: str
    type: type[str] | type[int] | type[float] | type[bool] = str
    choices: tuple[SettingValue, ...] = ()


@frozen
class Baseline:
    """What improvement is quoted against.

    Attributes:
        kind: ``configured`` (a number that the user wrote) or ``measured``.
        foundation_setup_ms, year_processing_ms, total_simulation_ms: milliseconds, or None.
        arm: what was measured, such as ``per-year``; None of a configured one.
        measured_at: when, in UTC, as ISO 8601 says it; likewise.
    """

    kind: Literal["configured", "measured"]
    foundation_setup_ms: float | None = None
    year_processing_ms: float | None = None
    total_simulation_ms: float | None = None
    arm: str | None = None
    measured_at: str | None = None


@frozen
class ReportSection:
    """What a plugin adds to the report of a run.

    Attributes:
        key: the section's key in the JSON results; lower case, unique among sections.
        title: its heading in the terminal.
        lines: plain text, a line each.
        data: the same as JSON-ready data.
        metrics: what is kept with the run: in its database, and in the file of ``--metrics``.
    """

    key: str
    title: str
    lines: tuple[str, ...] = field(converter=texts)
    data: Mapping[str, Any] = field(factory=dict, converter=frozen_mapping)
    metrics: Sequence[Metric] = field(default=(), repr=False)


@frozen
class RunSummary:
    """A run that has ended, as ``report_section`` sees it.

    Attributes:
        years: the simulation years that finished.
        wall_s: wall time from start to end.
        succeeded: whether every year finished; false of a run that failed or was stopped.
        baseline: what improvement is quoted against, if anything.
        settings: DuckDB's settings at the end, of the user and of plugins.
        fixed: the names of those that the user chose.
        profiles: of the slowest executions, where they were asked for.
    """

    years: Sequence[int] = field(converter=whole_numbers)
    wall_s: float
    succeeded: bool
    baseline: Baseline | None = None
    settings: Mapping[str, SettingValue] = field(factory=dict, converter=frozen_mapping)
    fixed: frozenset[str] = frozenset()
    profiles: tuple[ProfiledModel, ...] = ()
