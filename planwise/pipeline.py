"""The kernel: tune, plan, run the foundation and each year, checkpoint, record.

It knows ports and hooks; dbt, DuckDB, files and the terminal are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import evolve

from planwise.errors import PlanwiseError, WarehouseError
from planwise.improvement import improvement
from planwise.phase_records import checkpoint_metric, phase_metric
from planwise.phases import PhaseRunner, PhaseStep
from planwise.ports import (
    CheckpointPort,
    GraphPort,
    Observer,
    ProgressPort,
    ProjectPort,
    WarehousePort,
)
from planwise.relay import Relay
from planwise.results import (
    ChosenSetting,
    PhaseRecord,
    RunPlan,
    RunResult,
    Stretch,
)
from planwise.retuning import Change
from planwise.run_request import RunRequest
from planwise.so_far import RunSoFar
from planwise.spans import span_of_work
from planwise.values import Machine, RunSummary, TuneRequest, YearObservation
from planwise.year_end import Adopt, YearEnd


class Pipeline:
    """Runs a project through the years.

    Args:
        relay: the plugins.
        project: the dbt project, its session open.
        warehouse: the database, not open yet.
        checkpoints: where states go; None stores none.
        observer: who watches.
        machine: measures the machine when called.
        progress: the record outside of the database of what is finished; None keeps none.

    Attributes:
        so_far: what the run has done up to now; true at any moment, also after an error.
    """

    def __init__(
        self,
        relay: Relay,
        project: ProjectPort,
        warehouse: WarehousePort,
        checkpoints: CheckpointPort | None,
        observer: Observer,
        machine: Callable[[], Machine],
        progress: ProgressPort | None = None,
    ) -> None:
        self._relay = relay
        self._project = project
        self._warehouse = warehouse
        self._observer = observer
        self._machine = machine
        self._phases = PhaseRunner(relay, project, warehouse, observer)
        self._checkpoints = checkpoints
        self._year_end = YearEnd(warehouse, checkpoints, progress, relay)
        self.so_far = RunSoFar()

    def plan(self, request: RunRequest) -> RunPlan:
        """What :meth:`run` would do for the first year, without doing it.

        Raises:
            PlanwiseError: the project cannot be parsed, or a plugin misbehaves.
        """
        settings = self._tuned(request, observed=None)
        request = self._as_often_as_it_steps(request)
        graph = self._project.graph(request.years[0])
        return RunPlan(
            years=request.years,
            pool_size=request.pool_size,
            settings=settings,
            foundation=self._phases.plan(graph.foundation, request.pool_size, graph),
            year=self._phases.plan(graph.year, request.pool_size, graph),
            nodes={**graph.foundation, **graph.year},
        )

    def run(
        self,
        request: RunRequest,
        load_inputs: Callable[[], int],
        arrange: Callable[[], None] | None = None,
        adopt: Adopt | None = None,
    ) -> RunResult:
        """Run the foundation and every year, but for what is finished already.

        Args:
            request: what to run.
            load_inputs: writes what the project reads as sources, once the database is open;
                gives the rows written.
            arrange: called once the foundation is there, to put the finished years there too.
            adopt: of the last of those, makes the state that another run has stored this run's.

        Raises:
            PlanwiseError: a step failed; what was finished before is in the database.
        """
        with span_of_work() as whole:
            self.so_far.span = whole
            settings = self._tuned(request, observed=None)
            self.so_far.settings = {each.name: each for each in settings}
            self._warehouse.open({each.name: each.value for each in request.fixed_settings})
            for each in settings[len(request.fixed_settings) :]:
                if not self._apply(each):
                    del self.so_far.settings[each.name]
            foundation = self._run_foundation(request, load_inputs)
            if arrange is not None:
                arrange()
                self._store_arranged(request.finished[-1], adopt)
            if request.foundation_finished or request.finished:  # else it is prepared
                self._prepare(request, request.next_year)
            request = self._as_often_as_it_steps(request)
            self._run_years(request)
            self._drop_intermediates(request)
        self._relay.record_metric(whole.metric("run", "run", None))
        summary = self._summary(request, whole.wall_s, succeeded=True)
        self.so_far.sections = ()  # they are asked once, whatever comes of it
        self.so_far.sections = self._relay.report_sections(summary)
        total_ms = self.so_far.baseline.total_simulation_ms if self.so_far.baseline else None
        return RunResult(
            years=(
                *request.finished,
                *(phase.year for phase in self.so_far.ended if phase.year is not None),
            ),
            resumed_years=request.finished,
            requested_years=request.years,
            wall_s=whole.wall_s,
            cpu_s=whole.cpu_s,
            parse_s=self.so_far.parse_s,
            peak_rss_bytes=whole.end.peak_rss_bytes,
            foundation=foundation,
            year_phases=tuple(self.so_far.ended),
            settings=tuple(self.so_far.settings.values()),
            sections=self.so_far.sections,
            baseline=self.so_far.baseline,
            improvement=None if request.finished else improvement(total_ms, whole.wall_s),
            parsed_anew_because=self._project.parsed_anew_because,
            uncached_because=self._project.uncached_because,
            retunings=self.so_far.retunings(),
            profiles=summary.profiles,
            plugin_failures=tuple(self._relay.guard.failures),
        )

    def summary_so_far(self, request: RunRequest) -> RunSummary:
        """A run that has broken off, for its plugins."""
        began = self.so_far.span
        wall_s = 0.0 if began is None else self.so_far.now().wall_s - began.start.wall_s
        return self._summary(request, wall_s, succeeded=False)

    def _summary(self, request: RunRequest, wall_s: float, *, succeeded: bool) -> RunSummary:
        ended = [each.year for each in self.so_far.ended if each.year]
        return RunSummary(
            years=request.years if succeeded else ended,
            wall_s=wall_s,
            succeeded=succeeded,
            baseline=self.so_far.baseline,
            settings={name: each.value for name, each in self.so_far.settings.items()},
            fixed=frozenset(each.name for each in request.fixed_settings),
            profiles=self._phases.profiles.kept(),
        )

    def _store_arranged(self, last: int, adopt: Adopt | None) -> None:
        """Store the last of the years that were put there, unless its checkpoint is there too."""
        if adopt is not None:
            self._year_end.begin_arranged(last, self._project.graph(last).outputs, adopt)
        elif self._checkpoints is not None and self._checkpoints.parent_of(last + 1) is None:
            self._year_end.begin(last, self._project.graph(last).outputs)

    def _run_foundation(self, request: RunRequest, load_inputs: Callable[[], int]) -> PhaseRecord:
        first = request.years[0]
        if not request.foundation_finished:
            self._observer.phase_started("foundation", None, 0)
        with span_of_work() as span:
            phase = self.so_far.begin_phase("foundation", None, span)
            graph = self._graph(request.next_year)
            rows = 0
            if not request.foundation_finished:
                rows = load_inputs() if request.inputs_schema in graph.source_schemas else 0
                self._prepare(request, first)
                self._observer.phase_started("foundation", None, len(graph.foundation))
                self._phases.run(graph, self._step(request, None), phase, _nothing)
                self._test(request, first, list(graph.foundation), "foundation")
        self.so_far.baseline = request.baseline or request.measured(rows)
        baseline = self.so_far.baseline.foundation_setup_ms if self.so_far.baseline else None
        record = self.so_far.phase_ended(extra_rows=rows)
        if not request.foundation_finished:
            record = evolve(record, improvement=improvement(baseline, span.wall_s))
            self._relay.record_metric(phase_metric(span, record))
            self._observer.phase_finished(record)
        self.so_far.foundation = record
        return record

    def _as_often_as_it_steps(self, request: RunRequest) -> RunRequest:
        """All years, or one where nobody asked for them and nothing reads any year."""
        years = request.years_of(self._project.graph)
        if years != request.years:
            what = f"nothing reads the var {request.step_variable}"
            self._observer.note(f"{what}: the project runs once")
        return evolve(request, years=years)

    def _run_years(self, request: RunRequest) -> None:
        """Run every year; a year that is committed is stored while the next one runs."""
        try:
            for year in request.years:
                if year not in request.finished:
                    self._run_year(request, year)
            self._finish_year()
        except Exception:
            self._tell_of_finished_year()
            raise
        finally:
            self._year_end.leave()

    def _run_year(self, request: RunRequest, year: int) -> None:
        graph = self._graph(year)
        name = f"year {year}"
        self._observer.phase_started(name, year, len(graph.year))
        with span_of_work() as span:
            phase = self.so_far.begin_phase(name, year, span)
            if year < request.years[-1]:
                self._prepare(request, year + 1)
            step = self._step(request, year)
            self._phases.run(graph, step, phase, lambda: self._finish_year(wait=False))
            self._test(request, year, list(graph.year), name)
        baseline = self.so_far.baseline.year_processing_ms if self.so_far.baseline else None
        record = self.so_far.phase_ended()
        record = evolve(record, improvement=improvement(baseline, span.wall_s))
        self._relay.record_metric(phase_metric(span, record))
        self._finish_year()
        self.so_far.ending = record
        last = year == request.years[-1]
        self._year_end.begin(year, graph.outputs, last=last)
        if not last:
            self._retune(
                request,
                YearObservation(
                    year=year,
                    wall_s=span.wall_s,
                    cpu_s=span.cpu_s,
                    peak_rss_bytes=span.end.peak_rss_bytes,
                    spilled_bytes=record.spilled_bytes,
                ),
            )

    def _finish_year(self, *, wait: bool = True) -> None:
        """Tell of the year that was committed last, once it is stored."""
        stored = self._year_end.take(wait=wait)
        if stored is None:
            return
        for warning in stored.warnings:
            self._observer.note(f"warning: {warning}")
        if self.so_far.ending is None:
            return  # a year of an earlier run, or of another one
        storing = Stretch(stored.span.start.wall_s - self.so_far.began_s, stored.span.wall_s)
        record = evolve(self.so_far.ending, checkpoint=stored.checkpoint, storing=storing)
        self.so_far.ending = None
        if stored.checkpoint is not None:
            self._relay.record_metric(checkpoint_metric(stored, stored.checkpoint))
        self.so_far.ended.append(record)
        self._observer.phase_finished(record)

    def _tell_of_finished_year(self) -> None:
        """The year before one that fails is finished all the same; the first error is raised."""
        try:
            self._finish_year()
        except PlanwiseError as error:
            self._observer.note(f"and the year before was not stored: {error}")

    def _prepare(self, request: RunRequest, year: int) -> None:
        """Let the nodes of a year be rendered ahead, if anybody will ask for them."""
        if self._relay.provides("execute_batch"):
            first = year == request.years[0]
            existing = self._warehouse.existing() if first else {}
            self._project.prepare(year, first=first, existing=existing)

    def _drop_intermediates(self, request: RunRequest) -> None:
        """Drop the tables that the project does not keep, where an executor could not help it."""
        if not request.keep_intermediates:
            nodes = self._project.graph(request.years[-1]).year.values()
            gone = [node.relation for node in nodes if not node.keep]
            if gone:
                self._warehouse.drop_tables(gone)

    def _test(self, request: RunRequest, year: int, nodes: Sequence[str], name: str) -> None:
        """Let dbt run the tests of what has just been built, if they are wanted."""
        if request.tests and nodes:
            passed = self._project.test(year, nodes)
            self._observer.note(f"{name}: {passed:,} tests passed")

    def _step(self, request: RunRequest, year: int | None) -> PhaseStep:
        return PhaseStep(
            year=year,
            first_year=request.years[0],
            variable=request.step_variable,
            pool_size=request.pool_size,
            began_s=self.so_far.began_s,
        )

    def _graph(self, year: int) -> GraphPort:
        with span_of_work() as span:
            graph = self._project.graph(year)
        self.so_far.parse_s += span.wall_s
        return graph

    def _tuned(
        self, request: RunRequest, observed: YearObservation | None
    ) -> tuple[ChosenSetting, ...]:
        """The user's own settings, then what the plugins add."""
        fixed = {each.name: each.value for each in request.fixed_settings}
        tune = TuneRequest(
            self._machine(), request.pool_size, fixed, observed, keep_order=request.keep_order
        )
        chosen = [
            ChosenSetting(
                each.setting.name, each.setting.value, f"plugin {each.plugin}", each.setting.reason
            )
            for each in self._relay.db_tune(tune)
        ]
        return (*request.fixed_settings, *chosen)

    def _retune(self, request: RunRequest, observed: YearObservation) -> None:
        """Ask the tuners again; apply what changed, and say so."""
        for each in self._tuned(request, observed):
            old = self.so_far.settings.get(each.name)
            if old is not None and old.value == each.value:
                continue
            if not self._apply(each):
                continue
            self.so_far.settings[each.name] = each
            changed = Change(
                observed.year,
                each.name,
                None if old is None else old.value,
                each.value,
                each.reason,
            )
            self.so_far.changes.append(changed)
            before = "DuckDB's default" if old is None else repr(old.value)
            self._observer.note(
                f"after {observed.year}: {each.name} {before} -> {each.value!r} ({each.reason})"
            )

    def _apply(self, chosen: ChosenSetting) -> bool:
        """Change a setting that a plugin chose; gives whether it is changed.

        Raises:
            PluginError: DuckDB refuses it.
        """
        try:
            self._warehouse.apply({chosen.name: chosen.value})
        except WarehouseError as error:
            plugin = chosen.origin.removeprefix("plugin ")
            found = self._relay.blamed("db_tune", str(error), plugin)
            if not self._relay.excuses("db_tune", found):
                raise found from error
            return False
        return True


def _nothing() -> None:
    """Nothing to do between batches."""
