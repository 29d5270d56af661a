"""Cents and units of 1e-5 as people read them. Everything is computed in integers."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

E5 = 100_000
"""Units of a rate in one whole."""


def quotient(numerator: int, denominator: int) -> int:
    """The nearest whole number to a fraction, halves away from zero.

    Args:
        numerator: of either sign.
        denominator: above 0.
    """
    nearest = (2 * abs(numerator) + denominator) // (2 * denominator)
    return nearest if numerator >= 0 else -nearest


def relative_change(before: int, after: int) -> int | None:
    """Growth from one number to another in 1e-5 of the first; None where that is 0."""
    return quotient((after - before) * E5, abs(before)) if before else None


def money(cents: int) -> str:
    """Cents in whole currency units with all their digits: ``-1,234.50``."""
    sign = "-" if cents < 0 else ""
    units, rest = divmod(abs(cents), 100)
    return f"{sign}{units:,}.{rest:02}"


def percent(rate_e5: int) -> str:
    """A rate with as many decimals as it has: ``2 %``, ``3.333 %``."""
    sign = "-" if rate_e5 < 0 else ""
    whole, rest = divmod(abs(rate_e5), 1000)
    decimals = f".{rest:03}".rstrip("0").rstrip(".")
    return f"{sign}{whole:,}{decimals} %"


def percent_2(rate_e5: int, unit: str = " %") -> str:
    """A rate as a percentage with two decimals, halves away from zero: ``78.79 %``."""
    hundredths = quotient(rate_e5, 10)
    return f"{money(hundredths)}{unit}"


def signed(text: str) -> str:
    """A written number with a plus sign unless it has a minus or is nothing but zeros."""
    return (
        text
        if text.startswith("-") or not any(sign in "123456789" for sign in text)
        else f"+{text}"
    )


def multiplier(value_e5: int) -> str:
    """A multiplier with as many decimals as it has: ``1.15``."""
    whole, rest = divmod(abs(value_e5), E5)
    decimals = f".{rest:05}".rstrip("0").rstrip(".")
    return f"{'-' if value_e5 < 0 else ''}{whole:,}{decimals}"


def exact_decimal(value: int, places: int) -> Decimal:
    """An integer of so many decimal places as the number that it stands for.

    Args:
        value: cents (2 places) or units of 1e-5 (5 places).
        places: decimals.
    """
    return Decimal(value).scaleb(-places)


def column_name(column: str) -> str:
    """The name of a column outside of the database: without the mark of its unit."""
    for unit in ("_cents", "_e5", "_e6"):
        column = column.removesuffix(unit)
    return column


def in_words(column: str, value: Any) -> str:
    """A value of a column, in the unit that its name ends with."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if column.endswith("_cents"):
        return money(value)
    if column.endswith("_e5"):
        return multiplier(value) if _is_multiplier(column) else percent(value)
    if column.endswith("_e6"):
        return f"{exact_decimal(value, 6).normalize():f}"
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def _is_multiplier(column: str) -> bool:
    return column.removesuffix("_e5").endswith(("_mult", "_dial", "_factor"))
