"""How the tables of two databases differ: the columns, and a few rows of each side.

``python -m planwise.bench.differences JSON`` prints it: a process of its own, so that the one that
measures stays small.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from planwise.warehouse.digests import quoted

if TYPE_CHECKING:
    import duckdb

_TABLES: Final = 5
_ROWS: Final = 3
_VALUE: Final = 40
_LINE: Final = 300
_SIDES: Final = ("one", "other")


@frozen
class _Table:
    """A table of both databases.

    Attributes:
        schema, name: unquoted.
        columns: those that both have with one type.
    """

    schema: str
    name: str
    columns: tuple[str, ...]

    def relation(self, side: str) -> str:
        return f"{side}.{quoted(self.schema)}.{quoted(self.name)}"


def differences(
    databases: tuple[Path, Path], names: tuple[str, str], tables: Sequence[str]
) -> list[str]:
    """Say how tables differ, in a text that does not grow with them.

    Rows are compared as digests compare them, as the texts of their values.

    Args:
        databases: two files.
        names: what to call them.
        tables: ``schema.table`` of tables that both have; after the first five the rest is counted.

    Returns:
        Lines: for each table a headline, then up to three rows of each side, the columns that
        differ first.
    """
    from planwise.warehouse.opening import connect

    lines: list[str] = []
    with connect(Path(":memory:")) as connection:
        for side, database in zip(_SIDES, databases, strict=True):
            file = str(database).replace("'", "''")
            connection.execute(f"attach '{file}' as {side} (read_only)")
        for table in tables[:_TABLES]:
            lines += _of_table(connection, table, names)
    if len(tables) > _TABLES:
        lines.append(f"{len(tables) - _TABLES} further tables differ")
    return lines


def _of_table(
    connection: duckdb.DuckDBPyConnection, table: str, names: tuple[str, str]
) -> list[str]:
    types = [_types(connection, side, table) for side in _SIDES]
    lines = []
    for own, other, name in ((types[0], types[1], names[0]), (types[1], types[0], names[1])):
        more = [f"{column} {kind}" for column, kind in own.items() if other.get(column) != kind]
        if more:
            lines.append(_cut(f"{table}: only {name} has the columns {', '.join(more)}"))
    shared = tuple(column for column, kind in types[0].items() if types[1].get(column) == kind)
    if not shared:
        return lines
    schema, name = _names(connection, table)
    found = _Table(schema, name, shared)
    texts = ", ".join(f"{quoted(c)}::varchar as {quoted(c)}" for c in shared)
    counts = []
    for side, against in (_SIDES, _SIDES[::-1]):
        mine, theirs = (f"select {texts} from {found.relation(s)}" for s in (side, against))  # noqa: S608  # identifiers are quoted
        connection.execute(
            f"create or replace temp table only_{side} as {mine} except all {theirs}"
        )
        counts.append(_rows(connection, f"only_{side}"))
    rows = [_rows(connection, found.relation(side)) for side in _SIDES]
    differing = [c for c in shared if _differs(connection, c)]
    where = f"; they differ in {', '.join(differing)}" if differing else ""
    lines.append(
        _cut(
            f"{table}: {counts[0]} of {rows[0]} rows only in {names[0]}, "
            f"{counts[1]} of {rows[1]} only in {names[1]}{where}"
        )
    )
    # By what is the same first, so that the rows of the two sides are in one order.
    same = [column for column in shared if column not in differing]
    order = ", ".join(map(quoted, [*same, *differing]))
    picked = ", ".join(map(quoted, [*differing, *same]))
    for side, name in zip(_SIDES, names, strict=True):
        sql = f"select {picked} from only_{side} order by {order} limit {_ROWS}"  # noqa: S608  # as above
        for row in connection.execute(sql).fetchall():
            pairs = zip([*differing, *same], row, strict=True)
            lines.append(_cut(f"  {name}: " + ", ".join(f"{c} = {_shown(v)}" for c, v in pairs)))
    return lines


def _types(connection: duckdb.DuckDBPyConnection, side: str, table: str) -> dict[str, str]:
    return dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns() where database_name = ? "
            "and schema_name || '.' || table_name = ? order by column_index",
            [side, table],
        ).fetchall()
    )


def _names(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[str, str]:
    """Schema and name: either may have a dot."""
    schema, name = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ? "
        "and schema_name || '.' || table_name = ?",
        [_SIDES[0], table],
    ).fetchall()[0]
    return str(schema), str(name)


def _differs(connection: duckdb.DuckDBPyConnection, column: str) -> bool:
    parts = [f"select {quoted(column)} from only_{side}" for side in _SIDES]  # noqa: S608  # as above
    one, other = (f"({a} except all {b})" for a, b in (parts, parts[::-1]))
    return _rows(connection, f"({one} union all {other})") > 0


def _rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(connection.execute(f"select count(*) from {relation}").fetchall()[0][0])  # noqa: S608  # as above


def _shown(value: str | None) -> str:
    if value is None:
        return "null"
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in value[: _VALUE + 1])
    return text if len(text) <= _VALUE else text[: _VALUE - 3] + "..."


def _cut(line: str) -> str:
    return line if len(line) <= _LINE else line[: _LINE - 3] + "..."


def main(argument: str) -> None:
    """Print the differences of the databases, names and tables that the JSON names."""
    words = json.loads(argument)
    one, other = words["databases"]
    first, second = words["names"]
    found = differences((Path(one), Path(other)), (first, second), words["tables"])
    sys.stdout.write("\n".join(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
