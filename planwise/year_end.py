"""What follows a year's commit, beside the next year: the state stored, the log into the file.

Both work on what is committed, and neither is needed by the next year, which mostly fills tables
of its own meanwhile: DuckDB lets others read, and write temporary tables, while it checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from attrs import frozen

from planwise.errors import CheckpointSpaceError, WarehouseError
from planwise.handover import Handover
from planwise.interruption import Job, alongside, give_up, give_way, start, wait_for
from planwise.outputs import YearOutput
from planwise.ports import CheckpointPort, ProgressPort, WarehousePort
from planwise.relay import Relay
from planwise.results import CheckpointRecord
from planwise.spans import Span, span_of_work

if TYPE_CHECKING:
    from planwise.checkpoints.tables import StoredShape, YearTable


Adopt = Callable[[Mapping[str, str]], bool]
"""Makes a year that is stored elsewhere with these digests this run's too; gives whether it did."""


@frozen
class StoredYear:
    """A year whose state is stored.

    Attributes:
        year: which one.
        checkpoint: its state as stored; None of a project without one, or where it could not be.
        in_file: whether it is in the database file; else it is in the log, as durable.
        warnings: what went wrong and is no reason to stop, a sentence each.
        span: what all of it took. The process's CPU time in it is the next year's too.
    """

    year: int
    checkpoint: CheckpointRecord | None
    in_file: bool
    warnings: tuple[str, ...]
    span: Span


class YearEnd:
    """Ends one year at a time, in a thread.

    Args:
        warehouse: the database, open by the time a year ends.
        checkpoints: where states go; None stores none.
        progress: the record outside of the database; None keeps none.
        relay: the plugins; those that store states are called in the thread.
    """

    def __init__(
        self,
        warehouse: WarehousePort,
        checkpoints: CheckpointPort | None,
        progress: ProgressPort | None,
        relay: Relay,
    ) -> None:
        self._warehouse = warehouse
        self._checkpoints = checkpoints
        self._progress = progress
        self._relay = relay
        self._job: Job[StoredYear] | None = None

    def begin(self, year: int, outputs: Sequence[YearOutput], *, last: bool = False) -> None:
        """Begin to end a year that is committed; the one before has to be taken.

        Args:
            year: the year.
            outputs: the tables that it leaves behind.
            last: whether no year follows, so that everybody waits for this one.
        """
        # Here, before the next year commits anything: what the thread reads is this year's.
        self._warehouse.beside.hold()
        self._job = Job()
        start(self._job, lambda: self._end(year, outputs, last=last))

    def begin_arranged(self, year: int, outputs: Sequence[YearOutput], adopt: Adopt) -> None:
        """Begin to note a year that another run has made; it is stored where it cannot be adopted.

        Args:
            year: the year.
            outputs: the tables that it left behind.
            adopt: called in the thread.
        """
        self._warehouse.beside.hold()
        self._job = Job()
        start(self._job, lambda: self._end_arranged(year, outputs, adopt))

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
            return wait_for(job, self._warehouse.beside.interrupt)
        finally:
            self._job = None  # it has ended, or was given up

    def leave(self) -> None:
        """Give up a year that is being stored: no thread may outlive a run that was interrupted."""
        if self._job is not None:
            give_up(self._job, self._warehouse.beside.interrupt)
            self._job = None

    def _end_arranged(self, year: int, outputs: Sequence[YearOutput], adopt: Adopt) -> StoredYear:
        beside = self._warehouse.beside
        with span_of_work() as span:
            try:
                digests = {_name(each): beside.digest(each, year) for each in outputs}
                adopted = adopt(digests)
            except BaseException:
                beside.release()
                raise
            if not adopted:
                return self._end(year, outputs)
            beside.release()
            warnings = self._note(year, digests)
        return StoredYear(year, None, in_file=False, warnings=warnings, span=span)

    def _end(self, year: int, outputs: Sequence[YearOutput], *, last: bool = False) -> StoredYear:
        beside, store = self._warehouse.beside, self._checkpoints
        tables: Handover[YearTable] = Handover()
        warnings = list[str]()
        with span_of_work() as span:
            try:
                parent = None if store is None else store.parent_of(year)
                earlier = {} if store is None or parent is None else store.shapes(parent)
            except BaseException:
                beside.release()
                raise
            # Compressing is our work and moving the log is mostly the disk's: both begin at once,
            # and after the last year nothing else is there to do meanwhile.
            work = partial(self._store, year, tables, parent, wanted=bool(outputs), last=last)
            with alongside(work) as storing:
                try:
                    with tables.filling(), alongside(beside.checkpoint) as moving:
                        digests = self._read(year, outputs, earlier, tables)
                finally:
                    beside.release()
                in_file = moving.result()
                warnings += self._note(year, digests)
            record = None
            try:
                record = storing.result()
            except CheckpointSpaceError as error:
                warnings.append(f"year {year} has no checkpoint: {error}")
        return StoredYear(year, record, in_file, tuple(warnings), span)

    def _note(self, year: int, digests: Mapping[str, str]) -> tuple[str, ...]:
        """Write down, in the database and outside, that a year is finished; gives warnings."""
        self._warehouse.beside.record_digests(year, digests)
        if self._progress is not None:
            try:
                self._progress.year_finished(year, digests)
            except WarehouseError as error:
                return (f"year {year} is finished, but could not be noted: {error}",)
        return ()

    def _read(
        self,
        year: int,
        outputs: Sequence[YearOutput],
        earlier: Mapping[tuple[str, str], StoredShape],
        tables: Handover[YearTable],
    ) -> dict[str, str]:
        """The digests of all tables; hands each over to be stored, if a state is kept."""
        beside, digests = self._warehouse.beside, dict[str, str]()
        # The largest first: while it is compressed, the others are read.
        for each in sorted(outputs, key=lambda output: -_rows(earlier.get(output.relation))):
            if self._checkpoints is None:
                digests[_name(each)] = beside.digest(each, year)
            else:
                table = beside.table(each, year, earlier=earlier.get(each.relation))
                digests[_name(table)] = table.digest
                tables.put(table)
        return digests

    def _store(
        self,
        year: int,
        tables: Iterable[YearTable],
        parent: int | None,
        *,
        wanted: bool,
        last: bool,
    ) -> CheckpointRecord | None:
        if self._checkpoints is None or not wanted:
            return None
        if not last:
            give_way()  # the next year's models are what everyone waits for
        origin = self._progress.origin if self._progress else {}
        return self._checkpoints.write(year, tables, self._relay, parent=parent, origin=origin)


def _name(table: YearOutput | YearTable) -> str:
    return ".".join(table.relation)


def _rows(earlier: StoredShape | None) -> int:
    """What a table had the year before; of one that was not there nothing is known."""
    return 0 if earlier is None else earlier.rows
