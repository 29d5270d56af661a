"""What a scenario is: frozen values, exact, without any heavy library."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

import attrs
from attrs.validators import and_, deep_mapping, ge, instance_of, le, matches_re, not_

FROM_CENSUS: Final = "from_census"

TableName = Literal["age_bands", "tenure_bands", "levels", "raise_months", "hire_ages"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _exact(places: int, low: str, high: str) -> Callable[..., None]:
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


def _whole(low: int, high: int) -> Callable[..., None]:
    """A validator for a whole number in bounds; a truth value is none."""
    return and_(instance_of(int), not_(instance_of(bool)), ge(low), le(high))


@attrs.frozen
class AgeBand:
    """Multipliers of the chances for ages from ``min_age`` up to, not including, ``max_age``."""

    age_band: str
    min_age: int = attrs.field(validator=_whole(0, 999))
    max_age: int = attrs.field(validator=_whole(0, 999))
    termination_mult: Decimal = attrs.field(validator=_exact(5, "0", "9999"))
    promotion_mult: Decimal = attrs.field(validator=_exact(5, "0", "9999"))


@attrs.frozen
class TenureBand:
    """Multipliers of the chances for completed years of service, upper bound excluded."""

    tenure_band: str
    min_years: int = attrs.field(validator=_whole(0, 999))
    max_years: int = attrs.field(validator=_whole(0, 999))
    termination_mult: Decimal = attrs.field(validator=_exact(5, "0", "9999"))
    promotion_mult: Decimal = attrs.field(validator=_exact(5, "0", "9999"))


@attrs.frozen
class Level:
    """A job level: its pay band, merit rate, and where in the band a new hire's pay lies."""

    level: int = attrs.field(validator=_whole(1, 9))
    level_name: str
    min_pay: Decimal = attrs.field(validator=_exact(2, "0.01", "100000000"))
    max_pay: Decimal = attrs.field(validator=_exact(2, "0.01", "100000000"))
    merit_rate: Decimal = attrs.field(validator=_exact(5, "0", "1"))
    new_hire_percentile: Decimal = attrs.field(validator=_exact(5, "0", "1"))


@attrs.frozen
class RaiseMonth:
    """The share of people whose yearly raise is in this month."""

    month: int = attrs.field(validator=_whole(1, 12))
    share: Decimal = attrs.field(validator=_exact(6, "0", "1"))


@attrs.frozen
class HireAge:
    """The share of hires who are of this age."""

    age: int = attrs.field(validator=_whole(14, 85))
    weight: Decimal = attrs.field(validator=_exact(6, "0", "1"))


Row: TypeAlias = AgeBand | TenureBand | Level | RaiseMonth | HireAge

ROW_TYPES: Mapping[TableName, type[Row]] = MappingProxyType(
    {
        "age_bands": AgeBand,
        "tenure_bands": TenureBand,
        "levels": Level,
        "raise_months": RaiseMonth,
        "hire_ages": HireAge,
    }
)
"""The tables that a scenario may put in place of a default table, and their rows."""


def _frozen_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(value))


def _frozen_tables(
    value: Mapping[TableName, Any],
) -> Mapping[TableName, tuple[Row, ...]]:
    return MappingProxyType({name: tuple(rows) for name, rows in value.items()})


@attrs.frozen
class Scenario:
    """A named set of parameters for one run of years; a replicate is the same under another seed.

    Attributes:
        scenario_id: its name, ``[a-z0-9][a-z0-9_-]{0,63}``.
        replicate_id: from 1.
        seed: the seed of every draw, 0 to 2**63 - 1.
        first_year: the first simulation year.
        census_date: the day that the census describes.
        parameters: overrides only, by parameter, as plain decimal text in human units (``0.035``,
            ``56000.00``) or a word; what is not here has its default.
        tables: whole tables in place of the default ones; a table that is not here has its
            default rows.
        sources: where each of the parameters and tables came from.
        derive_levels: the pay bands are still to be taken from the census (see
            :func:`planwise.scenarios.settle_levels`); such a scenario cannot be written yet.
    """

    scenario_id: str = attrs.field(
        validator=[instance_of(str), matches_re(_NAME, func=re.fullmatch)]
    )
    seed: int = attrs.field(kw_only=True, validator=_whole(0, 2**63 - 1))
    first_year: int = attrs.field(kw_only=True, validator=_whole(1900, 2200))
    census_date: date = attrs.field(kw_only=True, validator=instance_of(date))
    replicate_id: int = attrs.field(default=1, kw_only=True, validator=_whole(1, 2**31 - 1))
    parameters: Mapping[str, str] = attrs.field(
        factory=dict,
        kw_only=True,
        converter=_frozen_mapping,
        validator=deep_mapping(matches_re(_PARAMETER, func=re.fullmatch), instance_of(str)),
    )
    tables: Mapping[TableName, tuple[Row, ...]] = attrs.field(
        factory=dict, kw_only=True, converter=_frozen_tables
    )
    sources: Mapping[str, str] = attrs.field(factory=dict, kw_only=True, converter=_frozen_mapping)
    derive_levels: bool = attrs.field(default=False, kw_only=True)

    @tables.validator
    def _rows_fit_their_tables(
        self, _: object, tables: Mapping[TableName, tuple[Row, ...]]
    ) -> None:
        for name, rows in tables.items():
            if name not in ROW_TYPES:
                raise ValueError(
                    f"tables: there is no table {name!r}; known: {', '.join(ROW_TYPES)}"
                )
            if not rows or any(type(row) is not ROW_TYPES[name] for row in rows):
                raise TypeError(f"tables: {name} needs at least one row, each a {ROW_TYPES[name]}")

    def source(self, key: str) -> str:
        """Where a parameter or table came from; ``default`` for one that is not overridden."""
        if key not in self.parameters and key not in self.tables:
            return "default"
        return self.sources.get(key, "program")
