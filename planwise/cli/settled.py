"""From arguments to a settled configuration: command line over file over defaults."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from planwise.cli.years import parse_years
from planwise.errors import ConfigError, UsageError
from planwise.project.bundled import bundled_project

if TYPE_CHECKING:
    from planwise.config import Config
    from planwise.project.spec import ProjectSpec

DEFAULT_CONFIG: Final = Path("config/simulation_config.yaml")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def config_path(options: argparse.Namespace) -> Path | None:
    """The configuration file that is given, else the one in its usual place, if it is there."""
    if options.config is None and DEFAULT_CONFIG.is_file():
        return DEFAULT_CONFIG
    path: Path | None = options.config
    return path


def read_config(options: argparse.Namespace) -> Config:
    """The configuration file that is given, else the one in its usual place, else the defaults.

    Raises:
        ConfigError: the file is missing or wrong.
    """
    from planwise.config import load_config

    path = config_path(options)
    if path is not None and not path.is_file():
        raise ConfigError([f"{path}: no such configuration file"])
    return load_config(path)


def settled_config(options: argparse.Namespace) -> Config:
    """The configuration with everything that the command line says merged in.

    Raises:
        ConfigError: the file is missing or wrong.
        UsageError: a value of the command line is.
    """
    return _overridden(read_config(options), options)


def settled_configs(options: argparse.Namespace) -> tuple[Config, tuple[Config, ...]]:
    """The configuration, and that of each scenario that is asked for, from one reading of the file.

    The command line wins over every file.

    Raises:
        ConfigError: a file is missing or wrong.
        UsageError: a value of the command line is wrong, or there is no such scenario.
    """
    from planwise.config import load_scenarios

    config = read_config(options)
    asked = load_scenarios(config, options.scenario or ())
    return _overridden(config, options), tuple(_overridden(each, options) for each in asked)


def every_scenario(options: argparse.Namespace) -> tuple[list[Config], list[str]]:
    """The configurations of all scenarios that there are, and what is wrong with the others.

    Raises:
        ConfigError: the configuration itself, or the folder, cannot be read.
        UsageError: a value of the command line is wrong.
    """
    from planwise.config import load_scenario, scenario_names
    from planwise.config.scenario_folder import stray_files

    config = read_config(options)
    found: list[Config] = []
    problems = list(stray_files(config))
    for name in scenario_names(config):
        try:
            found.append(_overridden(load_scenario(config, name), options))
        except ConfigError as error:
            problems += [text for text in error.problems if text not in problems]
    return found, problems


def _overridden(config: Config, options: argparse.Namespace) -> Config:
    given = vars(options)
    years = given.get("years")
    return config.with_overrides(
        years=parse_years(years) if years else None,
        seed=given.get("seed"),
        census_file=given.get("census"),
        census_date=given.get("census_date"),
        pool_size=given.get("pool_size"),
    )


def settled_project(options: argparse.Namespace) -> Path:
    """The folder of the dbt project: given, or ./dbt, or the one that comes with planwise."""
    given: Path | None = options.dbt_project
    if given is not None:
        return given
    local = Path("dbt")
    if (local / "dbt_project.yml").is_file():
        return local
    return bundled_project() or local


def settled_spec(options: argparse.Namespace) -> ProjectSpec:
    """How the project is stepped through the years: flags over its own planwise.yaml.

    Raises:
        ConfigError: planwise.yaml or the file of variables is wrong.
        UsageError: a flag is.
    """
    from planwise.config.project_file import read_project_file, read_variables
    from planwise.stages import Stage

    spec = read_project_file(settled_project(options))
    changes: dict[str, Any] = {}
    if options.step_var is not None:
        if not _VARIABLE.fullmatch(options.step_var):
            raise UsageError(
                f"--step-var: expected the name of a dbt var, got {options.step_var!r}"
            )
        changes["step_variable"] = options.step_var
    if options.vars is not None:
        changes["variables"] = {**spec.variables, **read_variables(options.vars)}
    if options.profiles_dir is not None:
        changes["profiles"] = options.profiles_dir
    if options.target is not None:
        changes["target"] = options.target
    if options.foundation:
        changes["foundation"] = (Stage(select=tuple(options.foundation)),)
    if options.select:
        changes["year"] = (Stage(select=tuple(options.select)),)
    if options.keep_intermediates or options.test:  # dbt's tests see no temporary table
        changes["keep_intermediates"] = True
    settled = evolve(spec, **changes)
    if settled.target is not None and settled.profiles is None:
        raise UsageError("--target: a target belongs to a profile; give --profiles-dir too")
    if settled.step_variable in settled.variables:
        raise UsageError(
            f"the variable {settled.step_variable} is the year, which planwise sets; "
            "leave it out of the variables"
        )
    return settled


def settled_toggles(options: argparse.Namespace) -> dict[str, bool]:
    """What the command line says of each plugin.

    Raises:
        UsageError: everything is to be on and something is to be off.
    """
    toggles = {
        name.split("\0")[1]: value
        for name, value in vars(options).items()
        if name.startswith("toggle\0") and value is not None
    }
    if options.enable_all_optimizations:
        off = [name for name, on in toggles.items() if not on]
        if off:
            raise UsageError(
                f"--enable-all-optimizations and --no-{off[0]} contradict each other; drop one"
            )
        from planwise.plugins import installed_plugins

        toggles |= {name: True for name, each in installed_plugins().items() if not each.on_request}
    return toggles
