"""What a census may hold: the fields, the headers they go by, and the words of the audit."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import attrs

Action = Literal["set_aside", "warning", "repaired", "assumed"]


@attrs.frozen
class Field:
    """One field of the census.

    Attributes:
        name: the field's name, which is also its column in ``inputs.census``.
        required: whether a file without a column for it is refused.
        aliases: other headers that mean the field; compared without case, spaces and signs.
    """

    name: str
    required: bool = False
    aliases: tuple[str, ...] = ()


FIELDS: tuple[Field, ...] = (
    Field(
        "employee_id",
        required=True,
        aliases=(
            "emp id",
            "employee number",
            "employee no",
            "employee num",
            "emp no",
            "emp number",
            "ee id",
            "personnel number",
            "person id",
            "worker id",
            "staff id",
            "participant id",
            "id",
        ),
    ),
    Field(
        "birth_date",
        required=True,
        aliases=("date of birth", "dob", "birthday", "birth dt", "employee birth date"),
    ),
    Field(
        "hire_date",
        required=True,
        aliases=(
            "date of hire",
            "date hired",
            "doh",
            "hire dt",
            "start date",
            "employment date",
            "original hire date",
            "latest hire date",
            "last hire date",
            "employee hire date",
        ),
    ),
    Field(
        "annual_compensation",
        required=True,
        aliases=(
            "compensation",
            "annual salary",
            "salary",
            "base salary",
            "annual base salary",
            "annual pay",
            "base pay",
            "annual rate",
            "annual pay rate",
        ),
    ),
    Field(
        "termination_date",
        aliases=(
            "term date",
            "date of termination",
            "termination dt",
            "term dt",
            "separation date",
            "employee termination date",
        ),
    ),
    Field(
        "deferral_rate",
        aliases=(
            "deferral",
            "deferral percent",
            "deferral pct",
            "deferral percentage",
            "employee deferral rate",
            "elective deferral rate",
            "contribution rate",
        ),
    ),
    Field(
        "enrollment_date",
        aliases=(
            "enrolment date",
            "date enrolled",
            "plan enrollment date",
            "employee enrollment date",
        ),
    ),
    Field("job_level", aliases=("level", "level id", "career level")),
    Field(
        "scheduled_hours_per_week",
        aliases=(
            "scheduled hours",
            "hours per week",
            "weekly hours",
            "scheduled weekly hours",
            "standard hours",
            "std hours",
        ),
    ),
    Field("department", aliases=("dept", "department name", "dept name")),
    Field("job_title", aliases=("title", "job", "position", "position title")),
    Field("gender", aliases=("sex",)),
    Field(
        "ssn", aliases=("social security number", "social security no", "ss number", "employee ssn")
    ),
    Field(
        "auto_escalation_opt_out",
        aliases=("escalation opt out", "auto increase opt out"),
    ),
    Field(
        "roth_rate",
        aliases=(
            "roth",
            "roth percent",
            "roth pct",
            "roth deferral rate",
            "roth contribution rate",
        ),
    ),
)

FIELD_NAMES: tuple[str, ...] = tuple(field.name for field in FIELDS)
REQUIRED_FIELDS: tuple[str, ...] = tuple(field.name for field in FIELDS if field.required)

# The words are stable: scripts and configurations may compare with them. The order of the
# set-aside reasons is the order in which they are looked for: a row has the first that fits.
REASONS: Mapping[Action, Mapping[str, str]] = MappingProxyType(
    {
        "set_aside": MappingProxyType(
            {
                "empty_row": "no cell of a used column holds anything",
                "missing_employee_id": "the row has no id",
                "terminated": "the termination date is on or before the census date",
                "bad_termination_date": "the termination date is not a date",
                "missing_birth_date": "no birth date",
                "bad_birth_date": "the birth date is not a date",
                "missing_hire_date": "no hire date",
                "bad_hire_date": "the hire date is not a date",
                "hired_before_birth": "the hire date is on or before the birth date",
                "hired_after_census": "the hire date is after the census date",
                "missing_compensation": "no annual compensation",
                "bad_compensation": "the annual compensation is not an amount of money",
                "non_positive_compensation": "the annual compensation is zero or less",
                "bad_deferral_rate": "the deferral rate is no rate or outside 0 to 100 %",
                "reserved_employee_id": "ids like NH_2025_000001 belong to simulated hires",
                "duplicate_employee_id": "another row of the same id is kept",
            }
        ),
        "warning": MappingProxyType(
            {
                "hired_under_14": "younger than 14 on the hire date",
                "older_than_85": "older than 85 on the census date",
                "below_pay_floor": "annual compensation below the floor; an hourly or monthly "
                "rate, perhaps",
                "very_high_compensation": "annual compensation of 10 million or more; cents, "
                "perhaps",
                "bad_job_level": "the job level is not 1 to 5; read as missing",
                "bad_scheduled_hours": "the weekly hours are not above 0 and up to 168; read as "
                "missing",
                "bad_escalation_opt_out": "the opt-out is neither yes nor no; read as no",
                "bad_roth_rate": "the Roth rate is no rate or outside 0 to 100 %; read as missing",
                "bad_enrollment_date": "the enrollment date is not a date; read as missing",
                "enrollment_without_rate": "an enrollment date without a deferral rate; not used",
                "enrolled_before_hire": "the enrollment date is before the hire date",
                "enrolled_after_census": "the enrollment date is after the census date",
                "unlikely_deferral_rate": "a deferral rate above 75 %, or below 0.5 %",
                "shared_ssn": "two ids share one SSN",
                "id_looks_like_ssn": "the employee id looks like an SSN",
            }
        ),
        "repaired": MappingProxyType(
            {
                "compensation_format": "currency sign, separators or an exponent taken off",
                "rounded_to_cent": "annual compensation rounded half up to the cent",
                "percent_sign": "a rate that is marked with % taken as percent",
                "rounded_rate": "a rate rounded half up to 0.001 %",
                "date_format": "a date that is not written YYYY-MM-DD",
                "time_of_day_dropped": "a date with a time of day",
                "missing_word": "'N/A', '-' or the like taken as missing",
            }
        ),
        "assumed": MappingProxyType(
            {
                "everybody_employed": "no termination dates: all are employed on the census date",
                "future_termination_ignored": "a termination date after the census date",
                "us_date_order": "dates like 6/30/2018 read as month/day/year",
                "deferral_unit_percent": "unmarked deferral rates read as percent",
                "deferral_unit_fraction": "unmarked deferral rates read as fractions of pay",
                "roth_unit_percent": "unmarked Roth rates read as percent",
                "roth_unit_fraction": "unmarked Roth rates read as fractions of pay",
                "no_election": "no column of deferral rates: nobody has made an election",
                "enrollment_from_hire_or_age": "no enrollment date: the later of hire date and "
                "minimum age",
                "job_level_from_pay": "no job level: the level comes from the pay",
                "scheduled_hours_40": "no weekly hours: 40",
                "no_escalation_opt_out": "no opt-out given: not opted out of escalation",
            }
        ),
    }
)
