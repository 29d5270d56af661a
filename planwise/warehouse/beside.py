"""A second connection, for what is done with a committed year while the next one runs.

It reads what was committed, whatever is committed meanwhile, and moves the log into the file. Its
queries run in the thread that calls, which :meth:`Beside.interrupt` interrupts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from planwise.checkpoints.tables import StoredShape, YearTable
from planwise.outputs import YearOutput
from planwise.warehouse.digests import columns_of, quoted, quoted_relation, year_digest
from planwise.warehouse.ledger import Ledger

if TYPE_CHECKING:
    import duckdb


class Beside:
    """The connection.

    Args:
        connection: a cursor of the database.
        year_column: the column that says to which year a row belongs.
        ledger: the run's rows in the database; None keeps no record.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        year_column: str,
        ledger: Ledger | None = None,
    ) -> None:
        self._connection = connection
        # No checkpoint can be asked for in a transaction, which hold() is.
        self._checkpointer = connection.cursor()
        self._ledger = ledger
        self._year_column = year_column

    def hold(self) -> None:
        """Let :meth:`table` read what is committed now, whatever is committed later.

        Until :meth:`release`, and in whichever thread.
        """
        self._connection.execute("begin transaction")
        # A transaction sees a database from its first look at it.
        self._connection.execute("select count(*) from duckdb_tables()").fetchall()

    def release(self) -> None:
        """End what :meth:`hold` began; nothing was written."""
        import duckdb

        try:
            self._connection.execute("commit")
        except duckdb.Error:  # a query of it failed, and its error is the one to tell
            self._connection.rollback()

    def table(self, output: YearOutput, year: int, *, earlier: StoredShape | None) -> YearTable:
        """What a year leaves of a table, as Arrow.

        Args:
            output: the table.
            year: the year.
            earlier: the table as it is stored of the year before: then the year's own rows are
                enough where it left the others alone. None: all of it.
        """
        name = quoted_relation(output.relation)
        columns = columns_of(self._connection, name)
        added = (
            output.by_year
            and self._year_column in columns
            and earlier is not None
            and earlier.columns == tuple(columns.items())
            and earlier.rows == self._rows(name, year)
        )
        # A relation, not execute(): its Arrow table is built without a second copy.
        select = f"select {_selected(columns)} from {name}"  # noqa: S608  # quoted
        if added:
            relation = self._connection.sql(
                f"{select} where {quoted(self._year_column)} = ?", params=[year]
            )
        else:
            relation = self._connection.sql(select)
        types = tuple(columns.values())
        table = relation.to_arrow_table()
        digest = year_digest(self._connection, output, year, self._year_column, columns)
        return YearTable(output.relation, year, table, types, added, digest)

    def digest(self, output: YearOutput, year: int) -> str:
        """The digest of what a year leaves of a table: of its own rows, or of all."""
        return year_digest(self._connection, output, year, self._year_column)

    def record_digests(self, year: int, digests: Mapping[str, str]) -> None:
        """Write the digests of a finished year into the ledger, in a transaction of its own."""
        if self._ledger is not None:
            self._ledger.record_digests(self._connection, year, digests)

    def checkpoint(self) -> bool:
        """Move everything committed from the log into the file.

        Call it before :meth:`release`, and before anything else is committed: where a transaction
        that is open began before the last commit, DuckDB 2.0 keeps each block that this replaces,
        in the file and in memory, for as long as there is always such a transaction.

        Returns:
            False if another thread writes to the file already: what is committed stays in the log
            then, as durable as in the file, until the next checkpoint.
        """
        import duckdb

        try:
            self._checkpointer.execute("checkpoint")
        except duckdb.TransactionException as error:
            if "Cannot CHECKPOINT" not in str(error):
                raise
            return False
        return True

    def interrupt(self) -> None:
        """Stop what runs in another thread."""
        self._connection.interrupt()
        self._checkpointer.interrupt()

    def close(self) -> None:
        """Close the connection."""
        self._checkpointer.close()
        self._connection.close()

    def _rows(self, name: str, year: int) -> int:
        """Rows that are not of a year."""
        column = quoted(self._year_column)
        sql = f"select count(*) from {name} where {column} is distinct from ?"  # noqa: S608  # quoted
        return int(self._connection.execute(sql, [year]).fetchall()[0][0])


def _selected(columns: Mapping[str, str]) -> str:
    """Columns for a SELECT; Arrow has no bit strings, which come back from texts."""
    return ", ".join(
        f"{quoted(name)}::varchar as {quoted(name)}" if kind == "BIT" else quoted(name)
        for name, kind in columns.items()
    )
