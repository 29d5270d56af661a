"""Everything that a run leaves in a database, so that two runs can be compared."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import duckdb
from attrs import frozen

from planwise.warehouse.digests import OWN_SCHEMA, quoted
from planwise.warehouse.opening import reading

LEFT_OUT = (OWN_SCHEMA, "inputs", "information_schema", "pg_catalog")
"""Schemas of planwise's own, and of DuckDB."""


@frozen
class Relation:
    """A table or a view.

    Attributes:
        kind: ``table`` or ``view``.
        columns: type of each column, in the table's order.
        facts: what else the catalog knows: comments, constraints, indexes.
        values: the values of each column, as text, row by row in the order of all.
        unreadable: the error of a view that cannot be read.
    """

    kind: str
    columns: Mapping[str, str]
    facts: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    unreadable: str = ""

    def rows(self, without: Collection[str] = ()) -> list[tuple[str, ...]]:
        """The rows, sorted, without some columns."""
        kept = [values for name, values in self.values.items() if name not in without]
        count = len(next(iter(self.values.values()), ()))
        return sorted(zip(*kept, strict=True)) if kept else [()] * count

    def digest(self, without: Collection[str] = ()) -> str:
        """Fingerprint of everything but some columns' values; no order of rows in it."""
        parts = (self.kind, tuple(self.columns.items()), self.facts, self.unreadable)
        return hashlib.sha256(repr((parts, self.rows(without))).encode()).hexdigest()


Contents = Mapping[str, Relation]


def contents(database: Path) -> dict[str, Relation]:
    """Every table and view of a database, by ``schema.name``, but for planwise's own."""
    with reading(database) as connection:
        connection.execute("set session TimeZone = 'UTC'")
        found = connection.execute(
            "select table_schema, table_name, if(table_type = 'VIEW', 'view', 'table') "
            "from information_schema.tables where table_catalog = current_database() "
            "and not list_contains(?, table_schema) order by all",
            [list(LEFT_OUT)],
        ).fetchall()
        seen: Counter[str] = Counter()
        return {
            _lasting_name(f"{schema}.{name}", seen): _relation(connection, schema, name, kind)
            for schema, name, kind in found
        }


def digests(database: Path, unstable: Collection[str] = ()) -> dict[str, str]:
    """Digest of every table and view.

    Args:
        database: a file of DuckDB that nobody is writing to.
        unstable: columns to leave out, as ``schema.name.column``.
    """
    return {
        name: relation.digest(_of(name, unstable)) for name, relation in contents(database).items()
    }


def unstable_columns(first: Contents, second: Contents) -> set[str]:
    """Columns whose values differ between two runs of the same, as ``schema.name.column``."""
    assert first.keys() == second.keys()
    found = set()
    for name, relation in first.items():
        other = second[name]
        assert relation.columns == other.columns
        found |= {
            f"{name}.{column}"
            for column, values in relation.values.items()
            if sorted(values) != sorted(other.values[column])
        }
    return found


def differences(
    expected: Contents, found: Contents, unstable: Collection[str] = ()
) -> dict[str, str]:
    """What differs, by relation; empty if nothing does.

    Args:
        expected, found: what two runs left.
        unstable: columns whose values are not compared, as ``schema.name.column``.
    """
    answer = {}
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            answer[name] = "missing"
        elif name not in expected:
            answer[name] = "not expected"
        elif lines := list(_differing(expected[name], found[name], _of(name, unstable))):
            answer[name] = "; ".join(lines)
    return answer


def _lasting_name(name: str, seen: Counter[str]) -> str:
    """A name without the moment in it: dbt leaves such tables behind a Python model."""
    lasting = re.sub(r"__dbt_tmp\d{20}$", "__dbt_tmp", name)
    if lasting == name:
        return name
    seen[lasting] += 1
    return f"{lasting}#{seen[lasting]}"


def _of(relation: str, unstable: Collection[str]) -> set[str]:
    prefix = f"{relation}."
    return {each.removeprefix(prefix) for each in unstable if each.startswith(prefix)}


def _differing(expected: Relation, found: Relation, without: set[str]) -> Iterator[str]:
    for what, left, right in (
        ("kind", expected.kind, found.kind),
        ("columns", list(expected.columns.items()), list(found.columns.items())),
        ("facts", expected.facts, found.facts),
        ("unreadable", expected.unreadable, found.unreadable),
    ):
        if left != right:
            yield f"{what}: expected {left}, found {right}"
    if expected.columns == found.columns:
        left_rows, right_rows = expected.rows(without), found.rows(without)
        if left_rows != right_rows:
            yield f"rows: expected {left_rows[:20]}, found {right_rows[:20]}"


def _relation(connection: duckdb.DuckDBPyConnection, schema: str, name: str, kind: str) -> Relation:
    columns = dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns() where schema_name = ? "
            "and table_name = ? and database_name = current_database() order by column_index",
            [schema, name],
        ).fetchall()
    )
    facts = _facts(connection, schema, name)
    try:
        rows = connection.execute(
            f"select * from {quoted(schema)}.{quoted(name)} order by all"
        ).fetchall()
    except duckdb.Error as error:
        return Relation(kind, columns, facts, {}, type(error).__name__)
    values = {
        column: tuple(repr(row[position]) for row in rows)
        for position, column in enumerate(columns)
    }
    return Relation(kind, columns, facts, values)


def _facts(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> tuple[str, ...]:
    """Comments, constraints and indexes; names that dbt makes from the time are left out."""
    sql = """
    from (
        select 'comment ' || comment as fact from duckdb_tables()
        where schema_name = $schema and table_name = $name and comment is not null
          and database_name = current_database()
        union all
        select 'comment ' || comment from duckdb_views()
        where schema_name = $schema and view_name = $name and comment is not null
          and database_name = current_database()
        union all
        select 'comment of ' || column_name || ' ' || comment from duckdb_columns()
        where schema_name = $schema and table_name = $name and comment is not null
          and database_name = current_database()
        union all
        select 'default of ' || column_name || ' ' || column_default from duckdb_columns()
        where schema_name = $schema and table_name = $name and column_default is not null
          and database_name = current_database()
        union all
        select 'constraint ' || constraint_text from duckdb_constraints()
        where schema_name = $schema and table_name = $name
          and database_name = current_database()
        union all
        select 'index ' || if(is_unique, 'unique ', '') || expressions from duckdb_indexes()
        where schema_name = $schema and table_name = $name
          and database_name = current_database()
    ) order by all
    """
    bound = {"schema": schema, "name": name}
    return tuple(row[0] for row in connection.execute(sql, bound).fetchall())
