"""A dbt project through the years: by planwise in this process, and by plain dbt in others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from planwise.checkpoints.store import CheckpointStore
from planwise.engine import QuietObserver
from planwise.machine import this_machine
from planwise.pipeline import Pipeline
from planwise.plugins import installed_plugins, load_plugins
from planwise.project.dbt_project import DbtProject
from planwise.project.profile import write_profile
from planwise.relay import Relay
from planwise.results import RunResult
from planwise.run_request import RunRequest
from planwise.warehouse.database import Warehouse
from planwise.warehouse.digests import TableDigest, database_digests
from planwise.warehouse.opening import reading

TESTS = Path(__file__).resolve().parents[1]
PROJECTS = TESTS / "projects"
YEARS = (2024, 2025, 2026)


@frozen
class Run:
    """A run by planwise, and the digests of its database."""

    result: RunResult
    digests: dict[str, TableDigest]
    folder: Path

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of the run's database."""
        with reading(self.folder / "planwise.duckdb") as connection:
            return connection.execute(sql).fetchall()


def digests(database: Path) -> dict[str, TableDigest]:
    with reading(database) as connection:
        return database_digests(connection)


def planwise_run(
    project: Path,
    folder: Path,
    years: tuple[int, ...] = YEARS,
    *,
    relay: Relay | None = None,
    pool_size: int = 2,
    cache: Path | None = None,
) -> Run:
    """Run a project with the kernel alone; its database is ``planwise.duckdb`` in the folder."""
    database = folder / "planwise.duckdb"
    warehouse = Warehouse(database, pool_size)
    dbt_project = DbtProject(project, folder / "work", database, cache=cache)
    store = CheckpointStore(folder / "checkpoints")
    try:
        with dbt_project.session():
            pipeline = Pipeline(
                relay or Relay(),
                dbt_project,
                warehouse,
                store,
                QuietObserver(),
                lambda: this_machine(folder),
            )
            result = pipeline.run(RunRequest(years, pool_size), lambda: 0)
    finally:
        warehouse.close()
    return Run(result, digests(database), folder)


def with_plugins(*names: str) -> Relay:
    """The kernel with some of the installed plugins, as a user would enable them."""
    available = installed_plugins()
    relay = Relay(load_plugins(available[name] for name in names))
    relay.configure({name: {} for name in names})
    return relay


def executors(run: Run) -> dict[str, set[str]]:
    """Who executed each model of the years, by its name."""
    found: dict[str, set[str]] = {}
    for phase in (run.result.foundation, *run.result.year_phases):
        for model in phase.models:
            found.setdefault(model.name, set()).add(model.executed_by)
    return found


class PlainDbt:
    """Plain dbt on several projects, as processes beside this one.

    Each command has a target folder of its own, so that nothing is left of another's parse.

    Args:
        folder: where everything is written.
        names: the projects, in the order in which they run.
    """

    def __init__(self, folder: Path, names: list[str]) -> None:
        self._folder = folder
        self._codes: dict[str, int] = {}
        commands = {name: list(self._lines(name)) for name in names}
        file = folder / "commands.json"
        file.write_text(json.dumps(commands), encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("plain_dbt.py")), str(file)],
            env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )

    def _lines(self, name: str) -> Iterator[list[str]]:
        """dbt's command lines: seeds once, then everything else year by year."""
        folder = self._folder / name
        profiles = folder / "profiles"
        profiles.mkdir(parents=True)
        write_profile(profiles / "profiles.yml", "small", folder / "plain.duckdb")
        kinds = ["--resource-type", "model", "--resource-type", "snapshot"]
        commands = [(YEARS[0], ["seed"])] if (PROJECTS / name / "seeds").is_dir() else []
        for year in YEARS:
            refresh = ["--full-refresh"] if year == YEARS[0] else []
            commands.append((year, ["build", *kinds, *refresh]))
        for number, (year, command) in enumerate(commands):
            yield [
                *command,
                *("--project-dir", str(PROJECTS / name), "--profiles-dir", str(profiles)),
                *("--target-path", str(folder / f"target{number}"), "--log-path", str(folder)),
                *("--vars", json.dumps({"simulation_year": year})),
            ]

    def digests(self, name: str) -> dict[str, TableDigest]:
        """Wait for a project; gives the digests of its database."""
        assert self._process.stdout is not None
        while name not in self._codes:
            line = self._process.stdout.readline()
            assert line, "plain dbt ended early"
            project, code = line.split()
            self._codes[project] = int(code)
        assert self._codes[name] == 0, (self._folder / f"{name}.log").read_text()
        return digests(self._folder / name / "plain.duckdb")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
