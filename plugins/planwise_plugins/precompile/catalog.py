"""What is in the database, as far as it decides how a node is materialised."""

from __future__ import annotations

from typing import Any, Literal

from attrs import frozen

from planwise.api import CompiledNode

Place = tuple[str, str, str]
"""(database, schema, identifier), in lower case."""


@frozen
class Relation:
    """A table or view.

    Attributes:
        kind: which of the two.
        guarded: whether the table has constraints or indexes.
    """

    kind: Literal["table", "view"]
    guarded: bool = False


def read_catalog(cursor: Any) -> dict[Place, Relation]:
    """Every table and view that a cursor sees."""
    rows = cursor.execute(
        "select lower(database_name), lower(schema_name), lower(table_name), 'table', "
        "has_primary_key or index_count > 0 or check_constraint_count > 0 "
        "from duckdb_tables() union all "
        "select lower(database_name), lower(schema_name), lower(view_name), 'view', false "
        "from duckdb_views() where not internal"
    ).fetchall()
    return {(row[0], row[1], row[2]): Relation(row[3], row[4]) for row in rows}


def place_of(node: CompiledNode) -> Place:
    """Where a node's table or view is."""
    database, schema, identifier = node.relation
    return database.lower(), schema.lower(), identifier.lower()
