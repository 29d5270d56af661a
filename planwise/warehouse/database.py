"""The DuckDB database of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from planwise.errors import WarehouseError
from planwise.interruption import call_interruptibly
from planwise.values import SettingValue
from planwise.warehouse.beside import Beside
from planwise.warehouse.catalog import relations_of, rows_of
from planwise.warehouse.digests import quoted
from planwise.warehouse.ledger import Ledger
from planwise.warehouse.opening import connect, first_line
from planwise.warehouse.pool import ConnectionPool
from planwise.warehouse.profiling import measuring
from planwise.warehouse.watching import ENDED, Watch, how_it_ended, transaction_of

if TYPE_CHECKING:
    import duckdb

    from planwise.warehouse.recording import Recorder

_T = TypeVar("_T")
_NO_NETWORK = (
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set allow_community_extensions = false",
    "set allow_persistent_secrets = false",
)


class Warehouse:
    """One database with a pool of cursors. dbt, in the same process, shares its instance.

    Args:
        path: the database file; it and its folder are made when it is opened.
        pool_size: cursors at most.
        year_column: the column that says to which year a row belongs.
        config: what a user's profile connects with.
        session_settings: what a user's profile SETs on each cursor.
        recorder: writes down every statement, or None.
        ledger: the run, whose phases are recorded as they are committed; None keeps no record.
        profile: whether statements in the transaction are profiled, operator by operator.

    Attributes:
        committed: the years that were committed with their ledger row, in order.
        mixed: whether somebody may have committed what only the kernel commits. What of it is a
            finished year's cannot be told then.
        rolled_back: whether a transaction was rolled back since somebody last said that none was.
    """

    def __init__(
        self,
        path: Path,
        pool_size: int,
        year_column: str = "simulation_year",
        *,
        config: Mapping[str, Any] | None = None,
        session_settings: Mapping[str, Any] | None = None,
        recorder: Recorder | None = None,
        ledger: Ledger | None = None,
        profile: bool = False,
    ) -> None:
        self._config = dict(config or {})
        self._session_settings = dict(session_settings or {})
        self._path = path
        self._pool_size = pool_size
        self._year_column = year_column
        self._recorder = recorder
        self._profile = profile
        self.ledger = ledger
        self.committed: list[int] = []
        self.mixed = False
        self.rolled_back = False
        self._watch = Watch()
        self._wrong = ""
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._pool: ConnectionPool | None = None
        self._beside: Beside | None = None
        self._session: duckdb.DuckDBPyConnection | None = None
        self._in_transaction = False

    def open(self, settings: Mapping[str, SettingValue]) -> None:
        """Open the file and apply the settings.

        Settings are SET after connecting, not passed as configuration: dbt opens the same file,
        and DuckDB refuses a second connection with another configuration.

        Raises:
            WarehouseError: the file cannot be opened, or DuckDB refuses a setting.
        """
        self._connection = connect(self._path, shared=True, config=self._config)
        if self._recorder is not None:
            self._connection = self._recorder.recorded(self._connection)
        for statement in _NO_NETWORK:
            self._connection.execute(statement)
        self.apply(settings)
        self._pool = ConnectionPool(self._connection, self._pool_size)
        self._beside = Beside(self._connection.cursor(), self._year_column, self.ledger)

    def apply(self, settings: Mapping[str, SettingValue]) -> None:
        """Change global settings of the open database.

        Raises:
            WarehouseError: DuckDB refuses one; it is named.
        """
        import duckdb

        self._watch.forget_settings()
        for name, value in settings.items():
            try:
                self._require().execute(f"set global {quoted(name)} = {literal(value)}")
            except duckdb.Error as error:
                raise WarehouseError(
                    f"DuckDB refuses the setting {name} = {value!r}: {first_line(error)}"
                ) from error

    @property
    def path(self) -> Path:
        """The database file."""
        return self._path

    @property
    def pool(self) -> ConnectionPool:
        """The pool of the open database.

        Raises:
            WarehouseError: it is not open.
        """
        if self._pool is None:
            raise WarehouseError("the database is not open")
        return self._pool

    def connect(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Lend a cursor, as a context manager."""
        return self.pool.get_connection()

    @contextmanager
    def lend_reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a cursor that reads what is committed, and writes temporary tables alone.

        Nobody is lent it again: whatever is set on it ends with it.
        """
        with self.pool.get_connection(again=False) as cursor:
            cursor.execute("begin transaction read only")
            begun = transaction_of(cursor)
            yield cursor
            if how_it_ended(cursor, begun) == ENDED:  # one that was closed has rolled back
                self._note_wrong("wrote with a cursor that it was lent to read, or tried to")

    def query(self, action: Callable[[duckdb.DuckDBPyConnection], _T]) -> _T:
        """Run queries on a cursor, in a thread, so that Ctrl-C interrupts them at once.

        Args:
            action: is given the cursor.
        """
        with self.connect() as cursor:
            return call_interruptibly(lambda: action(cursor), cursor.interrupt)

    def in_transaction(self, action: Callable[[duckdb.DuckDBPyConnection], _T]) -> _T:
        """Call a function with the cursor of the one transaction, in a thread as :meth:`query`.

        The first call begins the transaction; :meth:`commit` ends it. If the function raises, all
        of it is rolled back. What each statement held in temporary files is measured, and found by
        ``get_profiling_information`` of the cursor.

        Args:
            action: is given the cursor; it neither commits nor rolls back.
        """
        with self.lend_transaction() as session:
            return call_interruptibly(lambda: action(session), session.interrupt)

    @contextmanager
    def lend_transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend the cursor of the one transaction, for one thread to use it and to interrupt it.

        The first call begins the transaction. If the block raises, all of it is rolled back.
        """
        if self._session is None:
            self._session = self._require().cursor()
            for statement in measuring(profile=self._profile):
                self._session.execute(statement)
            for name, value in self._session_settings.items():
                self._session.execute(f"set {quoted(name)} = {literal(value)}")
        session = self._session
        if not self._in_transaction:
            session.execute("begin transaction")
            self._in_transaction = True
            self._watch.begin(session)
        try:
            yield session
        except BaseException:
            self.rollback()
            raise

    def run_script(self, file: Path, values: Mapping[str, SettingValue]) -> None:
        """Execute a file of SQL in the transaction, statement by statement.

        Args:
            file: UTF-8 text.
            values: what a statement may name as ``$name``; bound, never pasted.

        Raises:
            WarehouseError: the file cannot be read, or a statement fails.
        """
        import duckdb

        def execute(cursor: duckdb.DuckDBPyConnection) -> None:
            for statement in cursor.extract_statements(text):
                wanted = {name: values[name] for name in statement.named_parameters}
                cursor.execute(statement, wanted or None)

        self._watch.forget_settings()  # the script is the user's own, and may change them
        try:
            text = file.read_text(encoding="utf-8")
            self.in_transaction(execute)
        except (OSError, UnicodeDecodeError) as error:
            raise WarehouseError(f"{file}: cannot be read: {error}") from error
        except KeyError as error:
            known = ", ".join(f"${name}" for name in values)
            raise WarehouseError(f"{file}: ${error.args[0]} is not given, only {known}") from error
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise WarehouseError(f"{file}: {first_line(error)}") from error

    def commit(self) -> None:
        """End the transaction, if there is one; its tables are then there for everybody.

        Raises:
            WarehouseError: it could not be committed.
        """
        import duckdb

        session = self._session
        if session is None or not self._in_transaction:
            return
        self._in_transaction = False
        try:
            call_interruptibly(lambda: session.execute("commit"), session.interrupt)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise WarehouseError(
                f"{self._path}: what was computed could not be committed: {first_line(error)}"
            ) from error

    def commit_phase(self, year: int | None) -> None:
        """End the transaction of a year, or for None of the foundation, with its ledger row inside.

        A COMMIT that returns proves nothing (after a failed statement it has rolled back), and one
        that raises disproves nothing: the ledger is read again, and what it says holds.

        Raises:
            WarehouseError: the phase is not in the database.
        """
        ledger = self.ledger
        if ledger is None:
            self.commit()
            return

        def record(cursor: duckdb.DuckDBPyConnection) -> None:
            if year is None:
                ledger.record_run(cursor)
            else:
                ledger.record_year(cursor, year)

        self.in_transaction(record)
        failed: WarehouseError | None = None
        try:
            self.commit()
        except WarehouseError as error:
            failed = error
        if not self._is_recorded(ledger, year):
            raise failed or WarehouseError(
                f"{self._path}: DuckDB did not commit {year or 'the foundation'}: a statement "
                "before had failed unnoticed"
            )
        if year is not None:
            self.committed.append(year)

    def _is_recorded(self, ledger: Ledger, year: int | None) -> bool:
        import duckdb

        try:
            return self.query(lambda cursor: ledger.has(cursor, year))
        except duckdb.InterruptException:
            raise
        except duckdb.Error:
            return False  # the database is invalidated; --resume opens it anew and reads it there

    def rollback(self) -> None:
        """Undo the open transaction, if there is one."""
        import duckdb

        if self._session is None or not self._in_transaction:
            return
        self._in_transaction, self.rolled_back = False, True
        if ended := self._watch.ended(self._session):
            self._note_wrong(ended)
        try:
            self._session.rollback()
        except duckdb.Error:
            # A transaction that failed has ended by itself; the first error is the one to tell.
            return

    def settings_may_change(self) -> None:
        """Somebody who may change settings is about to run: dbt, outside of the transaction."""
        self._watch.forget_settings()

    def meddling(self) -> str:
        """What somebody who was lent a cursor did that only the kernel may; empty if nothing.

        Ask before a phase is committed, and when it has failed.
        """
        if self._session is not None and not self._wrong:
            if self._in_transaction and (ended := self._watch.ended(self._session)):
                self._note_wrong(ended)
            else:
                self._wrong = self._watch.changed(self._session)
        return self._wrong

    def _note_wrong(self, what: str) -> None:
        self.mixed = True
        self._wrong = self._wrong or what

    def drop_tables(self, relations: Sequence[tuple[str, str]]) -> None:
        """Drop those of the relations that are tables; all of them, or none."""

        def drop(cursor: duckdb.DuckDBPyConnection) -> None:
            wanted = {(schema.lower(), name.lower()) for schema, name in relations}
            for place, kind in relations_of(cursor).items():
                if kind == "table" and place[0] != "temp" and place[1:] in wanted:
                    cursor.execute(f"drop table {'.'.join(map(quoted, place))}")

        self.in_transaction(drop)
        self.commit()

    def existing(self) -> dict[tuple[str, str, str], str]:
        """Tables and views that are committed, by (database, schema, name) in lower case."""
        return self.query(relations_of)

    def row_counts(self, relations: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Rows of those relations that are tables; views are left out: counting would run them.

        In the open transaction, if there is one: nobody else sees what it wrote.
        """

        def count(cursor: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
            return rows_of(cursor, relations)

        return self.in_transaction(count) if self._in_transaction else self.query(count)

    def checkpoint(self) -> None:
        """Move everything committed from the log into the file."""
        self.query(lambda cursor: cursor.execute("checkpoint"))

    @property
    def beside(self) -> Beside:
        """The second connection of the open database.

        Raises:
            WarehouseError: it is not open.
        """
        if self._beside is None:
            raise WarehouseError("the database is not open")
        return self._beside

    def close(self) -> None:
        """Close the pool and the database; safe to call twice."""
        self.rollback()
        if self._session is not None:
            self._session.close()
            self._session = None
        if self._beside is not None:
            self._beside.close()
            self._beside = None
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _require(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            raise WarehouseError("the database is not open")
        return self._connection


def literal(value: object) -> str:
    """A value as SQL text, in quotes; DuckDB casts it to the type of the setting."""
    return "'" + str(value).replace("'", "''") + "'"
