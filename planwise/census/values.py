"""The values that go into and come out of reading a census; no heavy library is imported."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import attrs
from typing_extensions import TypedDict

from planwise.errors import CensusError

DeferralUnit = Literal["auto", "percent", "fraction"]
DEFAULT_PAY_FLOOR = Decimal(10_000)
DEFAULT_MINIMUM_AGE = 21
EXAMPLES_PER_REASON = 3
_LONGEST_LEAD_DAYS = 366


def _frozen_mapping(pairs: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(pairs))


def _path(value: str | Path) -> Path:
    return Path(value)


@attrs.frozen
class CensusOptions:
    """How to read one census file.

    Attributes:
        path: the file; its suffix says the format (.csv, .tsv, .txt, .parquet, .pq, .xlsx, .xlsm).
        census_date: the day that the file describes.
        columns: field name to header, for headers that no alias covers; wins over the aliases.
        deferral_unit: what an unmarked rate means; 'auto' decides by column: percent if any
            unmarked value is above 1, else fraction.
        pay_floor: annual compensation in dollars below which a warning is given.
        minimum_age: age in completed years at which the plan may be entered; decides the
            enrollment date of those who have a rate and no date.
    """

    path: Path = attrs.field(converter=_path)
    census_date: datetime.date
    columns: Mapping[str, str] = attrs.field(factory=dict, converter=_frozen_mapping)
    deferral_unit: DeferralUnit = attrs.field(
        default="auto", validator=attrs.validators.in_(("auto", "percent", "fraction"))
    )
    pay_floor: Decimal = attrs.field(
        default=DEFAULT_PAY_FLOOR, converter=Decimal, validator=attrs.validators.ge(Decimal(0))
    )
    minimum_age: int = attrs.field(
        default=DEFAULT_MINIMUM_AGE,
        validator=attrs.validators.and_(attrs.validators.ge(0), attrs.validators.le(100)),
    )


@attrs.frozen
class Example:
    """One row to show for a reason.

    Attributes:
        line: line (csv) or row (others) of the file; None when the whole file is meant.
        employee_id: the id in that row, if it has one.
        detail: what was found; never holds an SSN.
    """

    line: int | None
    employee_id: str | None
    detail: str


def printable(text: str, limit: int = 60) -> str:
    """Text from a file made safe for a terminal: one line, no control signs, not too long."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


class ExampleDict(TypedDict):
    """An example as JSON."""

    line: int | None
    employee_id: str | None
    detail: str


class CensusDict(TypedDict):
    """A summary as JSON."""

    path: str
    census_date: str
    rows_read: int
    people: int
    set_aside: dict[str, int]
    warnings: dict[str, int]
    repaired: dict[str, int]
    assumed: dict[str, int]
    examples: dict[str, list[ExampleDict]]
    columns_used: dict[str, str]
    columns_ignored: list[str]
    notes: list[str]
    line_numbers_count: str


@attrs.frozen
class CensusSummary:
    """What was read, used, set aside, warned of, repaired and assumed.

    ``rows_read`` is always ``people`` plus everything in ``set_aside``. The words in the mappings
    are those of :data:`planwise.census.fields.REASONS`; reasons that did not occur are left out.

    Attributes:
        path: the file.
        census_date: the day that the file describes.
        rows_read: rows below the header, empty ones included.
        people: rows in ``inputs.census``.
        set_aside: rows by the (first) reason why they are not used.
        warnings: people by what looks odd about them.
        repaired: people by what was read although not written plainly.
        assumed: values by what was put in where the file is silent or ambiguous.
        examples: for each reason up to three rows, first lines first.
        columns_used: field to header.
        columns_ignored: headers that no field goes by.
        notes: sentences about the file as a whole (sheet, delimiter).
        place: what a line number counts in this format, 'line' or 'row'.
    """

    path: Path
    census_date: datetime.date
    rows_read: int
    people: int
    set_aside: Mapping[str, int] = attrs.field(converter=_frozen_mapping)
    warnings: Mapping[str, int] = attrs.field(converter=_frozen_mapping)
    repaired: Mapping[str, int] = attrs.field(converter=_frozen_mapping)
    assumed: Mapping[str, int] = attrs.field(converter=_frozen_mapping)
    examples: Mapping[str, tuple[Example, ...]] = attrs.field(converter=_frozen_mapping)
    columns_used: Mapping[str, str] = attrs.field(converter=_frozen_mapping)
    columns_ignored: tuple[str, ...]
    notes: tuple[str, ...] = ()
    place: Literal["line", "row"] = "line"

    def to_dict(self) -> CensusDict:
        """The summary as values that ``json.dumps`` takes."""
        return {
            "path": str(self.path),
            "census_date": self.census_date.isoformat(),
            "rows_read": self.rows_read,
            "people": self.people,
            "set_aside": dict(self.set_aside),
            "warnings": dict(self.warnings),
            "repaired": dict(self.repaired),
            "assumed": dict(self.assumed),
            "examples": {
                reason: [
                    {"line": each.line, "employee_id": each.employee_id, "detail": each.detail}
                    for each in examples
                ]
                for reason, examples in self.examples.items()
            },
            "columns_used": dict(self.columns_used),
            "columns_ignored": list(self.columns_ignored),
            "notes": list(self.notes),
            "line_numbers_count": f"{self.place}s of the file",
        }

    def lines(self) -> list[str]:
        """The summary as a few lines of plain text, one for each reason."""
        lines = [
            (
                f"census {printable(str(self.path), 200)}: {self.rows_read:,} rows read, "
                f"{self.people:,} people on {self.census_date.isoformat()}"
            )
        ]
        groups = (
            ("set aside", self.set_aside),
            ("warning", self.warnings),
            ("repaired", self.repaired),
            ("assumed", self.assumed),
        )
        for title, counts in groups:
            for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
                shown = self._first_example(reason)
                lines.append(f"  {title}: {count:,} {reason}{shown}")
        lines.extend(f"  note: {note}" for note in self.notes)
        if self.columns_ignored:
            names = [printable(name, 30) for name in self.columns_ignored[:8]]
            more = len(self.columns_ignored) - len(names)
            text = ", ".join(names) + (f" and {more} more" if more else "")
            lines.append(f"  columns not used: {text}")
        return lines

    def _first_example(self, reason: str) -> str:
        examples = self.examples.get(reason)
        if not examples:
            return ""
        first = examples[0]
        if first.line is None:
            return f" ({printable(first.detail, 120)})"
        who = f", {printable(first.employee_id, 40)}" if first.employee_id else ""
        return f" ({self.place} {first.line}{who}: {printable(first.detail, 120)})"


def default_census_date(first_year: int) -> datetime.date:
    """The census date when none is given: 31 December before the first simulated year."""
    _check_year(first_year)
    return datetime.date(first_year - 1, 12, 31)


def check_census_date(census_date: datetime.date, first_year: int) -> str | None:
    """Hold the census date against the first simulated year.

    The census is carried unchanged to 1 January of the first year, so it must not be later
    than the day before, and an old one deserves a word.

    Args:
        census_date: the day that the census describes.
        first_year: the first simulated year.

    Returns:
        A warning if the date is more than 366 days before 1 January of the first year.

    Raises:
        CensusError: the census date is on or after 1 January of the first year.
    """
    _check_year(first_year)
    start = datetime.date(first_year, 1, 1)
    if census_date >= start:
        raise CensusError(
            f"--census-date {census_date.isoformat()} is not before the first simulated year: "
            f"expected {start - datetime.timedelta(days=1)} or earlier, "
            f"or a first year after {census_date.year}"
        )
    days = (start - census_date).days
    if days > _LONGEST_LEAD_DAYS:
        return (
            f"the census date {census_date.isoformat()} is {days} days before {start.isoformat()}; "
            f"nobody is hired, paid more or leaves in between"
        )
    return None


def _check_year(first_year: int) -> None:
    if not datetime.MINYEAR < first_year <= datetime.MAXYEAR:
        raise CensusError(f"first simulated year {first_year}: expected a year like 2025")


def counted(words: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The counts above zero, as a mapping in the order given."""
    return {word: count for word, count in words if count > 0}
