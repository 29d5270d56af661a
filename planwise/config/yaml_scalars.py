"""What a plain word or number in a YAML file means: exactly, or not at all."""

from __future__ import annotations

import re
from decimal import Decimal

import attrs

from planwise.config.text import shown_key

_LONGEST_NUMBER = 40  # characters; an int of thousands of digits is an attack

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,2})?")
_NUMBER_LIKE = re.compile(
    r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?|0[xob][0-9a-fA-F_]+"
)
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_OLD_BOOLEANS = frozenset({"yes", "no", "on", "off"})


@attrs.frozen
class Ambiguous:
    """A plain scalar that YAML readers disagree on, or that no value can be made of.

    Attributes:
        text: the characters in the file.
        reason: why it is not taken, with the mend.
    """

    text: str
    reason: str

    def __str__(self) -> str:
        return f"{shown_key(self.text)} ({self.reason})"


def resolve(text: str) -> str | int | Decimal | bool | Ambiguous | None:
    """The value of a plain (unquoted) scalar.

    Args:
        text: the scalar's characters.

    Returns:
        ``true``/``false``, nothing (empty, ``~``, ``null``), a whole number, an exact decimal,
        :class:`Ambiguous` for what readers disagree on, else the text itself. Dates stay text:
        whoever expects a date reads it.
    """
    lowered = text.lower()
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if lowered in {"true", "false"} and text in {lowered, lowered.title(), lowered.upper()}:
        return lowered == "true"
    if lowered in _OLD_BOOLEANS:
        return Ambiguous(
            text, "some YAML readers take it as true or false: write that, or quote it"
        )
    if _NOT_FINITE.fullmatch(text):
        return Ambiguous(text, "not a finite number")
    if len(text) > _LONGEST_NUMBER:
        if _NUMBER_LIKE.fullmatch(text):
            return Ambiguous(f"{text[:12]}…", f"a number of more than {_LONGEST_NUMBER} characters")
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    if _SEXAGESIMAL.fullmatch(text):
        return Ambiguous(text, "some YAML readers take it as a number to base 60: quote it")
    if _NUMBER_LIKE.fullmatch(text):
        return Ambiguous(
            text, "YAML readers disagree on such a number: write it plainly, or quote it"
        )
    return text
