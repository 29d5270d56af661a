"""The connection pool."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from planwise.errors import UsageError, WarehouseError
from planwise.warehouse.pool import ConnectionPool, check_pool_size


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        opened.execute("create table t (n integer)")
        yield opened


def one(cursor: duckdb.DuckDBPyConnection, sql: str) -> object:
    row = cursor.execute(sql).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("size", [0, -1, 65, 10**9])
def test_sizes_that_are_refused(connection: duckdb.DuckDBPyConnection, size: int) -> None:
    with pytest.raises(UsageError, match=f"pool size: expected 1 to 64, got {size}"):
        ConnectionPool(connection, size)


@pytest.mark.parametrize("size", [1, 2, 64])
def test_so_many_at_once_and_no_more(connection: duckdb.DuckDBPyConnection, size: int) -> None:
    check_pool_size(size)
    pool = ConnectionPool(connection, size, wait_s=0.01)
    lent = [pool.get_connection() for _ in range(size)]
    cursors = [each.__enter__() for each in lent]
    assert len({id(cursor) for cursor in cursors}) == size
    assert all(one(cursor, "select 42") == 42 for cursor in cursors)
    with pytest.raises(WarehouseError, match=f"all {size} connections were in use"):
        pool.get_connection().__enter__()
    lent[0].__exit__(None, None, None)
    with pool.get_connection() as again:
        assert again is cursors[0]
    for each in lent[1:]:
        each.__exit__(None, None, None)
    pool.close()


def test_the_wait_is_said_as_it_was(connection: duckdb.DuckDBPyConnection) -> None:
    pool = ConnectionPool(connection, 1, wait_s=0.25)
    with pool.get_connection(), pytest.raises(WarehouseError, match=r"in use for 0\.25 s"):
        pool.get_connection().__enter__()


def test_who_waits_gets_the_next_one_that_returns(connection: duckdb.DuckDBPyConnection) -> None:
    pool = ConnectionPool(connection, 1, wait_s=30)
    with ThreadPoolExecutor(1) as threads:
        with pool.get_connection() as first:
            waiting = threads.submit(lambda: pool.get_connection().__enter__())
            assert not waiting.done()
        assert waiting.result(timeout=30) is first


def test_many_threads_share_few_cursors(connection: duckdb.DuckDBPyConnection) -> None:
    pool = ConnectionPool(connection, 3)
    lock = threading.Lock()
    out: set[int] = set()
    most = 0

    def insert(number: int) -> None:
        nonlocal most
        with pool.get_connection() as cursor:
            with lock:
                assert id(cursor) not in out
                out.add(id(cursor))
                most = max(most, len(out))
            cursor.execute("insert into t values (?)", [number])
            with lock:
                out.remove(id(cursor))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(insert, range(200)))
    assert 1 <= most <= 3
    with pool.get_connection() as cursor:
        assert one(cursor, "select sum(n) from t") == sum(range(200))


def test_a_transaction_left_open_is_rolled_back(connection: duckdb.DuckDBPyConnection) -> None:
    pool = ConnectionPool(connection, 1)
    with pool.get_connection() as cursor:
        cursor.execute("begin")
        cursor.execute("insert into t values (1)")
    with pool.get_connection() as cursor:
        assert one(cursor, "select count(*) from t") == 0
        cursor.execute("begin")
        cursor.execute("insert into t values (2)")
        cursor.execute("commit")
    with pool.get_connection() as cursor:
        assert one(cursor, "select count(*) from t") == 1


def test_a_cursor_comes_back_from_an_error(connection: duckdb.DuckDBPyConnection) -> None:
    pool = ConnectionPool(connection, 1, wait_s=0.01)

    def fail() -> None:
        with pool.get_connection() as cursor:
            cursor.execute("begin")
            cursor.execute("insert into t values (1)")
            cursor.execute("select * from no_such_table")

    for _ in range(3):
        with pytest.raises(duckdb.CatalogException):
            fail()
    with pool.get_connection() as cursor:
        assert one(cursor, "select count(*) from t") == 0


def test_a_transaction_that_is_aborted_is_no_obstacle(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    pool = ConnectionPool(connection, 1, wait_s=0.01)
    with pool.get_connection() as cursor:
        cursor.execute("begin")
        with pytest.raises(duckdb.Error):
            cursor.execute("insert into t values ('x')")
    with pool.get_connection() as cursor:
        assert one(cursor, "select 1") == 1


def test_a_result_half_read_is_no_obstacle(connection: duckdb.DuckDBPyConnection) -> None:
    pool = ConnectionPool(connection, 1, wait_s=0.01)
    with pool.get_connection() as cursor:
        cursor.execute("select * from range(1000000)").fetchone()
    with pool.get_connection() as cursor:
        assert cursor.execute("select 7").fetchall() == [(7,)]


def test_a_cursor_that_its_borrower_closed_is_replaced(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    pool = ConnectionPool(connection, 1, wait_s=0.01)
    for _ in range(3):
        with pool.get_connection() as cursor:
            cursor.close()
    with pool.get_connection() as cursor:
        assert one(cursor, "select 1") == 1


def test_who_waits_gets_the_place_of_a_closed_cursor(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    pool = ConnectionPool(connection, 1, wait_s=30)
    with ThreadPoolExecutor(1) as threads:
        with pool.get_connection() as lent:
            waiting = threads.submit(lambda: one(pool.get_connection().__enter__(), "select 1"))
            lent.close()
        assert waiting.result(timeout=20) == 1


def test_a_query_interrupted_elsewhere_is_no_obstacle(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    pool = ConnectionPool(connection, 1, wait_s=0.01)
    with pool.get_connection() as cursor:
        timer = threading.Timer(0.1, cursor.interrupt)
        timer.start()
        with pytest.raises(duckdb.InterruptException):
            cursor.execute("select count(*) from range(1000000) a, range(1000000) b")
        timer.join()
    with pool.get_connection() as cursor:
        assert one(cursor, "select 1") == 1


def test_settings_are_shared(connection: duckdb.DuckDBPyConnection) -> None:
    """As scripts expect that were written for another engine: SET on one, seen by all."""
    pool = ConnectionPool(connection, 2)
    with pool.get_connection() as left, pool.get_connection() as right:
        left.execute("SET threads = 3")
        assert one(right, "select current_setting('threads')") == 3


def test_a_closed_pool_lends_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    pool = ConnectionPool(connection, 2)
    with pool.get_connection() as lent:
        pool.close()
        assert one(lent, "select 1") == 1  # who has one may finish
    with pytest.raises(duckdb.ConnectionException):
        lent.execute("select 1")
    with pytest.raises(WarehouseError, match="closed"):
        pool.get_connection().__enter__()
    pool.close()
    assert one(connection, "select 1") == 1  # the owner closes it


def test_who_waits_while_the_pool_closes_is_told_at_once(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    pool = ConnectionPool(connection, 1, wait_s=30)
    with ThreadPoolExecutor(1) as threads:
        with pool.get_connection():
            waiting = threads.submit(lambda: pool.get_connection().__enter__())
            pool.close()
        with pytest.raises(WarehouseError, match="closed"):
            waiting.result(timeout=20)
