"""What a synthetic census is drawn from: integer tables, shaped like a large employer in the US.

Sources of the shapes. Ages: employed people by age in the Current Population Survey of the US
Bureau of Labor Statistics (BLS), kept to 20 to 70. Tenure: BLS, Employee Tenure in 2024 (median
3.9 years; 2.7 at 25 to 34, 9.6 at 55 to 64; 22 % hired within a year). Levels and their pay: the
simulation's default scale. The rest (hours, departments, deferral rates) is plausible, no more.

Every table is of integers and every draw a comparison of integers, so that the people do not
depend on the floating point of a machine. The one exception is the shape of pay within a band,
which is computed here and rounded to whole dollars.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

import attrs

from planwise.errors import UsageError

SHARE = 10_000  # shares are of this many
PAY_STEPS = 1024
_BANDS_SIGMAS = 4  # a band holds the middle four standard deviations of its log-normal


@attrs.frozen
class LevelBand:
    """A job level of the synthetic census.

    Attributes:
        level: its number, from 1.
        minimum: lowest pay in dollars.
        maximum: highest pay in dollars.
        share: its share of the people, 0 to 1; the shares of all levels sum to 1.
    """

    level: int
    minimum: Decimal = attrs.field(converter=Decimal)
    maximum: Decimal = attrs.field(converter=Decimal)
    share: Decimal = attrs.field(converter=Decimal)


DEFAULT_LEVEL_BANDS: tuple[LevelBand, ...] = (
    LevelBand(1, 56_000, 80_000, "0.60"),
    LevelBand(2, 81_000, 120_000, "0.25"),
    LevelBand(3, 121_000, 160_000, "0.10"),
    LevelBand(4, 161_000, 300_000, "0.04"),
    LevelBand(5, 275_000, 500_000, "0.01"),
)


@attrs.frozen
class AgeGroup:
    """A span of completed ages.

    Attributes:
        first: its first age.
        weights: the weight of each of its ages, out of :data:`SHARE` over all groups.
        seniority: how much likelier than average one step up in level is.
        deferring: share, out of SHARE, that defers on the lowest level after a year of service.
    """

    first: int
    weights: tuple[int, ...]
    seniority: Fraction
    deferring: int


AGE_GROUPS: tuple[AgeGroup, ...] = (
    AgeGroup(20, (180,) * 5, Fraction(25, 100), 4300),
    AgeGroup(25, (235,) * 10, Fraction(75, 100), 5200),
    AgeGroup(35, (235,) * 10, Fraction(110, 100), 5800),
    AgeGroup(45, (210,) * 10, Fraction(125, 100), 6200),
    AgeGroup(55, (180,) * 10, Fraction(125, 100), 6400),
    AgeGroup(65, (130, 110, 90, 70, 55, 45), Fraction(120, 100), 6000),
)
DEFERRING_MORE_PER_LEVEL = 600  # out of SHARE, for each step up in level
DECLINED = 600  # of those who do not defer, out of SHARE, have said no
ESCALATION_OPT_OUT = 500  # of those who defer, out of SHARE

# (value, weight out of SHARE)
DEFERRAL_PERCENTS = (
    (1, 300),
    (2, 700),
    (3, 1500),
    (4, 1100),
    (5, 1500),
    (6, 2300),
    (7, 450),
    (8, 650),
    (10, 900),
    (12, 300),
    (15, 300),
)
WEEKLY_HOURS = (
    ("40.00", 9150),
    ("37.50", 350),
    ("36.00", 100),
    ("32.00", 100),
    ("30.00", 150),
    ("24.00", 60),
    ("20.00", 90),
)
GENDERS = (("F", 4900), ("M", 5000), ("X", 100))
DEPARTMENTS = (
    ("Operations", 2600),
    ("Customer Service", 1500),
    ("Engineering", 1400),
    ("Sales", 1200),
    ("Supply Chain", 900),
    ("Information Technology", 800),
    ("Finance", 500),
    ("Marketing", 400),
    ("Human Resources", 400),
    ("Legal", 300),
)
TITLES = ("{} Associate", "{} Manager", "Senior {} Manager", "Director of {}", "Vice President {}")


def check_levels(levels: Sequence[LevelBand]) -> tuple[LevelBand, ...]:
    """The levels in ascending order.

    Raises:
        UsageError: there are none or more than nine, the shares do not sum to 1, or a band is
            upside down.
    """
    ordered = tuple(sorted(levels, key=lambda band: band.level))
    if not 1 <= len(ordered) <= 9:
        raise UsageError(f"levels: expected 1 to 9 of them, got {len(ordered)}")
    if sum(band.share for band in ordered) != 1 or any(band.share < 0 for band in ordered):
        raise UsageError("levels: expected shares of 0 or more that sum to exactly 1")
    for band in ordered:
        if not 1 <= math.ceil(band.minimum) <= math.floor(band.maximum) <= 10**9:
            raise UsageError(
                f"level {band.level}: expected a band of 1 to 1,000,000,000 dollars that holds a "
                f"whole dollar, got {band.minimum} to {band.maximum}"
            )
    return ordered


def age_table() -> list[tuple[int, int, int]]:
    """(draw from 0 below SHARE, completed age, number of the age group) for every draw."""
    ages = [
        (group.first + offset, number)
        for number, group in enumerate(AGE_GROUPS)
        for offset, weight in enumerate(group.weights)
        for _ in range(weight)
    ]
    return [(draw, age, number) for draw, (age, number) in enumerate(ages)]


def level_thresholds(levels: Sequence[LevelBand]) -> list[tuple[int, ...]]:
    """For each age group, the share out of SHARE that is above each level but the highest.

    Over all ages the levels have their shares; within an age group each step up is as much
    likelier than average as the group's seniority says.
    """
    weights = [Fraction(sum(group.weights), SHARE) for group in AGE_GROUPS]
    thresholds: list[list[int]] = [[] for _ in AGE_GROUPS]
    for step in range(1, len(levels)):
        above = sum((Fraction(band.share) for band in levels[step:]), Fraction(0))
        tilts = [group.seniority ** min(step, 3) for group in AGE_GROUPS]
        mean = sum((w * t for w, t in zip(weights, tilts, strict=True)), Fraction(0))
        for number, tilt in enumerate(tilts):
            share = min(Fraction(1), above * tilt / mean)
            highest = thresholds[number][-1] if thresholds[number] else SHARE
            thresholds[number].append(min(highest, round(share * SHARE)))
    return [tuple(row) for row in thresholds]


def pay_points(band: LevelBand) -> list[int]:
    """Pay in whole dollars at each of :data:`PAY_STEPS` + 1 even quantiles of a band.

    Log-normal around the geometric middle of the band, cut off at its edges.
    """
    low, high = math.ceil(band.minimum), math.floor(band.maximum)
    if low == high:
        return [low] * (PAY_STEPS + 1)
    middle = (math.log(low) + math.log(high)) / 2
    normal = NormalDist(middle, (math.log(high) - math.log(low)) / _BANDS_SIGMAS)
    first, last = normal.cdf(math.log(low)), normal.cdf(math.log(high))
    points = [
        round(math.exp(normal.inv_cdf(first + (last - first) * step / PAY_STEPS)))
        for step in range(PAY_STEPS + 1)
    ]
    return [min(high, max(low, point)) for point in points]
