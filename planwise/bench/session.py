"""What the benchmarks share around the measuring: census, scratch folder, surroundings, JSON."""

from __future__ import annotations

import datetime
import json
import math
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from planwise.baselines import project_digest
from planwise.bench.job import Job, clean_environment, planwise_command
from planwise.bench.process import run
from planwise.bench.ratios import LEAST_ROUNDS
from planwise.bench.surroundings import (
    Hooks,
    distributions,
    hooks,
    machine,
    project_checksums,
    versions,
)
from planwise.errors import UsageError
from planwise.run_files import write_problem, write_text_atomically

CENSUS_SEED: Final = 42
_BUSY: Final = 0.2
"""Load for each core from which on a machine is not called idle."""


@frozen
class Setup:
    """How a benchmark was called.

    Attributes:
        years: simulation years.
        dbt_project: the folder of the dbt project.
        rounds: how often each arm is measured.
        seed: of the order and of the bootstrap.
        census: a census, or None for a synthetic one.
        census_date: the day that it describes.
        config: a configuration, or None for the defaults.
        scenarios: names of scenarios; empty for the configuration itself.
        pool_size: models that may run at once.
        memory_limit: of DuckDB in planwise's arms and the floor, or None.
        scratch: where to run, or None for the system's folder for temporary files.
        output: a JSON file to write, or None.
        warmup: how often each arm runs before it counts.
        time_budget_s: seconds after which no round may end, one excepted; None for no end.
        branch_from: the year from whose state the arms branch; None for whole runs.
        before: the machine before anything ran.
        started: when that was.
        began_s: the same, as a reading of ``time.monotonic()``.
    """

    years: tuple[int, ...]
    dbt_project: Path
    rounds: int
    seed: int = field(factory=lambda: random.SystemRandom().randrange(2**32))
    census: Path | None = None
    census_date: str | None = None
    config: Path | None = None
    scenarios: tuple[str, ...] = ()
    pool_size: int = 4
    memory_limit: str | None = None
    scratch: Path | None = None
    output: Path | None = None
    warmup: int = 1
    time_budget_s: float | None = None
    branch_from: int | None = None
    before: Mapping[str, Any] = field(factory=machine)
    started: datetime.datetime = field(factory=lambda: datetime.datetime.now(tz=datetime.UTC))
    began_s: float = field(factory=time.monotonic)

    @property
    def deadline_s(self) -> float | None:
        """When the budget is used up, as a reading of ``time.monotonic()``; None for never."""
        return None if self.time_budget_s is None else self.began_s + self.time_budget_s

    @property
    def source_years(self) -> tuple[int, ...]:
        """The years of the run that is branched from; none for whole runs."""
        from_year = self.branch_from
        return () if from_year is None else tuple(y for y in self.years if y <= from_year)

    @property
    def counted_years(self) -> tuple[int, ...]:
        """The years that the arms are measured over."""
        return self.years[len(self.source_years) :]

    def check(self) -> None:
        """Refuse, before anything runs, what cannot be done.

        Raises:
            UsageError: a value is out of range, or a folder or file cannot be used.
        """
        if self.rounds < 1:
            raise UsageError(f"--rounds: expected 1 or more, got {self.rounds}")
        if self.warmup < 1:
            raise UsageError(
                f"--warmup: expected 1 or more, got {self.warmup}; the first run of each arm shows "
                "that its tables are the same"
            )
        budget = self.time_budget_s
        if budget is not None and not (math.isfinite(budget) and budget > 0):
            raise UsageError(f"--time-budget: expected seconds above 0, got {budget:g}")
        if self.branch_from is not None and self.branch_from not in self.years[:-1]:
            raise UsageError(
                f"--branch-from: expected one of --years that a later one follows, "
                f"got {self.branch_from} of {self.years[0]}-{self.years[-1]}"
            )
        if self.output is not None:
            problem = write_problem(self.output.resolve().parent)
            if problem:
                raise UsageError(f"--output: {problem}")
            if self.output.is_dir():
                raise UsageError(f"--output: {self.output} is a folder; name a file in it")
        if self.scratch is not None and not self.scratch.is_dir():
            raise UsageError(f"--scratch: {self.scratch} is no folder")
        if self.census is None and self.census_date is not None:
            raise UsageError("--census-date goes with --census; a synthetic one has a date already")
        if self.census is not None and not self.census.is_file():
            raise UsageError(f"--census: {self.census}: no such file")

    def announce(self, arms: str, say: Callable[[str], None]) -> None:
        """Say on what is measured, and what keeps the figures from being good.

        Args:
            arms: what is measured.
            say: told of it.
        """
        say(f"machine: {_words(self.before)}")
        say(f"versions: {_words(versions())}")
        say(f"seed {self.seed}; arms: {arms}")
        if self.before["load_average"] > _BUSY * self.before["cores_granted"]:
            say("warning: the machine is not idle (load average above); the figures are noisy")
        if self.rounds < LEAST_ROUNDS:
            say(f"warning: a verdict needs {LEAST_ROUNDS} rounds")

    @contextmanager
    def scratch_folder(self) -> Iterator[Path]:
        """A folder for everything that the arms write, removed at the end."""
        with tempfile.TemporaryDirectory(prefix="planwise-bench-", dir=self.scratch) as name:
            yield Path(name).resolve()  # the arms run in folders of their own

    def job(self, scratch: Path, employees: int) -> Job:
        """What the arms compute; makes the census if none was given.

        Args:
            scratch: for the census.
            employees: people of a synthetic one.
        """
        census = self.census
        if census is None:
            census = scratch / f"census-{employees}.csv"
            command = planwise_command(
                *("census", "generate", "--employees", str(employees)),
                *("--seed", str(CENSUS_SEED), "--output", str(census)),
                *("--census-date", f"{self.years[0] - 1}-12-31"),
            )
            run(command, cwd=scratch, environment=clean_environment(), log=scratch / "census.log")
        return Job(
            census=census.resolve(),
            census_date=self.census_date,
            years=self.counted_years,
            dbt_project=self.dbt_project.resolve(),
            config=self.config.resolve() if self.config else None,
            pool_size=self.pool_size,
            scenarios=self.scenarios,
            memory_limit=self.memory_limit,
            caches=_has_cache_folder(scratch),
        )

    def employees_of(self, synthetic: int) -> int | None:
        """People of the synthetic census, or None if there is another one.

        Args:
            synthetic: what was asked for, or the default.
        """
        return synthetic if self.census is None else None

    def surroundings(
        self, hooks_of_arms: Mapping[str, Hooks] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Machine, versions and plugins, and how the benchmark was called, for the JSON.

        Args:
            hooks_of_arms: the active hooks of each plugin that is on, by arm, where arms differ in
                that. Without, every plugin is loaded to know its hooks.
            more: what this benchmark has beside it.
        """
        active: dict[str, Any] = (
            {"plugins": hooks()} if hooks_of_arms is None else {"hooks": dict(hooks_of_arms)}
        )
        return {
            "started": self.started.isoformat(timespec="seconds"),
            "machine": dict(self.before),
            "load_average_after": round(os.getloadavg()[0], 2),
            "versions": versions(),
            "distributions": distributions(),
            **active,
            "project": project_digest(project_checksums(self.dbt_project)),
            "seed": self.seed,
            "rounds": self.rounds,
            "warmup": self.warmup,
            "time_budget_s": self.time_budget_s,
            "years": list(self.years),
            "branch_from": self.branch_from,
            "census": str(self.census) if self.census else None,
            "census_date": self.census_date,
            "scenarios": list(self.scenarios),
            "pool_size": self.pool_size,
            "memory_limit": self.memory_limit,
            **more,
        }

    def write(self, content: Mapping[str, Any], say: Callable[[str], None]) -> None:
        """Write the JSON, if it was asked for.

        Args:
            content: all of it.
            say: told where it is.
        """
        if self.output is not None:
            text = json.dumps(content, indent=1) + "\n"
            write_text_atomically(self.output.resolve(), text)
            say(f"\nwritten: {self.output}")


def people(setup: Setup, employees: int) -> str:
    """Whom the arms simulate, in words."""
    return f"{employees:,} synthetic people" if setup.census is None else str(setup.census)


def _has_cache_folder(scratch: Path) -> bool:
    """Whether this planwise keeps caches in a folder that can be named."""
    log = scratch / "help.log"
    command = planwise_command("simulate", "--help")
    run(command, cwd=scratch, environment=clean_environment(), log=log)
    return "--cache-dir" in log.read_text(encoding="utf-8")


def _words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
