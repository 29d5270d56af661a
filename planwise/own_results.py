"""What marks a database as a result of planwise, and what is read back from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from planwise import __version__
from planwise.errors import WarehouseError
from planwise.warehouse.digests import OWN_SCHEMA, tables_of
from planwise.warehouse.opening import connect, first_line, load_duckdb


def read_by_year(
    cursor: Any, table: Literal["fct_headcount", "fct_plan_cost"]
) -> tuple[Mapping[str, Any], ...]:
    """The rows of a table by scenario, replicate and year; none in a project without it."""
    exists = cursor.execute(
        "select count(*) from duckdb_tables() where schema_name = 'main' "
        "and table_name = ? and database_name = current_database()",
        [table],
    ).fetchall()[0][0]
    if not exists:
        return ()
    cursor.execute(
        f"select * from main.{table} order by scenario_id, replicate_id, simulation_year"  # noqa: S608  # one of two names
    )
    names = [column[0] for column in cursor.description]
    return tuple(dict(zip(names, row, strict=True)) for row in cursor.fetchall())


def mark_as_ours(cursor: Any, years: Sequence[int]) -> None:
    """Write the record by which a database is known as a result of planwise."""
    cursor.execute(f"create schema if not exists {OWN_SCHEMA}")
    cursor.execute(
        f"create or replace table {OWN_SCHEMA}.results as "
        "select ?::varchar as planwise_version, ?::integer[] as years",
        [__version__, list(years)],
    )


def refuse_foreign(database: Path) -> None:
    """Refuse to replace a database that somebody else made, or that somebody has open.

    Raises:
        DatabaseLockedError: another process has it open.
        WarehouseError: it cannot be opened, or holds tables and is no result of planwise.
    """
    with duckdb_errors(), connect(database) as connection:
        tables = set(tables_of(connection))
    if tables and (OWN_SCHEMA, "results") not in tables:
        example = ".".join(min(tables))
        raise WarehouseError(
            f"{database}: holds tables that are no result of planwise ({example}, for example), "
            "and would be replaced; give another file with --database"
        )


@contextmanager
def duckdb_errors() -> Iterator[None]:
    """What DuckDB raises outside of a model is one line for the user."""
    load_duckdb()
    import duckdb

    try:
        yield
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except duckdb.Error as error:
        raise WarehouseError(f"DuckDB: {first_line(error)}") from error
