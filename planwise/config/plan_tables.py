"""Tables of the retirement plan: bands of enrolment, tiers of the match and the core, limits.

As in :mod:`planwise.config.tables`, a table replaces the whole default table, and what must hold
across its rows is checked here. What must hold between a table and other keys of the section is in
:mod:`planwise.config.plan_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

import attrs
from pydantic import Field

from planwise.config.kinds import Number, Whole, money, multiplier, rate
from planwise.config.tables import MOST_BANDS, NO_END, Bands, Finding, Row, Table
from planwise.config.text import shown
from planwise.config.words import Word

NO_END_PAY = Decimal(1_000_000_000_000)
"""The upper bound that a last band of pay has: nobody is paid that."""

LONGEST_SERVICE = 99
LAST_LIMIT_YEAR = 2300
HIGHEST_LIMIT = "500000000"
SOURCES = ("match", "core")

_FIRST_LIMIT_YEAR = 1900


def _pay() -> Number:
    return money("0", f"{NO_END_PAY}")


def _limit() -> Number:
    return Number("money", "1", HIGHEST_LIMIT, 0)


class EnrollmentAgeBand(Row):
    """One age band: the chances of a voluntary enrolment and of opting out of an automatic one."""

    min_age: Annotated[int, Whole(0, NO_END - 1, "years")] = Field(
        description="Completed years, included."
    )
    max_age: Annotated[int, Whole(1, NO_END, "years")] = Field(
        NO_END, description="Completed years, excluded; the last band has no end."
    )
    voluntary_chance: Annotated[Decimal, rate()] = Field(
        description="Chance that a person enrols voluntarily."
    )
    opt_out_chance: Annotated[Decimal, rate()] = Field(
        description="Chance that a person opts out of an automatic enrolment."
    )


class EnrollmentPayBand(Row):
    """One pay band: what it does to these chances."""

    min_pay: Annotated[Decimal, _pay()] = Field(description="Annual pay, included.")
    max_pay: Annotated[Decimal, _pay()] = Field(
        NO_END_PAY,
        description="Annual pay, excluded; the last band has no end.",
        json_schema_extra={"default": "no end"},
    )
    voluntary_mult: Annotated[Decimal, multiplier("1000")] = Field(
        description="Multiplies the chance of a voluntary enrolment."
    )
    opt_out_mult: Annotated[Decimal, multiplier("1000")] = Field(
        description="Multiplies the chance of opting out."
    )


class EnrollmentDeferral(Row):
    """The deferral that people in one age band and one pay band enrol at."""

    min_age: Annotated[int, Whole(0, NO_END - 1, "years")] = Field(
        description="Where the age band begins."
    )
    min_pay: Annotated[Decimal, _pay()] = Field(description="Where the pay band begins.")
    deferral_rate: Annotated[Decimal, rate()] = Field(
        description="Deferral of a voluntary enrolment, as a share of pay."
    )


class MatchTier(Row):
    """One tier of the match, in one band of tenure or points."""

    band_min: Annotated[int, Whole(0, NO_END - 1, "years")] = Field(
        0, description="Tenure or points, included; tiers without bands leave it out."
    )
    band_max: Annotated[int, Whole(1, NO_END, "years")] = Field(
        NO_END, description="Tenure or points, excluded; the last band has no end."
    )
    tier_from: Annotated[Decimal, rate()] = Field(
        description="Share of pay from which on contributions are in the tier."
    )
    tier_to: Annotated[Decimal, rate(above_low=True)] = Field(
        description="Share of pay up to which they are."
    )
    match_rate: Annotated[Decimal, rate("0", "10")] = Field(
        description="Rate at which contributions in the tier are matched."
    )


class CoreTier(Row):
    """The core contribution of one band of completed years or points."""

    band_min: Annotated[int, Whole(0, NO_END - 1, "years")] = Field(
        description="Completed years of service or points, included."
    )
    band_max: Annotated[int, Whole(1, NO_END, "years")] = Field(
        NO_END, description="Completed years or points, excluded; the last band has no end."
    )
    core_rate: Annotated[Decimal, rate()] = Field(description="Share of pay.")


class VestingStep(Row):
    """The vested share of one source of money from some years of vesting service on."""

    money_source: Annotated[Literal["match", "core"], Word(SOURCES)] = Field(
        description="Whose schedule this is a step of."
    )
    service_years: Annotated[int, Whole(0, LONGEST_SERVICE, "years")] = Field(
        description="Years of vesting service; before the first step nothing is vested."
    )
    vested: Annotated[Decimal, rate()] = Field(description="Vested share from then on.")


class IrsLimit(Row):
    """The limits of one calendar year, in whole units of currency."""

    limit_year: Annotated[int, Whole(_FIRST_LIMIT_YEAR, LAST_LIMIT_YEAR, "year")] = Field(
        description="Calendar year; the rows are of consecutive years."
    )
    elective: Annotated[Decimal, _limit()] = Field(
        description="Most that a person may contribute, 402(g)."
    )
    catch_up_50: Annotated[Decimal, _limit()] = Field(
        description="What those from 50 may contribute on top, 414(v)."
    )
    catch_up_60_63: Annotated[Decimal, _limit()] = Field(
        description="What those from 60 to 63 may contribute in its place."
    )
    compensation: Annotated[Decimal, _limit()] = Field(
        description="Most pay that match and core look at, 401(a)(17)."
    )
    hce: Annotated[Decimal, _limit()] = Field(
        description="Pay of last year above which a person is highly compensated, 414(q)."
    )
    annual_additions: Annotated[Decimal, _limit()] = Field(
        description="Most that all contributions may be together, 415(c)."
    )
    ss_wage_base: Annotated[Decimal, _limit()] = Field(
        description="Wage base of social security, for the integrated core."
    )


@attrs.frozen
class EnrollmentAgeBands(Bands):
    """Every age in exactly one band."""

    row: ClassVar[type[Row]] = EnrollmentAgeBand
    noun: ClassVar[str] = "age bands"
    low: ClassVar[str] = "min_age"
    high: ClassVar[str] = "max_age"


@attrs.frozen
class EnrollmentPayBands(Bands):
    """Every rate of pay in exactly one band."""

    row: ClassVar[type[Row]] = EnrollmentPayBand
    noun: ClassVar[str] = "pay bands"
    low: ClassVar[str] = "min_pay"
    high: ClassVar[str] = "max_pay"
    end: ClassVar[int | Decimal] = NO_END_PAY


@attrs.frozen
class EnrollmentDeferrals(Table):
    """A deferral for each pair of bands; which pairs there are is known to the plan's rules."""

    row: ClassVar[type[Row]] = EnrollmentDeferral
    noun: ClassVar[str] = "deferrals"
    most: ClassVar[int] = MOST_BANDS * MOST_BANDS

    def _across(self, rows: Sequence[Any]) -> list[Finding]:
        found: list[Finding] = []
        seen: set[tuple[int, Decimal]] = set()
        for number, row in enumerate(rows):
            pair = (row.min_age, row.min_pay)
            if pair in seen:
                text = (
                    "expected each pair of bands once, got "
                    f"min_age {row.min_age} and min_pay {shown(row.min_pay)} again"
                )
                found.append(((number,), text))
            seen.add(pair)
        return found


@attrs.frozen
class MatchTiers(Table):
    """Tiers of the match: bands complete, and in each band tiers that follow each other from 0."""

    row: ClassVar[type[Row]] = MatchTier
    noun: ClassVar[str] = "match tiers"
    most: ClassVar[int] = 500

    def _across(self, rows: Sequence[Any]) -> list[Finding]:
        found: list[Finding] = []
        due = Decimal(0)
        for number, tier in enumerate(rows):
            before = rows[number - 1] if number else None
            same_band = before is not None and tier.band_min == before.band_min
            if before is None or not same_band:
                found += self._band_begins(number, tier, before)
                due = Decimal(0)
            elif tier.band_max != before.band_max:
                text = f"expected {before.band_max} (as the tier before, of the same band)"
                found.append(((number, "band_max"), f"{text}, got {tier.band_max}"))
            if tier.tier_from != due:
                where = "where the tier before ends" if same_band else "where a first tier starts"
                text = f"expected {shown(due)} ({where}), got {shown(tier.tier_from)}"
                found.append(((number, "tier_from"), text))
            if tier.tier_to <= tier.tier_from:
                text = f"expected more than {shown(tier.tier_from)}, got {shown(tier.tier_to)}"
                found.append(((number, "tier_to"), text))
            due = tier.tier_to
        last = (len(rows) - 1, "band_max")
        if rows[-1].band_max != NO_END and last not in dict(found):
            text = f"expected {NO_END} (or no key) in the last band, which has no end"
            found.append((last, f"{text}, got {rows[-1].band_max}"))
        return found

    def _band_begins(self, number: int, tier: MatchTier, before: MatchTier | None) -> list[Finding]:
        found: list[Finding] = []
        due = before.band_max if before else 0
        if tier.band_min != due:
            where = "where the band before ends" if before else "since the first band starts at 0"
            text = f"expected {due} ({where}), got {tier.band_min}"
            found.append(((number, "band_min"), text))
        if tier.band_max <= tier.band_min:
            text = f"expected more than {tier.band_min}, got {tier.band_max}"
            found.append(((number, "band_max"), text))
        return found


@attrs.frozen
class CoreTiers(Bands):
    """Every number of years or points in exactly one band."""

    row: ClassVar[type[Row]] = CoreTier
    noun: ClassVar[str] = "core tiers"
    low: ClassVar[str] = "band_min"
    high: ClassVar[str] = "band_max"


@attrs.frozen
class VestingSteps(Table):
    """Steps of one or two schedules: years rise, the vested share does not fall and ends at 1."""

    row: ClassVar[type[Row]] = VestingStep
    noun: ClassVar[str] = "vesting steps"
    most: ClassVar[int] = len(SOURCES) * (LONGEST_SERVICE + 1)

    def _across(self, rows: Sequence[Any]) -> list[Finding]:
        found: list[Finding] = []
        last: dict[str, int] = {}
        for number, step in enumerate(rows):
            before = rows[last[step.money_source]] if step.money_source in last else None
            if before is not None and step.service_years <= before.service_years:
                text = f"expected more than {before.service_years}, as in the step before"
                found.append(((number, "service_years"), f"{text}, got {step.service_years}"))
            if before is not None and step.vested < before.vested:
                text = f"expected {shown(before.vested)} or more, as in the step before"
                found.append(((number, "vested"), f"{text}, got {shown(step.vested)}"))
            last[step.money_source] = number
        for source, number in last.items():
            if rows[number].vested != 1:
                text = f"expected 1 in the last step of {source}, got {shown(rows[number].vested)}"
                found.append(((number, "vested"), text))
        return found


@attrs.frozen
class IrsLimits(Table):
    """Published limits of consecutive years."""

    row: ClassVar[type[Row]] = IrsLimit
    noun: ClassVar[str] = "years of limits"
    most: ClassVar[int] = LAST_LIMIT_YEAR - _FIRST_LIMIT_YEAR + 1

    def _across(self, rows: Sequence[Any]) -> list[Finding]:
        found: list[Finding] = []
        for number, row in enumerate(rows[1:], start=1):
            due, year = rows[number - 1].limit_year + 1, row.limit_year
            if year != due:
                why = f"{due} is missing" if year > due else "the years count up by one"
                found.append(((number, "limit_year"), f"expected {due} ({why}), got {year}"))
        return found
