"""A pool of DuckDB cursors over one database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from planwise.errors import UsageError, WarehouseError

if TYPE_CHECKING:
    import duckdb


class ConnectionPool:
    """Lends cursors of one connection; a cursor is one thread's at a time.

    Cursors see one another's committed work and share settings that are global (``threads``,
    ``memory_limit``), but not transactions.

    Args:
        connection: the connection that owns the database; the pool does not close it.
        size: how many cursors exist at most, 1 to 64.
        wait_s: how long to wait for a free cursor.

    Raises:
        UsageError: the size is out of range.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, size: int, *, wait_s: float = 60.0
    ) -> None:
        check_pool_size(size)
        self.size = size
        self._connection = connection
        self._wait_s = wait_s
        self._changed = threading.Condition()
        self._free: list[duckdb.DuckDBPyConnection] = []
        self._lent = 0
        self._closed = False

    @contextmanager
    def get_connection(self, *, again: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a cursor; an open transaction is rolled back when it returns.

        Args:
            again: whether it may have been lent before, and is lent again: with the settings of
                its session and its temporary tables.

        Raises:
            WarehouseError: the pool is closed, or every cursor is out for too long.
        """
        cursor = self._take(again=again)
        try:
            yield cursor
        finally:
            self._give_back(cursor, again=again)

    def close(self) -> None:
        """Close the cursors that are not lent; lent ones are closed as they return."""
        with self._changed:
            self._closed = True
            while self._free:
                self._free.pop().close()
            self._changed.notify_all()

    def _take(self, *, again: bool) -> duckdb.DuckDBPyConnection:
        with self._changed:
            free = self._changed.wait_for(
                lambda: self._closed or self._lent < self.size, timeout=self._wait_s
            )
            if self._closed:
                raise WarehouseError("the connection pool is closed; make a new engine")
            if not free:
                raise WarehouseError(
                    f"all {self.size} connections were in use for {self._wait_s:g} s; "
                    "return them sooner, or make the pool larger"
                )
            cursor = self._free.pop() if again and self._free else self._connection.cursor()
            self._lent += 1
            return cursor

    def _give_back(self, cursor: duckdb.DuckDBPyConnection, *, again: bool) -> None:
        usable = _rolled_back(cursor)
        with self._changed:
            self._lent -= 1
            if self._closed or not (usable and again):
                cursor.close()
            else:
                self._free.append(cursor)
            self._changed.notify()


def _rolled_back(cursor: duckdb.DuckDBPyConnection) -> bool:
    """End an open transaction; gives whether the cursor can be used again."""
    import duckdb

    try:
        cursor.rollback()
    except duckdb.TransactionException:
        return True  # the usual case: no transaction was open
    except duckdb.Error:
        return False  # the borrower closed it, or the database is broken
    return True


def check_pool_size(size: int) -> None:
    """Refuse a pool size outside 1 to 64.

    Raises:
        UsageError: with the range.
    """
    if not 1 <= size <= 64:
        raise UsageError(f"pool size: expected 1 to 64, got {size}")
