"""Opening a DuckDB file, and what its errors mean to a user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planwise.errors import DatabaseLockedError, WarehouseError
from planwise.interruption import signals_wait

if TYPE_CHECKING:
    import duckdb

_NO_NETWORK_CONFIG: Mapping[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
}


def load_duckdb() -> None:
    """Import DuckDB as a whole: stopped in the middle of its import, it ends the process.

    Call it before the first ``import duckdb`` of a command.
    """
    with signals_wait():
        import duckdb  # noqa: F401  # what is loaded once is found by every later import


def connect(
    path: Path,
    *,
    read_only: bool = False,
    shared: bool = False,
    config: Mapping[str, Any] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file.

    Args:
        path: the file, or ``:memory:``.
        read_only: whether it may be written.
        shared: dbt opens the same file in this process, which DuckDB allows with the same
            configuration only: none is given then. Otherwise DuckDB is told from the start to
            fetch nothing: it would download an extension to read another program's file.
        config: what dbt connects with, where it is shared.

    Raises:
        DatabaseLockedError: another process has it open.
        WarehouseError: it is no DuckDB file, or cannot be read or written.
    """
    load_duckdb()
    import duckdb

    if read_only and not path.is_file():
        raise WarehouseError(f"{path}: no such database file")
    try:
        connection = duckdb.connect(
            str(path),
            read_only=read_only,
            config=dict(config or {}) if shared else dict(_NO_NETWORK_CONFIG),
        )
        # DuckDB opens a CSV or Parquet file too: as a view over it in a database in memory.
        if str(path) != ":memory:" and not _is_on_disk(connection):
            connection.close()
            raise WarehouseError(f"{path}: is no DuckDB database; give another file")
        return connection
    except UnicodeEncodeError as error:
        raise WarehouseError(f"{path}: cannot be opened: the path is not UTF-8") from error
    except duckdb.Error as error:
        message = first_line(error)
        if "set lock on file" in message:
            raise DatabaseLockedError(
                f"{path}: in use by another process ({message}); close it there, "
                "or give another file with --database"
            ) from error
        raise WarehouseError(f"{path}: cannot be opened: {message}") from error


def _is_on_disk(connection: duckdb.DuckDBPyConnection) -> bool:
    # All rows, so that no unfinished result is left on the connection.
    rows = connection.execute(
        "select path is not null from duckdb_databases() where database_name = current_database()"
    ).fetchall()
    return rows == [(True,)]


@contextmanager
def reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB file for reading, and close it at the end."""
    connection = connect(path, read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def first_line(error: BaseException) -> str:
    """The first line of an error's text."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
