"""The public pair for Arrow streams: each table comes back to the bit, no hostile byte passes."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.api import CheckpointError, read_arrow_stream, write_arrow_stream
from planwise.testing.arrow_columns import FLAT, OTHER, bits
from planwise.testing.arrow_tables import EDGES, make_table, tables

MIB = 1 << 20
EVERY = {**FLAT, **OTHER}
MONEY = pa.array([Decimal("1.50"), None, Decimal(-3), Decimal("0.25")], pa.decimal128(5, 2))
TEXTS = pa.array(["abcdefgh", "ij", None, "klmnopqrstuvwxyz"])
NESTED = {
    "list": pa.ListArray.from_arrays([0, 2, 2, 4], MONEY),
    "large list": pa.LargeListArray.from_arrays([0, 2, 2, 4], MONEY),
    "list view": pa.ListViewArray.from_arrays([2, 0, 0], [2, 2, 0], MONEY),
    "large list view": pa.LargeListViewArray.from_arrays([2, 0, 0], [2, 2, 0], MONEY),
    "fixed size list": pa.FixedSizeListArray.from_arrays(MONEY, 2),
    "map to": pa.array([[("a", Decimal(1))], [], None], pa.map_(pa.string(), MONEY.type)),
    "map from": pa.array([[(Decimal(1), "a")], [], None], pa.map_(MONEY.type, pa.string())),
    "dictionary": MONEY.dictionary_encode(),
    "sparse union": pa.UnionArray.from_sparse(pa.array([0, 1, 0, 1], pa.int8()), [MONEY, TEXTS]),
    "dense union": pa.UnionArray.from_dense(
        pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 1], pa.int32()), [MONEY, TEXTS]
    ),
    "runs": pa.RunEndEncodedArray.from_arrays(pa.array([1, 2, 3, 9], pa.int32()), MONEY),
}
"""Types with decimals in them, whose values are not held against their range."""


def round_trip(table: pa.Table) -> bytes:
    payload = write_arrow_stream(table)
    back = read_arrow_stream(payload, max(len(payload), table.nbytes))
    assert back.schema.equals(table.schema, check_metadata=True)
    assert back.num_rows == table.num_rows
    for one, other in zip(back.columns, table.columns, strict=True):
        assert bits(one) == bits(other)
    return payload


def refused(payload: bytes, said: str, limit_bytes: int = MIB) -> None:
    with pytest.raises(CheckpointError, match=rf"^the stored Arrow stream {said}") as caught:
        read_arrow_stream(payload, limit_bytes)
    assert "\n" not in str(caught.value)


def with_offset(table: pa.Table, found: bytes, place: int, value: bytes) -> bytes:
    """The stream of a table with a few bytes of one of its buffers replaced."""
    stream = bytearray(write_arrow_stream(table))
    at = stream.index(found) + place
    stream[at : at + len(value)] = value
    return bytes(stream)


@given(tables())
def test_a_table_comes_back_to_the_bit(table: pa.Table) -> None:
    payload = round_trip(table)
    # What planwise stored before there was this function is what it stores.
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert payload == sink.getvalue().to_pybytes()


@settings(max_examples=5)
@given(data=st.data())
def test_every_type_comes_back_to_the_bit_alone_and_beside_a_decimal(data: st.DataObject) -> None:
    for column in EVERY.values():
        array = data.draw(column)
        round_trip(pa.table({"a": array}))
        money = pa.nulls(len(array), MONEY.type)
        round_trip(pa.table({"a": pa.StructArray.from_arrays([money, array], names=["m", "a"])}))


@pytest.mark.parametrize("kind", NESTED)
def test_what_has_decimals_inside_comes_back(kind: str) -> None:
    array = NESTED[kind]
    beside = pa.StructArray.from_arrays([array, pa.array(range(len(array)))], names=["a", "n"])
    for each in (array, beside):
        table = pa.table({"a": each})
        assert read_arrow_stream(write_arrow_stream(table), MIB).equals(table)


@pytest.mark.parametrize("edge", EDGES)
def test_tables_at_the_edges_come_back(edge: str) -> None:
    round_trip(EDGES[edge]())


def test_numbers_of_duckdb_beyond_what_arrow_takes_for_their_range_come_back() -> None:
    with duckdb.connect() as connection:
        table = make_table(connection)
    with pytest.raises(pa.ArrowInvalid, match="does not fit in precision"):
        table.validate(full=True)
    round_trip(table)


def test_the_table_uses_the_memory_of_what_it_is_read_from() -> None:
    payload = pa.py_buffer(write_arrow_stream(pa.table({"a": range(100_000)})))
    before = pa.total_allocated_bytes()
    table = read_arrow_stream(payload, MIB)
    assert table.num_rows == 100_000
    assert pa.total_allocated_bytes() == before


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
@pytest.mark.parametrize("dictionary", [False, True])
def test_a_stream_that_unfolds_is_refused_before_it_does(codec: str, dictionary: bool) -> None:
    zeros = pa.array(["x" * 1_000] * 30_000)
    table = pa.table({"a": zeros.dictionary_encode() if dictionary else zeros})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    before = pa.total_allocated_bytes()
    refused(sink.getvalue().to_pybytes(), "has compressed buffers; ")
    assert pa.total_allocated_bytes() == before


def as_arrow_0_17_compressed(size: int) -> bytes:
    """One column whose buffer is said to be compressed by the metadata of its message alone."""
    zeros = pa.Codec("zstd").compress(bytes(size), asbytes=True)
    space = 8 + -len(zeros) % 8  # a frame that zstd skips, since Arrow pads the buffer
    data = struct.pack("<q", size) + zeros + struct.pack("<II", 0x184D2A50, space - 8)
    data += bytes(space - 8)
    column = pa.Array.from_buffers(pa.int64(), len(data) // 8, [None, pa.py_buffer(data)])
    batch = pa.record_batch([column], names=["a"])
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch, custom_metadata={"ARROW:experimental_compression": "zstd"})
    return sink.getvalue()


def test_a_stream_that_unfolds_as_that_of_an_old_arrow_is_refused_too() -> None:
    bomb = as_arrow_0_17_compressed(64 * MIB)
    assert len(bomb) < MIB // 16
    before = pa.total_allocated_bytes()
    table = pa.ipc.open_stream(bomb).read_all()  # what the check is there for
    assert pa.total_allocated_bytes() - before >= 64 * MIB
    del table
    before = pa.total_allocated_bytes()
    refused(bomb, "is of an old version of the format")
    assert pa.total_allocated_bytes() == before


TEXT_OFFSETS = struct.pack("<5i", 0, 8, 10, 10, 26)
LIST_OFFSETS = struct.pack("<4i", 0, 2, 2, 4)
FAR = struct.pack("<i", 999_999)


@pytest.mark.parametrize(
    ("array", "found", "value"),
    [
        (TEXTS, TEXT_OFFSETS, FAR),
        (TEXTS, TEXT_OFFSETS, struct.pack("<i", -8)),
        (NESTED["list"], LIST_OFFSETS, FAR),
        (pa.ListArray.from_arrays([0, 2, 2, 4], TEXTS), LIST_OFFSETS, FAR),
        (pa.ListArray.from_arrays([0, 2, 2, 4], TEXTS), TEXT_OFFSETS, FAR),
        (
            pa.StructArray.from_arrays([MONEY, TEXTS], names=["m", "t"]),
            TEXT_OFFSETS,
            FAR,
        ),
        (NESTED["sparse union"], TEXT_OFFSETS, FAR),
        (NESTED["dense union"], struct.pack("<3i", 0, 0, 1), FAR),
        (NESTED["list view"], struct.pack("<3i", 2, 0, 0), FAR),
        (NESTED["dictionary"], struct.pack("<4i", 0, 0, 1, 2), bytes(4) + FAR),  # after a NULL
        (NESTED["runs"], struct.pack("<4i", 1, 2, 3, 9), FAR),
        (TEXTS.dictionary_encode(), struct.pack("<4i", 0, 1, 0, 2), FAR),
    ],
    ids=lambda each: str(each.type) if isinstance(each, pa.Array) else "",
)
def test_offsets_and_indices_that_point_outside_are_refused(
    array: pa.Array, found: bytes, value: bytes
) -> None:
    table = pa.table({"a": array})
    assert read_arrow_stream(write_arrow_stream(table), MIB).equals(table)
    refused(with_offset(table, found, 4, value), "cannot be read: ")


def small() -> pa.Table:
    cut = pa.chunked_array([TEXTS.slice(0, 2), TEXTS.slice(2)])
    return pa.table({"t": cut, "m": MONEY, "d": TEXTS.dictionary_encode()})


def test_a_stream_that_is_cut_or_goes_on_is_refused_wherever_it_is() -> None:
    payload = write_arrow_stream(small())
    for length in range(len(payload)):
        refused(payload[:length], "cannot be read: ")
    for more in (b"\0", payload[-8:], bytes(8), payload, bytes(1000)):
        refused(payload + more, "cannot be read: there is something after its end")
    # Arrow takes a stream for whole that ends before its last rows.
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, small().schema) as writer:
        writer.write_table(small())
        last = sink.tell()
        writer.write_table(small())
    lacking = sink.getvalue()[:last]
    assert pa.ipc.open_stream(lacking).read_all().num_rows == 4
    refused(lacking, "cannot be read: it is cut short")


def test_a_flipped_bit_is_refused_or_gives_a_table_that_can_be_read() -> None:
    payload = write_arrow_stream(small())
    passed = []
    for place in range(len(payload)):
        damaged = bytearray(payload)
        damaged[place] ^= 1 << place % 8
        with suppress(CheckpointError):
            passed.append(text_of(read_arrow_stream(bytes(damaged), MIB)))
    assert 0 < len(passed) < len(payload)
    assert len(set(passed)) > 1


def text_of(table: pa.Table) -> str:
    """Every value, through Arrow's own reading of what was let through."""
    try:
        return table.to_string(preview_cols=100)
    except (ValueError, OverflowError) as error:  # no UTF-8, no calendar has such a day
        return str(error)


@pytest.mark.parametrize("payload", [b"", b"no stream", bytes(64), b"\xff\xff\xff\xff\0\0\0\0"])
def test_what_is_no_stream_is_refused(payload: bytes) -> None:
    refused(payload, "cannot be read: ")


def test_more_than_the_limit_is_refused_as_bytes_and_as_a_table() -> None:
    payload = write_arrow_stream(small())
    refused(payload, f"has {len(payload)} bytes, more than the 100 allowed", 100)
    # Chunks share a dictionary in the stream, and whoever takes each by itself has it many times.
    words = pa.array(["x" * 1_000 + str(number) for number in range(100)])
    chunk = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int8()), words)
    table = pa.table({"a": pa.chunked_array([chunk] * 50)})
    shared = write_arrow_stream(table)
    assert len(shared) < table.nbytes / 10
    assert read_arrow_stream(shared, table.nbytes).equals(table)
    refused(shared, rf"has {table.nbytes} bytes as a table, more than the", table.nbytes - 1)


def test_what_is_no_bytes_is_the_callers_mistake() -> None:
    nothing: Any = None
    with pytest.raises(TypeError):
        read_arrow_stream(nothing, MIB)
