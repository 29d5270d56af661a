"""Digests: equal for equal tables in any order, different for any difference."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.warehouse.digests import TableDigest, database_digests, quoted, table_digest


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


def digest_of(definition: str, values: str, name: str = "t") -> TableDigest:
    """The digest of a table of its own, in a database of its own."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"create table {quoted(name)} ({definition})")
        if values:
            connection.execute(f"insert into {quoted(name)} values {values}")
        return table_digest(connection, "main", name)


SHARED = duckdb.connect(":memory:")
"""For properties, where opening a database for each example would take most of the time."""

ROW = st.tuples(
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    st.one_of(
        st.none(),
        st.text(max_size=6).map(lambda text: text.encode("utf-8", "ignore").decode()),
        st.sampled_from(["", "NULL", "-", "0:", "1:a", "é"]),
    ),
    st.one_of(st.none(), st.booleans()),
)
Row = tuple[int | None, str | None, bool | None]


def rows_digest(rows: list[Row]) -> TableDigest:
    SHARED.execute("create or replace table t (n bigint, s varchar, b boolean)")
    if rows:
        values = ", ".join(["(?, ?, ?)"] * len(rows))
        SHARED.execute(f"insert into t values {values}", [cell for row in rows for cell in row])
    return table_digest(SHARED, "main", "t")


@given(st.lists(ROW, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Row], random: Random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert rows_digest(rows) == rows_digest(shuffled)


@given(st.lists(ROW, min_size=1, max_size=8), ROW, st.data())
def test_any_change_of_a_row_is_seen(rows: list[Row], other: Row, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    changed = [*rows[:at], other, *rows[at + 1 :]]
    same = rows[at] == other and all(
        type(a) is type(b) for a, b in zip(rows[at], other, strict=True)
    )
    assert (rows_digest(rows) == rows_digest(changed)) == same


@given(st.lists(ROW, min_size=1, max_size=8), st.data())
def test_a_row_more_or_less_is_seen(rows: list[Row], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(rows))
    digest = rows_digest(rows)
    assert rows_digest([*rows, again]).digest != digest.digest
    assert rows_digest([*rows, again, again]).digest != digest.digest
    assert rows_digest(rows[1:]).digest != digest.digest
    assert digest.rows == len(rows)


def test_pairs_of_rows_do_not_cancel_out() -> None:
    """As they would in an exclusive or."""
    digests = {digest_of("n integer", ", ".join(["(1)"] * count + ["(2)"])) for count in range(6)}
    assert len(digests) == 6


def test_null_is_no_text() -> None:
    texts = ["null", "''", "'NULL'", "'null'", "'-'", "'0:'", "' '", "chr(0)"]
    assert len({digest_of("s varchar", f"({text})").digest for text in texts}) == len(texts)


def test_columns_do_not_run_into_one_another() -> None:
    values = [
        "('ab', 'c')",
        "('a', 'bc')",
        "('abc', '')",
        "('', 'abc')",
        "('1:a', 'bc')",
        "('a1:b', 'c')",
        "('abc', null)",
        "(null, 'abc')",
        "('-', '-')",
        "(null, null)",
        "('-', null)",
    ]
    found = {digest_of("a varchar, b varchar", value).digest for value in values}
    assert len(found) == len(values)


def test_values_do_not_move_between_columns() -> None:
    """Nor between rows: sums of columns alone could not tell these apart."""
    one = digest_of("a integer, b integer", "(1, 2), (3, 4)")
    assert one != digest_of("a integer, b integer", "(1, 4), (3, 2)")
    assert one != digest_of("a integer, b integer", "(2, 1), (4, 3)")


@pytest.mark.parametrize(
    "other",
    [
        "n bigint, s varchar",
        "m integer, s varchar",
        '"N" integer, s varchar',
        "n integer, s varchar, x integer default 7",
        "n decimal(9,0), s varchar",
        "n hugeint, s varchar",
    ],
)
def test_names_and_types_of_columns_count(other: str) -> None:
    values = "(1, 'x')" if "default" not in other else "(1, 'x', 7)"
    assert digest_of("n integer, s varchar", "(1, 'x')") != digest_of(other, values)


def test_the_order_of_columns_counts() -> None:
    assert digest_of("a integer, b integer", "(1, 1)") != digest_of(
        "b integer, a integer", "(1, 1)"
    )


def test_an_empty_table_has_a_digest_of_its_own() -> None:
    assert digest_of("n integer", "") == TableDigest(0, digest_of("n integer", "").digest)
    assert digest_of("n integer", "") != digest_of("n bigint", "")
    assert digest_of("n integer", "") != digest_of("n integer", "(null)")


def test_floating_point_numbers_are_told_apart_to_the_bit() -> None:
    values = ["0.0", "-0.0", "'nan'", "'inf'", "'-inf'", "1.0", "1.0000000000000002", "5e-324"]
    values += ["0.1", "0.30000000000000004", "0.3", "1e16", "1e16 + 2"]
    found = {digest_of("x double", f"({value}::double)").digest for value in values}
    assert len(found) == len(values)
    assert digest_of("x double", "('nan'), (1)") == digest_of("x double", "(1), ('nan')")


@given(st.floats(), st.floats())
def test_two_numbers_have_one_digest_if_they_print_alike(left: float, right: float) -> None:
    def digest(value: float) -> TableDigest:
        SHARED.execute("create or replace table t (x double)")
        SHARED.execute("insert into t values (?)", [value])
        return table_digest(SHARED, "main", "t")

    assert (digest(left) == digest(right)) == (repr(left) == repr(right))


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("date", "date '2025-01-01'", "date '2025-01-02'"),
        ("timestamp", "timestamp '2025-01-01 00:00:00'", "timestamp '2025-01-01 00:00:00.000001'"),
        ("decimal(18,4)", "1.0001", "1.0002"),
        ("hugeint", "170141183460469231731687303715884105727", "-1"),
        ("blob", "'\\xAA'::blob", "'\\xAB'::blob"),
        ("blob", "'\\x41'::blob", "'\\x41\\x00'::blob"),
        ("integer[]", "[1, 2]", "[2, 1]"),
        ("integer[]", "[]", "null"),
        ("varchar[]", "['a, b']", "['a', 'b']"),
        ("varchar[]", "['NULL']", "[null]"),
        ("varchar[]", "['']", "[]"),
        ("struct(a integer, b varchar)", "{'a': 1, 'b': 'x'}", "{'a': 1, 'b': null}"),
        ("struct(a varchar)", "{'a': 'NULL'}", "{'a': null}"),
        ("struct(a varchar, b varchar)", "{'a': 'x, b', 'b': 'y'}", "{'a': 'x', 'b': 'b, y'}"),
        ("map(varchar, varchar)", "map {'k': 'v'}", "map {'k': null}"),
        ("map(varchar, varchar)", "map {'a=b': 'c'}", "map {'a': 'b=c'}"),
        ("interval", "interval 1 month", "interval 30 days"),
        (
            "uuid",
            "'00000000-0000-0000-0000-000000000001'",
            "'00000000-0000-0000-0000-000000000002'",
        ),
        ("boolean", "true", "null"),
        ("double[]", "[0.0]", "['-0.0'::double]"),
    ],
)
def test_values_of_every_type(kind: str, one: str, other: str) -> None:
    definition = f"x {kind}"
    assert digest_of(definition, f"({one})") == digest_of(definition, f"({one})")
    assert digest_of(definition, f"({one})") != digest_of(definition, f"({other})")


@pytest.mark.parametrize(
    "name", ["select", 'quo"te', "semi;colon", "new\nline", "é", " ", "a.b", "'", '"""', "x" * 200]
)
def test_odd_names(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute(f"create schema {quoted(name)}")
    connection.execute(f"create table {quoted(name)}.{quoted(name)} ({quoted(name)} integer)")
    connection.execute(f"insert into {quoted(name)}.{quoted(name)} values (1)")
    found = database_digests(connection)
    assert list(found) == [f"{name}.{name}"]
    assert found[f"{name}.{name}"].rows == 1


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_quoting_holds_for_any_name(name: str) -> None:
    SHARED.execute("create schema odd")
    SHARED.execute(f"create table odd.{quoted(name)} (n integer)")
    tables = SHARED.execute(
        "select table_name from duckdb_tables() where schema_name = 'odd'"
    ).fetchall()
    assert tables == [(name,)]
    assert table_digest(SHARED, "odd", name).rows == 0
    SHARED.execute("drop schema odd cascade")


def test_neither_threads_nor_storage_nor_batches_matter() -> None:
    """One thread and eight, one insert and many, rows deleted and put back."""
    sql = "select i, hash(i)::varchar as s, i / 7 as x from range({}, {}) t(i) order by {}"
    digests = set()
    for threads, order, pieces in ((1, "i", 1), (8, "i desc", 1), (8, "hash(i)", 4)):
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"set threads = {threads}")
            connection.execute(f"create table t as {sql.format(0, 0, 'i')}")
            step = 400_000 // pieces
            for first in range(0, 400_000, step):
                connection.execute(f"insert into t {sql.format(first, first + step, order)}")
            if pieces > 1:
                connection.execute("delete from t where i % 3 = 0")
                again = f"select * from ({sql.format(0, 400_000, 'i')}) where i % 3 = 0"
                connection.execute(f"insert into t {again}")
            digests.add(table_digest(connection, "main", "t"))
    assert len(digests) == 1
    assert digests.pop().rows == 400_000


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("TimeZone", ["'UTC'", "'America/New_York'"]),
        ("preserve_insertion_order", ["true", "false"]),
        ("default_null_order", ["'nulls_first'", "'nulls_last'"]),
        ("integer_division", ["true", "false"]),
        ("default_collation", ["''", "'nocase'"]),
    ],
)
def test_settings_of_the_session_do_not_matter(setting: str, values: list[str]) -> None:
    found = set()
    for value in values:
        with duckdb.connect(":memory:") as connection:
            connection.execute(
                "create table t as select i, 'a' || i as s, timestamptz '2025-03-09 02:30:00+00' "
                "+ i * interval 1 hour as moment from range(100) t(i)"
            )
            connection.execute(f"set {setting} = {value}")
            found.add(table_digest(connection, "main", "t"))
    assert len(found) == 1


def test_what_a_database_shows(connection: duckdb.DuckDBPyConnection) -> None:
    """Its tables in name order: no views, nothing temporary, not planwise's own records."""
    for statement in (
        "create table b (n integer)",
        "create table a (n integer)",
        "create schema s",
        "create table s.a (n integer)",
        "create schema planwise",
        "create table planwise.runs (n integer)",
        "create view v as select * from a",
        "create temporary table t (n integer)",
        "attach ':memory:' as other",
        "create table other.main.elsewhere (n integer)",
    ):
        connection.execute(statement)
    assert list(database_digests(connection)) == ["main.a", "main.b", "s.a"]


def test_a_digest_is_the_same_for_ever() -> None:
    """It is written into benchmarks and notes: a change of its definition has to be meant."""
    found = digest_of("n integer, s varchar, x double", "(1, 'a', 0.5), (null, null, null)")
    assert found.rows == 2
    assert found.digest == "4d110c1382ecac6fc0720892d57fa486c1bd5f24be4ff51bfdc5af153cf6632a"


def test_the_digests_of_one_scenario_are_those_that_it_has_alone(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("create table shared (n integer); insert into shared values (1)")
    connection.execute("create table rows (scenario_id varchar, n integer)")
    connection.execute("insert into rows values ('a', 1), ('it''s', 2)")
    alone = database_digests(connection, "a")
    assert list(alone) == ["main.rows"]
    assert alone["main.rows"] == digest_of("scenario_id varchar, n integer", "('a', 1)")
    other = database_digests(connection, "it's")["main.rows"]
    assert other.rows == 1
    assert other.digest != alone["main.rows"].digest
    assert database_digests(connection, "none")["main.rows"].rows == 0
    assert set(database_digests(connection)) == {"main.rows", "main.shared"}
