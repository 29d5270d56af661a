"""Bounds: what a decoder would allocate, reckoned before it does."""

from __future__ import annotations

from threading import Lock
from typing import Any, Final

import pyarrow as pa

from planwise.api import CheckpointError, read_arrow_stream

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

    @property
    def most_bytes(self) -> int:
        """How large the table may be as a whole."""
        return self._most

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


def arrow_table(encoded: bytes, room: Room) -> pa.Table:
    """The table of an Arrow stream. It takes no room: it is in the bytes that are there already.

    Args:
        encoded: the stream, held against the limit before.
        room: for tables, which this one may not be larger than either.

    Raises:
        CheckpointError: it is not what planwise writes.
    """
    try:
        return read_arrow_stream(encoded, max(len(encoded), room.most_bytes))
    except CheckpointError as error:
        raise CheckpointError(f"stored state: its arrow layout: {error}") from error


def _bits(kind: pa.DataType) -> int:
    """Bits of a value in Arrow's buffers, validity counted, bytes of texts not."""
    try:
        return int(kind.bit_width) + 1
    except ValueError:  # texts have no width of their own
        return _INDEX_BITS + 1
