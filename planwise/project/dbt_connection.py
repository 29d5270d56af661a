"""dbt on planwise's own connection, inside the open transaction, for the time of one invocation.

dbt-duckdb makes a connection of its own and commits each node. Here it is given a cursor that
planwise lends: its BEGIN, COMMIT and ROLLBACK do nothing, so that the kernel alone commits, and a
year with nodes of dbt is there as a whole or not at all. What cannot be done in this way is found
out before it is done: the invocation then fails with a :class:`LeavesTransactionError`, everything
is rolled back, and the kernel lets dbt use a connection of its own.

This module leans on private parts of dbt-duckdb 1.11: ``test_project_dbt_connection.py`` guards
them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from planwise.errors import LeavesTransactionError, ProjectError
from planwise.project.dbt_statements import judge

_BEGIN: Final = "BEGIN"
_COMMIT: Final = "COMMIT"
"""What dbt sends by itself, to the letter; whatever a project sends has a comment of dbt's."""
_ABORTED: Final = "transaction is aborted"
"""How DuckDB refuses what comes after the statement that failed."""
_WENT_ON: Final = "a statement failed, which dbt passed over"


class LentConnection:
    """What stands for dbt-duckdb's environment while dbt runs on a cursor of planwise.

    Args:
        cursor: DuckDB's, in an open transaction; nobody else uses it meanwhile.
    """

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.lock = threading.RLock()
        self._settings: frozenset[str] = frozenset()
        self._transaction = self._transaction_id()
        self._stopped = False
        self._aborted = ""
        self._leaves_because = ""
        self._undone = ""

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let the dbt invocation in the block use the cursor, whatever it used before."""
        from dbt.adapters.duckdb import environments
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager as Manager

        # Private, as there is no public way to hand dbt-duckdb a connection.
        before = (environments.create, Manager._ENV)  # noqa: SLF001  # as above
        environments.create, Manager._ENV = self._environment, None  # noqa: SLF001  # as above
        try:
            yield
        finally:
            environments.create, Manager._ENV = before  # noqa: SLF001  # as above

    def interrupt(self) -> None:
        """Stop the statement that runs and let no other begin; harmless when none runs."""
        self._stopped = True
        self.cursor.interrupt()

    def check(self, *, succeeded: bool) -> None:
        """Look at what an invocation left, before anything is committed.

        Args:
            succeeded: whether dbt says that it succeeded; if not, its message is the one to tell.

        Raises:
            LeavesTransactionError: dbt has to run outside of the transaction.
            ProjectError: the project ended the transaction behind our back.
        """
        if self._leaves_because:
            raise LeavesTransactionError(self._leaves_because)
        if not succeeded:
            return
        if self._undone or self._aborted:
            raise LeavesTransactionError(self._undone or _WENT_ON)
        if self._transaction_id() != self._transaction:
            raise ProjectError(
                "a Python model ended the transaction that it runs in; let it neither commit nor "
                "roll back"
            )

    def admit(self, sql: str, session: _Session) -> None:
        """Let a statement pass, or refuse it.

        Args:
            sql: what dbt is about to execute.
            session: for whom.

        Raises:
            DbtRuntimeError: it is refused; :meth:`check` says why.
        """
        if self._aborted and session.failed:
            self.leave(_WENT_ON)
        self.refuse_if_over()
        if sql in self._settings:
            return
        found = judge(self.cursor, sql)
        if found.refusal:
            self.leave(found.refusal)
            self.refuse_if_over()
        session.wrote = session.wrote or found.writes
        if found.temporary:
            session.note_temporary()

    def failed(self, error: BaseException, session: _Session) -> None:
        """A statement failed: find out whether the transaction did."""
        import duckdb

        if isinstance(error, duckdb.TransactionException) and _ABORTED not in str(error):
            # Between two nodes of one transaction, where dbt has one for each.
            self.leave(f"DuckDB refuses it in one transaction with others: {_first_line(error)}")
        if not self.alive():
            session.failed, self._aborted = True, _first_line(error)

    def alive(self) -> bool:
        """Whether the transaction goes on, whatever failed in it."""
        import duckdb

        try:
            self.cursor.execute("select 1").fetchall()
        except duckdb.Error:
            return False
        return True

    def leave(self, reason: str) -> None:
        """dbt has to run outside; the first reason is the one that counts."""
        self._leaves_because = self._leaves_because or reason

    def undo(self, session: _Session) -> None:
        """dbt rolled back what a session wrote: nothing, or what only a rollback of all undoes."""
        if session.wrote:
            self._undone = "dbt rolls back what a node wrote, and goes on"

    def usable(self) -> bool:
        """Whether statements can still be executed."""
        return not (self._stopped or self._aborted or self._leaves_because)

    def settings(self) -> Any:
        """The settings and variables of the session, for a comparison."""
        return self.cursor.execute(
            "select name, value from duckdb_settings() union all "
            "select name, value::varchar from duckdb_variables() order by all"
        ).fetchall()

    def own_settings(self, statements: frozenset[str]) -> None:
        """SETs of the profile, which planwise's session has already."""
        self._settings = statements

    def _environment(self, credentials: Any) -> _Environment:
        return _Environment(self, credentials)

    def refuse_if_over(self) -> None:
        """Refuse whatever comes after an interruption, a failure or a reason to leave.

        Raises:
            DbtRuntimeError: there was one.
        """
        from dbt_common.exceptions import DbtRuntimeError

        if self._stopped:
            raise DbtRuntimeError("interrupted")
        if self._leaves_because:
            raise DbtRuntimeError(self._leaves_because)
        if self._aborted:
            raise DbtRuntimeError(f"not run, since something else failed: {self._aborted}")

    def _transaction_id(self) -> Any:
        return self.cursor.execute("select txid_current()").fetchall()


class _Environment:
    """dbt-duckdb's environment: a handle for each of dbt's connections, and Python models.

    Profiles with plugins, attached databases and the like are never run here, so that nothing
    of a LocalEnvironment is missing but what would open the file.
    """

    def __init__(self, lent: LentConnection, credentials: Any) -> None:
        from dbt.adapters.duckdb.utils import escape_sql_string

        self.creds = credentials
        self._lent = lent
        # Python models of dbt-duckdb send these again, for a cursor that they take for another.
        lent.own_settings(
            frozenset(
                f"SET {key} = '{escape_sql_string(value)}'"
                for key, value in (credentials.settings or {}).items()
            )
        )

    def handle(self) -> _Handle:
        """What dbt takes for a connection."""
        return _Handle(self._lent)

    def submit_python_job(self, handle: Any, parsed_model: Any, compiled_code: str) -> Any:
        """Run a Python model as a LocalEnvironment does."""
        from dbt.adapters.contracts.connection import AdapterResponse
        from dbt.adapters.duckdb.environments.local import LocalEnvironment

        # dbt hands over the handle of its connection, or what stands for it until it is opened.
        session = handle.cursor()
        before = self._lent.settings()
        try:
            LocalEnvironment.run_python_job(
                session,
                lambda name: session.query(f"select * from {name}"),  # noqa: S608  # dbt's own text
                parsed_model["alias"],
                compiled_code,
                self.creds,
            )
        except Exception as error:
            # It may have come from a relation, whose statements nobody looks at.
            if _ABORTED in str(error):
                self._lent.leave(_WENT_ON)
            self._lent.failed(error, session)
            raise
        if not self._lent.alive():
            self._lent.leave(_WENT_ON)
        elif self._lent.settings() != before:
            self._lent.leave("a Python model changes the settings of its session")
        return AdapterResponse(_message="OK")

    def load_source(self, plugin_name: str, source_config: Any) -> None:
        """Leave it to dbt's own environment."""
        del source_config
        self._lent.leave(f"asks the plugin {plugin_name} of dbt-duckdb for a source")
        self._lent.refuse_if_over()

    def store_relation(self, plugin_name: str, target_config: Any) -> None:
        """Leave it to dbt's own environment, which can make some plugins by itself."""
        del target_config
        self._lent.leave(f"hands its table to the plugin {plugin_name} of dbt-duckdb")
        self._lent.refuse_if_over()

    def get_binding_char(self) -> str:
        """What stands for a bound value."""
        return "?"

    def close(self) -> None:
        """Nothing: the connection is planwise's."""

    @staticmethod
    def is_cancelable() -> bool:
        """Whether statements can be interrupted."""
        return True

    @staticmethod
    def cancel(connection: Any) -> None:
        """Interrupt what a connection executes."""
        connection.handle.cursor().interrupt()


class _Handle:
    """What dbt takes for a connection of its own; it lives as long as a node."""

    def __init__(self, lent: LentConnection) -> None:
        self._cursor = _Session(lent)

    def cursor(self) -> _Session:
        return self._cursor

    def rollback(self) -> None:
        self._cursor.rollback()

    def close(self) -> None:
        self._cursor.end()


class _Session:
    """What dbt takes for a cursor of its own, and leaves nothing behind.

    Attributes:
        wrote: whether it wrote something since dbt began a transaction.
        failed: whether a statement of it ended the transaction.
    """

    def __init__(self, lent: LentConnection) -> None:
        self._lent = lent
        self._temporary: set[tuple[str, str]] | None = None
        self._registered: list[str] = []
        self._begun = False
        self.wrote = False
        self.failed = False

    def execute(self, sql: Any, *bindings: Any) -> Any:
        lent = self._lent
        with lent.lock:
            if sql in (_BEGIN, _COMMIT):
                self._begun, self.wrote = sql == _BEGIN, False
                return self
            wrote = self.wrote
            lent.admit(str(sql), self)
            # What dbt does outside of a transaction it cannot roll back.
            self.wrote = self.wrote if self._begun else wrote
            given = bindings if bindings and bindings[0] is not None else ()
            try:
                return lent.cursor.execute(sql, *given)
            except Exception as error:
                lent.failed(error, self)
                raise

    def executemany(self, sql: Any, *bindings: Any) -> Any:
        with self._lent.lock:
            self._lent.admit(str(sql), self)
            return self._lent.cursor.executemany(sql, *bindings)

    def cursor(self) -> _Session:
        """Not another one, which would not see what is not committed."""
        return self

    duplicate = cursor

    def register(self, name: str, frame: Any) -> Any:
        import pyarrow

        if isinstance(frame, pyarrow.RecordBatchReader):
            # It may read from this very connection, which can execute one thing at a time.
            frame = frame.read_all()
        self._registered.append(name)
        return self._lent.cursor.register(name, frame)

    def begin(self) -> Any:
        return self.execute("begin transaction")

    def commit(self) -> Any:
        return self.execute("commit transaction")

    def checkpoint(self) -> Any:
        return self.execute("checkpoint")

    def rollback(self) -> Any:
        self._lent.undo(self)
        self._begun = self.wrote = False
        return self

    def close(self) -> None:
        """Nothing: a Python model may close what it takes for its own."""

    def note_temporary(self) -> None:
        """Remember what is temporary now: :meth:`end` drops what is added."""
        if self._temporary is None:
            self._temporary = self._temporaries()

    def end(self) -> None:
        """Drop what would have gone with a connection of dbt's own."""
        if not self._lent.usable():
            return  # all of it is rolled back
        for name in self._registered:
            self._lent.cursor.unregister(name)
        if self._temporary is not None:
            for kind, name in sorted(self._temporaries() - self._temporary):
                quoted = name.replace('"', '""')
                self._lent.cursor.execute(f'drop {kind} if exists temp.main."{quoted}"')
        self._registered, self._temporary = [], None

    def _temporaries(self) -> set[tuple[str, str]]:
        rows = self._lent.cursor.execute(
            "select 'table', table_name from duckdb_tables() where database_name = 'temp' "
            "union all select 'view', view_name from duckdb_views() "
            "where database_name = 'temp' and not internal"
        ).fetchall()
        return set(rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lent.cursor, name)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
