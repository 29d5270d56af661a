"""What is in a database: its tables and views, and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from planwise.warehouse.digests import quoted, tables_of

if TYPE_CHECKING:
    import duckdb


def relations_of(cursor: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], str]:
    """Tables and views that a cursor sees, by (database, schema, name) in lower case."""
    rows = cursor.execute(
        "select lower(database_name), lower(schema_name), lower(table_name), 'table' "
        "from duckdb_tables() union all "
        "select lower(database_name), lower(schema_name), lower(view_name), 'view' "
        "from duckdb_views() where not internal"
    ).fetchall()
    return {(database, schema, name): kind for database, schema, name, kind in rows}


def rows_of(
    cursor: duckdb.DuckDBPyConnection, relations: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """Rows of those relations that are tables."""
    tables = set(tables_of(cursor))
    wanted = [relation for relation in relations if relation in tables]
    if not wanted:
        return {}
    ((here,),) = cursor.execute("select current_database()").fetchall()
    # With the database: a temporary table of the same name would be found first.
    counts = cursor.execute(
        " union all ".join(
            f"select {number}, count(*) from {quoted(here)}.{quoted(s)}.{quoted(t)}"  # noqa: S608  # quoted
            for number, (s, t) in enumerate(wanted)
        )
    ).fetchall()
    return {wanted[number]: rows for number, rows in counts}
