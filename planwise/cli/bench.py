"""``planwise bench``: ways to run one simulation, held to the same tables and measured."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

_ARMS: Final = """\
arms:
  per-model       plain dbt, a process for each seed, and for each model and year
  per-year        plain dbt, a process for each year
  in-process      dbt in one process, parsed once
  planwise-cold   every plugin, caches empty
  planwise-warm   every plugin, caches filled by a run that is not counted
  floor           the statements of a planwise run, replayed with nothing around them
  dbt-parse       `dbt parse` alone, its parse cache warm; builds no tables

Tables are compared before any time is shown; arms that differ end it with exit code 1.

examples:
  planwise bench arms --employees 10000 --years 2025-2029 --rounds 6
  planwise bench arms --arms per-year in-process --census my.csv --output arms.json

method, and how to read the table: docs/benchmarks.md"""

_SCALE: Final = """\
examples:
  planwise bench scale --employees 1000 10000 100000 --rounds 6
  planwise bench scale --employees 1000000 --memory-limit 2GB --rounds 1

how to read the table: docs/benchmarks.md"""


def add_parser(commands: Any) -> None:
    """Add the command to the commands of planwise."""
    parser = commands.add_parser("bench", help="measure planwise against plain dbt and the SQL")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    arms = actions.add_parser(
        "arms",
        help="plain dbt, dbt in process, planwise, and the bare statements",
        description="Measure ways to run one simulation in pairs of fresh processes.",
        epilog=_ARMS,
    )
    source = arms.add_mutually_exclusive_group()
    source.add_argument("--census", type=Path, metavar="FILE", help="your own census")
    source.add_argument(
        "--employees",
        type=int,
        default=10_000,
        metavar="N",
        help="people of a synthetic one (default: 10000)",
    )
    arms.add_argument("--census-date", metavar="YYYY-MM-DD", help="the day that --census describes")
    arms.add_argument(
        "--arms", nargs="+", metavar="ARM", help="only these, and the reference (default: all)"
    )
    arms.add_argument(
        "--reference",
        default="planwise-warm",
        metavar="ARM",
        help="the arm that ratios are taken to (default: planwise-warm)",
    )
    arms.add_argument(
        "--per-model-years",
        type=int,
        default=1,
        metavar="N",
        help="years of the arm per-model, which is slow; it is held against the reference over the "
        "same years (default: 1)",
    )
    _common(arms, rounds=6)
    scale = actions.add_parser(
        "scale",
        help="planwise and the bare statements as the census grows",
        description="Measure what a person costs in censuses of several sizes.",
        epilog=_SCALE,
    )
    scale.add_argument(
        "--employees",
        type=int,
        nargs="+",
        default=[1_000, 10_000, 100_000],
        metavar="N",
        help="people of each synthetic census (default: 1000 10000 100000)",
    )
    scale.add_argument(
        "--memory-limit", metavar="SIZE", help="of DuckDB, such as 2GB, in planwise and the floor"
    )
    _common(scale, rounds=3)


def _common(parser: argparse.ArgumentParser, *, rounds: int) -> None:
    add = parser.add_argument
    add("--years", nargs="+", default=["2025-2029"], metavar="YEAR", help="default: 2025-2029")
    add(
        "--rounds",
        type=int,
        default=rounds,
        metavar="N",
        help=f"runs of each arm; a verdict needs 6 (default: {rounds})",
    )
    add("--config", type=Path, metavar="FILE", help="as for simulate")
    add("--dbt-project", type=Path, metavar="DIR", help="as for simulate")
    add("--scenario", nargs="+", default=[], metavar="NAME", help="as for simulate")
    add(
        "--pool-size",
        type=int,
        default=4,
        metavar="N",
        help="planwise's pool, dbt's --threads (default: 4)",
    )
    add("--seed", type=int, metavar="N", help="of order and bootstrap (default: random, printed)")
    add("--scratch", type=Path, metavar="DIR", help="where to run (default: the system's temp)")
    add("--output", type=Path, metavar="FILE.json", help="write everything as JSON too")
    add("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Run the benchmark.

    Raises:
        PlanwiseError: an argument is wrong, an arm fails, or two arms differ.
        KeyboardInterrupt: it was stopped; nothing is left behind.
    """
    from planwise.bench.compare_arms import compare_arms
    from planwise.bench.scale import scale
    from planwise.bench.session import Setup
    from planwise.cli.settled import DEFAULT_CONFIG, settled_project
    from planwise.cli.years import parse_years
    from planwise.warehouse.pool import check_pool_size

    check_pool_size(options.pool_size)
    given = vars(options)
    setup = Setup(
        years=parse_years(options.years),
        dbt_project=settled_project(options),
        rounds=options.rounds,
        census=given.get("census"),
        census_date=given.get("census_date"),
        config=options.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None),
        scenarios=tuple(options.scenario),
        pool_size=options.pool_size,
        memory_limit=given.get("memory_limit"),
        scratch=options.scratch,
        output=options.output,
        **({} if options.seed is None else {"seed": options.seed}),
    )
    try:
        if options.action == "scale":
            scale(setup, options.employees, _say)
        else:
            compare_arms(
                setup,
                employees=options.employees,
                wanted=options.arms,
                reference=options.reference,
                per_model_years=options.per_model_years,
                say=_say,
            )
    except KeyboardInterrupt as stop:
        raise type(stop)("nothing is reported, and nothing is left behind") from None
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
