"""Simulation years as people write them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planwise.cli.years import FIRST_YEAR, LAST_YEAR, parse_years
from planwise.errors import UsageError


@st.composite
def written(draw: st.DrawFn) -> tuple[list[str], tuple[int, ...]]:
    """Consecutive years, cut into pieces, each written in one of the ways."""
    first = draw(st.integers(FIRST_YEAR, LAST_YEAR))
    years = list(range(first, draw(st.integers(first, min(LAST_YEAR, first + 12))) + 1))
    words: list[str] = []
    at = 0
    while at < len(years):
        length = draw(st.integers(1, len(years) - at))
        piece = years[at : at + length]
        as_range = draw(st.booleans())
        texts = [f"{piece[0]}-{piece[-1]}"] if as_range else [str(year) for year in piece]
        words += [",".join(texts)] if draw(st.booleans()) else texts
        at += length
    return words, tuple(years)


@given(written())
def test_any_way_of_writing_gives_the_years(case: tuple[list[str], tuple[int, ...]]) -> None:
    words, years = case
    assert parse_years(words) == years


@given(written(), st.data())
def test_a_year_taken_out_is_named(
    case: tuple[list[str], tuple[int, ...]], data: st.DataObject
) -> None:
    _, years = case
    assume(len(years) > 2)
    gone = data.draw(st.sampled_from(years[1:-1]))
    with pytest.raises(UsageError, match=f"{gone} is missing"):
        parse_years([str(year) for year in years if year != gone])


@given(written(), st.data())
def test_a_year_given_twice_is_named(
    case: tuple[list[str], tuple[int, ...]], data: st.DataObject
) -> None:
    _, years = case
    twice = data.draw(st.sampled_from(years))
    with pytest.raises(UsageError, match=f"{twice} is given twice"):
        parse_years([*map(str, years), str(twice)])


@given(st.lists(st.text(max_size=12), max_size=4))
def test_anything_else_is_an_error_and_never_something_worse(words: list[str]) -> None:
    try:
        years = parse_years(words)
    except UsageError:
        return
    assert list(years) == list(range(years[0], years[-1] + 1))
    assert years[0] >= FIRST_YEAR
    assert years[-1] <= LAST_YEAR


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "at least one year"),
        ([","], "at least one year"),
        (["2029-2025"], "2029-2025 runs backwards; write 2025-2029"),
        (["2026", "2025"], "2025 comes after 2026"),
        (["2025", "2025"], "2025 is given twice"),
        (["2025-2027", "2026"], "2026 is given twice"),
        (["2025", "2026", "2027", "2026"], "2026 is given twice"),
        (["2025", "2027"], "2026 is missing between 2025 and 2027"),
        (["2025-2026", "2028-2029"], "2027 is missing"),
        (["1899"], "expected 1900 to 2200, got '1899'"),
        (["2201"], "got '2201'"),
        (["1899-1901"], "got '1899-1901'"),
        (["2199-2201"], "got '2199-2201'"),
        (["0000-9999"], "got '0000-9999'"),
        (["25"], "got '25'"),
        (["02025"], "got '02025'"),
        (["2025.0"], "got '2025.0'"),
        (["+2025"], r"got '\+2025'"),
        (["2025-"], "got '2025-'"),
        (["-2025"], "got '-2025'"),
        (["2025–2026"], "got '2025–2026'"),
        (["2025-2026-2027"], "got '2025-2026-2027'"),
        (["2025:2026"], "got '2025:2026'"),
        (["2025 2026"], "got '2025 2026'"),
        (["2025\n"], "got"),
        (["next"], "got 'next'"),
        (["٢٠٢٥"], "got '٢٠٢٥'"),
    ],
)
def test_mistakes(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_years(words)
    assert str(caught.value).startswith("--years: ")
    assert caught.value.exit_code == 2


def test_all_years_that_there_are() -> None:
    assert len(parse_years([f"{FIRST_YEAR}-{LAST_YEAR}"])) == LAST_YEAR - FIRST_YEAR + 1
