"""The kinds of value that a key may hold: strict, bounded, and able to say what they expect.

Each kind checks a value as the YAML reader gives it (an exact decimal, never a float) and is put
beside a field with ``Annotated``. pydantic's own conversions are not used for single values, since
they would take ``true`` for 1 and ``"5"`` for 5. The reference page is written from the same
objects that check, so that the two cannot differ.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
from pydantic_core import PydanticCustomError, core_schema

from planwise.config.text import shown
from planwise.config.yaml_scalars import Ambiguous

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler


_NOUNS: Final = {
    "rate": "a rate",
    "money": "an amount of money",
    "ms": "milliseconds",
    "s": "seconds",
}


class Unfit(Exception):  # noqa: N818 - not an error yet: the caller adds the key and the line
    """The value does not fit; the argument is a hint for the mend, or nothing."""


class Kind(ABC):
    """What a key may hold."""

    type_name: ClassVar[str]
    unit: str = ""

    @property
    @abstractmethod
    def bounds(self) -> str:
        """The values that are taken, for the reference page and for errors."""

    @abstractmethod
    def _read(self, value: object) -> object:
        """:meth:`check` for a value that is not :class:`Ambiguous`."""

    def check(self, value: object) -> object:
        """The value in its Python type.

        Raises:
            Unfit: the value is of another type or out of bounds.
        """
        if isinstance(value, Ambiguous):
            raise Unfit
        return self._read(value)

    @property
    def expected(self) -> str:
        """What an error says was expected."""
        return " ".join(part for part in (self.type_name, self.bounds) if part)

    def validate(self, value: object) -> object:
        """:meth:`check`, with a refusal told to pydantic."""
        try:
            return self.check(value)
        except Unfit as unfit:
            raise refusal(self.expected, value, str(unfit)) from None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self.validate)


def refusal(expected: str, value: object, hint: str = "") -> PydanticCustomError:
    """A refusal of one value: ``expected …, got …``, and perhaps a hint."""
    if value is None and not hint:
        hint = "leave the key out for the default"
    text = f"expected {expected}, got {shown(value)}" + (f" ({hint})" if hint else "")
    return findings([((), text)])


def findings(found: list[tuple[tuple[str | int, ...], str]]) -> PydanticCustomError:
    """Several findings in one table or section; each has its path below it, and a text."""
    return PydanticCustomError("findings", "see findings", {"findings": found})


@attrs.frozen
class Number(Kind):
    """An exact decimal: a rate, a multiplier, an amount of money.

    Attributes:
        unit: ``rate`` (1 is 100 %), ``money`` (the census's currency), ``multiplier``, ``share``,
            ``ms`` or ``s``.
        low: the least value.
        high: the greatest value.
        places: how many decimals are kept; more is an error, since nothing is rounded in silence.
        above_low: whether ``low`` itself is refused.
    """

    type_name: ClassVar[str] = "a number"
    unit: str
    low: Decimal = attrs.field(converter=Decimal)
    high: Decimal = attrs.field(converter=Decimal)
    places: int
    above_low: bool = False

    @property
    def bounds(self) -> str:
        """The values that are taken."""
        low = f"above {self.low:,f} and up to" if self.above_low else f"from {self.low:,f} to"
        decimals = f"at most {self.places} decimals" if self.places else "no decimals"
        return f"{low} {self.high:,f}, {decimals}"

    @property
    def expected(self) -> str:
        """What an error says was expected."""
        return f"{_NOUNS.get(self.unit, f'a {self.unit}')} {self.bounds}"

    def _read(self, value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise Unfit(self._hint_for_text(value))
        number = Decimal(value)
        if not number.is_finite():
            raise Unfit
        if not self._in_range(number):
            raise Unfit(self._hint_for_percent(number))
        if number != round(number, self.places):
            raise Unfit("it is not rounded in silence")
        return number

    def _in_range(self, number: Decimal) -> bool:
        return self.low <= number <= self.high and not (self.above_low and number == self.low)

    def _hint_for_percent(self, number: Decimal) -> str:
        if self.unit in {"rate", "share"} and number > 1 and self._in_range(number / 100):
            return f"{number:f} % is written {(number / 100).normalize():f}"
        return ""

    def _hint_for_text(self, value: object) -> str:
        if not isinstance(value, str):
            return ""
        text = value.strip().replace(",", "").lstrip("$€£")
        if self.unit in {"rate", "share"} and text.endswith("%"):
            return "1 % is written 0.01"
        try:
            Decimal(text)
        except ArithmeticError:
            return ""
        return "a number is written without quotes, commas and signs of currency"


def rate(low: str = "0", high: str = "1", *, above_low: bool = False) -> Number:
    """A share of something, where 1 is 100 %; kept to 1e-5."""
    return Number("rate", low, high, 5, above_low)


def multiplier(high: str, *, above_low: bool = False) -> Number:
    """A factor; kept to 1e-5."""
    return Number("multiplier", "0", high, 5, above_low)


def money(low: str = "0", high: str = "1000000000") -> Number:
    """An amount in the census's currency; kept to the cent."""
    return Number("money", low, high, 2)


def share() -> Number:
    """A part of a distribution; the parts of one add up to 1 exactly, to 1e-6."""
    return Number("share", "0", "1", 6)


def milliseconds() -> Number:
    """A measured time."""
    return Number("ms", "0", "1000000000", 3, above_low=True)


def seconds() -> Number:
    """A time that may be waited; 0 is for ever."""
    return Number("s", "0", "1000000", 3)


@attrs.frozen
class Whole(Kind):
    """A whole number from ``low`` to ``high``."""

    type_name: ClassVar[str] = "a whole number"
    low: int
    high: int
    unit: str = ""

    @property
    def bounds(self) -> str:
        """The values that are taken."""
        return f"from {self.low} to {self.high}"

    def _read(self, value: object) -> int:
        if isinstance(value, str) and value.strip().isdecimal():
            raise Unfit("a number is written without quotes")
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unfit
        if not self.low <= value <= self.high:
            raise Unfit
        return value


@attrs.frozen
class WholeKey(Whole):
    """A whole number that is the key of a mapping; keys arrive as text."""

    def validate(self, value: object) -> object:
        """As for :class:`Whole`, with the text of a number taken as the number."""
        if isinstance(value, str) and re.fullmatch(r"0|[1-9][0-9]{0,3}", value):
            return super().validate(int(value))
        raise refusal(self.expected, value)
