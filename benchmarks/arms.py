"""The arms: ways to run one simulation, each as a list of processes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from planwise.errors import UsageError

REFERENCE: Final = "all-on"
ALL_OFF: Final = "all-off"
PER_YEAR: Final = "per-year"
FOUNDATION: Final = "foundation"
WHOLE: Final = "whole"


@frozen
class Arm:
    """One way to run the simulation.

    Attributes:
        name: what it is called in the table.
        toggles: each plugin, on or off; None for plain dbt.
    """

    name: str
    toggles: Mapping[str, bool] | None


@frozen
class Job:
    """What every arm computes.

    Attributes:
        census: the census, its date, or None for planwise's default date.
        years: consecutive simulation years.
        dbt_project: the folder of the dbt project.
        config: a configuration, or None for the defaults.
        pool_size: models that may run at once, in planwise and in dbt (``--threads``).
    """

    census: Path
    census_date: str | None
    years: tuple[int, ...]
    dbt_project: Path
    config: Path | None
    pool_size: int

    def arguments(self) -> list[str]:
        """What ``planwise simulate`` and ``planwise inputs`` are told alike."""
        words = ["--census", str(self.census), "--dbt-project", str(self.dbt_project)]
        words += ["--years", *map(str, self.years)]
        if self.census_date is not None:
            words += ["--census-date", self.census_date]
        if self.config is not None:
            words += ["--config", str(self.config)]
        return words


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


def all_arms(plugins: Iterable[str]) -> dict[str, Arm]:
    """Every arm, by name: all plugins on, each one off alone, all off, and plain dbt.

    Args:
        plugins: the names of the installed plugins.
    """
    names = sorted(plugins)
    arms = [Arm(REFERENCE, dict.fromkeys(names, True))]
    if len(names) > 1:  # of one plugin, "it off" is "all off"
        arms += [Arm(f"no-{off}", {name: name != off for name in names}) for off in names]
    if names:
        arms.append(Arm(ALL_OFF, dict.fromkeys(names, False)))
    arms.append(Arm(PER_YEAR, None))
    return {arm.name: arm for arm in arms}


def chosen_arms(wanted: Sequence[str] | None, plugins: Iterable[str]) -> list[Arm]:
    """The arms that were asked for, the reference first: it is what ratios are taken to.

    Args:
        wanted: names of arms; None for every one.
        plugins: the names of the installed plugins.

    Raises:
        UsageError: there is no such arm.
    """
    known = all_arms(plugins)
    for name in wanted or ():
        if name not in known:
            raise UsageError(f"--arms: no arm '{name}'; there are: {', '.join(known)}")
    return [arm for arm in known.values() if not wanted or arm.name in {REFERENCE, *wanted}]


def planwise_command(*arguments: str) -> tuple[str, ...]:
    """planwise in the running Python."""
    return (sys.executable, "-m", "planwise.cli.main", *arguments)


def database_of(folder: Path) -> Path:
    """Where an arm leaves its result."""
    return folder / "simulation.duckdb"


def results_of(folder: Path) -> Path:
    """Where ``planwise simulate`` leaves its JSON results."""
    return folder / "results.json"


def steps(arm: Arm, job: Job, folder: Path) -> list[Step]:
    """The processes of an arm, in order.

    Args:
        arm: which way.
        job: what to compute.
        folder: an empty folder for the result and everything beside it.
    """
    if arm.toggles is None:
        return _per_year(job, folder)
    flags = [f"--{name}" if on else f"--no-{name}" for name, on in arm.toggles.items()]
    command = planwise_command(
        "simulate",
        *job.arguments(),
        *("--pool-size", str(job.pool_size)),
        *("--database", str(database_of(folder)), "--output", str(results_of(folder))),
        *flags,
    )
    return [Step(WHOLE, command, {})]


def _per_year(job: Job, folder: Path) -> list[Step]:
    """Plain dbt as docs/simulation.md says: what is built once is built once, then a year each."""
    inputs = planwise_command("inputs", *job.arguments(), "--database", str(database_of(folder)))
    found = [
        Step(FOUNDATION, inputs, {}),
        _dbt(FOUNDATION, job, folder, "seed"),
        _dbt(FOUNDATION, job, folder, "run", "--select", "tag:foundation"),
    ]
    for year in job.years:
        words = ["run", "--select", "tag:year", "--vars", json.dumps({"simulation_year": year})]
        if year == job.years[0]:
            words.append("--full-refresh")
        found.append(_dbt(str(year), job, folder, *words))
    return found


def _dbt(phase: str, job: Job, folder: Path, *arguments: str) -> Step:
    command = (
        *(sys.executable, "-m", "dbt.cli.main", *arguments),
        *("--project-dir", str(job.dbt_project), "--profiles-dir", str(job.dbt_project)),
        *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
        *("--threads", str(job.pool_size)),
    )
    return Step(phase, command, {"PLANWISE_DATABASE": str(database_of(folder))})
