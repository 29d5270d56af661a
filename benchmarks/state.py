"""What a stored state takes: bytes, speed of writing and of restoring, by the way it is stored.

The state of one year of a simulation, and the events of that year, are read as Arrow tables and
stored in each way. First each way has to give back every bit; then all are measured in rounds, in
random order. Speeds are Arrow bytes by second, so that ways compare. A difference is from the year
before, which is at hand when it is applied. At the end the state is restored into a database, held
against a copy that DuckDB makes by itself.

Run it from the checkout, in its environment: ``python benchmarks/state.py --help``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import duckdb
import pyarrow as pa

from benchmarks.state_ways import WAYS, Way, same_bits
from planwise.bench.job import clean_environment, database_of, planwise_command
from planwise.bench.process import run
from planwise.bench.ratios import LEAST_ROUNDS, bootstrap_interval, compare
from planwise.bench.script import run_script
from planwise.bench.surroundings import machine, versions
from planwise.cli.years import parse_years
from planwise.errors import CheckpointError, UsageError
from planwise.run_files import write_problem, write_text_atomically
from planwise.warehouse.digests import table_digest

_ROOT: Final = Path(__file__).resolve().parents[1]
_STATE: Final = ("fct_workforce_snapshot", "fct_headcount", "fct_plan_cost")
_EVENTS: Final = ("fct_yearly_events",)
_COPY: Final = "copy in DuckDB"

Tables = Mapping[str, pa.Table]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0 measured, 1 failed or a way loses a bit, 2 wrong usage, 130 interrupted.
    """
    return run_script("state", lambda: _benchmark(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "state.py",
        description=__doc__.splitlines()[0] if __doc__ else None,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--rounds", type=int, default=9, metavar="N", help="of all ways (default: 9)")
    add("--years", nargs="+", default=["2025-2029"], help="simulation years (default: 2025-2029)")
    add("--employees", type=int, default=10_000, metavar="N", help="people (default: 10000)")
    add("--census", type=Path, metavar="FILE", help="a census instead of a generated one")
    add("--census-date", metavar="DATE", help="of that census")
    add("--database", type=Path, metavar="FILE", help="a result of planwise instead of a run")
    add("--year", type=int, metavar="N", help="whose state (default: the last of the result)")
    add("--ways", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY", help=", ".join(WAYS))
    add("--threads", type=int, default=2, metavar="N", help="DuckDB's threads (default: 2)")
    add("--seed", type=int, metavar="N", help="of the order and the bootstrap (default: random)")
    add("--output", type=Path, metavar="FILE.json", help="write everything as JSON too")
    return parser


def _benchmark(options: argparse.Namespace) -> None:
    for name in ("rounds", "employees", "threads"):
        if getattr(options, name) < 1:
            raise UsageError(f"--{name}: expected 1 or more, got {getattr(options, name)}")
    if options.output is not None and (problem := write_problem(options.output.resolve().parent)):
        raise UsageError(f"--output: {problem}")
    if options.database is not None and not options.database.is_file():
        raise UsageError(f"--database: {options.database} is not there")
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    before = machine()
    print(f"machine: {before}\nversions: {versions()}\nseed {seed}", flush=True)
    if options.rounds < LEAST_ROUNDS:
        print(f"warning: an interval needs {LEAST_ROUNDS} rounds", flush=True)
    with tempfile.TemporaryDirectory(prefix="planwise-bench-") as name:
        scratch = Path(name).resolve()
        database = options.database or _simulated(options, scratch)
        year, states = _states(database, options.year)
        found = {
            what: _measured(what, now, earlier, options, seed, scratch)
            for what, (now, earlier) in states.items()
        }
        restores = _restores(states["state"][0], options, seed, scratch)
    if options.output is not None:
        content = {
            "schema_version": 1,
            "machine": before,
            "versions": versions(),
            "seed": seed,
            "year": year,
            "ways": found,
            "restores_s": restores,
        }
        text = json.dumps(content, indent=1) + "\n"
        write_text_atomically(options.output.resolve(), text)


def _simulated(options: argparse.Namespace, scratch: Path) -> Path:
    """A result to read states from."""
    years = [str(year) for year in parse_years(options.years)]
    census, date = options.census, options.census_date
    if census is None:
        census, date = scratch / "census.csv", f"{int(years[0]) - 1}-12-31"
        words = ["--employees", str(options.employees), "--seed", "42", "--census-date", date]
        _planwise(scratch, "census", "generate", *words, "--output", str(census))
    words = ["--census", str(census.resolve()), "--years", *years]
    words += [] if date is None else ["--census-date", date]
    words += ["--config", str(_ROOT / "config" / "simulation_config.yaml")]
    words += ["--dbt-project", str(_ROOT / "dbt"), "--database", str(database_of(scratch))]
    _planwise(scratch, "simulate", *words, "--cache-dir", str(scratch / "caches"))
    return database_of(scratch)


def _planwise(scratch: Path, *words: str) -> None:
    log = scratch / "planwise.log"
    run(planwise_command(*words), cwd=scratch, environment=clean_environment(), log=log)


def _states(database: Path, year: int | None) -> tuple[int, dict[str, tuple[Tables, Tables]]]:
    """The tables of a year and of the one before, as the kernel reads them."""
    with duckdb.connect(str(database), read_only=True) as connection:
        years = connection.execute(f"select max(simulation_year) from main.{_STATE[0]}").fetchall()
        last = int(years[0][0]) if year is None else year

        def read(names: Sequence[str], of: int) -> Tables:
            return {
                name: connection.sql(
                    f"select * from main.{name} where simulation_year = ?", params=[of]
                ).to_arrow_table()
                for name in names
            }

        states = {
            what: (read(names, last), read(names, last - 1))
            for what, names in (("state", _STATE), ("events", _EVENTS))
        }
    if not states["state"][0][_STATE[0]].num_rows:
        raise UsageError(f"--year: {database} has no rows of {last}")
    return last, states


def _measured(
    what: str,
    now: Tables,
    earlier: Tables,
    options: argparse.Namespace,
    seed: int,
    scratch: Path,
) -> dict[str, Any]:
    """Every way verified, then measured in rounds; prints the table."""
    raw = sum(table.nbytes for table in now.values())
    rows = sum(table.num_rows for table in now.values())
    ways = {name: WAYS[name](scratch) for name in options.ways}
    sizes = {name: _verified(name, way, now, earlier) for name, way in ways.items()}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    order = random.Random(seed)  # noqa: S311  # an order, not a secret
    for _ in range(options.rounds):
        for name in order.sample(list(ways), len(ways)):
            seconds[name].append(_once(ways[name], now, earlier))
    print(f"\n{what}: {rows:,} rows, {raw:,} bytes as Arrow; every way gives back every bit\n")
    print("| way | bytes | ratio | write MB/s | 95 % interval | restore MB/s | 95 % interval |")
    print("|---|---|---|---|---|---|---|")
    for name, times in seconds.items():
        cells = [name, f"{sizes[name]:,}", f"{raw / sizes[name]:.2f}"]
        for number in (0, 1):
            speeds = [raw / each[number] / 1e6 for each in times]
            low, high = bootstrap_interval(speeds, seed=seed)
            cells += [f"{median(speeds):,.0f}", f"{low:,.0f} to {high:,.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    return {
        "rows": rows,
        "raw_bytes": raw,
        "ways": {name: {"bytes": sizes[name], "seconds": seconds[name]} for name in ways},
    }


def _verified(name: str, way: Way, now: Tables, earlier: Tables) -> int:
    """Bytes that a way takes.

    Raises:
        CheckpointError: it does not give back what it was given.
    """
    total = 0
    for table, content in now.items():
        stored = way.write(content, earlier[table])
        if not same_bits(way.restore(stored, earlier[table]), content):
            raise CheckpointError(f"{name} does not give back {table} as it was")
        total += way.size(stored)
    return total


def _once(way: Way, now: Tables, earlier: Tables) -> tuple[float, float]:
    """Seconds to write all tables, and to restore them."""
    start = time.perf_counter()
    stored = {name: way.write(table, earlier[name]) for name, table in now.items()}
    middle = time.perf_counter()
    for name, each in stored.items():
        way.restore(each, earlier[name])
    return middle - start, time.perf_counter() - middle


def _restores(
    now: Tables, options: argparse.Namespace, seed: int, scratch: Path
) -> dict[str, list[float]]:
    """Seconds until the state is in a database, against a copy of it within that database."""
    shown = [name for name in ("planwise lz4", "planwise zstd") if name in options.ways]
    stored = {
        name: {table: WAYS[name](scratch).write(content, content) for table, content in now.items()}
        for name in shown
    }
    seconds: dict[str, list[float]] = {name: [] for name in (_COPY, *shown)}
    order = random.Random(seed)  # noqa: S311  # as above
    with duckdb.connect(str(scratch / "restored.duckdb")) as connection:
        connection.execute(f"set threads = {options.threads}")
        for table in now:
            content = now[table]  # noqa: F841  # in SQL
            connection.execute(f"create table {table} as from content")
        connection.execute("checkpoint")

        def copy() -> None:
            for table in now:
                connection.execute(f"create or replace table copied_{table} as from {table}")

        def restore(name: str) -> Callable[[], None]:
            def into() -> None:
                for table, payload in stored[name].items():
                    content = WAYS[name](scratch).restore(payload, None)  # noqa: F841  # in SQL
                    connection.execute(f"create or replace table copied_{table} as from content")

            return into

        works = {_COPY: copy, **{name: restore(name) for name in shown}}
        for number in range(options.rounds + 1):  # the first is not counted
            for name in order.sample(list(works), len(works)):
                start = time.perf_counter()
                works[name]()
                if number:
                    seconds[name].append(time.perf_counter() - start)
                else:
                    _same_digests(connection, name, list(now))
                connection.execute("checkpoint")
    print("\n| into a database | median s | ratio to a copy | 95 % interval |\n|---|---|---|---|")
    for name, times in seconds.items():
        ratio = compare(times, seconds[_COPY], seed=seed)
        interval = "" if name == _COPY else f"{ratio.low:.2f} to {ratio.high:.2f}"
        print(f"| {name} | {median(times):.3f} | {ratio.ratio:.2f} | {interval} |", flush=True)
    return seconds


def _same_digests(connection: duckdb.DuckDBPyConnection, name: str, tables: Sequence[str]) -> None:
    for table in tables:
        there, copied = (
            table_digest(connection, "main", each) for each in (table, f"copied_{table}")
        )
        if there != copied:
            raise CheckpointError(f"{name} does not restore {table} as it was")


if __name__ == "__main__":
    sys.exit(main())
