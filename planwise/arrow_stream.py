"""Tables as uncompressed Arrow streams: written, and read within bounds.

Arrow's reader trusts a stream: compressed buffers grow to any size, and offsets may point outside
their buffers. Both are refused here, so that a table is no larger than the bytes that it is in.
It is the layout of a state that no codec compresses, and what a codec of a plugin may begin with.
"""

from __future__ import annotations

import io
import struct
from typing import Any, Final

from planwise.errors import CheckpointError

_END: Final = b"\xff\xff\xff\xff\0\0\0\0"
"""What ends a stream. Arrow takes the end of the bytes for one as well: then rows may be lost."""
_UNREADABLE: Final = "the stored Arrow stream cannot be read: "


def write_arrow_stream(table: Any) -> bytes:
    """A table as an uncompressed Arrow stream, the layout of a state that no codec compresses.

    pyarrow is imported here and not before, since every start of planwise would pay for it.

    Args:
        table: a ``pyarrow.Table``.
    """
    import pyarrow as pa

    sink = io.BytesIO()  # hands out what was written without another copy of it
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def read_arrow_stream(payload: bytes, limit_bytes: int) -> Any:
    """The ``pyarrow.Table`` of :func:`write_arrow_stream`, however hostile the bytes are.

    Nothing is unfolded: the table uses the memory of the bytes. Buffers that are compressed inside
    the stream, offsets and indices that point outside, a stream that is cut short and bytes after
    its end are refused.

    Args:
        payload: the stream: bytes, or anything with a buffer of them that nobody changes, such as
            a ``pyarrow.Buffer``.
        limit_bytes: how many bytes the stream, and the table in Arrow's buffers, may have at the
            most.

    Raises:
        CheckpointError: the bytes are not what that function writes, or are too many.
    """
    import pyarrow as pa

    try:
        content = pa.py_buffer(payload)
        _check_size("", content.size, limit_bytes)
        _check_messages(content)
        with pa.ipc.open_stream(content) as reader:
            table = reader.read_all()
        for column in table.columns:
            _check_column(column)
        _check_size(" as a table", table.nbytes, limit_bytes)
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        text = " ".join(str(error).split())
        raise CheckpointError(f"{_UNREADABLE}{text}") from error
    return table


def _check_size(what: str, size: int, limit: int) -> None:
    if size > limit:
        raise CheckpointError(
            f"the stored Arrow stream has {size} bytes{what}, more than the {limit} allowed"
        )


def _check_messages(content: Any) -> None:
    """Look at each message of a stream before Arrow reads what is in it."""
    import pyarrow as pa

    source = pa.BufferReader(content)
    messages = pa.ipc.MessageReader.open_stream(source)
    while True:
        at = source.tell()
        try:
            message = messages.read_next_message()
        except StopIteration:
            break
        # Arrow 0.17 said in a message's own metadata that it is compressed, which readers of
        # today still believe if the message is of that version.
        if message.metadata_version != pa.ipc.MetadataVersion.V5:
            raise CheckpointError(
                "the stored Arrow stream is of an old version of the format, which planwise does "
                "not write"
            )
        dictionary = message.type == "dictionary"
        if (dictionary or message.type == "record batch") and _is_compressed(
            message.metadata.to_pybytes(), dictionary=dictionary
        ):
            raise CheckpointError(
                "the stored Arrow stream has compressed buffers; Arrow buffers that are compressed "
                "unfold without bound, and planwise writes none"
            )
    if not content.slice(at).equals(pa.py_buffer(_END)):
        what = "it is cut short" if at == content.size else "there is something after its end"
        raise CheckpointError(f"{_UNREADABLE}{what}")


def _check_column(column: Any) -> None:
    """Refuse offsets and indices that point outside, at any depth.

    The full check also holds values against the range of their type. DuckDB goes beyond that of
    decimals (HUGEINT is a decimal(38, 0)), and what was given is due: so it is made of the bits.
    """
    bits = _as_bits(column.type)
    if bits == column.type:
        column.validate(full=True)
        return
    column.validate()
    for chunk in column.chunks:
        chunk.view(bits).validate(full=True)


def _as_bits(kind: Any) -> Any:
    """A type of the same layout all of whose bits are values: no decimals, no times of the day."""
    import pyarrow as pa

    is_ = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _as_bits(kind.storage_type)
    if is_.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _as_bits(kind.value_type), kind.ordered)
    if is_.is_run_end_encoded(kind):
        return pa.run_end_encoded(kind.run_end_type, _as_bits(kind.value_type))
    if is_.is_decimal(kind):
        return pa.binary(kind.bit_width // 8)
    if is_.is_time32(kind):
        return pa.int32()
    if is_.is_time64(kind) or is_.is_date64(kind):
        return pa.int64()
    inner = [
        pa.field(each.name, _as_bits(each.type), each.nullable)
        for each in (kind.field(number) for number in range(kind.num_fields))
    ]
    if is_.is_struct(kind):
        return pa.struct(inner)
    if is_.is_union(kind):
        return pa.union(inner, kind.mode, kind.type_codes)
    if is_.is_map(kind):
        return pa.map_(*inner[0].type, kind.keys_sorted)
    if is_.is_fixed_size_list(kind):
        return pa.list_(inner[0], kind.list_size)
    lists = (
        (is_.is_list, pa.list_),
        (is_.is_large_list, pa.large_list),
        (is_.is_list_view, pa.list_view),
        (is_.is_large_list_view, pa.large_list_view),
    )
    return next((make(inner[0]) for is_kind, make in lists if is_kind(kind)), kind)


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
