"""``planwise export``: the published tables of a result as CSV, Parquet or Excel."""

from __future__ import annotations

import argparse
import difflib
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planwise.analysis.published import ExportTable
    from planwise.analysis.result_database import ResultDatabase
    from planwise.reporting.table_files import Selection

_EXAMPLES: Final = """\
Amounts leave in currency units with two decimals, rates as fractions of one with five; columns
lose the marks _cents and _e5 from their names with that. Rows are sorted. Social security numbers
are in no published table. Text is left as it is, also where it begins with = + - or @: import a
CSV into a spreadsheet as data; in the .xlsx no such text is a formula.

examples:
  planwise export --format parquet --output tables
  planwise export --format csv --output tables --table fct_plan_cost fct_headcount
  planwise export --output costs.csv --table fct_plan_cost
  planwise export --output result.xlsx --scenario baseline --years 2025-2027

tables: fct_yearly_events, fct_workforce_snapshot, fct_plan_cost, fct_compensation_growth,
fct_headcount, fct_headcount_by_level, dim_scenario; more in docs/analysis.md"""


def add_parser(commands: Any) -> None:
    """Add the command to the commands of planwise."""
    parser = commands.add_parser(
        "export",
        help="write the tables of a result as CSV, Parquet or Excel",
        description="Write ledger, snapshots, costs and the other published tables as files.",
        epilog=_EXAMPLES,
    )
    parser.add_argument(
        "--database",
        type=Path,
        metavar="FILE",
        help="a result of planwise simulate (default: output/simulation.duckdb)",
    )
    parser.add_argument(
        "--format",
        choices=("xlsx", "parquet", "csv"),
        help="default: what the name of the output ends with",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="PATH",
        help="a file for xlsx, or for one table; else a folder, which gets a file a table",
    )
    parser.add_argument("--table", nargs="+", metavar="TABLE", help="tables (default: all)")
    parser.add_argument("--scenario", nargs="+", metavar="NAME", help="scenarios (default: all)")
    parser.add_argument(
        "--replicate", nargs="+", type=int, metavar="N", help="replicates (default: all)"
    )
    parser.add_argument(
        "--years", nargs="+", metavar="YEAR", help="years, such as 2025 2027-2029 (default: all)"
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Write the tables."""
    from planwise.analysis.published import export_table
    from planwise.analysis.result_database import open_result
    from planwise.simulation_options import DEFAULT_DATABASE

    names = _tables(options.table)
    form = _format(options.format, options.output)
    is_file = form == "xlsx" or options.output.suffix.lower() == f".{form}"
    database = options.database or DEFAULT_DATABASE
    _check_output(options.output, form, database, names, is_file=is_file, force=options.force)
    with open_result(database) as result:
        tables = [export_table(result, name) for name in names]
        selection = _selection(result, options)
        rows = {table.name: selection.rows(result, table) for table in tables}
        if form == "xlsx":
            _workbook(result, tables, selection, rows, options)
        else:
            _files(result, tables, selection, form, options, is_file=is_file)
    for table, count in rows.items():
        sys.stdout.write(f"{table}: {count:,} rows\n")
    sys.stdout.write(f"{options.output}: written\n")
    return 0


def _tables(wanted: Sequence[str] | None) -> list[str]:
    """The tables that are asked for, in the order of publication, or all.

    Raises:
        UsageError: one is not published.
    """
    from planwise.analysis.published import PUBLISHED_TABLES
    from planwise.census.values import printable
    from planwise.errors import UsageError

    for name in wanted or ():
        if name not in PUBLISHED_TABLES:
            close = difflib.get_close_matches(name, PUBLISHED_TABLES, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise UsageError(
                f"--table: '{printable(name)}' is no published table; {hint}"
                f"published are: {', '.join(PUBLISHED_TABLES)}"
            )
    return [name for name in PUBLISHED_TABLES if not wanted or name in wanted]


def _format(given: str | None, output: Path) -> str:
    from planwise.errors import UsageError
    from planwise.reporting.table_files import FORMATS

    suffix = output.suffix.lower().removeprefix(".")
    if given is not None:
        if suffix != given and (given == "xlsx" or suffix in FORMATS):
            raise UsageError(
                f"--output: {output} with --format {given}: expected a name that ends with .{given}"
                + ("" if given == "xlsx" else ", or a folder")
            )
        return given
    if suffix not in FORMATS:
        raise UsageError(
            f"--output: {output} does not say the format; "
            "give --format xlsx, parquet or csv, or a name that ends with one"
        )
    return suffix


def _check_output(
    output: Path, form: str, database: Path, names: Sequence[str], *, is_file: bool, force: bool
) -> None:
    """Refuse, before anything is read, an output that must not or could not be written."""
    from planwise.errors import UsageError
    from planwise.output_files import refuse_existing

    if is_file and form != "xlsx" and len(names) > 1:
        raise UsageError(
            f"--output: {output} is one file, and {len(names)} tables are to be written; name a "
            "folder, or one table with --table"
        )
    files = [output] if is_file else [output / f"{name}.{form}" for name in names]
    for file in files:
        if file.resolve() == database.resolve():
            raise UsageError(f"--output: {file} is the database; give another place")
        refuse_existing(file, force=force)


def _selection(result: ResultDatabase, options: argparse.Namespace) -> Selection:
    from planwise.analysis.result_database import chosen_years
    from planwise.cli.years import listed_years
    from planwise.errors import UsageError
    from planwise.reporting.table_files import Selection

    everything = result.scenarios()
    wanted: list[str] = options.scenario or []
    replicates: list[int] = options.replicate or []
    for name in wanted:
        known = [each.replicate_id for each in everything if each.scenario_id == name]
        result.scenario(name, known[0] if known else 1)
    kept = [each for each in everything if not wanted or each.scenario_id in wanted]
    for number in replicates:
        if all(each.replicate_id != number for each in kept):
            raise UsageError(f"--replicate: {result.path} has no replicate {number}")
    years = listed_years(options.years or ())
    if years:
        there = {year for each in kept for year in result.years(each)}
        chosen_years(years, sorted(there))
    return Selection(wanted, replicates, years)


def _workbook(
    result: ResultDatabase,
    tables: Sequence[ExportTable],
    selection: Selection,
    rows: dict[str, int],
    options: argparse.Namespace,
) -> None:
    from planwise.output_files import output_file
    from planwise.reporting.progress import progress_bar
    from planwise.reporting.table_files import refuse_too_many, write_tables_workbook

    refuse_too_many(rows)
    with (
        output_file(options.output, force=options.force) as temporary,
        progress_bar("rows", sum(rows.values())) as advance,
    ):
        write_tables_workbook(result, tables, selection, temporary, advance)


def _files(
    result: ResultDatabase,
    tables: Sequence[ExportTable],
    selection: Selection,
    form: str,
    options: argparse.Namespace,
    *,
    is_file: bool,
) -> None:
    from planwise.output_files import output_file, output_folder
    from planwise.reporting.progress import progress_bar
    from planwise.reporting.table_files import write_table

    with ExitStack() as stack:
        if is_file:
            place = stack.enter_context(output_file(options.output, force=options.force))
            paths = [place]
        else:
            names = [f"{table.name}.{form}" for table in tables]
            place = stack.enter_context(output_folder(options.output, names, force=options.force))
            paths = [place / name for name in names]
        advance = stack.enter_context(progress_bar("tables", len(tables)))
        for table, path in zip(tables, paths, strict=True):
            write_table(result, table, selection, form, path)
            advance(1)
