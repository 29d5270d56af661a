"""The ways to store a table that are compared: planwise's own, and what other tools write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
import lz4.frame
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from attrs import frozen

from planwise.api import CompressedState, StateTable
from planwise.checkpoints.column_bits import carrier, changed, reinterpret, same_bytes, whole
from planwise.checkpoints.delta import difference, reconstruct
from planwise_plugins.compression import Compression

_LIMIT_BYTES: Final = 1 << 36


@frozen
class Way:
    """One way.

    Attributes:
        write: the table, with that of the year before at hand, as whatever is stored.
        restore: what was stored, with that of the year before at hand, as a table.
        size: bytes of what was stored.
    """

    write: Callable[[pa.Table, Any], Any]
    restore: Callable[[Any, Any], pa.Table]
    size: Callable[[Any], int] = len


def same_bits(left: pa.Table, right: pa.Table) -> bool:
    """Whether two tables have the same schema and the same bits, row by row.

    Args:
        left, right: the tables.
    """
    if not left.schema.equals(right.schema) or left.num_rows != right.num_rows:
        return False
    for one, other in zip(left.columns, right.columns, strict=True):
        a, b = whole(one), whole(other)
        kind = carrier(a.type)
        if kind is None:
            if not same_bytes(a, b):
                return False
        elif changed(reinterpret(a, kind), reinterpret(b, kind)) is not None:
            return False
    return True


def _planwise(codec: str) -> Way:
    plugin = Compression()
    plugin.configure({"codec": codec, "level": None})
    return Way(
        lambda table, _: plugin.compress_state(StateTable("main.state", 0, table)),
        lambda stored, _: plugin.restore_state(stored, _LIMIT_BYTES),
        lambda stored: len(stored.payload),
    )


def _difference(codec: str) -> Way:
    """Planwise's difference, each part as the codec stores it; whole where there is none."""
    inner = _planwise(codec)

    def write(table: pa.Table, before: pa.Table) -> Mapping[str, CompressedState]:
        parts = difference(before, table) or {"": table}
        return {name: inner.write(part, None) for name, part in parts.items()}

    def restore(stored: Mapping[str, CompressedState], before: pa.Table) -> pa.Table:
        parts = {name: inner.restore(part, None) for name, part in stored.items()}
        return parts[""] if "" in parts else reconstruct(before, parts)

    return Way(write, restore, lambda stored: sum(map(inner.size, stored.values())))


def _parquet(codec: str) -> Way:
    def write(table: pa.Table, _: Any) -> pa.Buffer:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression=codec)
        return sink.getvalue()

    return Way(write, lambda stored, _: pq.read_table(pa.BufferReader(stored)))


def _arrow(codec: str | None) -> Way:
    options = pa.ipc.IpcWriteOptions(compression=codec)

    def write(table: pa.Table, _: Any) -> pa.Buffer:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        return sink.getvalue()

    def restore(stored: Any, _: Any) -> pa.Table:
        with pa.ipc.open_stream(stored) as reader:
            return reader.read_all()

    return Way(write, restore)


def _framed(codec: str) -> Way:
    """The buffers as they are, in one frame of a compressor."""
    plain = _arrow(None)
    if codec == "lz4":
        pack, unpack = lz4.frame.compress, lz4.frame.decompress
    else:
        pack, unpack = zstandard.compress, zstandard.decompress
    return Way(
        lambda table, _: pack(plain.write(table, None)),
        lambda stored, _: plain.restore(pa.py_buffer(unpack(stored)), None),
    )


def _duckdb(folder: Path) -> Way:
    """A database file that holds nothing else."""
    file = folder / "state.duckdb"

    def write(content: pa.Table, _: Any) -> bytes:  # noqa: ARG001  # in SQL
        file.unlink(missing_ok=True)
        with duckdb.connect(str(file)) as connection:
            connection.execute("create table state as from content")
            connection.execute("checkpoint")
        return file.read_bytes()

    def restore(stored: bytes, _: Any) -> pa.Table:
        file.write_bytes(stored)
        with duckdb.connect(str(file), read_only=True) as connection:
            return connection.sql("from state").to_arrow_table()

    return Way(write, restore)


WAYS: Final[Mapping[str, Callable[[Path], Way]]] = {
    "planwise lz4": lambda _: _planwise("lz4"),
    "planwise zstd": lambda _: _planwise("zstd"),
    "difference lz4": lambda _: _difference("lz4"),
    "difference zstd": lambda _: _difference("zstd"),
    "parquet snappy": lambda _: _parquet("snappy"),
    "parquet lz4": lambda _: _parquet("lz4"),
    "parquet zstd": lambda _: _parquet("zstd"),
    "arrow lz4": lambda _: _arrow("lz4"),
    "arrow zstd": lambda _: _arrow("zstd"),
    "buffers in lz4": lambda _: _framed("lz4"),
    "buffers in zstd": lambda _: _framed("zstd"),
    "duckdb file": _duckdb,
}
"""Each by name; made for a folder that it may use."""
