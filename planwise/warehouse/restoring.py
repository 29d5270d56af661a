"""Putting stored tables of a year back into a database, with DuckDB's own types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from planwise.checkpoints.tables import YearTable
from planwise.errors import CheckpointError
from planwise.outputs import YearOutput
from planwise.warehouse.digests import (
    SCENARIO_COLUMN,
    columns_of,
    quoted,
    quoted_relation,
    year_digest,
)

if TYPE_CHECKING:
    import duckdb

_INCOMING: Final = "planwise_incoming"


def restore_table(cursor: duckdb.DuckDBPyConnection, stored: YearTable) -> None:
    """Make a table anew with what is stored of it.

    Args:
        cursor: in a transaction.
        stored: the whole table.

    Raises:
        CheckpointError: a type is none of DuckDB's, or the values do not fit it.
    """
    import duckdb

    name = quoted_relation(stored.relation)
    names = stored.table.column_names
    if len(names) != len(stored.types):
        raise CheckpointError(
            f"the stored {'.'.join(stored.relation)} has {len(names)} columns and "
            f"{len(stored.types)} types"
        )
    try:
        pairs = zip(names, map(_sql_type, stored.types), strict=True)
        columns = ", ".join(f"{quoted(column)} {kind}" for column, kind in pairs)
        cursor.execute(f"create schema if not exists {quoted(stored.relation[0])}")
        cursor.execute(f"create or replace table {name} ({columns})")
        cursor.register(_INCOMING, stored.table)
        try:
            cursor.execute(f"insert into {name} from {_INCOMING}")  # quoted
        finally:
            cursor.unregister(_INCOMING)
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        raise CheckpointError(
            f"the stored {'.'.join(stored.relation)} cannot be put back: "
            f"{' '.join(str(error).split())}"
        ) from error


def _sql_type(text: str) -> str:
    """A type as DuckDB words it: what is stored is not pasted, but read as a type."""
    import duckdb

    kind = str(duckdb.sqltype(text))
    if kind != text:
        raise duckdb.InvalidInputException(f"'{text}' is no type, but begins with {kind}")
    return kind


def restore_year(
    cursor: duckdb.DuckDBPyConnection,
    tables: Iterable[YearTable],
    outputs: Sequence[YearOutput],
    year_column: str,
) -> dict[str, str]:
    """Put all tables of a year back, and hold each against its digest.

    Args:
        cursor: in a transaction.
        tables: what is stored of the year, the whole of each table.
        outputs: what the project leaves behind; it has to be what is stored.
        year_column: the column that says to which year a row belongs.

    Returns:
        The digests, by ``schema.table``.

    Raises:
        CheckpointError: a table is missing, is one too many, or differs from what was stored.
    """
    wanted = {each.relation: each for each in outputs}
    digests: dict[str, str] = {}
    for stored in tables:
        output = wanted.pop(stored.relation, None)
        name = ".".join(stored.relation)
        if output is None:
            raise CheckpointError(f"the checkpoint holds {name}, which the project does not make")
        restore_table(cursor, stored)
        digests[name] = year_digest(cursor, output, stored.year, year_column)
        if stored.digest and digests[name] != stored.digest:
            raise CheckpointError(f"{name} as stored for {stored.year} is not what it was")
    if wanted:
        raise CheckpointError(f"the checkpoint lacks {'.'.join(min(wanted))}")
    return digests


def forget_later_rows(
    cursor: duckdb.DuckDBPyConnection, outputs: Sequence[YearOutput], year: int, year_column: str
) -> None:
    """Delete what later years added to tables; what they replaced has to be restored.

    Args:
        cursor: in a transaction.
        outputs: the tables.
        year: the last year whose rows stay.
        year_column: the column that says to which year a row belongs.
    """
    for output in outputs:
        if output.by_year:
            name = quoted_relation(output.relation)
            cursor.execute(f"delete from {name} where {quoted(year_column)} > ?", [year])  # noqa: S608  # quoted


def as_scenarios(
    cursor: duckdb.DuckDBPyConnection, outputs: Sequence[YearOutput], wanted: Sequence[str]
) -> None:
    """Let the rows of the one scenario that was simulated be those of other scenarios.

    Args:
        cursor: in a transaction.
        outputs: the tables; those without a scenario stay as they are.
        wanted: the scenarios that are to be there. One that is there keeps its own rows.

    Raises:
        CheckpointError: several scenarios are there, and none of the wanted name.
    """
    tables = [name for output in outputs if (name := _with_scenario(cursor, output))]
    there = {
        row[0]
        for name in tables
        for row in cursor.execute(f"select distinct {SCENARIO_COLUMN} from {name}").fetchall()  # noqa: S608  # quoted
    }
    new = [each for each in wanted if each not in there]
    if new and len(there) != 1:
        raise CheckpointError(
            f"the run holds the scenarios {', '.join(sorted(there)) or 'none'}, so that it is open "
            f"which of them '{new[0]}' starts from; branch from a run of one scenario"
        )
    if there <= set(wanted) and not new:
        return
    for name in tables:
        for scenario in new:
            cursor.execute(
                f"insert into {name} select * replace (? as {SCENARIO_COLUMN}) from {name} "  # noqa: S608  # quoted
                f"where {SCENARIO_COLUMN} = ?",
                [scenario, min(there)],
            )
        cursor.execute(
            f"delete from {name} where not list_contains(?, {SCENARIO_COLUMN})",  # noqa: S608  # quoted
            [list(wanted)],
        )


def _with_scenario(cursor: duckdb.DuckDBPyConnection, output: YearOutput) -> str | None:
    """The quoted name of a table that says whose its rows are; None of another."""
    name = quoted_relation(output.relation)
    return name if SCENARIO_COLUMN in columns_of(cursor, name) else None
