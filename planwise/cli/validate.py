"""``planwise validate``: everything that a run needs, checked, with what to do where it fails."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

from attrs import define, field

from planwise.cli.settled import (
    every_scenario,
    settled_configs,
    settled_project,
    settled_toggles,
)
from planwise.engine import QuietObserver
from planwise.errors import ConfigError, DependencyError, PlanwiseError, WarehouseError
from planwise.inputs import check_scenarios
from planwise.machine import this_machine
from planwise.plugin_set import enabled_plugins
from planwise.run_files import RunFiles
from planwise.simulation import Simulation
from planwise.simulation_options import DEFAULT_DATABASE, SimulationOptions

_LEAST_DISK: Final = 500 * 2**20
_LEAST_MEMORY: Final = 512 * 2**20


@define
class _Report:
    """Prints a line per check and remembers whether one failed."""

    failed: bool = field(default=False)

    def check(self, name: str, action: Callable[[], str]) -> bool:
        try:
            text = action()
        except PlanwiseError as error:
            problems = error.problems if isinstance(error, ConfigError) else (str(error),)
            for problem in problems:
                self._print("FAIL", name, " ".join(problem.split()))
            self.failed = True
            return False
        self._print("ok", name, text)
        return True

    def skip(self, name: str, why: str) -> None:
        self._print("--", name, why)

    def _print(self, mark: str, name: str, text: str) -> None:
        sys.stdout.write(f"{mark:<5}{name:<14}{text}\n")


def validate(options: argparse.Namespace) -> int:
    """Run every check; one that fails does not keep the others from running.

    Returns:
        0 when everything holds, else 1.
    """
    report = _Report()
    settled: list[SimulationOptions] = []
    database = (options.database or DEFAULT_DATABASE).resolve()

    def check_config() -> str:
        config, scenarios = settled_configs(options)
        run = SimulationOptions(
            config=config,
            dbt_project=settled_project(options),
            database=database,
            toggles=settled_toggles(options),
            scenarios=scenarios,
        )
        check_scenarios(run.configs, run.dbt_project)
        settled.append(run)
        where = str(config.path) if config.path else "no file, defaults"
        return f"{where}; years {config.years[0]} to {config.years[-1]}"

    report.check("dependencies", _dependencies)
    report.check("config", check_config)
    report.check("disk", lambda: _disk(database))
    report.check("memory", lambda: _memory(database))
    if not settled:
        for name in ("plugins", "scenarios", "census", "project"):
            report.skip(name, "not checked: the config has to be right first")
        return 1
    run = settled[0]
    plugins_load = report.check("plugins", lambda: _plugins(run))
    report.check("scenarios", lambda: _scenarios(options, run.dbt_project))
    report.check("census", lambda: _census(run))
    if plugins_load:
        report.check("project", lambda: _project(run))
    else:
        report.skip("project", "not checked: the plugins have to load first")
    return 1 if report.failed else 0


def _dependencies() -> str:
    from packaging.requirements import Requirement

    found, problems = [], []
    for text in requires("planwise") or []:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            problems.append(f"{requirement.name} is missing: pip install '{requirement}'")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            problems.append(
                f"{requirement.name} {installed} does not fit: pip install '{requirement}'"
            )
        found.append(f"{requirement.name} {installed}")
    if problems:
        raise DependencyError("; ".join(problems))
    return ", ".join(found)


def _plugins(run: SimulationOptions) -> str:
    toggles = enabled_plugins(run.config, run.toggles)
    Simulation(run, QuietObserver())
    return ", ".join(f"{name} {'on' if on else 'off'}" for name, on in toggles.items()) or "none"


def _scenarios(options: argparse.Namespace, dbt_project: Path) -> str:
    """Every scenario file, also those that are not asked for."""
    found, problems = every_scenario(options)
    for config in found:
        try:
            check_scenarios([config], dbt_project)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    return ", ".join(config.simulation.scenario for config in found)


def _census(run: SimulationOptions) -> str:
    from planwise.inputs import load_inputs_interruptibly
    from planwise.warehouse.opening import connect

    with (
        tempfile.TemporaryDirectory(prefix="planwise-") as work,
        connect(Path(":memory:")) as connection,
    ):
        summary = load_inputs_interruptibly(connection, run.configs, run.dbt_project, Path(work))
        return "\n".join(summary.lines()).replace("\n", "\n" + " " * 19)


def _project(run: SimulationOptions) -> str:
    with tempfile.TemporaryDirectory(prefix="planwise-") as work:
        plan = Simulation(run, QuietObserver()).plan_project(Path(work))
    return f"{run.dbt_project}: {len(plan.nodes)} nodes in {len(plan.year.batches)} batches a year"


def _disk(database: Path) -> str:
    RunFiles(database).check()
    machine = this_machine(database.parent)
    if machine.temp_free_bytes < _LEAST_DISK:
        raise WarehouseError(
            f"{database.parent}: {machine.temp_free_bytes / 2**20:.0f} MiB free, expected at least "
            f"{_LEAST_DISK / 2**20:.0f}; make room, or give another --database"
        )
    return f"{database.parent}: {machine.temp_free_bytes / 2**30:.1f} GiB free"


def _memory(database: Path) -> str:
    machine = this_machine(database.parent)
    if machine.memory_available_bytes < _LEAST_MEMORY:
        raise WarehouseError(
            f"{machine.memory_available_bytes / 2**20:.0f} MiB of memory are free, expected at "
            f"least {_LEAST_MEMORY / 2**20:.0f}; stop other programs"
        )
    return (
        f"{machine.memory_available_bytes / 2**30:.1f} of "
        f"{machine.memory_total_bytes / 2**30:.1f} GiB available, {machine.cores} cores granted "
        f"of {os.cpu_count()}"
    )
