"""Dates, amounts and rates out of text: exact, in SQL, once for each distinct text.

Nothing passes through floating point. A number is taken apart into its digits before and after
the point, and each field makes its own integer of them: cents for money, 1e-5 for rates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planwise.errors import CensusError

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

DATE_FIELDS = ("birth_date", "hire_date", "termination_date", "enrollment_date")
NUMBER_FIELDS = (
    "annual_compensation",
    "deferral_rate",
    "roth_rate",
    "job_level",
    "scheduled_hours_per_week",
)
MISSING_WORDS = ("n/a", "#n/a", "na", "null", "none", "nan", "nat", "nil", "-", "--", "(blank)")
EARLIEST_YEAR = 1850  # a year before is a slip of the pen, not a birthday

_MONTHS = "['jan','feb','mar','apr','may','jun','jul','aug','sep','oct','nov','dec']"
_MONTH_NAMES = (
    "['jan','january','feb','february','mar','march','apr','april','may','jun','june','jul',"
    "'july','aug','august','sep','sept','september','oct','october','nov','november','dec',"
    "'december']"
)

# A time of day behind the date, as databases and Excel write it; the date is what counts.
_TIME = (
    r"(?:[ T]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?)"
    r"(?: ?(?:Z|UTC|[+-]\d{2}(?::?\d{2})?))?)?"
)
_DATE_FORMS = (
    # form, pattern, names of its groups; the first pattern that matches the whole text decides
    ("iso", r"^(\d{4})-(\d{1,2})-(\d{1,2})" + _TIME + "$", "['y', 'm', 'd', 'time']"),
    ("slashed", r"^(\d{4})/(\d{1,2})/(\d{1,2})" + _TIME + "$", "['y', 'm', 'd', 'time']"),
    ("us", r"^(\d{1,2})/(\d{1,2})/(\d{4})" + _TIME + "$", "['m', 'd', 'y', 'time']"),
    ("compact", r"^(\d{4})(\d{2})(\d{2})$", "['y', 'm', 'd']"),
    ("day_name", r"^(\d{1,2})[- ]([A-Za-z]{3,9})[- ](\d{4})$", "['d', 'name', 'y']"),
    ("name_day", r"^([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})$", "['name', 'd', 'y']"),
)

_NUMBER = (
    r"^(\()?\s*([+-])?\s*(USD|US\$|[$€£¥])?\s*([+-])?\s*"
    r"((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?"
    r"\s*(USD|%)?\s*(-)?\s*(\))?$"
)
_NUMBER_GROUPS = "['open', 's1', 'cur', 's2', 'num', 'exp', 'mark', 's3', 'close']"


def parse_dates(connection: duckdb.DuckDBPyConnection) -> None:
    """Write ``census_dates``: each distinct date text with its date.

    Columns: text; value DATE, NULL when it is none; form; timed, whether a time of day other than
    midnight was dropped; day_first, whether only day/month/year makes sense of it; month_first,
    whether only month/day/year does. Two-digit years are no dates.
    """
    texts = " UNION ".join(
        f"SELECT {field} AS text FROM census_text"  # noqa: S608 - our own names
        for field in DATE_FIELDS
    )
    forms = " ".join(f"WHEN regexp_matches(text, '{p}') THEN '{f}'" for f, p, _ in _DATE_FORMS)
    # Fields that a form does not have come back as NULL, so that all forms fit one struct.
    parts = []
    for part in ("y", "m", "d", "name", "time"):
        cases = " ".join(
            f"WHEN '{form}' THEN regexp_extract(text, '{pattern}', {groups})['{part}']"
            for form, pattern, groups in _DATE_FORMS
            if f"'{part}'" in groups
        )
        parts.append(f"CASE form {cases} END AS {part}")
    connection.execute(
        f"""
        CREATE TEMP TABLE census_dates AS
        WITH formed AS (
            SELECT text, CASE {forms} END AS form FROM ({texts}) WHERE text IS NOT NULL
        ), cut AS (
            SELECT text, form, {", ".join(parts)} FROM formed
        ), numbered AS (
            SELECT text, form, time, try_cast(y AS INTEGER) AS y, try_cast(d AS INTEGER) AS d,
                CASE WHEN form IN ('day_name', 'name_day') THEN
                    CASE WHEN list_contains({_MONTH_NAMES}, lower(name))
                        THEN list_position({_MONTHS}, lower(name[1:3])) END
                    ELSE try_cast(m AS INTEGER) END AS m
            FROM cut
        )
        SELECT text, form,
            CASE WHEN y >= {EARLIEST_YEAR} THEN try_cast(
                printf('%04d-%02d-%02d', y, m, d) AS DATE) END AS value,
            coalesce(regexp_matches(time, '[1-9]')
                AND NOT regexp_matches(time, '^12:00(:00)? ?[aA]'), false) AS timed,
            coalesce(form = 'us' AND m > 12 AND d <= 12, false) AS day_first,
            coalesce(form = 'us' AND d > 12 AND m <= 12, false) AS month_first
        FROM numbered
        """  # noqa: S608 - constants of this module only
    )


def refuse_day_first_dates(connection: duckdb.DuckDBPyConnection, path: Path, place: str) -> None:
    """Stop when the dates of the file are evidently day/month/year.

    Dates like 6/30/2018 are read as month/day/year. A file in which some only make sense the
    other way round, and none only this way, would be misread in all the others.

    Raises:
        CensusError: the file is written day/month/year.
    """
    row = connection.execute(
        "SELECT any_value(text) FILTER (day_first), bool_or(month_first) FROM census_dates"
    ).fetchone()
    if row is None or row[0] is None or row[1]:
        return
    for field in DATE_FIELDS:
        first = connection.execute(
            f"SELECT source_line, text FROM census_text JOIN census_dates ON {field} = text "  # noqa: S608 - our own names
            "WHERE day_first ORDER BY source_line LIMIT 1"
        ).fetchone()
        if first is not None:
            raise CensusError(
                f"{path}: dates are written day/month/year ({place} {first[0]}, {field}: "
                f"{first[1]}); expected YYYY-MM-DD, or month/day/year"
            )


def parse_numbers(connection: duckdb.DuckDBPyConnection) -> None:
    """Write ``census_numbers``: each distinct number text, taken apart.

    Columns: text; whole and fraction, its digits before and after the point (both NULL when it is
    no number); negative; percent; currency; plain, whether it is written with digits, sign and
    point only. "(1,234)" is negative, as in accounts.
    """
    texts = " UNION ".join(
        f"SELECT {field} AS text FROM census_text"  # noqa: S608 - our own names
        for field in NUMBER_FIELDS
    )
    connection.execute(
        f"""
        CREATE TEMP TABLE census_numbers AS
        WITH cut AS (
            SELECT text, regexp_extract(replace(text, chr(160), ' '), '{_NUMBER}',
                {_NUMBER_GROUPS}) AS p
            FROM ({texts}) WHERE text IS NOT NULL
        ), checked AS (
            SELECT text, p,
                p['num'] <> '' AND (p['open'] = '') = (p['close'] = '')
                    AND (p['open'] <> '')::INT + (p['s1'] <> '')::INT + (p['s2'] <> '')::INT
                        + (p['s3'] <> '')::INT <= 1
                    AND (p['cur'] = '' OR p['mark'] = '') AS valid,
                -- 25 places hold every digit that a number with an exponent can show and matter
                CASE WHEN p['exp'] = '' THEN replace(p['num'], ',', '')
                    ELSE CAST(try_cast(replace(p['num'], ',', '') || p['exp'] AS DECIMAL(38, 25))
                        AS VARCHAR) END AS digits
            FROM cut
        )
        SELECT text,
            CASE WHEN valid THEN ltrim(split_part(digits, '.', 1), '0') END AS whole,
            CASE WHEN valid THEN split_part(digits, '.', 2) END AS fraction,
            p['open'] <> '' OR '-' IN (p['s1'], p['s2'], p['s3']) AS negative,
            p['mark'] = '%' AS percent,
            p['cur'] <> '' OR p['mark'] = 'USD' AS currency,
            regexp_matches(text, '^[+-]?[0-9]*[.]?[0-9]*$') AS plain
        FROM checked
        """  # noqa: S608 - constants of this module only
    )


def scaled(number: str, places: int) -> str:
    """SQL for a number as an integer of ``10 ** -places``, rounded half up, without its sign.

    Args:
        number: the alias of a row of ``census_numbers``.
        places: digits behind the point that the integer keeps.

    Returns:
        An expression that is NULL for no number and for one of more than 13 digits before the
        point.
    """
    return (
        f"CASE WHEN length({number}.whole) <= 13 THEN "
        f"TRY_CAST('0' || {number}.whole || rpad({number}.fraction, {places}, '0') AS BIGINT) "
        f"+ (substr({number}.fraction, {places + 1}, 1) >= '5')::BIGINT END"
    )


def inexact(number: str, places: int) -> str:
    """SQL for whether :func:`scaled` rounds something off."""
    return f"regexp_matches(substr({number}.fraction, {places + 1}), '[1-9]')"


def above_one(number: str) -> str:
    """SQL for whether a number is greater than 1."""
    return (
        f"(NOT {number}.negative AND ({number}.whole NOT IN ('', '1') "
        f"OR ({number}.whole = '1' AND regexp_matches({number}.fraction, '[1-9]'))))"
    )
