"""The floor: replays the statements of a recorded run, with nothing around them.

A script that stands alone and imports no part of planwise. ``python -I floor.py RECORDING
DATABASE`` opens a new database and sends it what planwise sent, in the same order, on one
connection. ``planwise simulate --record-statements DIR`` makes a recording; docs/benchmarks.md
describes it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import duckdb


class UnusableRecordingError(Exception):
    """A recording that cannot be replayed; the text says why."""


def main(arguments: list[str]) -> int:
    """Replay a recording; 0 done, 1 it cannot be, 2 wrong usage."""
    if len(arguments) != 2:
        print("usage: floor.py RECORDING DATABASE", file=sys.stderr)  # noqa: T201  # a script
        return 2
    folder, database = Path(arguments[0]), Path(arguments[1]).resolve()
    try:
        replay(folder, database)
    except (UnusableRecordingError, OSError, duckdb.Error) as error:
        print(f"floor: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201  # as above
        return 1
    return 0


def replay(folder: Path, database: Path) -> None:
    """Replay a recording into a new database.

    Args:
        folder: the recording.
        database: the file to make; statements name its catalog, so it is called as the original.

    Raises:
        UnusableRecordingError: the recording is not of the whole run, or the file is there.
        duckdb.Error: a statement fails that did not fail in the run.
    """
    header = json.loads(folder.joinpath("recording.json").read_text(encoding="utf-8"))
    _refuse_unusable(header, database)
    lines = folder.joinpath("statements.jsonl").read_text(encoding="utf-8").splitlines()
    original, own = (json.dumps(each)[1:-1] for each in (header["folder"], str(database.parent)))
    connection = duckdb.connect(str(database))
    try:
        open_transactions: set[int] = set()
        for line in lines:
            # The temporary folder lies beside the database.
            statement = json.loads(line.replace(original, own))
            _repeat(connection, folder, statement, open_transactions)
    finally:
        connection.close()


def _refuse_unusable(header: dict[str, Any], database: Path) -> None:
    if header["format_version"] != 1:
        raise UnusableRecordingError(f"format {header['format_version']} is not known")
    if header["dbt_nodes"]:
        raise UnusableRecordingError(
            f"dbt executed {header['dbt_nodes']} of the {header['nodes']} nodes of the recorded "
            "run over a connection of its own, which is not recorded; there is a floor only of a "
            "run whose every node planwise executed itself"
        )
    if header["unrecorded"]:
        raise UnusableRecordingError(
            f"the run did what a recording does not hold: {', '.join(header['unrecorded'])}"
        )
    if database.name != header["database"]:
        raise UnusableRecordingError(
            f"the database has to be called {header['database']}, as that of the recorded run: "
            "statements name its catalog"
        )
    if database.exists():
        raise UnusableRecordingError(f"{database}: is there already")


def _repeat(
    connection: duckdb.DuckDBPyConnection, folder: Path, line: dict[str, Any], begun: set[int]
) -> None:
    kind, cursor = line["kind"], line["cursor"]
    if kind in ("execute", "executemany", "relation"):
        parameters = line["parameters"]
        if line.get("failed") and begun and cursor not in begun:
            return  # it failed beside a transaction that it would abort here
        if parameters:
            many = kind == "executemany"
            parameters = [_bound(p) for p in parameters] if many else _bound(parameters)
        # A checkpoint beside a transaction is refused on the connection that is in it.
        beside = bool(begun) and line["sql"] == "checkpoint"
        try:
            _run(connection.cursor() if beside else connection, kind, line, parameters)
        except duckdb.Error as error:
            # In the run it came a moment before the year's first write; it changes no row.
            late = beside and isinstance(error, duckdb.TransactionException)
            if not (late or line.get("failed")):
                raise
    elif kind == "register":
        connection.register(line["name"], _arrow(folder / line["arrow"]))
    elif kind == "unregister":
        connection.unregister(line["name"])
    elif kind == "begin":
        # Transactions of several cursors that overlap become one.
        if not begun:
            connection.begin()
        begun.add(cursor)
    else:
        begun.discard(cursor)
        if kind == "commit" and not begun:
            connection.commit()
        elif kind == "rollback":
            if begun:
                raise UnusableRecordingError("a transaction was rolled back beside another one")
            connection.rollback()


def _run(
    connection: duckdb.DuckDBPyConnection, kind: str, line: dict[str, Any], parameters: Any
) -> None:
    sql, fetch = line["sql"], line["fetch"]
    if kind == "relation":
        relation = connection.sql(sql, params=parameters) if parameters else connection.sql(sql)
        relation.to_arrow_table() if fetch == "arrow" else relation.fetchall()
        return
    if kind == "executemany":
        connection.executemany(sql, parameters)
    elif parameters:
        connection.execute(sql, parameters)
    else:
        connection.execute(sql)
    if fetch == "arrow":
        connection.to_arrow_table()
    else:
        connection.fetchall()  # to its end: an unfinished result would keep the connection busy


def _arrow(file: Path) -> Any:
    import pyarrow

    return pyarrow.ipc.open_file(pyarrow.memory_map(os.fspath(file))).read_all()


def _bound(parameters: Any) -> Any:
    if isinstance(parameters, dict):
        return {name: _value(value) for name, value in parameters.items()}
    return [_value(value) for value in parameters]


def _value(value: Any) -> Any:
    """What planwise/warehouse/recording.py wrote as a list of type and text."""
    if not isinstance(value, list):
        return value
    kind, text = value
    if kind == "list":
        return [_value(each) for each in text]
    if kind == "map":
        return {_value(key): _value(each) for key, each in text}
    return _scalar(kind, text)


def _scalar(kind: str, text: Any) -> Any:
    import base64
    import datetime
    import decimal

    if kind == "float":
        return float.fromhex(text)
    if kind == "decimal":
        return decimal.Decimal(text)
    if kind == "timedelta":
        return datetime.timedelta(text[0], text[1], text[2])
    if kind == "bytes":
        return base64.b64decode(text)
    if kind not in ("date", "datetime", "time"):
        raise UnusableRecordingError(f"a parameter of unknown type '{kind}'")
    return getattr(datetime, kind).fromisoformat(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
