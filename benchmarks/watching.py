"""What the plugin `monitoring` costs: its own time in a run, and runs with and without it in pairs.

Run it from the checkout, in its environment: ``python benchmarks/watching.py --help``. Whole runs
differ by several percent from one to the next, so that pairs of them show a cost of one percent
only after hundreds. What the plugin does is therefore timed inside of each run too: the share of
that run's wall time is free of what differs between runs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from planwise.bench.job import clean_environment, database_of, planwise_command
from planwise.bench.process import Cost, run
from planwise.bench.ratios import bootstrap_interval, compare
from planwise.bench.sameness import Sameness
from planwise.bench.script import begin, run_script
from planwise.cli.years import parse_years
from planwise.errors import UsageError

_ROOT: Final = Path(__file__).resolve().parents[1]
_WATCHED: Final = "watched"
_UNWATCHED: Final = "unwatched"
_TIMES: Final = "PLANWISE_BENCH_TIMES"
"""Where a run that times the plugin writes what it found. Its presence makes this script one."""
PARTS: Final = ("import", "metrics", "section", "table")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0 measured, 1 failed or tables differ, 2 wrong usage, 130 interrupted.
    """
    return run_script("watching", lambda: _benchmark(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "watching.py", description=(__doc__ or "").splitlines()[0], allow_abbrev=False
    )
    add = parser.add_argument
    add("--rounds", type=int, default=20, metavar="N", help="pairs of runs (default: 20)")
    add("--years", nargs="+", default=["2025-2026"], help="simulation years (default: 2025-2026)")
    add("--employees", type=int, default=10_000, metavar="N", help="people (default: 10000)")
    add("--seed", type=int, metavar="N", help="of the order and the bootstrap (default: random)")
    return parser


def _benchmark(options: argparse.Namespace) -> None:
    years = parse_years(options.years)
    if options.rounds < 1:
        raise UsageError("--rounds: expected 1 or more")
    seed = begin(options.rounds, options.seed)
    order = random.Random(seed)  # noqa: S311  # an order, not a secret
    costs: dict[str, list[Cost]] = {_WATCHED: [], _UNWATCHED: []}
    own: dict[str, list[float]] = {part: [] for part in PARTS}
    with tempfile.TemporaryDirectory(prefix="planwise-bench-") as name:
        scratch = Path(name).resolve()
        words = _words(options.employees, years, scratch)
        tables = _same_tables(words, scratch)
        for number in range(1, options.rounds + 1):
            for arm in order.sample(list(costs), len(costs)):
                cost, times = _simulate(words, arm, scratch / "run")
                shutil.rmtree(scratch / "run")
                costs[arm].append(cost)
                for part, seconds in times.items() if arm == _WATCHED else ():
                    own[part].append(seconds)
                print(f"round {number} of {options.rounds}: {arm} {cost.wall_s:.2f} s", flush=True)
    print(f"\n{options.employees:,} people, {len(years)} years; {tables} tables are the same.\n")
    _print(costs, own, seed)


def _print(costs: dict[str, list[Cost]], own: dict[str, list[float]], seed: int) -> None:
    walls = {arm: [each.wall_s for each in found] for arm, found in costs.items()}
    cpus = {arm: [each.cpu_s for each in found] for arm, found in costs.items()}
    print("| what monitoring does | ms of wall time | share of the run | 95 % interval |")
    print("|---|---|---|---|")
    total = [sum(each) for each in zip(*own.values(), strict=True)]
    for part, seconds in (*own.items(), ("all of it", total)):
        shares = [a / b for a, b in zip(seconds, walls[_WATCHED], strict=True)]
        low, high = bootstrap_interval(shares, seed=seed)
        print(
            f"| {part} | {1000 * median(seconds):.1f} | {median(shares):.2%} "
            f"| {low:.2%} to {high:.2%} |"
        )
    print()
    for what, taken in (("wall time", walls), ("CPU time", cpus)):
        found = compare(taken[_WATCHED], taken[_UNWATCHED], seed=seed)
        print(
            f"A run takes {median(taken[_WATCHED]):.2f} s of {what} with it and "
            f"{median(taken[_UNWATCHED]):.2f} s without: {found.ratio:.3f} times as much (95 % "
            f"interval {found.low:.3f} to {found.high:.3f}, {found.rounds} pairs): {found.verdict}"
        )


def _words(employees: int, years: Sequence[int], scratch: Path) -> list[str]:
    """The arguments of both arms; makes the census, and fills the caches."""
    census = scratch / "census.csv"
    run(
        planwise_command(
            *("census", "generate", "--employees", str(employees), "--seed", "42"),
            *("--census-date", f"{years[0] - 1}-12-31", "--output", str(census)),
        ),
        cwd=scratch,
        environment=clean_environment(),
        log=scratch / "census.log",
    )
    words = ["simulate", "--census", str(census), "--dbt-project", str(_ROOT / "dbt")]
    words += ["--config", str(_ROOT / "config" / "simulation_config.yaml")]
    return [*words, "--cache-dir", str(scratch / "caches"), "--years", *map(str, years)]


def _same_tables(words: Sequence[str], scratch: Path) -> int:
    """Both arms give the same tables; fills the caches.

    Raises:
        DigestsDifferError: a table differs; it is named.
    """
    same = Sameness(scratch)
    for arm in (_WATCHED, _UNWATCHED):
        folder = scratch / "run"
        _simulate(words, arm, folder)
        same.check(arm, _WATCHED, folder, print)
        shutil.rmtree(folder)
    return len(same.digests[_WATCHED])


def _simulate(words: Sequence[str], arm: str, folder: Path) -> tuple[Cost, dict[str, float]]:
    """What a process took, and the wall seconds of each part of what the plugin did in it."""
    folder.mkdir()
    times = folder / "times.json"
    more = [] if arm == _WATCHED else ["--no-monitoring"]
    cost = run(
        [sys.executable, __file__, *words, *more, "--database", str(database_of(folder))],
        cwd=folder,
        environment={**clean_environment(), _TIMES: str(times)},
        log=folder / "run.log",
    )
    return cost, json.loads(times.read_text(encoding="utf-8"))


def _timed_run(words: Sequence[str], times: Path) -> int:
    """`planwise` with these arguments; writes the seconds of each part."""
    from importlib.metadata import EntryPoint

    import psutil  # noqa: F401  # planwise imports it without the plugin too: no cost of the plugin

    from planwise.cli.main import main as planwise
    from planwise.relay import Relay
    from planwise.runs import running

    seconds = dict.fromkeys(PARTS, 0.0)

    @contextmanager
    def clocked(part: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds[part] += time.perf_counter() - start

    def wrap(place: Any, name: str, part: Callable[..., str | None]) -> None:
        function = getattr(place, name)

        def timed(*given: Any, **named: Any) -> Any:
            which = part(*given)
            if which is None:
                return function(*given, **named)
            with clocked(which):
                return function(*given, **named)

        setattr(place, name, timed)

    # No other plugin that is on implements these two hooks.
    wrap(Relay, "record_metric", lambda *_: "metrics")
    wrap(Relay, "report_sections", lambda *_: "section")
    wrap(running, "record_metrics", lambda *_: "table")
    wrap(EntryPoint, "load", lambda point: "import" if point.name == "monitoring" else None)
    code = planwise(words)
    times.write_text(json.dumps(seconds), encoding="utf-8")
    return code


if __name__ == "__main__":
    found = os.environ.pop(_TIMES, None)
    sys.exit(main() if found is None else _timed_run(sys.argv[1:], Path(found)))
