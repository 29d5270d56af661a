"""What follows a year's commit, beside the next year: the state stored, the log into the file.

Both work on what is committed, and neither is needed by the next year, which mostly fills tables
of its own meanwhile: DuckDB lets others read, and write temporary tables, while it checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from planwise.interruption import Job, give_up, start, wait_for
from planwise.ports import CheckpointPort, WarehousePort
from planwise.relay import Relay
from planwise.results import CheckpointRecord
from planwise.spans import Span, span_of_work


@frozen
class StoredYear:
    """A year whose state is stored.

    Attributes:
        year: which one.
        checkpoint: its state as stored; None of a project without one.
        in_file: whether it is in the database file; else it is in the log, as durable.
        span: what all of it took. The process's CPU time in it is the next year's too.
    """

    year: int
    checkpoint: CheckpointRecord | None
    in_file: bool
    span: Span


class YearEnd:
    """Ends one year at a time, in a thread.

    Args:
        warehouse: the database, open by the time a year ends.
        checkpoints: where states go.
        relay: the plugins; those that store states are called in the thread.
    """

    def __init__(self, warehouse: WarehousePort, checkpoints: CheckpointPort, relay: Relay) -> None:
        self._warehouse = warehouse
        self._checkpoints = checkpoints
        self._relay = relay
        self._job: Job[StoredYear] | None = None

    def begin(self, year: int, relations: Sequence[tuple[str, str]]) -> None:
        """Begin to end a year that is committed; the one before has to be taken.

        Args:
            year: the year.
            relations: schema and name of the tables that are its state.
        """
        # Here, before the next year commits anything: what the thread reads is this year's.
        self._warehouse.hold_committed()
        self._job = Job()
        start(self._job, lambda: self._end(year, relations))

    def take(self, *, wait: bool) -> StoredYear | None:
        """The year that was begun, once; None if there is none, or it is still being stored.

        Args:
            wait: whether to wait for it.

        Raises:
            PlanwiseError: it could not be stored, or a plugin misbehaves.
        """
        job = self._job
        if job is None or not (wait or job.done()):
            return None
        try:
            return wait_for(job, self._warehouse.interrupt_beside)
        finally:
            self._job = None  # it has ended, or was given up

    def leave(self) -> None:
        """Give up a year that is being stored: no thread may outlive a run that was interrupted."""
        if self._job is not None:
            give_up(self._job, self._warehouse.interrupt_beside)
            self._job = None

    def _end(self, year: int, relations: Sequence[tuple[str, str]]) -> StoredYear:
        with span_of_work() as span:
            try:
                tables = [self._warehouse.state_table(each, year) for each in relations]
            finally:
                self._warehouse.release_committed()
            in_file = self._warehouse.checkpoint_beside()
            record = self._checkpoints.write(year, tables, self._relay) if tables else None
        return StoredYear(year, record, in_file, span)
