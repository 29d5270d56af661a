"""Dates, amounts and rates against plain Python: decimal and datetime."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planwise.census.fields import FIELD_NAMES
from planwise.census.parsing import above_one, inexact, parse_dates, parse_numbers, scaled

SLOW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        columns = ", ".join(f"{name} VARCHAR" for name in FIELD_NAMES)
        connection.execute(f"CREATE TEMP TABLE census_text (source_line BIGINT, {columns})")
        yield connection


def _fill(database: duckdb.DuckDBPyConnection, field: str, texts: Sequence[str]) -> None:
    for table in ("census_dates", "census_numbers"):
        database.execute(f"DROP TABLE IF EXISTS temp.{table}")
    database.execute("DELETE FROM census_text")
    database.execute(f"INSERT INTO census_text ({field}) SELECT unnest(?::VARCHAR[])", [texts])


def numbers(
    database: duckdb.DuckDBPyConnection, texts: Sequence[str], places: int
) -> dict[str, tuple[int | None, bool, bool]]:
    """Each text as (signed integer of 10 ** -places, something rounded off, above one)."""
    _fill(database, "annual_compensation", texts)
    parse_numbers(database)
    rows = database.execute(
        f"SELECT text, CASE WHEN negative THEN -1 ELSE 1 END * ({scaled('n', places)}), "
        f"{inexact('n', places)}, {above_one('n')} FROM census_numbers n"
    ).fetchall()
    return {text: (value, rounded, above) for text, value, rounded, above in rows}


def dates(
    database: duckdb.DuckDBPyConnection, texts: Sequence[str]
) -> dict[str, datetime.date | None]:
    _fill(database, "birth_date", texts)
    parse_dates(database)
    return dict(database.execute("SELECT text, value FROM census_dates").fetchall())


def half_up(value: Decimal, places: int) -> int:
    size = abs(value).scaleb(places).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return int(size) if value >= 0 else -int(size)


amounts = st.decimals(
    min_value=Decimal("-9999999999999"),
    max_value=Decimal("9999999999999"),
    allow_nan=False,
    places=None,
).filter(lambda value: -14 < value.adjusted() < 13 and len(f"{value:f}") < 60) | st.decimals(
    min_value=0, max_value=1_000_000, allow_nan=False, allow_infinity=False, places=3
)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, Decimal]:
    """A number as payroll systems write it, with its value."""
    value = draw(amounts)
    size = f"{abs(value):f}"
    whole, _, fraction = size.partition(".")
    if draw(st.booleans()):
        whole = f"{int(whole):,}"
    if draw(st.booleans()) and whole == "0" and fraction:
        whole = ""
    digits = whole + ("." + fraction if fraction else draw(st.sampled_from(["", ".", ".0"])))
    sign = draw(st.sampled_from(["", "$", "$ ", "USD ", "€", "£"]))
    if value < 0:
        style = draw(st.sampled_from(["-{}", "({})", "{}-"]))
        return style.format(sign + digits), value
    return sign + digits + draw(st.sampled_from(["", " USD"] if not sign else [""])), value


@SLOW
@given(st.lists(written(), min_size=1, max_size=40), st.sampled_from([0, 2, 3, 5]))
def test_amounts_are_exact(
    database: duckdb.DuckDBPyConnection, cases: list[tuple[str, Decimal]], places: int
) -> None:
    found = numbers(database, [text for text, _ in cases], places)
    for text, value in cases:
        expected = half_up(value, places)
        assert found[text] == (
            expected,
            value != value.quantize(Decimal(1).scaleb(-places)),
            value > 1,
        ), text


@SLOW
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=0, max_value=1e12)))
def test_floats_as_databases_write_them(
    database: duckdb.DuckDBPyConnection, values: list[float]
) -> None:
    texts = [repr(value) for value in values]
    for places in (2, 5):
        found = numbers(database, texts, places)
        for text in texts:
            assert found[text][0] == half_up(Decimal(text), places), text


_PLAIN_NUMBER = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?|\d+(\.\d*)?|\.\d+")


@SLOW
@given(
    st.lists(
        st.text(alphabet="0123456789.,-+()$% eEUSD", min_size=1, max_size=12) | st.text(max_size=8),
        max_size=60,
    )
)
def test_anything_else_is_no_number(database: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    texts = [text.replace("\0", "") for text in texts]
    for text, (value, _, _) in numbers(database, texts, 2).items():
        if value is None:
            assert not _PLAIN_NUMBER.fullmatch(text)
            continue
        # What is accepted is its digits: whatever stands around them neither adds nor hides any.
        core = re.sub(r"USD|US\$|[$€£¥%(),+\s-]", "", re.sub(r"[eE][+-]?\d{1,3}", "", text))
        exponent = re.search(r"[eE]([+-]?\d{1,3})", text)
        size = Decimal(core).scaleb(int(exponent.group(1)) if exponent else 0)
        assert abs(value) == half_up(size, 2), text


def test_numbers_by_hand(database: duckdb.DuckDBPyConnection) -> None:
    cases = {
        "$1,234": 123_400,
        "(1,234)": -123_400,
        "($1,234.5)": -123_450,
        "1.005": 101,
        "2.675": 268,
        "0.004999999999999999999999999999": 0,
        "1e5": 10_000_000,
        "5.": 500,
        "\u00a050\u00a0": 5_000,
        "007": 700,
        "1,23,456": None,
        "12,34": None,
        "1.234,56": None,
        "1 234": None,
        "-(5)": None,
        "(5": None,
        "--5": None,
        "٣": None,
        "0x10": None,
        "1e99": None,
        "Infinity": None,
        "1_000": None,
        "=1+1": None,
        "10000000000000": None,
    }
    found = numbers(database, list(cases), 2)
    assert {text: value for text, (value, _, _) in found.items()} == cases


days = st.dates(min_value=datetime.date(1850, 1, 1))
MONTHS = "January February March April May June July August September October November December"


@SLOW
@given(st.lists(days, min_size=1, max_size=40), st.data())
def test_dates_in_every_form(
    database: duckdb.DuckDBPyConnection, values: list[datetime.date], data: st.DataObject
) -> None:
    texts = {}
    for day in values:
        y, m, d = f"{day.year:04d}", day.month, day.day
        name = MONTHS.split()[m - 1]
        short = data.draw(st.sampled_from([name, name[:3], name[:3].upper(), name.lower()]))
        form = data.draw(
            st.sampled_from(
                [
                    day.isoformat(),
                    f"{y}/{m:02d}/{d:02d}",
                    f"{y}/{m}/{d}",
                    f"{m}/{d}/{y}",
                    f"{m:02d}/{d:02d}/{y}",
                    f"{m}/{d}/{y} 12:00:00 AM",
                    f"{y}{m:02d}{d:02d}",
                    f"{d}-{short}-{y}",
                    f"{d:02d} {short} {y}",
                    f"{short} {d}, {y}",
                    f"{day.isoformat()} 00:00:00",
                    f"{day.isoformat()}T23:59:59.999Z",
                    f"{day.isoformat()} 00:00:00+00:00",
                ]
            )
        )
        texts[form] = day
    assert dates(database, list(texts)) == texts


@SLOW
@given(
    st.lists(
        st.tuples(
            st.integers(0, 9999), st.integers(0, 40), st.integers(0, 40), st.sampled_from("-/u")
        ),
        max_size=40,
    )
)
def test_days_that_do_not_exist(
    database: duckdb.DuckDBPyConnection, parts: list[tuple[int, int, int, str]]
) -> None:
    expected = {}
    for year, month, day, sign in parts:
        text = f"{month}/{day}/{year:04d}" if sign == "u" else f"{year:04d}{sign}{month}{sign}{day}"
        try:
            expected[text] = datetime.date(year, month, day) if year >= 1850 else None
        except ValueError:
            expected[text] = None
    assert dates(database, list(expected)) == expected


@SLOW
@given(st.lists(st.text(alphabet="0123456789-/ :TZAPMJanFebuarymch,.", max_size=14), max_size=60))
def test_anything_else_is_no_date(database: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    for text, day in dates(database, texts).items():
        if day is not None:
            assert f"{day.year:04d}" in text
            assert sum(map(str.isdigit, text)) >= 5


def test_two_digit_years_are_refused(database: duckdb.DuckDBPyConnection) -> None:
    texts = ["6/30/18", "18-06-30", "30-Jun-18", "06/30/018", "180630"]
    assert set(dates(database, texts).values()) == {None}
