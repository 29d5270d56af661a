"""``planwise separations``: who left in a simulated year, by age and tenure on 1 January."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from planwise.analysis.separations import Separations

_DESCRIPTION: Final = """\
Show the leavers of a simulated year among the people employed on 1 January, by the tenure and age
bands that decide who leaves, to hold them against an employer's own figures. Hires of the year who
left again are not among them. Every scenario of the database is shown unless one is named."""

_EXAMPLES: Final = """\
examples:
  planwise separations
  planwise separations --database output/simulation.duckdb --scenario baseline --year 2026 --json"""


def add_parser(commands: Any) -> None:
    """Add the parser of ``planwise separations``."""
    parser = commands.add_parser(
        "separations",
        help="leavers of a simulated year by age and tenure",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument(
        "--database",
        type=Path,
        metavar="FILE",
        help="a result of planwise simulate (default: output/simulation.duckdb)",
    )
    parser.add_argument("--scenario", metavar="NAME", help="one scenario (default: all)")
    parser.add_argument(
        "--replicate", type=int, default=1, metavar="N", help="which replicate (default: 1)"
    )
    parser.add_argument("--year", type=int, metavar="YEAR", help="default: the first simulated")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Print the leavers by band.

    Raises:
        WarehouseError: the database cannot be read, or is no result of planwise.
        UsageError: scenario, replicate or year is not in it.
    """
    from planwise.analysis.result_database import open_result
    from planwise.analysis.separations import separations
    from planwise.simulation_options import DEFAULT_DATABASE

    with open_result(options.database or DEFAULT_DATABASE) as result:
        found = separations(
            result, scenario=options.scenario, replicate=options.replicate, year=options.year
        )
    if options.json:
        sys.stdout.write(json.dumps([each.to_dict() for each in found], indent=2) + "\n")
        return 0
    for each in found:
        _print(each)
    return 0


def _print(found: Separations) -> None:
    from rich.table import Table

    from planwise.reporting.terminal import make_console

    table = Table(
        title=f"{found.scenario.scenario_id}: leavers of {found.year}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("on 1 January")
    table.add_column("")
    for heading in ("people", "leavers", "share"):
        table.add_column(heading, justify="right")
    for band in found.bands:
        share = band.share_e5
        text = "" if share is None else f"{(share + 50) // 100 / 10:.1f} %"
        table.add_row(band.kind, band.band, f"{band.people:,}", f"{band.leavers:,}", text)
    console = make_console(sys.stdout)
    console.print(table)
    console.print()
