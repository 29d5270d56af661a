"""Which hooks a new plugin gets, and which of them are of use together alone."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Final

from attrs import frozen

from planwise import hookspecs
from planwise.answers import shown
from planwise.errors import UsageError


@frozen
class Part:
    """Hooks that are written together, with one behaviour behind them.

    Attributes:
        name: of its template, and of its option in words.
        hooks: the hooks, in the order of ``hookspecs``.
        does: what the behaviour as generated does, as the end of a sentence on the plugin.
        instead_of: the built-in plugin that cannot be on at the same time, or nothing.
    """

    name: str
    hooks: tuple[str, ...]
    does: str
    instead_of: str = ""


OPTIONS: Final = Part(
    "options",
    ("add_options", "configure"),
    "takes an option of its own from flag, environment and configuration",
)
_METRICS: Final = Part(
    "metrics",
    ("record_metric", "report_section"),
    "adds up the time of each model, and reports the slowest",
)
PARTS: Final = (
    OPTIONS,
    Part(
        "tuning",
        ("db_tune",),
        "chooses DuckDB's memory limit and threads for the machine",
        instead_of="tuning",
    ),
    Part(
        "batches",
        ("plan_batches",),
        "cuts each level of the graph into batches, the longest models first",
        instead_of="batching",
    ),
    Part(
        "execution",
        ("execute_batch",),
        "executes plain tables itself, and lets dbt run everything else",
        instead_of="precompile",
    ),
    Part(
        "state",
        ("compress_state", "restore_state"),
        "stores the state of each year as an Arrow stream packed by zlib",
        instead_of="compression",
    ),
    _METRICS,
)
"""Every hook is in one of them, and they are in the order of the generated module."""


def parts_for(hooks: Iterable[str]) -> tuple[Part, ...]:
    """The parts that are needed for some hooks.

    Options alone would change nothing: with no other hook, that of the metrics comes along.

    Args:
        hooks: names of hooks, each as a user typed it.

    Raises:
        UsageError: there is no such hook, or none is named.
    """
    wanted = set(hooks)
    for hook in sorted(wanted):
        if hook not in hookspecs.KINDS:
            raise UsageError(unknown_hook_message(hook))
    if not wanted:
        raise UsageError(f"name one hook or more; the hooks are: {_all_hooks()}")
    found = [part for part in PARTS if wanted & set(part.hooks)]
    return (*found, _METRICS) if found == [OPTIONS] else tuple(found)


def hooks_of(parts: Iterable[Part]) -> list[str]:
    """The hooks of some parts, in order."""
    return [hook for part in parts for hook in part.hooks]


def unknown_hook_message(hook: str) -> str:
    """One line for a hook that does not exist, with the closest that does."""
    like = hook.strip().lower().replace("-", "_")
    close = difflib.get_close_matches(like, hookspecs.KINDS, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"no hook {shown(hook)}; {hint}the hooks are: {_all_hooks()}"


def hook_lines() -> Sequence[tuple[str, str, str]]:
    """Name, kind and purpose of every hook, as its specification says them."""
    return [(name, kind, _purpose(name)) for name, kind in hookspecs.KINDS.items()]


def _purpose(hook: str) -> str:
    first = (inspect.getdoc(getattr(hookspecs, hook)) or "").partition("\n")[0]
    return re.sub(r":func:`(\w+)`", r"\1", first)  # as Sphinx writes a link


def _all_hooks() -> str:
    return ", ".join(hookspecs.KINDS)
