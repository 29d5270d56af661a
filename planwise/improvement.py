"""Improvement against a baseline, and its class."""

from __future__ import annotations

import datetime
import math
from typing import Final, Literal

from attrs import frozen

from planwise.values import Baseline

ImprovementClass = Literal["achieved", "significant", "below"]

ACHIEVED_PERCENT: Final = 82.0
SIGNIFICANT_PERCENT: Final = 50.0


@frozen
class Improvement:
    """How much less time was taken than the baseline.

    Attributes:
        percent: 100 * (baseline - actual) / baseline; negative when it took longer.
        label: ``achieved`` (at least 82 %, the target), ``significant`` (at least 50 %), ``below``.
    """

    percent: float
    label: ImprovementClass


def improvement(baseline_ms: float | None, actual_s: float) -> Improvement | None:
    """Improvement against a baseline, or None where there is none: no number is made up.

    Args:
        baseline_ms: milliseconds of the baseline; None, or no positive number: there is none.
        actual_s: seconds that were taken now.
    """
    if baseline_ms is None or not math.isfinite(baseline_ms) or baseline_ms <= 0:
        return None
    if not math.isfinite(actual_s) or actual_s < 0:
        return None
    # Rounded far beyond what is measured, so that exactly 82 % is not 81.99999999999999.
    percent = round(100.0 * ((baseline_ms - actual_s * 1000.0) / baseline_ms), 9)
    if not math.isfinite(percent):
        return None  # a baseline so short that the quotient has no number
    label: ImprovementClass = "below"
    if percent >= ACHIEVED_PERCENT:
        label = "achieved"
    elif percent >= SIGNIFICANT_PERCENT:
        label = "significant"
    return Improvement(percent, label)


def baseline_words(baseline: Baseline, now: datetime.datetime) -> str:
    """What a baseline is: a number that the user wrote, or what was measured, and how long ago.

    Args:
        baseline: the baseline.
        now: until when its age is counted, with a zone.
    """
    if baseline.kind == "configured":
        return "configured"
    words = f"{baseline.arm or 'plain dbt'}, measured"
    try:
        measured = datetime.datetime.fromisoformat(baseline.measured_at or "")
        return f"{words} {age_words(measured, now)} on this machine"
    except (ValueError, TypeError):
        return f"{words} on this machine"


def age_words(then: datetime.datetime, now: datetime.datetime) -> str:
    """How long ago something was, in the largest whole unit.

    Args:
        then, now: with zones.
    """
    seconds = (now - then).total_seconds()
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(seconds // length)
        if count >= 1:
            return f"{count:,} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
