"""Every hook of planwise: specified and documented here, once.

Three kinds:

* *notify*: every plugin is told, nobody answers.
* *collect*: every plugin may answer; the answers are merged, and two that contradict each other
  are an error that names both.
* *choose*: at most one installed and enabled plugin provides it.

The entry-point name of a plugin (group ``planwise.plugins``) is its name and its flag. The entry
point is a module, or a class that is called without arguments, once per run. Hooks are called
from the kernel's thread, one at a time.

The docstrings are read by machine: the reference in ``docs/plugins.md`` is made of them (``make
docs``), and a test runs each example as a plugin of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

import pluggy

from planwise.values import (
    BatchPlan,
    BatchRequest,
    BatchResult,
    CompressedState,
    Metric,
    PlanRequest,
    PluginOption,
    ReportSection,
    RunSummary,
    Setting,
    SettingValue,
    StateTable,
    TuneRequest,
)

PROJECT: Final = "planwise"
HookKind = Literal["notify", "collect", "choose"]
_F = TypeVar("_F", bound=Callable[..., Any])
_marker = pluggy.HookspecMarker(PROJECT)

KINDS: Final[dict[str, HookKind]] = {}
"""The kind of each hook, by name; filled by the marker below."""


def _hook(kind: HookKind) -> Callable[[_F], _F]:
    """Mark a function as the specification of a hook of this kind."""

    def mark(function: _F) -> _F:
        KINDS[function.__name__] = kind
        return _marker(function)

    return mark


@_hook("collect")
def add_options() -> Sequence[PluginOption]:  # type: ignore[empty-body]  # a specification has no body
    """Say which options this plugin takes.

    Asked at start-up, after toggles are settled and before anything else; also for the help of
    ``simulate`` and for ``planwise plugins show``, where nothing runs afterwards.

    Returns:
        The options; their values reach the plugin through :func:`configure`. Two plugins may use
        the same option name: the plugin's own name is part of the flag and of the key.

    Default:
        The plugin has no options.

    Example:
        from collections.abc import Sequence

        from planwise.api import PluginOption, hookimpl

        class Codec:
            @hookimpl
            def add_options(self) -> Sequence[PluginOption]:
                return [PluginOption("level", 3, "Effort of the codec, 1 to 9.", type=int)]
    """


@_hook("notify")
def configure(options: Mapping[str, SettingValue | None]) -> None:
    """Take the settled options.

    Called once, before any hook but :func:`add_options`, with the plugin's own options only.

    Args:
        options: every option that the plugin declared, by name; flag over environment over
            config over default. Values are of the declared type, or None where the default is.

    Raises:
        PlanwiseError: a value, or two together, that the plugin cannot work with.

    Default:
        The plugin is not told; what it declared is checked all the same.

    Example:
        from collections.abc import Mapping, Sequence

        from planwise.api import PluginOption, SettingValue, hookimpl

        class Patience:
            seconds = 1.0

            @hookimpl
            def add_options(self) -> Sequence[PluginOption]:
                return [PluginOption("seconds", 1.0, "What is too long.", type=float)]

            @hookimpl
            def configure(self, options: Mapping[str, SettingValue | None]) -> None:
                self.seconds = float(options["seconds"] or 0.0)
    """


@_hook("collect")
def db_tune(request: TuneRequest) -> Sequence[Setting]:  # type: ignore[empty-body]  # a specification has no body
    """Choose DuckDB settings.

    Asked before the database opens, and again after each year with what was observed in it.

    Args:
        request: machine, pool size, the user's own choices, the last year's observation.

    Returns:
        Settings to apply. A setting that the user fixed stays as the user chose it. Two plugins
        that answer the same setting with different values are an error that names both. Settings
        may change speed and memory, never a result.

    Default:
        DuckDB's own settings hold.

    Example:
        from collections.abc import Sequence

        from planwise.api import Setting, TuneRequest, hookimpl

        class HalfTheMemory:
            @hookimpl
            def db_tune(self, request: TuneRequest) -> Sequence[Setting]:
                half = request.machine.memory_available_bytes // 2
                return [
                    Setting("memory_limit", f"{half}B", "half of what is free"),
                    Setting("threads", request.machine.cores, "a thread for each core"),
                ]
    """


@_hook("choose")
def plan_batches(request: PlanRequest) -> BatchPlan:  # type: ignore[empty-body]  # a specification has no body
    """Order the nodes of a graph into batches.

    Asked once per graph, and again when durations are known.

    Args:
        request: the nodes with their dependencies, the pool size, known durations in seconds.

    Returns:
        A plan that covers each node exactly once, puts each node into a later batch than all
        that it depends on, and holds at most ``pool_size`` nodes a batch. The kernel checks all
        three.

    Raises:
        GraphError: the nodes form a cycle.

    Default:
        One batch per node, in topological order.

    Example:
        from planwise.api import Batch, BatchPlan, GraphError, PlanRequest, hookimpl

        class Waves:
            @hookimpl
            def plan_batches(self, request: PlanRequest) -> BatchPlan:
                left = dict(request.nodes)
                batches: list[Batch] = []
                while left:
                    ready = [n for n in left if left.keys().isdisjoint(left[n].depends_on)]
                    if not ready:
                        raise GraphError("the models form a cycle")
                    batches.append(Batch(ready[: request.pool_size]))
                    for name in batches[-1].nodes:
                        del left[name]
                return BatchPlan(batches)
    """


@_hook("choose")
def execute_batch(request: BatchRequest) -> BatchResult | None:
    """Run the nodes of a batch.

    Asked for each batch of each phase.

    Args:
        request: nodes, year, variables, and a way to the database.

    Returns:
        One result per node, or None to hand this batch to dbt.

    Raises:
        PlanwiseError: a node failed; with dbt's or DuckDB's message.

    Default:
        dbt runs the batch in this process, with the manifest reused.

    Example:
        from typing import Any

        from planwise.api import BatchRequest, BatchResult, ModelResult, hookimpl, take_sample

        class Tables:
            @hookimpl
            def execute_batch(self, request: BatchRequest) -> BatchResult:
                nodes = [request.compiled(node.unique_id) for node in request.nodes]
                tables = [node for node in nodes if node.materialized == "table"]
                own = [node for node in tables if not (node.obstacles or node.reads)]
                others = [node.unique_id for node in nodes if node not in own]

                def run(cursor: Any) -> list[ModelResult]:
                    done = []
                    for node in own:
                        began_s = take_sample().wall_s
                        kind = "temp table" if node.relation[0] == "temp" else "table"
                        create = f"create or replace {kind} {node.relation_name} as "
                        cursor.execute(create + node.sql[0])
                        took_s = take_sample().wall_s - began_s
                        done.append(ModelResult(node.unique_id, took_s, executed_by="tables"))
                    return done

                results = [*request.run_by_dbt(others).results] if others else []
                return BatchResult(results + (request.transaction(run) if own else []))
    """


@_hook("choose")
def compress_state(state: StateTable) -> CompressedState:  # type: ignore[empty-body]  # a specification has no body
    """Turn a table of a finished year's state into bytes.

    Asked for each state table after each committed year, in a thread beside the next year, and
    never twice at once. To check, the bytes are restored in that thread.

    Args:
        state: the table, as Arrow.

    Returns:
        The bytes with the codec's name. Restoring them must give the same rows, types and
        values to the bit.

    Default:
        The state is stored as an uncompressed Arrow stream.

    Example:
        import zlib

        from planwise.api import CompressedState, StateTable, hookimpl, write_arrow_stream

        class Deflate:  # with the restore_state below, here or in another plugin
            @hookimpl
            def compress_state(self, state: StateTable) -> CompressedState:
                payload = zlib.compress(write_arrow_stream(state.table), level=1)
                return CompressedState("arrow+zlib", payload, state.table.nbytes)
    """


@_hook("choose")
def restore_state(state: CompressedState, limit_bytes: int) -> Any:
    """Turn bytes that :func:`compress_state` gave back into a table.

    Asked on resume, branch and hand-over to a worker, and once after a state was written. The
    kernel has checked the payload's SHA-256 before.

    Args:
        state: codec, payload, and the Arrow size that was recorded when it was written.
        limit_bytes: the most memory that decoding may take, in bytes.

    Returns:
        A ``pyarrow.Table``, or None if the codec is not this plugin's.

    Raises:
        CheckpointError: the bytes are damaged, or would take more than the limit.

    Default:
        The state stays unread: an error names the missing codec.

    Example:
        import zlib
        from typing import Any

        from planwise.api import CheckpointError, CompressedState, hookimpl, read_arrow_stream

        class Inflate:
            @hookimpl
            def restore_state(self, state: CompressedState, limit_bytes: int) -> Any:
                if state.codec != "arrow+zlib":
                    return None
                unpacking = zlib.decompressobj()
                try:
                    stream = unpacking.decompress(state.payload, limit_bytes)
                except zlib.error as error:
                    raise CheckpointError(f"the state is damaged: {error}") from error
                if not unpacking.eof:
                    raise CheckpointError("the state is cut off, or larger than it may be")
                return read_arrow_stream(stream, limit_bytes)
    """


@_hook("notify")
def record_metric(metric: Metric) -> None:
    """Take note of a boundary that was passed.

    Called at the end of every phase, batch, model and checkpoint; a year's state is stored beside
    the next year, so its checkpoint comes after batches of that.

    Args:
        metric: wall and CPU seconds, memory and storage in bytes, rows; of a model or phase that
            spilled, ``spilled_bytes`` among its values.

    Default:
        It is dropped.

    Example:
        from planwise.api import Metric, hookimpl

        class Slowest:
            slowest: Metric | None = None

            @hookimpl
            def record_metric(self, metric: Metric) -> None:
                known = self.slowest
                if metric.kind == "model" and (known is None or metric.wall_s > known.wall_s):
                    self.slowest = metric
    """


@_hook("collect")
def report_section(summary: RunSummary) -> ReportSection | None:
    """Add a section to the report, and metrics to what is kept with the run.

    Asked once: after the last year or, where ``summary.succeeded`` is false, when the run has
    failed or was stopped. No report is made then, but metrics are kept with ``--metrics``: it is
    the last moment to write what was gathered.
    The database is closed, and what was built in it is kept only if a year is finished. After
    Ctrl-C the process is ended if this takes more than a few seconds.

    Args:
        summary: years, wall seconds, success, baseline, settings, profiles.

    Returns:
        A section for terminal and JSON, or None for nothing to say. Two sections with one key
        are an error that names both plugins. Its ``metrics`` become rows of
        ``planwise.planwise_metrics`` and lines of ``--metrics``.

    Default:
        The report has no section of the plugin.

    Example:
        from planwise.api import ReportSection, RunSummary, hookimpl

        class Pace:
            @hookimpl
            def report_section(self, summary: RunSummary) -> ReportSection | None:
                if not summary.years:
                    return None
                pace = summary.wall_s / len(summary.years)
                return ReportSection("pace", "Pace", [f"{pace:.1f} s a year"], {"year_s": pace})
    """
