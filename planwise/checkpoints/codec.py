"""Tables as bytes and back: through the plugin that compresses states, or as they are."""

from __future__ import annotations

from typing import Any, Final

from planwise.answers import UNCOMPRESSED
from planwise.arrow_stream import read_arrow_stream, write_arrow_stream
from planwise.errors import CheckpointError, UnknownCodecError
from planwise.relay import Relay
from planwise.values import CompressedState, StateTable

HEADROOM_BYTES: Final = 64 * 1024 * 1024
"""What decoding may take beyond twice the table's size."""


def compress(state: StateTable, relay: Relay) -> tuple[CompressedState, str]:
    """A state table as bytes, and the name of the plugin that made them ('' without one)."""
    answer = relay.compress_state(state)
    if answer is not None:
        return answer
    return CompressedState(UNCOMPRESSED, write_arrow_stream(state.table), state.table.nbytes), ""


def restore(blob: CompressedState, relay: Relay, *, written_by: str) -> Any:
    """The table of a blob whose checksum holds.

    Raises:
        CheckpointError: the codec is not there, or the bytes are not what they claim to be.
        PluginError: the codec misbehaves.
    """
    import pyarrow as pa

    limit = 2 * blob.raw_bytes + HEADROOM_BYTES
    if len(blob.payload) > limit:
        raise CheckpointError(
            f"codec '{blob.codec}' of plugin '{written_by}' has {len(blob.payload)} bytes for a "
            f"table of {blob.raw_bytes}, expected {limit} at the most"
        )
    if blob.codec == UNCOMPRESSED:
        return read_arrow_stream(blob.payload, limit)
    table = relay.restore_state(blob, limit, written_by=written_by)
    if not issubclass(type(table), pa.Table):  # an object may say that it is of another class
        raise CheckpointError(
            f"hook 'restore_state': codec '{blob.codec}' of plugin '{written_by}' gives back a "
            f"{type(table).__name__}, and no pyarrow.Table; switch it off with --no-{written_by}"
        )
    return table


def verify(state: StateTable, blob: CompressedState, plugin: str, relay: Relay) -> Any:
    """The table that a blob gives back, once it is known to be the one that was given.

    Raises:
        CheckpointError: it is another one.
        PluginError: the codec misbehaves.
    """
    try:
        table = restore(blob, relay, written_by=plugin)
    except UnknownCodecError:  # also to the plugin that has just written it
        table = None
    if table is None or not same_table(table, state.table):
        raise CheckpointError(
            f"{state.name}: hook 'restore_state': codec '{blob.codec}' of plugin "
            f"'{plugin or 'none'}' does not give back what it was given; switch it off with "
            f"--no-{plugin}"
        )
    return table


def same_table(left: Any, right: Any) -> bool:
    """Whether two tables are the same to the bit, their schemas included."""
    return bool(left.schema.equals(right.schema)) and bit_equal(left, right)


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
