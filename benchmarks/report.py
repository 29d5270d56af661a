"""The measurement as tables for people, a snippet for the configuration, and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import attrs

from benchmarks.arms import PER_YEAR, REFERENCE, Arm, Job
from benchmarks.ratios import Comparison, compare
from benchmarks.runner import Measurement, Observation

_MIB = 1 << 20


def comparisons(measurement: Measurement, arms: Sequence[Arm], seed: int) -> dict[str, Comparison]:
    """Each arm against the reference, by its whole wall time.

    Args:
        measurement: what was observed.
        arms: the arms that were run.
        seed: of the bootstrap.
    """
    base = [each.wall_s for each in measurement.of(REFERENCE)]
    return {
        arm.name: compare([each.wall_s for each in measurement.of(arm.name)], base, seed=seed)
        for arm in arms
        if arm.name != REFERENCE
    }


def tables(
    measurement: Measurement, arms: Sequence[Arm], job: Job, found: Mapping[str, Comparison]
) -> list[str]:
    """Two Markdown tables: the whole of each arm with its verdict, and its phases.

    Args:
        measurement: what was observed.
        arms: the arms that were run.
        job: what each computed.
        found: what :func:`comparisons` gave.
    """
    lines = [
        "| arm | wall s | CPU s | peak RSS MiB | ratio to all-on | 95 % interval | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for arm in arms:
        seen = measurement.of(arm.name)
        wall = f"{median(o.wall_s for o in seen):.2f}"
        cpu = f"{median(o.cpu_s for o in seen):.2f}"
        rss = f"{median(o.peak_rss_bytes for o in seen) / _MIB:.0f}"
        lines.append(f"| {arm.name} | {wall} | {cpu} | {rss} | {_ratio(found.get(arm.name))} |")
    years = [str(year) for year in job.years]
    lines += [
        "",
        f"| arm | foundation s | {' | '.join(f'{year} s' for year in years)} | around s |",
        "|---|---|" + "---|" * (len(years) + 1),
    ]
    for arm in arms:
        seen = measurement.of(arm.name)
        cells = [median(o.foundation_s for o in seen)]
        cells += [median(o.years_s[year] for o in seen) for year in job.years]
        cells.append(median(o.around_s for o in seen))
        lines.append(f"| {arm.name} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |")
    return lines


def baseline_snippet(seen: Sequence[Observation], origin: str) -> list[str]:
    """YAML for the configuration: the times of plain dbt, as milliseconds.

    Args:
        seen: the observations of the arm ``per-year``.
        origin: what was measured, on what and when; a comment.
    """
    foundation = median(o.foundation_s for o in seen)
    year = median(median(o.years_s.values()) for o in seen)
    total = median(o.wall_s for o in seen)
    return [
        "performance:",
        f"  # Measured: {origin}",
        "  baseline_metrics:",
        f"    foundation_setup: {foundation * 1000:.0f}",
        f"    year_processing: {year * 1000:.0f}",
        f"    total_simulation: {total * 1000:.0f}",
    ]


def as_json(
    measurement: Measurement,
    found: Mapping[str, Comparison],
    surroundings: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything, with each single observation.

    Args:
        measurement: what was observed.
        found: what :func:`comparisons` gave.
        surroundings: machine, versions, plugins, and how the benchmark was called.
    """
    return {
        "schema_version": 1,
        **surroundings,
        "tables": dict(measurement.digests),
        "tables_compared": dict(measurement.tables_compared),
        "observations": [attrs.asdict(each) for each in measurement.observations],
        "comparisons": {name: attrs.asdict(each) for name, each in found.items()},
    }


def has_baseline(measurement: Measurement) -> bool:
    """Whether plain dbt was measured."""
    return bool(measurement.of(PER_YEAR))


def _ratio(found: Comparison | None) -> str:
    if found is None:
        return "1 | | the reference"
    return f"{found.ratio:.3f} | {found.low:.3f} to {found.high:.3f} | {found.verdict}"
