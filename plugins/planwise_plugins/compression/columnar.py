"""Layouts: an Arrow table as bytes that compress well, and back to the bit.

A table goes into Parquet if each of its columns is of a type that Parquet gives back to the bit,
and into an Arrow stream otherwise, or if it has few rows. Parquet's own compression stays off; its
encodings do what a byte compressor cannot: differences of integers, dictionaries of repeated texts,
the bytes of floating-point numbers apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from planwise.api import CheckpointError, write_arrow_stream
from planwise_plugins.compression.bounds import (
    Room,
    arrow_table,
    check_parquet_footer,
    check_text_size,
    is_text,
)
from planwise_plugins.compression.names import ARROW, PARQUET
from planwise_plugins.compression.pages import plain_bytes

PIECE_ROWS: Final = 122_880
"""Rows that are laid out together: a row group of DuckDB, which reads such pieces in parallel."""

FEW_ROWS: Final = 100
"""Up to so many rows an Arrow stream, compressed, is no larger than Parquet, whose footer tells of
each column. It takes a tenth of the time (0.3 ms against 4 ms for 28 columns)."""
_SCHEMA_KEY: Final = "planwise.schema"
_SAMPLE: Final = 1024
_REPEATED: Final = 0.5
_MOST_TEXT_BYTES: Final = 1 << 30
_SLACK_BYTES: Final = 16 << 20


def pieces(table: pa.Table) -> tuple[str, list[pa.Table]]:
    """The layout of a table, and the parts of it that are laid out by themselves.

    Args:
        table: any table.
    """
    if table.num_rows <= FEW_ROWS:
        return ARROW, [table]
    parts = [table.slice(at, PIECE_ROWS) for at in range(0, max(1, table.num_rows), PIECE_ROWS)]
    fits = table.num_columns and all(
        _fits_parquet(column) for part in parts for column in part.columns
    )
    return (PARQUET, parts) if fits else (ARROW, [table])


def encode(piece: pa.Table, layout: str) -> pa.Buffer | bytes:
    """A piece as bytes, the same bytes for the same rows.

    Args:
        piece: of :func:`pieces`.
        layout: ``parquet`` or ``arrow``.
    """
    whole = piece.combine_chunks()
    return _to_parquet(whole) if layout == PARQUET else write_arrow_stream(whole)


def decode(encoded: bytes, layout: str, room: Room) -> pa.Table:
    """The piece of :func:`encode`.

    Args:
        encoded: the bytes.
        layout: ``parquet`` or ``arrow``.
        room: for the table.

    Raises:
        CheckpointError: they are not what they claim to be, or too large.
    """
    try:
        if layout == PARQUET:
            return _from_parquet(encoded, room)
        return arrow_table(encoded, room)
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError, KeyError) as error:
        text = str(error).partition("\n")[0]
        raise CheckpointError(
            f"stored state: its {layout} layout cannot be read: {text}"
        ) from error


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """The table of all its pieces.

    Args:
        tables: at least one.

    Raises:
        CheckpointError: they are not of one table.
    """
    first = tables[0].schema
    if not all(each.schema.equals(first, check_metadata=True) for each in tables):
        raise CheckpointError("stored state: its frames hold pieces of different tables")
    return pa.concat_tables(tables) if len(tables) > 1 else tables[0]


def most_encoded_bytes(raw_bytes: int, limit_bytes: int) -> int:
    """How large a table's encoded bytes may be.

    Args:
        raw_bytes: the table's size in Arrow's buffers, as recorded.
        limit_bytes: the most memory that decoding may take.

    Raises:
        CheckpointError: the recorded size is impossible, or beyond the limit.
    """
    if raw_bytes < 0:
        raise CheckpointError(f"stored state: a recorded size of {raw_bytes} bytes, expected >= 0")
    if raw_bytes > limit_bytes:
        raise CheckpointError(
            f"stored state: {raw_bytes} bytes as a table, more than the {limit_bytes} allowed; "
            "raise the memory limit"
        )
    return most_table_bytes(raw_bytes, limit_bytes)


def most_table_bytes(raw_bytes: int, left_bytes: int) -> int:
    """How large the table may be: about what was recorded, within what is left.

    Args:
        raw_bytes: the table's size in Arrow's buffers, as recorded.
        left_bytes: of the limit, without what is taken already.
    """
    return min(left_bytes, 2 * raw_bytes + _SLACK_BYTES)


def _to_parquet(table: pa.Table) -> pa.Buffer:
    import pyarrow.parquet as pq

    # The names are only for those who open the file with other tools; columns go by position.
    names = table.column_names
    if len(set(names)) != len(names) or not all(name.isidentifier() for name in names):
        names = [f"c{number}" for number in range(table.num_columns)]
    columns = [_as_stored(column) for column in table.columns]
    stored = pa.Table.from_arrays(columns, names=names)
    repeated, encodings = [], {}
    for name, column in zip(names, columns, strict=True):
        if is_text(column.type):
            if _is_repetitive(column):
                repeated.append(name)
            # Otherwise plain: the encodings by prefix and by length compress no better in the
            # order in which DuckDB gives rows back, and cannot be decoded within bounds.
        elif (encoding := _encoding(column.type)) is not None:
            encodings[name] = encoding
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        stored.schema,
        compression="none",
        use_dictionary=repeated,
        column_encoding=encodings or None,
        store_decimal_as_integer=True,
        write_statistics=False,
        store_schema=True,
    ) as writer:
        writer.write_table(stored)
        writer.add_key_value_metadata({_SCHEMA_KEY: table.schema.serialize().to_pybytes()})
    return sink.getvalue()


def _from_parquet(encoded: bytes, room: Room) -> pa.Table:
    import pyarrow.parquet as pq

    source = pa.BufferReader(encoded)
    footer = pq.read_metadata(source)
    schema = pa.ipc.read_schema(pa.py_buffer(footer.metadata[_SCHEMA_KEY.encode()]))
    check_parquet_footer(footer, schema, room)
    # Texts that repeat are read as dictionaries, whose size is bounded by the bytes that are there;
    # how large they are written out is reckoned before they are. Arrow then refuses encodings by
    # prefix. Other texts are read at once, which their pages have to be plain for.
    texts = []
    for number, field in enumerate(schema):
        if is_text(field.type) and _has_dictionary(footer, number):
            texts.append(footer.schema.column(number).path)
        elif is_text(field.type):
            room.take(plain_bytes(encoded, footer, number))
    file = pq.ParquetFile(source, metadata=footer, read_dictionary=texts)
    stored = file.read(use_threads=False)
    check_text_size(stored, room)
    columns = [
        _as_given(column, field.type) for column, field in zip(stored.columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _has_dictionary(footer: Any, number: int) -> bool:
    groups = range(footer.num_row_groups)
    return any(footer.row_group(group).column(number).has_dictionary_page for group in groups)


def _fits_parquet(column: pa.ChunkedArray) -> bool:
    """Whether Parquet gives a column back to the bit: held by the tests, not by its manual."""
    kind, is_ = column.type, pa.types
    if is_text(kind):
        return bool(column.nbytes < _MOST_TEXT_BYTES)
    return bool(
        is_.is_boolean(kind)
        or is_.is_integer(kind)
        or is_.is_date32(kind)
        or is_.is_floating(kind)
        or is_.is_decimal(kind)
        or _integer_view(kind) is not None
        or (is_.is_fixed_size_binary(kind) and kind.byte_width > 0)
    )


def _integer_view(kind: pa.DataType) -> pa.DataType | None:
    """The integer of the same bits, for types whose Parquet form is not to the bit or is unsure."""
    is_ = pa.types
    if is_.is_time32(kind):
        return pa.int32()
    if (
        is_.is_timestamp(kind)
        or is_.is_duration(kind)
        or is_.is_date64(kind)
        or is_.is_time64(kind)
    ):
        return pa.int64()
    return pa.int16() if is_.is_float16(kind) else None


def _as_stored(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = _integer_view(column.type)
    if kind is None:
        return column
    return pa.chunked_array([chunk.view(kind) for chunk in column.chunks], type=kind)


def _as_given(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        # A cast checks, and changes the offsets only: the bytes are those that were stored.
        return column.cast(kind)
    if _integer_view(kind) is not None:
        return pa.chunked_array([chunk.view(kind) for chunk in column.chunks], type=kind)
    return column


def _encoding(kind: pa.DataType) -> str | None:
    is_ = pa.types
    if is_.is_integer(kind) or is_.is_date32(kind):
        return "DELTA_BINARY_PACKED"
    if is_.is_decimal(kind) and kind.precision <= 18:  # stored as an integer then
        return "DELTA_BINARY_PACKED"
    return None if is_.is_boolean(kind) else "BYTE_STREAM_SPLIT"


def _is_repetitive(column: pa.ChunkedArray) -> bool:
    """Whether at most half of an evenly spaced sample are different values."""
    step = max(1, len(column) // _SAMPLE)
    sample = column.take(pa.array(range(0, len(column), step), pa.int64()))
    return len(sample.unique()) <= _REPEATED * len(sample)
