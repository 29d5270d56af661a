"""Paired ratios with an interval: how much slower or faster an arm is, and whether that is known.

Not called ``statistics``: the folder of a script comes first on Python's path, and would hide the
module of that name from every library.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from statistics import NormalDist, median
from typing import Final, Literal

from attrs import frozen

LEAST_ROUNDS: Final = 6
"""Of fewer pairs no ordering is rarer than 1 in 20 by chance alone: 2 * 0.5^5 is 0.0625."""

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 10_000

Verdict = Literal["slower", "faster", "no significant difference", "too few rounds to tell"]


@frozen
class Comparison:
    """An arm against the reference arm.

    Attributes:
        ratio: median of the paired ratios; above 1 the arm took longer than the reference.
        low, high: 95 % interval of that median.
        rounds: number of pairs.
        verdict: what may be said of it.
    """

    ratio: float
    low: float
    high: float
    rounds: int
    verdict: Verdict


def compare(
    arm: Sequence[float], reference: Sequence[float], *, seed: int, resamples: int = RESAMPLES
) -> Comparison:
    """Compare the times of two arms, round by round.

    Args:
        arm, reference: seconds, in the order of the rounds; as many of one as of the other.
        seed: of the bootstrap.
        resamples: how often to draw from the rounds.

    Raises:
        ValueError: the rounds do not pair, there are none, or a time is not above 0.
    """
    if len(arm) != len(reference) or not arm:
        raise ValueError(f"{len(arm)} and {len(reference)} rounds do not make pairs")
    if not all(math.isfinite(time) and time > 0 for time in (*arm, *reference)):
        raise ValueError("a time is not a number above 0")
    # In logarithms, so that swapping the arms gives the reciprocal, of an even number too.
    logs = [math.log(a) - math.log(b) for a, b in zip(arm, reference, strict=True)]
    low, high = bootstrap_interval(logs, seed=seed, resamples=resamples)
    return comparison_of(median(logs), low, high, len(logs))


def compare_unpaired(
    new: Sequence[float], old: Sequence[float], *, seed: int, resamples: int = RESAMPLES
) -> Comparison:
    """Compare times or ratios of two measurements that were made one after the other.

    Args:
        new, old: values above 0, in any order and number.
        seed: of the bootstrap, which draws from each by itself.
        resamples: how often to draw.

    Raises:
        ValueError: one has no value, or a value is not above 0.
    """
    if not new or not old or not all(math.isfinite(v) and v > 0 for v in (*new, *old)):
        raise ValueError("expected values above 0 of both")
    draws = random.Random(seed)  # noqa: S311  # statistics, not secrets
    logs = [[math.log(value) for value in values] for values in (new, old)]
    count = min(map(len, logs))
    resampled = []
    for _ in range(resamples):
        one, other = (median(draws.choices(values, k=len(values))) for values in logs)
        resampled.append(one - other)
    low, high = expanded_interval(resampled, count)
    return comparison_of(median(logs[0]) - median(logs[1]), low, high, count)


def comparison_of(estimate: float, low: float, high: float, rounds: int) -> Comparison:
    """A ratio, its interval and its verdict, from logarithms.

    Args:
        estimate, low, high: logarithm of the ratio, and of the ends of its interval.
        rounds: number of pairs behind it.
    """
    return Comparison(
        ratio=math.exp(estimate),
        low=math.exp(low),
        high=math.exp(high),
        rounds=rounds,
        verdict=_verdict(low, high, rounds),
    )


def bootstrap_interval(
    values: Sequence[float], *, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The 95 % interval of the median of a few values.

    Args:
        values: at least one.
        seed: the same seed gives the same interval.
        resamples: how often to draw from the values.
    """
    draws = random.Random(seed)  # noqa: S311  # statistics, not secrets
    count = len(values)
    return expanded_interval(
        [median(draws.choices(values, k=count)) for _ in range(resamples)], count
    )


def expanded_interval(resampled: Sequence[float], count: int) -> tuple[float, float]:
    """The 95 % interval that a bootstrap gives.

    The expanded percentile interval (T. Hesterberg, What Teachers Should Know About the Bootstrap,
    The American Statistician 69, 2015, section 5.3): percentiles of the resampled statistic, taken
    further out the fewer the values are. The plain percentile interval covers too little then: of 7
    values it holds the true median 87.5 % of the time.

    Args:
        resampled: the statistic of each resample.
        count: how many values there were to draw from.
    """
    ordered = sorted(resampled)
    tail = _expanded_tail(count)
    last = len(ordered) - 1
    return ordered[math.floor(tail * last)], ordered[math.ceil((1 - tail) * last)]


def _expanded_tail(count: int) -> float:
    """The share of the resampled medians that is left out at each end."""
    if count < 2:
        return 0.0
    return NormalDist().cdf(-math.sqrt(count / (count - 1)) * _student_quantile(count - 1))


def _student_quantile(degrees: int) -> float:
    """Student's t at 97.5 %, by the Cornish-Fisher expansion (Abramowitz and Stegun, 26.7.5).

    Off by 0.1 % at 5 degrees of freedom and by less above; below, too small, which
    ``LEAST_ROUNDS`` keeps from mattering.
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms = (
        (z**3 + z) / (4 * degrees),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3),
    )
    return z + sum(terms)


def _verdict(low: float, high: float, rounds: int) -> Verdict:
    """What an interval of the logarithm of a ratio allows to say."""
    if rounds < LEAST_ROUNDS:
        return "too few rounds to tell"
    if low <= 0 <= high:
        return "no significant difference"
    return "slower" if low > 0 else "faster"
