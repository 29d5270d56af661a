"""What storing each year costs a run, and what branching saves: same tables first, paired ratios.

Run it from the checkout, in its environment: ``python benchmarks/going_on.py --help``.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from planwise.bench.job import clean_environment, database_of, planwise_command
from planwise.bench.process import run
from planwise.bench.ratios import compare
from planwise.bench.sameness import Sameness
from planwise.bench.script import begin, run_script
from planwise.cli.years import parse_years
from planwise.errors import UsageError

_ROOT: Final = Path(__file__).resolve().parents[1]
_STORED: Final = "every year stored"
_UNSTORED: Final = "nothing stored"
_BRANCH: Final = "branched in the middle"
_FEWEST_YEARS: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0 measured, 1 failed or tables differ, 2 wrong usage, 130 interrupted.
    """
    return run_script("going_on", lambda: _benchmark(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "going_on.py", description=(__doc__ or "").splitlines()[0], allow_abbrev=False
    )
    add = parser.add_argument
    add("--rounds", type=int, default=8, metavar="N", help="runs of each arm (default: 8)")
    add("--years", nargs="+", default=["2025-2029"], help="simulation years (default: 2025-2029)")
    add("--employees", type=int, default=10_000, metavar="N", help="people (default: 10000)")
    add("--seed", type=int, metavar="N", help="of the order and the bootstrap (default: random)")
    return parser


def _benchmark(options: argparse.Namespace) -> None:
    years = parse_years(options.years)
    if options.rounds < 1 or len(years) < _FEWEST_YEARS:
        raise UsageError("--rounds: expected 1 or more; --years: expected two years or more")
    seed = begin(options.rounds, options.seed)
    with tempfile.TemporaryDirectory(prefix="planwise-bench-") as name:
        scratch = Path(name).resolve()
        arms = _arms(options.employees, years, scratch)
        tables = _same_tables(arms, scratch)
        seen = _measure(arms, options.rounds, seed, scratch)
    print(f"\n{options.employees:,} people, {len(years)} years; {tables} tables are the same.\n")
    print(f"| way | wall s | ratio to '{_STORED}' | 95 % interval |")
    print("|---|---|---|---|")
    for arm, times in seen.items():
        found = compare(times, seen[_STORED], seed=seed)
        interval = f"{found.low:.3f} to {found.high:.3f}"
        print(f"| {arm} | {median(times):.2f} | {found.ratio:.3f} | {interval} |")


def _arms(employees: int, years: Sequence[int], scratch: Path) -> Mapping[str, list[str]]:
    """The arguments of each arm; makes the census, and the run that is branched from."""
    census = scratch / "census.csv"
    _planwise(
        *("census", "generate", "--employees", str(employees), "--seed", "42"),
        *("--census-date", f"{years[0] - 1}-12-31", "--output", str(census)),
        folder=scratch,
    )
    common = ["simulate", "--census", str(census), "--dbt-project", str(_ROOT / "dbt")]
    # The caches are warm, and not the user's.
    common += ["--config", str(_ROOT / "config" / "simulation_config.yaml")]
    common += ["--cache-dir", str(scratch / "caches")]
    whole = [*common, "--years", *map(str, years)]
    source = scratch / "source"
    source.mkdir()
    _planwise(*whole, "--database", str(database_of(source)), folder=source)
    middle = years[(len(years) - 1) // 2]  # the third of five
    later = [str(year) for year in years if year > middle]
    branch = ["--from", f"{database_of(source)}@{middle}", "--years", *later]
    return {_STORED: whole, _UNSTORED: [*whole, "--no-checkpoints"], _BRANCH: [*common, *branch]}


def _same_tables(arms: Mapping[str, Sequence[str]], scratch: Path) -> int:
    """Every arm gives the same tables.

    Raises:
        DigestsDifferError: a table differs; it is named.
    """
    same = Sameness(scratch)
    for arm, words in arms.items():
        folder = scratch / "run"
        _simulate(words, folder)
        same.check(arm, _STORED, folder, print)
        shutil.rmtree(folder)
    return len(same.digests[_STORED])


def _measure(
    arms: Mapping[str, Sequence[str]], rounds: int, seed: int, scratch: Path
) -> dict[str, list[float]]:
    """Every arm in each round, in an order of its own."""
    order = random.Random(seed)  # noqa: S311  # an order, not a secret
    seen: dict[str, list[float]] = {arm: [] for arm in arms}
    for number in range(1, rounds + 1):
        sequence = list(arms)
        order.shuffle(sequence)
        for arm in sequence:
            seen[arm].append(_simulate(arms[arm], scratch / "run"))
            shutil.rmtree(scratch / "run")
            print(f"round {number} of {rounds}: {arm} {seen[arm][-1]:.2f} s", flush=True)
    return seen


def _simulate(words: Sequence[str], folder: Path) -> float:
    """Wall seconds of a process; the database has the name of that of every arm."""
    folder.mkdir()
    return _planwise(*words, "--database", str(database_of(folder)), folder=folder)


def _planwise(*words: str, folder: Path) -> float:
    cost = run(
        planwise_command(*words),
        cwd=folder,
        environment=clean_environment(),
        log=folder / "run.log",
    )
    return cost.wall_s


if __name__ == "__main__":
    sys.exit(main())
