"""Fitted hazards as a scenario file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from planwise.census.hazards_fit import THIN_CREDIBILITY
from planwise.census.values import printable

if TYPE_CHECKING:
    from planwise.census.hazards import Hazards, Line
    from planwise.census.values import CensusSummary

_NO_END: Final = 999
"""The upper bound of a last band, which the file leaves out."""


def scenario_text(hazards: Hazards) -> str:
    """A scenario file, in YAML, that simulates with the fitted hazards.

    It holds what was fitted and nothing else: rates, the base rate, a level factor of 1, and both
    tables of bands. Names of bands and files are quoted, whatever they hold.

    Args:
        hazards: the fit.
    """
    start, end = (each.census_date for each in (hazards.study.first, hazards.study.second))
    lines = [f"# {line}".rstrip() for line in _header(hazards)]
    lines += ["", f"description: {json.dumps(f'Leavers as between {start} and {end}')}", ""]
    lines.append("workforce:")
    for name, value in hazards.parameters.items():
        if name == "termination_level_step":
            lines.append("  # No level was asked for: all levels leave alike.")
        lines.append(f"  {name}: {_number(value)}")
    for table in ("age_bands", "tenure_bands"):
        lines.append(f"  {table}:")
        lines += [f"    - {_row(band)}" for band in getattr(hazards, table)]
    return "\n".join(lines) + "\n"


def _row(band: Any) -> str:
    label, low, high = ("age_band", "min_age", "max_age")
    if hasattr(band, "tenure_band"):
        label, low, high = ("tenure_band", "min_years", "max_years")
    cells = [f"{label}: {json.dumps(getattr(band, label), ensure_ascii=False)}"]
    cells.append(f"{low}: {getattr(band, low)}")
    if getattr(band, high) != _NO_END:
        cells.append(f"{high}: {getattr(band, high)}")
    cells += [
        f"{name}: {_number(getattr(band, name))}" for name in ("termination_mult", "promotion_mult")
    ]
    return "{" + ", ".join(cells) + "}"


def _header(hazards: Hazards) -> Iterable[str]:
    """What the file rests on, for whoever reads it later."""
    totals, *groups = hazards.totals()
    everybody = totals.observed
    yield "Written by `planwise census hazards`; docs/hazards.md says what it does."
    yield ""
    yield f"from {_census(hazards.study.first)}"
    yield f"to   {_census(hazards.study.second)}"
    yield (
        f"{everybody.leavers:,} of {everybody.people:,} people left in "
        f"{everybody.person_years:,.1f} person-years"
    )
    full = hazards.fit.full_credibility
    yield f"Z: credibility, 1 from {full:,} leavers; thin: Z below {THIN_CREDIBILITY}"
    tables = (
        ("group", groups),
        ("age", hazards.by_age()),
        ("tenure", hazards.by_tenure()),
    )
    for title, lines in tables:
        width = max(len(title), *(len(printable(line.labels[0])) for line in lines))
        yield ""
        yield f"{title:<{width}} {'people':>9} {'years':>11} {'leavers':>8} {'rate':>8} {'Z':>8}"
        for line in lines:
            yield _figures(line, width)
    cells = hazards.by_cell()
    thin = [line for line in cells if line.observed.people and line.observed.thin]
    empty = sum(not line.observed.people for line in cells)
    yield ""
    yield f"cells of age and tenure: {len(cells)}, {len(thin)} thin, {empty} without people"
    for note in hazards.notes:
        yield f"note: {note}"


def _figures(line: Line, width: int) -> str:
    seen = line.observed
    rate = "" if seen.rate is None else f"{seen.rate:.5f}"
    mark = " thin" if seen.people and seen.thin else ""
    return (
        f"{printable(line.labels[0]):<{width}} {seen.people:>9,} {seen.person_years:>11,.1f} "
        f"{seen.leavers:>8,} {rate:>8} {seen.credibility:>8.5f}{mark}"
    )


def _census(census: CensusSummary) -> str:
    return f"{census.census_date}, {census.people:,} people: {printable(str(census.path), 200)}"


def _number(value: Decimal) -> str:
    """Plain decimals without zeros at the end: ``0.12345``, ``1.1``, ``0``."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
