"""What a scenario is: frozen values, exact, without any heavy library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import attrs
from attrs.validators import deep_mapping, instance_of, matches_re, optional

from planwise.scenarios.rows import (
    ROW_TYPES,
    AgeBand,
    CoreTier,
    EnrollmentAgeBand,
    EnrollmentDeferral,
    EnrollmentPayBand,
    HireAge,
    IrsLimit,
    Level,
    MatchTier,
    RaiseMonth,
    Row,
    TableName,
    TenureBand,
    VestingStep,
    whole,
)

__all__ = [
    "FROM_CENSUS",
    "ROW_TYPES",
    "AgeBand",
    "CoreTier",
    "EnrollmentAgeBand",
    "EnrollmentDeferral",
    "EnrollmentPayBand",
    "HireAge",
    "IrsLimit",
    "Level",
    "MatchTier",
    "RaiseMonth",
    "Row",
    "Scenario",
    "TableName",
    "TenureBand",
    "VestingStep",
]

FROM_CENSUS: Final = "from_census"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,63}")


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
        draws: the name whose draws it uses; None for its own. Scenarios that share one, and seed
            and census, see the same people leave and join.
        parameters: overrides only, by parameter, as plain decimal text in human units (``0.035``,
            ``56000.00``), a word, or ``true`` or ``false``; what is not here has its default.
        tables: whole tables in place of the default ones; a table that is not here has its
            default rows.
        sources: where each of the parameters and tables came from.
        derive_levels: the pay bands are still to be taken from the census (see
            :func:`planwise.scenarios.settle_levels`); such a scenario cannot be written yet.
    """

    scenario_id: str = attrs.field(
        validator=[instance_of(str), matches_re(_NAME, func=re.fullmatch)]
    )
    seed: int = attrs.field(kw_only=True, validator=whole(0, 2**63 - 1))
    first_year: int = attrs.field(kw_only=True, validator=whole(1900, 2200))
    census_date: date = attrs.field(kw_only=True, validator=instance_of(date))
    replicate_id: int = attrs.field(default=1, kw_only=True, validator=whole(1, 2**31 - 1))
    draws: str | None = attrs.field(
        default=None,
        kw_only=True,
        validator=optional([instance_of(str), matches_re(_NAME, func=re.fullmatch)]),
    )
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
