"""How tables differ: named columns and a few rows of each side, whatever is in the tables."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from bench_runs import JOB, TABLE, scripted
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.bench.arms import COLD, WARM
from planwise.bench.differences import differences
from planwise.bench.runner import contenders, measure
from planwise.bench.sameness import DigestsDifferError, differing_tables
from planwise.warehouse.digests import database_digests

NAMES = ("b", "a")


def database(file: Path, *statements: str) -> Path:
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    return file


def pair(folder: Path, one: str, other: str, *more: str) -> tuple[Path, Path]:
    """Two databases with a table t, the second with further statements."""
    first = database(folder / "one.duckdb", f"create table t as {one}")
    return first, database(folder / "it's other.duckdb", f"create table t as {other}", *more)


PEOPLE = "select i as id, 'p' || i as name, 100 * i as pay_cents from range(1000) as r(i)"


def test_one_value_of_one_row_is_shown_with_its_column_first(tmp_path: Path) -> None:
    files = pair(tmp_path, PEOPLE, PEOPLE, "update t set pay_cents = 7 where id = 500")
    assert differences(files, NAMES, ["main.t"]) == [
        "main.t: 1 of 1000 rows only in b, 1 of 1000 only in a; they differ in pay_cents",
        "  b: pay_cents = 50000, id = 500, name = p500",
        "  a: pay_cents = 7, id = 500, name = p500",
    ]


def test_rows_that_one_side_lacks_and_rows_that_occur_twice(tmp_path: Path) -> None:
    files = pair(tmp_path, PEOPLE, PEOPLE, "insert into t from t where id < 2")
    headline, *rows = differences(files, NAMES, ["main.t"])
    assert headline.startswith("main.t: 0 of 1000 rows only in b, 2 of 1002 only in a;")
    assert len(rows) == 2
    assert all(row.startswith("  a: ") for row in rows)


def test_columns_of_other_types_are_named(tmp_path: Path) -> None:
    files = pair(tmp_path, "select 1 as a, 2 as b, 3 as c", "select 1 as a, 2::bigint as b, 4 as d")
    first, second, third = differences(files, NAMES, ["main.t"])
    assert first == "main.t: only b has the columns b INTEGER, c INTEGER"
    assert second == "main.t: only a has the columns b BIGINT, d INTEGER"
    assert third == "main.t: 0 of 1 rows only in b, 0 of 1 only in a"
    empty = tmp_path / "nothing in common"
    empty.mkdir()
    files = pair(empty, "select 1 as a", "select 1 as b")
    assert len(differences(files, NAMES, ["main.t"])) == 2


def test_the_text_is_bounded(tmp_path: Path) -> None:
    wide = ", ".join(f"repeat('{{}}', 10000) as c{number}" for number in range(60))
    files = pair(tmp_path, "select " + wide.replace("{}", "x"), "select " + wide.replace("{}", "y"))
    tables = [f"main.t{number}" for number in range(9)]
    for file in files:
        database(file, *(f"create table t{n} as from t" for n in range(9)))
    found = differences(files, NAMES, tables)
    assert found[-1] == "4 further tables differ"
    assert len(found) == 5 * 3 + 1
    assert all(len(line) <= 300 for line in found)


@given(
    st.lists(st.tuples(st.none() | st.text(max_size=4), st.integers(0, 2)), max_size=6),
    st.lists(st.tuples(st.none() | st.text(max_size=4), st.integers(0, 2)), max_size=6),
)
@settings(max_examples=15, deadline=None)
def test_what_digests_tell_apart_has_rows_to_show(
    tmp_path_factory: pytest.TempPathFactory, one: list[object], other: list[object]
) -> None:
    folder = tmp_path_factory.mktemp("pair")
    files, digests = [], []
    for number, rows in enumerate((one, other)):
        file = folder / f"{number}.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute('create schema "odd.one"')
            connection.execute('create table "odd.one"."a ""t""" ("some text" varchar, n integer)')
            if rows:
                connection.executemany('insert into "odd.one"."a ""t""" values (?, ?)', rows)
            found = database_digests(connection)
        digests.append({name: each.digest for name, each in found.items()})
        files.append(file)
    tables = differing_tables(*digests)
    lines = differences((files[0], files[1]), NAMES, tables)
    assert (len(lines) > 1) == bool(tables)
    assert all(line.isprintable() for line in lines)


def test_a_measurement_shows_the_rows_before_any_time_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    other = scripted(COLD, TABLE.replace("select 1", "select 2"))
    wanted = contenders([scripted(WARM, TABLE), other], JOB, WARM)
    with pytest.raises(DigestsDifferError, match=r"arm 'planwise-cold' .*: main\.t;"):
        measure(wanted, rounds=1, seed=1, scratch=tmp_path, say=said.append, alike=True)
    assert said[-1].splitlines() == [
        "main.t: 1 of 1 rows only in planwise-warm, 1 of 1 only in planwise-cold; they differ in a",
        "  planwise-warm: a = 1",
        "  planwise-cold: a = 2",
    ]
    assert not any("round" in each for each in said)


@pytest.mark.parametrize("more", [WARM, COLD])
def test_a_table_that_only_one_arm_has_is_caught(tmp_path: Path, more: str) -> None:
    two = TABLE.replace("as a'", "as a; create table u as from t'")
    arms = [scripted(name, two if name == more else TABLE) for name in (WARM, COLD)]
    wanted = contenders(arms, JOB, WARM)
    with pytest.raises(DigestsDifferError, match=r"'planwise-cold' .* only one of .* main\.u;"):
        measure(wanted, rounds=1, seed=1, scratch=tmp_path, say=lambda _: None, alike=True)
    (tmp_path / "arms").mkdir()  # where each arm may have tables of its own
    measure(wanted, rounds=1, seed=1, scratch=tmp_path / "arms", say=lambda _: None)


def test_an_arm_that_differs_from_its_own_first_run_is_caught_too(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    code = (
        f"import sys, duckdb; seen = open({str(counter)!r}, 'a+'); seen.write('x'); seen.seek(0); "
        "value = max(1, len(seen.read()) - 2); "
        "duckdb.connect(sys.argv[1]).execute(f'create table t as select {value} as a')"
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    said: list[str] = []
    wanted = contenders([scripted(WARM, code)], JOB, WARM)
    with pytest.raises(DigestsDifferError, match=r"arm 'planwise-warm' .*: main\.t;"):
        measure(wanted, rounds=9, seed=1, scratch=scratch, say=said.append, alike=True)
    assert "  planwise-warm, first run: a = 1" in said[-1].splitlines()
    assert len(counter.read_text()) == 4  # the run that counts for nothing, and three rounds
