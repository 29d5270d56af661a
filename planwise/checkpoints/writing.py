"""One year's tables into files, each proved to come back before it counts as stored."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from planwise.checkpoints.chains import columns_of
from planwise.checkpoints.codec import compress, same_table, verify
from planwise.checkpoints.delta import difference, reconstruct
from planwise.checkpoints.manifest import Kind, Manifest, Part, TableEntry
from planwise.checkpoints.tables import YearTable
from planwise.errors import CheckpointError
from planwise.interruption import stop_if_asked
from planwise.relay import Relay
from planwise.values import StateTable

_Piece = tuple[Part, bytes]
"""What the manifest will say of some bytes, and the bytes."""
_ROWS: Final = "rows"
_SURE: Final = 0.5
"""Up to this share of the whole table's Arrow bytes a difference is taken as it is. Beyond it both
are compressed, and the smaller one is stored."""


class TableWriter:
    """Stores tables in the folder of a checkpoint that is being written.

    Args:
        folder: the folder.
        relay: the plugins; the one that compresses states is asked.
        parent: the manifest of the checkpoint to build on, if any.
        before: a relation's table in the parent; None where it has none that can be read.

    Attributes:
        files: what is written so far; it is not synced.
        compress_s, restore_s: seconds spent on each so far; restoring is the verification.
        written_bytes: of the files so far.
    """

    def __init__(
        self,
        folder: Path,
        relay: Relay,
        parent: Manifest | None,
        before: Callable[[tuple[str, str]], Any],
    ) -> None:
        self._folder = folder
        self._relay = relay
        self._parent = parent
        self._before = before
        self.files = list[Path]()
        self.compress_s = self.restore_s = 0.0
        self.written_bytes = 0

    def store(self, given: YearTable) -> TableEntry:
        """Compress, verify and write one table.

        Raises:
            CheckpointError: it does not come back as it was, or does not fit the parent's.
            PluginError: the codec misbehaves.
            OSError: the disk refuses.
        """
        kind: Kind
        if given.added:
            kind, rows = "added", given.table.num_rows + self._rows_before(given)
            pieces = [self._piece(given, _ROWS, given.table)[0]]
        else:
            rows = given.table.num_rows
            kind, pieces = self._smallest(given)
        file = f"{len(self.files)}.state"
        self.files.append(self._folder / file)
        with self.files[-1].open("wb") as stream:
            stream.writelines(payload for _, payload in pieces)
        entry = TableEntry(
            schema=given.relation[0],
            identifier=given.relation[1],
            file=file,
            kind=kind,
            rows=rows,
            raw_bytes=given.table.nbytes,
            digest=given.digest,
            columns=_columns(given),
            parts=tuple(part for part, _ in pieces),
        )
        self.written_bytes += entry.stored_bytes
        return entry

    def _rows_before(self, given: YearTable) -> int:
        """Rows that the parent's table has, to which rows of the same columns can be added."""
        above = None if self._parent is None else self._parent.table(given.relation)
        if above is None:
            raise CheckpointError(
                f"{given.name}: rows were added in {given.year} to a table that the checkpoint "
                "before does not hold; hand it over whole"
            )
        if above.columns != _columns(given):
            raise CheckpointError(
                f"{given.name}: the rows added in {given.year} have other columns than those of "
                "the year before; hand the table over whole"
            )
        return above.rows

    def _smallest(self, given: YearTable) -> tuple[Kind, list[_Piece]]:
        """A table as a difference to the parent's where that is smaller, else whole."""
        pieces = self._difference(given)
        if pieces is not None and sum(part.raw_bytes for part, _ in pieces) <= (
            _SURE * given.table.nbytes
        ):
            return "delta", pieces
        whole = [self._piece(given, _ROWS, given.table)[0]]
        if pieces is not None and _stored(pieces) < _stored(whole):
            return "delta", pieces
        return "whole", whole

    def _difference(self, given: YearTable) -> list[_Piece] | None:
        """A table as a difference to the parent's, if there is one and it gives the table back."""
        above = None if self._parent is None else self._parent.table(given.relation)
        if above is None or above.columns != _columns(given):
            return None
        before = self._before(given.relation)
        if before is None:
            return None
        start = time.perf_counter()
        found = difference(before, given.table)
        self.compress_s += time.perf_counter() - start
        if not found:
            return None
        made = {name: self._piece(given, name, table) for name, table in found.items()}
        start = time.perf_counter()
        try:
            rebuilt = reconstruct(before, {name: table for name, (_, table) in made.items()})
            same = same_table(rebuilt, given.table)
        except CheckpointError:
            same = False  # a codec may drop the metadata of a schema; whole, the table needs none
        self.restore_s += time.perf_counter() - start
        return [piece for piece, _ in made.values()] if same else None

    def _piece(self, given: YearTable, name: str, table: Any) -> tuple[_Piece, Any]:
        """A table compressed, with what comes back of it."""
        stop_if_asked()
        state = _state(given, table)
        start = time.perf_counter()
        blob, plugin = compress(state, self._relay)
        middle = time.perf_counter()
        stop_if_asked()
        restored = verify(state, blob, plugin, self._relay)
        self.compress_s += middle - start
        self.restore_s += time.perf_counter() - middle
        part = Part(
            name=name,
            rows=table.num_rows,
            codec=blob.codec,
            plugin=plugin,
            raw_bytes=blob.raw_bytes,
            stored_bytes=len(blob.payload),
            sha256=hashlib.sha256(blob.payload).hexdigest(),
        )
        return (part, blob.payload), restored


def kept_in_memory(tables: Mapping[tuple[str, str], Any], most_bytes: int) -> dict[Any, Any]:
    """Tables that the next year's differences can be made to without reading files: all, or none.

    Args:
        tables: Arrow tables by relation.
        most_bytes: as Arrow buffers, of all.
    """
    return dict(tables) if sum(each.nbytes for each in tables.values()) <= most_bytes else {}


def _stored(pieces: Iterable[_Piece]) -> int:
    return sum(part.stored_bytes for part, _ in pieces)


def _state(given: YearTable, table: Any) -> StateTable:
    return StateTable(given.name, given.year, table)


def _columns(given: YearTable) -> tuple[tuple[str, str, str], ...]:
    """Name, Arrow's type and DuckDB's type of each column."""
    columns = columns_of(given.table)
    if len(given.types) != len(columns):
        raise CheckpointError(
            f"{given.name}: {len(given.types)} DuckDB types for {len(columns)} columns"
        )
    return tuple(
        (name, kind, described)
        for (name, kind), described in zip(columns, given.types, strict=True)
    )
