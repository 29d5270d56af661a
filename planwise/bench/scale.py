"""``planwise bench scale``: what a person costs as the census grows, and how far from the floor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import attrs
from attrs import frozen

from planwise.bench import report
from planwise.bench.arms import FLOOR, WARM, chosen
from planwise.bench.ratios import Comparison, compare
from planwise.bench.runner import Measurement, contenders, measure
from planwise.bench.session import Setup
from planwise.errors import UsageError


@frozen
class Size:
    """What was measured of one census.

    Attributes:
        employees: its people.
        wall_s: median of planwise, caches warm.
        floor_s: median of the floor; None if there is none.
        person_us: microseconds of planwise a person and year.
        peak_rss_bytes: median peak of planwise.
        floor_rss_bytes: of the floor; None likewise.
        to_floor: planwise against the floor; None likewise.
    """

    employees: int
    wall_s: float
    floor_s: float | None
    person_us: float
    peak_rss_bytes: float
    floor_rss_bytes: float | None
    to_floor: Comparison | None


def scale(setup: Setup, sizes: Sequence[int], say: Callable[[str], None]) -> None:
    """Measure each size, and print and write what was found.

    Args:
        setup: how the benchmark was called.
        sizes: people of each synthetic census.
        say: told of progress, and the result.

    Raises:
        PlanwiseError: an arm fails, or planwise and the floor do not give the same tables.
    """
    setup.check()
    if any(size < 1 for size in sizes):
        raise UsageError("--employees: expected sizes of 1 or more")
    ascending = sorted(set(sizes))
    setup.announce(f"{WARM}, {FLOOR}", say)
    found: list[Size] = []
    observed: dict[str, list[dict[str, Any]]] = {}
    for size in ascending:
        say(f"{size:,} people")
        # A folder for each size: a large one leaves its disk to the next.
        with setup.scratch_folder() as scratch:
            job = setup.job(scratch, size)
            measurement = measure(
                contenders(chosen([WARM, FLOOR]), job, WARM),
                rounds=setup.rounds,
                seed=setup.seed,
                scratch=scratch,
                say=say,
            )
        found.append(_size(measurement, size, setup))
        observed[str(size)] = [attrs.asdict(each) for each in measurement.observations]
    limit = f", memory limit {setup.memory_limit}" if setup.memory_limit else ""
    say(f"\n{len(setup.years)} years, medians of {setup.rounds} round(s){limit}\n")
    say("\n".join(table(found)))
    content = {
        "schema_version": 1,
        **setup.surroundings(benchmark="scale", caches=job.caches),
        "sizes": [attrs.asdict(each) for each in found],
        "observations": observed,
    }
    setup.write(content, say)


def table(sizes: Sequence[Size]) -> list[str]:
    """A Markdown table, a line a size.

    Args:
        sizes: what was measured.
    """
    heads = ["people", f"{WARM} s", f"{FLOOR} s", "ratio", "95 % interval"]
    heads += ["us a person and year", "peak RSS MiB", f"of the {FLOOR}"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for each in sizes:
        ratio = each.to_floor
        cells = [
            f"{each.employees:,}",
            f"{each.wall_s:.2f}",
            "" if each.floor_s is None else f"{each.floor_s:.2f}",
            "" if ratio is None else f"{ratio.ratio:.3f}",
            "" if ratio is None else f"{ratio.low:.3f} to {ratio.high:.3f}",
            f"{each.person_us:.1f}",
            f"{each.peak_rss_bytes / report.MIB:.0f}",
            "" if each.floor_rss_bytes is None else f"{each.floor_rss_bytes / report.MIB:.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _size(measurement: Measurement, employees: int, setup: Setup) -> Size:
    warm, floor = measurement.of(WARM), measurement.of(FLOOR)
    wall = median(each.wall_s for each in warm)
    return Size(
        employees=employees,
        wall_s=wall,
        floor_s=median(each.wall_s for each in floor) if floor else None,
        person_us=wall * 1e6 / employees / len(setup.years),
        peak_rss_bytes=median(each.peak_rss_bytes for each in warm),
        floor_rss_bytes=median(each.peak_rss_bytes for each in floor) if floor else None,
        to_floor=compare(
            [each.wall_s for each in warm], [each.wall_s for each in floor], seed=setup.seed
        )
        if floor
        else None,
    )
