"""From the cells of a census to values: dates, cents, rates, levels, hours.

Text goes in (``census_text``), ``census_judged`` comes out: one row for each row of the file with
the values that were read, the texts they were read from, and the reason why it is set aside, if
it is. The view ``census_people`` shows those that stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import attrs

from planwise.census.fields import FIELD_NAMES
from planwise.census.judging import set_aside, set_duplicates_aside
from planwise.census.parsing import (
    DATE_FIELDS,
    MISSING_WORDS,
    NUMBER_FIELDS,
    above_one,
    inexact,
    scaled,
)

if TYPE_CHECKING:
    import duckdb

    from planwise.census.values import CensusOptions

RATE_ONE = 100_000  # 100 % in units of 1e-5
BLANKS = " \t\r\n\v\f\u00a0\u2007\u202f\u200b\ufeff"
_YES = "('true', 't', 'yes', 'y', '1')"
_NO = "('false', 'f', 'no', 'n', '0')"


@attrs.frozen
class RateUnit:
    """What the unmarked values of a column of rates mean, and how many of them there are."""

    percent: bool
    unmarked: int


def create_text_table(connection: duckdb.DuckDBPyConnection, options: CensusOptions) -> None:
    """Create the empty ``census_text`` and the one row of ``census_terms``."""
    columns = ", ".join(f"{name} VARCHAR" for name in FIELD_NAMES)
    connection.execute(
        f"CREATE TEMP TABLE census_text (source_line BIGINT, {columns}, missing_words VARCHAR)"
    )
    connection.execute(
        "CREATE TEMP TABLE census_terms (census_date DATE, floor_cents HUGEINT, minimum_age BIGINT)"
    )
    connection.execute(
        "INSERT INTO census_terms VALUES (?, ?, ?)",
        [options.census_date, int(options.pay_floor * 100), options.minimum_age],
    )


def insert_text_sql(kinds: Mapping[str, Literal["text", "float"]], view: str) -> str:
    """SQL that takes a batch of the file into ``census_text``: empty cells as NULL.

    Args:
        kinds: the fields that the batch has; 'float' for binary floating point, of which whole
            numbers are written without a point (ids are sometimes stored that way).
        view: the name under which the batch is registered.
    """
    cells, finals, words = [], [], []
    known = ", ".join(f"'{word}'" for word in MISSING_WORDS)
    for name, kind in kinds.items():
        text = f"CAST({name} AS VARCHAR)"
        if kind == "float":
            text = (
                f"CASE WHEN abs({name}) < 9e15 AND {name} = trunc({name}) "
                f"THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE {text} END"
            )
        cells.append(f"nullif({text}, '') AS {name}")
        if name in DATE_FIELDS or name in NUMBER_FIELDS:
            finals.append(f"CASE WHEN lower({name}) NOT IN ({known}) THEN {name} END")
            words.append(f"CASE WHEN lower({name}) IN ({known}) THEN '{name}' END")
        else:
            finals.append(name)
    return (
        f"INSERT INTO census_text (source_line, {', '.join(kinds)}, missing_words) "  # noqa: S608 - field names only
        f"SELECT source_line, {', '.join(finals)}, nullif(concat_ws(', ', {', '.join(words)}), '') "
        f"FROM (SELECT source_line, {', '.join(cells)} FROM {view})"
    )


def rate_unit(
    connection: duckdb.DuckDBPyConnection, field: str, unit: Literal["auto", "percent", "fraction"]
) -> RateUnit:
    """What the unmarked values of a column mean.

    With 'auto' they are percent if any is above 1, else fractions of pay.
    """
    row = connection.execute(
        f"SELECT coalesce(bool_or({above_one('n')}), false), count(*) "  # noqa: S608 - field names only
        f"FROM census_text JOIN census_numbers n ON {field} = n.text "
        "WHERE n.whole IS NOT NULL AND NOT n.percent"
    ).fetchone()
    found, unmarked = row if row is not None else (False, 0)
    return RateUnit(percent=found if unit == "auto" else unit == "percent", unmarked=unmarked)


def _rate(number: str, percent: bool) -> str:
    """SQL for a rate in 1e-5, NULL when it is no rate or outside 0 to 100 %."""
    unit = "true" if percent else f"{number}.percent"
    value = f"CASE WHEN {unit} THEN {scaled(number, 3)} ELSE {scaled(number, 5)} END"
    return (
        f"CASE WHEN NOT {number}.currency AND {value} BETWEEN 0 AND {RATE_ONE} "
        f"AND (NOT {number}.negative OR {value} = 0) THEN {value} END"
    )


def _rate_rounded(number: str, percent: bool) -> str:
    unit = "true" if percent else f"{number}.percent"
    return f"CASE WHEN {unit} THEN {inexact(number, 3)} ELSE {inexact(number, 5)} END"


def judge_rows(
    connection: duckdb.DuckDBPyConnection, deferral: RateUnit, roth: RateUnit, place: str
) -> None:
    """Write ``census_judged`` and, for those without a reason to be set aside, ``census_people``.

    Args:
        connection: where the texts and what was read in them are.
        deferral: what unmarked deferral rates mean.
        roth: what unmarked Roth rates mean.
        place: what a line number counts, 'line' or 'row'.
    """
    dates = tuple(zip(("b", "h", "x", "e"), DATE_FIELDS, strict=True))
    date_joins = " ".join(
        f"LEFT JOIN census_dates {alias} ON t.{name} = {alias}.text" for alias, name in dates
    )
    numbers = zip(("p", "d", "r", "l", "w"), NUMBER_FIELDS, strict=True)
    number_joins = " ".join(
        f"LEFT JOIN census_numbers {alias} ON t.{name} = {alias}.text" for alias, name in numbers
    )

    def noted(condition: str) -> str:
        cases = ", ".join(
            f"CASE WHEN {a}.value IS NOT NULL AND {condition.format(a)} "
            f"THEN '{name} ' || t.{name} END"
            for a, name in dates
        )
        return f"nullif(concat_ws(', ', {cases}), '')"

    us_dates = " + ".join(
        f"coalesce({a}.value IS NOT NULL AND {a}.form = 'us', false)::BIGINT" for a, _ in dates
    )
    rates = (("d", "deferral_rate", deferral), ("r", "roth_rate", roth))
    percents = ", ".join(f"CASE WHEN {a}.percent THEN '{n} ' || {a}.text END" for a, n, _ in rates)
    rounded = ", ".join(
        f"CASE WHEN {_rate_rounded(a, u.percent)} THEN '{n} ' || {a}.text END" for a, n, u in rates
    )
    # DECIMAL / DECIMAL would be DOUBLE; a product stays exact.
    hours = f"({scaled('w', 2)})"
    read = f"""
        SELECT t.source_line, t.employee_id, t.missing_words, t.ssn, t.department, t.job_title,
            t.gender, terms.census_date, terms.floor_cents, terms.minimum_age,
            t.birth_date AS birth_text, b.value AS birth_date,
            t.hire_date AS hire_text, h.value AS hire_date,
            t.termination_date AS termination_text, x.value AS termination_date,
            t.enrollment_date AS enrollment_text, e.value AS enrollment_date,
            t.annual_compensation AS pay_text,
            CASE WHEN NOT p.percent THEN
                CASE WHEN p.negative THEN -1 ELSE 1 END * ({scaled("p", 2)}) END AS pay_cents,
            coalesce(NOT p.plain, false) AS pay_formatted,
            coalesce({inexact("p", 2)}, false) AS pay_rounded,
            t.deferral_rate AS deferral_text, {_rate("d", deferral.percent)} AS deferral_e5,
            t.roth_rate AS roth_text, {_rate("r", roth.percent)} AS roth_e5,
            t.job_level AS level_text,
            CASE WHEN l.whole IN ('1', '2', '3', '4', '5') AND NOT {inexact("l", 0)}
                AND NOT (l.negative OR l.percent OR l.currency)
                THEN CAST(l.whole AS INTEGER) END AS job_level,
            t.scheduled_hours_per_week AS hours_text,
            CASE WHEN NOT (w.negative OR w.percent OR w.currency)
                AND {hours} BETWEEN 1 AND 16800
                THEN CAST({hours} * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(5, 2)) END AS hours,
            t.auto_escalation_opt_out AS opt_out_text,
            CASE WHEN lower(t.auto_escalation_opt_out) IN {_YES} THEN true
                WHEN lower(t.auto_escalation_opt_out) IN {_NO} THEN false END AS opt_out,
            {noted("{}.form NOT IN ('iso', 'us')")} AS odd_dates,
            {noted("{}.timed")} AS timed_dates,
            {us_dates} AS us_dates,
            nullif(concat_ws(', ', {percents}), '') AS percent_rates,
            nullif(concat_ws(', ', {rounded}), '') AS rounded_rates,
            coalesce({", ".join(f"t.{name}" for name in FIELD_NAMES)}, t.missing_words) IS NULL
                AS is_empty,
            greatest(h.value, CAST(b.value + to_years(CAST(terms.minimum_age AS INTEGER)) AS DATE))
                AS first_entry
        FROM census_text t CROSS JOIN census_terms terms {date_joins} {number_joins}
    """  # noqa: S608 - constants and field names only
    set_aside(connection, read)
    set_duplicates_aside(connection, place)
    connection.execute(
        "CREATE TEMP VIEW census_people AS SELECT * FROM census_judged WHERE reason IS NULL"
    )
