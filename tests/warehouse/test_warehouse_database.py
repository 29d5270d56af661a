"""The database of a run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from planwise.checkpoints.tables import StoredShape
from planwise.errors import DatabaseLockedError, WarehouseError
from planwise.outputs import YearOutput
from planwise.warehouse.database import Warehouse
from planwise.warehouse.opening import connect, reading

OPEN = """
import sys, duckdb
with duckdb.connect(sys.argv[1]) as connection:
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database file with a table of two years."""
    file = tmp_path / "a.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "create table people as select i as id, 2025 + i % 2 as simulation_year, "
            "i * 0.1 as x from range(10) t(i)"
        )
        connection.execute("create table plain as select 7 as n")
        connection.execute("create view seen as select * from people")
    return file


@pytest.fixture
def warehouse(file: Path) -> Iterator[Warehouse]:
    warehouse = Warehouse(file, 2)
    warehouse.open({})
    yield warehouse
    warehouse.close()


def setting(warehouse: Warehouse, name: str) -> object:
    with warehouse.connect() as cursor:
        return cursor.execute("select current_setting(?)", [name]).fetchall()[0][0]


def test_settings_are_applied_and_changed(file: Path) -> None:
    warehouse = Warehouse(file, 2)
    warehouse.open({"threads": 3, "memory_limit": "256MiB", "preserve_insertion_order": False})
    assert setting(warehouse, "threads") == 3
    assert setting(warehouse, "memory_limit") == "256.0 MiB"
    assert setting(warehouse, "preserve_insertion_order") is False
    warehouse.apply({"threads": 2})
    assert setting(warehouse, "threads") == 2
    warehouse.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_such_setting", 1),
        ("threads", "many"),
        ("threads", -1),
        ("memory_limit", "a lot"),
        ("threads; drop table people", 1),
        ('threads" = 1; drop table people; --', 1),
        ("memory_limit", "1GB'; drop table people; --"),
        ("preserve_insertion_order", "perhaps"),
    ],
)
def test_a_setting_that_duckdb_refuses_is_named(
    warehouse: Warehouse, name: str, value: int | str
) -> None:
    with pytest.raises(WarehouseError, match="DuckDB refuses the setting") as caught:
        warehouse.apply({name: value})
    assert name in str(caught.value)
    assert repr(value) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert warehouse.row_counts([("main", "people")]) == {("main", "people"): 10}


def test_nothing_is_fetched_from_a_network(warehouse: Warehouse) -> None:
    for name in (
        "autoinstall_known_extensions",
        "autoload_known_extensions",
        "allow_community_extensions",
        "allow_persistent_secrets",
    ):
        assert setting(warehouse, name) is False


def test_dbts_connection_to_the_same_file_is_let_in(warehouse: Warehouse, file: Path) -> None:
    """DuckDB refuses a second connection whose configuration differs."""
    with duckdb.connect(str(file), config={}) as other:
        other.execute("create table from_dbt as select 1 as n")
    assert warehouse.row_counts([("main", "from_dbt")]) == {("main", "from_dbt"): 1}


def test_rows_are_counted_of_tables_alone(warehouse: Warehouse) -> None:
    relations = [("main", "people"), ("main", "seen"), ("main", "gone"), ("s", "people")]
    assert warehouse.row_counts(relations) == {("main", "people"): 10}
    assert warehouse.row_counts([]) == {}


def test_a_year_leaves_its_rows_or_the_whole_table(warehouse: Warehouse) -> None:
    people = YearOutput(("main", "people"), by_year=True)
    columns = tuple(
        (name, kind)
        for name, kind, *_ in warehouse.query(lambda c: c.execute("describe people").fetchall())
    )
    stored = warehouse.beside.table(people, 2025, earlier=StoredShape(5, columns))
    assert (stored.relation, stored.year, stored.added) == (("main", "people"), 2025, True)
    assert stored.table.column("id").to_pylist() == [0, 2, 4, 6, 8]
    # Rows of other years are not as many as they were: one of them may have changed. Columns are
    # others: rows of other years have them too.
    for earlier in (None, StoredShape(4, columns), StoredShape(5, columns[1:])):
        whole = warehouse.beside.table(people, 2025, earlier=earlier)
        assert (whole.added, whole.table.num_rows) == (False, 10)
        assert whole.digest == stored.digest == warehouse.beside.digest(people, 2025)
    plain = YearOutput(("main", "plain"), by_year=True)
    assert warehouse.beside.table(
        plain, 2025, earlier=StoredShape(1, (("n", "INTEGER"),))
    ).table.to_pylist() == [{"n": 7}]


def test_a_digest_is_of_the_rows_of_the_year(warehouse: Warehouse) -> None:
    people = YearOutput(("main", "people"), by_year=True)
    before = warehouse.beside.digest(people, 2025)
    whole = warehouse.beside.digest(YearOutput(people.relation), 2025)
    with warehouse.connect() as cursor:
        cursor.execute(
            "insert into people select * replace (1999 as simulation_year) from people where id = 0"
        )
    assert warehouse.beside.digest(people, 2025) == before
    assert warehouse.beside.digest(YearOutput(people.relation), 2025) != whole


def test_a_state_keeps_its_types(warehouse: Warehouse, file: Path) -> None:
    with warehouse.connect() as cursor:
        cursor.execute(
            "create table typed as select 1::integer as i, 1.50::decimal(18,2) as d, true as b, "
            "date '2025-01-01' as day, null::varchar as s, 0.1::double as x, 7::hugeint as h"
        )
        expected = cursor.sql("from typed").to_arrow_table()
    stored = warehouse.beside.table(YearOutput(("main", "typed")), 2025, earlier=None)
    assert stored.table.schema.equals(expected.schema)
    assert stored.table.equals(expected)
    assert stored.types[1] == "DECIMAL(18,2)"
    assert stored.types[-1] == "HUGEINT"


def test_before_it_is_open_and_after_it_is_closed(file: Path) -> None:
    warehouse = Warehouse(file, 2)
    for _ in range(2):
        with pytest.raises(WarehouseError, match="not open"):
            warehouse.connect()
        with pytest.raises(WarehouseError, match="not open"):
            warehouse.apply({"threads": 1})
        with pytest.raises(WarehouseError, match="not open"):
            warehouse.checkpoint()
        warehouse.open({})
        warehouse.close()
        warehouse.close()


def test_a_checkpoint_leaves_no_log(warehouse: Warehouse, file: Path) -> None:
    with warehouse.connect() as cursor:
        cursor.execute("create table t as from range(1000)")
    warehouse.checkpoint()
    log = file.with_name(file.name + ".wal")
    assert not log.exists() or log.stat().st_size == 0


def test_another_process_is_named(file: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OPEN, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        for read_only in (False, True):
            with pytest.raises(DatabaseLockedError, match="in use by another process") as caught:
                connect(file, read_only=read_only)
            assert f"PID {process.pid}" in str(caught.value)
        process.kill()
    connect(file).close()


NO_DATABASE = {
    "text.duckdb": b"this is no database\n" * 400,
    "short.duckdb": b"x",
    "zeros.duckdb": bytes(8192),
    "data.csv": b"a,b\n1,2\n",
    "data.duckdb": b"a,b\n1,2\n",
    "data.json": b'[{"a": 1}]',
}


@pytest.mark.parametrize("name", sorted(NO_DATABASE))
@pytest.mark.parametrize("read_only", [True, False])
def test_what_is_no_database_is_refused_and_kept(
    tmp_path: Path, name: str, read_only: bool
) -> None:
    file = tmp_path / name
    file.write_bytes(NO_DATABASE[name])
    with pytest.raises(WarehouseError, match=name) as caught:
        connect(file, read_only=read_only)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == NO_DATABASE[name]
    with pytest.raises(WarehouseError):
        Warehouse(file, 1).open({})
    assert file.read_bytes() == NO_DATABASE[name]


def test_a_parquet_file_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"copy (select 1 as n) to '{file}'")
    content = file.read_bytes()
    with pytest.raises(WarehouseError, match=r"data\.parquet"):
        connect(file)
    assert file.read_bytes() == content


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    import sqlite3

    file = tmp_path / "other.db"
    connection = sqlite3.connect(file)
    connection.execute("create table t (n integer)")
    connection.close()
    with pytest.raises(WarehouseError, match=r"other\.db"):
        connect(file)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_database_that_is_cut_is_an_error(file: Path, keep: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * keep)])

    def read() -> None:
        with reading(file) as connection:
            connection.execute("select sum(hash(people)) from people").fetchall()

    with pytest.raises((WarehouseError, duckdb.Error)):
        read()


def test_a_header_that_is_damaged_is_an_error(file: Path) -> None:
    """The main header and both database headers, each at several places."""
    content = file.read_bytes()
    for at in (8, 9, 12, 4096 * 1 + 8, 4096 * 2 + 8):
        damaged = bytearray(content)
        for header in (at,) if at < 4096 else (4096 + 8, 8192 + 8):
            damaged[header] ^= 0xFF
        file.write_bytes(damaged)
        with pytest.raises(WarehouseError, match=r"a\.duckdb: cannot be opened"):
            connect(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="no such database"):
        connect(tmp_path / "gone.duckdb", read_only=True)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(WarehouseError, match="cannot be opened"):
        connect(tmp_path / "no" / "folder.duckdb")


def test_reading_writes_nothing(file: Path) -> None:
    content = file.read_bytes()
    with reading(file) as connection, pytest.raises(duckdb.Error):
        connection.execute("create table t (n integer)")
    assert file.read_bytes() == content
