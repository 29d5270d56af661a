"""A folder of checkpoints: one subfolder a year, with a manifest and one file a table.

A checkpoint is written to a temporary name, synced and renamed, so a year's folder is whole or it
is not there. The manifest holds the SHA-256 of what is in each file: DuckDB's, LZ4's and zstd's own
decoders accept damaged bytes too often to be relied on. A checkpoint may build on the one of the
year before (see `chains`); every few years one stands alone.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from planwise.checkpoints.adopting import adopt_chain
from planwise.checkpoints.chains import LONGEST, Chain, folder_of, read_chain, read_table
from planwise.checkpoints.codec import bit_equal, compress, restore
from planwise.checkpoints.files import delete, size_of, sweep, sync
from planwise.checkpoints.manifest import (
    FILE_NAME,
    MOST_BYTES,
    Manifest,
    Parent,
    manifest_bytes,
    read_manifest,
    sealed_sha256,
)
from planwise.checkpoints.placing import Room, dependants, put_in_place, remove_all, years_in
from planwise.checkpoints.tables import StoredShape, YearTable
from planwise.checkpoints.writing import TableWriter, kept_in_memory
from planwise.errors import CheckpointError, CheckpointSpaceError
from planwise.interruption import stop_if_asked
from planwise.relay import Relay
from planwise.results import CheckpointRecord

__all__ = ["CheckpointStore", "bit_equal", "compress", "restore"]

_MOST_KEPT_BYTES: Final = 64 * 1024 * 1024


@frozen
class _Kept:
    """The tables of the last write, as far as they were handed over whole."""

    year: int
    sha256: str
    tables: Mapping[tuple[str, str], Any]


class CheckpointStore:
    """The checkpoints of one run.

    Args:
        folder: where they are; made when the first one is written.
        limit_bytes: what all of them may take on the disk; no limit by default.
        full_every: how many checkpoints a chain may have, from 1, where each stands alone, to 100.
        memory_bytes: the largest table that a manifest is believed to have; what this process may
            use of the machine by default.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit_bytes: int | None = None,
        full_every: int = 8,
        memory_bytes: int | None = None,
    ) -> None:
        if not 1 <= full_every <= LONGEST:
            raise ValueError(f"full_every: expected 1 to {LONGEST}, got {full_every}")
        self.folder = folder
        self._limit_bytes = limit_bytes
        self._full_every = full_every
        self._memory_bytes = memory_bytes
        self._kept: _Kept | None = None

    def parent_of(self, year: int) -> int | None:
        """The year that the checkpoint of a year can build on.

        Args:
            year: the year that will be written.

        Returns:
            The year before, if its checkpoint and those below are there, and the chain may grow;
            else None, and every table has to be handed over whole.
        """
        try:
            chain = read_chain(self.folder, year - 1)
        except CheckpointError:
            return None
        return year - 1 if len(chain) < self._full_every and self._is_complete(chain) else None

    def write(
        self,
        year: int,
        tables: Iterable[YearTable],
        relay: Relay,
        *,
        parent: int | None = None,
        origin: Mapping[str, str] = {},
    ) -> CheckpointRecord:
        """Compress, verify and store the state of a year; replaces what was stored for it.

        Every table is restored once before it counts as stored: a codec that loses a bit is found
        here and not on the day on which the state is needed. A failed write leaves what was there.

        Args:
            year: the year.
            tables: its state, iterated over once. Those with ``added`` need a parent that holds
                their other rows.
            relay: the plugins.
            parent: the year to build on, of :meth:`parent_of`.
            origin: what wrote it, kept in the manifest.

        Raises:
            CheckpointSpaceError: the disk refuses, or the limit does.
            CheckpointError: a table does not come back as it was, or does not fit the parent's.
            PluginError: the codec misbehaves.
        """
        chain = () if parent is None else read_chain(self.folder, parent)
        kept, self._kept = self._kept, None

        def before(relation: tuple[str, str]) -> Any:
            if kept is not None and kept.sha256 == chain[0].sha256 and relation in kept.tables:
                return kept.tables[relation]
            return self._read_or_none(chain, relation, relay)

        temporary = self.folder / f".{year}.writing"
        try:
            sweep(self.folder)
            temporary.mkdir(parents=True)
            room = Room(self.folder, self._limit_bytes, year, [each.year for each in chain])
            writer = TableWriter(temporary, relay, chain[0] if chain else None, before)
            entries, whole = [], {}
            for given in tables:
                entries.append(writer.store(given))
                if not given.added:
                    whole[given.relation] = given.table
                room.check(writer.written_bytes)
            needs = any(entry.kind != "whole" for entry in entries)
            manifest = Manifest(
                year=year,
                written=datetime.now(UTC).isoformat(timespec="seconds"),
                parent=Parent(chain[0].year, chain[0].sha256) if needs else None,
                origin=dict(origin),
                tables=tuple(entries),
            )
            text = manifest_bytes(manifest)
            if len(text) > MOST_BYTES:
                raise CheckpointSpaceError(
                    f"{self.folder}: the state of {year} cannot be stored: its {len(entries)} "
                    f"tables need a manifest of {len(text)} bytes, which may have {MOST_BYTES}"
                )
            (temporary / FILE_NAME).write_bytes(text)
            sync([*writer.files, temporary / FILE_NAME, temporary])
            stop_if_asked()
            put_in_place(temporary, folder_of(self.folder, year), room)
        except OSError as error:
            raise CheckpointSpaceError(
                f"{self.folder}: the state of {year} cannot be stored: "
                f"{error.strerror or error}; free some space there, or allow planwise to write it"
            ) from error
        finally:
            delete(temporary)  # still there only if something failed
        sha256 = sealed_sha256(text) or ""
        self._kept = _Kept(year, sha256, kept_in_memory(whole, _MOST_KEPT_BYTES))
        return CheckpointRecord(
            year=year,
            codec=manifest.codec,
            tables=len(entries),
            rows=sum(entry.rows for entry in entries),
            raw_bytes=sum(entry.raw_bytes for entry in entries),
            stored_bytes=sum(entry.stored_bytes for entry in entries),
            compress_s=writer.compress_s,
            restore_s=writer.restore_s,
        )

    def adopt(self, source: Path, year: int, digests: Mapping[str, str]) -> bool:
        """Let the checkpoint of another run, and those below it, be this run's too.

        Args:
            source: the folder of the other run's checkpoints.
            year: the year.
            digests: of its tables, by ``schema.table``.

        Returns:
            Whether they are here now. Not if they are damaged or hold something else, if a limit
            is set, which each has to be held against as it is written, or if the folder is of
            another file system: the state can be stored anew then.
        """
        if self._limit_bytes is not None:
            return False
        try:
            chain = read_chain(source, year)
            if {".".join(each.relation): each.digest for each in chain[0].tables} != digests:
                return False
            adopt_chain(source, self.folder, chain)
        except (CheckpointError, OSError):
            return False
        return True

    def years(self) -> list[int]:
        """The years of which a state is stored."""
        return years_in(self.folder)

    def manifest(self, year: int) -> Manifest:
        """What is stored of a year, as far as its manifest says; its files are not looked at.

        Raises:
            CheckpointError: there is none, or its manifest is damaged.
        """
        return read_manifest(folder_of(self.folder, year) / FILE_NAME, year)

    def shapes(self, year: int) -> dict[tuple[str, str], StoredShape]:
        """Rows, those of earlier years included, and columns of each stored table of a year.

        Raises:
            CheckpointError: as for :meth:`manifest`.
        """
        return {
            each.relation: StoredShape(each.rows, tuple((c[0], c[2]) for c in each.columns))
            for each in self.manifest(year).tables
        }

    def size_bytes(self, year: int) -> int:
        """What a year's checkpoint takes on the disk; what it builds on is not counted."""
        return size_of(folder_of(self.folder, year))

    def read(
        self, year: int, relay: Relay, only: Collection[tuple[str, str]] | None = None
    ) -> Iterator[YearTable]:
        """The state of a year, a whole table at a time.

        Checksums are checked before anything is decoded, and no more than one table is in memory,
        unless the caller keeps the others.

        Args:
            year: the year.
            relay: the plugins.
            only: the tables that are wanted, of which some may not be there; all without.

        Raises:
            CheckpointError: it, or one that it builds on, is not there, is damaged, or needs a
                codec that is not there.
        """
        chain = read_chain(self.folder, year)
        for entry in chain[0].tables:
            if only is not None and entry.relation not in only:
                continue
            stop_if_asked()
            table = read_table(self.folder, chain, entry, relay, self._memory())
            yield YearTable(entry.relation, year, table, entry.types, digest=entry.digest)
            del table  # before the next one is read

    def verify(self, year: int, relay: Relay) -> None:
        """Read all that the state of a year needs, and keep nothing.

        Raises:
            CheckpointError: as for :meth:`read`; file and cause are named.
        """
        deque(self.read(year, relay), maxlen=0)  # holds no table while the next one is read

    def newest_good(self, relay: Relay, at_most: int | None = None) -> tuple[int | None, list[str]]:
        """The newest year that can be read.

        Args:
            relay: the plugins.
            at_most: the last year that is asked for.

        Returns:
            The year, None if there is none, and for each newer one a line that says why not.
        """
        problems: list[str] = []
        for year in reversed(self.years()):
            if at_most is not None and year > at_most:
                continue
            try:
                self.verify(year, relay)
            except CheckpointError as error:
                problems.append(f"the state of {year} cannot be used: {error}")
            else:
                return year, problems
        return None, problems

    def prune(self, keep: Collection[int]) -> list[int]:
        """Remove all but some years.

        Args:
            keep: years to keep; what they build on is kept too.

        Returns:
            The years that were removed.

        Raises:
            CheckpointSpaceError: the disk refuses.
        """
        needed = set(keep)
        for year in keep:
            with contextlib.suppress(CheckpointError):  # a damaged one needs nothing any more
                needed |= {each.year for each in read_chain(self.folder, year)}
        removed = [year for year in self.years() if year not in needed]
        try:
            sweep(self.folder)
            remove_all(self.folder, removed)
        except OSError as error:
            raise CheckpointSpaceError(
                f"{self.folder}: checkpoints cannot be removed: {error.strerror or error}"
            ) from error
        return removed

    def needed_by(self, year: int) -> list[int]:
        """The other years that cannot be read without one."""
        return sorted(dependants(self.folder, self.years(), {year}) - {year})

    def _read_or_none(self, chain: Chain, relation: tuple[str, str], relay: Relay) -> Any:
        """A table of a chain; None if it cannot be read, and so cannot be built on."""
        entry = chain[0].table(relation)
        if entry is None:
            return None
        try:
            return read_table(self.folder, chain, entry, relay, self._memory())
        except CheckpointError:
            return None

    def _is_complete(self, chain: Chain) -> bool:
        """Whether every file of a chain is there, in its size."""
        try:
            return all(
                (folder_of(self.folder, each.year) / entry.file).lstat().st_size
                == entry.stored_bytes
                for each in chain
                for entry in each.tables
            )
        except OSError:
            return False

    def _memory(self) -> int:
        if self._memory_bytes is None:
            from planwise.machine import this_machine

            self._memory_bytes = this_machine(self.folder).memory_total_bytes
        return self._memory_bytes
