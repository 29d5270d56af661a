"""Simulation years as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from planwise.errors import UsageError

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
_YEAR: Final = re.compile(r"[0-9]{4}\Z")
_RANGE: Final = re.compile(r"([0-9]{4})-([0-9]{4})\Z")


def parse_years(words: Sequence[str]) -> tuple[int, ...]:
    """Years from words such as ``2025 2026 2027`` or ``2025-2029``.

    Args:
        words: years and ranges, commas allowed between them.

    Returns:
        The years, ascending and consecutive.

    Raises:
        UsageError: not a year, out of range, reversed, repeated, or with a gap.
    """
    years: list[int] = []
    for word in (part for each in words for part in each.split(",") if part):
        span = _RANGE.match(word)
        if span:
            first, last = int(span[1]), int(span[2])
            if first > last:
                raise UsageError(f"--years: {word} runs backwards; write {last}-{first}")
            years.extend(range(_checked(first, word), _checked(last, word) + 1))
        elif _YEAR.match(word):
            years.append(_checked(int(word), word))
        else:
            file = "; a file goes before --years, which takes all that follows it" * ("." in word)
            raise UsageError(
                f"--years: expected years like 2025 2026 or 2025-2029, got '{word}'{file}"
            )
    if not years:
        raise UsageError("--years: expected at least one year")
    for before, after in pairwise(years):
        if after == before or after in years[: years.index(before) + 1]:
            raise UsageError(f"--years: {after} is given twice")
        if after < before:
            raise UsageError(f"--years: {after} comes after {before}; years must ascend")
        if after != before + 1:
            raise UsageError(
                f"--years: {before + 1} is missing between {before} and {after}; "
                "each year starts from the one before"
            )
    return tuple(years)


def listed_years(words: Sequence[str], flag: str = "--years") -> list[int]:
    """Years of a result to look at, in words such as ``2025 2027-2029``: gaps are allowed.

    Args:
        words: years and ranges, commas allowed between them.
        flag: what they were given to, for messages.

    Raises:
        UsageError: not a year, out of range, or reversed.
    """
    parts = [part for each in words for part in each.split(",") if part]
    if words and not parts:
        raise UsageError(f"{flag}: expected at least one year")
    try:
        return sorted({year for part in parts for year in parse_years([part])})
    except UsageError as error:
        raise UsageError(str(error).replace("--years", flag, 1)) from None


def _checked(year: int, word: str) -> int:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise UsageError(f"--years: expected {FIRST_YEAR} to {LAST_YEAR}, got '{word}'")
    return year
