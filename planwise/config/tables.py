"""Tables inside the configuration: bands, levels, distributions.

A table replaces the whole default table. What must hold across its rows is checked here: bands
start at 0, follow each other without gap or overlap and have no end; levels are numbered from 1;
the parts of a distribution add up to exactly 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

import attrs
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import core_schema

from planwise.config.kinds import (
    Whole,
    WholeKey,
    findings,
    money,
    multiplier,
    rate,
    refusal,
    share,
)
from planwise.config.text import shown
from planwise.config.words import Label

NO_END = 999
"""The upper bound that a last band has: no age or tenure reaches it."""

FROM_CENSUS: Literal["from_census"] = "from_census"
"""In place of a table of levels: derive the pay bands from the census."""

MOST_LEVELS = 9
MOST_BANDS = 50

Finding = tuple[tuple[str | int, ...], str]


class Row(BaseModel):
    """A row of a table; every column is a key."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AgeBand(Row):
    """One age band: its bounds in completed years, and what it does to the chances."""

    age_band: Annotated[str, Label()] = Field(description="Name of the band.")
    min_age: Annotated[int, Whole(0, NO_END - 1, "years")] = Field(
        description="Completed years, included."
    )
    max_age: Annotated[int, Whole(1, NO_END, "years")] = Field(
        NO_END, description="Completed years, excluded; the last band has no end."
    )
    termination_mult: Annotated[Decimal, multiplier("1000")] = Field(
        description="Multiplies the chance of leaving."
    )
    promotion_mult: Annotated[Decimal, multiplier("1000")] = Field(
        description="Multiplies the chance of promotion."
    )


class TenureBand(Row):
    """One tenure band: its bounds in completed years, and what it does to the chances."""

    tenure_band: Annotated[str, Label()] = Field(description="Name of the band.")
    min_years: Annotated[int, Whole(0, NO_END - 1, "years")] = Field(
        description="Completed years of service, included."
    )
    max_years: Annotated[int, Whole(1, NO_END, "years")] = Field(
        NO_END, description="Completed years of service, excluded; the last band has no end."
    )
    termination_mult: Annotated[Decimal, multiplier("1000")] = Field(
        description="Multiplies the chance of leaving."
    )
    promotion_mult: Annotated[Decimal, multiplier("1000")] = Field(
        description="Multiplies the chance of promotion."
    )


class Level(Row):
    """One job level with its pay band, merit raise and place of a new hire's pay in the band."""

    level: Annotated[int, Whole(1, MOST_LEVELS)] = Field(
        description="Number of the level, counted up from 1."
    )
    level_name: Annotated[str, Label()] = Field(description="Name of the level.")
    min_pay: Annotated[Decimal, money("0.01", "100000000")] = Field(
        description="Lower end of the pay band, annual."
    )
    max_pay: Annotated[Decimal, money("0.01", "100000000")] = Field(
        description="Upper end of the pay band, annual."
    )
    merit_rate: Annotated[Decimal, rate()] = Field(description="Merit part of the yearly raise.")
    new_hire_percentile: Annotated[Decimal, rate()] = Field(
        description="Place of a new hire's pay in the band: 0 is its lower end, 1 its upper."
    )


@attrs.frozen
class Table:
    """A list of rows, as a pydantic annotation; subclasses say what holds across rows."""

    row: ClassVar[type[Row]]
    noun: ClassVar[str]
    most: ClassVar[int]
    word: ClassVar[str | None] = None

    def _across(self, rows: Sequence[Any]) -> list[Finding]:
        """What is wrong between the rows; each finding has its path below the table."""
        raise NotImplementedError

    def validate(
        self, value: object, handler: core_schema.ValidatorFunctionWrapHandler
    ) -> tuple[Row, ...] | str:
        """The rows, checked one by one and then together."""
        if self.word is not None and value == self.word:
            return self.word
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= self.most:
            hint = f"it has {len(value)}" if isinstance(value, list | tuple) else ""
            raise refusal(self.expected, value, hint)
        rows: tuple[Row, ...] = handler(value)
        if found := self._across(rows):
            raise findings(found)
        return rows

    @property
    def expected(self) -> str:
        """What an error says was expected."""
        text = f"a list of 1 to {self.most} {self.noun}"
        return text if self.word is None else f"{text}, or the word {self.word}"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        del source
        rows = handler.generate_schema(tuple[self.row, ...])  # type: ignore[name-defined] # a row type is data here
        return core_schema.no_info_wrap_validator_function(self.validate, rows)


@attrs.frozen
class Bands(Table):
    """Bands of years or money; a band includes its lower bound and excludes its upper."""

    most: ClassVar[int] = MOST_BANDS
    label: ClassVar[str | None] = None
    low: ClassVar[str]
    high: ClassVar[str]
    end: ClassVar[int | Decimal] = NO_END

    def _across(self, rows: Sequence[Any]) -> list[Finding]:
        found: list[Finding] = []
        labels: set[str] = set()
        due: int | Decimal = 0
        for number, band in enumerate(rows):
            low, high = getattr(band, self.low), getattr(band, self.high)
            if low != due:
                where = (
                    "where the band before ends" if number else "since the first band starts at 0"
                )
                text = f"expected {shown(due)} ({where}), got {shown(low)}"
                found.append(((number, self.low), text))
            if high <= low:
                text = f"expected more than {shown(low)}, got {shown(high)}"
                found.append(((number, self.high), text))
            if number == len(rows) - 1 and high != self.end:
                found.append(((number, self.high), f"expected {self._no_end}, got {shown(high)}"))
            if self.label is not None:
                label = getattr(band, self.label)
                if label in labels:
                    text = f"expected a new name, got {shown(label)} again"
                    found.append(((number, self.label), text))
                labels.add(label)
            due = high
        return found

    @property
    def _no_end(self) -> str:
        either = f"{self.end} (or no key)" if self.end == NO_END else "no key"
        return f"{either} in the last band, which has no end"


@attrs.frozen
class AgeBands(Bands):
    """Every age in exactly one band."""

    row: ClassVar[type[Row]] = AgeBand
    noun: ClassVar[str] = "age bands"
    label: ClassVar[str | None] = "age_band"
    low: ClassVar[str] = "min_age"
    high: ClassVar[str] = "max_age"


@attrs.frozen
class TenureBands(Bands):
    """Every tenure in exactly one band."""

    row: ClassVar[type[Row]] = TenureBand
    noun: ClassVar[str] = "tenure bands"
    label: ClassVar[str | None] = "tenure_band"
    low: ClassVar[str] = "min_years"
    high: ClassVar[str] = "max_years"


@attrs.frozen
class Levels(Table):
    """Job levels from 1 upwards; pay bands may overlap, but not fall from one level to the next."""

    row: ClassVar[type[Row]] = Level
    noun: ClassVar[str] = "levels"
    most: ClassVar[int] = MOST_LEVELS
    word: ClassVar[str | None] = FROM_CENSUS

    def _across(self, rows: Sequence[Any]) -> list[Finding]:
        found: list[Finding] = []
        names: set[str] = set()
        for number, level in enumerate(rows):
            if level.level != number + 1:
                text = f"expected {number + 1} (levels count up from 1), got {level.level}"
                found.append(((number, "level"), text))
            if level.max_pay < level.min_pay:
                text = f"expected min_pay ({level.min_pay:f}) or more, got {level.max_pay:f}"
                found.append(((number, "max_pay"), text))
            if level.level_name in names:
                text = f"expected a new name, got {shown(level.level_name)} again"
                found.append(((number, "level_name"), text))
            names.add(level.level_name)
            for column in ("min_pay", "max_pay"):
                if number and getattr(level, column) < (least := getattr(rows[number - 1], column)):
                    text = (
                        f"expected {least:f} or more (as the level below), "
                        f"got {getattr(level, column):f}"
                    )
                    found.append(((number, column), text))
        return found


@attrs.frozen
class Distribution:
    """A mapping of whole numbers to parts that add up to exactly 1."""

    key: WholeKey
    noun: str

    @property
    def expected(self) -> str:
        """What an error says was expected."""
        return f"a mapping of {self.noun} ({self.key.low} to {self.key.high}) to shares"

    def validate(
        self, value: object, handler: core_schema.ValidatorFunctionWrapHandler
    ) -> Mapping[int, Decimal]:
        """The parts in ascending order of their keys."""
        if not isinstance(value, dict) or not value:
            raise refusal(self.expected, value)
        parts: dict[int, Decimal] = handler(value)
        total = sum(parts.values())
        if total != 1:
            raise findings([((), f"expected shares that add up to exactly 1, got {total:f}")])
        return dict(sorted(parts.items()))

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        del source
        parts = core_schema.dict_schema(
            core_schema.no_info_plain_validator_function(self.key.validate),
            core_schema.no_info_plain_validator_function(share().validate),
        )
        del handler
        return core_schema.no_info_wrap_validator_function(self.validate, parts)
