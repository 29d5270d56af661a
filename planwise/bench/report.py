"""The measurement as tables for people, a snippet for the configuration, and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Final

import attrs

from planwise.bench.ratios import Comparison, compare
from planwise.bench.runner import Measurement, Observation

MIB: Final = 1 << 20


def comparisons(measurement: Measurement, seed: int) -> dict[str, Comparison]:
    """Each contender against its reference, by its whole wall time.

    Args:
        measurement: what was observed.
        seed: of the bootstrap.
    """
    return {
        each.name: compare(
            [o.wall_s for o in measurement.of(each.name)],
            [o.wall_s for o in measurement.of(each.reference)],
            seed=seed,
        )
        for each in measurement.contenders
        if each.name != each.reference
    }


def whole_table(
    measurement: Measurement, found: Mapping[str, Comparison], *, reference: str
) -> list[str]:
    """A Markdown table of the whole of each contender, with its verdict.

    Args:
        measurement: what was observed.
        found: what :func:`comparisons` gave.
        reference: the name of the reference arm.
    """
    heads = ["arm", "years", "processes", "wall s", "CPU s", "peak RSS MiB"]
    heads += [f"ratio to {reference}", "95 % interval", f"{reference} takes", "verdict"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for each in measurement.contenders:
        seen = measurement.of(each.name)
        cells = [
            each.name,
            str(len(each.job.years)) if each.arm.gives_tables else "",
            str(seen[0].processes),
            f"{median(o.wall_s for o in seen):.2f}",
            f"{median(o.cpu_s for o in seen):.2f}",
            f"{median(o.peak_rss_bytes for o in seen) / MIB:.0f}",
            *_ratio(found.get(each.name)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def phase_table(measurement: Measurement, years: Sequence[int]) -> list[str]:
    """A Markdown table of foundation and years, of the contenders that have such phases.

    Args:
        measurement: what was observed.
        years: the columns.
    """
    lines = [
        f"| arm | foundation s | {' | '.join(f'{year} s' for year in years)} | around s |",
        "|---|---|" + "---|" * (len(years) + 1),
    ]
    for each in measurement.contenders:
        seen = measurement.of(each.name)
        if seen[0].foundation_s is None:
            continue
        cells = [_median(o.foundation_s for o in seen)]
        cells += [_median((o.years_s or {}).get(year) for o in seen) for year in years]
        cells.append(_median(o.around_s for o in seen))
        lines.append(f"| {each.name} | {' | '.join(cells)} |")
    return lines


def baseline_snippet(seen: Sequence[Observation], origin: str) -> list[str]:
    """YAML for the configuration: the times of plain dbt, as milliseconds.

    Args:
        seen: the observations of the arm ``per-year``.
        origin: what was measured, on what and when; a comment.
    """
    foundation = median(o.foundation_s or 0 for o in seen)
    year = median(median((o.years_s or {0: 0}).values()) for o in seen)
    total = median(o.wall_s for o in seen)
    return [
        "performance:",
        f"  # Measured: {origin}",
        "  baseline_metrics:",
        f"    foundation_setup: {foundation * 1000:.0f}",
        f"    year_processing: {year * 1000:.0f}",
        f"    total_simulation: {total * 1000:.0f}",
    ]


def said_to_be_same(measurement: Measurement, who: str, years: int) -> str:
    """The line above the tables: that all is the same, and what was measured.

    Args:
        measurement: what was observed.
        who: whom the arms simulate.
        years: how many.
    """
    return (
        f"\nEvery table is the same ({min(measurement.tables_compared.values())} tables). "
        f"{who}, {years} year{'s' if years > 1 else ''}, medians of {measurement.rounds} round(s)\n"
    )


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
    first = measurement.contenders[0].reference
    return {
        "schema_version": 1,
        **surroundings,
        "arms": {
            each.name: {
                "arm": each.arm.name,
                "years": list(each.job.years),
                "reference": each.reference,
                **({} if each.arm.flags is None else {"flags": list(each.arm.flags)}),
            }
            for each in measurement.contenders
        },
        "tables": dict(measurement.digests[first]),
        "tables_compared": dict(measurement.tables_compared),
        "rounds_measured": measurement.rounds,
        "observations": [attrs.asdict(each) for each in measurement.observations],
        "comparisons": {name: attrs.asdict(each) for name, each in found.items()},
    }


def _median(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):.2f}" if known else ""


def _ratio(found: Comparison | None) -> list[str]:
    if found is None:
        return ["1", "", "", "the reference"]
    interval = f"{found.low:.3f} to {found.high:.3f}"
    share = f"{100 / found.ratio:.1f} %"
    return [f"{found.ratio:.3f}", interval, share, found.verdict]
