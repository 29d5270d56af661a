"""``planwise simulate``."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from planwise.cli.parser import option_parser
from planwise.cli.settled import settled_configs, settled_spec, settled_toggles
from planwise.containment import Guard
from planwise.errors import PlanwiseError, UsageError
from planwise.option_names import option_flag, refuse_shared_names
from planwise.plugin_set import enabled_plugins, guard_of
from planwise.plugins import installed_plugins, load_plugins
from planwise.project.profile import read_target
from planwise.project.spec import ProjectSpec
from planwise.relay import Relay
from planwise.reporting.estimate import Durations, earlier_durations
from planwise.reporting.json_results import write_results
from planwise.reporting.metric_lines import write_metric_lines
from planwise.reporting.terminal import TerminalObserver, make_console, print_plan, print_report
from planwise.run_files import RunFiles, write_problem
from planwise.runs.branching import Branch, branch_years, parse_branch, source_manifest
from planwise.runs.leaving import Left
from planwise.settings import cache_folder, option_value, size_bytes
from planwise.simulation import Simulation
from planwise.simulation_options import DEFAULT_DATABASE, SimulationOptions
from planwise.values import SettingValue
from planwise.warehouse.pool import check_pool_size
from planwise.warehouse.recording import refuse_full_folder

if TYPE_CHECKING:
    from rich.console import Console

    from planwise.config import Config

_ONLY_OF_A_RUN: Final = {
    "output": "no results to write",
    "metrics": "no metrics to write",
    "profile": "no profiles to keep",
    "record_statements": "no statements to record",
    "resume": "no years to go on with",
}
"""Options that a dry run could do nothing about, and what it lacks for each."""

_OTHER_FORMATS: Final = frozenset({".csv", ".duckdb", ".html", ".parquet", ".xlsx"})
"""Endings that promise something else than JSON."""


def simulate(options: argparse.Namespace, rest: list[str]) -> int:
    """Run, or with ``--dry-run`` only plan, a simulation.

    Args:
        options: the parsed arguments.
        rest: arguments that only the plugins know.

    Raises:
        PlanwiseError: anything that stops the run.
    """
    if options.dry_run:
        _refuse_without_effect(options)
    if options.pool_size is not None:
        check_pool_size(options.pool_size)
    if options.threads is not None and not 1 <= options.threads <= 1024:
        raise UsageError(f"--threads: expected 1 to 1024, got {options.threads}")
    config, scenarios = settled_configs(options)
    branch = None
    if options.branch is not None:
        branch, (config, *settled_scenarios) = _branched(options.branch, config, scenarios)
        scenarios = tuple(settled_scenarios)
    toggles = settled_toggles(options)
    guard = guard_of(config, options.plugin_errors)
    spec = settled_spec(options)
    settled = SimulationOptions(
        config=config,
        dbt_project=spec.directory,
        database=_database(options, spec),
        toggles=toggles,
        plugin_flags=plugin_flags(rest, enabled_plugins(config, toggles), guard) if rest else {},
        guard=guard,
        memory_limit=options.memory_limit,
        threads=options.threads,
        environ=dict(os.environ),
        scenarios=scenarios,
        cache=None if options.no_cache else cache_folder(options.cache_dir, os.environ),
        project=spec,
        tests=options.test,
        record=options.record_statements,
        years_given=config.years_given,
        resume=options.resume,
        branch=branch,
        checkpoints=not options.no_checkpoints,
        profile=options.profile,
        checkpoint_limit=None
        if options.checkpoint_limit is None
        else size_bytes(options.checkpoint_limit, "--checkpoint-limit"),
    )
    _check_branch(settled)
    if settled.record is not None:
        refuse_full_folder(settled.record)
    for flag, file in (("--output", options.output), ("--metrics", options.metrics)):
        if file is not None:
            _check_output(file, settled, flag)
    if options.metrics is not None:
        _check_metrics(options.metrics, options.output)
    console = make_console(sys.stdout, quiet=options.quiet)
    with TerminalObserver(console) as observer:
        simulation = Simulation(settled, observer)
        if options.metrics is not None and not simulation.relay.provides("report_section"):
            raise UsageError(
                "--metrics: no plugin that is on keeps any (hook report_section); leave out the "
                "flag, or switch one on: of the built-in ones that is --monitoring"
            )
        if options.dry_run:
            with tempfile.TemporaryDirectory(prefix="planwise-") as work:
                plan, inputs = simulation.plan(Path(work))
            for line in inputs.lines():
                console.print(line)
            # With --quiet too: the plan is what was asked for.
            print_plan(make_console(sys.stdout), plan, simulation.toggles)
            return 0
        observer.estimate(lambda: simulation.years, lambda: _earlier(simulation, spec))
        try:
            outcome = simulation.run()
            observer.stop()
            print_report(console, outcome)
            if options.profile and not outcome.result.profiles:
                console.print("profiles     none: what ran the models gives none, as dbt does not")
            if options.output is not None:
                write_results(outcome, options.output)
                console.print(f"results      {options.output.resolve()}")
            if options.metrics is not None:
                write_metric_lines(options.metrics, outcome.result.metrics)
                none = "" if outcome.result.metrics else " (empty: no plugin gave any)"
                console.print(f"metrics      {options.metrics.resolve()}{none}")
        except KeyboardInterrupt as stop:
            observer.stop()
            _tell_of_left(console, simulation.left, simulation.files, options.metrics)
            if simulation.published:
                raise type(stop)(f"{simulation.files.database} is complete all the same") from None
            if simulation.finished:
                raise type(stop)(_how_to_go_on(simulation.finished)) from None
            raise
        except Exception:
            observer.stop()
            if simulation.finished and not simulation.published:
                console.print(_how_to_go_on(simulation.finished))
            _tell_of_left(console, simulation.left, simulation.files, options.metrics)
            raise
    return 0


def _refuse_without_effect(options: argparse.Namespace) -> None:
    """Refuse, in a dry run, what only a run could give: nobody is to wait for a file in vain."""
    for name, lack in _ONLY_OF_A_RUN.items():
        if getattr(options, name) not in (None, False, "no"):
            raise UsageError(
                f"--{name.replace('_', '-')}: --dry-run runs nothing, so there are {lack}; leave "
                "out one of the two"
            )


def _earlier(simulation: Simulation, spec: ProjectSpec) -> Durations | None:
    """What the run before took, if it was one like this."""
    inputs = simulation.inputs
    people = None if inputs is None else inputs.census.people
    scenarios = 0 if inputs is None else len(inputs.scenarios)
    return earlier_durations(simulation.files.work, spec.directory, people, scenarios)


def _tell_of_left(console: Console, left: Left, files: RunFiles, metrics: Path | None) -> None:
    """Say where what the run measured is; whoever reads the output may have gone."""
    with contextlib.suppress(OSError, SystemExit):
        if left.profiles is not None:
            console.print(f"profiles     {left.profiles}")
        if left.file is None:
            return
        console.print(f"record       {left.file}")
        console.print(f"planwise report {shlex.quote(str(files.database))} shows what happened")
        if metrics is None:
            return
        try:
            write_metric_lines(metrics, left.metrics)
            console.print(f"metrics      {metrics.resolve()}")
        except PlanwiseError as error:  # the run's own error is the one to end with
            console.print(f"warning: {error}")


def _how_to_go_on(finished: Sequence[int]) -> str:
    """Which years are safe, and how to run the others."""
    years = f"{finished[0]}-{finished[-1]} are" if len(finished) > 1 else f"{finished[0]} is"
    return (
        f"{years} finished and kept, and an earlier result is as it was; the same command with "
        "--resume goes on from there"
    )


def _branched(
    text: str, config: Config, scenarios: Sequence[Config]
) -> tuple[Branch, tuple[Config, ...]]:
    """The branch, and the configurations with all its years: the ones taken over come first."""
    branch = parse_branch(text)
    years = branch_years(branch, source_manifest(branch), list(config.years))
    return branch, tuple(
        each.with_overrides(years=years, origin="--from") for each in (config, *scenarios)
    )


def _check_branch(settled: SimulationOptions) -> None:
    """Refuse a branch that would replace what it starts from, or be in a database of the user's."""
    if settled.branch is None:
        return
    if settled.in_place:
        raise UsageError(
            "--from: a run in the database of a profile cannot be branched into; leave out "
            "--profiles-dir"
        )
    if settled.database.resolve() == settled.branch.files.database:
        raise UsageError(
            f"--from: the branch would replace {settled.database}, which it starts from; give it "
            "another --database"
        )


def plugin_flags(
    rest: list[str], toggles: dict[str, bool], guard: Guard | None = None
) -> dict[str, dict[str, SettingValue]]:
    """Options of plugins among the arguments; loads the enabled plugins to know which exist.

    Args:
        rest: arguments that only plugins know.
        toggles: each installed plugin, on or off.
        guard: how they are called.

    Returns:
        The given values by plugin and option.

    Raises:
        UsageError: no enabled plugin has such an option, or its value is wrong.
    """
    installed = installed_plugins()
    for word in rest:
        owners = [name for name in toggles if word.startswith(f"--{name}-")]
        if owners and not any(toggles[name] for name in owners):
            raise UsageError(f"{word}: the plugin {owners[0]} is off; add --{owners[0]}")
    enabled = (installed[name] for name, on in toggles.items() if on)
    relay = Relay(load_plugins(enabled, guard), guard)
    declared = relay.add_options()
    refuse_shared_names(relay.plugins, declared, installed)
    parsed = vars(option_parser(declared).parse_args(rest))
    types = {(plugin, o.name): o for plugin, options in declared.items() for o in options}
    flags: dict[str, dict[str, SettingValue]] = {}
    for key, value in parsed.items():
        plugin, name = key.split("\0")
        if value is not None:
            flag = option_flag(plugin, name)
            flags.setdefault(plugin, {})[name] = option_value(types[plugin, name], value, flag)
    return flags


def _database(options: argparse.Namespace, spec: ProjectSpec) -> Path:
    """Where the result goes: as the command line says, or as the user's profile does."""
    given: Path | None = options.database
    if spec.profiles is None:
        return given or DEFAULT_DATABASE
    named = read_target(spec, os.environ).path
    if given is not None and given.absolute() != named:
        raise UsageError(
            f"--database: the profile in {spec.profiles} names {named}; leave the flag out, or the "
            "profile"
        )
    return named


def _check_metrics(file: Path, output: Path | None) -> None:
    """Refuse a file of metrics that would be mixed with something else."""
    if str(file) == "-":
        raise UsageError("--metrics: standard output has the report; name a file")
    if output is not None and file.resolve() == output.resolve():
        raise UsageError(f"--metrics: {file} is the file of --output too")


def _check_output(file: Path, settled: SimulationOptions, flag: str) -> None:
    """Refuse, before anything runs, a file that could not or must not be written."""
    if file.is_dir():
        raise UsageError(f"{flag}: {file} is a folder; expected a file such as results.json")
    config = settled.config
    scenario_files = (each.scenario_file for each in settled.scenarios)
    for taken in (settled.database, config.census.file, config.path, *scenario_files):
        if taken is not None and taken.resolve() == file.resolve():
            raise UsageError(
                f"{flag}: {file} is the database, census, configuration or a scenario too"
            )
    if file.suffix.lower() in _OTHER_FORMATS:
        raise UsageError(
            f"{flag}: JSON is written, expected a file such as results.json, got {file.name}; "
            "planwise export writes tables, and planwise report a page"
        )
    problem = write_problem(file.resolve().parent)
    if problem:
        raise UsageError(f"{flag}: {problem}; give another file")
