"""The keys of the configuration file, section by section.

A key of the sections ``workforce``, ``compensation`` and ``plan`` (see :mod:`planwise.config.plan`)
that is left out is None here: defaults of the simulation live in one place, the dbt project's
seeds.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from planwise.config.kinds import (
    Whole,
    WholeKey,
    findings,
    milliseconds,
    money,
    multiplier,
    rate,
    seconds,
)
from planwise.config.maps import ColumnMap, PluginSettings, PluginTable
from planwise.config.plan import Plan
from planwise.config.section import Section
from planwise.config.tables import (
    NO_END,
    AgeBand,
    AgeBands,
    Distribution,
    Level,
    Levels,
    TenureBand,
    TenureBands,
)
from planwise.config.words import FIRST_YEAR, LAST_YEAR, Day, File, Flag, Memory, Name, Word

DEFAULT_FIRST_YEAR = 2025
DEFAULT_YEARS = 5


class Simulation(Section):
    """Which years, and under which name and seed."""

    start_year: Annotated[int, Whole(FIRST_YEAR, LAST_YEAR, "year")] = Field(
        DEFAULT_FIRST_YEAR, description="First simulation year, a calendar year."
    )
    end_year: Annotated[int, Whole(FIRST_YEAR, LAST_YEAR, "year")] = Field(
        default_factory=lambda data: data.get("start_year", DEFAULT_FIRST_YEAR) + DEFAULT_YEARS - 1,
        validate_default=True,
        description="Last simulation year, included.",
        json_schema_extra={"default": f"start_year + {DEFAULT_YEARS - 1}"},
    )
    seed: Annotated[int, Whole(0, 2**63 - 1)] = Field(
        42, description="Every draw is a function of it: same seed, same result."
    )
    scenario: Annotated[str, Name()] = Field(
        "baseline", description="Name of the scenario in every table of the result."
    )
    draws: Annotated[str | None, Name()] = Field(
        None,
        description="Name whose draws are used: scenarios that share one see the same people "
        "leave and join.",
        json_schema_extra={
            "default": "its own name; of a scenario file, what the configuration uses"
        },
    )

    @field_validator("end_year", mode="after")
    @classmethod
    def _not_before_start(cls, end: int, info: ValidationInfo) -> int:
        start = info.data.get("start_year")  # absent when it was wrong itself
        if start is not None and end < start:
            raise findings([((), f"expected start_year ({start}) or later, got {end}")])
        return end


class Synthetic(Section):
    """The census that is generated when there is no file."""

    employees: Annotated[int, Whole(1, 50_000_000, "people")] = Field(
        10_000, description="People to generate."
    )
    seed: Annotated[int, Whole(0, 2**63 - 1)] = Field(
        42, description="Same number of people and same seed, same census."
    )


class Census(Section):
    """Whom the simulation starts with."""

    file: Annotated[Path | None, File()] = Field(
        None,
        description=(
            "CSV, Parquet or Excel file, relative to the folder of this configuration file; "
            "`~` is your home."
        ),
        json_schema_extra={"default": "none: a synthetic census"},
    )
    date: Annotated[datetime.date | None, Day()] = Field(
        None,
        description="The day that the census describes.",
        json_schema_extra={"default": "31 December before the first year"},
    )
    columns: Annotated[Mapping[str, str], ColumnMap()] = Field(
        {},
        description="Which header holds which field, where the header is not a known alias.",
        json_schema_extra={"default": "by header"},
    )
    deferral_unit: Annotated[
        Literal["auto", "percent", "fraction"], Word(("auto", "percent", "fraction"))
    ] = Field(
        "auto", description="How deferral rates are written: `6` is percent, `0.06` a fraction."
    )
    pay_floor: Annotated[Decimal, money()] = Field(
        Decimal(10_000), description="Annual pay below it is warned of; the person stays."
    )
    synthetic: Synthetic = Field(Synthetic(), description="Used when there is no census file.")


class Workforce(Section):
    """Headcount, leavers, hires, levels and promotions."""

    growth_rate: Annotated[Decimal | None, rate("-1", "10", above_low=True)] = None
    termination_rate: Annotated[Decimal | None, rate()] = None
    first_year_termination_rate: Annotated[Decimal | None, rate("0", "0.98")] = None
    termination_base_rate: Annotated[Decimal | None, rate()] = None
    termination_level_step: Annotated[Decimal | None, rate()] = None
    termination_level_floor: Annotated[Decimal | None, rate()] = None
    promotion_base_rate: Annotated[Decimal | None, rate()] = None
    promotion_level_step: Annotated[Decimal | None, rate()] = None
    promotion_level_floor: Annotated[Decimal | None, rate()] = None
    promotion_dial: Annotated[Decimal | None, multiplier("1000")] = None
    promotion_min_tenure: Annotated[int | None, Whole(0, 99, "years")] = None
    promotion_max_age: Annotated[int | None, Whole(0, NO_END, "years")] = None
    market_factor: Annotated[Decimal | None, multiplier("100", above_low=True)] = None
    new_hire_pay_spread: Annotated[Decimal | None, rate()] = None
    hire_level_shares: Annotated[
        Literal["census", "current"] | None, Word(("census", "current"))
    ] = None
    hire_ages: Annotated[
        Mapping[int, Decimal] | None, Distribution(WholeKey(14, 85, "years"), "ages")
    ] = Field(None, description="Shares of the hires by age.")
    age_bands: Annotated[tuple[AgeBand, ...] | None, AgeBands()] = Field(
        None, description="How age changes the chances of leaving and of promotion."
    )
    tenure_bands: Annotated[tuple[TenureBand, ...] | None, TenureBands()] = Field(
        None, description="How tenure changes the chances of leaving and of promotion."
    )
    levels: Annotated[tuple[Level, ...] | Literal["from_census"] | None, Levels()] = Field(
        None, description="Job levels and their pay bands."
    )


class Compensation(Section):
    """Raises, and the raise that comes with a promotion."""

    cola_rate: Annotated[Decimal | None, rate("-0.5")] = None
    raise_cap_rate: Annotated[Decimal | None, rate("0", "10")] = None
    raise_cap_amount: Annotated[Decimal | None, money()] = None
    promotion_raise: Annotated[Decimal | None, rate("0", "10")] = None
    promotion_raise_spread: Annotated[Decimal | None, rate()] = None
    promotion_cap_rate: Annotated[Decimal | None, rate("0", "10")] = None
    promotion_cap_amount: Annotated[Decimal | None, money()] = None
    raise_months: Annotated[
        Mapping[int, Decimal] | None, Distribution(WholeKey(1, 12, "month"), "months")
    ] = Field(None, description="Shares of the people by the month of their yearly raise.")


class BaselineMetrics(Section):
    """Times measured without optimizations, which improvement is quoted against."""

    foundation_setup: Annotated[Decimal | None, milliseconds()] = Field(
        None, description="Building what is built once, before the first year."
    )
    year_processing: Annotated[Decimal | None, milliseconds()] = Field(
        None, description="One simulation year."
    )
    total_simulation: Annotated[Decimal | None, milliseconds()] = Field(
        None, description="The whole run."
    )


class Performance(Section):
    """How the run is carried out; nothing here changes a result."""

    pool_size: Annotated[int, Whole(1, 64, "connections")] = Field(
        4, description="Connections in the pool, and so the widest batch."
    )
    plugin_errors: Annotated[Literal["fail", "warn"], Word(("fail", "warn"))] = Field(
        "fail",
        description="Whether a plugin that fails ends the run also where no result depends on it; "
        "`--plugin-errors` wins.",
    )
    plugin_time_limit_s: Annotated[Decimal, seconds()] = Field(
        Decimal(60),
        description="How long a call of a plugin's hook may take, 0 for ever; a second more for "
        "each MB of a state, and no limit where a batch is executed.",
    )
    baseline_metrics: BaselineMetrics = Field(
        BaselineMetrics(), description="Measured times to quote improvement against."
    )


class Environment(Section):
    """Settings that the environment variables of the same names also give; the latter win."""

    DUCKDB_MEMORY_LIMIT: Annotated[str | None, Memory()] = Field(
        None,
        description="Bound of DuckDB's buffers; `80%` is of the machine's memory.",
        json_schema_extra={"default": "chosen by the tuner"},
    )
    DUCKDB_THREADS: Annotated[int | None, Whole(1, 1024, "threads")] = Field(
        None,
        description="Threads of DuckDB.",
        json_schema_extra={"default": "chosen by the tuner"},
    )
    DBT_PARTIAL_PARSE: Annotated[bool | None, Flag()] = Field(
        None,
        description="Whether dbt keeps what it parsed for the next run.",
        json_schema_extra={"default": "set by planwise"},
    )


class ConfigFile(Section):
    """The whole file."""

    simulation: Simulation = Simulation()
    census: Census = Census()
    workforce: Workforce = Workforce()
    compensation: Compensation = Compensation()
    plan: Plan = Plan()
    plugins: Annotated[Mapping[str, PluginSettings], PluginTable()] = Field(
        {}, description="Options of plugins, by the plugin's name."
    )
    performance: Performance = Performance()
    environment: Environment = Environment()
