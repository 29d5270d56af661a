"""What every arm computes, and the processes that arms are made of."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

FOUNDATION: Final = "foundation"
WHOLE: Final = "whole"
_FOREIGN_PREFIXES: Final = ("DBT_", "DUCKDB_", "PLANWISE_")
"""Variables that would change what an arm does; the arms run without the caller's."""


@frozen
class Job:
    """What every arm computes.

    Attributes:
        census: the census.
        census_date: the day that it describes, or None for planwise's default.
        years: consecutive simulation years.
        dbt_project: the folder of the dbt project.
        config: a configuration, or None for the defaults.
        scenarios: names of scenarios, all in one pass; empty for the configuration itself.
        pool_size: models that may run at once, in planwise and in dbt (``--threads``).
        memory_limit: of DuckDB, in planwise's arms and the floor; None for what they choose.
        caches: whether ``planwise simulate`` can be told where its caches are.
    """

    census: Path
    census_date: str | None
    years: tuple[int, ...]
    dbt_project: Path
    config: Path | None
    pool_size: int
    scenarios: tuple[str, ...] = ()
    memory_limit: str | None = None
    caches: bool = False

    def first_years(self, count: int) -> Job:
        """The same over the first years only."""
        return evolve(self, years=self.years[:count])

    def arguments(self) -> list[str]:
        """What ``planwise simulate`` and ``planwise inputs`` are told alike."""
        words = ["--census", str(self.census), "--dbt-project", str(self.dbt_project)]
        words += ["--years", *map(str, self.years)]
        if self.census_date is not None:
            words += ["--census-date", self.census_date]
        if self.config is not None:
            words += ["--config", str(self.config)]
        if self.scenarios:
            words += ["--scenario", *self.scenarios]
        return words


@frozen
class Place:
    """Where an arm runs.

    Attributes:
        folder: for the result and everything beside it; empty before each run, removed after it.
        kept: the arm's own from its first run to its last: caches, recordings.
    """

    folder: Path
    kept: Path


@frozen
class Step:
    """One process of an arm.

    Attributes:
        phase: ``foundation``, a year, or ``whole`` for a process that does all of it.
        command: the program and its arguments.
        environment: variables to add.
    """

    phase: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


def database_of(folder: Path) -> Path:
    """Where an arm leaves its result."""
    return folder / "simulation.duckdb"


def results_of(folder: Path) -> Path:
    """Where an arm that is one process leaves the times of its phases, as planwise's results."""
    return folder / "results.json"


def profiles_of(job: Job, kept: Path) -> Path:
    """Where dbt finds the profile: in the project, or written for the arm."""
    own = job.dbt_project / "profiles.yml"
    return job.dbt_project if own.is_file() else kept / "profiles"


def planwise_command(*arguments: str) -> tuple[str, ...]:
    """planwise in the running Python."""
    return (sys.executable, "-m", "planwise.cli.main", *arguments)


def simulate_step(job: Job, folder: Path, caches: Path, *more: str) -> Step:
    """``planwise simulate``.

    Args:
        job: what to compute.
        folder: for the database and the results.
        caches: for what is kept between runs, never the user's own; empty for a cold run.
        more: further arguments, such as toggles.
    """
    kept = ("--cache-dir", str(caches)) if job.caches else ()
    limit = () if job.memory_limit is None else ("--memory-limit", job.memory_limit)
    command = planwise_command(
        "simulate",
        *job.arguments(),
        *("--pool-size", str(job.pool_size), *limit),
        *("--database", str(database_of(folder)), "--output", str(results_of(folder))),
        *kept,
        *more,
    )
    return Step(WHOLE, command, {})


def inputs_step(job: Job, folder: Path) -> Step:
    """``planwise inputs``: what the models read as sources."""
    words = ("inputs", *job.arguments(), "--database", str(database_of(folder)))
    return Step(FOUNDATION, planwise_command(*words), {})


def dbt_step(phase: str, job: Job, place: Place, year: int, *arguments: str) -> Step:
    """One process of dbt.

    Args:
        phase: what it belongs to.
        job: what to compute.
        place: where.
        year: the step variable. The foundation gets the first year's, as planwise gives it; dbt
            then need not parse the project again for that year.
        arguments: dbt's command and what belongs to it.
    """
    command = (
        *(sys.executable, "-m", "dbt.cli.main", *arguments),
        *("--project-dir", str(job.dbt_project)),
        *("--profiles-dir", str(profiles_of(job, place.kept))),
        *("--target-path", str(place.folder / "target"), "--log-path", str(place.folder / "logs")),
        *("--vars", json.dumps({"simulation_year": year})),
    )
    return Step(phase, command, {"PLANWISE_DATABASE": str(database_of(place.folder))})


def clean_environment() -> dict[str, str]:
    """This process's environment without what would steer planwise, dbt or DuckDB.

    Python may keep what it compiled: pip compiled dbt, but no checkout of planwise.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN_PREFIXES)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
