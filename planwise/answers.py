"""What is wrong with a plugin's answer: checks of content, each a sentence or None.

Attrs checks no types, and a wrong value would come to light far from the plugin that gave it: in
DuckDB, in a stored checkpoint, or after the last year in the results.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from planwise.values import (
    BatchPlan,
    BatchResult,
    CompressedState,
    ModelResult,
    PlanRequest,
    PluginOption,
    ReportSection,
    Setting,
)

UNCOMPRESSED: Final = "arrow"
"""The kernel's own codec, for states that no plugin compresses."""
_WORD: Final = re.compile(r"[a-z][a-z0-9_]*\Z")
_TYPES: Final = (str, int, float, bool)


def setting_problem(setting: Setting) -> str | None:
    """A setting has a name, a value that SET takes, and a reason in words."""
    given: Any = setting  # its annotations are what is in question
    name, value = given.name, given.value
    if not isinstance(name, str) or not name.strip():
        return f"expected the name of a setting, got {name!r}"
    if not isinstance(value, _TYPES) or (isinstance(value, float) and not math.isfinite(value)):
        return f"setting '{name}': expected text, a finite number or a truth value, got {value!r}"
    if not isinstance(given.reason, str):
        return f"setting '{name}': expected a reason in words, got {given.reason!r}"
    return None


def options_problem(options: Sequence[PluginOption]) -> str | None:
    """Options can be flags and keys, and their defaults are values that a user could give."""
    names: set[str] = set()
    option: Any
    for option in options:
        name = option.name
        if not isinstance(name, str) or not _WORD.match(name) or name == "enabled":
            return (
                f"option {name!r}: expected lower case words joined by '_', and not 'enabled', "
                "which is the plugin's own toggle"
            )
        if name in names:
            return f"option '{name}' is declared twice"
        names.add(name)
        if option.type not in _TYPES:
            return f"option '{name}': expected type str, int, float or bool, got {option.type!r}"
        if not isinstance(option.help, str):
            return f"option '{name}': expected a sentence of help, got {option.help!r}"
        for value in (*option.choices, *([] if option.default is None else [option.default])):
            if not _is_of(option.type, value):
                return f"option '{name}': {value!r} is no {option.type.__name__}"
        if option.choices and option.default is not None and option.default not in option.choices:
            return f"option '{name}': the default {option.default!r} is not among the choices"
    return None


def _is_of(kind: type, value: object) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, int | float if kind is float else kind)


def plan_problem(plan: BatchPlan, request: PlanRequest) -> str | None:
    """A plan covers every node once, respects dependencies and fits the pool."""
    done: set[str] = set()
    for number, batch in enumerate(plan.batches, start=1):
        nodes = getattr(batch, "nodes", None)
        if not isinstance(nodes, tuple):
            return f"batch {number}: expected a Batch, got {batch!r}"
        if not nodes:
            return f"batch {number} is empty"
        if len(nodes) > request.pool_size:
            return f"batch {number} holds {len(nodes)} nodes, the pool {request.pool_size}"
        for node in nodes:
            if not isinstance(node, str) or node not in request.nodes:
                return f"batch {number} names the unknown node {node!r}"
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
            return f"expected a ModelResult, got {each!r}"
        times = (each.wall_s, each.cpu_s)
        if not all(isinstance(t, int | float) and math.isfinite(t) and t >= 0 for t in times):
            return f"'{each.unique_id}': expected seconds, got {each.wall_s!r} and {each.cpu_s!r}"
    got = sorted(each.unique_id for each in result.results)
    return None if got == sorted(expected) else f"expected results of {sorted(expected)}, got {got}"


def compressed_problem(state: CompressedState) -> str | None:
    """A compressed state can be stored, and found again under its codec."""
    given: Any = state
    codec = given.codec
    if not isinstance(codec, str) or not codec or codec == UNCOMPRESSED:
        return f"expected the name of a codec other than the kernel's own 'arrow', got {codec!r}"
    if not isinstance(given.payload, bytes):
        return f"codec '{codec}': expected bytes, got {type(given.payload).__name__}"
    size = given.raw_bytes
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        return f"codec '{codec}': expected the table's size in bytes, got {size!r}"
    return None


def section_problem(section: ReportSection) -> str | None:
    """A section can be printed, and written as JSON."""
    given: Any = section
    if not isinstance(given.key, str) or not _WORD.match(given.key):
        return f"section {given.key!r}: expected a key of lower case words joined by '_'"
    texts = (given.title, *given.lines)
    if not all(isinstance(text, str) for text in texts):
        return f"section '{section.key}': expected title and lines of text"
    try:
        json.dumps(dict(section.data), allow_nan=False, default=_as_dict)
    except (TypeError, ValueError, RecursionError) as error:
        return f"section '{section.key}': its data is no JSON: {error}"
    return None


def _as_dict(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"not a JSON value: {value!r}")
