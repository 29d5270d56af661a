"""Improvement against a baseline, and the borders of its classes."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from planwise.improvement import improvement

BASELINES = st.floats(1e-3, 1e9)
SECONDS = st.floats(0, 1e6)
RANK = {"below": 0, "significant": 1, "achieved": 2}


@pytest.mark.parametrize("baseline", [None, 0.0, -1.0, -1e9, float("nan")])
def test_without_a_baseline_no_number_is_made_up(baseline: float | None) -> None:
    assert improvement(baseline, 1.0) is None


@pytest.mark.parametrize(
    ("baseline_ms", "actual_s", "percent", "label"),
    [
        (1000, 0.0, 100, "achieved"),
        (1000, 0.18, 82, "achieved"),
        (1000, 0.1801, 81.99, "significant"),
        (100_000, 18.0, 82, "achieved"),
        (500, 0.09, 82, "achieved"),
        (700, 0.126, 82, "achieved"),
        (1000, 0.5, 50, "significant"),
        (1000, 0.5001, 49.99, "below"),
        (300, 0.15, 50, "significant"),
        (1000, 1.0, 0, "below"),
        (1000, 2.0, -100, "below"),
        (1000, 25.0, -2400, "below"),
    ],
)
def test_borders(baseline_ms: float, actual_s: float, percent: float, label: str) -> None:
    found = improvement(baseline_ms, actual_s)
    assert found is not None
    assert found.percent == pytest.approx(percent, abs=1e-9)
    assert found.label == label


@given(st.integers(1, 10**7), st.integers(0, 10**7))
def test_it_is_the_formula(baseline_ms: int, actual_ms: int) -> None:
    found = improvement(baseline_ms, actual_ms / 1000)
    assert found is not None
    exact = Fraction(100 * (baseline_ms - actual_ms), baseline_ms)
    assert found.percent == pytest.approx(float(exact), rel=1e-9, abs=1e-9)
    border = 82 if exact >= 82 else 50
    if exact not in (50, 82):
        assert (exact >= border) == (found.label == ("achieved" if border == 82 else "significant"))


@given(st.integers(1, 10**6))
def test_the_borders_belong_to_the_better_class(hundredth: int) -> None:
    """A baseline of 100 n ms and 18 n or 50 n ms taken: exactly 82 % and 50 %, however stored."""
    achieved = improvement(100 * hundredth, 18 * hundredth / 1000)
    significant = improvement(100 * hundredth, 50 * hundredth / 1000)
    assert achieved is not None
    assert significant is not None
    assert achieved.label == "achieved"
    assert significant.label == "significant"


@given(BASELINES, SECONDS, SECONDS)
def test_less_time_is_never_worse(baseline: float, one: float, other: float) -> None:
    quick, slow = (improvement(baseline, each) for each in sorted((one, other)))
    assert quick is not None
    assert slow is not None
    assert quick.percent >= slow.percent
    assert RANK[quick.label] >= RANK[slow.label]
    assert slow.percent <= 100


@given(BASELINES, SECONDS, st.integers(1, 1000))
def test_it_is_a_ratio(baseline: float, actual: float, factor: int) -> None:
    one, scaled = improvement(baseline, actual), improvement(baseline * factor, actual * factor)
    assert one is not None
    assert scaled is not None
    assert scaled.percent == pytest.approx(one.percent, rel=1e-9, abs=1e-6)


@given(st.floats(allow_nan=True, allow_infinity=True) | st.none(), st.floats(width=64))
@example(5e-324, 1e300)
@example(687194768.0126781, 0.0)
def test_no_pair_of_numbers_gives_what_json_cannot_say(
    baseline: float | None, actual: float
) -> None:
    found = improvement(baseline, actual)
    if found is not None:
        json.dumps(found.percent, allow_nan=False)
        assert found.percent <= 100.0
