"""A simulation put together: plugins, project, warehouse, checkpoints and pipeline.

The command line and the Python API compose the same parts here, and nowhere else.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from planwise.checkpoints.store import CheckpointStore
from planwise.errors import CheckpointError, WarehouseError
from planwise.inputs import (
    InputsSummary,
    check_scenarios,
    load_inputs,
    load_inputs_interruptibly,
    reads_inputs,
)
from planwise.interruption import note_failure, signals_wait
from planwise.machine import this_machine
from planwise.own_results import duckdb_errors, mark_as_ours, read_by_year, refuse_foreign
from planwise.pipeline import Pipeline
from planwise.plugin_set import build_relay, enabled_plugins
from planwise.ports import Observer
from planwise.profile_files import write_profiles
from planwise.project.dbt_project import DbtProject
from planwise.project.profile import Target, read_profile_name, read_target
from planwise.results import RunPlan, RunResult
from planwise.run_files import RunFiles
from planwise.run_record import Circumstances, account_of, write_account
from planwise.run_request import INPUTS_SCHEMA, RunRequest
from planwise.runs.branching import branch_name, branched_start
from planwise.runs.circumstances import circumstances
from planwise.runs.identity import run_identity
from planwise.runs.leaving import Left, forget_record, leave_record
from planwise.runs.manifest import Progress, RunManifest, read_manifest
from planwise.runs.quoting import quoting
from planwise.runs.running import Running, holds, refuse_complete, take_back
from planwise.runs.starting import Place, Start, fresh_start, remove_database, resumed_start
from planwise.settings import configured_baseline, fixed_settings, partial_parse
from planwise.simulation_options import SimulationOptions, SimulationOutcome
from planwise.warehouse.database import Warehouse
from planwise.warehouse.lock import database_lock
from planwise.warehouse.opening import connect
from planwise.warehouse.recording import Recorder, recording


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
        inputs: what was loaded, once it is.
        left: what a run that did not finish has left.

    Raises:
        PlanwiseError: a plugin, a setting or the project's folder is not usable.
    """

    def __init__(self, options: SimulationOptions, observer: Observer) -> None:
        config = options.config
        self._options = options
        self._observer = observer
        self.published = False
        self.left = Left(None)
        self.inputs: InputsSummary | None = None
        self._running_now: Running | None = None
        database = options.database
        if options.in_place:
            self._target = read_target(options.spec, options.environ)
            database = self._target.path
        else:
            self._target = Target(database)
        self.files = RunFiles(database.resolve())
        self.toggles = enabled_plugins(config, options.toggles)
        self.relay = build_relay(
            config,
            self.toggles,
            flags=options.plugin_flags,
            environ=options.environ,
            guard=options.guard,
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
            # In a database of the user's own the sources are there, and left alone.
            inputs_schema=None if options.in_place else INPUTS_SCHEMA,
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
        # Of the result's name: what is kept of the project is kept for that.
        with self._session(work, work / self.files.database.name) as (project, warehouse):
            return self._pipeline(project, warehouse, None).plan(self.request)

    def run(self) -> SimulationOutcome:
        """Run every year and put the result in place; on any error the old one stays.

        Raises:
            AlreadyCompleteError: there is nothing to resume: the run is complete.
            DatabaseLockedError: another process uses the database.
            PlanwiseError: a step failed.
            KeyboardInterrupt: the user stopped it.
        """
        self.files.check()
        with database_lock(self.files.database):
            try:
                return self._run_in_place() if self._options.in_place else self._run_aside()
            except OSError as error:
                failure = WarehouseError(f"{self.files.work}: {error.strerror or error}")
                note_failure(failure)
                self._leave_record(error)
                raise failure from error
            except BaseException as error:
                note_failure(error)
                self._leave_record(error)
                raise

    def _leave_record(self, error: BaseException) -> None:
        """Keep what a run that does not finish has measured; whatever fails here is a warning."""
        if self._running_now is None or self.published:
            return
        run = self._running_now
        self.left = leave_record(self.files.work, run, self.relay, self._around, error)
        for warning in self.left.warnings:
            with suppress(OSError, SystemExit):  # of a reader that has gone
                self._observer.note(f"warning: {warning}")

    def _write_record(self, result: RunResult, around: Circumstances) -> None:
        """Keep what a finished run has measured."""
        # The record first: the one that is there tells of the run before.
        write_account(self.files.work, account_of(result, around))
        write_profiles(self.files.work, result.profiles)

    def _around(self) -> Circumstances:
        """What the run runs with, for its record."""
        pool_size, project = self.request.pool_size, self._options.dbt_project
        return circumstances(self.relay, self.toggles, self.inputs, pool_size, project)

    def _run_in_place(self) -> SimulationOutcome:
        """Run in the user's own database, as dbt would: what a failed run finished stays."""
        files = self.files
        files.work.mkdir(exist_ok=True)
        manifest = self._interrupted(files.work)
        if manifest is not None and holds(files, manifest):
            manifest = None  # it is complete
        if manifest is None:
            shutil.rmtree(files.checkpoints, ignore_errors=True)
        place = self._place(files.database, files.checkpoints, own=False)
        with duckdb_errors(), self._session(files.work, files.database) as (project, warehouse):
            start = self._start(project, place, manifest)
            run = self._running(project, warehouse, place, files.work, start)
            result = run.run(lambda: 0)
        self.published = True
        self._write_record(result, self._around())
        return SimulationOutcome(result, None, (), (), self.toggles, files)

    def _run_aside(self) -> SimulationOutcome:
        """Build the result aside and put it in place at the end."""
        files = self.files
        if files.database.exists():
            refuse_foreign(files.database)
        manifest = self._interrupted(files.building)
        if manifest is None:
            self._forget_unfinished()
            files.prepare()
            forget_record(files.work)
        else:
            take_back(files, manifest)
        try:
            outcome = self._build(manifest)
            around = self._around()
            with signals_wait():
                files.publish()
                self.published = True
                self._write_record(outcome.result, around)
        finally:
            # What was there to go on with stays, also where going on was refused.
            if self.published or not (self.finished or manifest):
                files.discard()
        return outcome

    def _build(self, manifest: RunManifest | None) -> SimulationOutcome:
        def load() -> int:
            summary = warehouse.query(
                lambda cursor: load_inputs(
                    cursor, self._options.configs, self._options.dbt_project, self.files.building
                )
            )
            self.inputs = summary
            for line in summary.lines():
                self._observer.note(line)
            return summary.census.people

        files = self.files
        place = self._place(files.building_database, files.building_checkpoints)
        with (
            duckdb_errors(),
            recording(self._options.record, place.database) as recorder,
            self._session(files.work, place.database, recorder) as (project, warehouse),
        ):
            with closing(self._start(project, place, manifest)) as start:
                run = self._running(project, warehouse, place, files.building, start)
                result = run.run(load, lambda cursor: mark_as_ours(cursor, self.request.years))
            headcount = warehouse.query(lambda cursor: read_by_year(cursor, "fct_headcount"))
            plan_cost = warehouse.query(lambda cursor: read_by_year(cursor, "fct_plan_cost"))
            if recorder is not None:
                by_dbt = sum(model.executed_by == "dbt" for model in result.models)
                recorder.finish(
                    dbt_nodes=by_dbt,
                    nodes=len(result.models),
                    settings={each.name: each.value for each in result.settings},
                )
        return SimulationOutcome(
            result=result,
            inputs=self.inputs,
            headcount=headcount,
            plan_cost=plan_cost,
            toggles=self.toggles,
            files=files,
        )

    def _interrupted(self, folder: Path) -> RunManifest | None:
        """The run that is to be resumed; None to start anew."""
        if self._options.resume == "no":
            return None
        manifest = read_manifest(folder)
        if manifest is None and read_manifest(self.files.work) is None:
            self._observer.note("no interrupted run is there to resume: starting anew")
        return manifest

    def _forget_unfinished(self) -> None:
        """Say that an interrupted run is given up, if one is there."""
        try:
            manifest = read_manifest(self.files.building)
        except CheckpointError:
            return  # a damaged one is no loss
        if manifest is not None and manifest.finished and self._options.resume == "no":
            years = ", ".join(map(str, manifest.finished))
            self._observer.note(
                f"an interrupted run is given up ({years} finished); --resume would go on with it"
            )

    def _start(self, project: DbtProject, place: Place, manifest: RunManifest | None) -> Start:
        """Where the run starts, which is said."""
        options = self._options
        inputs = reads_inputs(options.dbt_project) and not options.in_place
        identity = run_identity(
            options.configs,
            options.spec,
            project.fingerprint,
            self.request.years,
            reads_inputs=inputs,
            branch=None if options.branch is None else branch_name(options.branch),
        )
        if manifest is None and options.resume != "no":
            refuse_complete(self.files, identity)
        graph_of = project.graph_of_finished
        if manifest is not None:
            force = options.resume == "force"
            start = resumed_start(manifest, identity, graph_of, place, force=force)
        else:
            start = fresh_start(identity, self.request.years)
        if options.branch is not None and not start.finished:
            # Also where nothing is left of a branch that was interrupted: its first years are those
            # of the other run, and not its own.
            names = [each.simulation.scenario for each in options.configs] if inputs else []
            start = branched_start(options.branch, identity, graph_of, place, scenarios=names)
        for note in start.notes:
            self._observer.note(note)
        return start

    def _place(self, database: Path, checkpoints: Path, *, own: bool = True) -> Place:
        store = CheckpointStore(checkpoints, limit_bytes=self._options.checkpoint_limit)
        keeps, step = self._options.checkpoints, self.request.step_variable
        return Place(database, store, self.relay, step, own=own, keeps=keeps)

    def _running(
        self,
        project: DbtProject,
        warehouse: Warehouse,
        place: Place,
        folder: Path,
        start: Start,
    ) -> Running:
        forget_record(self.files.work)  # it tells of this run before it went on, or of another one
        progress = Progress(folder, start.manifest)
        store = place.store if place.keeps else None
        pipeline = self._pipeline(project, warehouse, store, progress)
        observer, files = self._observer, project.fingerprint.files
        request = quoting(self.request, files, self._options, start, observer)
        running = Running(request, project, pipeline, warehouse, progress, start, observer.note)
        self._running_now = running
        return running

    @property
    def finished(self) -> tuple[int, ...]:
        """The years that a run, finished or not, has finished so far."""
        return self._running_now.finished if self._running_now else ()

    @property
    def years(self) -> tuple[int, ...]:
        """The years that are run; of a project that runs once, one, as soon as that is known."""
        return self._running_now.years if self._running_now else self.request.years

    def _pipeline(
        self,
        project: DbtProject,
        warehouse: Warehouse,
        store: CheckpointStore | None,
        progress: Progress | None = None,
    ) -> Pipeline:
        temporary = warehouse.path.with_name(warehouse.path.name + ".tmp")
        return Pipeline(
            self.relay,
            project,
            warehouse,
            store,
            self._observer,
            lambda: this_machine(temporary),
            progress,
        )

    @contextmanager
    def _session(
        self, work: Path, database: Path, recorder: Recorder | None = None
    ) -> Iterator[tuple[DbtProject, Warehouse]]:
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
            profile=self._options.profile,
        )
        try:
            with project.session():
                yield project, warehouse
        finally:
            warehouse.close()
            if warehouse.mixed and not self._options.in_place:
                remove_database(database)  # a checkpoint holds what was finished, and no more
