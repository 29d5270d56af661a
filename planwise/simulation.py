"""A simulation put together: plugins, project, warehouse, checkpoints and pipeline.

The command line and the Python API compose the same parts here, and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import field, frozen

from planwise import __version__
from planwise.checkpoints.store import CheckpointStore
from planwise.errors import WarehouseError
from planwise.inputs import InputsSummary, check_scenarios, load_inputs
from planwise.machine import this_machine
from planwise.pipeline import Pipeline, RunRequest
from planwise.plugins import installed_plugins, load_plugins, settle_toggles
from planwise.ports import Observer
from planwise.project.dbt_project import DbtProject
from planwise.project.profile import read_profile_name
from planwise.relay import Relay
from planwise.results import RunPlan, RunResult
from planwise.run_files import RunFiles, signals_wait
from planwise.settings import (
    configured_baseline,
    fixed_settings,
    partial_parse,
    plugin_option_values,
)
from planwise.values import SettingValue
from planwise.warehouse.database import Warehouse, connect, first_line
from planwise.warehouse.digests import OWN_SCHEMA
from planwise.warehouse.lock import database_lock

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
        self.files = RunFiles(options.database.resolve())
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
        with _duckdb_errors(), connect(Path(":memory:")) as connection:
            inputs = load_inputs(connection, self._options.configs, self._options.dbt_project, work)
        return self.plan_project(work), inputs

    def plan_project(self, work: Path) -> RunPlan:
        """The plan alone: tunes, parses the project, and orders its batches.

        Args:
            work: a folder for dbt's parse cache and profile, outside of the run's own.
        """
        with self._pipeline(work, work / "none.duckdb") as (pipeline, _):
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
            if self.files.database.exists():
                refuse_foreign(self.files.database)
            self.files.prepare()
            try:
                outcome = self._run_locked()
                with signals_wait():
                    self.files.publish()
                    self.published = True
            except OSError as error:
                raise WarehouseError(f"{self.files.work}: {error.strerror or error}") from error
            finally:
                self.files.discard()
        return outcome

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
        with _duckdb_errors(), self._pipeline(self.files.work, database) as (pipeline, warehouse):
            result = pipeline.run(self.request, load)
            headcount = warehouse.query(lambda cursor: read_by_year(cursor, "fct_headcount"))
            plan_cost = warehouse.query(lambda cursor: read_by_year(cursor, "fct_plan_cost"))
            warehouse.query(lambda cursor: mark_as_ours(cursor, self.request.years))
            warehouse.checkpoint()
        return SimulationOutcome(
            result=result,
            inputs=inputs[0] if inputs else None,
            headcount=headcount,
            plan_cost=plan_cost,
            toggles=self.toggles,
            files=self.files,
        )

    @contextmanager
    def _pipeline(self, work: Path, database: Path) -> Iterator[tuple[Pipeline, Warehouse]]:
        config = self._options.config
        project = DbtProject(
            self._options.dbt_project,
            work,
            database,
            partial_parse=partial_parse(config, self._options.environ),
            cache=self._options.cache,
        )
        warehouse = Warehouse(database, self.request.pool_size)
        store = CheckpointStore(self.files.building_checkpoints)
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


def read_by_year(
    cursor: Any, table: Literal["fct_headcount", "fct_plan_cost"]
) -> tuple[Mapping[str, Any], ...]:
    """The rows of a table by scenario, replicate and year; none in a project without it."""
    exists = cursor.execute(
        "select count(*) from duckdb_tables() where schema_name = 'main' "
        "and table_name = ? and database_name = current_database()",
        [table],
    ).fetchall()[0][0]
    if not exists:
        return ()
    cursor.execute(
        f"select * from main.{table} order by scenario_id, replicate_id, simulation_year"  # noqa: S608  # one of two names
    )
    names = [column[0] for column in cursor.description]
    return tuple(dict(zip(names, row, strict=True)) for row in cursor.fetchall())


def mark_as_ours(cursor: Any, years: Sequence[int]) -> None:
    """Write the record by which a database is known as a result of planwise."""
    cursor.execute(f"create schema if not exists {OWN_SCHEMA}")
    cursor.execute(
        f"create or replace table {OWN_SCHEMA}.results as "
        "select ?::varchar as planwise_version, ?::integer[] as years",
        [__version__, list(years)],
    )


def refuse_foreign(database: Path) -> None:
    """Refuse to replace a database that somebody else made, or that somebody has open.

    Raises:
        DatabaseLockedError: another process has it open.
        WarehouseError: it cannot be opened, or holds tables and is no result of planwise.
    """
    with _duckdb_errors(), connect(database) as connection:
        tables = set(
            connection.execute(
                "select schema_name, table_name from duckdb_tables() "
                "where database_name = current_database()"
            ).fetchall()
        )
    if tables and (OWN_SCHEMA, "results") not in tables:
        example = ".".join(min(tables))
        raise WarehouseError(
            f"{database}: holds tables that are no result of planwise ({example}, for example), "
            "and would be replaced; give another file with --database"
        )


@contextmanager
def _duckdb_errors() -> Iterator[None]:
    """What DuckDB raises outside of a model is one line for the user."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except duckdb.Error as error:
        raise WarehouseError(f"DuckDB: {first_line(error)}") from error
