"""Recording of every statement that planwise sends to the database of a run.

A recording is a folder: ``recording.json`` says what was recorded, ``statements.jsonl`` holds a
JSON object a line in the order in which the statements began, and each Arrow table that was
registered is an Arrow IPC file beside them. ``planwise/bench/floor.py`` replays it; the format is
described in docs/benchmarks.md.

A proxy stands in the place of the connection and of each cursor. What it does not know how to
record is carried out all the same and noted, and the replay then refuses. A query that names a
Python variable of the caller (a replacement scan) does not find it through the proxy: tables are
to be registered.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from planwise.errors import UsageError, WarehouseError

if TYPE_CHECKING:
    import duckdb

FORMAT_VERSION: Final = 1
HEADER: Final = "recording.json"
STATEMENTS: Final = "statements.jsonl"

_TRANSACTION: Final = re.compile(
    r"\s*(begin|start\s+transaction|commit|end|rollback|abort)(\s+transaction)?\s*;?\s*\Z",
    re.IGNORECASE,
)
_KINDS: Final = {"start": "begin", "end": "commit", "abort": "rollback"}
_FETCHES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("fetchall", "fetchmany"), "all"),
    "fetchone": "one",
    **dict.fromkeys(
        ("to_arrow_table", "fetch_arrow_table", "to_arrow_reader", "arrow", "df", "fetchdf"),
        "arrow",
    ),
}
"""Methods that fetch: as all rows, as one row, or in columns."""

_PASSIVE: Final = frozenset(
    {
        *("close", "description", "extract_statements", "get_profiling_information"),
        *("interrupt", "query_progress", "rowcount"),
    }
)
"""What sends nothing to the database."""


class Recorder:
    """Writes down what the connections that it wraps are told. Safe to use from several threads.

    Args:
        folder: where the recording goes; empty or not there yet.
        database: the file of the run; statements may name its folder and its catalog.

    Raises:
        UsageError: the folder holds something.
        WarehouseError: it cannot be made.
    """

    def __init__(self, folder: Path, database: Path) -> None:
        self._folder = folder
        self._database = database
        self._lock = threading.Lock()
        self._lines: list[dict[str, Any]] = []
        self._unrecorded: set[str] = set()
        self._cursors = 0
        self._tables: list[Path] = []
        self._finished = False
        refuse_full_folder(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WarehouseError(f"{folder}: cannot be made ({error.strerror})") from error

    def recorded(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        """The connection, every statement of which is recorded, and those of its cursors."""
        with self._lock:
            number = self._cursors
            self._cursors += 1
        return cast("duckdb.DuckDBPyConnection", _RecordedConnection(connection, self, number))

    def finish(self, *, dbt_nodes: int, nodes: int, settings: Mapping[str, Any]) -> None:
        """Write the recording; without this it is removed.

        Args:
            dbt_nodes: how many nodes dbt executed, perhaps over a connection of its own.
            nodes: how many nodes were executed at all.
            settings: the settings of DuckDB that were in force, for the reader: they are among
                the statements.

        Raises:
            WarehouseError: the folder cannot be written.
        """
        import duckdb

        with self._lock:
            lines = [line for line in self._lines if line]
            unrecorded = sorted(self._unrecorded)
        header = {
            "format_version": FORMAT_VERSION,
            "duckdb": duckdb.__version__,
            "database": self._database.name,
            "folder": str(self._database.parent),
            "statements": len(lines),
            "arrow_tables": len(self._tables),
            "nodes": nodes,
            "dbt_nodes": dbt_nodes,
            "unrecorded": unrecorded,
            "settings": {name: str(value) for name, value in settings.items()},
        }
        text = "".join(json.dumps(line) + "\n" for line in lines)
        try:
            (self._folder / STATEMENTS).write_text(text, encoding="utf-8")
            # Last: a folder with a header holds everything.
            (self._folder / HEADER).write_text(json.dumps(header, indent=1) + "\n", "utf-8")
        except OSError as error:
            raise WarehouseError(f"{self._folder}: {error.strerror}") from error
        self._finished = True

    def discard(self) -> None:
        """Remove what was written of a recording that was not finished."""
        if not self._finished:
            for file in (*self._tables, self._folder / STATEMENTS, self._folder / HEADER):
                file.unlink(missing_ok=True)

    def note(self, cursor: int, kind: str, **more: Any) -> dict[str, Any]:
        """Append a line; it may be changed, or emptied, until the recording is finished."""
        line = {"cursor": cursor, "kind": kind, **more}
        with self._lock:
            self._lines.append(line)
        return line

    def unrecorded(self, what: str) -> None:
        """Note that something was done that a replay would lack."""
        with self._lock:
            self._unrecorded.add(what)

    def store(self, table: Any) -> str | None:
        """Write a registered object as an Arrow IPC file; gives its name, None if it is no table.

        A reader can be read once only, and a relation is a query of its own: neither is stored.
        """
        import pyarrow

        if not isinstance(table, pyarrow.Table):
            return None
        with self._lock:
            file = self._folder / f"{len(self._tables)}.arrow"
            self._tables.append(file)
        with pyarrow.OSFile(str(file), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as w:
            w.write_table(table)
        return file.name


def refuse_full_folder(folder: Path) -> None:
    """Refuse a place for a recording that holds something already.

    Raises:
        UsageError: it is a file, or a folder that is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"--record-statements: {folder} is not an empty folder; give another, or empty it"
        )


@contextmanager
def recording(folder: Path | None, database: Path) -> Iterator[Recorder | None]:
    """A recorder for a run, or None without a folder; removed again if the run fails."""
    if folder is None:
        yield None
        return
    recorder = Recorder(folder, database)
    try:
        yield recorder
    finally:
        recorder.discard()


class _RecordedConnection:
    """Stands for a connection or cursor of DuckDB."""

    def __init__(self, real: Any, recorder: Recorder, number: int) -> None:
        self._real = real
        self._recorder = recorder
        self._number = number
        self._last: dict[str, Any] | None = None

    def cursor(self) -> Any:
        return self._recorder.recorded(self._real.cursor())

    def execute(self, query: Any, parameters: Any = None) -> Any:
        control = _TRANSACTION.match(query) if isinstance(query, str) else None
        if control:
            word = control[1].split()[0].lower()
            self._transaction(_KINDS.get(word, word), lambda: self._real.execute(query))
        else:
            self._statement("execute", query, parameters, self._real.execute)
        return self

    def executemany(self, query: Any, parameters: Any = None) -> Any:
        self._statement("executemany", query, parameters, self._real.executemany)
        return self

    def begin(self) -> Any:
        self._transaction("begin", self._real.begin)
        return self

    def commit(self) -> Any:
        self._transaction("commit", self._real.commit)
        return self

    def rollback(self) -> Any:
        self._transaction("rollback", self._real.rollback)
        return self

    def register(self, name: str, table: Any) -> Any:
        self._real.register(name, table)
        file = self._recorder.store(table)
        if file is None:
            self._recorder.unrecorded(f"register({type(table).__name__})")
        else:
            self._recorder.note(self._number, "register", name=name, arrow=file)
        return self

    def unregister(self, name: str) -> Any:
        self._real.unregister(name)
        self._recorder.note(self._number, "unregister", name=name)
        return self

    def sql(self, query: Any, **options: Any) -> Any:
        parameters = options.get("params")
        if self._runs_at_once(query):
            self._statement("execute", query, parameters, lambda *_: None)
            return self._real.sql(query, **options)
        return _RecordedRelation(self._real.sql(query, **options), self, query, parameters)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name in _FETCHES:
            self._fetched(_FETCHES[name])
        elif name not in _PASSIVE and not name.startswith("_"):
            self._recorder.unrecorded(f"connection.{name}")
        return found

    def note_relation(self, query: Any, parameters: Any, fetch: str) -> None:
        """A relation was fetched, which is when DuckDB runs its query."""
        self._note("relation", query, parameters)["fetch"] = fetch

    def note_unrecorded(self, what: str) -> None:
        """Something was done that a replay would lack."""
        self._recorder.unrecorded(what)

    def _runs_at_once(self, query: Any) -> bool:
        """Whether ``sql`` runs it: a query waits until its relation is fetched."""
        import duckdb

        kinds = [each.type for each in self._real.extract_statements(query)]
        return kinds != [duckdb.StatementType.SELECT]

    def _statement(
        self, kind: str, query: Any, parameters: Any, run: Callable[..., object]
    ) -> None:
        line = self._note(kind, query, parameters)
        self._last = line
        try:
            run(query) if parameters is None else run(query, parameters)
        except BaseException:
            line["failed"] = True
            raise

    def _note(self, kind: str, query: Any, parameters: Any) -> dict[str, Any]:
        if not isinstance(query, str):
            self._recorder.unrecorded(f"{kind}({type(query).__name__})")
        try:
            bound = _bound(parameters, many=kind == "executemany")
        except TypeError as error:
            self._recorder.unrecorded(f"a parameter of type {error}")
            bound = None
        return self._recorder.note(
            self._number, kind, sql=str(query), parameters=bound, fetch="none"
        )

    def _transaction(self, kind: str, run: Callable[[], object]) -> None:
        line = self._recorder.note(self._number, kind)
        self._last = None
        try:
            run()
        except BaseException:
            line.clear()  # there was none to end, which is asked for in this way
            raise

    def _fetched(self, how: str) -> None:
        if self._last is not None:
            again = self._last["fetch"] != "none"
            self._last["fetch"] = "all" if how == "one" and again else how


class _RecordedRelation:
    """Stands for a relation: it is recorded when it is fetched."""

    def __init__(
        self, real: Any, connection: _RecordedConnection, query: Any, parameters: Any
    ) -> None:
        self._real = real
        self._connection = connection
        self._query = query
        self._parameters = parameters

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name in _FETCHES:
            self._connection.note_relation(self._query, self._parameters, _FETCHES[name])
        elif name not in ("columns", "types", "description"):
            self._connection.note_unrecorded(f"relation.{name}")
        return found


def _bound(parameters: Any, *, many: bool) -> Any:
    """Bound values in JSON: a list, or an object for named ones; of ``executemany``, of these."""
    if parameters is None:
        return None
    if many:
        return [_bound(each, many=False) for each in parameters]
    if isinstance(parameters, Mapping):
        return {str(name): typed(value) for name, value in parameters.items()}
    return [typed(value) for value in parameters]


def typed(value: Any) -> Any:
    """A value in JSON: as itself where JSON has the type, else as a list of type and text.

    Raises:
        TypeError: there is no form for it; the type is named.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return ["float", value.hex()]
    if isinstance(value, decimal.Decimal):
        return ["decimal", str(value)]
    if isinstance(value, datetime.datetime):
        return ["datetime", value.isoformat()]
    if isinstance(value, datetime.date):
        return ["date", value.isoformat()]
    if isinstance(value, datetime.time):
        return ["time", value.isoformat()]
    if isinstance(value, datetime.timedelta):
        return ["timedelta", [value.days, value.seconds, value.microseconds]]
    if isinstance(value, bytes | bytearray):
        return ["bytes", base64.b64encode(value).decode("ascii")]
    if isinstance(value, Mapping):
        return ["map", [[typed(key), typed(each)] for key, each in value.items()]]
    if isinstance(value, Sequence):
        return ["list", [typed(each) for each in value]]
    raise TypeError(type(value).__name__)
