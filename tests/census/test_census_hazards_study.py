"""Who of one census counts as a leaver by another, and for how long everybody was exposed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from planwise.census import CensusOptions
from planwise.census.hazards import Hazards, fit_hazards
from planwise.census.hazards_study import Study, study_leavers
from planwise.errors import CensusError, UsageError
from planwise.scenarios import AgeBand, TenureBand

START, END = datetime.date(2023, 12, 31), datetime.date(2024, 12, 30)
DAYS = 365
HEADER = "employee_id,birth_date,hire_date,annual_compensation,termination_date"
ONE = Decimal(1)
AGE_BANDS = (AgeBand("<40", 0, 40, ONE, ONE), AgeBand("40+", 40, 999, ONE, ONE))
TENURE_BANDS = (TenureBand("<2", 0, 2, ONE, ONE), TenureBand("2+", 2, 999, ONE, ONE))
Follow = Callable[..., Study]


def person(name: str, born: str = "1970-01-01", hired: str = "2010-01-01", left: str = "") -> str:
    return f"{name},{born},{hired},50000,{left}"


def options(path: Path, day: datetime.date, rows: Sequence[str], **more: Any) -> CensusOptions:
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return CensusOptions(path, day, **more)


@pytest.fixture
def follow(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Follow:
    """Follow people, given as rows, from one census to another."""

    def follow(first: Sequence[str], second: Sequence[str], *days: datetime.date) -> Study:
        start, end = days or (START, END)
        return study_leavers(
            connection,
            options(tmp_path / "a.csv", start, first),
            options(tmp_path / "b.csv", end, second),
            AGE_BANDS,
            TENURE_BANDS,
        )

    return follow


def counts(study: Study) -> dict[tuple[bool, int, int], tuple[int, int, int]]:
    return {
        (cell.first_year, cell.age, cell.tenure): (cell.people, cell.leavers, cell.half_days)
        for cell in study.cells
    }


def test_who_is_gone_counts_for_half_of_the_time_and_who_stays_for_all_of_it(
    follow: Follow,
) -> None:
    study = follow([person("A"), person("B"), person("C")], [person("A"), person("C")])
    assert study.days == DAYS
    assert counts(study) == {(False, 1, 1): (3, 1, 2 * 2 * DAYS + DAYS)}
    assert [note.partition(" no longer")[0] for note in study.notes] == ["1"]


def test_a_leaver_with_a_date_counts_until_then(follow: Follow) -> None:
    study = follow([person("A"), person("B")], [person("A"), person("B", left="2024-01-10")])
    assert counts(study) == {(False, 1, 1): (2, 1, 2 * DAYS + 2 * 10)}
    assert "1 terminated by the second census" in study.notes[0]


def test_leaving_on_the_later_date_is_leaving_and_after_it_is_not(follow: Follow) -> None:
    first = [person("A"), person("B")]
    study = follow(first, [person("A", left="2024-12-30"), person("B", left="2024-12-31")])
    assert counts(study) == {(False, 1, 1): (2, 1, 2 * DAYS * 2)}


def test_bands_are_those_of_completed_years_on_the_first_date(follow: Follow) -> None:
    """A band includes its lower bound; the first year is that of the simulation."""
    rows = [
        person("young", born="1984-01-01", hired="2021-12-31"),  # 39, two years today
        person("forty", born="1983-12-31", hired="2022-01-01"),  # 40 today, two years tomorrow
        person("year", hired="2022-12-31"),  # a year today: not of the first year
        person("first", hired="2023-01-01"),
        person("gone"),
    ]
    study = follow(rows, rows[:-1])
    people = {place: cell[0] for place, cell in counts(study).items()}
    assert people == {(False, 0, 1): 1, (False, 1, 0): 2, (True, 1, 0): 1, (False, 1, 1): 1}


def test_both_may_be_one_file_of_everybody_with_termination_dates(follow: Follow) -> None:
    everybody = [
        person("long ago", left="2020-05-05"),
        person("there"),
        person("left", left="2024-03-31"),
        person("later", left="2025-03-31"),
        person("new", hired="2024-02-01"),
        person("new and left", hired="2024-02-01", left="2024-03-01"),
    ]
    study = follow(everybody, everybody)
    assert counts(study) == {(False, 1, 1): (3, 1, 2 * 2 * DAYS + 2 * 91)}


def test_people_of_the_second_census_alone_say_nothing(follow: Follow) -> None:
    first = [person("A"), person("B")]
    second = [person("A"), person("new", hired="2024-05-05"), person("odd", hired="2000-05-05")]
    study = follow(first, second)
    assert counts(study)[(False, 1, 1)][:2] == (2, 1)
    assert study.notes[-1].startswith("2 in the second census alone")


@pytest.mark.parametrize(
    ("row", "note"),
    [
        ("B,1970-01-01,2010-01-01,,", "1 in the second census, where their row is set aside"),
        ("B,,2010-01-01,50000,", "1 in the second census, where their row is set aside"),
        ("B,1970-01-01,2024-05-05,50000,", "1 with a later hire date"),
        ("B,1970-01-01,2001-05-05,50000,", "1 with an earlier hire date"),
        ("B,1971-01-01,2010-01-01,1,", ""),
    ],
    ids=["no pay", "no birth date", "rehired", "hired earlier", "other birth date and pay"],
)
def test_whoever_is_in_the_second_census_has_not_left(follow: Follow, row: str, note: str) -> None:
    study = follow([person("A"), person("B"), person("C")], [person("A"), row])
    assert counts(study) == {(False, 1, 1): (3, 1, 2 * 2 * DAYS + DAYS)}
    assert any(each.startswith(note) for each in study.notes)


@pytest.mark.parametrize(
    ("left", "note"),
    [
        ("2023-12-31", "1 terminated on or before the first date"),
        ("2019-01-01", "1 terminated on or before the first date"),
        ("soon", "1 with a termination date that is not a date"),
    ],
)
def test_whose_fate_is_not_clear_is_left_out_and_counted(
    follow: Follow, left: str, note: str
) -> None:
    study = follow([person("A"), person("B"), person("C")], [person("A"), person("B", left=left)])
    assert counts(study) == {(False, 1, 1): (2, 1, 2 * DAYS + DAYS)}
    assert any(each.startswith(note) for each in study.notes)


def test_of_several_rows_of_one_id_an_employed_one_counts(follow: Follow) -> None:
    """A person who left and came back is there; of rows that are all of leavers the last counts."""
    study = follow(
        [person("back"), person("left twice"), person("there")],
        [
            person("back", left="2024-02-01"),
            person("back", hired="2024-06-01"),
            person("left twice", left="2015-02-01"),
            person("left twice", left="2024-01-05"),
            person("there"),
            person("there"),
        ],
    )
    assert counts(study) == {(False, 1, 1): (3, 1, 2 * 2 * DAYS + 2 * 5)}


def test_ids_that_look_like_an_ssn_are_followed_and_never_shown(follow: Follow) -> None:
    """The audit hides such ids, so that the two files cannot be joined by it."""
    rows = [person("123-45-6789", left="2024-01-10"), person("987-65-4321"), person("B")]
    study = follow(rows, rows)
    assert counts(study)[(False, 1, 1)][:2] == (3, 1)
    shown = "\n".join([*study.first.lines(), *study.second.lines(), *study.notes])
    assert "123-45-6789" not in shown
    assert "987-65-4321" not in shown


@pytest.mark.parametrize(
    "days", [(START, START), (END, START), (START, START - datetime.timedelta(days=1))]
)
def test_the_second_date_is_later(follow: Follow, days: tuple[datetime.date, ...]) -> None:
    with pytest.raises(UsageError, match=r"--to-date .* expected a day after --from-date"):
        follow([person("A")], [person("A")], *days)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (["1", "2"], ["01", "02"], "none of the 2 people of .* occurs in it; .* same employee_id"),
        (["A", "B"], ["A", "B", "C"], "nobody of the 2 people of .* has left between 2023-12-31"),
    ],
)
def test_nothing_to_fit_is_said(
    follow: Follow, first: Sequence[str], second: Sequence[str], words: str
) -> None:
    with pytest.raises(CensusError, match=words):
        follow([person(name) for name in first], [person(name) for name in second])


def test_everybody_left_is_said(follow: Follow) -> None:
    gone = [person("A", left="2024-05-05"), person("B", left="2024-05-05")]
    with pytest.raises(CensusError, match=r"everybody of .* has left by 2024-12-30"):
        follow([person("A"), person("B")], [*gone, person("C")])
    with pytest.raises(CensusError, match="none of the 2 rows can be used: 2 terminated"):
        follow([person("A"), person("B")], gone)


def test_an_unusual_time_between_and_many_leavers_get_a_word(follow: Follow) -> None:
    first = [person(name) for name in "ABCDE"]
    study = follow(first, first[:1], START, datetime.date(2024, 6, 30))
    assert any("182 days apart" in note for note in study.notes)
    assert any("more than half of" in note for note in study.notes)


def test_a_second_fit_on_the_same_connection_gives_the_same(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = [person(f"P{number}", hired=f"20{10 + number % 14}-03-03") for number in range(60)]
    fits: list[Hazards] = [
        fit_hazards(
            connection,
            options(tmp_path / "a.csv", START, rows),
            options(tmp_path / "b.csv", END, rows[::3] + rows[1::3]),
            AGE_BANDS,
            TENURE_BANDS,
        )
        for _ in range(2)
    ]
    assert fits[0] == fits[1]
    assert fits[0].totals()[0].observed.leavers == 20


def test_a_group_without_people_leaves_its_rate_to_the_configuration(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for hired, missing in (("2010-01-01", "first_year_"), ("2023-05-05", "")):
        rows = [person(name, hired=hired) for name in "ABCD"]
        hazards = fit_hazards(
            connection,
            options(tmp_path / "a.csv", START, rows),
            options(tmp_path / "b.csv", END, rows[1:]),
            AGE_BANDS,
            TENURE_BANDS,
        )
        assert f"{missing}termination_rate" not in hazards.parameters
        assert any(f"{missing}termination_rate stays" in note for note in hazards.notes)
        written = {key: value for key, value in hazards.parameters.items() if "rate" in key}
        # 1 of 4 in 365 days is a little more in 365.25.
        assert set(written.values()) == {Decimal("0.25015")}


def test_next_to_everybody_of_the_first_year_leaving_is_held_at_what_a_configuration_takes(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    new = [person(f"N{number}", hired="2023-05-05") for number in range(40)]
    hazards = fit_hazards(
        connection,
        options(tmp_path / "a.csv", START, [*new, person("old")]),
        options(tmp_path / "b.csv", END, [person("old")]),
        AGE_BANDS,
        TENURE_BANDS,
        full_credibility=1,
    )
    assert hazards.parameters["first_year_termination_rate"] == Decimal("0.98")
    assert hazards.parameters["termination_rate"] == 0
    assert any("held at 0.98" in note for note in hazards.notes)
