"""The kinds of value that are not numbers: words, names, dates, files, memory."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import attrs

from planwise.config.kinds import Kind, Unfit

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""Names of scenarios, plugins and options: safe in file names, SQL text and flags."""

FIRST_YEAR = 1900
LAST_YEAR = 2200


@attrs.frozen
class Flag(Kind):
    """``true`` or ``false``, and no other spelling."""

    type_name: ClassVar[str] = "true or false"
    bounds: ClassVar[str] = ""

    def _read(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise Unfit
        return value


@attrs.frozen
class Word(Kind):
    """One of a few words."""

    type_name: ClassVar[str] = "a word"
    words: tuple[str, ...]

    @property
    def bounds(self) -> str:
        """The values that are taken."""
        *others, last = self.words
        return f"{', '.join(others)} or {last}"

    @property
    def expected(self) -> str:
        """What an error says was expected."""
        return self.bounds

    def _read(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise Unfit
        return value


@attrs.frozen
class Name(Kind):
    """The name of a scenario, plugin or option."""

    type_name: ClassVar[str] = "a name"
    bounds: ClassVar[str] = (
        "of 1 to 64 characters: a-z, 0-9, _ and -, starting with a letter or digit"
    )

    def _read(self, value: object) -> str:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            raise Unfit("a name that looks like a number is written in quotes")
        if not isinstance(value, str) or not NAME.fullmatch(value):
            raise Unfit
        return value


@attrs.frozen
class Label(Kind):
    """A short text that people read."""

    type_name: ClassVar[str] = "text"
    longest: int = 64

    @property
    def bounds(self) -> str:
        """The values that are taken."""
        return f"of 1 to {self.longest} printable characters"

    def _read(self, value: object) -> str:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            raise Unfit("text that looks like a number is written in quotes")
        if not isinstance(value, str):
            raise Unfit
        if not value.strip() or value != value.strip() or not value.isprintable():
            raise Unfit
        if len(value) > self.longest:
            raise Unfit
        return value


@attrs.frozen
class Sentence(Kind):
    """A text of a sentence or a few; line breaks in it are spaces."""

    type_name: ClassVar[str] = "text"
    longest: int = 1000

    @property
    def bounds(self) -> str:
        """The values that are taken."""
        return f"of 1 to {self.longest} printable characters"

    def _read(self, value: object) -> str:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            raise Unfit("text that looks like a number is written in quotes")
        text = " ".join(value.split()) if isinstance(value, str) else ""
        if not text or not text.isprintable() or len(text) > self.longest:
            raise Unfit
        return text


@attrs.frozen
class Day(Kind):
    """A calendar date in ISO form."""

    type_name: ClassVar[str] = "a date"
    bounds: ClassVar[str] = f"as YYYY-MM-DD, {FIRST_YEAR} to {LAST_YEAR}"

    def _read(self, value: object) -> date:
        # Exactly the form: fromisoformat() would also take 20250101 and 2025-W01-1.
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                raise Unfit("there is no such day") from None
        if type(value) is not date or not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise Unfit
        return value


@attrs.frozen
class File(Kind):
    """The name of a file."""

    type_name: ClassVar[str] = "a file name"
    bounds: ClassVar[str] = ""

    def _read(self, value: object) -> Path:
        if isinstance(value, Path):
            return value
        if not isinstance(value, str) or not value.strip() or len(value) > 4096:
            raise Unfit
        if not value.isprintable():
            raise Unfit
        return Path(value)


@attrs.frozen
class Memory(Kind):
    """An amount of memory as DuckDB reads it."""

    type_name: ClassVar[str] = "an amount of memory"
    bounds: ClassVar[str] = "like 4GB, 512MiB or 80%"

    def _read(self, value: object) -> str:
        if not isinstance(value, str):
            raise Unfit("the unit is missing" if type(value) in {int, Decimal} else "")
        match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?(%|[kmgt]i?b)", value, re.IGNORECASE)
        if match is None or Decimal(match[1]) == 0:
            raise Unfit
        if match[2] == "%" and Decimal(match[1]) > 100:
            raise Unfit
        return value


@attrs.frozen
class Scalar(Kind):
    """A single value of any type: what it means is known to the plugin that asked for it."""

    type_name: ClassVar[str] = "a single value"
    bounds: ClassVar[str] = "(number, text, true or false)"

    def _read(self, value: object) -> bool | int | Decimal | str:
        if not isinstance(value, bool | int | Decimal | str):
            raise Unfit
        if isinstance(value, int) and abs(value) >= 2**63:
            raise Unfit
        return value
