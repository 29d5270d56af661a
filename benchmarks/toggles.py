"""What each plugin is worth: every plugin off alone, all off, and plain dbt, against all on.

Run it from the checkout, in its environment: ``python benchmarks/toggles.py --help``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.arms import PER_YEAR, Job, chosen_arms, planwise_command
from benchmarks.process import run
from benchmarks.ratios import LEAST_ROUNDS
from benchmarks.runner import clean_environment, measure
from benchmarks.surroundings import hooks, machine, versions
from planwise.cli.years import parse_years
from planwise.errors import PlanwiseError, UsageError
from planwise.plugins import installed_plugins
from planwise.run_files import write_atomically, write_problem

_PROJECT = Path(__file__).resolve().parents[1] / "dbt"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0 measured, 1 failed or the arms differ, 2 wrong usage, 130 interrupted.
    """
    try:
        _benchmark(_parser().parse_args(arguments))
    except PlanwiseError as error:
        print(f"toggles: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("toggles: interrupted; nothing is reported", file=sys.stderr)
        return 130
    return 0


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
    if options.rounds < 1:
        raise UsageError(f"--rounds: expected 1 or more, got {options.rounds}")
    if options.output is not None:
        problem = write_problem(options.output.resolve().parent)
        if problem:
            raise UsageError(f"--output: {problem}")
    if options.scratch is not None and not options.scratch.is_dir():
        raise UsageError(f"--scratch: {options.scratch} is no folder")
    arms = chosen_arms(options.arms, installed_plugins())
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    before = machine()
    started = datetime.datetime.now(tz=datetime.UTC)
    _say(f"machine: {_words(before)}")
    _say(f"versions: {_words(versions())}")
    _say(f"seed {seed}; arms: {', '.join(arm.name for arm in arms)}")
    if before["load_average"] > 0.2 * before["cores_granted"]:
        _say("warning: the machine is not idle (load average above); the figures are noisy")
    if options.rounds < LEAST_ROUNDS:
        _say(f"warning: a verdict needs {LEAST_ROUNDS} rounds")
    with tempfile.TemporaryDirectory(prefix="planwise-bench-", dir=options.scratch) as name:
        scratch = Path(name).resolve()  # the arms run in folders of their own
        job = _job(options, scratch)
        measurement = measure(
            arms, job, rounds=options.rounds, seed=seed, scratch=scratch, say=_say
        )
    found = report.comparisons(measurement, arms, seed)
    people = f"{options.employees:,} synthetic people" if options.census is None else job.census
    what = f"{people}, {len(job.years)} years, medians of {options.rounds} round(s)"
    print(f"\nEvery table that two arms share is the same. {what}.\n")
    print("\n".join(report.tables(measurement, arms, job, found)))
    if report.has_baseline(measurement):
        origin = f"plain dbt, {what}; {before['processor']}, {started:%Y-%m-%d}"
        print("\nPlain dbt as the baseline of this machine and census, for your configuration:\n")
        print("\n".join(report.baseline_snippet(measurement.of(PER_YEAR), origin)))
    if options.output is not None:
        surroundings: dict[str, Any] = {
            "started": started.isoformat(timespec="seconds"),
            "machine": before,
            "load_average_after": round(os.getloadavg()[0], 2),
            "versions": versions(),
            "plugins": hooks(),
            "seed": seed,
            "rounds": options.rounds,
            "years": list(job.years),
            "census": str(options.census) if options.census else None,
            "employees": None if options.census else options.employees,
            "pool_size": options.pool_size,
        }
        text = json.dumps(report.as_json(measurement, found, surroundings), indent=1) + "\n"
        write_atomically(options.output.resolve(), lambda file: _write(file, text))
        print(f"\nwritten: {options.output}")


def _job(options: argparse.Namespace, scratch: Path) -> Job:
    years = parse_years(options.years)
    census = options.census
    if census is None:
        if options.census_date is not None:
            raise UsageError("--census-date goes with --census; a synthetic one has a date already")
        census = scratch / "census.csv"
        command = planwise_command(
            *("census", "generate", "--employees", str(options.employees), "--seed", "42"),
            *("--census-date", f"{years[0] - 1}-12-31", "--output", str(census)),
        )
        run(command, cwd=scratch, environment=clean_environment(), log=scratch / "census.log")
    return Job(
        census=census.resolve(),
        census_date=options.census_date,
        years=tuple(years),
        dbt_project=options.dbt_project.resolve(),
        config=options.config.resolve() if options.config else None,
        pool_size=options.pool_size,
    )


def _words(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
