"""Improvement against a baseline: the formula and its classes, without anything around them."""

from __future__ import annotations

import math
from typing import Final, Literal

ImprovementClass = Literal["achieved", "significant", "below"]

ACHIEVED_PERCENT: Final = 82.0
SIGNIFICANT_PERCENT: Final = 50.0


def improvement_percent(baseline_ms: float | None, actual_s: float) -> float | None:
    """How much less time was taken: ``100 * (baseline - actual) / baseline``.

    Args:
        baseline_ms: milliseconds of the baseline, or None.
        actual_s: seconds taken now.

    Returns:
        At most 100; negative when it took longer; None without a usable baseline or time.
    """
    if baseline_ms is None or not math.isfinite(baseline_ms) or baseline_ms <= 0.0:
        return None
    if not math.isfinite(actual_s) or actual_s < 0.0:
        return None
    percent = 100.0 * (baseline_ms - actual_s * 1000.0) / baseline_ms
    # A product that was rounded up can pass 100 by its last bit.
    return min(100.0, percent) if math.isfinite(percent) else None


def improvement_class(percent: float) -> ImprovementClass:
    """``achieved`` from 82 %, the target; ``significant`` from 50 %; ``below`` otherwise.

    Args:
        percent: of :func:`improvement_percent`, not rounded.
    """
    if percent >= ACHIEVED_PERCENT:
        return "achieved"
    return "significant" if percent >= SIGNIFICANT_PERCENT else "below"
