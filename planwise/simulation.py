"""A simulation put together: plugins, project, warehouse, checkpoints and pipeline.

The command line and the Python API compose the same parts here, and nowhere else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, field, frozen

from planwise.checkpoints.store import CheckpointStore
from planwise.errors import WarehouseError
from planwise.inputs import (
    InputsSummary,
    check_scenarios,
    load_inputs,
    load_inputs_interruptibly,
    reads_inputs,
)
from planwise.interruption import signals_wait
from planwise.machine import this_machine
from planwise.own_results import duckdb_errors, mark_as_ours, read_by_year, refuse_foreign
from planwise.pipeline import Pipeline, RunRequest
from planwise.plugins import installed_plugins, load_plugins, settle_toggles
from planwise.ports import Observer
from planwise.project.dbt_project import DbtProject
from planwise.project.profile import Target, read_profile_name, read_target
from planwise.project.spec import ProjectSpec
from planwise.relay import Relay
from planwise.results import RunPlan, RunResult
from planwise.run_files import RunFiles
from planwise.run_record import write_account
from planwise.settings import (
    configured_baseline,
    fixed_settings,
    partial_parse,
    plugin_option_values,
)
from planwise.values import SettingValue
from planwise.warehouse.database import Warehouse
from planwise.warehouse.lock import database_lock
from planwise.warehouse.opening import connect
from planwise.warehouse.recording import Recorder, recording

if TYPE_CHECKING:
    from planwise.config import Config

DEFAULT_DATABASE: Final = Path("output/simulation.duckdb")


@frozen
class SimulationOptions:
    """Everything that decides a run.

    Attributes:
        config: the configuration, with what the command line says already merged in.
        scenarios: likewise one configuration for each scenario; empty for ``config`` alone.
        dbt_project: folder of the dbt project.
        database: the file that will hold the result.
        toggles: plugins switched on or off on the command line.
        plugin_flags: options of plugins from the command line, by plugin and option.
        memory_limit, threads: DuckDB settings from the command line.
        environ: the process's environment.
        cache: where graphs and rendered SQL are kept between runs; None keeps none.
        project: how the project is stepped through the years; None for what holds for every one.
        tests: whether dbt's tests are run after the foundation and after each year.
        record: a folder for a recording of every statement that planwise sends, or None.
        years_given: whether somebody asked for these years, or they are a default; then a project
            that does not read them runs once.
    """

    config: Config
    dbt_project: Path
    database: Path = DEFAULT_DATABASE
    toggles: Mapping[str, bool] = field(factory=dict)
    plugin_flags: Mapping[str, Mapping[str, SettingValue]] = field(factory=dict)
    memory_limit: str | None = None
    threads: int | None = None
    environ: Mapping[str, str] = field(factory=lambda: dict(os.environ))
    scenarios: tuple[Config, ...] = ()
    cache: Path | None = None
    project: ProjectSpec | None = None
    tests: bool = False
    record: Path | None = None
    years_given: bool = True

    @property
    def spec(self) -> ProjectSpec:
        """The project, and how it is stepped through the years."""
        return self.project or ProjectSpec(self.dbt_project)

    @property
    def in_place(self) -> bool:
        """Whether the run is in the database of a profile of the user's own."""
        return self.spec.profiles is not None

    @property
    def configs(self) -> tuple[Config, ...]:
        """The configuration of each scenario."""
        return self.scenarios or (self.config,)


@frozen
class SimulationOutcome:
    """A finished simulation.

    Attributes:
        result: times, models, checkpoints, settings.
        inputs: what was loaded, or None for a project that reads no inputs.
        headcount: one mapping per scenario, replicate and year, from ``fct_headcount``; empty for
            a project without that table.
        plan_cost: likewise, from ``fct_plan_cost``.
        toggles: every installed plugin, on or off.
        files: where the result is.
    """

    result: RunResult
    inputs: InputsSummary | None
    headcount: tuple[Mapping[str, Any], ...]
    plan_cost: tuple[Mapping[str, Any], ...]
    toggles: Mapping[str, bool]
    files: RunFiles


def enabled_plugins(config: Config, flags: Mapping[str, bool]) -> dict[str, bool]:
    """Every installed plugin, on or off: the command line over the configuration.

    Raises:
        UsageError: a toggle names a plugin that is not installed.
        PluginError: two distributions offer one name, or a name is no flag.
    """
    configured = {
        name: settings.enabled
        for name, settings in config.plugins.items()
        if settings.enabled is not None
    }
    return settle_toggles(
        installed_plugins(), dict.fromkeys(config.plugins, True), configured, flags
    )


def build_relay(
    config: Config,
    toggles: Mapping[str, bool],
    *,
    flags: Mapping[str, Mapping[str, SettingValue]],
    environ: Mapping[str, str],
) -> Relay:
    """The enabled plugins, loaded, checked and configured."""
    available = installed_plugins()
    relay = Relay(load_plugins(available[name] for name, on in toggles.items() if on))
    declared = relay.add_options()
    relay.configure(plugin_option_values(declared, flags=flags, environ=environ, config=config))
    return relay


class Simulation:
    """One simulation, ready to be planned or run.

    Args:
        options: what decides it.
        observer: who watches.

    Attributes:
        files: where the result goes.
        toggles: every installed plugin, on or off.
        relay: the enabled plugins.
        request: what the pipeline is asked to run.
        published: whether the result is in place.

    Raises:
        PlanwiseError: a plugin, a setting or the project's folder is not usable.
    """

    def __init__(self, options: SimulationOptions, observer: Observer) -> None:
        config = options.config
        self._options = options
        self._observer = observer
        self.published = False
        database = options.database
        if options.in_place:
            self._target = read_target(options.spec, options.environ)
            database = self._target.path
        else:
            self._target = Target(database)
        self.files = RunFiles(database.resolve())
        self.toggles = enabled_plugins(config, options.toggles)
        self.relay = build_relay(
            config, self.toggles, flags=options.plugin_flags, environ=options.environ
        )
        read_profile_name(options.dbt_project)
        check_scenarios(options.configs, options.dbt_project)
        self.request = RunRequest(
            years=tuple(config.years),
            pool_size=config.performance.pool_size,
            fixed_settings=fixed_settings(
                config,
                options.environ,
                memory_limit=options.memory_limit,
                threads=options.threads,
            ),
            baseline=configured_baseline(config),
            step_variable=options.spec.step_variable,
            # Only of the project that reads our inputs is it known that no row order matters.
            keep_order=not reads_inputs(options.dbt_project),
            tests=options.tests,
            keep_intermediates=options.spec.keep_intermediates,
            years_given=options.years_given,
        )

    def plan(self, work: Path) -> tuple[RunPlan, InputsSummary]:
        """Check everything and say what :meth:`run` would do; the database is not touched.

        Args:
            work: a folder for dbt's parse cache and profile, outside of the run's own.

        Raises:
            PlanwiseError: whatever would stop the run before its first year.
        """
        self.files.check(make=False)
        if self.files.database.exists():
            connect(self.files.database, read_only=True).close()
        with duckdb_errors(), connect(Path(":memory:")) as connection:
            inputs = load_inputs_interruptibly(
                connection, self._options.configs, self._options.dbt_project, work
            )
        return self.plan_project(work), inputs

    def plan_project(self, work: Path) -> RunPlan:
        """The plan alone: tunes, parses the project, and orders its batches.

        Args:
            work: a folder for dbt's parse cache and profile, outside of the run's own.
        """
        database = work / (self.files.database.name if self._options.in_place else "none.duckdb")
        with self._pipeline(work, database, CheckpointStore(work)) as (pipeline, _):
            return pipeline.plan(self.request)

    def run(self) -> SimulationOutcome:
        """Run every year and put the result in place; on any error the old one stays.

        Raises:
            DatabaseLockedError: another process uses the database.
            PlanwiseError: a step failed.
            KeyboardInterrupt: the user stopped it.
        """
        self.files.check()
        with database_lock(self.files.database):
            if self._options.in_place:
                return self._run_in_place()
            if self.files.database.exists():
                refuse_foreign(self.files.database)
            self.files.prepare()
            try:
                outcome = self._run_locked()
                with signals_wait():
                    self.files.publish()
                    self.published = True
                    write_account(self.files.work, outcome.result)
            except OSError as error:
                raise WarehouseError(f"{self.files.work}: {error.strerror or error}") from error
            finally:
                self.files.discard()
        return outcome

    def _run_in_place(self) -> SimulationOutcome:
        """Run in the user's own database, as dbt would: what a failed run finished stays."""
        try:
            self.files.work.mkdir(exist_ok=True)
            shutil.rmtree(self.files.checkpoints, ignore_errors=True)
            database, store = self.files.database, CheckpointStore(self.files.checkpoints)
            with duckdb_errors(), self._pipeline(self.files.work, database, store) as parts:
                pipeline, warehouse = parts
                result = pipeline.run(evolve(self.request, inputs_schema=None), lambda: 0)
                warehouse.checkpoint()
        except OSError as error:
            raise WarehouseError(f"{self.files.work}: {error.strerror or error}") from error
        self.published = True
        write_account(self.files.work, result)
        return SimulationOutcome(result, None, (), (), self.toggles, self.files)

    def _run_locked(self) -> SimulationOutcome:
        inputs: list[InputsSummary] = []

        def load() -> int:
            summary = warehouse.query(
                lambda cursor: load_inputs(
                    cursor, self._options.configs, self._options.dbt_project, self.files.building
                )
            )
            inputs.append(summary)
            for line in summary.lines():
                self._observer.note(line)
            return summary.census.people

        database = self.files.building_database
        store = CheckpointStore(self.files.building_checkpoints)
        with (
            duckdb_errors(),
            recording(self._options.record, database) as recorder,
            self._pipeline(self.files.work, database, store, recorder) as (pipeline, warehouse),
        ):
            result = pipeline.run(self.request, load)
            headcount = warehouse.query(lambda cursor: read_by_year(cursor, "fct_headcount"))
            plan_cost = warehouse.query(lambda cursor: read_by_year(cursor, "fct_plan_cost"))
            warehouse.query(lambda cursor: mark_as_ours(cursor, result.years))
            warehouse.checkpoint()
            if recorder is not None:
                by_dbt = sum(model.executed_by == "dbt" for model in result.models)
                recorder.finish(
                    dbt_nodes=by_dbt,
                    nodes=len(result.models),
                    settings={each.name: each.value for each in result.settings},
                )
        return SimulationOutcome(
            result=result,
            inputs=inputs[0] if inputs else None,
            headcount=headcount,
            plan_cost=plan_cost,
            toggles=self.toggles,
            files=self.files,
        )

    @contextmanager
    def _pipeline(
        self,
        work: Path,
        database: Path,
        store: CheckpointStore,
        recorder: Recorder | None = None,
    ) -> Iterator[tuple[Pipeline, Warehouse]]:
        config = self._options.config
        project = DbtProject(
            self._options.spec,
            work,
            database,
            partial_parse=partial_parse(config, self._options.environ),
            cache=self._options.cache,
            tests=self._options.tests,
        )
        warehouse = Warehouse(
            database,
            self.request.pool_size,
            self.request.step_variable,
            config=self._target.config_options,
            session_settings=self._target.settings,
            recorder=recorder,
        )
        temporary = database.with_name(database.name + ".tmp")
        try:
            with project.session():
                yield (
                    Pipeline(
                        self.relay,
                        project,
                        warehouse,
                        store,
                        self._observer,
                        lambda: this_machine(temporary),
                    ),
                    warehouse,
                )
        finally:
            warehouse.close()
