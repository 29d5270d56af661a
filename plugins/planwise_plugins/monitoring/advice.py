"""What a run's own figures recommend: a rule with a threshold each, and nothing where none is met.

docs/plugins.md lists the rules. A recommendation names what was measured, where, and what bears on
it; what would hold for any run is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal

from attrs import frozen

from planwise.api import Metric, RunSummary

SPILLED_BYTES: Final = 16 << 20
"""From here on temporary files are more than the tail of one operator."""
SPILLED_SHARE: Final = 0.05
"""Of its phase: below, a faster model would not be noticed."""
LONG_SHARE: Final = 0.4
LONG_S: Final = 1.0
"""Seconds: in a shorter phase a large share is a small time."""
SWAPPED_BYTES: Final = 64 << 20
MOST: Final = 3
"""Recommendations of one rule: those that cost most."""


@frozen
class Recommendation:
    """One recommendation.

    Attributes:
        rule: ``spill``, ``long_model`` or ``swap``.
        unique_id: the model, or None.
        year: the year; None for the foundation.
        share: of the wall time of its phase, or None.
        wall_s: of the model, or of the phase.
        bytes: spilled, or swapped; None of a model that only took long.
        text: a sentence.
    """

    rule: Literal["spill", "long_model", "swap"]
    unique_id: str | None
    year: int | None
    share: float | None
    wall_s: float
    bytes: int | None
    text: str


def recommendations(
    metrics: Sequence[Metric], swap: Mapping[str, tuple[int, int]], summary: RunSummary
) -> list[Recommendation]:
    """What the figures of a run recommend; empty if they recommend nothing.

    Args:
        metrics: of the run, in any order.
        swap: swap in use on the machine and memory available, in bytes, at the end of each phase.
        summary: the run as a whole.
    """
    metrics = sorted(metrics, key=_in_order)
    phases = {each.year: each for each in metrics if each.kind == "phase"}
    models = [
        each
        for each in metrics
        if each.kind == "model" and each.year in phases and _is_share(each, phases[each.year])
    ]
    available = {year: swap[each.name][1] for year, each in phases.items() if each.name in swap}
    spills = [
        _spill(model, phases[model.year], available.get(model.year), summary)
        for model in _worst(each for each in models if _has_spilled(each, phases[each.year]))
    ]
    told = {each.unique_id for each in spills}
    long = [
        _long(model, phases[model.year], summary)
        for model in _worst(
            each
            for each in models
            if each.name not in told
            and each.wall_s >= LONG_S
            and each.wall_s >= LONG_SHARE * phases[each.year].wall_s
        )
    ]
    return [*spills, *long, *_swaps(list(phases.values()), swap, summary)]


def _in_order(metric: Metric) -> tuple[int, str, float, float]:
    """The foundation, then the years; whatever order metrics came in, the same is said."""
    year = -1 if metric.year is None else metric.year
    return year, metric.name, metric.wall_s, metric.values.get("spilled_bytes", 0.0)


def _is_share(model: Metric, phase: Metric) -> bool:
    return phase.wall_s > 0 and math.isfinite(model.wall_s / phase.wall_s)


def _has_spilled(model: Metric, phase: Metric) -> bool:
    spilled = model.values.get("spilled_bytes", 0)
    return SPILLED_BYTES <= spilled < math.inf and model.wall_s >= SPILLED_SHARE * phase.wall_s


def _worst(found: Iterable[Metric]) -> list[Metric]:
    """Of each model the execution that took longest, and of these the longest."""
    worst: dict[str, Metric] = {}
    for each in found:
        if each.name not in worst or each.wall_s > worst[each.name].wall_s:
            worst[each.name] = each
    return sorted(worst.values(), key=lambda each: (-each.wall_s, each.name))[:MOST]


def _spill(
    model: Metric, phase: Metric, available: int | None, summary: RunSummary
) -> Recommendation:
    spilled = int(model.values["spilled_bytes"])
    text = f"{_took(model, phase)}, while DuckDB held {size(spilled)} in temporary files: "
    text += _limit(summary)
    if available is not None and available >= spilled:
        text += f", and {size(available)} were available after it: give more with --memory-limit"
    elif available is not None:
        text += f", and no more than {size(available)} were available after it"
    text += _plan(model, summary)
    share = model.wall_s / phase.wall_s
    return Recommendation("spill", model.name, model.year, share, model.wall_s, spilled, text)


def _long(model: Metric, phase: Metric, summary: RunSummary) -> Recommendation:
    text = _took(model, phase) + _plan(model, summary)
    share = model.wall_s / phase.wall_s
    return Recommendation("long_model", model.name, model.year, share, model.wall_s, None, text)


def _swaps(
    phases: Sequence[Metric], swap: Mapping[str, tuple[int, int]], summary: RunSummary
) -> list[Recommendation]:
    """Phases during which the machine swapped out more, in order of how much."""
    found = []
    known = [each for each in phases if each.name in swap]
    for before, phase in pairwise(known):
        grown = swap[phase.name][0] - swap[before.name][0]
        if grown < SWAPPED_BYTES:
            continue
        text = (
            f"the machine's swap grew by {size(grown)} during {phase.name}, after which "
            f"{size(swap[phase.name][1])} were available: {_limit(summary)}; lower it with "
            "--memory-limit, unless another process took the memory"
        )
        found.append(Recommendation("swap", None, phase.year, None, phase.wall_s, grown, text))
    return sorted(found, key=lambda each: -(each.bytes or 0))[:MOST]


def _took(model: Metric, phase: Metric) -> str:
    parts = model.name.split(".", 2)
    name = parts[2] if len(parts) == 3 else model.name
    where = "the foundation" if phase.year is None else f"year {phase.year}"
    return (
        f"{name} took {100 * model.wall_s / phase.wall_s:.0f} % of {where} ({model.wall_s:.2f} s)"
    )


def _limit(summary: RunSummary) -> str:
    for name, value in summary.settings.items():
        if name.lower() in ("memory_limit", "max_memory"):
            whose = "yours" if name in summary.fixed else "chosen by a plugin"
            return f"memory limit {value} at the end ({whose})"
    return "memory limit as DuckDB chose it"


def _plan(model: Metric, summary: RunSummary) -> str:
    for each in summary.profiles:
        if (each.unique_id, each.year) == (model.name, model.year):
            return f"; its plan with times: {each.file} in the run's folder"
    return "" if summary.profiles else "; --profile keeps its plan with times"


def size(count: int) -> str:
    """Bytes for people: MiB, or GiB from one on."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.0f} MiB"
