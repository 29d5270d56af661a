"""Carrying a run out from where it starts, and putting what an interrupted run published back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import evolve, frozen

from planwise.errors import AlreadyCompleteError, WarehouseError
from planwise.pipeline import Pipeline
from planwise.ports import ProjectPort
from planwise.results import RunResult
from planwise.run_files import RunFiles
from planwise.run_request import RunRequest
from planwise.runs.identity import Identity, differences
from planwise.runs.manifest import Progress, RunManifest, read_manifest
from planwise.runs.starting import Arrange, Start
from planwise.warehouse.database import Warehouse
from planwise.warehouse.ledger import Ledger, is_finished
from planwise.warehouse.metrics_table import METRICS, record_metrics
from planwise.warehouse.opening import reading


@frozen
class Running:
    """One run.

    Attributes:
        request: what to run.
        project: the dbt project.
        pipeline: what runs it.
        warehouse: its database, not open yet.
        progress: its manifest.
        start: where it starts.
        tell: is given what the user has to know, a line each.
    """

    request: RunRequest
    project: ProjectPort
    pipeline: Pipeline
    warehouse: Warehouse
    progress: Progress
    start: Start
    tell: Callable[[str], None]

    @property
    def finished(self) -> tuple[int, ...]:
        """The years that are finished so far; the last may not be noted in the manifest yet."""
        return tuple(sorted({*self.progress.manifest.finished, *self.warehouse.committed}))

    @property
    def years(self) -> tuple[int, ...]:
        """The years that it has: those of the request, or one of a project that runs once."""
        return self.request.years_of(self.project.graph)

    def run(
        self,
        load_inputs: Callable[[], int],
        last: Callable[[Any], None] | None = None,
    ) -> RunResult:
        """Run what is not finished.

        Args:
            load_inputs: as for the pipeline.
            last: what to write once all is done, with a cursor.
        """
        request = evolve(
            self.request,
            finished=self.start.finished,
            foundation_finished=self.start.foundation,
        )
        ledger = Ledger(self.progress.manifest.run_id, request.years)
        self.warehouse.ledger = ledger
        arrange = self.start.arrange
        if arrange is None:
            self.progress.begin()  # else the years that it tells of are not there yet
            result = self.pipeline.run(request, load_inputs)
        else:
            result = self.pipeline.run(
                request, load_inputs, partial(self._arrange, arrange), self.start.adopt
            )

        def end(cursor: Any) -> str:
            if last is not None:
                last(cursor)
            refused = record_metrics(cursor, ledger.run_id, result.metrics)
            ledger.record_end(cursor)
            return refused

        if refused := self.warehouse.query(end):
            self.tell(
                f"warning: the metrics of this run are not in the database: its table {METRICS} is "
                f"not as planwise makes it ({refused}); rename or drop it, and the next run makes "
                "one"
            )
        self.warehouse.checkpoint()
        return result

    def _arrange(self, arrange: Arrange) -> None:
        """Put the finished years into the database, in one transaction."""
        digests = self.warehouse.in_transaction(arrange)
        self.warehouse.commit()
        self.progress.manifest = evolve(self.progress.manifest, finished=digests)
        self.progress.begin()


def refuse_complete(files: RunFiles, identity: Identity) -> None:
    """Say so if there is nothing to resume, since the last run is complete and of this identity.

    Raises:
        AlreadyCompleteError: it is.
    """
    manifest = read_manifest(files.work)
    if manifest is None or differences(manifest.identity, identity):
        return
    if holds(files, manifest):
        raise AlreadyCompleteError(
            f"nothing to resume: {files.database} holds the complete run of "
            f"{manifest.years[0]}-{manifest.years[-1]}"
        )


def take_back(files: RunFiles, manifest: RunManifest) -> None:
    """Put back what a run was about to publish when it was interrupted.

    Args:
        files: the run's files.
        manifest: the interrupted run.
    """
    if not files.building_database.exists() and holds(files, manifest):
        files.unpublish()


def holds(files: RunFiles, manifest: RunManifest) -> bool:
    """Whether the published database is the whole of a run."""
    try:
        with reading(files.database) as connection:
            return is_finished(connection, manifest.run_id)
    except WarehouseError:
        return False
