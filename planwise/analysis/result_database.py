"""A finished result database, opened for reading, and the scenarios in it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import frozen

from planwise.census.values import printable
from planwise.errors import UsageError, WarehouseError
from planwise.interruption import call_interruptibly
from planwise.warehouse.digests import OWN_SCHEMA
from planwise.warehouse.opening import first_line, reading

if TYPE_CHECKING:
    import duckdb

_T = TypeVar("_T")
SCHEMA: Final = "main"
"""The schema that holds what a simulation publishes."""
_MOST_NAMES_SHOWN: Final = 12
_SCENARIO_COLUMNS: Final = (
    *("scenario_id", "replicate_id", "seed", "first_year", "census_date", "draws"),
    "parameter_sources",
)


@frozen
class ScenarioInForce:
    """One scenario and replicate of a result: a row of ``dim_scenario``.

    Attributes:
        scenario_id: its name.
        replicate_id: from 1.
        values: every column of the row, in the units that their names end with.
        sources: where each parameter came from, by parameter.
    """

    scenario_id: str
    replicate_id: int
    values: Mapping[str, Any]
    sources: Mapping[str, str]

    @property
    def key(self) -> list[Any]:
        """What its rows are selected by: ``scenario_id = ? and replicate_id = ?``."""
        return [self.scenario_id, self.replicate_id]

    @property
    def draws(self) -> str:
        """The name whose draws it uses."""
        return str(self.values["draws"])

    def shares_draws_with(self, other: ScenarioInForce) -> bool:
        """Whether every draw of a person and year is the same in both."""
        mine = (self.draws, self.values["seed"], self.replicate_id)
        return mine == (other.draws, other.values["seed"], other.replicate_id)


class ResultDatabase:
    """What was published in a database, and questions to it.

    Args:
        path: the file, for messages.
        connection: open on it.

    Attributes:
        path: the file.
        columns: the columns of each table of schema ``main``, by table; views are left out.
    """

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self._connection = connection
        self.columns: dict[str, dict[str, str]] = {}
        for table, column, kind in self.query(
            "select t.table_name, c.column_name, c.data_type from duckdb_tables() as t "
            "inner join duckdb_columns() as c on c.table_oid = t.table_oid "
            "and c.database_name = t.database_name and c.schema_name = t.schema_name "
            "where t.database_name = current_database() and t.schema_name = ? and not t.temporary "
            "order by t.table_name, c.column_index",
            [SCHEMA],
        ):
            self.columns.setdefault(table, {})[column] = kind

    def refuse_foreign(self) -> None:
        """Refuse what our simulation did not make.

        Raises:
            WarehouseError: it is no result of planwise, or that of an older version.
        """
        if "dim_scenario" not in self.columns:
            raise WarehouseError(
                f"{self.path}: is no result of planwise (no table dim_scenario); give the database "
                "of `planwise simulate` with --database"
            )
        self.require("dim_scenario", _SCENARIO_COLUMNS)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query; Ctrl-C stops it.

        Raises:
            WarehouseError: DuckDB cannot answer it.
        """
        return self.interruptibly(
            lambda: self._connection.execute(sql, list(parameters)).fetchall()
        )

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement without a result, such as COPY; Ctrl-C stops it.

        Raises:
            WarehouseError: DuckDB cannot run it.
        """
        self.interruptibly(lambda: self._connection.execute(sql, list(parameters)))

    def records(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of a query as mappings by column."""

        def read() -> list[dict[str, Any]]:
            cursor = self._connection.execute(sql, list(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        return self.interruptibly(read)

    def batches(
        self, sql: str, parameters: Sequence[Any], size: int
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a query, so many at a time."""
        self.interruptibly(lambda: self._connection.execute(sql, list(parameters)))
        while rows := self.interruptibly(lambda: self._connection.fetchmany(size)):
            yield rows

    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection itself, for functions that take one."""
        return self._connection

    def require(self, table: str, columns: Iterable[str] = ()) -> None:
        """Refuse a result that lacks a table or a column.

        Raises:
            WarehouseError: it was made by an older planwise; the lack is named.
        """
        there = self.columns.get(table, {})
        lacking = [f"{table}.{column}" for column in columns if column not in there]
        if not there or lacking:
            raise WarehouseError(
                f"{self.path}: has no {lacking[0] if there else f'table {table}'}: it was made by "
                f"an older planwise ({self.made_by() or 'version unknown'}) that did not simulate "
                "the retirement plan; run `planwise simulate` again"
            )

    def made_by(self) -> str | None:
        """The version of planwise that made the result; None if plain dbt did."""
        found = self.query(
            "select count(*) from duckdb_columns() where database_name = current_database() "
            "and schema_name = ? and table_name = 'results' and column_name = 'planwise_version'",
            [OWN_SCHEMA],
        )
        if not found[0][0]:
            return None
        rows = self.query(f"select planwise_version from {OWN_SCHEMA}.results")  # noqa: S608  # a constant
        return str(rows[0][0]) if rows else None

    def scenarios(self) -> list[ScenarioInForce]:
        """Every scenario and replicate, in order.

        Raises:
            WarehouseError: there is none.
        """
        rows = self.records("select * from main.dim_scenario order by scenario_id, replicate_id")
        if not rows:
            raise WarehouseError(f"{self.path}: holds no scenario; run `planwise simulate` again")
        return [
            ScenarioInForce(
                row["scenario_id"],
                row["replicate_id"],
                {name: value for name, value in row.items() if name != "parameter_sources"},
                json.loads(row["parameter_sources"]),
            )
            for row in rows
        ]

    def scenario(
        self, name: str | None, replicate: int, flag: str = "--scenario"
    ) -> ScenarioInForce:
        """One scenario and replicate.

        Args:
            name: the scenario; None for the only one.
            replicate: its replicate.
            flag: what the name was given as, for messages.

        Raises:
            UsageError: there is no such one; those there are named.
        """
        everything = self.scenarios()
        names = list(dict.fromkeys(each.scenario_id for each in everything))
        if name is None:
            if len(names) > 1:
                raise UsageError(
                    f"{flag}: {self.path} holds {len(names)} scenarios; choose one: {shown(names)}"
                )
            name = names[0]
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]}?" if close else ";"
            raise UsageError(
                f"{flag}: {self.path} has no scenario '{printable(name)}'{hint} "
                f"there {'is' if len(names) == 1 else 'are'}: {shown(names)}"
            )
        found = [each for each in everything if each.scenario_id == name]
        for each in found:
            if each.replicate_id == replicate:
                return each
        raise UsageError(
            f"--replicate: {self.path} has no replicate {replicate} of {name}; there "
            f"{'is' if len(found) == 1 else 'are'}: {shown([str(s.replicate_id) for s in found])}"
        )

    def years(self, scenario: ScenarioInForce) -> list[int]:
        """The years of a scenario's snapshots, in order."""
        return [
            row[0]
            for row in self.query(
                "select distinct simulation_year from main.fct_workforce_snapshot "
                "where scenario_id = ? and replicate_id = ? order by simulation_year",
                scenario.key,
            )
        ]

    def interruptibly(self, action: Callable[[], _T]) -> _T:
        """Call a function that queries the connection; Ctrl-C stops the query.

        Raises:
            WarehouseError: DuckDB cannot answer it.
        """
        import duckdb

        try:
            return call_interruptibly(action, self._connection.interrupt)
        except duckdb.Error as error:
            raise WarehouseError(f"{self.path}: {first_line(error)}") from error


@contextmanager
def open_result(path: Path) -> Iterator[ResultDatabase]:
    """Open a result of our simulation for reading.

    Args:
        path: the DuckDB file.

    Raises:
        DatabaseLockedError: another process writes to it.
        WarehouseError: it is missing, no DuckDB file, no result of planwise, or an older one.
    """
    if not path.exists():
        raise WarehouseError(
            f"{path}: no such database; run `planwise simulate`, or give its result with --database"
        )
    with open_database(path) as result:
        result.refuse_foreign()
        yield result


@contextmanager
def open_database(path: Path) -> Iterator[ResultDatabase]:
    """Open the database of any run for reading, also that of another project.

    Raises:
        DatabaseLockedError: another process writes to it.
        WarehouseError: it is missing, or no DuckDB file.
    """
    with reading(path.resolve()) as connection:
        yield ResultDatabase(path, connection)


def chosen_years(wanted: Sequence[int], there: Sequence[int], flag: str = "--years") -> list[int]:
    """The years that are asked for, or all.

    Raises:
        UsageError: one of them is not there.
    """
    absent = [year for year in wanted if year not in there]
    if absent:
        raise UsageError(
            f"{flag}: {absent[0]} was not simulated; there "
            f"{'is' if len(there) == 1 else 'are'}: {shown([str(year) for year in there])}"
        )
    return sorted(set(wanted)) if wanted else list(there)


def shown(names: Sequence[str]) -> str:
    """Names for one line; of many, the first."""
    more = len(names) - _MOST_NAMES_SHOWN
    first = ", ".join(printable(name) for name in names[:_MOST_NAMES_SHOWN])
    return f"{first} and {more} more" if more > 0 else first
