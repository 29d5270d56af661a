"""Tables as uncompressed Arrow streams, and back within bounds.

Arrow's reader trusts a stream: compressed buffers grow to any size, and offsets may point outside
of their buffers. Both are refused here, so a table is no larger than the stream that it is in.
"""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa
from planwise.api import CheckpointError

from planwise_quick_states.names import CODEC


def to_stream(table: Any) -> Any:
    """A ``pyarrow.Table`` as a ``pyarrow.Buffer``."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def from_stream(content: Any) -> Any:
    """The ``pyarrow.Table`` of :func:`to_stream`; it shares the memory of the buffer.

    Args:
        content: a ``pyarrow.Buffer``.

    Raises:
        CheckpointError: the bytes are not what that function writes.
    """
    try:
        for message in pa.ipc.MessageReader.open_stream(content):
            _refuse_compression(message)
        with pa.ipc.open_stream(content) as reader:
            table = reader.read_all()
        for column in table.columns:
            # The full check also holds values against the range of their type. DuckDB goes beyond
            # that of decimals (HUGEINT is a decimal(38, 0)), and what was given is due.
            column.validate(full=not _has_range(column.type))
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        text = " ".join(str(error).split())
        raise CheckpointError(f"{CODEC}: no Arrow stream is in it: {text}") from error
    return table


def _has_range(kind: pa.DataType) -> bool:
    """Whether a type, or one inside of it, allows fewer values than its bits do."""
    is_ = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _has_range(kind.storage_type)
    if is_.is_dictionary(kind):
        return _has_range(kind.value_type)
    if is_.is_decimal(kind) or is_.is_time(kind) or is_.is_date64(kind):
        return True
    return any(_has_range(kind.field(number).type) for number in range(kind.num_fields))


def _refuse_compression(message: Any) -> None:
    """Look for the field ``compression`` of a message's record batch (Arrow's Message.fbs)."""
    if message.type not in ("record batch", "dictionary"):
        return
    data = message.metadata.to_pybytes()
    header = _child(data, _offset(data, 0), 2)
    if header and message.type == "dictionary":
        header = _child(data, header, 1)
    if header and _field(data, header, 3):
        raise CheckpointError(f"{CODEC}: Arrow buffers that are compressed, which it never writes")


def _offset(data: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", data, at)[0])


def _child(data: bytes, table: int, number: int) -> int:
    """Where the table in a field begins; 0 if the field is not there."""
    at = _field(data, table, number)
    return _offset(data, at) if at else 0


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field of a flatbuffer's table is; 0 if it is not there."""
    entries = table - int(struct.unpack_from("<i", data, table)[0])
    entry = 4 + 2 * number
    if entry >= int(struct.unpack_from("<H", data, entries)[0]):
        return 0
    offset = int(struct.unpack_from("<H", data, entries + entry)[0])
    return table + offset if offset else 0
