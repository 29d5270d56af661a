"""A checkpoint read back through those that it builds on.

A table that is stored as rows added, or as a difference, needs the same table of the parent, and so
on down to one that is stored whole. Each manifest names its parent's by checksum, so that none can
be exchanged; each file is checked before it is decoded, and one table is put together at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from planwise.checkpoints.codec import HEADROOM_BYTES, restore
from planwise.checkpoints.delta import reconstruct
from planwise.checkpoints.files import read_sized
from planwise.checkpoints.manifest import FILE_NAME, Manifest, Part, TableEntry, read_manifest
from planwise.errors import CheckpointError, PluginError
from planwise.relay import Relay
from planwise.values import CompressedState

LONGEST: Final = 100
"""Checkpoints of a chain."""
_REASONS: Final = (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError)
"""What a difference raises whose parts were forged; what Arrow raises is among them."""

Chain = tuple[Manifest, ...]
"""A checkpoint's manifest and those that it builds on, the youngest first."""


def folder_of(folder: Path, year: int) -> Path:
    """The folder of a year's checkpoint."""
    return folder / str(year)


def read_chain(folder: Path, year: int) -> Chain:
    """The manifests that a year's checkpoint needs, its own first.

    Raises:
        CheckpointError: one is missing, damaged, or not the one that was built on.
    """
    chain = [read_manifest(folder_of(folder, year) / FILE_NAME, year)]
    while (parent := chain[-1].parent) is not None:
        if len(chain) == LONGEST:
            raise CheckpointError(f"{folder_of(folder, year)}: builds on more than {LONGEST} years")
        file = folder_of(folder, parent.year) / FILE_NAME
        try:
            above = read_manifest(file, parent.year)
        except CheckpointError as error:
            raise CheckpointError(
                f"{folder_of(folder, chain[-1].year)}: needs the one of {parent.year}: {error}"
            ) from error
        if above.sha256 != parent.sha256:
            raise CheckpointError(
                f"{file}: is not the one that the checkpoint of {chain[-1].year} was built on"
            )
        chain.append(above)
    return tuple(chain)


def read_table(
    folder: Path, chain: Sequence[Manifest], entry: TableEntry, relay: Relay, memory_bytes: int
) -> Any:
    """A table of a chain's first checkpoint, put together, as a ``pyarrow.Table``.

    Args:
        folder: of the checkpoints.
        chain: of :func:`read_chain`.
        entry: the table, of the first manifest.
        relay: the plugins, one of which may be needed.
        memory_bytes: the largest table that is believed.

    Raises:
        CheckpointError: a file is damaged, or is not what the manifest says.
    """
    import pyarrow as pa

    steps = [(chain[0], entry)]
    while steps[-1][1].kind != "whole":
        above = chain[len(steps)] if len(steps) < len(chain) else None
        found = None if above is None else above.table(entry.relation)
        if above is None or found is None:
            raise CheckpointError(
                f"{folder_of(folder, steps[-1][0].year)}: {entry.name} needs that of "
                "the checkpoint before, which has none"
            )
        steps.append((above, found))
    table: Any = None
    size = 0
    for manifest, step in reversed(steps):
        place = folder_of(folder, manifest.year)
        size = step.raw_bytes + (size if step.kind == "added" else 0)
        if size > memory_bytes:
            raise _too_large(place, step.name, size, memory_bytes)
        parts = read_parts(place, step, relay, memory_bytes)
        try:
            if step.kind == "delta":
                table = reconstruct(table, parts)
            else:
                rows = parts["rows"]
                table = rows if table is None else pa.concat_tables([table, rows])
        except (pa.ArrowException, *_REASONS) as error:
            text = " ".join(str(error).split())
            raise CheckpointError(
                f"{place / step.file}: {step.name} cannot be put together from it: {text}"
            ) from error
        if table.num_rows != step.rows or columns_of(table) != [c[:2] for c in step.columns]:
            raise CheckpointError(
                f"{place / step.file}: codec '{step.parts[0].codec}' gives back another "
                f"table than was stored of {step.name}"
            )
    return table


def read_parts(place: Path, entry: TableEntry, relay: Relay, memory_bytes: int) -> dict[str, Any]:
    """The tables in a file, by the parts' names; checksums are verified before anything is decoded.

    Args:
        place: the checkpoint's folder.
        entry: what the manifest says of the file.
        relay: the plugins.
        memory_bytes: the largest table that is believed.

    Raises:
        CheckpointError: it is damaged, too large, or not what the manifest says.
    """
    file = place / entry.file
    raw = sum(part.raw_bytes for part in entry.parts)
    if raw > memory_bytes:
        raise _too_large(file, entry.name, raw, memory_bytes)
    if entry.stored_bytes > 2 * raw + HEADROOM_BYTES:
        raise CheckpointError(
            f"{file}: {entry.stored_bytes} bytes for a table of {raw}, which planwise does not "
            "write"
        )
    checked = checked_parts(file, entry)
    return {part.name: restore_part(file, part, payload, relay) for part, payload in checked}


def checked_parts(file: Path, entry: TableEntry) -> Iterator[tuple[Part, bytes]]:
    """The bytes in a file, by part, each held against its checksum.

    Args:
        file: the file.
        entry: what the manifest says of it.

    Raises:
        CheckpointError: it is damaged, or not there.
    """
    stored = read_sized(file, entry.stored_bytes)
    at = 0
    for part in entry.parts:
        # All of it is the same object again: the bytes of a large table are not copied.
        payload = stored[at : at + part.stored_bytes]
        at += part.stored_bytes
        if hashlib.sha256(payload).hexdigest() != part.sha256:
            raise CheckpointError(f"{file}: damaged: its SHA-256 is not the manifest's")
        yield part, payload


def restore_part(file: Path, part: Part, payload: bytes, relay: Relay) -> Any:
    """The ``pyarrow.Table`` of bytes whose checksum holds.

    Args:
        file: where they are from, for messages.
        part: what the manifest says of them.
        payload: the bytes.
        relay: the plugins.

    Raises:
        CheckpointError: they are not what the manifest says.
    """
    blob = CompressedState(part.codec, payload, part.raw_bytes)
    try:
        table = restore(blob, relay, written_by=part.plugin)
    except (CheckpointError, PluginError) as error:
        raise CheckpointError(f"{file}: {error}") from error
    if table.num_rows != part.rows:
        raise CheckpointError(
            f"{file}: codec '{part.codec}' gives back another table than was stored: "
            f"{table.num_rows} rows, expected {part.rows}"
        )
    return table


def columns_of(table: Any) -> list[tuple[str, str]]:
    """Name and Arrow type of each column."""
    return [(field.name, str(field.type)) for field in table.schema]


def _too_large(place: Path, what: str, size: int, memory_bytes: int) -> CheckpointError:
    return CheckpointError(
        f"{place}: claims {size} bytes for {what}, more than the {memory_bytes} bytes of memory "
        "here; read it on a machine with more"
    )
