"""A cursor that is lent is not the borrower's: what only the kernel may do with it is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from planwise.warehouse.database import Warehouse
from planwise.warehouse.watching import WATCHED

Cursor = duckdb.DuckDBPyConnection


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    warehouse = Warehouse(tmp_path / "a.duckdb", 2)
    warehouse.open({})
    yield warehouse
    warehouse.close()


def executing(*texts: str) -> Callable[[Cursor], Any]:
    return lambda cursor: [cursor.execute(text).fetchall() for text in texts]


def test_every_setting_that_is_watched_is_one_of_duckdbs() -> None:
    with duckdb.connect() as connection:
        known = connection.execute("select name from duckdb_settings()").fetchall()
    assert {(name,) for name in WATCHED} <= set(known)


def test_what_belongs_to_a_transaction_is_no_meddling(warehouse: Warehouse) -> None:
    assert warehouse.meddling() == ""
    warehouse.in_transaction(executing("create table t (i int)", "insert into t values (1)"))
    assert warehouse.meddling() == ""
    warehouse.commit()
    warehouse.in_transaction(executing("insert into t values (2)"))
    assert warehouse.meddling() == ""
    assert not warehouse.mixed


@pytest.mark.parametrize(
    "action",
    [
        executing("commit"),
        executing("rollback"),
        executing("commit", "begin transaction"),
        lambda cursor: cursor.commit(),
        lambda cursor: cursor.rollback(),
        lambda cursor: cursor.close(),
    ],
)
def test_a_transaction_that_somebody_ended_is_noticed(
    warehouse: Warehouse, action: Callable[[Cursor], Any]
) -> None:
    warehouse.in_transaction(executing("create table t (i int)"))
    warehouse.in_transaction(action)
    assert "transaction" in warehouse.meddling()
    assert warehouse.mixed


def test_it_is_noticed_where_something_failed_afterwards(warehouse: Warehouse) -> None:
    with pytest.raises(duckdb.Error, match="no_such_table"):
        warehouse.in_transaction(executing("commit", "select * from no_such_table"))
    assert warehouse.mixed
    assert warehouse.rolled_back
    assert "ended the transaction" in warehouse.meddling()


def test_a_statement_that_fails_is_no_meddling(warehouse: Warehouse) -> None:
    with pytest.raises(duckdb.Error, match="no_such_table"):
        warehouse.in_transaction(executing("select * from no_such_table"))
    assert warehouse.rolled_back
    assert not warehouse.mixed
    assert warehouse.meddling() == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("set default_null_order = 'nulls_first'", "default_null_order"),
        ("set global default_order = 'desc'", "default_order"),
        ("set memory_limit = '500MB'", "memory_limit"),
        ("set threads = 1000", "threads"),
        ("set TimeZone = 'Asia/Tokyo'", "TimeZone"),
        ("set schema = 'pg_catalog'", "schema"),
        ("use pg_catalog", "schema"),
        ("set fsync_mode = 'none'", "fsync_mode"),
    ],
)
def test_a_setting_that_somebody_changed_is_named(
    warehouse: Warehouse, text: str, name: str
) -> None:
    warehouse.in_transaction(executing(text))
    assert f"setting {name} from" in warehouse.meddling()
    assert not warehouse.mixed


def test_what_the_kernel_changes_itself_is_no_meddling(warehouse: Warehouse) -> None:
    warehouse.in_transaction(executing("select 1"))
    warehouse.commit()
    warehouse.apply({"threads": 1})
    warehouse.in_transaction(executing("select 1"))
    assert warehouse.meddling() == ""


def test_a_reader_sees_what_is_committed_and_writes_nothing(warehouse: Warehouse) -> None:
    warehouse.in_transaction(executing("create table t as select 1 as i"))
    warehouse.commit()
    warehouse.in_transaction(executing("insert into t values (2)"))
    with warehouse.lend_reader() as cursor:
        assert cursor.execute("select * from t").fetchall() == [(1,)]
        cursor.execute("create temporary table own as select * from t")
        with pytest.raises(duckdb.Error, match="read-only"):
            cursor.execute("insert into t values (3)")
    assert warehouse.meddling() == ""


def test_what_a_reader_sets_for_itself_ends_with_it(warehouse: Warehouse) -> None:
    with warehouse.lend_reader() as cursor:
        cursor.execute("set schema = 'pg_catalog'")
        cursor.execute("create temporary table own (i int)")
    for lend in (warehouse.lend_reader, warehouse.connect):
        with lend() as cursor:
            found = "select current_schema(), count(*) from duckdb_tables()"
            assert cursor.execute(found).fetchall() == [("main", 0)]


@pytest.mark.parametrize("texts", [("commit",), ("rollback", "create table t (i int)")])
def test_a_reader_that_leaves_its_transaction_is_noticed(
    warehouse: Warehouse, texts: tuple[str, ...]
) -> None:
    with warehouse.lend_reader() as cursor:
        executing(*texts)(cursor)
    assert warehouse.mixed
    assert "to read" in warehouse.meddling()


def test_a_reader_may_be_closed(warehouse: Warehouse) -> None:
    with warehouse.lend_reader() as cursor:
        cursor.close()
    assert not warehouse.mixed
