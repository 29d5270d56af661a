"""``planwise report``: a run as one HTML file, for analyst and engineer."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from planwise.analysis.run_report import RunReport
    from planwise.reporting.html.contributions import BenchFigures

_DESCRIPTION: Final = """\
Write a report of the last run: one HTML file that needs nothing else and asks the network for
nothing. It can be mailed, printed, and read on a phone. For the analyst: headcount from year to
year, payroll, participation, deferral and plan cost of each scenario, and what the census held.
For the engineer: a timeline of batches and models, time by phase, the critical path, the slowest
models, memory, stored states, settings and who chose them, plugins and versions.

Of a run that failed or was stopped it says what happened, which years are finished and how to go
on, and shows what these years allow."""

_EXAMPLES: Final = """\
Nothing in it shows a single person. What a run has not kept is left out, and the report says why.

examples:
  planwise report                                     output/simulation.report.html
  planwise report --open                              and show it in the browser
  planwise report big.duckdb --output big.html        another run, another place
  planwise report --force                             replace the report that is there
  planwise report --finished                          the last result, though a later run failed

after a run of several scenarios, they are in one report:
  planwise simulate --scenario baseline stretch_match --years 2025-2029
  planwise report --open"""


def add_parser(commands: Any) -> None:
    """Add the command to the commands of planwise."""
    parser = commands.add_parser(
        "report",
        help="write a report of a run as one HTML file",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument(
        "run",
        nargs="?",
        type=Path,
        metavar="RUN",
        help="the database of a run (default: output/simulation.duckdb)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE.html",
        help="where to write it (default: RUN with .report.html for its ending, beside it)",
    )
    parser.add_argument(
        "--open", action="store_true", help="show it in the browser when it is written"
    )
    parser.add_argument(
        "--finished",
        action="store_true",
        help="report the last run that finished, though a later one did not",
    )
    parser.add_argument(
        "--bench",
        type=Path,
        metavar="FILE.json",
        help="show what plugins contribute, from a result of `bench combinations` or `bench full` "
        "of the same project, people and machine",
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Write the report, and show it if that is asked for.

    Raises:
        UsageError: the output is there already, or is no place for it.
        WarehouseError: there is no such run, or the file cannot be written.
    """
    from planwise.analysis.run_report import gather_report
    from planwise.output_files import output_file, refuse_existing
    from planwise.reporting.html.ending import told_in_a_line
    from planwise.reporting.html.page import write_page
    from planwise.simulation_options import DEFAULT_DATABASE

    database: Path = options.run or DEFAULT_DATABASE
    output = _output(options.output, database)
    refuse_existing(output, force=options.force)
    report = gather_report(database, finished=options.finished)
    bench = None if options.bench is None else _bench(options.bench, report)
    with output_file(output, force=options.force) as temporary:
        size = write_page(report, temporary, bench)
    if report.unfinished is not None:
        sys.stdout.write(f"{told_in_a_line(report.unfinished)}\n")
    for lack in report.lacks:
        sys.stdout.write(f"not in it: {lack.part} ({lack.why})\n")
    sys.stdout.write(f"{output}: written, {size / 1e3:,.0f} kB\n")
    if options.open:
        _show(output)
    return 0


def _bench(file: Path, report: RunReport) -> BenchFigures:
    """What plugins contribute, if it was measured for what the run was.

    Raises:
        UsageError: the file holds no such result, or one of something else, or nothing tells.
    """
    from planwise.baselines import project_digest
    from planwise.bench.figures import read_figures
    from planwise.errors import UsageError
    from planwise.machine import machine_facts

    shown = read_figures(file)
    files, people = _project_files(report), _people(report)
    if files is None and report.unfinished is not None:
        raise UsageError(
            "--bench: nothing tells which project the run had that did not finish, since no year "
            "of it did; leave out --bench, or report the last run that finished with --finished"
        )
    other = []
    if dict(shown.machine) != machine_facts():
        other.append("another machine")
    if files is not None and shown.project is not None and project_digest(files) != shown.project:
        other.append("other files of the project")
    if people is not None and shown.people != people:
        other.append(f"{shown.people or 0:,} people, where the run has {people:,}")
    if other:
        raise UsageError(f"--bench: {file} was measured with {' and '.join(other)}")
    return shown.figures


def _project_files(report: RunReport) -> Mapping[str, str] | None:
    """SHA-256 of each file of the project that the run had; None if nothing tells."""
    from planwise.run_files import RunFiles
    from planwise.runs.manifest import read_manifest

    if report.unfinished is not None:  # beside the result is the manifest of the run before
        return report.unfinished.project
    manifest = read_manifest(RunFiles(report.database).work)
    return None if manifest is None else dict(manifest.identity["project"]["files"])


def _people(report: RunReport) -> int | None:
    """How many people the run simulated; None of a project that reads no census."""
    if report.census is not None:
        return report.census.people
    details = report.account.details if report.account else None
    census = details.circumstances.census if details else None
    return None if census is None else int(census["people"])


def _output(given: Path | None, database: Path) -> Path:
    """Where the report goes.

    Raises:
        UsageError: to the database itself, or to something that is no HTML file.
    """
    from planwise.errors import UsageError

    if given is None:
        return database.with_name(f"{database.stem}.report.html")
    if given.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--output: {given}: expected a name that ends with .html")
    if given.resolve() == database.resolve():
        raise UsageError(f"--output: {given} is the database; give another place")
    return given


def _show(file: Path) -> None:
    """Show a file in the browser; that there is none is no failure: the report is written."""
    import webbrowser

    try:
        shown = webbrowser.open(file.resolve().as_uri())
    except (webbrowser.Error, OSError, UnicodeError):
        shown = False
    if not shown:
        sys.stdout.write(f"no browser could be started; open the file yourself: {file.resolve()}\n")
