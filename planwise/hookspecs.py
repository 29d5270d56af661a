"""Every hook of planwise: specified and documented here, once.

Three kinds:

* *notify*: every plugin is told, nobody answers.
* *collect*: every plugin may answer; the answers are merged, and two that contradict each other
  are an error that names both.
* *choose*: at most one installed and enabled plugin provides it.

The entry-point name of a plugin (group ``planwise.plugins``) is its name and its flag. The entry
point is a module, or a class that is called without arguments, once per run. Hooks are called
from the kernel's thread, one at a time.
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

    Asked at start-up, after toggles are settled and before anything else.

    Returns:
        The options; their values reach the plugin through :func:`configure`. Two plugins may use
        the same option name: the plugin's own name is part of the flag and of the key.
        Without an answer the plugin has no options.

    Example:
        ``return [PluginOption("level", 3, "Effort of the codec, 1 to 9.", type=int)]``
    """


@_hook("notify")
def configure(options: Mapping[str, SettingValue | None]) -> None:
    """Take the settled options.

    Called once, before any hook but :func:`add_options`, with the plugin's own options only.

    Args:
        options: every option that the plugin declared, by name; flag over environment over
            config over default.

    Example:
        ``self.level = options["level"]``
    """


@_hook("collect")
def db_tune(request: TuneRequest) -> Sequence[Setting]:  # type: ignore[empty-body]  # a specification has no body
    """Choose DuckDB settings.

    Asked before the database opens, and again after each year with what was observed in it.

    Args:
        request: machine, pool size, the user's own choices, the last year's observation.

    Returns:
        Settings to apply. A setting that the user fixed stays as the user chose it. Two plugins
        that answer the same setting with different values are an error that names both. Without
        an answer DuckDB's own settings hold. Settings may change speed and memory, never a
        result.

    Example:
        ``return [Setting("threads", 2, "two cores are granted")]``
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
        three. Without a provider: one batch per node, in topological order.

    Example:
        ``return BatchPlan([Batch([node]) for node in my_order(request.nodes)])``
    """


@_hook("choose")
def execute_batch(request: BatchRequest) -> BatchResult | None:
    """Run the nodes of a batch.

    Asked for each batch of each phase.

    Args:
        request: nodes, year, variables, and a way to the database.

    Returns:
        One result per node, or None to hand this batch to dbt. A failing node is an exception,
        a ``PlanwiseError`` with dbt's or DuckDB's message. Without a provider dbt runs it in
        this process, with the manifest reused.

    Example:
        ``return request.transaction(lambda cursor: run(cursor, request.nodes))``
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
        values to the bit. Without a provider the state is stored as an uncompressed Arrow stream.

    Example:
        ``return CompressedState("arrow+mycodec", encode(state.table), state.table.nbytes)``
    """


@_hook("choose")
def restore_state(state: CompressedState, limit_bytes: int) -> Any:
    """Turn bytes that :func:`compress_state` gave back into a table.

    Asked on resume, branch and hand-over to a worker. The kernel has checked the payload's
    SHA-256 before.

    Args:
        state: codec, payload, and the Arrow size that was recorded when it was written.
        limit_bytes: the most memory that decoding may take, in bytes.

    Returns:
        A ``pyarrow.Table``, or None if the codec is not this plugin's. Without an answer the state
        stays unread: an error names the missing codec. Damaged bytes are a ``CheckpointError``.

    Example:
        ``return decode(state.payload) if state.codec == "arrow+mycodec" else None``
    """


@_hook("notify")
def record_metric(metric: Metric) -> None:
    """Take note of a boundary that was passed.

    Called at the end of every phase, batch, model and checkpoint; a year's state is stored beside
    the next year, so its checkpoint comes after batches of that. Without a plugin it is dropped.

    Args:
        metric: wall and CPU seconds, memory and storage in bytes, rows; of a model or phase that
            spilled, ``spilled_bytes`` among its values.

    Example:
        ``self.seen.append(metric)``
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

    Example:
        ``return ReportSection("mine", "What I saw", [f"{len(self.seen)} metrics"])``
    """
