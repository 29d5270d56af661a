"""The metrics of runs, as a table of planwise's own schema beside the run ledger."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from planwise.values import Metric
from planwise.warehouse.digests import OWN_SCHEMA, own_table
from planwise.warehouse.opening import first_line

if TYPE_CHECKING:
    import duckdb

METRICS: Final = f"{OWN_SCHEMA}.planwise_metrics"
COLUMNS: Final = {
    "kind": "varchar",
    "name": "varchar",
    "simulation_year": "integer",
    "wall_s": "double",
    "cpu_s": "double",
    "rss_bytes": "bigint",
    "peak_rss_bytes": "bigint",
    "rows": "bigint",
    "bytes_read": "bigint",
    "bytes_written": "bigint",
    "spilled_bytes": "bigint",
}
"""Name and type of the columns after those of the run, and before ``further``."""
_ALL: Final = {
    "run_id": "varchar",
    "recorded_at": "timestamp",
    "number": "integer",
    **COLUMNS,
    "further": "map(varchar, double)",
}


def metric_row(metric: Metric) -> dict[str, Any]:
    """A metric by the table's columns; what nobody measured is None, and so is what is no number.

    A resident size of 0 is one that nobody measured.
    """
    further = {
        _storable(key): float(value) for key, value in metric.values.items() if math.isfinite(value)
    }
    spilled = further.pop("spilled_bytes", 0.0)
    return {
        "kind": metric.kind,
        "name": _storable(metric.name),
        "simulation_year": metric.year,
        "wall_s": _number(metric.wall_s),
        "cpu_s": _number(metric.cpu_s),
        "rss_bytes": metric.rss_bytes or None,
        "peak_rss_bytes": metric.peak_rss_bytes or None,
        "rows": metric.rows,
        "bytes_read": metric.bytes_read,
        "bytes_written": metric.bytes_written,
        "spilled_bytes": int(spilled) if metric.kind in ("model", "phase") else None,
        "further": further,
    }


def record_metrics(
    cursor: duckdb.DuckDBPyConnection, run_id: str, metrics: Sequence[Metric]
) -> str:
    """Add the metrics of a run, all or none of them.

    One that ended, and was interrupted before its result was in place, has some already when it is
    resumed: numbers go on after those. A table that is there may be an older planwise's: columns
    that it lacks are added. It may also be somebody else's, in a database of the user's own.

    Args:
        cursor: a cursor of the run's database, in no transaction.
        run_id: the run in ``planwise_runs``.
        metrics: in the order in which they came.

    Returns:
        Why the table, which stays as it was, cannot take them; empty if it has them.
    """
    import duckdb

    if not metrics:
        return ""
    cursor.execute("begin transaction")
    try:
        _add(cursor, run_id, metrics)
        cursor.execute("commit")
    except BaseException as error:
        with suppress(duckdb.Error):  # the first error is the one to tell
            cursor.execute("rollback")
        # What another table refuses, and nothing that the database itself suffers from.
        refusals = (duckdb.ProgrammingError, duckdb.DataError, duckdb.IntegrityError)
        if isinstance(error, (*refusals, duckdb.NotSupportedError, duckdb.DependencyException)):
            return first_line(error)
        raise
    return ""


def _add(cursor: duckdb.DuckDBPyConnection, run_id: str, metrics: Sequence[Metric]) -> None:
    table = own_table(cursor, METRICS)
    declared = ", ".join(f"{name} {kind}" for name, kind in _ALL.items())
    cursor.execute(f"create schema if not exists {table.rpartition('.')[0]}")
    cursor.execute(f"create table if not exists {table} ({declared})")
    described = cursor.execute(f"describe {table}").fetchall()
    there = {name.lower() for name, *_ in described}
    for name, kind in _ALL.items():
        if name not in there:
            cursor.execute(f"alter table {table} add column if not exists {name} {kind}")
    ((last,),) = cursor.execute(
        f"select coalesce(max(try_cast(number as bigint)), 0) from {table} where run_id = ?",  # noqa: S608  # a constant
        [run_id],
    ).fetchall()
    rows = [metric_row(each) for each in metrics]
    lists = ", ".join(f"unnest(?::{kind}[]) as {name}" for name, kind in COLUMNS.items())
    names = ", ".join(COLUMNS)
    cursor.execute(
        f"insert into {table} ({', '.join(_ALL)}) "  # noqa: S608  # constants
        f"select ?, now()::timestamptz at time zone 'UTC', number, {names}, "
        f"map(keys, numbers) from (select unnest(range(?::bigint, ?::bigint)) as number, {lists}, "
        "unnest(?::varchar[][]) as keys, unnest(?::double[][]) as numbers)",
        [
            run_id,
            *(last + 1, last + 1 + len(rows)),
            *([row[name] for row in rows] for name in COLUMNS),
            [list(row["further"]) for row in rows],
            [list(row["further"].values()) for row in rows],
        ],
    )


def forget_metrics(cursor: duckdb.DuckDBPyConnection) -> None:
    """Drop the metrics of the runs in a database that was copied for another one."""
    cursor.execute(f"drop table if exists {own_table(cursor, METRICS)}")


def _storable(text: str) -> str:
    """A text without what UTF-8 has no bytes for, which a plugin's could hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
