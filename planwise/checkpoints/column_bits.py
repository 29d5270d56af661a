"""Columns as what they are made of: integers or bytes of the same bits, equal only if every bit is.

Arrow's own comparison takes -0.0 for 0.0 and NaN for different from NaN, and its arithmetic refuses
decimals that grow. On the integers underneath, both are exact.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from planwise.errors import CheckpointError

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLE: Final = 4096


def whole(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece, without its extension type.

    Args:
        column: of any type.

    Raises:
        CheckpointError: it does not fit one array: texts of more than 2 GiB, or dictionaries that
            differ.
    """
    import pyarrow as pa

    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        raise CheckpointError(f"a column of type {column.type} does not fit one array")
    while isinstance(array, pa.ExtensionArray):
        array = array.storage
    return array


def storage(kind: pa.DataType) -> pa.DataType:
    """The type below an extension type; any other type itself."""
    import pyarrow as pa

    while isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return kind


def carrier(kind: pa.DataType) -> pa.DataType | None:
    """The plain type of the same bits; None of types that have parts or values outside the column.

    Args:
        kind: no extension type.
    """
    import pyarrow as pa

    is_ = pa.types
    if is_.is_boolean(kind):
        return kind
    if is_.is_string(kind) or is_.is_binary(kind):
        return pa.binary()
    if is_.is_large_string(kind) or is_.is_large_binary(kind):
        return pa.large_binary()
    if is_.is_fixed_size_binary(kind) and not is_.is_decimal(kind):
        return kind if kind.byte_width else None
    if is_.is_primitive(kind) or is_.is_decimal(kind):
        integers = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
        return integers.get(kind.bit_width, pa.binary(kind.bit_width // 8))
    return None


def reinterpret(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """The same buffers under another type of the same layout; nothing is copied.

    Args:
        array: of a type that has a :func:`carrier`, or is one.
        kind: the other, which may be an extension type.
    """
    import pyarrow as pa

    if array.type == kind:
        return array
    plain = storage(kind)
    if array.type != plain:
        array = pa.Array.from_buffers(plain, len(array), array.buffers(), offset=array.offset)
    kinds = []
    while isinstance(kind, pa.BaseExtensionType):
        kinds.append(kind)
        kind = kind.storage_type
    for each in reversed(kinds):
        array = pa.ExtensionArray.from_storage(each, array)
    return array


def changed(old: pa.Array, new: pa.Array) -> pa.Array | None:
    """Where two columns of one carrier type differ, as booleans; None if nowhere.

    Args:
        old, new: of one length.
    """
    import pyarrow.compute as pc

    if old.equals(new):
        return None
    differ = pc.not_equal(old, new)
    if old.null_count or new.null_count:
        differ = pc.or_(pc.fill_null(differ, False), pc.xor(old.is_valid(), new.is_valid()))
    return differ


def same_bytes(old: pa.Array, new: pa.Array) -> bool:
    """Whether two columns of any type are written alike; those that are hold the same values.

    Args:
        old, new: of one type.
    """
    return bool(_written(old).equals(_written(new)))


def _written(array: pa.Array) -> pa.Buffer:
    import pyarrow as pa

    batch = pa.record_batch([array], names=[""])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def as_integers(array: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Values whose differences mean something, as signed integers; None if they have no such.

    Args:
        array: the column as its carrier.
        kind: its own type, no extension type.
    """
    import pyarrow as pa

    kind = step_type(kind)
    if kind is None or kind == array.type:
        return array if kind is not None else None
    try:  # a decimal of 128 bits
        return reinterpret(array, pa.decimal128(38, 0)).cast(kind)
    except pa.ArrowInvalid:  # beyond 64 bits
        return None


def from_integers(integers: pa.Array, carried: pa.DataType) -> pa.Array:
    """The other way round.

    Args:
        integers: of :func:`as_integers`, or sums of such.
        carried: the carrier of the column.
    """
    import pyarrow as pa

    if integers.type == carried:
        return integers
    return reinterpret(integers.cast(pa.decimal128(19, 0)), carried)


def step_type(kind: pa.DataType) -> pa.DataType | None:
    """The type of :func:`as_integers`; None of types that have no such.

    Args:
        kind: no extension type.
    """
    import pyarrow as pa

    if pa.types.is_decimal128(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_interval(kind):
        return None
    carried = carrier(kind)
    return carried if carried is not None and pa.types.is_integer(carried) else None


def check_offsets(array: pa.Array) -> None:
    """Refuse offsets and indices that point outside their buffers.

    Args:
        array: as it was read.

    Raises:
        pyarrow.ArrowInvalid: it has such.
    """
    while hasattr(array, "storage"):
        array = array.storage
    array.validate()  # sizes of buffers, before they are looked at under another type
    carried = carrier(array.type)
    if carried is not None:
        # As bytes: whether a text is UTF-8 is not asked, what was given is due.
        reinterpret(array, carried).validate(full=True)
        return
    # The full check also holds values against the range of their type, which DuckDB goes beyond
    # with decimals.
    array.validate(full=not _has_range(array.type))


def _has_range(kind: pa.DataType) -> bool:
    """Whether a type, or one inside it, allows fewer values than its bits do."""
    import pyarrow as pa

    kind, is_ = storage(kind), pa.types
    if is_.is_dictionary(kind):
        return _has_range(kind.value_type)
    if is_.is_decimal(kind) or is_.is_time(kind) or is_.is_date64(kind):
        return True
    return any(_has_range(kind.field(number).type) for number in range(kind.num_fields))


def bits_of_a_value(array: pa.Array) -> float:
    """About how many bits a value takes once neighbours are stored as differences.

    An estimate to choose by: from a stretch in the middle.

    Args:
        array: integers, bytes or booleans; may be empty.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    sample = array.slice(max(0, len(array) - _SAMPLE) // 2, _SAMPLE).drop_null()
    share = len(sample) / min(max(len(array), 1), _SAMPLE)
    nulls = 0.0 if share in (0, 1) else 1.0
    if len(sample) < 2:
        return nulls if share < 1 else 8.0
    if pa.types.is_boolean(sample.type):
        return 1.0
    different = len(sample.unique())
    # Of values of which most occur once, a sample says nothing about how many there are.
    repeated = 2 * different <= len(sample)
    by_dictionary = 0.1 + pc.log2(pa.scalar(float(different))).as_py() if repeated else math.inf
    if pa.types.is_integer(sample.type):
        values = sample.cast(pa.float64(), safe=False)
        steps = pc.abs(pc.subtract(values.slice(1), values.slice(0, len(values) - 1)))
        by_itself = pc.mean(pc.log2(pc.add(steps, 1.0))).as_py() + 1
    else:
        by_itself = 8.0 * (pc.mean(pc.binary_length(sample)).as_py() + 1)
    return float(nulls + share * min(by_dictionary, by_itself))
