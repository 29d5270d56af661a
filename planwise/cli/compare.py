"""``planwise compare``: two scenarios of one result, figure by figure."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from planwise.analysis.comparison import Comparison
    from planwise.analysis.result_database import ResultDatabase

_EXAMPLES: Final = """\
Differences are B less A. By year and for all years: people, participation, money, net employer
cost. By person, in the last year: who gets more employer money under B and who less, by age,
tenure and level. And which parameters differ, and where each value came from.

examples:
  planwise simulate --scenario baseline stretch_match --years 2025-2029
  planwise compare baseline stretch_match
  planwise compare baseline stretch_match --years 2027-2029 --year 2028
  planwise compare baseline stretch_match --output comparison.xlsx
  planwise compare baseline stretch_match --json | jq .total

what the sheets and the keys of the JSON hold: docs/analysis.md"""


def add_parser(commands: Any) -> None:
    """Add the command to the commands of planwise."""
    parser = commands.add_parser(
        "compare",
        help="compare two scenarios of a result",
        description="Compare two scenarios of a finished result.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("a", metavar="A", help="a scenario")
    parser.add_argument("b", metavar="B", help="the scenario that is held against it")
    parser.add_argument(
        "--database",
        type=Path,
        metavar="FILE",
        help="a result of planwise simulate (default: output/simulation.duckdb)",
    )
    parser.add_argument(
        "--years", nargs="+", metavar="YEAR", help="years to compare, such as 2025 2027-2029 (all)"
    )
    parser.add_argument(
        "--year", metavar="YEAR", help="the year of who gains and who loses (the last one compared)"
    )
    parser.add_argument(
        "--replicate", type=int, default=1, metavar="N", help="replicate of both (default: 1)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument(
        "--output", type=Path, metavar="FILE", help="write FILE.xlsx or FILE.json instead"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Compare, and print or write the comparison."""
    from planwise.analysis.comparison import compare
    from planwise.analysis.result_database import open_result
    from planwise.cli.years import listed_years
    from planwise.reporting.comparison_report import print_comparison, total_sentence
    from planwise.reporting.terminal import make_console
    from planwise.simulation_options import DEFAULT_DATABASE

    database = options.database or DEFAULT_DATABASE
    output: Path | None = options.output
    if output is not None:
        _check_output(output, database, force=options.force)
    years = listed_years(options.years or ())
    people_year = listed_years([options.year], "--year")[0] if options.year else None
    with open_result(database) as result:
        comparison = compare(
            result,
            options.a,
            options.b,
            replicate=options.replicate,
            years=years,
            people_year=people_year,
        )
        if output is not None:
            _write(result, comparison, output, force=options.force)
            sys.stdout.write(f"{output}: {total_sentence(comparison)}\n")
        elif options.json:
            sys.stdout.write(_json(result, comparison))
        else:
            print_comparison(make_console(sys.stdout), comparison)
    return 0


def _check_output(output: Path, database: Path, *, force: bool) -> None:
    """Refuse, before anything is read, a file that must not or could not be written."""
    from planwise.errors import UsageError
    from planwise.output_files import refuse_existing

    if output.suffix.lower() not in (".xlsx", ".json"):
        raise UsageError(f"--output: {output}: expected a name that ends with .xlsx or .json")
    if output.resolve() == database.resolve():
        raise UsageError(f"--output: {output} is the database; give another file")
    refuse_existing(output, force=force)


def _write(result: ResultDatabase, comparison: Comparison, output: Path, *, force: bool) -> None:
    from planwise.output_files import output_file
    from planwise.reporting.comparison_workbook import write_comparison

    with output_file(output, force=force) as temporary:
        if output.suffix.lower() == ".json":
            temporary.write_text(_json(result, comparison), encoding="utf-8")
        else:
            write_comparison(comparison, _provenance(result), temporary)


def _json(result: ResultDatabase, comparison: Comparison) -> str:
    from planwise.analysis.comparison import as_json

    values = {
        "schema_version": 1,
        **as_json(comparison),
        "provenance": _provenance(result).to_dict(),
    }
    return json.dumps(values, indent=2, allow_nan=False, ensure_ascii=True, default=str) + "\n"


def _provenance(result: ResultDatabase) -> Any:
    from planwise.analysis.provenance import provenance, published_tables
    from planwise.reporting.progress import progress_bar

    with progress_bar("digests", len(published_tables(result))) as advance:
        return provenance(result, advance)
