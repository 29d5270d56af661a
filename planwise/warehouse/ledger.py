"""The run ledger: two tables in the database that say what of which run is done.

A year's row is written in the transaction of the year, so it is there if and only if the year is.
Times are UTC.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from planwise import __version__
from planwise.warehouse.digests import OWN_SCHEMA, own_table
from planwise.warehouse.metrics_table import forget_metrics

if TYPE_CHECKING:
    import duckdb

RUNS: Final = f"{OWN_SCHEMA}.planwise_runs"
YEARS: Final = f"{OWN_SCHEMA}.planwise_years"


@frozen
class Ledger:
    """The rows of one run.

    Attributes:
        run_id: what the run is known by.
        years: the years that were asked for.
    """

    run_id: str
    years: tuple[int, ...]

    def record_run(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Write that the foundation is there; in its transaction."""
        import duckdb

        runs, years = own_table(cursor, RUNS), own_table(cursor, YEARS)
        cursor.execute(f"create schema if not exists {runs.rpartition('.')[0]}")
        cursor.execute(
            f"create table if not exists {runs} (run_id varchar, years integer[], "
            "planwise_version varchar, duckdb_version varchar, foundation_at timestamp, "
            "finished_at timestamp)"
        )
        cursor.execute(
            f"create table if not exists {years} (run_id varchar, simulation_year integer, "
            "finished_at timestamp, digests map(varchar, varchar))"
        )
        cursor.execute(
            f"insert into {runs} values (?, ?, ?, ?, ?, null)",  # noqa: S608  # a constant
            [self.run_id, list(self.years), __version__, duckdb.__version__, _now()],
        )

    def record_year(self, cursor: duckdb.DuckDBPyConnection, year: int) -> None:
        """Write that a year is finished; in its transaction."""
        cursor.execute(
            f"insert into {own_table(cursor, YEARS)} values (?, ?, ?, null)",  # noqa: S608  # a constant
            [self.run_id, year, _now()],
        )

    def record_digests(
        self, cursor: duckdb.DuckDBPyConnection, year: int, digests: Mapping[str, str]
    ) -> None:
        """Add the digests of a finished year's tables, by ``schema.table``."""
        cursor.execute(
            f"update {own_table(cursor, YEARS)} set digests = map(?::varchar[], ?::varchar[]) "  # noqa: S608  # a constant
            "where run_id = ? and simulation_year = ?",
            [list(digests), list(digests.values()), self.run_id, year],
        )

    def forget_digests(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Know no digests of the run's years any more; in the transaction that changes the rows."""
        cursor.execute(
            f"update {own_table(cursor, YEARS)} set digests = null where run_id = ?",  # noqa: S608  # a constant
            [self.run_id],
        )

    def record_end(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Write that the whole run is finished."""
        cursor.execute(
            f"update {own_table(cursor, RUNS)} set finished_at = ? where run_id = ?",  # noqa: S608  # a constant
            [_now(), self.run_id],
        )

    def has(self, cursor: duckdb.DuckDBPyConnection, year: int | None) -> bool:
        """Whether a year, or for None the foundation, is finished as far as a cursor sees."""
        if year is None:
            return _count(cursor, RUNS, "run_id = ?", [self.run_id]) > 0
        wanted = "run_id = ? and simulation_year = ?"
        return _count(cursor, YEARS, wanted, [self.run_id, year]) > 0


def finished_years(
    cursor: duckdb.DuckDBPyConnection, run_id: str
) -> dict[int, Mapping[str, str] | None] | None:
    """The finished years of a run with their digests, in order; None of a run that is not there.

    Args:
        cursor: a connection or cursor on the database.
        run_id: the run.
    """
    there = cursor.execute(
        "select count(*) from duckdb_tables() where database_name = current_database() "
        "and schema_name = ? and table_name in ('planwise_runs', 'planwise_years')",
        [OWN_SCHEMA],
    ).fetchall()[0][0]
    if there != 2:  # both tables
        return None
    if not _count(cursor, RUNS, "run_id = ?", [run_id]):
        return None
    rows = cursor.execute(
        f"select simulation_year, digests from {own_table(cursor, YEARS)} "  # noqa: S608  # a constant
        "where run_id = ? order by simulation_year",
        [run_id],
    ).fetchall()
    return {int(year): digests for year, digests in rows}


def is_finished(cursor: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """Whether a database holds the whole of a run."""
    if finished_years(cursor, run_id) is None:
        return False
    return _count(cursor, RUNS, "run_id = ? and finished_at is not null", [run_id]) > 0


def take_over(cursor: duckdb.DuckDBPyConnection, source: str, year: int, ledger: Ledger) -> None:
    """Make the rows of another run those of a run, up to a year; nothing else stays.

    Args:
        cursor: in a transaction.
        source: the other run.
        year: the last year that is taken over.
        ledger: the run; it may have recorded its foundation already.
    """
    forget_metrics(cursor)  # they tell of how the other run was made
    recorded = ledger.has(cursor, None)
    cursor.execute(f"delete from {own_table(cursor, RUNS)} where run_id <> ?", [ledger.run_id])  # noqa: S608  # a constant
    if not recorded:
        ledger.record_run(cursor)
    cursor.execute(
        f"delete from {own_table(cursor, YEARS)} where run_id <> ? or simulation_year > ?",  # noqa: S608  # a constant
        [source, year],
    )
    cursor.execute(f"update {own_table(cursor, YEARS)} set run_id = ?", [ledger.run_id])  # noqa: S608  # a constant


def _count(cursor: duckdb.DuckDBPyConnection, table: str, wanted: str, bound: list[Any]) -> int:
    sql = f"select count(*) from {own_table(cursor, table)} where {wanted}"  # noqa: S608  # constants
    return int(cursor.execute(sql, bound).fetchall()[0][0])


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
