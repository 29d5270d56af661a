"""What a pass over several scenarios costs against one: same rows first, then paired ratios.

Run it from the checkout, in its environment: ``python benchmarks/scenarios.py --help``.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from planwise.bench.job import clean_environment, database_of, planwise_command, results_of
from planwise.bench.process import run
from planwise.bench.ratios import LEAST_ROUNDS, Comparison, compare
from planwise.bench.sameness import DigestsDifferError, differing_tables, digests_of
from planwise.bench.script import run_script
from planwise.bench.surroundings import machine, versions
from planwise.cli.years import parse_years
from planwise.errors import UsageError
from planwise.run_files import write_problem, write_text_atomically

_ROOT: Final = Path(__file__).resolve().parents[1]
_ALONE: Final = "one scenario"
_TOGETHER: Final = "all in one pass"

Times = Mapping[str, float]
"""Seconds of one run: ``wall`` of the process, ``foundation`` and ``years`` of planwise's own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0 measured, 1 failed or a scenario differs, 2 wrong usage, 130 interrupted.
    """
    return run_script("scenarios", lambda: _benchmark(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "scenarios.py",
        description=__doc__.splitlines()[0] if __doc__ else None,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--rounds", type=int, default=8, metavar="N", help="runs of each arm (default: 8)")
    add("--years", nargs="+", default=["2025-2029"], help="simulation years (default: 2025-2029)")
    add("--employees", type=int, default=10_000, metavar="N", help="people (default: 10000)")
    add(
        *("--config",),
        type=Path,
        default=_ROOT / "config" / "simulation_config.yaml",
        metavar="FILE",
        help="configuration; its scenarios are in the folder scenarios beside it",
    )
    add(
        *("--scenario",),
        nargs="+",
        default=["baseline", "stretch_match", "core_integrated"],
        metavar="NAME",
        help="the first is the one that is measured alone",
    )
    add("--seed", type=int, metavar="N", help="of the order and the bootstrap (default: random)")
    add("--output", type=Path, metavar="FILE.json", help="write everything as JSON too")
    return parser


def _benchmark(options: argparse.Namespace) -> None:
    if options.rounds < 1:
        raise UsageError(f"--rounds: expected 1 or more, got {options.rounds}")
    if len(options.scenario) < 2:
        raise UsageError("--scenario: expected two or more names, got one")
    if options.output is not None and (problem := write_problem(options.output.resolve().parent)):
        raise UsageError(f"--output: {problem}")
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    before = machine()
    print(f"machine: {before}\nversions: {versions()}\nseed {seed}", flush=True)
    if options.rounds < LEAST_ROUNDS:
        print(f"warning: a verdict needs {LEAST_ROUNDS} rounds", flush=True)
    with tempfile.TemporaryDirectory(prefix="planwise-bench-") as name:
        scratch = Path(name).resolve()
        words = _arguments(options, scratch)
        tables = _same_rows(words, options.scenario, scratch)
        seen = _measure(words, options.scenario, options.rounds, seed, scratch)
    found = {
        what: compare(
            [t[what] for t in seen[_TOGETHER]], [t[what] for t in seen[_ALONE]], seed=seed
        )
        for what in ("wall", "foundation", "years")
    }
    _print(options, tables, seen, found)
    if options.output is not None:
        content = {
            "schema_version": 1,
            "machine": before,
            "versions": versions(),
            "seed": seed,
            "scenarios": options.scenario,
            "employees": options.employees,
            "years": parse_years(options.years),
            "tables_compared": tables,
            "observations": seen,
            "comparisons": {
                what: {"ratio": c.ratio, "low": c.low, "high": c.high, "rounds": c.rounds}
                for what, c in found.items()
            },
        }
        text = json.dumps(content, indent=1) + "\n"
        write_text_atomically(options.output.resolve(), text)


def _arguments(options: argparse.Namespace, scratch: Path) -> list[str]:
    """What every run is told alike; makes the census."""
    years = [str(year) for year in parse_years(options.years)]
    census = scratch / "census.csv"
    command = planwise_command(
        *("census", "generate", "--employees", str(options.employees), "--seed", "42"),
        *("--census-date", f"{int(years[0]) - 1}-12-31", "--output", str(census)),
    )
    run(command, cwd=scratch, environment=clean_environment(), log=scratch / "census.log")
    words = ["--census", str(census), "--config", str(options.config.resolve())]
    return [*words, "--dbt-project", str(_ROOT / "dbt"), "--years", *years]


def _same_rows(words: Sequence[str], scenarios: Sequence[str], scratch: Path) -> int:
    """Each scenario's rows in the common pass are those that it gives alone.

    Raises:
        DigestsDifferError: a table differs; it is named.
    """
    together, alone = scratch / "together", scratch / "alone"
    _simulate(words, scenarios, together)
    tables = 0
    for name in scenarios:
        _simulate(words, [name], alone)
        one, other = digests_of(alone, name), digests_of(together, name)
        if one.keys() != other.keys() or differing_tables(one, other):
            named = ", ".join(differing_tables(one, other)) or "the lists of tables differ"
            raise DigestsDifferError(
                f"scenario '{name}' gives other rows among others than alone: {named}"
            )
        tables = len(one)
        shutil.rmtree(alone)
        print(f"{name}: the rows of {tables} tables are those that it gives alone", flush=True)
    shutil.rmtree(together)
    return tables


def _measure(
    words: Sequence[str], scenarios: Sequence[str], rounds: int, seed: int, scratch: Path
) -> dict[str, list[Times]]:
    """Both arms in every round, in an order of its own."""
    order = random.Random(seed)  # noqa: S311  # an order, not a secret
    arms = {_ALONE: scenarios[:1], _TOGETHER: scenarios}
    seen: dict[str, list[Times]] = {arm: [] for arm in arms}
    for number in range(1, rounds + 1):
        sequence = list(arms)
        order.shuffle(sequence)
        for arm in sequence:
            times = _simulate(words, arms[arm], scratch / "run")
            shutil.rmtree(scratch / "run")
            seen[arm].append(times)
            print(f"round {number} of {rounds}: {arm} {times['wall']:.2f} s", flush=True)
    return seen


def _simulate(words: Sequence[str], scenarios: Sequence[str], folder: Path) -> Times:
    folder.mkdir()
    cost = run(
        planwise_command(
            *("simulate", *words, "--scenario", *scenarios),
            *("--database", str(database_of(folder)), "--output", str(results_of(folder))),
            *("--cache-dir", str(folder / "caches")),  # cold, and not the user's
        ),
        cwd=folder,
        environment=clean_environment(),
        log=folder / "run.log",
    )
    content = json.loads(results_of(folder).read_text(encoding="utf-8"))
    return {
        "wall": cost.wall_s,
        "foundation": float(content["foundation"]["wall_s"]),
        "years": sum(float(phase["wall_s"]) for phase in content["year_phases"]),
    }


def _print(
    options: argparse.Namespace,
    tables: int,
    seen: Mapping[str, Sequence[Times]],
    found: Mapping[str, Comparison],
) -> None:
    names = ", ".join(options.scenario)
    print(f"\n{options.employees:,} people; {names}; the rows of {tables} tables are the same.\n")
    print(f"| what | {_ALONE} s | {_TOGETHER} s | ratio | 95 % interval |")
    print("|---|---|---|---|---|")
    for what, ratio in found.items():
        one, all_ = (median(times[what] for times in seen[arm]) for arm in (_ALONE, _TOGETHER))
        interval = f"{ratio.low:.3f} to {ratio.high:.3f}"
        print(f"| {what} | {one:.2f} | {all_:.2f} | {ratio.ratio:.3f} | {interval} |")


if __name__ == "__main__":
    sys.exit(main())
