"""Running the foundation or one year: its stages, their batches, one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from attrs import evolve, frozen

from planwise.errors import LeavesTransactionError, PluginError
from planwise.lending import Loan
from planwise.ports import GraphPort, Observer, ProjectPort, WarehousePort
from planwise.profiles import SlowestProfiles
from planwise.relay import Relay
from planwise.results import ModelRecord
from planwise.so_far import PhaseUnderWay
from planwise.spans import Span, span_of_work
from planwise.stages import Stage
from planwise.values import (
    Batch,
    BatchPlan,
    BatchRequest,
    BatchResult,
    Metric,
    ModelNode,
    ModelResult,
    Phase,
    PlanRequest,
)


@frozen
class PhaseStep:
    """Which phase it is.

    Attributes:
        year: the simulation year, or None for the foundation.
        first_year: the first year of the run.
        variable: the dbt var that holds the year.
        pool_size: how many models may run at once.
        began_s: the clock when the run began.
    """

    year: int | None
    first_year: int
    variable: str
    pool_size: int
    began_s: float

    @property
    def first(self) -> bool:
        """Whether it is the foundation or the first year."""
        return self.year is None or self.year == self.first_year

    @property
    def phase(self) -> Phase:
        """The kind of phase."""
        return "foundation" if self.year is None else "year"

    @property
    def name(self) -> str:
        """The phase in words."""
        return "the foundation" if self.year is None else f"year {self.year}"

    @property
    def value(self) -> int:
        """What the step variable holds; in the foundation the first year."""
        return self.first_year if self.year is None else self.year


class PhaseRunner:
    """Runs phases; remembers how long each node took, for the next plan.

    Args:
        relay: the plugins.
        project: the dbt project, its session open.
        warehouse: the database, open by the time a phase is run.
        observer: who watches.

    Attributes:
        profiles: of the slowest executions, where their executor gives them.
    """

    def __init__(
        self, relay: Relay, project: ProjectPort, warehouse: WarehousePort, observer: Observer
    ) -> None:
        self._relay = relay
        self._project = project
        self._warehouse = warehouse
        self._observer = observer
        self.profiles = SlowestProfiles()
        self._durations: dict[str, float] = {}
        self._leave: dict[Phase, str] = {}
        self._left_because = ""

    def run(
        self, graph: GraphPort, step: PhaseStep, phase: PhaseUnderWay, between: Callable[[], None]
    ) -> None:
        """Run all stages of a phase.

        It is one transaction, which ends with the phase, or earlier where dbt cannot run a node in
        it. If that shows only when dbt is at it, everything is rolled back and begins again.

        Args:
            graph: its nodes.
            step: which phase it is.
            phase: is told of each batch and model.
            between: called after each batch and each script.
        """
        try:
            self._attempt(graph, step, phase, between)
        except LeavesTransactionError as error:
            # Nothing of the phase was committed: where dbt left the transaction before, it is not
            # asked to run in one any more. What happened once would happen in the next year too.
            self._leave[step.phase] = str(error)
            self._observer.note(f"{step.name} begins again, not as one transaction: {error}")
            self._attempt(graph, step, phase, between)

    def _attempt(
        self, graph: GraphPort, step: PhaseStep, phase: PhaseUnderWay, between: Callable[[], None]
    ) -> None:
        phase.begin_anew()
        self._warehouse.rolled_back = False
        try:
            self._run_stages(graph, step, phase, between)
            self._refuse_meddling()
        except PluginError:
            raise
        except Exception as error:
            self._refuse_meddling(error)
            raise
        self._warehouse.commit_phase(step.year)

    def _refuse_meddling(self, error: Exception | None = None) -> None:
        """Refuse what only the kernel may do with the database, whatever failed because of it.

        Raises:
            PluginError: of the one plugin that is lent the database's cursors.
        """
        if self._relay.provides("execute_batch") and (what := self._warehouse.meddling()):
            raise self._relay.blamed("execute_batch", what) from error

    def _run_stages(
        self, graph: GraphPort, step: PhaseStep, phase: PhaseUnderWay, between: Callable[[], None]
    ) -> None:
        self._left_because = self._leave.get(step.phase, "")
        foundation = step.year is None
        stages = graph.foundation_stages if foundation else graph.year_stages
        for number, stage in enumerate(stages):
            if stage.first_year_only and not step.first:
                continue
            if stage.sql is not None:
                self._refuse_meddling()
                self._warehouse.run_script(stage.sql, {step.variable: step.value})
                between()
                continue
            nodes = {**graph.foundation, **graph.year}
            wanted = {key: nodes[key] for key in stage.nodes}
            plan = self.plan(wanted, step.pool_size, graph)
            for batch in plan.batches:
                phase.batches += 1
                phase.running = tuple(wanted[key].name for key in batch.nodes)
                phase.models += self._run_batch(batch, wanted, stage, number, step, phase.batches)
                phase.running = ()
                self._observer.models_finished(len(batch.nodes))
                between()

    def plan(self, nodes: Mapping[str, ModelNode], pool_size: int, graph: GraphPort) -> BatchPlan:
        """The plan for these nodes, with the durations that are known so far."""
        if not nodes:
            return BatchPlan([])
        if graph.has_run_hooks:
            # dbt's on-run-start and on-run-end belong to an invocation: a stage is one then, as
            # it is with plain dbt, and dbt orders the nodes itself.
            return BatchPlan([Batch(sorted(nodes))])
        known = {key: self._durations[key] for key in nodes if key in self._durations}
        durations = known if len(known) == len(nodes) else {}
        return self._relay.plan_batches(PlanRequest(nodes, pool_size, durations))

    def _request(
        self,
        batch: Batch,
        nodes: Mapping[str, ModelNode],
        stage: Stage,
        number: int,
        step: PhaseStep,
        loan: Loan,
    ) -> BatchRequest:
        anew = stage.anew(first=step.first)
        compiled = partial(self._project.compiled, year=step.value, full_refresh=anew)
        request = BatchRequest(
            nodes=tuple(nodes[key] for key in batch.nodes),
            phase=step.phase,
            year=step.year,
            full_refresh=anew,
            variables={step.variable: step.value},
            pool_size=step.pool_size,
            project=self._project.directory,
            connect=loan.lent(self._warehouse.lend_reader),
            transaction=loan.lent(self._warehouse.in_transaction),
            compiled=loan.lent(compiled),
            stage=number,
        )
        by_dbt = loan.by_dbt(partial(self._run_by_dbt, request), batch.nodes)
        return evolve(request, run_by_dbt=by_dbt)

    def _run_by_dbt(self, request: BatchRequest, nodes: Sequence[str]) -> BatchResult:
        """Let dbt run some nodes of a batch, in the transaction if it can.

        If it cannot, what was written so far is committed for it to see; nor is the rest of the
        phase one transaction then.
        """
        if not nodes:
            return BatchResult([])  # of none dbt would say that it has run them
        wanted = set(nodes)
        chosen = evolve(request, nodes=tuple(n for n in request.nodes if n.unique_id in wanted))
        because = self._left_because or self._project.leaves_transaction(chosen)
        if not because:
            with self._warehouse.lend_transaction() as cursor:
                return self._project.execute(chosen, cursor)
        self._left_because = because
        self._refuse_meddling()
        self._warehouse.commit()
        self._warehouse.settings_may_change()
        done = self._project.execute(chosen, None)
        reason = f"dbt commits it by itself: {because}"
        return BatchResult([evolve(each, reason=reason) for each in done.results])

    def _run_batch(
        self,
        batch: Batch,
        nodes: Mapping[str, ModelNode],
        stage: Stage,
        stage_number: int,
        step: PhaseStep,
        number: int,
    ) -> list[ModelRecord]:
        loan = Loan()
        request = self._request(batch, nodes, stage, stage_number, step, loan)
        with span_of_work() as span:
            try:
                result = self._relay.execute_batch(request)
            finally:
                loan.end()
            if self._warehouse.rolled_back:
                problem = "went on after a failure, with which the whole phase was rolled back"
                raise self._relay.blamed("execute_batch", problem)
            if result is None:
                if loan.run_by_dbt:
                    problem = "handed the batch to dbt, which it had let run some of it before"
                    raise self._relay.blamed("execute_batch", problem)
                result = self._run_by_dbt(request, batch.nodes)
        by_id = {node.unique_id: node for node in request.nodes}
        rows = self._rows(result, by_id)
        for each in result.results:
            self._durations[each.unique_id] = each.wall_s
            if each.profile:
                self.profiles.add(each.unique_id, request.year, each.wall_s, each.profile)
            self._relay.record_metric(_metric(each, request.year, rows[each.unique_id], span))
        name = f"{request.phase} batch {number}"
        total = sum(count for count in rows.values() if count is not None)
        self._relay.record_metric(span.metric("batch", name, request.year, rows=total))
        return [
            ModelRecord(
                unique_id=each.unique_id,
                name=by_id[each.unique_id].name,
                year=request.year,
                wall_s=each.wall_s,
                cpu_s=each.cpu_s,
                rows=rows[each.unique_id],
                executed_by=each.executed_by,
                reason=each.reason,
                depends_on=by_id[each.unique_id].depends_on,
                spilled_bytes=each.spilled_bytes,
                batch=number,
                start_s=_start_s(each, span, step),
            )
            for each in result.results
        ]

    def _rows(self, result: BatchResult, nodes: Mapping[str, ModelNode]) -> dict[str, int | None]:
        """Rows of each node's table: what its executor says, else what is counted."""
        unknown = [
            nodes[each.unique_id].relation
            for each in result.results
            if each.rows is None and nodes[each.unique_id].materialized != "view"
        ]
        counts = self._warehouse.row_counts(unknown) if unknown else {}
        return {
            each.unique_id: each.rows
            if each.rows is not None
            else counts.get(nodes[each.unique_id].relation)
            for each in result.results
        }


def _start_s(result: ModelResult, batch: Span, step: PhaseStep) -> float | None:
    """When a node began, from the beginning of the run."""
    began = _started_s(result, batch)
    return None if began is None else began - step.began_s


def _started_s(result: ModelResult, batch: Span) -> float | None:
    """When a node began, unless a plugin's clock is another one: no batch ran then."""
    began = result.started_s
    return began if began is None or batch.start.wall_s <= began <= batch.end.wall_s else None


def _metric(result: ModelResult, year: int | None, rows: int | None, batch: Span) -> Metric:
    return Metric(
        "model",
        result.unique_id,
        year,
        result.wall_s,
        result.cpu_s,
        peak_rss_bytes=result.peak_rss_bytes,
        rows=rows,
        bytes_read=result.bytes_read,
        bytes_written=result.bytes_written,
        values={"spilled_bytes": result.spilled_bytes} if result.spilled_bytes else {},
        started_s=_started_s(result, batch),
    )
