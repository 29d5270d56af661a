"""The keys of the section ``plan``: the retirement plan.

As in ``workforce`` and ``compensation``, a key that is left out is None here and has the default of
the dbt project's seeds.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from planwise.config.kinds import Number, Whole, findings, rate
from planwise.config.plan_rules import plan_findings
from planwise.config.plan_tables import (
    CoreTier,
    CoreTiers,
    EnrollmentAgeBand,
    EnrollmentAgeBands,
    EnrollmentDeferral,
    EnrollmentDeferrals,
    EnrollmentPayBand,
    EnrollmentPayBands,
    IrsLimit,
    IrsLimits,
    MatchTier,
    MatchTiers,
    VestingStep,
    VestingSteps,
)
from planwise.config.section import Section
from planwise.config.words import Flag, Word

_Scope = Literal["none", "new_hires_only", "all_eligible"]
_MatchFormula = Literal[
    "none", "simple", "tiered", "stretch", "qaca", "custom", "tenure_graded", "points_graded"
]
_CoreFormula = Literal["none", "flat", "service", "points", "integrated"]
_Schedule = Literal["immediate", "cliff_1", "cliff_2", "cliff_3", "graded_2_to_6", "custom"]
_Policy = Literal["reduce", "expenses", "reallocate"]

_HOURS = Whole(0, 8784, "hours")
_DAYS = 3650
_SCOPES = Word(("none", "new_hires_only", "all_eligible"))
_MATCH_FORMULAS = Word(
    ("none", "simple", "tiered", "stretch", "qaca", "custom", "tenure_graded", "points_graded")
)
_CORE_FORMULAS = Word(("none", "flat", "service", "points", "integrated"))
_BY_FORMULA = Word(("by_formula", "required", "none"))
_CONDITION = Word(("required", "none"))
_SCHEDULES = ("immediate", "cliff_1", "cliff_2", "cliff_3", "graded_2_to_6", "custom")
_STEP = Number("money", "1", "1000000", 0)


class Plan(Section):
    """The retirement plan: who is in it, what is contributed, matched, vested and forfeited."""

    eligibility_waiting_days: Annotated[int | None, Whole(0, _DAYS, "days")] = None
    eligibility_min_age: Annotated[int | None, Whole(0, 99, "years")] = None

    voluntary_deferral_min: Annotated[Decimal | None, rate()] = None
    voluntary_deferral_max: Annotated[Decimal | None, rate()] = None
    enrollment_age_bands: Annotated[tuple[EnrollmentAgeBand, ...] | None, EnrollmentAgeBands()] = (
        Field(None, description="Chances of voluntary enrolment and of opting out by age.")
    )
    enrollment_pay_bands: Annotated[tuple[EnrollmentPayBand, ...] | None, EnrollmentPayBands()] = (
        Field(None, description="How pay changes these chances.")
    )
    enrollment_deferrals: Annotated[
        tuple[EnrollmentDeferral, ...] | None, EnrollmentDeferrals()
    ] = Field(
        None, description="Deferral of a voluntary enrolment: one row for every pair of bands."
    )

    auto_enrollment_scope: Annotated[_Scope | None, _SCOPES] = None
    auto_enrollment_days: Annotated[int | None, Whole(0, 365, "days")] = None
    auto_enrollment_rate: Annotated[Decimal | None, rate(above_low=True)] = None
    opt_out_window_days: Annotated[int | None, Whole(1, 90, "days")] = None
    escalation_rate: Annotated[Decimal | None, rate()] = None
    escalation_cap: Annotated[Decimal | None, rate()] = None

    match_formula: Annotated[_MatchFormula | None, _MATCH_FORMULAS] = None
    match_tiers: Annotated[tuple[MatchTier, ...] | None, MatchTiers()] = Field(
        None,
        description="Tiers of the match, for the formulas custom, tenure_graded and points_graded.",
        json_schema_extra={"default": "of the formula: seed `default_match_tiers`"},
    )
    match_last_day: Annotated[Literal["by_formula", "required", "none"] | None, _BY_FORMULA] = None
    match_hours: Annotated[Literal["by_formula", "required", "none"] | None, _BY_FORMULA] = None
    match_min_hours: Annotated[int | None, _HOURS] = None
    match_vesting: Annotated[
        Literal["by_formula"] | _Schedule | None, Word(("by_formula", *_SCHEDULES))
    ] = None

    core_formula: Annotated[_CoreFormula | None, _CORE_FORMULAS] = None
    core_rate: Annotated[Decimal | None, rate()] = None
    core_excess_rate: Annotated[Decimal | None, rate()] = None
    core_tiers: Annotated[tuple[CoreTier, ...] | None, CoreTiers()] = Field(
        None,
        description="Core contribution by completed years (service) or by points.",
        json_schema_extra={"default": "for service: seed `default_core_tiers`"},
    )
    core_last_day: Annotated[Literal["required", "none"] | None, _CONDITION] = None
    core_hours: Annotated[Literal["required", "none"] | None, _CONDITION] = None
    core_min_hours: Annotated[int | None, _HOURS] = None
    core_vesting: Annotated[_Schedule | None, Word(_SCHEDULES)] = None

    vesting_steps: Annotated[tuple[VestingStep, ...] | None, VestingSteps()] = Field(
        None,
        description="Schedules of the sources whose vesting is custom.",
        json_schema_extra={"default": "of the schedule: seed `default_vesting_steps`"},
    )
    vesting_min_hours: Annotated[int | None, _HOURS] = None
    vesting_full_age: Annotated[int | None, Whole(0, 999, "years")] = None
    governmental: Annotated[bool | None, Flag()] = None
    forfeiture_policy: Annotated[_Policy | None, Word(("reduce", "expenses", "reallocate"))] = None

    irs_limits: Annotated[tuple[IrsLimit, ...] | None, IrsLimits()] = Field(
        None, description="Published limits, from the year before the first simulation year on."
    )
    limit_index_rate: Annotated[Decimal | None, rate()] = None
    limit_step_elective: Annotated[Decimal | None, _STEP] = None
    limit_step_catch_up_50: Annotated[Decimal | None, _STEP] = None
    limit_step_catch_up_60_63: Annotated[Decimal | None, _STEP] = None
    limit_step_compensation: Annotated[Decimal | None, _STEP] = None
    limit_step_hce: Annotated[Decimal | None, _STEP] = None
    limit_step_annual_additions: Annotated[Decimal | None, _STEP] = None
    limit_step_ss_wage_base: Annotated[Decimal | None, _STEP] = None

    @model_validator(mode="after")
    def _hangs_together(self) -> Plan:
        if found := plan_findings(self, None):
            raise findings(found)
        return self
