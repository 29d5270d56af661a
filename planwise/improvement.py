"""Improvement against a baseline, and its class."""

from __future__ import annotations

import math
from typing import Final, Literal

from attrs import frozen

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
