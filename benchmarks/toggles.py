"""What each plugin is worth: every plugin off alone, all off, and plain dbt, against all on.

Run it from the checkout, in its environment: ``python benchmarks/toggles.py --help``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.toggle_arms import chosen_arms
from planwise.bench import report
from planwise.bench.arms import PER_YEAR
from planwise.bench.runner import contenders, measure
from planwise.bench.script import run_script
from planwise.bench.session import Setup, people
from planwise.bench.toggles import ALL_ON
from planwise.cli.years import parse_years
from planwise.plugins import installed_plugins

_PROJECT = Path(__file__).resolve().parents[1] / "dbt"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0 measured, 1 failed or the arms differ, 2 wrong usage, 130 interrupted.
    """
    return run_script("toggles", lambda: _benchmark(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "toggles.py", description=__doc__.splitlines()[0] if __doc__ else None, allow_abbrev=False
    )
    add = parser.add_argument
    add("--rounds", type=int, default=8, metavar="N", help="runs of each arm (default: 8)")
    add("--years", nargs="+", default=["2025-2029"], help="simulation years (default: 2025-2029)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--census", type=Path, metavar="FILE", help="your own census")
    source.add_argument(
        "--employees", type=int, default=10_000, metavar="N", help="people of a synthetic one"
    )
    add("--census-date", metavar="YYYY-MM-DD", help="the day that --census describes")
    add("--config", type=Path, metavar="FILE", help="configuration (default: planwise's defaults)")
    add("--dbt-project", type=Path, default=_PROJECT, metavar="DIR", help="the dbt project")
    add("--pool-size", type=int, default=4, metavar="N", help="planwise's pool, dbt's --threads")
    add("--arms", nargs="+", metavar="ARM", help="only these, beside all-on (default: every arm)")
    add("--seed", type=int, metavar="N", help="of the order and the bootstrap (default: random)")
    add("--scratch", type=Path, metavar="DIR", help="where to run (default: the system's temp)")
    add("--output", type=Path, metavar="FILE.json", help="write everything as JSON too")
    return parser


def _benchmark(options: argparse.Namespace) -> None:
    setup = Setup(
        years=tuple(parse_years(options.years)),
        dbt_project=options.dbt_project,
        rounds=options.rounds,
        census=options.census,
        census_date=options.census_date,
        config=options.config,
        pool_size=options.pool_size,
        scratch=options.scratch,
        output=options.output,
        **({} if options.seed is None else {"seed": options.seed}),
    )
    setup.check()
    plugins = [name for name, each in installed_plugins().items() if not each.on_request]
    arms = chosen_arms(options.arms, plugins)
    setup.announce(", ".join(arm.name for arm in arms), _say)
    with setup.scratch_folder() as scratch:
        job = setup.job(scratch, options.employees)
        measurement = measure(
            contenders(arms, job, ALL_ON),
            rounds=setup.rounds,
            seed=setup.seed,
            scratch=scratch,
            say=_say,
        )
    found = report.comparisons(measurement, setup.seed)
    who = people(setup, options.employees)
    what = f"{who}, {len(job.years)} years, medians of {options.rounds} round(s)"
    print(f"\nEvery table that two arms share is the same. {what}.\n")
    print("\n".join(report.whole_table(measurement, found, reference=ALL_ON)))
    print("\n" + "\n".join(report.phase_table(measurement, job.years)))
    if seen := measurement.of(PER_YEAR):
        origin = f"plain dbt, {what}; {setup.before['processor']}, {setup.started:%Y-%m-%d}"
        print("\nPlain dbt as the baseline of this machine and census, for your configuration:\n")
        print("\n".join(report.baseline_snippet(seen, origin)))
    around = setup.surroundings(
        benchmark="toggles", employees=None if options.census else options.employees
    )
    setup.write(report.as_json(measurement, found, around), _say)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
