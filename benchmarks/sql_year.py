"""What the SQL of a simulation year costs by itself, in copies of that year's snapshot.

dbt compiles the models of each year once; then all years are executed as bare SQL on one DuckDB
connection, a transaction a year, so that neither dbt nor planwise is in the figures. The unit is
``CREATE OR REPLACE TABLE x AS`` of the year's rows of ``fct_workforce_snapshot``, measured after
each year on the same connection: with its commit, to which a year with its commit is compared, and
in a transaction that is rolled back, to which a year without its commit is compared.

Run it from the checkout, in its environment: ``python benchmarks/sql_year.py --help``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median
from typing import Any, Final

import duckdb
from attrs import frozen

from planwise.bench.job import clean_environment, database_of, planwise_command
from planwise.bench.process import run
from planwise.bench.script import run_script
from planwise.bench.surroundings import machine, versions
from planwise.cli.years import parse_years
from planwise.errors import UsageError
from planwise.run_files import write_atomically, write_problem

_ROOT: Final = Path(__file__).resolve().parents[1]
_PROJECT: Final = _ROOT / "dbt"
_SNAPSHOT: Final = "fct_workforce_snapshot"
_COPIES: Final = 9
"""How often the unit is measured after each year; the median counts."""


@frozen
class Model:
    """A model of the year that is executed.

    Attributes:
        name: of model and table.
        sql: the compiled query of each year.
        incremental: its rows of the year are replaced; any other table is replaced as a whole.
        kept: its table outlives the year; any other may be temporary.
    """

    name: str
    sql: Mapping[int, str]
    incremental: bool
    kept: bool


@frozen
class YearTimes:
    """One year of one round, in seconds.

    Attributes:
        models: each statement or pair of statements, by model.
        commit: the end of the transaction.
        copy: median of the copies of the snapshot, each with its commit.
        bare_copy: the same without commit, each rolled back.
        people: rows of the snapshot in that year.
    """

    models: Mapping[str, float]
    commit: float
    copy: float
    bare_copy: float
    people: int

    @property
    def total(self) -> float:
        """From the begin of the transaction to the end of its commit."""
        return sum(self.models.values()) + self.commit

    @property
    def ratio(self) -> float:
        """The year in copies, both with their commit."""
        return self.total / self.copy

    @property
    def bare_ratio(self) -> float:
        """The year in copies, both without a commit."""
        return sum(self.models.values()) / self.bare_copy


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0 measured, 1 failed or above the bound, 2 wrong usage, 130 interrupted.
    """
    return run_script("sql_year", lambda: _benchmark(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "sql_year.py",
        description=__doc__.splitlines()[0] if __doc__ else None,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--rounds", type=int, default=5, metavar="N", help="runs of all years (default: 5)")
    add("--years", nargs="+", default=["2025-2029"], help="simulation years (default: 2025-2029)")
    add("--employees", type=int, default=10_000, metavar="N", help="people (default: 10000)")
    add(
        *("--config",),
        type=Path,
        default=_ROOT / "config" / "simulation_config.yaml",
        metavar="FILE",
        help="configuration; its scenarios are in the folder scenarios beside it",
    )
    add("--scenario", nargs="+", default=["baseline"], metavar="NAME", help="default: baseline")
    add("--threads", type=int, default=2, metavar="N", help="DuckDB's threads (default: 2)")
    add("--memory-limit", metavar="SIZE", help="bound of DuckDB's buffers, such as 2GiB")
    add("--publish-all", action="store_true", help="write intermediate models to the file too")
    add("--bound", type=float, metavar="RATIO", help="fail if a year costs more copies than this")
    add("--scratch", type=Path, metavar="DIR", help="existing folder to work in; emptied after")
    add("--database", type=Path, metavar="FILE", help="keep the result of the last round")
    add("--output", type=Path, metavar="FILE.json", help="write everything as JSON too")
    return parser


def _benchmark(options: argparse.Namespace) -> int:
    for name in ("rounds", "employees", "threads"):
        if getattr(options, name) < 1:
            raise UsageError(f"--{name}: expected 1 or more, got {getattr(options, name)}")
    for name in ("output", "database"):
        file = getattr(options, name)
        if file is not None and (problem := write_problem(file.resolve().parent)):
            raise UsageError(f"--{name}: {problem}")
    years = parse_years(options.years)
    before = machine()
    print(f"machine: {before}\nversions: {versions()}", flush=True)
    parent = None if options.scratch is None else options.scratch.resolve()
    with tempfile.TemporaryDirectory(prefix="sql-year-", dir=parent) as scratch:
        folder = Path(scratch)
        models = prepare(folder, options, years)
        rounds = []
        for number in range(options.rounds + 1):  # the first warms caches and is not kept
            shutil.rmtree(folder / "round", ignore_errors=True)
            (folder / "round").mkdir()
            file = shutil.copy(database_of(folder), database_of(folder / "round"))
            times = _one_round(Path(file), models, years, options)
            if number or options.rounds == 1:
                rounds.append(times)
                shown = ", ".join(f"{y} {t.ratio:.1f}" for y, t in times.items())
                print(f"round {len(rounds)}: {shown} copies", flush=True)
            if len(rounds) == options.rounds:
                break
        if options.database is not None:
            shutil.copy(file, options.database)
    _print(rounds, models, years)
    if options.output is not None:
        _write(options.output.resolve(), rounds, before, options)
    worst = max(max(_ratios(rounds, year)) for year in years)
    if options.bound is not None and worst > options.bound:
        print(f"sql_year: a year costs {worst:.1f} copies, more than {options.bound:g}")
        return 1
    return 0


def prepare(folder: Path, options: argparse.Namespace, years: Sequence[int]) -> list[Model]:
    """Inputs, foundation, and the models of each year as dbt compiles them, in order.

    Args:
        folder: an empty folder; the database with inputs and foundation is left in it.
        options: ``employees``, ``config`` and ``scenario`` count.
        years: consecutive simulation years.
    """
    census = folder / "census.csv"
    _run(
        folder,
        planwise_command(
            *("census", "generate", "--employees", str(options.employees), "--seed", "42"),
            *("--census-date", f"{years[0] - 1}-12-31", "--output", str(census)),
        ),
    )
    words = ["--census", str(census), "--config", str(options.config.resolve())]
    words += ["--dbt-project", str(_PROJECT), "--years", *map(str, years)]
    words += ["--scenario", *options.scenario, "--database", str(database_of(folder))]
    _run(folder, planwise_command("inputs", *words))
    _dbt(folder, "seed")
    _dbt(folder, "run", "--select", "tag:foundation")
    compiled: dict[int, dict[str, str]] = {}
    # The tables of the year, empty: a later year reads those of the one before if there are any.
    _dbt(folder, "run", "--empty", "--full-refresh", *_of_year(years[0]))
    for year in years:
        _dbt(folder, "compile", *_of_year(year))
        below = folder / "target" / "compiled" / "planwise_simulation" / "models" / "year"
        compiled[year] = {file.stem: file.read_text("utf-8") for file in below.glob("*.sql")}
    manifest = json.loads((folder / "target" / "manifest.json").read_text("utf-8"))
    return _in_order(manifest["nodes"], compiled)


def _of_year(year: int) -> tuple[str, ...]:
    return ("--select", "tag:year", "--vars", json.dumps({"simulation_year": year}))


def _dbt(folder: Path, *arguments: str) -> None:
    command = (
        *(sys.executable, "-m", "dbt.cli.main", *arguments),
        *("--project-dir", str(_PROJECT), "--profiles-dir", str(_PROJECT)),
        *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
    )
    _run(folder, command, PLANWISE_DATABASE=str(database_of(folder)))


def _run(folder: Path, command: Sequence[str], **variables: str) -> None:
    environment = {**clean_environment(), **variables}
    run(command, cwd=folder, environment=environment, log=folder / "command.log")


def _in_order(nodes: Mapping[str, Any], sql: Mapping[int, Mapping[str, str]]) -> list[Model]:
    """The models of the year that have tables, each after those that it refers to."""
    of_year = {key: n for key, n in nodes.items() if "year" in n["tags"]}
    parents = {key: n["depends_on"]["nodes"] for key, n in of_year.items()}
    models = []
    for key in TopologicalSorter(parents).static_order():
        if key not in of_year or of_year[key]["config"]["materialized"] == "ephemeral":
            continue
        name, config = of_year[key]["name"], of_year[key]["config"]
        if of_year[key]["resource_type"] == "model":
            models.append(
                Model(
                    name,
                    {year: texts[name] for year, texts in sql.items()},
                    config["materialized"] == "incremental",
                    config["meta"].get("planwise", {}).get("keep", True),
                )
            )
    return models


def _one_round(
    file: Path, models: Iterable[Model], years: Sequence[int], options: argparse.Namespace
) -> dict[int, YearTimes]:
    """All years on a database that holds the foundation, with the settings of the tuning plugin."""
    temporary = () if options.publish_all else [each.name for each in models if not each.kept]
    found = {}
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"set threads = {options.threads}")
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set checkpoint_threshold = '1MiB'")
        if options.memory_limit is not None:
            connection.execute(f"set memory_limit = '{options.memory_limit}'")
        for name in temporary:
            connection.execute(f"drop table if exists main.{name}")
        for year in years:
            seconds = {}
            connection.execute("begin")
            for model in models:
                start = time.perf_counter()
                for statement in statements(model, year, temporary):
                    connection.execute(statement)
                seconds[model.name] = time.perf_counter() - start
            start = time.perf_counter()
            connection.execute("commit")
            commit = time.perf_counter() - start
            found[year] = YearTimes(seconds, commit, *_copies(connection, year))
    return found


def statements(model: Model, year: int, temporary: Sequence[str]) -> list[str]:
    """What puts a model's rows of a year in place.

    Args:
        model: the model.
        year: the year.
        temporary: names of the models whose tables are temporary.
    """
    sql, target = model.sql[year], f'"simulation"."main"."{model.name}"'
    if model.incremental:
        texts = [
            f"delete from {target} where simulation_year = {year}",
            f"insert into {target} by name {sql}",
        ]
    else:
        kind = "temporary table" if model.name in temporary else "table"
        texts = [f"create or replace {kind} {target} as {sql}"]
    for name in temporary:
        texts = [t.replace(f'"simulation"."main"."{name}"', f"temp.main.{name}") for t in texts]
    return texts


def _copies(connection: duckdb.DuckDBPyConnection, year: int) -> tuple[float, float, int]:
    """Seconds of a copy of the year's snapshot with and without its commit, and its rows."""
    copy = (
        "create or replace table main.copied as"
        f" select * from main.{_SNAPSHOT} where simulation_year = {year}"
    )
    committed, bare = [], []
    people = 0
    for _ in range(_COPIES):
        start = time.perf_counter()
        counted = connection.execute(copy).fetchone()
        committed.append(time.perf_counter() - start)
        people = counted[0] if counted else 0
        connection.execute("begin")
        start = time.perf_counter()
        connection.execute(copy)
        bare.append(time.perf_counter() - start)
        connection.execute("rollback")
    connection.execute("drop table main.copied")
    return median(committed), median(bare), people


def _ratios(rounds: Sequence[Mapping[int, YearTimes]], year: int) -> tuple[float, float]:
    """Medians over the rounds of a year's cost in copies, with and without commit."""
    times = [each[year] for each in rounds]
    return median(t.ratio for t in times), median(t.bare_ratio for t in times)


def _print(
    rounds: Sequence[Mapping[int, YearTimes]], models: Iterable[Model], years: Sequence[int]
) -> None:
    """Milliseconds by model, medians of the rounds, and what a year costs in copies."""
    print(f"\n| ms, median of {len(rounds)} | " + " | ".join(map(str, years)) + " |")
    print("|---|" + "---|" * len(years))
    for model in models:
        shown = (1000 * median(r[year].models[model.name] for r in rounds) for year in years)
        mark = "" if model.kept else " (temporary)"
        print(f"| {model.name}{mark} | " + " | ".join(f"{ms:.1f}" for ms in shown) + " |")
    rows: dict[str, list[str]] = {
        "commit": [f"{1000 * median(r[y].commit for r in rounds):.1f}" for y in years],
        "year": [f"{1000 * median(r[y].total for r in rounds):.1f}" for y in years],
        f"copy of {_SNAPSHOT}": [f"{1000 * median(r[y].copy for r in rounds):.2f}" for y in years],
        "the copy without commit": [
            f"{1000 * median(r[y].bare_copy for r in rounds):.2f}" for y in years
        ],
        "people": [f"{rounds[0][y].people:,}" for y in years],
        "year / copy": [f"{_ratios(rounds, y)[0]:.1f}" for y in years],
        "both without commit": [f"{_ratios(rounds, y)[1]:.1f}" for y in years],
    }
    for name, shown_row in rows.items():
        print(f"| {name} | " + " | ".join(shown_row) + " |")


def _write(
    file: Path,
    rounds: Sequence[Mapping[int, YearTimes]],
    before: Mapping[str, Any],
    options: argparse.Namespace,
) -> None:
    content = {
        "format_version": 1,
        "machine": before,
        "versions": versions(),
        "employees": options.employees,
        "scenarios": options.scenario,
        "threads": options.threads,
        "memory_limit": options.memory_limit,
        "rounds": [
            {
                str(year): {
                    "models_s": dict(times.models),
                    "commit_s": times.commit,
                    "copy_s": times.copy,
                    "bare_copy_s": times.bare_copy,
                    "people": times.people,
                }
                for year, times in each.items()
            }
            for each in rounds
        ],
        "ratios": {str(year): _ratios(rounds, year) for year in rounds[0]},
    }
    text = json.dumps(content, indent=1) + "\n"

    def write(target: Path) -> None:
        target.write_text(text, encoding="utf-8")

    write_atomically(file, write)


if __name__ == "__main__":
    sys.exit(main())
