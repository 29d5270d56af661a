"""Default tables and formulas of the model in plain Python: exact fractions, hashlib draws.

Written from the rules, not from the queries, so that the two can disagree.
"""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction
from hashlib import md5
from typing import TYPE_CHECKING, Any

from simulation_inputs import Band, Level

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULTS = {
    "growth_rate": "0.03", "termination_rate": "0.12", "first_year_termination_rate": "0.25",
    "termination_base_rate": "0.42", "termination_level_step": "0.1",
    "termination_level_floor": "0.4", "promotion_base_rate": "0.04",
    "promotion_level_step": "0.15", "promotion_level_floor": "0", "promotion_dial": "1",
    "promotion_raise": "0.20", "promotion_raise_spread": "0.05", "promotion_cap_rate": "0.30",
    "promotion_cap_amount": "500000", "promotion_min_tenure": "1", "promotion_max_age": "65",
    "cola_rate": "0.025", "raise_cap_rate": "0.50", "raise_cap_amount": "250000",
    "market_factor": "1", "new_hire_pay_spread": "0.05",
}  # fmt: skip
AGE_BANDS = [
    Band("<25", 0, 25, "0.7", "1.6"), Band("25-34", 25, 35, "1.3", "1.4"),
    Band("35-44", 35, 45, "1.0", "1.1"), Band("45-54", 45, 55, "1.6", "0.7"),
    Band("55-64", 55, 65, "1.0", "0.3"), Band("65+", 65, 999, "1.2", "0.1"),
]  # fmt: skip
TENURE_BANDS = [
    Band("<2", 0, 2, "1.8", "0.5"), Band("2-4", 2, 5, "1.1", "1.5"),
    Band("5-9", 5, 10, "0.9", "1.8"), Band("10-19", 10, 20, "0.6", "0.8"),
    Band("20+", 20, 999, "0.9", "0.2"),
]  # fmt: skip
LEVELS = [
    Level(1, 56000, 80000, "0.010", "0.30"), Level(2, 81000, 120000, "0.015", "0.40"),
    Level(3, 121000, 160000, "0.020", "0.50"), Level(4, 161000, 300000, "0.025", "0.60"),
    Level(5, 275000, 500000, "0.030", "0.70"),
]  # fmt: skip
RAISE_MONTHS = list(
    enumerate(
        "0.28 0.03 0.07 0.18 0.05 0.04 0.23 0.03 0.04 0.02 0.02 0.01".split(),  # noqa: SIM905 - one line reads as the table does
        start=1,
    )
)
HIRE_AGES = [
    (22, "0.05"), (25, "0.15"), (28, "0.20"), (32, "0.25"),
    (35, "0.15"), (40, "0.10"), (45, "0.08"), (50, "0.02"),
]  # fmt: skip


def draw(seed: int, draws: str, replicate: int, year: int, purpose: str, person: str) -> int:
    """53 bits of the MD5 of the key."""
    key = f"{seed}|{draws}|{replicate}|{year}|{purpose}|{person}".encode()
    return int(md5(key, usedforsecurity=False).hexdigest()[:14], 16) >> 3


def uniform(bits: int) -> Fraction:
    """(k + 1/2) / 2^53."""
    return Fraction(2 * bits + 1, 2**54)


def rounded(value: Fraction) -> int:
    """Rounded half up to a whole number."""
    return math.floor(value + Fraction(1, 2))


def completed_years(start: date, end: date) -> int:
    """Whole years; 29 February has its anniversary on the 28th in common years."""
    years = end.year - start.year
    return years if anniversary(start, end.year) <= end else years - 1


def anniversary(day: date, year: int) -> date:
    """The same day of another year."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def headcount(
    opening: int, last_year: int, growth: Fraction, rate: Fraction, first_year_rate: Fraction
) -> dict[str, int]:
    """Target, leavers, hires and leavers among the hires."""
    target = rounded(opening * (1 + growth))
    from_last_year = math.floor(last_year * first_year_rate)
    leavers = math.floor((opening - last_year) * rate + last_year * first_year_rate)
    net = target - (opening - leavers)
    hires = math.ceil(net / (1 - first_year_rate)) if net > 0 else 0
    return {
        "target": target,
        "leavers_hired_last_year": from_last_year,
        "experienced_leavers": leavers,
        "hires": hires,
        "new_hire_leavers": hires - net if net > 0 else 0,
        "reduction_in_force": max(-net, 0),
    }


def from_distribution(u: Fraction, rows: Sequence[tuple[int, Any]]) -> int:
    """The value in whose share u falls; the last takes what is left."""
    total = Fraction(0)
    for value, share in rows[:-1]:
        total += Fraction(share)
        if u < total:
            return value
    return rows[-1][0]


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Seats by largest remainder, ties to the first."""
    everything = sum(weights)
    quotas = [Fraction(total * weight, everything) for weight in weights]
    seats = [math.floor(quota) for quota in quotas]
    order = sorted(range(len(weights)), key=lambda i: (-(quotas[i] - seats[i]), i))
    for i in order[: total - sum(seats)]:
        seats[i] += 1
    return seats
