"""Figures as people read them are exact."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.analysis.figures import (
    column_name,
    exact_decimal,
    in_words,
    money,
    multiplier,
    percent,
    percent_2,
    quotient,
    relative_change,
    signed,
)
from planwise.analysis.rule_tables import anniversary, completed_years

AMOUNTS = st.integers(-(10**18), 10**18)
DATES = st.dates(datetime.date(1900, 1, 1), datetime.date(2150, 12, 31))


@given(AMOUNTS, st.integers(1, 10**12))
def test_a_quotient_is_the_nearest_whole_number_halves_away_from_zero(
    above: int, below: int
) -> None:
    exact = Fraction(above, below)
    got = quotient(above, below)
    assert abs(exact - got) <= Fraction(1, 2)
    if abs(exact - got) == Fraction(1, 2):
        assert abs(got) > abs(exact)


@given(AMOUNTS)
def test_money_keeps_every_cent(cents: int) -> None:
    assert Decimal(money(cents).replace(",", "")) * 100 == cents


@given(AMOUNTS)
def test_a_rate_keeps_every_decimal(rate: int) -> None:
    written = percent(rate).removesuffix(" %").replace(",", "")
    assert Decimal(written) * 1000 == rate
    assert not ("." in written and written.endswith(("0", ".")))


@given(AMOUNTS)
def test_a_multiplier_keeps_every_decimal(value: int) -> None:
    assert Decimal(multiplier(value).replace(",", "")) * 100_000 == value


@given(AMOUNTS)
def test_a_percentage_of_two_decimals_is_rounded_once(rate: int) -> None:
    written = Fraction(percent_2(rate).removesuffix(" %").replace(",", ""))
    assert abs(written - Fraction(rate, 1000)) <= Fraction(1, 200)


@given(AMOUNTS, st.sampled_from([2, 5]))
def test_a_decimal_is_exact(value: int, places: int) -> None:
    assert exact_decimal(value, places) * 10**places == value


@given(AMOUNTS, AMOUNTS)
def test_a_relative_change_leads_from_the_one_to_the_other(before: int, after: int) -> None:
    change = relative_change(before, after)
    if before == 0:
        assert change is None
    else:
        assert change is not None
        assert abs(Fraction(change * abs(before), 100_000) + before - after) <= Fraction(
            abs(before), 200_000
        )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("0.00", "0.00"), ("1.00", "+1.00"), ("-1.00", "-1.00"), ("0.00 %", "0.00 %"), ("10", "+10")],
)
def test_a_sign_is_put_before_what_is_not_zero(text: str, wanted: str) -> None:
    assert signed(text) == wanted


@pytest.mark.parametrize(
    ("column", "value", "words", "name"),
    [
        ("core_rate_e5", 3333, "3.333 %", "core_rate"),
        ("promotion_dial_e5", 150_000, "1.5", "promotion_dial"),
        ("termination_mult_e5", 70_000, "0.7", "termination_mult"),
        ("raise_cap_amount_cents", 25_000_000, "250,000.00", "raise_cap_amount"),
        ("share_e6", 280_000, "0.28", "share"),
        ("governmental", False, "false", "governmental"),
        ("match_formula", "simple", "simple", "match_formula"),
        ("census_date", datetime.date(2024, 12, 31), "2024-12-31", "census_date"),
        ("eligibility_min_age", 21, "21", "eligibility_min_age"),
        ("core_rate_e5", None, "none", "core_rate"),
    ],
)
def test_a_value_is_told_in_the_unit_of_its_column(
    column: str, value: object, words: str, name: str
) -> None:
    assert in_words(column, value) == words
    assert column_name(column) == name


@given(DATES, DATES)
def test_completed_years_are_those_of_the_models(one: datetime.date, other: datetime.date) -> None:
    start, end = sorted((one, other))
    wanted = duckdb.execute("select date_sub('year', ?, ?)", [start, end]).fetchall()[0][0]
    assert completed_years(start, end) == wanted


@given(DATES, st.integers(0, 100))
def test_an_anniversary_completes_its_years(start: datetime.date, years: int) -> None:
    day = anniversary(start, years)
    assert completed_years(start, day) == years
    if years:
        assert completed_years(start, day - datetime.timedelta(days=1)) == years - 1
