"""``planwise employee``: what happened to one person, and by which rule."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

_EXAMPLES: Final = """\
Each event of the ledger with its date, what it changed, and the rule that made it, with the
parameters of the scenario; then the person at the end of the year.

examples:
  planwise employee E000123
  planwise employee NH_2025_000001 --scenario stretch_match
  planwise employee E000123 --json
  planwise employee --scenario baseline -- -17         an id that begins with a dash

what it shows: docs/analysis.md"""


def add_parser(commands: Any) -> None:
    """Add the command to the commands of planwise."""
    parser = commands.add_parser(
        "employee",
        help="show what happened to one person, and why",
        description="Show the history of one person in a finished result, event by event.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("employee_id", metavar="ID", help="the employee id")
    parser.add_argument(
        "--scenario", metavar="NAME", help="the scenario (default: the only one there is)"
    )
    parser.add_argument(
        "--replicate", type=int, default=1, metavar="N", help="which replicate (default: 1)"
    )
    parser.add_argument(
        "--database",
        type=Path,
        metavar="FILE",
        help="a result of planwise simulate (default: output/simulation.duckdb)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Print the history of a person."""
    from planwise.analysis.person_history import person_history
    from planwise.analysis.result_database import open_result
    from planwise.reporting.history_report import print_history
    from planwise.reporting.terminal import make_console
    from planwise.simulation_options import DEFAULT_DATABASE

    with open_result(options.database or DEFAULT_DATABASE) as result:
        scenario = result.scenario(options.scenario, options.replicate)
        history = person_history(result, scenario, options.employee_id)
    if options.json:
        sys.stdout.write(json.dumps({"schema_version": 1, **history.to_dict()}, indent=2) + "\n")
    else:
        print_history(make_console(sys.stdout), history)
    return 0
