"""The rows of the tables that a scenario may put in place of default ones: frozen, exact values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import attrs
from attrs.validators import and_, ge, in_, instance_of, le, not_

TableName = Literal[
    "age_bands",
    "tenure_bands",
    "levels",
    "raise_months",
    "hire_ages",
    "enrollment_age_bands",
    "enrollment_pay_bands",
    "enrollment_deferrals",
    "match_tiers",
    "core_tiers",
    "vesting_steps",
    "irs_limits",
]

NO_END_AGE: Final = 999
"""Where the last band of ages, tenures or points ends."""

NO_END_PAY: Final = Decimal(10**12)
"""Where the last band of pay ends: more than anybody is paid."""

HIGHEST_LIMIT: Final = 500_000_000
"""The most that a limit may be, in currency units; up to here limits of later years are exact."""


def exact(places: int, low: str, high: str) -> Callable[..., None]:
    """A validator for a Decimal in bounds; the database must not have to round it."""

    def check(_: object, attribute: attrs.Attribute[Decimal], value: object) -> None:
        # A float is refused and not converted: 0.1 is no exact decimal any more.
        if not isinstance(value, Decimal) or not value.is_finite():
            raise TypeError(f"{attribute.name}: expected a finite Decimal, got {value!r}")
        if not Decimal(low) <= value <= Decimal(high) or value != round(value, places):
            raise ValueError(
                f"{attribute.name}: expected {low} to {high} with at most {places} decimals, "
                f"got {value}"
            )

    return check


def whole(low: int, high: int) -> Callable[..., None]:
    """A validator for a whole number in bounds; a truth value is none."""
    return and_(instance_of(int), not_(instance_of(bool)), ge(low), le(high))


@attrs.frozen
class AgeBand:
    """Multipliers of the chances for ages from ``min_age`` up to, not including, ``max_age``."""

    age_band: str
    min_age: int = attrs.field(validator=whole(0, NO_END_AGE))
    max_age: int = attrs.field(validator=whole(0, NO_END_AGE))
    termination_mult: Decimal = attrs.field(validator=exact(5, "0", "9999"))
    promotion_mult: Decimal = attrs.field(validator=exact(5, "0", "9999"))


@attrs.frozen
class TenureBand:
    """Multipliers of the chances for completed years of service, upper bound excluded."""

    tenure_band: str
    min_years: int = attrs.field(validator=whole(0, NO_END_AGE))
    max_years: int = attrs.field(validator=whole(0, NO_END_AGE))
    termination_mult: Decimal = attrs.field(validator=exact(5, "0", "9999"))
    promotion_mult: Decimal = attrs.field(validator=exact(5, "0", "9999"))


@attrs.frozen
class Level:
    """A job level: its pay band, merit rate, and where in the band a new hire's pay lies."""

    level: int = attrs.field(validator=whole(1, 9))
    level_name: str
    min_pay: Decimal = attrs.field(validator=exact(2, "0.01", "100000000"))
    max_pay: Decimal = attrs.field(validator=exact(2, "0.01", "100000000"))
    merit_rate: Decimal = attrs.field(validator=exact(5, "0", "1"))
    new_hire_percentile: Decimal = attrs.field(validator=exact(5, "0", "1"))


@attrs.frozen
class RaiseMonth:
    """The share of people whose yearly raise is in this month."""

    month: int = attrs.field(validator=whole(1, 12))
    share: Decimal = attrs.field(validator=exact(6, "0", "1"))


@attrs.frozen
class HireAge:
    """The share of hires who are of this age."""

    age: int = attrs.field(validator=whole(14, 85))
    weight: Decimal = attrs.field(validator=exact(6, "0", "1"))


@attrs.frozen
class EnrollmentAgeBand:
    """Chances of a voluntary enrolment and of opting out, upper bound of the ages excluded."""

    min_age: int = attrs.field(validator=whole(0, NO_END_AGE))
    max_age: int = attrs.field(validator=whole(0, NO_END_AGE))
    voluntary_chance: Decimal = attrs.field(validator=exact(5, "0", "1"))
    opt_out_chance: Decimal = attrs.field(validator=exact(5, "0", "1"))


@attrs.frozen
class EnrollmentPayBand:
    """Multipliers of these chances by annual pay, upper bound excluded."""

    min_pay: Decimal = attrs.field(validator=exact(2, "0", f"{NO_END_PAY}"))
    max_pay: Decimal = attrs.field(validator=exact(2, "0", f"{NO_END_PAY}"))
    voluntary_mult: Decimal = attrs.field(validator=exact(5, "0", "9999"))
    opt_out_mult: Decimal = attrs.field(validator=exact(5, "0", "9999"))


@attrs.frozen
class EnrollmentDeferral:
    """The deferral of a voluntary enrolment in the bands that begin at this age and this pay."""

    min_age: int = attrs.field(validator=whole(0, NO_END_AGE))
    min_pay: Decimal = attrs.field(validator=exact(2, "0", f"{NO_END_PAY}"))
    deferral_rate: Decimal = attrs.field(validator=exact(5, "0", "1"))


@attrs.frozen
class MatchTier:
    """The match of contributions between two shares of pay, in a band of tenure or of points."""

    band_min: int = attrs.field(validator=whole(0, NO_END_AGE))
    band_max: int = attrs.field(validator=whole(0, NO_END_AGE))
    tier_from: Decimal = attrs.field(validator=exact(5, "0", "1"))
    tier_to: Decimal = attrs.field(validator=exact(5, "0", "1"))
    match_rate: Decimal = attrs.field(validator=exact(5, "0", "10"))


@attrs.frozen
class CoreTier:
    """The core contribution as a share of pay, in a band of completed years or of points."""

    band_min: int = attrs.field(validator=whole(0, NO_END_AGE))
    band_max: int = attrs.field(validator=whole(0, NO_END_AGE))
    core_rate: Decimal = attrs.field(validator=exact(5, "0", "1"))


@attrs.frozen
class VestingStep:
    """The vested share of the match or the core from so many years of vesting service on."""

    money_source: Literal["match", "core"] = attrs.field(validator=in_(("match", "core")))
    service_years: int = attrs.field(validator=whole(0, 99))
    vested: Decimal = attrs.field(validator=exact(5, "0", "1"))


_LIMIT: Final = exact(0, "0", f"{HIGHEST_LIMIT}")


@attrs.frozen
class IrsLimit:
    """The limits that the law sets for a year, in whole currency units."""

    limit_year: int = attrs.field(validator=whole(1900, 2300))
    elective: Decimal = attrs.field(validator=_LIMIT)
    catch_up_50: Decimal = attrs.field(validator=_LIMIT)
    catch_up_60_63: Decimal = attrs.field(validator=_LIMIT)
    compensation: Decimal = attrs.field(validator=_LIMIT)
    hce: Decimal = attrs.field(validator=_LIMIT)
    annual_additions: Decimal = attrs.field(validator=_LIMIT)
    ss_wage_base: Decimal = attrs.field(validator=_LIMIT)


Row: TypeAlias = (
    AgeBand
    | TenureBand
    | Level
    | RaiseMonth
    | HireAge
    | EnrollmentAgeBand
    | EnrollmentPayBand
    | EnrollmentDeferral
    | MatchTier
    | CoreTier
    | VestingStep
    | IrsLimit
)

ROW_TYPES: Mapping[TableName, type[Row]] = MappingProxyType(
    {
        "age_bands": AgeBand,
        "tenure_bands": TenureBand,
        "levels": Level,
        "raise_months": RaiseMonth,
        "hire_ages": HireAge,
        "enrollment_age_bands": EnrollmentAgeBand,
        "enrollment_pay_bands": EnrollmentPayBand,
        "enrollment_deferrals": EnrollmentDeferral,
        "match_tiers": MatchTier,
        "core_tiers": CoreTier,
        "vesting_steps": VestingStep,
        "irs_limits": IrsLimit,
    }
)
"""The tables that a scenario may put in place of a default table, and their rows."""
