"""A stored table comes back with DuckDB's own types and every bit."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from planwise.checkpoints.tables import YearTable
from planwise.errors import CheckpointError
from planwise.outputs import YearOutput
from planwise.warehouse.beside import Beside
from planwise.warehouse.digests import table_digest
from planwise.warehouse.restoring import as_scenarios, restore_table, restore_year

VALUES = [
    "1::tinyint", "(-1)::smallint", "2147483647::integer", "9223372036854775807::bigint",
    "(-170141183460469231731687303715884105727)::hugeint", "255::utinyint", "65535::usmallint",
    "4294967295::uinteger", "18446744073709551615::ubigint", "1.5::float", "'nan'::double",
    "'-0.0'::double", "'inf'::double", "12345678901234567890123456.789012345678::decimal(38,12)",
    "''::varchar", "'naïve ''quoted'''::varchar", "'\\x00\\xff'::blob", "true", "null::integer",
    "date '0001-01-01'", "time '23:59:59.999999'", "timestamp '2025-02-28 01:02:03.456789'",
    "timestamp_ns '2025-02-28 01:02:03.456789123'", "timestamp_s '2025-02-28 01:02:03'",
    "timestamptz '2025-02-28 01:02:03+05'", "interval '14 months 3 days 1 second'",
    "uuid '00000000-0000-0000-0000-00000000000a'", "[1, null, 3]::integer[]", "[]::varchar[]",
    "[[1.25], [null]]::decimal(5,2)[][]", "{'a b': 1, 'c': {'d': 'x'}}", "map {'k': 1, 'l': null}",
    "'b'::enum('a', 'b')", "'0010'::bit", "[1, 2, 3]::integer[3]",
]  # fmt: skip


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


@pytest.mark.parametrize("value", VALUES)
def test_every_type_comes_back(connection: duckdb.DuckDBPyConnection, value: str) -> None:
    connection.execute(f"create table kept as select {value} as v union all select null")
    before = table_digest(connection, "main", "kept")
    kind = connection.execute("select typeof(v) from kept").fetchall()
    output = YearOutput(("main", "kept"))
    stored = Beside(connection, "simulation_year").table(output, 2025, earlier=None)
    connection.execute("drop table kept")
    restore_table(connection, stored)
    assert table_digest(connection, "main", "kept") == before
    assert connection.execute("select typeof(v) from kept").fetchall() == kind


def test_a_schema_and_odd_names_come_back(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute('create schema "a ""b"')
    connection.execute('create table "a ""b"."c d" as select 1 as "select", 2 as "x""y"')
    output = YearOutput(('a "b', "c d"))
    stored = Beside(connection, "simulation_year").table(output, 2025, earlier=None)
    connection.execute('drop schema "a ""b" cascade')
    restore_table(connection, stored)
    assert connection.execute('from "a ""b"."c d"').fetchall() == [(1, 2)]


@pytest.mark.parametrize(
    "kind", ["INTEGER); drop table other; --", "no_such_type", "INTEGER, more VARCHAR", ""]
)
def test_a_type_that_is_none_is_refused(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    connection.execute("create table other as select 1 as n")
    stored = YearTable(("main", "kept"), 2025, pa.table({"v": [1]}), (kind,))
    with pytest.raises(CheckpointError, match=r"main\.kept cannot be put back"):
        restore_table(connection, stored)
    assert connection.execute("from other").fetchall() == [(1,)]


def test_a_value_that_does_not_fit_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    stored = YearTable(("main", "kept"), 2025, pa.table({"v": ["x"]}), ("INTEGER",))
    with pytest.raises(CheckpointError, match="cannot be put back"):
        restore_table(connection, stored)
    stored = YearTable(("main", "kept"), 2025, pa.table({"v": ["x"]}), ())
    with pytest.raises(CheckpointError, match="1 columns and 0 types"):
        restore_table(connection, stored)


def test_a_year_has_to_be_whole_and_as_it_was(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table kept as select 1 as n")
    kept, other = YearOutput(("main", "kept")), YearOutput(("main", "other"))
    stored = Beside(connection, "y").table(kept, 2025, earlier=None)
    assert restore_year(connection, [stored], [kept], "y") == {"main.kept": stored.digest}
    with pytest.raises(CheckpointError, match=r"lacks main\.other"):
        restore_year(connection, [stored], [kept, other], "y")
    with pytest.raises(CheckpointError, match=r"holds main\.kept, which the project does not make"):
        restore_year(connection, [stored], [], "y")
    changed = YearTable(
        stored.relation, 2025, pa.table({"n": [2]}), ("INTEGER",), False, stored.digest
    )
    with pytest.raises(CheckpointError, match=r"main\.kept as stored for 2025 is not what it was"):
        restore_year(connection, [changed], [kept], "y")


def test_the_one_scenario_becomes_others(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table a as select 'base' as scenario_id, 1 as n")
    connection.execute("create table b as select 5 as n")
    outputs = [YearOutput(("main", "a")), YearOutput(("main", "b"))]
    as_scenarios(connection, outputs, ["x", "it's"])
    rows = connection.execute("from a order by scenario_id").fetchall()
    assert rows == [("it's", 1), ("x", 1)]
    # Those that are there keep their own rows; of which one another would start is open.
    as_scenarios(connection, outputs, ["x"])
    assert connection.execute("from a").fetchall() == [("x", 1)]
    connection.execute("insert into a values ('y', 2)")
    with pytest.raises(CheckpointError, match="holds the scenarios x, y"):
        as_scenarios(connection, outputs, ["z"])
    assert connection.execute("from b").fetchall() == [(5,)]
