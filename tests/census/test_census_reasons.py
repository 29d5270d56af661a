"""Every word of the audit: what brings it about, and what is said."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import pytest

from planwise.census.fields import FIELD_NAMES, REASONS

# A row that nothing can be said against; each case changes a few of its cells.
PLAIN = {
    "employee_id": "E1",
    "birth_date": "1980-01-15",
    "hire_date": "2010-03-01",
    "annual_compensation": "60000.00",
    "termination_date": "",
    "deferral_rate": "0.06",
    "enrollment_date": "2011-01-01",
    "job_level": "1",
    "scheduled_hours_per_week": "40",
    "department": "Works",
    "job_title": "Fitter",
    "gender": "F",
    "ssn": "",
    "auto_escalation_opt_out": "no",
    "roth_rate": "0.01",
}
OTHER = {**PLAIN, "employee_id": "E0"}

SET_ASIDE: list[tuple[str, dict[str, str], str]] = [
    ("empty_row", dict.fromkeys(PLAIN, ""), "no cell"),
    ("missing_employee_id", {"employee_id": " "}, "employee_id is empty"),
    ("terminated", {"termination_date": "2018-06-30"}, "terminated 2018-06-30, not after"),
    (
        "terminated",
        {"termination_date": "2018-01-01", "birth_date": "", "annual_compensation": ""},
        "terminated 2018-01-01, not after the census date 2018-06-30",
    ),
    ("bad_termination_date", {"termination_date": "soon"}, "termination_date 'soon' is not a date"),
    ("missing_birth_date", {"birth_date": ""}, "birth_date is empty"),
    ("missing_birth_date", {"birth_date": "N/A"}, "birth_date is empty"),
    ("bad_birth_date", {"birth_date": "1980-02-30"}, "birth_date '1980-02-30' is not a date"),
    ("bad_birth_date", {"birth_date": "1/15/80"}, "'1/15/80' is not a date"),
    ("missing_hire_date", {"hire_date": ""}, "hire_date is empty"),
    ("bad_hire_date", {"hire_date": "43000"}, "hire_date '43000' is not a date"),
    ("hired_before_birth", {"birth_date": "2010-03-01"}, "hired 2010-03-01, born 2010-03-01"),
    ("hired_after_census", {"hire_date": "2018-07-01"}, "hired 2018-07-01, after the census date"),
    ("missing_compensation", {"annual_compensation": ""}, "annual_compensation is empty"),
    ("bad_compensation", {"annual_compensation": "50k"}, "annual_compensation '50k' is not"),
    ("bad_compensation", {"annual_compensation": "1.234,56"}, "'1.234,56' is not an amount"),
    ("bad_compensation", {"annual_compensation": "6%"}, "'6%' is not an amount"),
    ("bad_compensation", {"annual_compensation": "99999999999999"}, "is not an amount"),
    ("non_positive_compensation", {"annual_compensation": "0.004"}, "'0.004' is not above zero"),
    ("non_positive_compensation", {"annual_compensation": "(1,234)"}, "'(1,234)' is not above"),
    ("non_positive_compensation", {"annual_compensation": "-5"}, "'-5' is not above zero"),
    ("bad_deferral_rate", {"deferral_rate": "101%"}, "deferral_rate '101%' is not between"),
    ("bad_deferral_rate", {"deferral_rate": "-0.01"}, "'-0.01' is not between 0 and 100"),
    ("bad_deferral_rate", {"deferral_rate": "$5"}, "'$5' is not between"),
    ("bad_deferral_rate", {"deferral_rate": "six"}, "'six' is not between"),
    ("reserved_employee_id", {"employee_id": "NH_2025_000001"}, "belong to simulated hires"),
    ("reserved_employee_id", {"employee_id": "nh_2025_000001"}, "belong to simulated hires"),
    ("duplicate_employee_id", {"employee_id": "E0"}, "the row of this id on line 2 is kept"),
]

WARNINGS: list[tuple[str, dict[str, str], str, str, Any]] = [
    # reason, cells, part of the detail, column of inputs.census, its value
    (
        "hired_under_14",
        {"birth_date": "1996-03-02"},
        "hired 2010-03-01 at 13",
        "gender",
        "F",
    ),
    ("older_than_85", {"birth_date": "1932-06-30"}, "86 on the census date", "gender", "F"),
    (
        "below_pay_floor",
        {"annual_compensation": "9999.99"},
        "annual_compensation 9999.99 is below 10000.00",
        "annual_compensation_cents",
        999_999,
    ),
    (
        "very_high_compensation",
        {"annual_compensation": "10000000"},
        "10000000.00",
        "annual_compensation_cents",
        1_000_000_000,
    ),
    ("bad_job_level", {"job_level": "6"}, "job_level '6' is not 1 to 5", "job_level", None),
    ("bad_job_level", {"job_level": "2.5"}, "job_level '2.5'", "job_level", None),
    (
        "bad_scheduled_hours",
        {"scheduled_hours_per_week": "169"},
        "'169' is not above 0",
        "scheduled_hours_per_week",
        40,
    ),
    (
        "bad_scheduled_hours",
        {"scheduled_hours_per_week": "0"},
        "'0' is not above 0",
        "scheduled_hours_per_week",
        40,
    ),
    (
        "bad_escalation_opt_out",
        {"auto_escalation_opt_out": "maybe"},
        "'maybe' is neither",
        "auto_escalation_opt_out",
        False,
    ),
    ("bad_roth_rate", {"roth_rate": "200%"}, "roth_rate '200%'", "roth_rate_e5", None),
    (
        "bad_enrollment_date",
        {"enrollment_date": "2011-13-01"},
        "'2011-13-01' is not a date",
        "enrollment_date",
        "2010-03-01",
    ),
    (
        "enrollment_without_rate",
        {"deferral_rate": ""},
        "enrolled 2011-01-01, but",
        "enrollment_date",
        None,
    ),
    (
        "enrolled_before_hire",
        {"enrollment_date": "2009-01-01"},
        "enrolled 2009-01-01, hired 2010-03-01",
        "enrollment_date",
        "2009-01-01",
    ),
    (
        "enrolled_after_census",
        {"enrollment_date": "2018-07-01"},
        "enrolled 2018-07-01, after",
        "enrollment_date",
        "2018-07-01",
    ),
    (
        "unlikely_deferral_rate",
        {"deferral_rate": "0.4%"},
        "'0.4%' was read as 0.400 %",
        "deferral_rate_e5",
        400,
    ),
    (
        "unlikely_deferral_rate",
        {"deferral_rate": "1"},
        "'1' was read as 100.000 %",
        "deferral_rate_e5",
        100_000,
    ),
    ("id_looks_like_ssn", {"employee_id": "123-45-6789"}, "not shown here", "gender", "F"),
]

REPAIRED: list[tuple[str, dict[str, str], str, str, Any]] = [
    (
        "compensation_format",
        {"annual_compensation": "$ 61,234.50"},
        "'$ 61,234.50' read as 61234.50",
        "annual_compensation_cents",
        6_123_450,
    ),
    (
        "compensation_format",
        {"annual_compensation": "USD 6.1E+04"},
        "read as 61000.00",
        "annual_compensation_cents",
        6_100_000,
    ),
    (
        "rounded_to_cent",
        {"annual_compensation": "60000.005"},
        "rounded to 60000.01",
        "annual_compensation_cents",
        6_000_001,
    ),
    ("percent_sign", {"deferral_rate": "6.5 %"}, "deferral_rate 6.5 %", "deferral_rate_e5", 6500),
    ("rounded_rate", {"deferral_rate": "0.0123456"}, "0.0123456", "deferral_rate_e5", 1235),
    ("date_format", {"hire_date": "2010/03/01"}, "hire_date 2010/03/01", "hire_date", "2010-03-01"),
    ("date_format", {"hire_date": "20100301"}, "hire_date 20100301", "hire_date", "2010-03-01"),
    ("date_format", {"hire_date": "1-Mar-2010"}, "1-Mar-2010", "hire_date", "2010-03-01"),
    ("date_format", {"hire_date": '"March 1, 2010"'}, "March 1, 2010", "hire_date", "2010-03-01"),
    (
        "time_of_day_dropped",
        {"hire_date": "2010-03-01T08:30:00Z"},
        "2010-03-01T08:30:00Z",
        "hire_date",
        "2010-03-01",
    ),
    ("missing_word", {"job_level": "#N/A"}, "job_level read as missing", "job_level", None),
]

ASSUMED: list[tuple[str, dict[str, str], str, str, Any]] = [
    (
        "future_termination_ignored",
        {"termination_date": "9999-12-31"},
        "9999-12-31 is after",
        "gender",
        "F",
    ),
    (
        "enrollment_from_hire_or_age",
        {"enrollment_date": ""},
        "taken as 2010-03-01, the later of hire and age 21",
        "enrollment_date",
        "2010-03-01",
    ),
    (
        "enrollment_from_hire_or_age",
        {"enrollment_date": "", "birth_date": "1992-02-29"},
        "taken as 2013-02-28",
        "enrollment_date",
        "2013-02-28",
    ),
    ("job_level_from_pay", {"job_level": ""}, "from the pay", "job_level", None),
    (
        "scheduled_hours_40",
        {"scheduled_hours_per_week": ""},
        "taken as 40",
        "scheduled_hours_per_week",
        40,
    ),
]


def rows_text(*rows: dict[str, str]) -> str:
    lines = [",".join(FIELD_NAMES)]
    lines += [
        ",".join('"' + v.strip('"') + '"' if "," in v else v for v in map(row.get, FIELD_NAMES))
        for row in rows
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("reason", "cells", "detail"), SET_ASIDE)
def test_a_row_is_set_aside(
    load: Any,
    connection: duckdb.DuckDBPyConnection,
    reason: str,
    cells: dict[str, str],
    detail: str,
) -> None:
    summary = load(rows_text(OTHER, {**PLAIN, **cells}))

    assert summary.set_aside == {reason: 1}
    assert (summary.rows_read, summary.people) == (2, 1)
    audit = connection.execute(
        "SELECT source_line, reason, detail FROM inputs.census_audit WHERE action = 'set_aside'"
    ).fetchall()
    assert [(line, word) for line, word, _ in audit] == [(3, reason)]
    assert detail in audit[0][2]
    assert summary.examples[reason][0].detail == audit[0][2]
    assert connection.execute("SELECT employee_id FROM inputs.census").fetchall() == [("E0",)]


@pytest.mark.parametrize(
    ("action", "case"),
    [("warning", case) for case in WARNINGS]
    + [("repaired", case) for case in REPAIRED]
    + [("assumed", case) for case in ASSUMED],
)
def test_a_person_stays_with_a_word(
    load: Any,
    connection: duckdb.DuckDBPyConnection,
    action: str,
    case: tuple[str, dict[str, str], str, str, Any],
) -> None:
    reason, cells, detail, column, value = case
    summary = load(rows_text({**PLAIN, **cells}))

    assert summary.people == 1
    counts = {
        "warning": summary.warnings,
        "repaired": summary.repaired,
        "assumed": summary.assumed,
    }[action]
    assert counts[reason] == 1
    found = connection.execute(
        "SELECT source_line, detail FROM inputs.census_audit WHERE action = ? AND reason = ?",
        [action, reason],
    ).fetchall()
    assert found[0][0] == 2
    assert detail in found[0][1]
    stored = connection.execute(f"SELECT {column} FROM inputs.census").fetchall()[0][0]
    assert (str(stored) if column.endswith("_date") and stored else stored) == value


def test_a_plain_row_is_only_told_what_is_assumed_of_the_file(load: Any) -> None:
    summary = load(rows_text(PLAIN))
    assert summary.people == 1
    assert summary.set_aside == summary.warnings == summary.repaired == {}
    assert summary.assumed == {"deferral_unit_fraction": 1, "roth_unit_fraction": 1}


def test_what_is_assumed_of_a_file_with_the_four_columns_only(
    load: Any, connection: duckdb.DuckDBPyConnection
) -> None:
    summary = load(
        "id,dob,hired,pay\nA,1/15/1980,3/1/2010,60000\nB,12/31/1981,3/2/2010,61000\n",
        columns={"hire_date": "hired", "annual_compensation": "pay"},
    )
    assert summary.assumed == {
        "everybody_employed": 2,
        "us_date_order": 4,
        "no_election": 2,
        "job_level_from_pay": 2,
        "scheduled_hours_40": 2,
        "no_escalation_opt_out": 2,
    }
    wide = connection.execute(
        "SELECT source_line, employee_id, action FROM inputs.census_audit"
    ).fetchall()
    assert wide == [(None, None, "assumed")] * 6
    assert connection.execute("FROM inputs.census").fetchall()[0][9] == 40


def test_two_ids_with_one_ssn(load: Any, connection: duckdb.DuckDBPyConnection) -> None:
    text = rows_text(
        {**PLAIN, "ssn": "123-45-6789"},
        {**PLAIN, "employee_id": "E2", "ssn": "123456789"},
        {**PLAIN, "employee_id": "E3", "ssn": "987-65-4321"},
    )
    summary = load(text)
    assert summary.warnings == {"shared_ssn": 2}
    found = connection.execute(
        "SELECT employee_id, detail FROM inputs.census_audit WHERE reason = 'shared_ssn'"
    ).fetchall()
    assert found == [("E1", "the same SSN as line 3"), ("E2", "the same SSN as line 2")]


@pytest.mark.parametrize(
    "cells",
    [
        {"employee_id": "123-45-6789"},
        {"employee_id": "123456789"},
        {"birth_date": "123-45-6789"},
        {"birth_date": "123456789"},
        {"hire_date": "123 45 6789"},
        {"annual_compensation": "x123-45-6789"},
        {"employee_id": "123-45-6789", "hire_date": ""},
        {"deferral_rate": "123456789"},
        {"job_level": "123456789", "department": "123-45-6789"},
    ],
)
def test_an_ssn_is_never_shown(
    load: Any, connection: duckdb.DuckDBPyConnection, cells: dict[str, str]
) -> None:
    summary = load(rows_text(OTHER, {**PLAIN, "ssn": "123-45-6789", **cells}))
    told = "\n".join(summary.lines()) + str(summary.to_dict())
    told += str(connection.execute("FROM inputs.census_audit").fetchall())
    assert not re.search(r"123[- ]?45[- ]?6789", told)


def test_an_ssn_is_carried_along(load: Any, connection: duckdb.DuckDBPyConnection) -> None:
    load(rows_text({**PLAIN, "ssn": "123-45-6789"}))
    assert connection.execute("SELECT ssn FROM inputs.census").fetchall() == [("123-45-6789",)]


def test_a_row_with_several_flaws_is_counted_once_and_names_all(
    load: Any, connection: duckdb.DuckDBPyConnection
) -> None:
    bad = {**PLAIN, "birth_date": "x", "hire_date": "", "annual_compensation": "?"}
    summary = load(rows_text(OTHER, bad))
    assert summary.set_aside == {"bad_birth_date": 1}
    detail = summary.examples["bad_birth_date"][0].detail
    assert detail == (
        "birth_date 'x' is not a date like 2018-06-30; hire_date is empty; "
        "annual_compensation '?' is not an amount like 56000.00"
    )


def test_every_word_has_a_case() -> None:
    tried = {case[0] for cases in (SET_ASIDE, WARNINGS, REPAIRED, ASSUMED) for case in cases}
    elsewhere = {  # assumed of the file as a whole, or of two rows; above and in the next module
        "shared_ssn",
        "everybody_employed",
        "us_date_order",
        "no_election",
        "no_escalation_opt_out",
        "deferral_unit_percent",
        "deferral_unit_fraction",
        "roth_unit_percent",
        "roth_unit_fraction",
    }
    assert tried | elsewhere == {word for words in REASONS.values() for word in words}


@pytest.mark.parametrize(
    ("deferral", "roth", "unit", "expected", "assumed"),
    [
        ("6", "1", "auto", (6000, 1000), {"deferral_unit_percent": 1, "roth_unit_percent": 1}),
        ("1", "1", "auto", (100_000, 100_000), {"deferral_unit_fraction": 1}),
        ("1", "1", "percent", (1000, 1000), {}),
        ("0.06", "3", "auto", (6000, 3000), {"deferral_unit_fraction": 1, "roth_unit_percent": 1}),
        ("6%", "", "auto", (6000, None), {}),
        ("6%", "", "fraction", (6000, None), {}),
        ("1.000001", "", "auto", (1000, None), {"deferral_unit_percent": 1}),
        ("1.0", "", "fraction", (100_000, None), {}),
        ("6", "", "fraction", None, {}),
    ],
)
def test_unit_of_rates(
    load: Any,
    connection: duckdb.DuckDBPyConnection,
    deferral: str,
    roth: str,
    unit: str,
    expected: tuple[int, int | None] | None,
    assumed: dict[str, int],
) -> None:
    other = {**OTHER, "deferral_rate": "", "roth_rate": ""}
    row = {**PLAIN, "deferral_rate": deferral, "roth_rate": roth}
    summary = load(rows_text(other, row), deferral_unit=unit)
    assert assumed.items() <= summary.assumed.items()
    if not assumed:
        assert not [word for word in summary.assumed if "unit" in word]
    found = connection.execute(
        "SELECT deferral_rate_e5, roth_rate_e5 FROM inputs.census WHERE employee_id = 'E1'"
    ).fetchone()
    assert found == expected
    if expected is None:
        assert summary.set_aside == {"bad_deferral_rate": 1}


def test_zero_is_declined_and_empty_is_no_election(
    load: Any, connection: duckdb.DuckDBPyConnection
) -> None:
    load(
        rows_text(
            {**PLAIN, "deferral_rate": "0", "enrollment_date": ""},
            {**PLAIN, "employee_id": "E2", "deferral_rate": "", "enrollment_date": ""},
        )
    )
    found = connection.execute("SELECT deferral_rate_e5, enrollment_date FROM inputs.census")
    assert found.fetchall() == [(0, None), (None, None)]


def test_the_floor_and_the_minimum_age_are_options(
    load: Any, connection: duckdb.DuckDBPyConnection
) -> None:
    row = {**PLAIN, "enrollment_date": "", "birth_date": "1990-05-01"}
    summary = load(rows_text(row), pay_floor="60000.01", minimum_age=25)
    assert summary.warnings == {"below_pay_floor": 1}
    found = connection.execute("SELECT enrollment_date::VARCHAR FROM inputs.census").fetchall()
    assert found == [("2015-05-01",)]
