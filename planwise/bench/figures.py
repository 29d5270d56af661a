"""A stored result of ``planwise bench combinations`` as a page shows it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

from attrs import frozen

from planwise.bench.stored import Reader, read_json, result_of
from planwise.reporting.html.contributions import BenchFigures, Factor

_CENSUS: Final = "inputs.census"


@frozen
class Shown:
    """A result, and what it holds for.

    Attributes:
        figures: what a page shows.
        machine: what it was measured on, without its load.
        project: SHA-256 of the project's files; None if the result does not tell.
        people: people who were simulated; None of a project that reads no census.
    """

    figures: BenchFigures
    machine: Mapping[str, Any]
    project: str | None
    people: int | None


def read_figures(file: Path) -> Shown:
    """Read a result for a page.

    Args:
        file: what ``planwise bench combinations --output`` or ``bench full`` wrote.

    Raises:
        UnusableResultError: it is none, or a value in it is not as it must be.
    """
    content, reader = read_json(file), Reader(file)
    result = result_of(file, content)
    if result.benchmark != "combinations":
        reader.refuse(
            f"is a result of `bench {result.benchmark}`; contributions are in one of `planwise "
            "bench combinations`"
        )
    reference = reader.value(content, "reference", str)
    walls = {name: median(arm.wall_s.values()) for name, arm in result.arms.items()}
    if reference not in walls:
        reader.refuse(f"'reference': {reference!r:.60} is not among the arms")
    own = Factor(reference, 1, 1, 1, "the reference", walls[reference])
    found = _factors(reader, content, "comparisons", walls)
    try:
        at = datetime.datetime.fromisoformat(reader.value(content, "started", str))
        if at.tzinfo is None:
            reader.refuse("'started': has no time zone")
    except ValueError:
        reader.refuse("'started': is no date and time")
    employees, census = result.called["employees"], result.called["census"]
    if census is None and employees is None:
        reader.refuse("'employees' and 'census': one of them has to say whom the arms simulated")
    rows = result.tables.get(_CENSUS, "").partition(" ")[0]
    machine = result.machine
    figures = BenchFigures(
        file=str(file),
        measured_at=at,
        mode=reader.value(content, "mode", str),
        rounds=reader.value(content, "rounds_measured", int),
        rounds_wanted=reader.value(content, "rounds", int),
        people=f"{employees:,} synthetic people" if census is None else str(census),
        years=len(result.called["years"]),
        machine=f"{machine['processor']}, {machine['cores_granted']:g} cores",
        reference=reference,
        contributions=_factors(reader, content, "contributions", {}),
        arms=(own, *found),
    )
    project = reader.optional(content, "project", str, type(None))
    return Shown(figures, machine, project, int(rows) if rows.isdecimal() else None)


def _factors(
    reader: Reader, content: Mapping[str, Any], key: str, walls: Mapping[str, float]
) -> tuple[Factor, ...]:
    found = []
    for name, each in reader.value(content, key, dict).items():
        where = f"{key}.{name}"
        value = reader.checked(each, dict, where)
        ratio, low, high = (
            reader.value(value, part, float, f"{where}.") for part in ("ratio", "low", "high")
        )
        if not 0 < low <= ratio <= high:
            reader.refuse(f"'{where}': the ratio is not above 0 and in its interval")
        verdict = reader.value(value, "verdict", str, f"{where}.")
        found.append(Factor(name, ratio, low, high, verdict, walls.get(name)))
    if not found:
        reader.refuse(f"'{key}' is empty")
    return tuple(found)
