"""The kernel's own layout, an uncompressed Arrow stream: written, and read within bounds.

Arrow's reader trusts a stream: compressed buffers grow to any size, and offsets may point outside
their buffers. Both are refused here, so that a table is no larger than the bytes that it is in.
"""

from __future__ import annotations

import struct
from typing import Any

from planwise.errors import CheckpointError


def to_stream(table: Any) -> bytes:
    """A ``pyarrow.Table`` as bytes."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def from_stream(payload: bytes) -> Any:
    """The ``pyarrow.Table`` of :func:`to_stream`.

    Raises:
        CheckpointError: the bytes are not what that function writes.
    """
    import pyarrow as pa

    try:
        for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(payload)):
            dictionary = message.type == "dictionary"
            if (dictionary or message.type == "record batch") and _is_compressed(
                message.metadata.to_pybytes(), dictionary=dictionary
            ):
                raise CheckpointError(
                    "the stored Arrow stream has compressed buffers, which planwise does not write"
                )
        with pa.ipc.open_stream(payload) as reader:
            table = reader.read_all()
        for column in table.columns:
            # The full check also holds values against the range of their type. DuckDB goes beyond
            # that of decimals (HUGEINT is a decimal(38, 0)), and what was given is due.
            column.validate(full=not _has_range(column.type))
        return table
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        text = " ".join(str(error).split())
        raise CheckpointError(f"the stored Arrow stream cannot be read: {text}") from error


def _has_range(kind: Any) -> bool:
    """Whether a type, or one inside it, allows fewer values than its bits do."""
    import pyarrow as pa

    is_ = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _has_range(kind.storage_type)
    if is_.is_dictionary(kind):
        return _has_range(kind.value_type)
    if is_.is_decimal(kind) or is_.is_time(kind) or is_.is_date64(kind):
        return True
    return any(_has_range(kind.field(number).type) for number in range(kind.num_fields))


def _is_compressed(flatbuffer: bytes, *, dictionary: bool) -> bool:
    """Whether a message's record batch has the field ``compression`` (Arrow's Message.fbs)."""
    header = _child(flatbuffer, _offset(flatbuffer, 0), 2)
    if header and dictionary:
        header = _child(flatbuffer, header, 1)
    return bool(header) and _field(flatbuffer, header, 3) != 0


def _offset(data: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", data, at)[0])


def _child(data: bytes, table: int, number: int) -> int:
    """Where the table in a field starts; 0 if the field is not there."""
    at = _field(data, table, number)
    return _offset(data, at) if at else 0


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field of a flatbuffer table is; 0 if it is not there."""
    vtable = table - int(struct.unpack_from("<i", data, table)[0])
    slot = 4 + 2 * number
    if slot >= int(struct.unpack_from("<H", data, vtable)[0]):
        return 0
    offset = int(struct.unpack_from("<H", data, vtable + slot)[0])
    return table + offset if offset else 0
