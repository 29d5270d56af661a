"""What is wrong with a plugin's answer: checks of content, each a sentence or None.

Attrs checks no types, and a wrong value would come to light far from the plugin that gave it: in
DuckDB, in a stored checkpoint, or after the last year in the results.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from planwise.values import (
    BatchPlan,
    BatchResult,
    CompressedState,
    Metric,
    MetricKind,
    ModelResult,
    PlanRequest,
    PluginOption,
    ReportSection,
    Setting,
    SettingValue,
    TuneRequest,
)

UNCOMPRESSED: Final = "arrow"
"""The kernel's own codec, for states that no plugin compresses."""
TUNABLE: Final = frozenset({
    "allocator_background_threads", "allocator_bulk_deallocation_flush_threshold",
    "allocator_flush_threshold", "async_threads", "auto_checkpoint_skip_wal_threshold",
    "block_allocator_memory", "checkpoint_threshold", "dynamic_or_filter_threshold",
    "enable_external_file_cache", "enable_fsst_vectors", "enable_optimistic_write",
    "experimental_metadata_reuse", "external_threads", "force_compression", "index_scan_max_count",
    "index_scan_percentage", "initial_column_segment_size", "late_materialization_max_rows",
    "max_memory", "max_temp_directory_size", "max_vacuum_tasks", "memory_limit",
    "merge_join_threshold", "nested_loop_join_threshold", "ordered_aggregate_threshold",
    "partitioned_write_flush_threshold", "partitioned_write_max_open_files",
    "perfect_ht_threshold", "pin_threads", "prefer_range_joins", "preserve_insertion_order",
    "read_ahead_depth", "scheduler_process_partial", "storage_block_prefetch", "temp_directory",
    "threads", "wal_autocheckpoint", "wal_autocheckpoint_entries", "worker_threads",
    "write_buffer_row_group_count", "write_buffer_row_group_memory_limit",
    "zstd_min_string_length",
})  # fmt: skip
"""DuckDB settings of speed and memory. All others may change a result, lose one in a power failure
or open a way out of the database: a user may choose them, a plugin may not."""
_THREADS: Final = frozenset({"threads", "worker_threads", "external_threads", "async_threads"})
_MOST_THREADS: Final = 1024
"""DuckDB starts as many as it is told to, whatever the machine says."""
_MOST: Final = 2**63 - 1
"""What DuckDB, Arrow and a JSON reader take for a count."""
_MOST_S: Final = 1e9
_MOST_CLOCK_S: Final = 1e12
_LONGEST: Final = 200
_LONGEST_ERROR: Final = 2000
"""Characters: an error of DuckDB quotes a statement, and a value may be anything."""
_WORD: Final = re.compile(r"[a-z][a-z0-9_]*\Z")
_TYPES: Final = (str, int, float, bool)


def shown(value: object) -> str:
    """A value for a message: one short line, whatever the value does when it is asked."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001  # a plugin's own object may raise anything
        text = f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def told(error: BaseException, *, first_line: bool = False) -> str:
    """Type and text of an error, on one line, whatever it does when it is asked."""
    text = _text_of(error, first_line=first_line)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _text_of(error: BaseException, *, first_line: bool) -> str:
    try:
        text = str(error).strip()
        text = " ".join((text.partition("\n")[0] if first_line else text).split())
    except Exception:  # noqa: BLE001  # an exception is a plugin's own object too
        return "(its text cannot be shown)"
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]} ..."


def setting_problem(setting: Setting, request: TuneRequest) -> str | None:
    """A setting is one of speed, and has a value that SET takes and a reason in words."""
    given: Any = setting  # its annotations are what is in question
    name, value = given.name, given.value
    if not isinstance(name, str) or not name.strip():
        return f"expected the name of a setting, got {shown(name)}"
    if name.lower() not in TUNABLE:
        return (
            f"'{name}' is no setting of speed or memory that a plugin may choose; "
            "let the user set it"
        )
    if not isinstance(value, _TYPES) or (isinstance(value, float) and not math.isfinite(value)):
        return (
            f"setting '{name}': expected text, a finite number or a truth value, got {shown(value)}"
        )
    if name.lower() in _THREADS and not _is_count(value, _MOST_THREADS):
        return f"setting '{name}': expected a number of up to {_MOST_THREADS}, got {shown(value)}"
    if name.lower() == "preserve_insertion_order" and request.keep_order and not _is_on(value):
        return f"setting '{name}': a table of this project may depend on the order of rows"
    if not isinstance(given.reason, str):
        return f"setting '{name}': expected a reason in words, got {shown(given.reason)}"
    return None


def _is_count(value: object, most: int = _MOST) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _is_on(value: SettingValue) -> bool:
    return str(value).strip().lower() in ("true", "1", "on", "yes", "t", "y")


def options_problem(options: Sequence[PluginOption]) -> str | None:
    """Options can be flags and keys, and their defaults are values that a user could give."""
    names: set[str] = set()
    option: Any
    for option in options:
        name = option.name
        if not isinstance(name, str) or not _WORD.match(name) or name == "enabled":
            return (
                f"option {shown(name)}: expected lower case words joined by '_', and not "
                "'enabled', which is the plugin's own toggle"
            )
        if name in names:
            return f"option '{name}' is declared twice"
        names.add(name)
        if option.type not in _TYPES:
            return (
                f"option '{name}': expected type str, int, float or bool, got {shown(option.type)}"
            )
        if not isinstance(option.help, str):
            return f"option '{name}': expected a sentence of help, got {shown(option.help)}"
        for value in (*option.choices, *([] if option.default is None else [option.default])):
            if not _is_of(option.type, value):
                return f"option '{name}': {shown(value)} is no {option.type.__name__}"
        if option.choices and option.default is not None and option.default not in option.choices:
            return f"option '{name}': the default {shown(option.default)} is not among the choices"
    return None


def _is_of(kind: type, value: object) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if isinstance(value, int) and abs(value) > _MOST:
        return False
    return isinstance(value, int | float if kind is float else kind)


def plan_problem(plan: BatchPlan, request: PlanRequest) -> str | None:
    """A plan covers every node once, respects dependencies and fits the pool."""
    done: set[str] = set()
    for number, batch in enumerate(plan.batches, start=1):
        nodes = getattr(batch, "nodes", None)
        if not isinstance(nodes, tuple):
            return f"batch {number}: expected a Batch, got {shown(batch)}"
        if not nodes:
            return f"batch {number} is empty"
        if len(nodes) > request.pool_size:
            return f"batch {number} holds {len(nodes)} nodes, the pool {request.pool_size}"
        for node in nodes:
            if not isinstance(node, str) or node not in request.nodes:
                return f"batch {number} names the unknown node {shown(node)}"
            if node in done or nodes.count(node) > 1:
                return f"node '{node}' is planned twice"
            for each in request.nodes[node].depends_on:
                if each in request.nodes and each not in done:
                    return f"batch {number} runs '{node}' before its dependency '{each}'"
        done.update(nodes)
    left = sorted(set(request.nodes) - done)
    return f"{len(left)} nodes are not planned, '{left[0]}' among them" if left else None


def results_problem(result: BatchResult, expected: Sequence[str]) -> str | None:
    """One result for each node of the batch, with times that are numbers."""
    each: Any
    for each in result.results:
        if not isinstance(each, ModelResult) or not isinstance(each.unique_id, str):
            return f"expected a ModelResult, got {shown(each)}"
        problem = _result_problem(each)
        if problem is not None:
            return f"'{each.unique_id}': {problem}"
    got = sorted(each.unique_id for each in result.results)
    return None if got == sorted(expected) else f"expected results of {sorted(expected)}, got {got}"


def _result_problem(given: Any) -> str | None:
    for name in ("wall_s", "cpu_s"):
        seconds = getattr(given, name)
        if not isinstance(seconds, int | float) or not 0 <= seconds <= _MOST_S:  # nor NaN
            return f"expected seconds as {name}, got {shown(seconds)}"
    for name in ("executed_by", "reason", "profile"):
        if not isinstance(getattr(given, name), str):
            return f"expected words as {name}, got {shown(getattr(given, name))}"
    for name in ("peak_rss_bytes", "bytes_read", "bytes_written", "spilled_bytes"):
        if not _is_count(getattr(given, name)):
            return f"expected a number of bytes as {name}, got {shown(getattr(given, name))}"
    if given.rows is not None and not _is_count(given.rows):
        return f"expected a number of rows or None, got {shown(given.rows)}"
    began = given.started_s
    if began is not None and not (isinstance(began, int | float) and abs(began) <= _MOST_CLOCK_S):
        return f"expected a reading of the clock or None as started_s, got {shown(began)}"
    return None


def compressed_problem(state: CompressedState) -> str | None:
    """A compressed state can be stored, and found again under its codec."""
    given: Any = state
    codec = given.codec
    if not isinstance(codec, str) or not codec or codec == UNCOMPRESSED:
        return (
            f"expected the name of a codec other than the kernel's own 'arrow', got {shown(codec)}"
        )
    if not isinstance(given.payload, bytes):
        return f"codec '{codec}': expected bytes, got {type(given.payload).__name__}"
    size = given.raw_bytes
    if not _is_count(size):
        return f"codec '{codec}': expected the table's size in bytes, got {shown(size)}"
    return None


def section_problem(section: ReportSection) -> str | None:
    """A section can be printed, and written as JSON."""
    given: Any = section
    if not isinstance(given.key, str) or not _WORD.match(given.key):
        return f"section {shown(given.key)}: expected a key of lower case words joined by '_'"
    texts = (given.title, *given.lines)
    if not all(isinstance(text, str) for text in texts):
        return f"section '{section.key}': expected title and lines of text"
    try:
        json.dumps(dict(section.data), allow_nan=False, default=_as_dict)
    except (TypeError, ValueError, RecursionError) as error:
        return f"section '{section.key}': its data is no JSON: {error}"
    if not isinstance(given.metrics, list | tuple):
        return f"section '{section.key}': expected a list of metrics, got {shown(given.metrics)}"
    for each in given.metrics:
        problem = _metric_problem(each)
        if problem is not None:
            return f"section '{section.key}': {problem}"
    return None


def _metric_problem(metric: object) -> str | None:
    """A metric fits the columns of ``planwise_metrics``."""
    if not isinstance(metric, Metric) or metric.kind not in get_args(MetricKind):
        return f"expected a Metric, got {shown(metric)}"
    given: Any = metric
    if not isinstance(given.name, str):
        return f"expected a metric's name, got {shown(given.name)}"
    name = shown(given.name)
    if given.year is not None and not _is_whole(given.year, 2**31 - 1):
        return f"metric {name}: expected a year or None, got {shown(given.year)}"
    for key in ("rss_bytes", "peak_rss_bytes", "bytes_read", "bytes_written", "rows"):
        value = getattr(given, key)
        if not _is_whole(value) and not (key == "rows" and value is None):
            return f"metric {name}: expected a number as {key}, got {shown(value)}"
    figures = {"wall_s": given.wall_s, "cpu_s": given.cpu_s, **given.values}
    for key, value in figures.items():
        number = isinstance(value, int | float) and abs(value) <= _MOST  # nor NaN
        if not isinstance(key, str) or not number:
            return f"metric {name}: expected a number as {shown(key)}, got {shown(value)}"
    return None


def _is_whole(value: object, most: int = _MOST) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= most


def _as_dict(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"not a JSON value: {shown(value)}")
