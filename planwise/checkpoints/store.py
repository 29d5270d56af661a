"""A folder of checkpoints: one subfolder a year, with a manifest and one file a table.

A checkpoint is written to a temporary name, synced and renamed, so a year's folder is whole or it
is not there. The manifest holds the SHA-256 of each file: DuckDB's, LZ4's and zstd's own decoders
accept damaged bytes too often to be relied on.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from planwise.answers import UNCOMPRESSED
from planwise.checkpoints.manifest import manifest_bytes, read_manifest
from planwise.errors import CheckpointError
from planwise.interruption import stop_if_asked
from planwise.relay import Relay
from planwise.results import CheckpointRecord
from planwise.values import CompressedState, StateTable

_HEADROOM_BYTES: Final = 64 * 1024 * 1024
_YEAR: Final = re.compile(r"[0-9]{1,4}\Z")


class CheckpointStore:
    """The checkpoints of one run.

    Args:
        folder: where they are; made when the first one is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, year: int, tables: Sequence[StateTable], relay: Relay) -> CheckpointRecord:
        """Compress, verify and store the state of a year; replaces what was stored for it.

        Every table is restored once before it counts as stored: a codec that loses a bit is found
        here and not on the day on which the state is needed.

        Raises:
            CheckpointError: a table does not come back as it was, or the disk refuses.
            PluginError: the codec misbehaves.
        """
        temporary = self.folder / f".{year}.writing"
        entries = []
        compress_s = restore_s = 0.0
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            for number, state in enumerate(tables):
                stop_if_asked()
                start = time.perf_counter()
                blob, plugin = compress(state, relay)
                middle = time.perf_counter()
                stop_if_asked()
                _verify(state, blob, plugin, relay)
                compress_s += middle - start
                restore_s += time.perf_counter() - middle
                file = f"{number}.state"
                _write_synced(temporary / file, blob.payload)
                entries.append(_entry(state, blob, plugin, file))
            _write_synced(temporary / "manifest.json", manifest_bytes(year, entries))
            stop_if_asked()
            final = self.folder / str(year)
            shutil.rmtree(final, ignore_errors=True)
            temporary.rename(final)
            _sync_folder(self.folder)
        except OSError as error:
            raise CheckpointError(
                f"{self.folder}: the state of {year} cannot be stored: {error.strerror or error}"
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)  # still there only if something failed
        return CheckpointRecord(
            year=year,
            codec=entries[0]["codec"] if entries else UNCOMPRESSED,
            tables=len(entries),
            rows=sum(entry["rows"] for entry in entries),
            raw_bytes=sum(entry["raw_bytes"] for entry in entries),
            stored_bytes=sum(entry["stored_bytes"] for entry in entries),
            compress_s=compress_s,
            restore_s=restore_s,
        )

    def years(self) -> list[int]:
        """The years of which a state is stored."""
        if not self.folder.is_dir():
            return []
        folders = (path for path in self.folder.iterdir() if path.is_dir())
        return sorted(int(each.name) for each in folders if _YEAR.match(each.name))

    def read(self, year: int, relay: Relay) -> list[StateTable]:
        """Restore the state of a year; checksums are checked before anything is decoded.

        Raises:
            CheckpointError: it is not there, is damaged, or needs a codec that is not there.
        """
        folder = self.folder / str(year)
        restored = []
        for entry in read_manifest(folder / "manifest.json", year):
            payload = _read_payload(folder / entry["file"], entry)
            blob = CompressedState(entry["codec"], payload, entry["raw_bytes"])
            table = restore(blob, relay, written_by=entry["plugin"])
            if table.num_rows != entry["rows"] or _columns(table) != entry["columns"]:
                raise CheckpointError(
                    f"{folder / entry['file']}: codec '{blob.codec}' gives back another table than "
                    f"was stored of {entry['name']}"
                )
            restored.append(StateTable(entry["name"], year, table))
        return restored


def compress(state: StateTable, relay: Relay) -> tuple[CompressedState, str]:
    """A state table as bytes, and the name of the plugin that made them ('' without one)."""
    answer = relay.compress_state(state)
    if answer is not None:
        return answer
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, state.table.schema) as writer:
        writer.write_table(state.table)
    payload = sink.getvalue().to_pybytes()
    return CompressedState(UNCOMPRESSED, payload, state.table.nbytes), ""


def restore(blob: CompressedState, relay: Relay, *, written_by: str) -> Any:
    """The table of a blob whose checksum holds.

    Raises:
        CheckpointError: the codec is not there, or the bytes are not what they claim to be.
    """
    import pyarrow as pa

    if blob.codec != UNCOMPRESSED:
        limit = 2 * blob.raw_bytes + _HEADROOM_BYTES
        table = relay.restore_state(blob, limit, written_by=written_by)
        if not isinstance(table, pa.Table):
            raise CheckpointError(
                f"codec '{blob.codec}' of plugin '{written_by}' gives back a "
                f"{type(table).__name__}, and no pyarrow.Table"
            )
        return table
    try:
        with pa.ipc.open_stream(blob.payload) as reader:
            return reader.read_all()
    except (pa.ArrowException, OSError) as error:
        raise CheckpointError(f"the stored Arrow stream cannot be read: {error}") from error


def _verify(state: StateTable, blob: CompressedState, plugin: str, relay: Relay) -> None:
    table = restore(blob, relay, written_by=plugin)
    same_schema = table.schema.equals(state.table.schema)
    if not same_schema or not bit_equal(table, state.table):
        raise CheckpointError(
            f"{state.name}: codec '{blob.codec}' of plugin '{plugin or 'none'}' does not give back "
            f"what it was given; switch it off with --no-{plugin}"
        )


def bit_equal(left: Any, right: Any) -> bool:
    """Equality to the bit: Arrow's own says that NaN differs from NaN, and that 0.0 is -0.0."""
    if left.num_rows != right.num_rows:
        return False
    pairs = zip(left.columns, right.columns, strict=True)
    return all(_comparable(a).equals(_comparable(b)) for a, b in pairs)


def _comparable(column: Any) -> Any:
    """The column with floating-point numbers replaced by integers of the same bits."""
    import pyarrow as pa

    integers = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
    if pa.types.is_floating(column.type):
        whole = column.combine_chunks()
        return whole.view(integers[whole.type.bit_width])
    if pa.types.is_nested(column.type):
        # Text of Python values tells NaN and -0.0 apart; nested columns are rare in a state.
        return pa.array([repr(value) for value in column.to_pylist()], pa.string())
    return column


def _entry(state: StateTable, blob: CompressedState, plugin: str, file: str) -> dict[str, Any]:
    return {
        "name": state.name,
        "file": file,
        "codec": blob.codec,
        "plugin": plugin,
        "rows": state.table.num_rows,
        "columns": _columns(state.table),
        "raw_bytes": blob.raw_bytes,
        "stored_bytes": len(blob.payload),
        "sha256": hashlib.sha256(blob.payload).hexdigest(),
    }


def _columns(table: Any) -> list[list[str]]:
    return [[field.name, str(field.type)] for field in table.schema]


def _read_payload(file: Path, entry: dict[str, Any]) -> bytes:
    try:
        if file.stat().st_size != entry["stored_bytes"]:
            raise CheckpointError(f"{file}: damaged: expected {entry['stored_bytes']} bytes")
        payload = file.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read ({error.strerror})") from error
    if hashlib.sha256(payload).hexdigest() != entry["sha256"]:
        raise CheckpointError(f"{file}: damaged: its SHA-256 is not the manifest's")
    return payload


def _write_synced(file: Path, content: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
