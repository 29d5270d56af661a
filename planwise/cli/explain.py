"""``planwise explain``: who executed each model of the last run, why, and where the time went."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from planwise.analysis.explanation import NodeAccount, PhaseTime
    from planwise.run_record import RunAccount

_DESCRIPTION: Final = """\
Show, for each model of the last run, who executed it and why: a plugin, or dbt because of something
that dbt alone does right. Then, for the foundation and each year, where the time went, and the
critical path: the models that waited for one another longest."""

_EXAMPLES: Final = """\
examples:
  planwise explain
  planwise explain --database output/simulation.duckdb --json"""


def add_parser(commands: Any) -> None:
    """Add the parser of ``planwise explain``."""
    parser = commands.add_parser(
        "explain",
        help="who executed each model of the last run, why, and where the time went",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument(
        "--database",
        type=Path,
        metavar="FILE",
        help="the database of the run (default: output/simulation.duckdb)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Print the account of the last run.

    Raises:
        WarehouseError: no run has left an account beside the database.
    """
    import attrs

    from planwise.analysis.explanation import node_accounts, phase_time
    from planwise.run_files import RunFiles
    from planwise.run_record import read_account
    from planwise.simulation_options import DEFAULT_DATABASE

    database = (options.database or DEFAULT_DATABASE).resolve()
    account = read_account(RunFiles(database).work)
    models = node_accounts(account)
    phases = [phase_time(phase) for phase in account.phases]
    if options.json:
        content = {
            "wall_s": account.wall_s,
            "parsed_anew_because": account.parsed_anew_because,
            "uncached_because": account.uncached_because,
            "models": [attrs.asdict(each) for each in models],
            "phases": [attrs.asdict(each) for each in phases],
        }
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
        return 0
    _print(account, models, phases)
    return 0


def _print(account: RunAccount, models: list[NodeAccount], phases: list[PhaseTime]) -> None:
    from rich.table import Table

    from planwise.reporting.terminal import make_console

    console = make_console(sys.stdout)
    table = Table(title="Models", title_justify="left", box=None, pad_edge=False)
    for heading in ("model", "by"):
        table.add_column(heading, no_wrap=True)
    table.add_column("runs", justify="right")
    table.add_column("wall s", justify="right")
    table.add_column("how, or why dbt")
    for each in models:
        by, why = ", ".join(each.executed_by), "; ".join(each.reasons)
        table.add_row(each.name, by, str(each.runs), f"{each.wall_s:.3f}", why)
    console.print(table)
    console.print()
    table = Table(title="Time", title_justify="left", box=None, pad_edge=False)
    table.add_column("phase", no_wrap=True)
    for heading in ("wall s", "models", "rest", "critical path", "state beside"):
        table.add_column(heading, justify="right")
    for phase in phases:
        figures = (phase.wall_s, phase.models_s, phase.rest_s, phase.path_s, phase.state_s)
        table.add_row(phase.name, *(f"{figure:.3f}" for figure in figures))
    console.print(table)
    last = phases[-1]
    if last.path:
        console.print(f"critical path of {last.name}: {' > '.join(last.path)}")
    if account.parsed_anew_because:
        console.print(f"parsed anew for each year: {', '.join(account.parsed_anew_because)}")
    if account.uncached_because:
        console.print(f"nothing is kept between runs: {account.uncached_because}")
