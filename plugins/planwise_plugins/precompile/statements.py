"""The statements of each materialisation, and their execution.

What dbt-duckdb 1.11 does in a transaction of its own, with a table built aside, renamed twice and
dropped, is one statement here: the whole year is one transaction, so nobody sees what is between.
"""

from __future__ import annotations

from typing import Any, Literal

from attrs import frozen

from planwise.api import CompiledNode
from planwise_plugins.precompile.catalog import Relation
from planwise_plugins.precompile.handover import starts_anew


@frozen
class Made:
    """What came of a node.

    Attributes:
        kind: what it is now.
        how: how it was made, for the report.
        rows: rows of the table; None for a view.
    """

    kind: Literal["table", "view"]
    how: str
    rows: int | None


@frozen
class HandOver:
    """A node that turned out to be dbt's, with nothing changed."""

    unique_id: str
    reason: str


def materialize(
    cursor: Any, node: CompiledNode, existing: Relation | None, *, full_refresh: bool
) -> Made | HandOver:
    """Execute a node inside the open transaction.

    Args:
        cursor: DuckDB's, in the transaction.
        node: a node that :func:`reason_for_dbt` leaves to us.
        existing: what is there under its name.
        full_refresh: whether incremental models and seeds start anew.

    Raises:
        duckdb.Error: a statement fails.
    """
    if node.materialized == "view":
        _clear(cursor, node, existing, unless="view")
        cursor.execute(f"create or replace view {node.relation_name} as (\n{node.sql[0]}\n)")
        return Made("view", "view", None)
    if node.materialized == "seed":
        return _seed(cursor, node, existing, full_refresh=full_refresh)
    if node.materialized == "incremental" and not starts_anew(node, existing, full_refresh):
        return _increment(cursor, node)
    _clear(cursor, node, existing, unless="table")
    # The parenthesis closes on a line of its own: a model may end in a comment.
    temporary = node.relation[0].lower() == "temp"
    table = "temporary table" if temporary else "table"
    text = f"create or replace {table} {node.relation_name} as (\n{node.sql[0]}\n)"
    rows = _count(cursor.execute(text).fetchall())
    return Made("table", f"temporary {node.materialized}" if temporary else node.materialized, rows)


def _clear(cursor: Any, node: CompiledNode, existing: Relation | None, *, unless: str) -> None:
    """Drop what has the node's name and is of the other type."""
    if existing is not None and existing.kind != unless:
        cursor.execute(f"drop {existing.kind} if exists {node.relation_name} cascade")


def _seed(
    cursor: Any, node: CompiledNode, existing: Relation | None, *, full_refresh: bool
) -> Made:
    create, *load = node.sql
    if existing is not None and not full_refresh:
        cursor.execute(f"truncate table {node.relation_name}")
    else:
        if existing is not None:
            cursor.execute(f"drop table if exists {node.relation_name} cascade")
        cursor.execute(create)
    rows = 0
    for statement in load:
        rows += _count(cursor.execute(statement).fetchall()) or 0
    return Made("table", "seed, loaded by DuckDB with dbt's types", rows)


def _increment(cursor: Any, node: CompiledNode) -> Made | HandOver:
    """Add to a table that is there: dbt's delete+insert and append, statement by statement."""
    strategy = node.config.get("incremental_strategy") or "default"
    key = node.config.get("unique_key") if strategy != "append" else None
    columns = _columns(cursor, node.relation_name)
    names = ", ".join(_quoted(name) for name, _ in columns)
    fixed = (node.config.get("on_schema_change") or "ignore") == "ignore"
    if not key and fixed:
        _insert(cursor, node, names, f"(\n{node.sql[0]}\n) as model_rows")
        return Made("table", "incremental, append", _rows_of(cursor, node))
    source = _quoted(f"{node.relation[2]}__planwise_new")
    cursor.execute(f"create or replace temporary table {source} as (\n{node.sql[0]}\n)")
    if not fixed and sorted(_columns(cursor, source)) != sorted(columns):
        cursor.execute(f"drop table {source}")
        return HandOver(node.unique_id, "its columns differ from those of its table")
    if key:
        cursor.execute(_delete(node, key, source))
    _insert(cursor, node, names, source)
    cursor.execute(f"drop table {source}")
    how = "incremental, delete+insert" if key else "incremental, append"
    return Made("table", how, _rows_of(cursor, node))


def _delete(node: CompiledNode, key: str | list[str], source: str) -> str:
    """dbt-duckdb's own two forms: a list is matched column by column, an expression by IN."""
    target = node.relation_name
    if isinstance(key, str):
        return f"delete from {target} where (\n{key}) in (\nselect ({key})\nfrom {source}\n)"  # noqa: S608  # dbt's own text: the key is an expression of the project
    matches = " and ".join(f"{source}.{each} = DBT_INCREMENTAL_TARGET.{each}" for each in key)
    return f"delete from {target} as DBT_INCREMENTAL_TARGET using {source} where (\n{matches}\n)"  # noqa: S608  # as above


def _insert(cursor: Any, node: CompiledNode, names: str, source: str) -> None:
    cursor.execute(f"insert into {node.relation_name} ({names}) (select {names} from {source})")  # noqa: S608  # names are quoted


def _columns(cursor: Any, relation: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in cursor.execute(f"describe {relation}").fetchall()]


def _rows_of(cursor: Any, node: CompiledNode) -> int | None:
    return _count(cursor.execute(f"select count(*) from {node.relation_name}").fetchall())  # noqa: S608  # dbt's own name


def _count(rows: list[tuple[Any, ...]]) -> int | None:
    return int(rows[0][0]) if rows else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
