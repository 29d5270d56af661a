"""Bounds: what a decoder would allocate, reckoned before it does."""

from __future__ import annotations

import struct
from threading import Lock
from typing import Any, Final

import pyarrow as pa

from planwise.api import CheckpointError

_ENCODINGS: Final = frozenset({
    "PLAIN", "RLE", "RLE_DICTIONARY", "PLAIN_DICTIONARY", "BIT_PACKED", "DELTA_BINARY_PACKED",
    "BYTE_STREAM_SPLIT",
})  # fmt: skip
_INDEX_BITS: Final = 32


class Room:
    """How much the table may still take that is being put together, in several threads.

    Args:
        most_bytes: how large it may be as a whole.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most, self._taken, self._lock = most_bytes, 0, Lock()

    def take(self, size: int) -> None:
        """Reserve bytes before they are allocated.

        Args:
            size: how many.

        Raises:
            CheckpointError: there are not that many left.
        """
        with self._lock:
            self._taken += size
            if self._taken > self._most:
                raise CheckpointError(
                    f"stored state: {self._taken} bytes as a table, more than the {self._most} "
                    "that fit its recorded size and the memory limit"
                )


def is_text(kind: pa.DataType) -> bool:
    """Whether values have lengths of their own: text or bytes."""
    is_ = pa.types
    return bool(
        is_.is_string(kind)
        or is_.is_large_string(kind)
        or is_.is_binary(kind)
        or is_.is_large_binary(kind)
    )


def check_parquet_footer(footer: Any, schema: pa.Schema, room: Room) -> None:
    """Hold a Parquet footer against its schema and the limit.

    Run lengths let a few bytes stand for any number of rows, so the rows of the footer, which the
    reader does not go beyond, are multiplied with the width of a row. A text counts as the index
    into a dictionary that it is read as.

    Args:
        footer: the file's metadata.
        schema: the schema of the table that is to come out.
        room: for that table.

    Raises:
        CheckpointError: it says something that planwise does not write, or is too large.
    """
    if footer.num_columns != len(schema):
        raise CheckpointError(f"stored state: {footer.num_columns} columns, expected {len(schema)}")
    for number, field in enumerate(schema):
        _check_shape(footer.schema.column(number), field)
    for group in range(footer.num_row_groups):
        for number in range(footer.num_columns):
            chunk = footer.row_group(group).column(number)
            odd = sorted(set(chunk.encodings) - _ENCODINGS)
            if odd or chunk.compression != "UNCOMPRESSED":
                what = odd[0] if odd else chunk.compression
                raise CheckpointError(
                    f"stored state: column '{schema.field(number).name}' is stored as {what}, "
                    "which planwise does not write"
                )
    bits = sum(_bits(field.type) for field in schema)
    room.take(footer.num_rows * bits // 8)


def _check_shape(stored: Any, field: pa.Field) -> None:
    """Refuse a column that holds more, or wider, values than its type says."""
    wide = stored.physical_type == "FIXED_LEN_BYTE_ARRAY" and 8 * stored.length > _bits(field.type)
    texts = (stored.physical_type == "BYTE_ARRAY") == is_text(field.type)
    if wide or not texts or stored.max_repetition_level or stored.max_definition_level > 1:
        raise CheckpointError(
            f"stored state: column '{field.name}' is stored as {stored.physical_type}, which does "
            f"not hold its type {field.type}"
        )


def check_text_size(stored: pa.Table, room: Room) -> None:
    """Reckon how many bytes the texts of a table take once they are written out.

    Args:
        stored: the table as read, texts as dictionaries.
        room: for the table that is to come out.

    Raises:
        CheckpointError: there is not enough.
    """
    import pyarrow.compute as pc  # 0.1 s, which tables of few rows, read without this, save

    for column in stored.columns:
        if not pa.types.is_dictionary(column.type):
            continue
        for chunk in column.chunks:
            lengths = pc.binary_length(chunk.dictionary)
            counts = pc.value_counts(chunk.indices)
            used, times = counts.field("values"), counts.field("counts")
            texts = pc.multiply_checked(pc.take(lengths, used).cast(pa.int64()), times)
            room.take(pc.sum(texts).as_py() or 0)


def check_arrow_messages(encoded: bytes) -> None:
    """Refuse an Arrow stream whose buffers are compressed once more: their size would be unbound.

    Args:
        encoded: the stream.

    Raises:
        CheckpointError: it has such a buffer.
        pyarrow.ArrowException: it is not an Arrow stream.
    """
    for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(encoded)):
        dictionary = message.type == "dictionary"
        if (dictionary or message.type == "record batch") and _is_compressed(
            message.metadata.to_pybytes(), dictionary=dictionary
        ):
            raise CheckpointError(
                "stored state: Arrow buffers that are compressed, which planwise does not write"
            )


def check_arrow_values(table: pa.Table) -> None:
    """Refuse offsets and indices that point outside their buffers.

    Args:
        table: as read from a stream.

    Raises:
        pyarrow.ArrowInvalid: it has such a column.
    """
    for column in table.columns:
        # Arrow's full check also holds values against the range of their type. DuckDB itself
        # goes beyond that of decimals (HUGEINT is a decimal(38, 0)), and what was given is due.
        column.validate(full=not _has_range(column.type))


def _has_range(kind: pa.DataType) -> bool:
    """Whether a type, or one inside it, allows fewer values than its bits do."""
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
    try:
        message = _offset(flatbuffer, 0)
        header = _child(flatbuffer, message, 2)
        if header and dictionary:
            header = _child(flatbuffer, header, 1)
        return bool(header) and _field(flatbuffer, header, 3) != 0
    except struct.error as error:
        raise CheckpointError("stored state: an Arrow message that is cut short") from error


def _offset(data: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", data, at)[0])


def _child(data: bytes, table: int, field: int) -> int:
    """Where the table in a field starts; 0 if the field is not there."""
    at = _field(data, table, field)
    return _offset(data, at) if at else 0


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field of a flatbuffer table is; 0 if it is not there."""
    vtable = table - int(struct.unpack_from("<i", data, table)[0])
    slot = 4 + 2 * number
    if slot >= int(struct.unpack_from("<H", data, vtable)[0]):
        return 0
    offset = int(struct.unpack_from("<H", data, vtable + slot)[0])
    return table + offset if offset else 0


def _bits(kind: pa.DataType) -> int:
    """Bits of a value in Arrow's buffers, validity counted, bytes of texts not."""
    try:
        return int(kind.bit_width) + 1
    except ValueError:  # texts have no width of their own
        return _INDEX_BITS + 1
