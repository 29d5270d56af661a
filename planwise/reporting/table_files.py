"""Published tables of a result as files: CSV, Parquet, or sheets of one workbook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from attrs import field, frozen

from planwise.analysis.published import ExportTable
from planwise.analysis.result_database import ResultDatabase
from planwise.errors import UsageError
from planwise.reporting.workbook import MOST_ROWS, Workbook, cell_value, column_width

Format = Literal["csv", "parquet", "xlsx"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "parquet", "xlsx")

_OPTIONS: Final = {
    # NULL is an empty field and an empty text a quoted one, so that the two stay apart.
    "csv": "format csv, header true, delimiter ',', quote '\"', escape '\"', nullstr ''",
    "parquet": "format parquet, compression zstd",
}
_BATCH: Final = 1000


@frozen
class Selection:
    """Which rows are exported; everything where a part is empty.

    Attributes:
        scenarios, replicates, years: what to keep.
    """

    scenarios: Sequence[str] = field(default=())
    replicates: Sequence[int] = field(default=())
    years: Sequence[int] = field(default=())

    def query(self, table: ExportTable) -> tuple[str, list[Any]]:
        """The query for the rows of a table, and the values to bind."""
        return table.select(self.scenarios, self.replicates, self.years)

    def rows(self, result: ResultDatabase, table: ExportTable) -> int:
        """How many rows of a table are selected."""
        where, values = table.condition(self.scenarios, self.replicates, self.years)
        sql = f"select count(*) from main.{table.name}{where}"  # noqa: S608  # a published table
        return int(result.query(sql, values)[0][0])


def write_table(
    result: ResultDatabase, table: ExportTable, selection: Selection, form: str, path: Path
) -> None:
    """Write a table as CSV or Parquet, by DuckDB.

    Args:
        result: the database.
        table: the table.
        selection: which rows.
        form: ``csv`` or ``parquet``.
        path: the file; replaced if it is there.

    Raises:
        WarehouseError: it cannot be read or written.
    """
    sql, values = selection.query(table)
    # The file is a temporary one already: DuckDB is to make none beside it.
    options = f"{_OPTIONS[form]}, use_tmp_file false"
    result.execute(f"copy ({sql}) to ? ({options})", [*values, str(path)])


def write_tables_workbook(
    result: ResultDatabase,
    tables: Sequence[ExportTable],
    selection: Selection,
    path: Path,
    advance: Callable[[int], None],
) -> None:
    """Write tables as the sheets of a workbook, row by row.

    Args:
        result: the database.
        tables: the tables, one sheet each.
        selection: which rows.
        path: the file.
        advance: told of each so many rows.

    Raises:
        UsageError: a text is too long for a cell.
        OSError: the file cannot be written.
    """
    with Workbook() as book:
        for table in tables:
            names = [column.name for column in table.columns]
            sheet = book.sheet(table.name, names, [column_width(name) for name in names])
            cells = [cell_value(column.form) for column in table.columns]
            for rows in result.batches(*selection.query(table), _BATCH):
                for row in rows:
                    sheet.row([make(value) for make, value in zip(cells, row, strict=True)])
                advance(len(rows))
        book.save(path)


def refuse_too_many(rows: dict[str, int]) -> None:
    """Refuse a table that no sheet can hold.

    Args:
        rows: how many are selected, by table.

    Raises:
        UsageError: one has more than a sheet has.
    """
    for table, count in rows.items():
        if count > MOST_ROWS:
            raise UsageError(
                f"{table} has {count:,} rows, and a sheet of a workbook holds {MOST_ROWS:,}; "
                "use --format parquet, or filter with --scenario, --years or --table"
            )
