"""What follows a year's commit, beside the next year: the log into the file, the state stored.

Both work on what is committed, and neither is needed by the next year, which mostly fills tables
of its own meanwhile: DuckDB lets others read, and write temporary tables, while it checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from attrs import frozen

from planwise.interruption import give_up, start, wait_for
from planwise.ports import CheckpointPort, WarehousePort
from planwise.relay import Relay
from planwise.results import CheckpointRecord
from planwise.spans import Span, span_of_work


@frozen
class StoredYear:
    """A year that is in the file.

    Attributes:
        year: which one.
        checkpoint: its state as stored; None of a project without one.
        span: what storing the state took. The process's CPU time in it is the next year's too.
    """

    year: int
    checkpoint: CheckpointRecord | None
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
        self._job: Future[StoredYear] | None = None

    def begin(self, year: int, relations: Sequence[tuple[str, str]]) -> None:
        """Begin to end a year that is committed; the one before has to be taken.

        Args:
            year: the year.
            relations: schema and name of the tables that are its state.
        """
        self._job = start(lambda: self._end(year, relations))

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
        stored = wait_for(job, self._warehouse.interrupt_beside)
        self._job = None
        return stored

    def leave(self, *, interrupt: bool) -> None:
        """Let no thread outlive a run that has failed; its error is the one to tell.

        Args:
            interrupt: whether a year that is being stored is given up, and not finished.
        """
        job, self._job = self._job, None
        if job is None:
            return
        if interrupt:
            give_up(job, self._warehouse.interrupt_beside)
            return
        try:
            wait_for(job, self._warehouse.interrupt_beside)
        except Exception:  # noqa: BLE001  # a second error, which the first explains more often
            return

    def _end(self, year: int, relations: Sequence[tuple[str, str]]) -> StoredYear:
        self._warehouse.checkpoint_beside()
        with span_of_work() as span:
            tables = [self._warehouse.state_table(each, year) for each in relations]
            record = self._checkpoints.write(year, tables, self._relay) if tables else None
        return StoredYear(year, record, span)
