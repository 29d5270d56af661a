"""What is warned of, repaired and assumed: each finding as a condition and a sentence in SQL."""

from __future__ import annotations

from planwise.census.judging import shown

# An id that is an SSN is not shown.
SHOWN_ID = (
    "CASE WHEN regexp_full_match(employee_id, '\\d{3}-\\d{2}-\\d{4}') "
    "OR (length(regexp_replace(ssn, '\\D', '', 'g')) >= 7 "
    "AND regexp_replace(employee_id, '\\D', '', 'g') = regexp_replace(ssn, '\\D', '', 'g')) "
    "THEN NULL ELSE employee_id END"
)
_MONEY = "printf('%d.%02d', {0} // 100, {0} % 100)"
_PAY = _MONEY.format("pay_cents")

# (reason, condition, detail), each over the columns of ``census_people``
WARNINGS: tuple[tuple[str, str, str], ...] = (
    (
        "hired_under_14",
        "date_sub('year', birth_date, hire_date) < 14",
        (
            "'born ' || birth_date || ', hired ' || hire_date || ' at '"
            " || date_sub('year', birth_date, hire_date)"
        ),
    ),
    (
        "older_than_85",
        "date_sub('year', birth_date, census_date) > 85",
        (
            "'born ' || birth_date || ', ' || date_sub('year', birth_date, census_date)"
            " || ' on the census date'"
        ),
    ),
    (
        "below_pay_floor",
        "pay_cents < floor_cents",
        f"'annual_compensation ' || {_PAY} || ' is below ' || {_MONEY.format('floor_cents')}",
    ),
    (
        "very_high_compensation",
        "pay_cents >= 1000000000",
        f"'annual_compensation ' || {_PAY}",
    ),
    (
        "bad_job_level",
        "level_text IS NOT NULL AND job_level IS NULL",
        f"'job_level ' || {shown('level_text')} || ' is not 1 to 5'",
    ),
    (
        "bad_scheduled_hours",
        "hours_text IS NOT NULL AND hours IS NULL",
        f"'scheduled_hours_per_week ' || {shown('hours_text')} || ' is not above 0 and up to 168'",
    ),
    (
        "bad_escalation_opt_out",
        "opt_out_text IS NOT NULL AND opt_out IS NULL",
        f"'auto_escalation_opt_out ' || {shown('opt_out_text')} || ' is neither yes nor no'",
    ),
    (
        "bad_roth_rate",
        "roth_text IS NOT NULL AND roth_e5 IS NULL",
        f"'roth_rate ' || {shown('roth_text')} || ' is not between 0 and 100 percent'",
    ),
    (
        "bad_enrollment_date",
        "enrollment_text IS NOT NULL AND enrollment_date IS NULL",
        f"'enrollment_date ' || {shown('enrollment_text')} || ' is not a date like 2018-06-30'",
    ),
    (
        "enrollment_without_rate",
        "enrollment_date IS NOT NULL AND deferral_e5 IS NULL",
        "'enrolled ' || enrollment_date || ', but deferral_rate is empty'",
    ),
    (
        "enrolled_before_hire",
        "deferral_e5 IS NOT NULL AND enrollment_date < hire_date",
        "'enrolled ' || enrollment_date || ', hired ' || hire_date",
    ),
    (
        "enrolled_after_census",
        (
            "deferral_e5 IS NOT NULL AND coalesce(enrollment_date, CASE WHEN deferral_e5 > 0 "
            "THEN first_entry END) > census_date"
        ),
        (
            "'enrolled ' || coalesce(enrollment_date, first_entry) || ', after the census date '"
            " || census_date"
        ),
    ),
    (
        "unlikely_deferral_rate",
        "deferral_e5 > 75000 OR (deferral_e5 > 0 AND deferral_e5 < 500)",
        (
            f"'deferral_rate ' || {shown('deferral_text')} || ' was read as '"
            " || printf('%d.%03d', deferral_e5 // 1000, deferral_e5 % 1000) || ' %'"
        ),
    ),
    (
        "id_looks_like_ssn",
        f"({SHOWN_ID}) IS NULL",
        "'employee_id is not shown here'",
    ),
)

REPAIRS: tuple[tuple[str, str, str], ...] = (
    (
        "compensation_format",
        "pay_formatted",
        f"'annual_compensation ' || {shown('pay_text')} || ' read as ' || {_PAY}",
    ),
    (
        "rounded_to_cent",
        "pay_rounded",
        f"'annual_compensation ' || {shown('pay_text')} || ' rounded to ' || {_PAY}",
    ),
    ("percent_sign", "percent_rates IS NOT NULL", "percent_rates || ' read as percent'"),
    ("rounded_rate", "rounded_rates IS NOT NULL", "rounded_rates || ' rounded to 0.001 %'"),
    ("date_format", "odd_dates IS NOT NULL", "odd_dates"),
    (
        "time_of_day_dropped",
        "timed_dates IS NOT NULL",
        "timed_dates || ': only the date is used'",
    ),
    ("missing_word", "missing_words IS NOT NULL", "missing_words || ' read as missing'"),
)

# (reason, field, condition, detail); without a column for the field one line speaks for all
ASSUMED: tuple[tuple[str, str, str, str], ...] = (
    (
        "future_termination_ignored",
        "termination_date",
        "termination_date IS NOT NULL",
        "'termination_date ' || termination_date || ' is after the census date ' || census_date",
    ),
    (
        "enrollment_from_hire_or_age",
        "enrollment_date",
        "deferral_e5 > 0 AND enrollment_date IS NULL",
        (
            "'enrollment_date taken as ' || first_entry || ', the later of hire and age '"
            " || minimum_age"
        ),
    ),
    ("job_level_from_pay", "job_level", "job_level IS NULL", "'job_level follows from the pay'"),
    (
        "scheduled_hours_40",
        "scheduled_hours_per_week",
        "hours IS NULL",
        "'scheduled_hours_per_week taken as 40'",
    ),
)
